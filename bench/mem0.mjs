// SPDX-License-Identifier: MIT
//
// Mem0Provider beside Mem0's official client: what a page downloads, and what a call takes, each on the same server on
// loopback and for a user of its own. They take turns, as in measure.mjs.
import { fork } from 'node:child_process';
import path from 'node:path';
import { makeMem0Client } from '../tests/peers/mem0-client.mjs';
import { mem0DownloadBytes } from './download.mjs';
import { median } from './measure.mjs';

/** How many memories a user has, so that lists and searches have something to answer with. */
const memoriesEach = 50;

const textOf = (number) => `Note ${number}: green tea is better in Lisbon than in Porto.`;
const messageOf = (number) => [{ role: 'user', content: textOf(number) }];

/** Both clients, each with the same calls; `user` is the client's own. */
async function clientsOf({ url, key }) {
  const { Mem0Provider } = await import('agent-memory-wasm');
  const provider = new Mem0Provider({ apiKey: key, baseUrl: url, infer: false });
  const client = await makeMem0Client({ url, key });
  const user = (name) => ({ userId: name });
  const filtersOf = (name) => ({ filters: { user_id: name } });
  return [
    {
      name: 'agent-memory',
      add: async (number) => (await provider.storeMemories(messageOf(number), user('ours')))[0].id,
      search: () => provider.retrieveMemories('green tea', { ...user('ours'), topK: 10 }),
      list: () => provider.getAllMemories({ ...user('ours'), limit: 100 }),
      get: (_, id) => provider.getMemory(id),
      update: (number, id) => provider.updateMemory(id, { memory: textOf(-number) }),
      history: (_, id) => provider.history(id),
      delete: (_, id) => provider.deleteMemory(id),
    },
    {
      name: 'mem0ai',
      add: async (number) =>
        (await client.add(messageOf(number), { ...user('theirs'), infer: false })).results[0].id,
      search: async () =>
        (await client.search('green tea', { ...filtersOf('theirs'), topK: 10 })).results,
      list: async () => (await client.getAll({ ...filtersOf('theirs'), pageSize: 100 })).results,
      get: (_, id) => client.get(id),
      update: (number, id) => client.update(id, { text: textOf(-number) }),
      history: (_, id) => client.history(id),
      delete: (_, id) => client.delete(id),
    },
  ];
}

/** The server's process, once it listens. */
async function startServer() {
  const child = fork(path.join(import.meta.dirname, 'mem0-server.mjs'));
  const address = await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  return { ...address, stop: () => child.disconnect() };
}

const kinds = ['add', 'search', 'list', 'get', 'update', 'history', 'delete'];

/** How many results a call gives, of those that give any. */
const countOf = { search: () => 10, list: (calls) => memoriesEach + calls, history: () => 2 };

/**
 * So many calls of one kind, one after the other. `ids` are those of what the client added in this round; what it adds
 * it deletes at the end.
 *
 * @returns ms a call {wall, cpu}
 */
async function measureCalls(kind, { client, ids }, { host, calls }) {
  await host.collectGarbage(false);
  const [cpu, now] = [host.cpuMs(), host.nowMs()];
  for (let index = 0; index < calls; index++) {
    const answer = await client[kind](memoriesEach + index, ids[index]);
    if (kind === 'add') ids.push(answer);
    const count = countOf[kind]?.(calls);
    if (count !== undefined && answer.length !== count)
      throw new Error(`${client.name}: ${kind} gave ${answer.length}, not ${count}`);
  }
  return { wall: (host.nowMs() - now) / calls, cpu: (host.cpuMs() - cpu) / calls };
}

/**
 * @param {{ rounds: number, calls?: number }} plan - `calls`: of each kind, in each round
 * @param {import('./measure.mjs').Host} host - with a CPU clock
 * @returns what mem0Report() takes: {callMs: by client's name and kind {wall, cpu}, downloadBytes: by client's name}
 */
export async function runMem0({ rounds, calls = 50 }, host) {
  const server = await startServer();
  try {
    const clients = await clientsOf(server);
    for (const { add } of clients) {
      for (let number = 0; number < memoriesEach; number++) await add(number);
    }
    const samples = clients.map(() => kinds.map(() => []));
    for (let round = -1; round < rounds; round++) {
      host.log(round < 0 ? 'Mem0, warm-up' : `Mem0, round ${round + 1}`);
      const runs = clients.map((client) => ({ client, ids: [] }));
      for (const [index, kind] of kinds.entries()) {
        for (let turn = 0; turn < runs.length; turn++) {
          const which = (turn + index + Math.max(round, 0)) % runs.length;
          const times = await measureCalls(kind, runs[which], { host, calls });
          if (round >= 0) samples[which][index].push(times);
        }
      }
    }
    const medians = (each) => ({
      wall: median(each.map(({ wall }) => wall)),
      cpu: median(each.map(({ cpu }) => cpu)),
    });
    const callMs = Object.fromEntries(
      clients.map(({ name }, which) => [
        name,
        Object.fromEntries(kinds.map((kind, index) => [kind, medians(samples[which][index])])),
      ]),
    );
    return { rounds, calls, callMs, downloadBytes: await mem0DownloadBytes() };
  } finally {
    server.stop();
  }
}
