// Mem0's official client beside ours: after the same calls the same server holds the same, and both tell the same of it.
// Where the official client cannot do a call, or does another, that is shown too; docs/mem0.md has the list.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Mem0Provider } from 'agent-memory-wasm';
import { hasMem0Client, makeMem0Client, refusedAddresses } from '../peers/mem0-client.mjs';
import { fault, hasOpenApi, startMem0 } from './support/mem0-server.mjs';

const skip = !hasOpenApi
  ? 'the vendor’s OpenAPI does not lie beside the project'
  : !hasMem0Client && 'the official client is not installed: scripts/setup --test';
const servers = new Set();

async function start(options) {
  const server = await startMem0(options);
  servers.add(server);
  return server;
}
after(async () => {
  for (const server of servers) await server.close();
});

// ------------------------------------------------------------------------------------- the same calls

/** Our client. */
function ours({ key: apiKey, url: baseUrl }) {
  const provider = new Mem0Provider({ apiKey, baseUrl });
  const verbatim = new Mem0Provider({ apiKey, baseUrl, infer: false });
  return {
    add: (messages, { infer = true, ...options }) =>
      (infer ? provider : verbatim).storeMemories(messages, options),
    search: (query, options) => provider.retrieveMemories(query, options),
    list: (options) => provider.getAllMemories(options),
    get: (id) => provider.getMemory(id),
    update: (id, change) => provider.updateMemory(id, change),
    history: (id) => provider.history(id),
    remove: (id) => provider.deleteMemory(id),
    removeAll: (ids) => provider.deleteAllMemories(ids),
  };
}

/** The official client, told and telling in our words. */
async function theirs(server) {
  const client = await makeMem0Client(server);
  const filtersOf = ({ userId, agentId, runId, filters }) => {
    const ids = Object.entries({ user_id: userId, agent_id: agentId, run_id: runId })
      .filter(([, id]) => id !== undefined)
      .map(([name, id]) => ({ [name]: id }));
    return { AND: [...ids, ...(filters ? [filters] : [])] };
  };
  const memoryOf = ({ userId, agentId, runId, sessionId, ...memory }) => ({
    id: memory.id,
    memory: memory.memory,
    score: memory.score ?? 1,
    metadata: memory.metadata ?? {},
    createdAt: memory.createdAt,
    updatedAt: memory.updatedAt,
    ...(userId && { userId }),
    ...(agentId && { agentId }),
    ...((runId ?? sessionId) && { runId: runId ?? sessionId }),
  });
  const unlessMissing = (promise, missing) =>
    promise.catch((error) => {
      if (error.errorCode === 'HTTP_404') return missing;
      throw error;
    });
  return {
    async add(messages, { timestamp, expiresAt, ...options }) {
      const { results } = await client.add(messages, {
        ...options,
        ...(timestamp && { timestamp: Math.floor(timestamp.getTime() / 1000) }),
        ...(expiresAt && { expirationDate: expiresAt }),
      });
      return results.map(({ id, data, event }) => ({
        id,
        memory: data.memory,
        event,
        metadata: options.metadata ?? {},
      }));
    },
    async search(query, { topK, minRelevanceScore = 0, ...options }) {
      const { results } = await client.search(query, {
        topK,
        threshold: minRelevanceScore,
        filters: filtersOf(options),
      });
      return results.map(memoryOf);
    },
    async list(options) {
      const all = [];
      for (let page = 1, more = true; more; page++) {
        const { results, next } = await client.getAll({ filters: filtersOf(options), page });
        all.push(...results.map(memoryOf));
        more = next !== null;
      }
      return all;
    },
    get: (id) => unlessMissing(client.get(id).then(memoryOf), null),
    async update(id, { memory: text, metadata }) {
      const changed = memoryOf(await client.update(id, { text, metadata }));
      return { id, memory: changed.memory, event: 'UPDATE', metadata: changed.metadata };
    },
    async history(id) {
      const steps = await client.history(id);
      return steps.map(({ event, newMemory, oldMemory, updatedAt }) => ({
        event,
        memory: newMemory || oldMemory,
        at: updatedAt,
      }));
    },
    remove: (id) =>
      unlessMissing(
        client.delete(id).then(() => true),
        false,
      ),
    removeAll: (ids) => client.deleteAll(ids).then(() => undefined),
  };
}

/** `value` with the ids in it replaced by their numbers, in the order in which `server` made them. */
function withNumbers(server, value) {
  const numbers = new Map([...server.history.keys()].map((id, index) => [id, `memory ${index}`]));
  const numbered = (id) => numbers.get(id) ?? 'another id';
  const text = JSON.stringify(value) ?? 'null';
  return JSON.parse(text.replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, numbered));
}

/** All that a server keeps: memories and their histories, times included. */
const kept = (server) =>
  withNumbers(server, { memories: [...server.memories.values()], history: [...server.history] });

const ada = { userId: 'ada' };
const message = (content, role = 'user') => ({ role, content });
const asIs = { infer: false };

/** The id of the n-th memory that a server made. */
const idOf = (server, number) => [...server.history.keys()][number];

// One call each, of a client on a server.
const calls = {
  'adds a conversation': (client) =>
    client.add([message('I like green tea.'), message('Noted.', 'assistant')], {
      ...ada,
      runId: 'first',
      metadata: { topic: 'tea', deepKey: { snake_case: 1, camelCase: [true, null] } },
    }),
  'adds what was said as it is': (client) =>
    client.add([message('I live in Lisbon.'), message('In the old town.')], {
      ...ada,
      ...asIs,
      metadata: { topic: 'home' },
    }),
  'adds it again': (client) => client.add([message('I live in Lisbon.')], { ...ada, ...asIs }),
  'adds for a user with an agent': (client) =>
    client.add([message('Call me Countess. “Ünïcode” 🙂\u2028')], { ...ada, agentId: 'butler' }),
  'adds for an agent': (client) =>
    client.add([message('Nobody is in.')], { agentId: 'butler', ...asIs }),
  'adds for someone else': (client) =>
    client.add([message('I like green tea too.')], { userId: 'bob', metadata: { topic: 'tea' } }),
  'adds with a time and an end': (client) =>
    client.add([message('I was in Porto.')], {
      ...ada,
      ...asIs,
      timestamp: new Date('2020-05-01T12:00:00Z'),
      expiresAt: '2030-01-31',
    }),
  searches: (client) => client.search('green tea', { ...ada, topK: 3 }),
  'searches for more than a little': (client) =>
    client.search('green tea in Lisbon', { ...ada, topK: 10, minRelevanceScore: 0.4 }),
  'searches in a run': (client) =>
    client.search('tea', { ...ada, runId: 'first', topK: 10, minRelevanceScore: 0.5 }),
  'searches by metadata': (client) =>
    client.search('I', { ...ada, topK: 10, filters: { metadata: { topic: 'tea' } } }),
  'searches by one thing or another, and not a third': (client) =>
    client.search('I', {
      ...ada,
      topK: 10,
      filters: {
        AND: [
          { OR: [{ metadata: { topic: 'tea' } }, { metadata: { topic: 'home' } }] },
          { NOT: [{ run_id: 'first' }] },
        ],
      },
    }),
  'searches by time': (client) =>
    client.search('I', { ...ada, topK: 10, filters: { created_at: { lt: '2021-01-01' } } }),
  'lists a user’s': (client) => client.list(ada),
  'lists an agent’s': (client) => client.list({ agentId: 'butler' }),
  'lists a run’s': (client) => client.list({ ...ada, runId: 'first' }),
  'lists nobody’s': (client) => client.list({ userId: 'nobody' }),
  'gets one': (client, server) => client.get(idOf(server, 0)),
  'gets none': (client) => client.get('00000000-0000-4000-8000-000000000000'),
  'changes a text': (client, server) => client.update(idOf(server, 0), { memory: 'Black tea.' }),
  'changes metadata': (client, server) =>
    client.update(idOf(server, 0), { metadata: { other_key: { innerKey: 2 } } }),
  'changes both': (client, server) =>
    client.update(idOf(server, 1), { memory: 'Moved to Porto.', metadata: {} }),
  'tells what happened to one': (client, server) => client.history(idOf(server, 0)),
  'deletes one': (client, server) => client.remove(idOf(server, 0)),
  'deletes it again': (client, server) => client.remove(idOf(server, 0)),
  'gets what was deleted': (client, server) => client.get(idOf(server, 0)),
  'tells what happened to what was deleted': (client, server) => client.history(idOf(server, 0)),
  'deletes all of an agent': (client) => client.removeAll({ agentId: 'butler' }),
  'deletes all of a user': (client) => client.removeAll(ada),
  'lists what is left': (client) => client.list({ userId: 'bob' }),
};

test(
  'after each of the same calls, both clients have left the same memories and told the same',
  { skip },
  async (t) => {
    const [one, other] = [await start(), await start()];
    const [us, them] = [ours(one), await theirs(other)];
    let mostKept = 0;
    for (const [name, call] of Object.entries(calls)) {
      await t.test(name, async () => {
        const [told, toldByThem] = [await call(us, one), await call(them, other)];
        assert.deepEqual(withNumbers(one, told), withNumbers(other, toldByThem));
        assert.deepEqual(kept(one), kept(other));
      });
      mostKept = Math.max(mostKept, one.memories.size);
    }
    assert.deepEqual([mostKept, one.memories.size, one.history.size], [7, 1, 7]);
    assert.deepEqual([one.problems, other.problems], [[], []]);
    // Theirs has pinged, ours has asked what became of the two deletions.
    const count = (server, path) =>
      server.requests.filter(({ pathname }) => pathname.startsWith(path)).length;
    assert.equal(count(other, '/v1/ping/'), 1);
    assert.equal(count(one, '/v1/event/'), 2);
    assert.equal(other.requests.length - 1, one.requests.length - 2);
  },
);

test('on one server each client reads what the other has stored', { skip }, async () => {
  const server = await start();
  const clients = [ours(server), await theirs(server)];
  const isRead = ([name]) => /^(searches|lists|gets|tells)/.test(name);
  const [reads, writes] = [true, false].map((wanted) =>
    Object.entries(calls).filter((each) => isRead(each) === wanted),
  );
  let found = 0;
  for (const [index, [, write]] of writes.entries()) {
    await write(clients[index % 2], server);
    for (const [name, read] of reads) {
      const [mine, hers] = [await read(clients[0], server), await read(clients[1], server)];
      assert.deepEqual(mine, hers, name);
      found += mine?.length ?? 1;
    }
  }
  assert.ok(found > 100, `${found} memories were read`);
  assert.deepEqual(server.problems, []);
});

// ------------------------------------------------------------------------------------- where they differ

test(
  'a pending add: ours waits for the memories, theirs has a promise of them',
  { skip },
  async () => {
    const server = await start({ pendingPolls: 2 });
    const client = await makeMem0Client(server);
    const promised = await client.add([message('I like tea.')], ada);
    assert.deepEqual([promised.status, promised.results], ['PENDING', undefined]);
    assert.equal(server.memories.size, 0);
    const [stored] = await ours(server).add([message('I like tea.')], ada);
    assert.equal(stored.memory, 'Fact: I like tea.');
    assert.ok(server.memories.has(stored.id));
  },
);

test('a long list: ours reads every page, theirs the one that is asked for', { skip }, async () => {
  const server = await start();
  const us = ours(server);
  const many = Array.from({ length: 120 }, (_, index) => message(`note ${index}`));
  assert.equal((await us.add(many, { ...ada, ...asIs })).length, 120);
  const client = await makeMem0Client(server);
  assert.equal((await client.getAll({ filters: { user_id: 'ada' } })).results.length, 100);
  assert.equal((await us.list(ada)).length, 120);
});

test(
  'deleting by two ids: ours deletes what both see, theirs what the first one sees',
  { skip },
  async () => {
    for (const [make, left] of [
      [ours, ['I like tea.']],
      [theirs, []],
    ]) {
      const server = await start();
      const client = await make(server);
      await client.add([message('I like tea.')], { ...ada, ...asIs });
      await client.add([message('I like dogs.')], { ...ada, runId: 'r', ...asIs });
      await client.removeAll({ ...ada, runId: 'r' });
      assert.deepEqual(
        [...server.memories.values()].map(({ memory }) => memory),
        left,
      );
    }
  },
);

test('what passes: ours tries again, theirs fails', { skip }, async () => {
  const server = await start();
  const [us, client] = [ours(server), await makeMem0Client(server)];
  server.faults.push(fault.status(503));
  await assert.rejects(client.search('tea', { filters: { user_id: 'ada' } }), {
    errorCode: 'HTTP_503',
  });
  server.faults.push(fault.status(503));
  assert.deepEqual(await us.search('tea', { ...ada, topK: 1 }), []);
});

test('a self-hosted server: ours speaks its API, theirs gets nowhere', { skip }, async (t) => {
  const server = await start({ api: 'self-hosted' });
  t.mock.method(console, 'error', () => undefined); // it says that it could not ping
  const client = await makeMem0Client(server);
  await assert.rejects(client.add([message('I like tea.')], ada), { errorCode: 'HTTP_401' });
  const provider = new Mem0Provider({
    api: 'self-hosted',
    apiKey: server.key,
    baseUrl: server.url,
  });
  assert.equal((await provider.storeMemories('I like tea.', ada)).length, 1);
});

test('the official client has asked nobody else meanwhile', { skip }, () => {
  assert.deepEqual(refusedAddresses, []);
});
