// LocalProvider.updateMemory, history, deleteMemory, deleteAllMemories.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalProvider } from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { manualClock, openProvider, textsOf } from './support/open.mjs';
import { refused } from './support/refused.mjs';

async function withOne(t, options) {
  const clock = manualClock();
  const provider = await openProvider(t, { now: clock.now, ...options });
  const [{ id }] = await provider.storeMemories('I keep bees', {
    userId: 'ada',
    metadata: { n: 1, keep: true },
  });
  return { clock, provider, id };
}

test('updateMemory changes the text, and its time', async (t) => {
  const { clock, provider, id } = await withOne(t);
  clock.advance(1000);
  assert.deepEqual(await provider.updateMemory(id, { memory: 'I keep wasps' }), {
    id,
    memory: 'I keep wasps',
    event: 'UPDATE',
    metadata: { n: 1, keep: true },
  });
  const memory = await provider.getMemory(id);
  assert.equal(memory.memory, 'I keep wasps');
  assert.equal(memory.createdAt, '2026-03-01T12:00:00.000Z');
  assert.equal(memory.updatedAt, '2026-03-01T12:00:01.000Z');
  assert.equal(memory.userId, 'ada');
  assert.deepEqual(memory.metadata, { n: 1, keep: true });
});

test('updateMemory replaces the metadata as a whole', async (t) => {
  const { provider, id } = await withOne(t);
  assert.equal((await provider.updateMemory(id, { metadata: { m: 2 } })).event, 'UPDATE');
  const memory = await provider.getMemory(id);
  assert.deepEqual(memory.metadata, { m: 2 });
  assert.equal(memory.memory, 'I keep bees');
  await provider.updateMemory(id, { metadata: {} });
  assert.deepEqual((await provider.getMemory(id)).metadata, {});
});

test('updateMemory with both changes both at once', async (t) => {
  const { provider, id } = await withOne(t);
  await provider.updateMemory(id, { memory: 'I keep wasps', metadata: { m: 2 } });
  const { memory, metadata } = await provider.getMemory(id);
  assert.deepEqual({ memory, metadata }, { memory: 'I keep wasps', metadata: { m: 2 } });
  assert.equal((await provider.history(id)).length, 2);
});

test('updating to what is there already is a NOOP', async (t) => {
  const { clock, provider, id } = await withOne(t);
  clock.advance(1000);
  const change = { memory: 'I keep bees', metadata: { n: 1, keep: true } };
  assert.equal((await provider.updateMemory(id, change)).event, 'NOOP');
  assert.equal((await provider.getMemory(id)).updatedAt, '2026-03-01T12:00:00.000Z');
  assert.equal((await provider.history(id)).length, 1);
});

test('updating or deleting what is not there', async (t) => {
  const { provider, id } = await withOne(t);
  const error = await refused(() => provider.updateMemory('no-such', { memory: 'x' }), {
    code: 'not_found',
    message: /no-such/,
  });
  assert.equal(error.name, 'NotFoundError');
  assert.equal(await provider.deleteMemory('no-such'), false);
  assert.equal(await provider.deleteMemory(id), true);
  assert.equal(await provider.deleteMemory(id), false);
  await refused(() => provider.updateMemory(id, { memory: 'x' }), { code: 'not_found' });
  assert.equal(await provider.getMemory(id), null);
});

test('history tells what happened to a memory, oldest first', async (t) => {
  const { clock, provider, id } = await withOne(t);
  for (const memory of ['I keep wasps', 'I keep hornets']) {
    clock.advance(1000);
    await provider.updateMemory(id, { memory });
  }
  assert.deepEqual(await provider.history(id), [
    { event: 'ADD', memory: 'I keep bees', at: '2026-03-01T12:00:00.000Z' },
    { event: 'UPDATE', memory: 'I keep wasps', at: '2026-03-01T12:00:01.000Z' },
    { event: 'UPDATE', memory: 'I keep hornets', at: '2026-03-01T12:00:02.000Z' },
  ]);
  assert.deepEqual(await provider.history('no-such'), []);
});

test('of a deleted memory the steps stay, the words do not', async (t) => {
  const storage = memoryStorage();
  const { clock, provider, id } = await withOne(t, { storage });
  clock.advance(1000);
  await provider.deleteMemory(id);
  const steps = await provider.history(id);
  assert.deepEqual(
    steps.map(({ event, memory }) => [event, memory]),
    [
      ['ADD', ''],
      ['DELETE', ''],
    ],
  );
  const again = await openProvider(t, { storage });
  assert.deepEqual(await again.history(id), steps);
});

test('deleted stays deleted after closing and opening', async (t) => {
  const storage = memoryStorage();
  const first = await LocalProvider.open({ storage });
  const stored = await first.storeMemories(['one', 'two', 'three']);
  await first.deleteMemory(stored[1].id);
  await first.close();
  const second = await openProvider(t, { storage });
  assert.deepEqual(textsOf(await second.getAllMemories()).sort(), ['one', 'three']);
});

test('deleted stays deleted although another provider changes it later', async (t) => {
  const storage = memoryStorage();
  const quiet = { ...memoryMethods(storage) }; // nobody tells these two of each other
  const one = await openProvider(t, { storage: quiet });
  const [{ id }] = await one.storeMemories('I keep bees');
  const other = await openProvider(t, { storage: quiet });
  await one.deleteMemory(id);
  await other.updateMemory(id, { memory: 'I keep wasps' }).catch(() => undefined);
  const third = await openProvider(t, { storage: quiet });
  assert.equal(await third.getMemory(id), null);
});

function memoryMethods(storage) {
  return {
    kind: storage.kind,
    get: (key) => storage.get(key),
    write: (batch) => storage.write(batch),
    scan: (...args) => storage.scan(...args),
    close: () => storage.close(),
  };
}

test('deleteAllMemories deletes what the ids see and the filters match', async (t) => {
  const provider = await openProvider(t);
  for (let n = 0; n < 6; n++) {
    await provider.storeMemories(`number ${n}`, { userId: n % 2 ? 'ada' : 'ben', metadata: { n } });
  }
  assert.equal(await provider.deleteAllMemories({ userId: 'ada', filters: { n: { gt: 2 } } }), 2);
  assert.deepEqual(textsOf(await provider.getAllMemories({ userId: 'ada' })), ['number 1']);
  assert.equal((await provider.getAllMemories({ userId: 'ben' })).length, 3);
  assert.equal(await provider.deleteAllMemories({ userId: 'nobody' }), 0);
  assert.equal(
    await provider.deleteAllMemories({ everything: true, filters: { n: { lt: 2 } } }),
    2,
  );
  assert.equal(await provider.deleteAllMemories({ everything: true }), 2);
  assert.equal((await provider.status()).memories, 0);
});

test('deleteAllMemories without any id refuses, unless everything is true', async (t) => {
  const { provider } = await withOne(t);
  for (const which of [
    undefined,
    {},
    { everything: false },
    { filters: { n: 1 } },
    { userId: undefined },
  ]) {
    await refused(() => provider.deleteAllMemories(which), { field: 'everything' });
  }
  assert.equal((await provider.status()).memories, 1);
});

test('what the user deleted with the whole store is not written back by a tab that knew it', async (t) => {
  const storage = memoryStorage();
  const provider = await openProvider(t, { storage });
  await provider.storeMemories(['the secret is out', 'nobody knows']);
  const everything = async () => storage.scan('', undefined, 1e6);
  await storage.write({ delete: (await everything()).map(([key]) => key) });
  const [{ id }] = await provider.storeMemories('a reason to fold');
  await provider.deleteMemory(id);
  await provider.close();
  const left = Buffer.concat((await everything()).map(([, value]) => value));
  assert.ok(!left.includes('secret'));
});

test('a fold lets other work of the thread come in between its values', async (t) => {
  const inner = memoryStorage();
  let isOtherDone = false;
  let wasDone;
  const storage = {
    kind: 'memory',
    get: (key) => inner.get(key),
    scan: (prefix, after, limit) => inner.scan(prefix, after, limit),
    close: () => inner.close(),
    async write(batch) {
      if (batch.put?.some(([key]) => key.startsWith('head/'))) wasDone = isOtherDone;
      await inner.write(batch);
    },
  };
  const provider = await openProvider(t, { storage });
  const [{ id }] = await provider.storeMemories(['I keep bees', 'I drink tea']);
  await provider.deleteMemory(id);
  // Each value takes longer than a slice.
  let time = performance.now();
  t.mock.method(performance, 'now', () => (time += 10));
  const closing = provider.close(); // folds
  setImmediate(() => (isOtherDone = true));
  await closing;
  assert.equal(wasDone, true);
});
