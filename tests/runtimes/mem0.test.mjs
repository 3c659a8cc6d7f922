// Mem0Provider in workerd, the program that Cloudflare runs, against a server on loopback.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import workerd from 'workerd';
import { hasOpenApi, startMem0 } from '../js/support/mem0-server.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const skip = hasOpenApi ? false : 'the vendor’s OpenAPI does not lie beside the project';
let folder;
let child;
let server;
let port;

const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["private", "local"]))
  ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = "main") ]
);
const worker :Workerd.Worker = (
  modules = [
    (name = "worker.mjs", esModule = embed "worker.mjs"),
    (name = "agent-memory-mem0.wasm", wasm = embed "agent-memory-mem0.wasm")
  ],
  compatibilityDate = "2025-01-01"
);
`;

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'agent-memory-workerd-'));
  await writeFile(path.join(folder, 'config.capnp'), config);
  const wasm = 'agent-memory-mem0.wasm';
  await copyFile(path.join(root, 'dist', wasm), path.join(folder, wasm));
  await build({
    entryPoints: [path.join(root, 'tests/runtimes/mem0-worker.mjs')],
    outfile: path.join(folder, 'worker.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['*.wasm'],
    logLevel: 'warning',
  });
  server = await startMem0({ pendingPolls: 1 });
  child = spawn(workerd.default ?? workerd, ['serve', 'config.capnp', '--control-fd=3'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (words += text));
  port = await new Promise((resolve, reject) => {
    let said = '';
    child.stdio[3].setEncoding('utf8').on('data', (text) => {
      said += text;
      const match = /"port":(\d+)/.exec(said);
      if (match) resolve(Number(match[1]));
    });
    child.once('exit', () => reject(new Error(`workerd ended: ${words}`)));
  });
});

after(async () => {
  if (child && child.exitCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

test(
  'in workerd it stores, finds and deletes, in one request after another',
  { skip },
  async () => {
    for (let round = 0; round < 2; round++) {
      const where = `http://127.0.0.1:${port}/?${new URLSearchParams({ url: server.url, key: server.key })}`;
      const answer = await fetch(where);
      assert.equal(answer.status, 200, await answer.clone().text());
      const { stored, found, ...rest } = await answer.json();
      assert.equal(stored.memory, 'Fact: I like green tea.');
      assert.equal(found.id, stored.id);
      assert.deepEqual(rest, {
        missing: null,
        refused: 'invalid_argument',
        left: [],
        isProvider: true,
      });
    }
    assert.deepEqual(server.problems, []);
  },
);
