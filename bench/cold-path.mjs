// SPDX-License-Identifier: MIT
//
// npm run bench:cold -- [--rounds 20] [--memories 1000]: what a cold request costs in workerd, Cloudflare's runtime, with
// examples/cloudflare-worker: how much CPU it takes to instantiate the module, open a user's memories and search them.
//
// A Worker's clock stands still while it computes, so CPU is read from the system, in nanoseconds: that of the thread
// which runs the Worker, which is what Cloudflare counts, and that of the whole process, compilers and collectors included.
// Each round is a new process. workerd compiles at start what Cloudflare compiles when a Worker is deployed; functions are
// compiled at their first call: in the example's global scope, which warms up, and is measured with and without that.
//
// Needs the built package (npm run build) and Linux.
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readConversations } from '../scripts/evaluation.mjs';
import { ask, exampleEntry, startExample } from '../tests/runtimes/cloudflare-worker.mjs';
import { makeCorpus } from './corpus.mjs';
import { quantile } from './measure.mjs';

const root = path.resolve(import.meta.dirname, '..');
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    memories: { type: 'string', default: '1000' },
  },
});
const [rounds, memories] = ['rounds', 'memories'].map((name) => {
  const count = Number(options[name]);
  if (Number.isInteger(count) && count > 0) return count;
  console.error(`bench: --${name} must be at least 1, got ${options[name]}`);
  process.exit(1);
});

/** What a thread of ours has computed so far, in ms; the sum over all threads, where none is named. */
async function cpuMs(pid, thread) {
  const threads = thread === undefined ? await readdir(`/proc/${pid}/task`) : [thread];
  let nanoseconds = 0;
  for (const each of threads) {
    const file = `/proc/${pid}/task/${each}/schedstat`;
    // A thread may have ended by now.
    nanoseconds += Number((await readFile(file, 'utf8').catch(() => '0')).split(' ')[0]);
  }
  return nanoseconds / 1e6;
}

/** What `work` costs the process `pid`, with what it leaves for other threads to do. */
async function costOf(pid, work) {
  const read = async () => ({ thread: await cpuMs(pid, pid), process: await cpuMs(pid) });
  await sleep(200); // what came before is done
  const before = await read();
  await work();
  await sleep(200);
  const after = await read();
  return { thread: after.thread - before.thread, process: after.process - before.process };
}

const users = ['ada', 'ben', 'cid', 'dan'];

/** Users with as many memories each, folded into a checkpoint; of cid the last 40 writes are not. */
async function fill(worker) {
  for (const user of users) {
    // As an agent stores them: some at a time.
    let stored;
    for (let at = 0; at < memories; at += 10) {
      const messages = corpus.messages
        .slice(at, at + 10)
        .map(({ role, name, text }) => ({ role, name, content: text }));
      const { status, body } = await ask(worker, user, 'POST', '/memories', { messages });
      if (status !== 201) throw new Error(JSON.stringify(body));
      [stored] = body.stored;
    }
    // A deletion is folded away soon, and the log with it: what is read is one checkpoint.
    await ask(worker, user, 'DELETE', `/memories/${stored.id}`);
  }
  await sleep(2500); // the log is folded in a quiet moment
  for (let turn = 0; turn < 40; turn++) {
    const messages = [
      { role: 'user', content: `The next question, number ${turn}, is about the garden.` },
      { role: 'assistant', content: `The garden has ${turn} beds, and a pond behind the shed.` },
    ];
    await ask(worker, 'cid', 'POST', '/memories', { messages });
  }
}

/** CPU of each step, in the order in which they are taken, for each of `rounds` processes. */
async function measure(worker) {
  const search = async (user, query) => {
    const { status, body } = await ask(worker, user, 'POST', '/memories/search', { query });
    if (status !== 200 || body.memories.length === 0) throw new Error(JSON.stringify(body));
  };
  const steps = {
    'a request that is refused (401)': () => fetch(`${worker.origin}/memories`),
    'a first request that needs no memory (404)': () => ask(worker, 'nobody', 'GET', '/nothing'),
    'cold object, no memory needed (404)': () => ask(worker, 'dan', 'GET', '/nothing'),
    'cold: (instantiate,) open, search': (query) => search('ada', query),
    'cold object, warm module: open, search': (query) => search('ben', query),
    'the same, 40 writes after its checkpoint': (query) => search('cid', query),
    'warm: search': (query) => search('ben', query),
  };
  const start = 'start of the process, until it listens';
  const costs = new Map([start, ...Object.keys(steps)].map((step) => [step, []]));
  for (let round = 0; round < rounds; round++) {
    await worker.restart();
    await sleep(200);
    const begun = { thread: await cpuMs(worker.pid, worker.pid), process: await cpuMs(worker.pid) };
    costs.get(start).push(begun);
    for (const [step, work] of Object.entries(steps)) {
      const query = corpus.queries[round % corpus.queries.length];
      costs.get(step).push(await costOf(worker.pid, () => work(query)));
    }
  }
  return costs;
}

/** The example without its warm-up, in a folder of its own. */
async function withoutWarmUp(folder) {
  await cp(path.dirname(exampleEntry), folder, { recursive: true });
  const copy = path.join(folder, path.basename(exampleEntry));
  const text = await readFile(copy, 'utf8');
  const without = text.replace(/^await load\(.*$/m, '');
  if (without === text) throw new Error(`${exampleEntry} has no warm-up`);
  await writeFile(copy, without);
  return copy;
}

const file = path.join(root, 'tests/data/conversations.json');
const corpus = makeCorpus(readConversations(JSON.parse(await readFile(file, 'utf8'))), {
  size: memories,
});
const folder = await mkdtemp(path.join(os.tmpdir(), 'agent-memory-bench-'));
const variants = {
  'with the warm-up in the global scope': exampleEntry,
  'without it': await withoutWarmUp(folder),
};
try {
  console.log(`workerd, ${memories} memories a user, ${rounds} processes; CPU in ms`);
  for (const [variant, entry] of Object.entries(variants)) {
    const worker = await startExample({ entry });
    try {
      await fill(worker);
      print(variant, await measure(worker));
    } finally {
      await worker.stop();
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

function print(variant, costs) {
  const wide = Math.max(...[...costs.keys()].map((step) => step.length));
  const columns = ['thread p50', 'p90', 'process p50'];
  console.log(`\n${variant.padEnd(wide)}${columns.map((column) => column.padStart(14)).join('')}`);
  for (const [step, all] of costs) {
    const of = (what, share) =>
      quantile(
        all.map((cost) => cost[what]),
        share,
      )
        .toFixed(1)
        .padStart(14);
    console.log(step.padEnd(wide) + of('thread', 0.5) + of('thread', 0.9) + of('process', 0.5));
  }
}
