// durableObjectStorage in workerd, the program that Cloudflare runs: the contract, a provider over it, and kill -9 while
// memories are stored.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import workerd from 'workerd';

const root = path.resolve(import.meta.dirname, '../..');
let folder;
let running;

const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "main", worker = .worker), (name = "disk", disk = (path = "disk", writable = true)) ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = "main") ]
);
const worker :Workerd.Worker = (
  modules = [
    (name = "worker.mjs", esModule = embed "worker.mjs"),
    (name = "agent-memory.wasm", wasm = embed "agent-memory.wasm")
  ],
  compatibilityDate = "2026-04-01",
  durableObjectNamespaces = [ (className = "Memories", uniqueKey = "memories", enableSql = true) ],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [ (name = "MEMORIES", durableObjectNamespace = "Memories") ]
);
`;

/** Starts it over the folder's disk; `ask(path)` fetches JSON. */
async function start() {
  const child = spawn(workerd.default ?? workerd, ['serve', 'config.capnp', '--control-fd=3'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (words += text));
  const port = await new Promise((resolve, reject) => {
    let said = '';
    child.stdio[3].setEncoding('utf8').on('data', (text) => {
      said += text;
      const match = /"port":(\d+)/.exec(said);
      if (match) resolve(Number(match[1]));
    });
    child.once('exit', () => reject(new Error(`workerd ended: ${words}`)));
  });
  return {
    ask: async (where) => (await fetch(`http://127.0.0.1:${port}/${where}`)).json(),
    async kill() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'agent-memory-workerd-'));
  await mkdir(path.join(folder, 'disk'));
  await writeFile(path.join(folder, 'config.capnp'), config);
  await copyFile(path.join(root, 'dist/agent-memory.wasm'), path.join(folder, 'agent-memory.wasm'));
  await build({
    entryPoints: [path.join(root, 'tests/runtimes/durable-object-worker.mjs')],
    outfile: path.join(folder, 'worker.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:workers', '*.wasm'],
    logLevel: 'warning',
  });
  running = await start();
});

after(async () => {
  await running?.kill();
  await rm(folder, { recursive: true, force: true });
});

test('durable object: the storage contract holds, plain and encrypted', async (t) => {
  const results = await running.ask('contract-object/contract');
  assert.ok(results.length > 90, JSON.stringify(results).slice(0, 2_000));
  for (const { name, error } of results) await t.test(name, () => assert.equal(error, undefined));
});

test('durable object: a large value lies in rows below the limit of 2 MB', async () => {
  const rows = await running.ask('large/rows');
  assert.deepEqual(rows, Array(5).fill([1 << 20]));
});

test('durable object: a batch that fails half way changes nothing', async () => {
  const { failure, left } = await running.ask('atomic/atomic');
  assert.equal(failure.code, 'storage');
  assert.match(failure.message, /^durable object: write failed: .*the second part failed/);
  assert.deepEqual(left, [['kept', [1]]]);
});

test('durable object: objects keep memories apart, and across a restart', async () => {
  await running.ask('ada/store/I keep bees');
  await running.ask('ben/store/I keep wasps');
  await running.kill();
  running = await start();
  assert.deepEqual(await running.ask('ada/list'), ['I keep bees']);
  assert.deepEqual(await running.ask('ben/list'), ['I keep wasps']);
  assert.equal((await running.ask('ada/search/bees')).length, 1);
});

test('durable object: killed at a random moment while it stores, it has all that was acknowledged', async () => {
  const acknowledged = [];
  for (let round = 0; round < 8; round++) {
    let isKilled = false;
    const storing = (async () => {
      for (let turn = 0; !isKilled; turn++) {
        const text = `round ${round} turn ${turn}`;
        const [{ event }] = await running.ask(`killed/store/${text}`);
        assert.equal(event, 'ADD');
        acknowledged.push(text);
      }
    })().catch((error) => assert.ok(isKilled, `${error}`));
    await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 200));
    isKilled = true;
    await running.kill();
    await storing;
    running = await start();
    const found = new Set(await running.ask('killed/list'));
    for (const text of acknowledged) assert.ok(found.has(text), text);
    assert.ok(found.size <= acknowledged.length + round + 1);
  }
  assert.ok(acknowledged.length > 8);
});
