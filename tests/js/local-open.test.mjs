// LocalProvider.open, status, close and what comes after.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalProvider, MemoryContext } from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { interceptedStorage, recordsOf } from './support/faulty-storage.mjs';
import { day, manualClock, nextEvent, openProvider, textsOf } from './support/open.mjs';
import { refused } from './support/refused.mjs';

test('without options it opens an empty store, here one that does not persist', async () => {
  const provider = await LocalProvider.open();
  assert.deepEqual(await provider.status(), {
    kind: 'memory',
    persistent: false,
    memories: 0,
    bytes: 0,
    encrypted: false,
  });
  await provider.close();
});

test('two providers without a storage of their own share nothing where there is no IndexedDB', async (t) => {
  const [one, other] = [await LocalProvider.open(), await LocalProvider.open()];
  t.after(() => Promise.all([one.close(), other.close()]));
  await one.storeMemories('mine');
  assert.deepEqual(await other.getAllMemories(), []);
});

test('status counts memories and bytes, and tells what the store says of itself', async (t) => {
  const inner = memoryStorage();
  const storage = {
    kind: 'notebook',
    encrypted: true,
    get: (key) => inner.get(key),
    write: (batch) => inner.write(batch),
    scan: (...args) => inner.scan(...args),
    close: () => inner.close(),
  };
  const provider = await openProvider(t, { storage });
  await provider.storeMemories(['one', 'two'], { userId: 'ada' });
  const { bytes, ...rest } = await provider.status();
  assert.deepEqual(rest, { kind: 'notebook', persistent: true, memories: 2, encrypted: true });
  const records = await recordsOf(inner);
  assert.equal(
    bytes,
    records.reduce((sum, [, value]) => sum + value.length, 0),
  );
});

test('a store without watch and exclusively is enough', async (t) => {
  const { kind, ...inner } = interceptedStorage(memoryStorage(), () => undefined);
  const storage = {
    kind,
    get: inner.get,
    write: inner.write,
    scan: inner.scan,
    close: inner.close,
  };
  const provider = await openProvider(t, { storage });
  await provider.storeMemories('one');
  assert.equal((await provider.retrieveMemories('one')).length, 1);
});

test('a store that was closed opens again with all that was in it, ids and times included', async (t) => {
  const storage = memoryStorage();
  const first = await LocalProvider.open({ storage });
  await first.storeMemories(
    [{ role: 'user', name: 'Ada', content: 'I keep bees', timestamp: '2026-01-02T03:04:05.678Z' }],
    { userId: 'ada', agentId: 'bot', runId: 'r1', metadata: { topic: ['bees', { n: 1.5 }] } },
  );
  const before = await first.getAllMemories({ userId: 'ada' });
  await first.close();
  const second = await openProvider(t, { storage });
  assert.deepEqual(await second.getAllMemories({ userId: 'ada' }), before);
  assert.equal(before[0].createdAt, '2026-01-02T03:04:05.678Z');
});

test('a store with many writes opens again with the same search results', async (t) => {
  const storage = memoryStorage();
  const clock = manualClock();
  const first = await LocalProvider.open({ storage, now: clock.now });
  for (let index = 0; index < 700; index++) {
    clock.advance(1000);
    await first.storeMemories(
      `memory ${index} of things like ${['tea', 'bees', 'rain'][index % 3]}`,
    );
  }
  const [one] = await first.retrieveMemories('bees', { topK: 1 });
  await first.updateMemory(one.id, { memory: 'no longer what it was: honey' });
  const options = { topK: 50, explain: true };
  const before = await Promise.all(
    ['bees', 'tea', 'honey', 'memory 13'].map((q) => first.retrieveMemories(q, options)),
  );
  await first.close();
  const second = await openProvider(t, { storage, now: clock.now });
  const after = await Promise.all(
    ['bees', 'tea', 'honey', 'memory 13'].map((q) => second.retrieveMemories(q, options)),
  );
  assert.deepEqual(after, before);
  assert.equal((await second.status()).memories, 700);
});

test('two providers over one store see each other’s acknowledged writes', async (t) => {
  const storage = memoryStorage();
  const one = await openProvider(t, { storage });
  const other = await openProvider(t, { storage });
  const told = nextEvent(other, ({ type }) => type === 'change');
  await one.storeMemories('I keep bees');
  await told;
  assert.deepEqual(textsOf(await other.retrieveMemories('bees')), ['I keep bees']);
});

test('roles says whose words become memories', async (t) => {
  const said = [
    { role: 'user', content: 'I keep bees' },
    { role: 'assistant', content: 'Bees are lovely' },
  ];
  for (const [roles, expected] of [
    [undefined, ['I keep bees', 'Bees are lovely']],
    [['user'], ['I keep bees']],
    [['assistant'], ['Bees are lovely']],
    [
      ['assistant', 'user'],
      ['I keep bees', 'Bees are lovely'],
    ],
  ]) {
    const provider = await openProvider(t, { roles });
    assert.deepEqual(textsOf(await provider.storeMemories(said)), expected);
  }
});

test('halfLifeMs is the age at which half of the recency is gone; 30 days by default', async (t) => {
  for (const halfLifeMs of [undefined, day, 1000]) {
    const clock = manualClock();
    const provider = await openProvider(t, { halfLifeMs, now: clock.now });
    await provider.storeMemories('I keep bees');
    const recency = async () => {
      const [found] = await provider.retrieveMemories('bees', {
        strategy: 'hybrid',
        explain: true,
      });
      return found.explanation.recency;
    };
    assert.ok(Math.abs((await recency()) - 1) < 1e-6);
    clock.advance(halfLifeMs ?? 30 * day);
    assert.ok(Math.abs((await recency()) - 0.5) < 1e-6, `half life ${halfLifeMs}`);
    clock.advance(halfLifeMs ?? 30 * day);
    assert.ok(Math.abs((await recency()) - 0.25) < 1e-6);
  }
});

test('now is the clock of everything that is stored', async (t) => {
  const clock = manualClock('2001-02-03T04:05:06.789Z');
  const provider = await openProvider(t, { now: clock.now });
  const [{ id }] = await provider.storeMemories('I keep bees');
  assert.equal((await provider.getMemory(id)).createdAt, '2001-02-03T04:05:06.789Z');
  clock.time = Date.parse('1999-01-01T00:00:00Z');
  await provider.updateMemory(id, { memory: 'I keep wasps' });
  assert.deepEqual(
    (await provider.history(id)).map(({ at }) => at),
    ['2001-02-03T04:05:06.789Z', '1999-01-01T00:00:00.000Z'],
    'it may jump back',
  );
});

for (const [name, now] of [
  [
    'throws',
    () => {
      throw new Error('no clock');
    },
  ],
  ['tells NaN', () => NaN],
  ['tells a time beyond all calendars', () => 1e300],
  ['tells no number', () => 'noon'],
]) {
  test(`a clock that ${name} does not stop the provider: the real time counts`, async (t) => {
    const provider = await openProvider(t, { now });
    const before = Date.now();
    const [{ id }] = await provider.storeMemories('I keep bees');
    await provider.storeMemories('I keep wasps');
    const { createdAt } = await provider.getMemory(id);
    assert.ok(Date.parse(createdAt) >= before && Date.parse(createdAt) <= Date.now(), createdAt);
    assert.equal((await provider.retrieveMemories('bees')).length, 1);
  });
}

test('the constructor is not for callers', () => {
  assert.throws(() => new LocalProvider(), /LocalProvider\.open/);
});

test('closing twice is fine, and closes the store once', async () => {
  let closed = 0;
  const storage = interceptedStorage(memoryStorage(), (method) => {
    if (method === 'close') closed++;
    return undefined;
  });
  const provider = await LocalProvider.open({ storage });
  const [first, second] = [provider.close(), provider.close()];
  await Promise.all([first, second]);
  await provider.close();
  assert.equal(closed, 1);
});

test('close waits for the writes that were under way', async (t) => {
  const storage = memoryStorage();
  const provider = await LocalProvider.open({ storage });
  const writes = Array.from({ length: 20 }, (_, index) =>
    provider.storeMemories(`memory ${index}`),
  );
  await provider.close();
  await Promise.all(writes);
  const again = await openProvider(t, { storage });
  assert.equal((await again.getAllMemories()).length, 20);
});

test('after close every method rejects with closed', async () => {
  const provider = await LocalProvider.open({ storage: memoryStorage() });
  await provider.storeMemories('I keep bees');
  const context = new MemoryContext(provider, { failOpen: false });
  assert.equal((await context.search('bees')).length, 1);
  const closing = provider.close();
  const calls = {
    retrieveMemories: () => provider.retrieveMemories('bees'),
    storeMemories: () => provider.storeMemories('wasps'),
    getAllMemories: () => provider.getAllMemories(),
    deleteMemory: () => provider.deleteMemory('id'),
    getMemory: () => provider.getMemory('id'),
    updateMemory: () => provider.updateMemory('id', { memory: 'x' }),
    history: () => provider.history('id'),
    deleteAllMemories: () => provider.deleteAllMemories({ userId: 'ada' }),
    exportMemories: () => provider.exportMemories(),
    importMemories: () => provider.importMemories('{"format":"agent-memory","version":1}\n'),
    status: () => provider.status(),
  };
  for (const call of Object.values(calls)) await refused(call, { code: 'closed' });
  await closing;
  for (const call of Object.values(calls)) {
    const error = await refused(call, { code: 'closed' });
    assert.equal(error.name, 'ClosedError');
  }
  await refused(() => context.search('bees'), { code: 'closed' });
  await refused(() => new MemoryContext(provider, { failOpen: false }).add('wasps'), {
    code: 'closed',
  });
});

test('subscribing to a closed provider is harmless', async () => {
  const provider = await LocalProvider.open({ storage: memoryStorage() });
  await provider.close();
  const stop = provider.subscribe(() => undefined);
  stop();
});

test('`await using` closes', async () => {
  const provider = await LocalProvider.open({ storage: memoryStorage() });
  await provider[Symbol.asyncDispose]();
  await refused(() => provider.status(), { code: 'closed' });
});
