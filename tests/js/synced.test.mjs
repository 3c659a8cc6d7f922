// SyncedProvider before a Mem0 server on loopback that keeps state and fails when told to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalProvider, Mem0Provider, MemorySession } from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { SyncedProvider } from 'agent-memory-wasm/synced';
import { runModule } from './support/child.mjs';
import { fault, hasOpenApi, startMem0 } from './support/mem0-server.mjs';
import { manualClock } from './support/open.mjs';
import { faultOn, openDevice, plug, textsAt, until } from './support/synced.mjs';

const skip = hasOpenApi ? false : 'the vendor’s OpenAPI does not lie beside the project';
const ada = { userId: 'ada' };
const apis = ['platform', 'self-hosted'];

async function serve(t, options = {}) {
  const server = await startMem0(options);
  t.after(async () => {
    await server.close();
    assert.deepEqual(server.problems, []);
  });
  return Object.assign(server, { api: options.api ?? 'platform' });
}

/** The test for both APIs. */
function forBoth(name, body) {
  for (const api of apis) test(`${api}: ${name}`, { skip }, (t) => body(t, api));
}

const isAdd = ({ method, pathname }) =>
  method === 'POST' && ['/v3/memories/add/', '/memories'].includes(pathname);
const isList = ({ method, pathname }) =>
  (method === 'POST' && pathname === '/v3/memories/') ||
  (method === 'GET' && pathname === '/memories');
const changes = ({ method, pathname }) =>
  method === 'PUT' || method === 'DELETE' || isAdd({ method, pathname });

// ------------------------------------------------------------------------------------- sending

forBoth('what is stored here is there, with all that is known of it', async (t, api) => {
  const server = await serve(t, { api });
  const device = await openDevice(t, server);
  const [stored] = await device.synced.storeMemories(
    [{ role: 'assistant', name: 'Ida', content: 'Tea is at five.' }],
    {
      ...ada,
      runId: 'r1',
      metadata: { topic: 'tea', n: 1 },
      timestamp: '2026-02-03T04:05:06.789Z',
    },
  );
  await device.synced.sync();
  const [memory] = server.memories.values();
  assert.equal(memory.memory, 'Tea is at five.');
  assert.deepEqual([memory.user_id, memory.run_id], ['ada', 'r1']);
  assert.deepEqual(memory.metadata, {
    topic: 'tea',
    n: 1,
    agent_memory_id: stored.id,
    agent_memory_role: 'assistant',
    agent_memory_name: 'Ida',
    agent_memory_created_at: '2026-02-03T04:05:06.789Z',
  });
  assert.deepEqual(await device.synced.queue(), []);

  // And from there at another device, as it was.
  const other = await openDevice(t, server);
  await other.synced.sync();
  const [found] = await other.local.getAllMemories(ada);
  assert.deepEqual(
    { ...found, updatedAt: undefined },
    { ...(await device.local.getMemory(stored.id)), updatedAt: undefined },
  );
});

forBoth('changes and deletions follow, the newest of each', async (t, api) => {
  const server = await serve(t, { api });
  const device = await openDevice(t, server);
  const [tea] = await device.synced.storeMemories('I drink tea.', ada);
  const [bees] = await device.synced.storeMemories('I keep bees.', ada);
  await device.synced.sync();
  const [remoteId] = server.memories.keys();
  await device.offline(async () => {
    await device.synced.updateMemory(tea.id, { memory: 'I drink coffee.' });
    await device.synced.updateMemory(tea.id, { memory: 'I drink cocoa.', metadata: { hot: true } });
    await device.synced.deleteMemory(bees.id);
  });
  server.requests.length = 0;
  await device.synced.sync();
  assert.deepEqual(textsAt(server), ['I drink cocoa.']);
  assert.equal(server.memories.get(remoteId).metadata.hot, true);
  assert.equal(server.memories.get(remoteId).metadata.agent_memory_id, tea.id);
  assert.equal(server.requests.filter(changes).length, 2, 'one a memory');
  assert.deepEqual(await device.texts(), ['I drink cocoa.']);
});

forBoth('what is deleted before it was sent is never sent', async (t, api) => {
  const server = await serve(t, { api });
  const device = await openDevice(t, server, { network: Object.assign(plug(), { isDown: true }) });
  await assert.rejects(device.synced.sync());
  await device.offline(async () => {
    const [stored] = await device.synced.storeMemories('A slip of the tongue.', ada);
    await device.synced.updateMemory(stored.id, { memory: 'Another slip.' });
    await device.synced.deleteMemory(stored.id);
  });
  await device.synced.sync();
  assert.equal(server.requests.filter(changes).length, 0);
  assert.deepEqual(await device.synced.queue(), []);
});

test('memories without an id stay here, and another user’s, too', { skip }, async (t) => {
  const server = await serve(t);
  const device = await openDevice(t, server);
  await device.synced.storeMemories('For everybody.');
  await device.synced.storeMemories('Bob’s.', { userId: 'bob' });
  await device.synced.storeMemories('Ada’s.', ada);
  await device.synced.sync();
  assert.deepEqual(
    [...server.memories.values()].map(({ memory }) => memory),
    ['Ada’s.'],
  );
  assert.deepEqual(await device.synced.queue(), []);
  // Bob's turn, on the same device: his memories, and his deletions alone.
  const [bobs] = await device.local.getAllMemories({ userId: 'bob' });
  const bob = await openDevice(t, server, { storage: device.storage, userId: 'bob' });
  await bob.synced.sync();
  assert.deepEqual(textsAt(server, 'bob'), ['Bob’s.']);
  const [adas] = await bob.local.getAllMemories(ada);
  await bob.synced.deleteMemory(bobs.id);
  await bob.synced.deleteMemory(adas.id);
  await bob.synced.sync();
  assert.deepEqual(textsAt(server, 'bob'), []);
  assert.deepEqual(textsAt(server, 'ada'), ['Ada’s.']);
  await device.synced.sync();
  assert.deepEqual(textsAt(server, 'ada'), []);
});

test('without ids everybody is synced who has memories here', { skip }, async (t) => {
  const server = await serve(t);
  const device = await openDevice(t, server, { userId: undefined });
  await device.synced.storeMemories('Ada’s.', ada);
  await device.synced.storeMemories('The agent’s.', { agentId: 'bot' });
  await device.synced.storeMemories('For everybody.');
  await device.synced.sync();
  assert.equal(server.memories.size, 2);
  await device.close();
  // The store knows for whom to ask, though nobody is in the queue.
  await new Mem0Provider({ baseUrl: server.url, apiKey: server.key, infer: false }).storeMemories(
    'More of Ada’s.',
    ada,
  );
  const again = await openDevice(t, server, { userId: undefined, storage: device.storage });
  assert.deepEqual(await again.texts(), ['Ada’s.', 'More of Ada’s.']);
});

// ------------------------------------------------------------------------------------- offline

forBoth('offline everything works and waits, and goes on by itself', async (t, api) => {
  const server = await serve(t, { api });
  const network = Object.assign(plug(), { isDown: true });
  const device = await openDevice(t, server, { network, retryDelayMs: 20 });
  const [stored] = await device.synced.storeMemories('I drink tea.', ada);
  assert.equal((await device.synced.retrieveMemories('tea', ada))[0].id, stored.id);
  await until(() => device.told('sync').some(({ state }) => state === 'waiting'), 'waiting');
  const [event] = device.told('sync').filter(({ state }) => state === 'waiting');
  assert.equal(event.error.code, 'provider');
  const [entry] = await device.synced.queue();
  assert.equal(entry.memoryId, stored.id);
  assert.equal(entry.operation, 'add');
  assert.equal(entry.memory, 'I drink tea.');
  assert.equal(entry.isRefused, false);
  // Again and again, without anybody asking for it.
  const attempts = network.attempts;
  await until(() => network.attempts > attempts + 1, 'another attempt');
  network.isDown = false;
  await until(() => textsAt(server).length === 1, 'the sending');
  await until(() => device.told('sync').at(-1).state === 'idle', 'idle');
  assert.deepEqual(textsAt(server), ['I drink tea.']);
});

forBoth('the queue survives a restart, whoever wrote what is in it', async (t, api) => {
  const server = await serve(t, { api });
  const storage = memoryStorage();
  const before = await LocalProvider.open({ storage });
  await before.storeMemories('Stored without any sync.', ada);
  await before.close();
  const offline = await openDevice(t, server, {
    storage,
    network: Object.assign(plug(), { isDown: true }),
  });
  await offline.synced.storeMemories('Stored offline.', ada);
  await assert.rejects(offline.synced.sync(), { code: 'provider' });
  await offline.close();
  const again = await openDevice(t, server, { storage, begins: false });
  assert.equal((await again.synced.queue()).length, 2);
  await again.synced.sync();
  assert.deepEqual(textsAt(server), ['Stored offline.', 'Stored without any sync.']);
});

forBoth('what arrived although its answer was lost is not sent again', async (t, api) => {
  const server = await serve(t, { api });
  const device = await openDevice(t, server);
  await device.synced.sync();
  const texts = Array.from({ length: 8 }, (_, i) => `Turn ${i}.`);
  await device.offline(() =>
    Promise.all(texts.map((text) => device.synced.storeMemories(text, ada))),
  );
  server.requests.length = 0;
  faultOn(server, isAdd, fault.lost());
  faultOn(server, isAdd, fault.lost());
  await assert.rejects(device.synced.sync(), { code: 'provider' });
  assert.ok(server.memories.size >= 2);
  await device.synced.sync();
  assert.deepEqual(textsAt(server), texts);
  // Of those that were never sent nobody asked.
  assert.equal(server.requests.filter(isAdd).length, texts.length);
});

forBoth('nor by a round that sends and does not ask for news', async (t, api) => {
  const server = await serve(t, { api });
  const device = await openDevice(t, server, { retryDelayMs: 20 });
  faultOn(server, isAdd, fault.lost());
  faultOn(server, isAdd, fault.lost());
  server.requests.length = 0;
  await device.synced.storeMemories('One.', ada);
  await device.synced.storeMemories('Two.', ada);
  await until(async () => (await device.synced.queue()).length === 0, 'the end of the queue');
  assert.deepEqual(textsAt(server), ['One.', 'Two.']);
  assert.equal(server.requests.filter(isAdd).length, 2);
});

forBoth('an add that arrived, and was changed here meanwhile, is changed there', async (t, api) => {
  const server = await serve(t, { api });
  const device = await openDevice(t, server);
  await device.synced.sync();
  const [stored] = await device.offline(() => device.synced.storeMemories('I drink tea.', ada));
  faultOn(server, isAdd, fault.lost());
  await assert.rejects(device.synced.sync());
  assert.deepEqual(textsAt(server), ['I drink tea.']);
  await device.synced.updateMemory(stored.id, { memory: 'I drink coffee.' });
  await device.synced.sync();
  assert.deepEqual(textsAt(server), ['I drink coffee.']);
  assert.deepEqual(device.told('conflict'), []);
});

forBoth('an add that arrived, and was deleted here meanwhile, is deleted there', async (t, api) => {
  const server = await serve(t, { api });
  const device = await openDevice(t, server);
  await device.synced.sync();
  const [stored] = await device.offline(() => device.synced.storeMemories('I drink tea.', ada));
  faultOn(server, isAdd, fault.lost());
  await assert.rejects(device.synced.sync());
  assert.deepEqual(textsAt(server), ['I drink tea.']);
  await device.synced.deleteMemory(stored.id);
  await device.synced.sync();
  assert.deepEqual(textsAt(server), []);
  assert.deepEqual(await device.synced.queue(), []);
});

forBoth('a change whose answer was lost is no conflict', async (t, api) => {
  const server = await serve(t, { api });
  const device = await openDevice(t, server);
  const [stored] = await device.synced.storeMemories('One.', ada);
  await device.synced.sync();
  await device.offline(() => device.synced.updateMemory(stored.id, { memory: 'Two.' }));
  faultOn(server, ({ method }) => method === 'PUT', fault.lost());
  await assert.rejects(device.synced.sync());
  assert.deepEqual(textsAt(server), ['Two.']);
  await device.synced.updateMemory(stored.id, { memory: 'Three.' });
  await device.synced.sync();
  assert.deepEqual(textsAt(server), ['Three.']);
  assert.deepEqual(device.told('conflict'), []);
});

test(
  'the same words of two speakers are one memory at a platform, and two here',
  { skip },
  async (t) => {
    const server = await serve(t);
    const device = await openDevice(t, server);
    const [first] = await device.synced.storeMemories([{ role: 'user', content: 'Yes.' }], ada);
    await device.synced.storeMemories([{ role: 'assistant', content: 'Yes.' }], ada);
    await device.synced.sync();
    await device.synced.sync();
    assert.deepEqual(textsAt(server), ['Yes.']);
    assert.deepEqual(await device.texts(), ['Yes.', 'Yes.']);
    assert.deepEqual(await device.synced.queue(), []);
    await device.synced.deleteMemory(first.id);
    await device.synced.sync({ all: true });
    assert.equal((await device.texts()).length, 1);
  },
);

test(
  'of two tabs over one store one sends at a time, and each memory once',
  { skip },
  async (t) => {
    const server = await serve(t, { api: 'self-hosted' });
    const storage = memoryStorage();
    const tabs = [];
    for (let i = 0; i < 3; i++) tabs.push(await openDevice(t, server, { storage }));
    for (const [i, tab] of tabs.entries())
      await Promise.all(
        Array.from({ length: 5 }, (_, n) => tab.synced.storeMemories(`Tab ${i}, turn ${n}.`, ada)),
      );
    await Promise.all(tabs.map(({ synced }) => synced.sync()));
    assert.equal(server.memories.size, 15);
    assert.equal(server.requests.filter(isAdd).length, 15);
    for (const { synced } of tabs) assert.deepEqual(await synced.queue(), []);
  },
);

// ------------------------------------------------------------------------------ what is refused

forBoth(
  'what the remote refuses keeps nobody, is told, and waits to be retried',
  async (t, api) => {
    const server = await serve(t, { api });
    const device = await openDevice(t, server);
    await device.synced.sync();
    for (const text of ['One.', 'Two.', 'Three.']) await device.synced.storeMemories(text, ada);
    server.faults.push(undefined, fault.status(400, { detail: 'not this one' }));
    await device.synced.sync();
    assert.equal(server.memories.size, 2);
    const [{ entry }] = device.told('refused');
    assert.match(entry.error.message, /not this one/);
    assert.deepEqual(await device.synced.queue(), [entry]);
    assert.equal(entry.isRefused, true);
    server.requests.length = 0;
    await device.synced.sync();
    assert.equal(server.requests.filter(isAdd).length, 0, 'it is left alone');
    await device.synced.retry(entry.memoryId);
    assert.deepEqual(textsAt(server), ['One.', 'Three.', 'Two.']);
    assert.deepEqual(await device.synced.queue(), []);
  },
);

forBoth('what is dropped is not sent, but a later change of it is', async (t, api) => {
  const server = await serve(t, { api });
  const device = await openDevice(t, server);
  const kept = await device.offline(async () => {
    const [stored] = await device.synced.storeMemories('Kept here.', ada);
    assert.equal(await device.synced.drop(stored.id), true);
    assert.equal(await device.synced.drop(stored.id), false);
    assert.equal(await device.synced.drop('nobody'), false);
    return stored;
  });
  await device.synced.sync();
  assert.deepEqual(textsAt(server), []);
  await device.synced.updateMemory(kept.id, { memory: 'Sent.' });
  await device.synced.sync();
  assert.deepEqual(textsAt(server), ['Sent.']);
  // A deletion that is dropped leaves it there, and does not bring it back.
  await device.offline(async () => {
    await device.synced.deleteMemory(kept.id);
    assert.equal(await device.synced.drop(kept.id), true);
  });
  await device.synced.sync({ all: true });
  assert.deepEqual(textsAt(server), ['Sent.']);
  assert.deepEqual(await device.texts(), []);
});

test('a wrong key stops all, is told once a round, and loses nothing', { skip }, async (t) => {
  const server = await serve(t);
  const device = await openDevice(t, server, { mem0: { apiKey: 'm0-wrong' } });
  for (const text of ['One.', 'Two.']) await device.synced.storeMemories(text, ada);
  await assert.rejects(device.synced.sync(), { code: 'unauthorized' });
  assert.equal(device.told('refused').length, 0);
  assert.equal((await device.synced.queue()).length, 2);
});

test('a server that fails again and again is left alone for a while', { skip }, async (t) => {
  const server = await serve(t, { api: 'self-hosted' });
  const device = await openDevice(t, server);
  await device.synced.sync();
  await device.offline(async () => {
    for (let i = 0; i < 40; i++) await device.synced.storeMemories(`Turn ${i}.`, ada);
  });
  server.requests.length = 0;
  for (let i = 0; i < 60; i++) faultOn(server, isAdd, fault.status(503));
  await assert.rejects(device.synced.sync(), { code: 'provider', status: 503 });
  assert.ok(server.requests.length < 12, `${server.requests.length} requests`);
  server.faults.length = 0;
  await device.synced.sync();
  assert.equal(server.memories.size, 40);
});

// ------------------------------------------------------------------------------------- pulling

/** Another program at the same server. */
const strangerAt = (server) =>
  new Mem0Provider({ api: server.api, baseUrl: server.url, apiKey: server.key, infer: false });

forBoth('what others store there comes here, once, and is what it is there', async (t, api) => {
  const server = await serve(t, { api });
  const stranger = strangerAt(server);
  await stranger.storeMemories('From elsewhere.', { ...ada, metadata: { by: 'stranger' } });
  await stranger.storeMemories('Bob’s.', { userId: 'bob' });
  const device = await openDevice(t, server, { begins: false });
  await device.synced.sync();
  await device.synced.sync();
  const [memory, ...more] = await device.local.getAllMemories(ada);
  assert.deepEqual(more, []);
  assert.equal(memory.memory, 'From elsewhere.');
  assert.deepEqual(memory.metadata, { by: 'stranger' });
  assert.deepEqual(await device.texts({ userId: 'bob' }), []);
  assert.deepEqual(await device.synced.queue(), []);
  const change = device.told('change').flatMap(({ stored }) => stored);
  assert.deepEqual(
    change.map(({ event, id }) => [event, id]),
    [['ADD', memory.id]],
  );

  // Changed here, it is changed there, and not added again.
  await device.synced.updateMemory(memory.id, { memory: 'Changed here.' });
  await device.synced.sync();
  assert.deepEqual(textsAt(server), ['Changed here.']);
});

test('the platform is asked for news only, and tells of changes, too', { skip }, async (t) => {
  const server = await serve(t);
  const device = await openDevice(t, server);
  const stranger = strangerAt(server);
  for (let i = 0; i < 150; i++) await stranger.storeMemories(`Old ${i}.`, ada);
  await device.synced.sync();
  assert.equal((await device.texts()).length, 150);
  const [first] = await stranger.getAllMemories({ ...ada, limit: 1 });
  await stranger.updateMemory(first.id, { memory: 'New.' });
  await device.close();
  server.requests.length = 0;
  const again = await openDevice(t, server, { storage: device.storage });
  for (const { body } of server.requests.filter(isList)) {
    const asked = JSON.stringify(body.filters);
    assert.match(asked, /"updated_at":\{"gte":"2026-01-01T00:0\d:\d\d.000Z"\}/);
  }
  assert.ok((await again.texts()).includes('New.'));
  assert.equal((await again.texts()).length, 150);
});

test(
  'a deletion there is seen when all is compared; at a self-hosted server always',
  { skip },
  async (t) => {
    for (const api of apis) {
      const server = await serve(t, { api });
      const device = await openDevice(t, server);
      await device.synced.storeMemories('Stays.', ada);
      await device.synced.storeMemories('Goes.', ada);
      await device.synced.sync();
      await device.synced.sync();
      const [gone] = [...server.memories.values()].filter(({ memory }) => memory === 'Goes.');
      await strangerAt(server).deleteMemory(gone.id);
      await device.synced.sync();
      assert.deepEqual(await device.texts(), api === 'platform' ? ['Goes.', 'Stays.'] : ['Stays.']);
      await device.synced.sync({ all: true });
      assert.deepEqual(await device.texts(), ['Stays.']);
      assert.deepEqual(await device.synced.queue(), []);
    }
  },
);

forBoth('what was deleted here does not come back from there', async (t, api) => {
  const server = await serve(t, { api });
  const stranger = strangerAt(server);
  await stranger.storeMemories('From elsewhere.', ada);
  const device = await openDevice(t, server);
  await device.synced.sync();
  const [{ id }] = await device.local.getAllMemories(ada);
  await device.offline(() => device.synced.deleteMemory(id));
  const [{ id: remoteId }] = await stranger.getAllMemories(ada);
  await stranger.updateMemory(remoteId, { memory: 'Changed meanwhile.' });
  await device.synced.sync({ all: true });
  assert.deepEqual(await device.texts(), []);
  assert.deepEqual(textsAt(server), []);
});

test('what cannot be kept here is told, and keeps nobody', { skip }, async (t) => {
  const server = await serve(t, { api: 'self-hosted' });
  const stranger = strangerAt(server);
  await stranger.storeMemories('Fine.', ada);
  await stranger.storeMemories('To be blank.', ada);
  [...server.memories.values()].find(({ memory }) => memory === 'To be blank.').memory = ' ';
  const device = await openDevice(t, server);
  await device.synced.sync();
  assert.deepEqual(await device.texts(), ['Fine.']);
  const [error] = device.told('error');
  assert.equal(error.operation, 'pull');
  assert.match(error.error.message, /memory must not be empty/);
});

forBoth('an export that was imported elsewhere meets its memories there', async (t, api) => {
  const server = await serve(t, { api });
  const device = await openDevice(t, server);
  await device.synced.storeMemories('One.', ada);
  await device.synced.storeMemories('Two.', ada);
  await device.synced.sync();
  const file = await device.local.exportMemories();
  const other = await openDevice(t, server);
  await other.local.importMemories(file);
  await other.synced.sync();
  assert.deepEqual(textsAt(server), ['One.', 'Two.']);
  assert.deepEqual(await other.texts(), ['One.', 'Two.']);
  assert.deepEqual(await other.synced.queue(), []);
});

// ------------------------------------------------------------------------------------ conflicts

/** A memory that both sides know, changed on both; `atMs` is when here. */
async function bothChanged(t, api, atMs) {
  const server = await serve(t, { api });
  const clock = manualClock('2026-01-01T00:00:00Z');
  const device = await openDevice(t, server, { now: clock.now });
  const [stored] = await device.synced.storeMemories('Before.', ada);
  await device.synced.sync();
  const [remote] = server.memories.values();
  await strangerAt(server).updateMemory(remote.id, { memory: 'There.' });
  clock.time = Date.parse('2026-01-01T00:00:00Z') + atMs;
  await device.offline(() => device.synced.updateMemory(stored.id, { memory: 'Here.' }));
  await device.synced.sync();
  return { server, device, stored, conflicts: device.told('conflict') };
}

forBoth(
  'of two changes the newer is kept on both sides, and both are told: here',
  async (t, api) => {
    const { server, device, stored, conflicts } = await bothChanged(t, api, 3_600_000);
    assert.deepEqual(textsAt(server), ['Here.']);
    assert.deepEqual(await device.texts(), ['Here.']);
    assert.equal(conflicts.length, 1);
    const [{ memoryId, kept, local, remote }] = conflicts;
    assert.deepEqual(
      [memoryId, kept, local.memory, remote.memory],
      [stored.id, 'local', 'Here.', 'There.'],
    );
    await device.synced.sync();
    assert.equal(device.told('conflict').length, 1);
  },
);

forBoth(
  'of two changes the newer is kept on both sides, and both are told: there',
  async (t, api) => {
    const { server, device, stored, conflicts } = await bothChanged(t, api, 1);
    assert.deepEqual(textsAt(server), ['There.']);
    assert.deepEqual(await device.texts(), ['There.']);
    const [{ memoryId, kept, local, remote }] = conflicts;
    assert.deepEqual(
      [memoryId, kept, local.memory, remote.memory],
      [stored.id, 'remote', 'Here.', 'There.'],
    );
    assert.equal(remote.id, stored.id);
    assert.deepEqual(await device.synced.queue(), []);
    // What was lost is in the history.
    const history = await device.local.history(stored.id);
    assert.deepEqual(
      history.map(({ memory }) => memory),
      ['Before.', 'Here.', 'There.'],
    );
  },
);

forBoth('what was deleted there and changed here is deleted, and told', async (t, api) => {
  const server = await serve(t, { api });
  const device = await openDevice(t, server);
  const [stored] = await device.synced.storeMemories('Before.', ada);
  await device.synced.sync();
  const [remoteId] = server.memories.keys();
  await strangerAt(server).deleteMemory(remoteId);
  await device.offline(() => device.synced.updateMemory(stored.id, { memory: 'After.' }));
  await device.synced.sync();
  assert.deepEqual(await device.texts(), []);
  assert.deepEqual(textsAt(server), []);
  const [{ kept, local, remote }] = device.told('conflict');
  assert.deepEqual([kept, local.memory, remote], ['remote', 'After.', null]);
});

// -------------------------------------------------------------------------------------- the rest

test('a session remembers through it, and what it stored is there', { skip }, async (t) => {
  const server = await serve(t);
  const device = await openDevice(t, server);
  const session = new MemorySession(device.synced, { ...ada, failOpen: false });
  await session.afterRun([{ role: 'user', content: 'I moved to Lisbon in May.' }]);
  const { memories } = await session.beforeModelRequest([
    { role: 'user', content: 'When did I move to Lisbon?' },
  ]);
  assert.equal(memories.length, 1);
  await device.synced.sync();
  assert.deepEqual(textsAt(server), ['I moved to Lisbon in May.']);
});

test('closed, it neither sends nor asks, and both providers stay open', { skip }, async (t) => {
  const server = await serve(t);
  const device = await openDevice(t, server, { retryDelayMs: 5, pullIntervalMs: 5 });
  await device.synced.sync();
  await device.synced.close();
  await device.synced.close();
  const { length } = server.requests;
  await device.local.storeMemories('Later.', ada);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(server.requests.length, length);
  await assert.rejects(device.synced.sync(), { code: 'closed' });
  await assert.rejects(device.synced.queue(), { code: 'closed' });
  await assert.rejects(device.synced.drop('x'), { code: 'closed' });
  await assert.rejects(device.synced.retry(), { code: 'closed' });
  assert.deepEqual(await device.remote.getAllMemories(ada), []);
});

test('a write that is on its way is waited for by close, a read is not', { skip }, async (t) => {
  const server = await serve(t);
  const device = await openDevice(t, server);
  await device.synced.sync();
  await device.offline(() => device.synced.storeMemories('On its way.', ada));
  let letGo;
  const held = new Promise((resolve) => (letGo = resolve));
  faultOn(server, isAdd, ({ act }) => void held.then(act));
  const sync = device.synced.sync();
  sync.catch(() => undefined);
  await until(() => server.requests.some(isAdd), 'the add');
  const closing = device.synced.close();
  letGo();
  await closing;
  assert.deepEqual(textsAt(server), ['On its way.']);
  // What is known of it is written down, too.
  const again = await openDevice(t, server, { storage: device.storage });
  assert.deepEqual(await again.synced.queue(), []);

  server.faults.push(fault.mute());
  again.synced.sync().catch(() => undefined);
  await until(() => server.faults.length === 0, 'the listing');
  await again.synced.close();
});

test('a signal ends the waiting, not the round', { skip }, async (t) => {
  const server = await serve(t);
  const device = await openDevice(t, server);
  await device.synced.storeMemories('Sent all the same.', ada);
  const reason = new Error('enough');
  await assert.rejects(device.synced.sync({ signal: AbortSignal.abort(reason) }), {
    code: 'aborted',
    cause: reason,
  });
  await until(() => textsAt(server).length === 1, 'the sending');
});

test('once the local provider is closed, it stops', { skip }, async (t) => {
  const server = await serve(t);
  const device = await openDevice(t, server);
  await device.local.close();
  await assert.rejects(device.synced.sync(), { code: 'closed' });
});

test('options that are wrong are named, with their bound and value', { skip }, async (t) => {
  const server = await serve(t);
  const { local, remote } = await openDevice(t, server);
  const facts = new Mem0Provider({ baseUrl: server.url });
  const hasty = new Mem0Provider({ baseUrl: server.url, infer: false, waitForCompletion: false });
  const cases = [
    [{ remote }, 'local', /^local must be a LocalProvider that is open/],
    [{ local: remote, remote }, 'local', /^local must be a LocalProvider/],
    [{ local }, 'remote', /^remote must have the method storeMemories/],
    [{ local, remote: facts }, 'remote', /^remote must be made with infer: false/],
    [{ local, remote: hasty }, 'remote', /^remote must be made with waitForCompletion: true/],
    [{ local, remote, pullIntervalMs: 0 }, 'pullIntervalMs', /more than 0, got 0$/],
    [{ local, remote, retryDelayMs: NaN }, 'retryDelayMs', /more than 0, got NaN$/],
    [{ local, remote, userId: '' }, 'userId', /must be a string that is not empty/],
    [{ local, remote, agentId: 7 }, 'agentId', /must be a string that is not empty/],
  ];
  for (const [options, field, message] of cases)
    assert.throws(() => new SyncedProvider(options), { code: 'invalid_argument', field, message });
  assert.throws(() => new SyncedProvider(), { code: 'invalid_argument' });
});

test('a listener that throws disturbs nobody', async () => {
  const { stdout } = await runModule(`
    import { LocalProvider, Mem0Provider } from 'agent-memory-wasm';
    import { memoryStorage } from 'agent-memory-wasm/storage/memory';
    import { SyncedProvider } from 'agent-memory-wasm/synced';
    const uncaught = [];
    process.on('uncaughtException', ({ message }) => uncaught.push(message));
    const local = await LocalProvider.open({ storage: memoryStorage() });
    const fetch = () => Promise.reject(new TypeError('fetch failed'));
    const remote = new Mem0Provider({ baseUrl: 'http://127.0.0.1', fetch, infer: false, maxRetries: 0 });
    const synced = new SyncedProvider({ local, remote, userId: 'ada' });
    const states = [];
    synced.subscribe(() => { throw new Error('from a listener'); });
    synced.subscribe(({ type, state }) => type === 'sync' && states.push(state));
    await synced.storeMemories('Tea.', { userId: 'ada' });
    await synced.sync().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 0));
    console.log(new Set(uncaught), states.at(-1), (await synced.queue()).length);
  `);
  // It has ended by itself, too: no timer of ours keeps a process.
  assert.equal(stdout.trim(), "Set(1) { 'from a listener' } waiting 1");
});
