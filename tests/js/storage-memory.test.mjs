import assert from 'node:assert/strict';
import test from 'node:test';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { storageContract } from 'agent-memory-wasm/testing';
import { openProvider, textsOf } from './support/open.mjs';
import { bytes, signal } from './support/waiting.mjs';

storageContract({
  test: (name, body) => test(`memory: ${name}`, body),
  validates: true,
  open: async () => memoryStorage(),
  reopen: async (store) => store,
  share: async (store) => store,
  afterClose: 'answers',
});

test('memory: every object is a store of its own', async () => {
  const [one, other] = [memoryStorage(), memoryStorage()];
  await one.write({ put: [['key', bytes(1)]] });
  assert.equal(await other.get('key'), undefined);
});

test('memory: a watcher is not called from within the write', async () => {
  const store = memoryStorage();
  let calls = 0;
  store.watch(() => calls++);
  const written = store.write({ put: [['key', bytes(1)]] });
  assert.equal(calls, 0);
  await written;
  await Promise.resolve();
  assert.equal(calls, 1);
});

test('memory: a watcher that watches again from within is told once per write', async () => {
  const store = memoryStorage();
  const told = signal();
  let calls = 0;
  store.watch(() => {
    calls++;
    store.watch(told.fire);
  });
  await store.write({ put: [['key', bytes(1)]] });
  await Promise.resolve();
  assert.equal(calls, 1);
  await store.write({ put: [['key', bytes(2)]] });
  await told.fired;
  assert.equal(calls, 2);
});

test('memory: 50,000 keys can be paged through', async () => {
  const store = memoryStorage();
  const count = 50_000;
  const key = (index) => `k${String(index).padStart(6, '0')}`;
  await store.write({ put: Array.from({ length: count }, (_, index) => [key(index), bytes()]) });
  let after;
  let seen = 0;
  for (;;) {
    const page = await store.scan('k', after, 50);
    if (page.length === 0) break;
    seen += page.length;
    after = page.at(-1)[0];
  }
  assert.equal(seen, count);
});

test('memory: what is given away is kept as it is, what is written is copied', async () => {
  const store = memoryStorage();
  const [given, written] = [bytes(1), bytes(2)];
  await store.write.given.call(store, { put: [['given', given]] });
  await store.write({ put: [['written', written]] });
  const lent = await store.scan.lent.call(store, '', undefined, 10);
  assert.equal(lent[0][1], given);
  assert.deepEqual(lent[1][1], written);
  assert.notEqual(lent[1][1], written);
  await assert.rejects(store.write.given.call(store, { put: [['key', 'text']] }), /put\[0\]/);
});

test('a provider reads through a scan that somebody put in the place of the store’s own', async (t) => {
  const storage = memoryStorage();
  const first = await openProvider(t, { storage });
  await first.storeMemories('I keep bees', { userId: 'ada' });
  await first.close();
  const scan = storage.scan;
  let calls = 0;
  storage.scan = (...args) => {
    calls++;
    return scan.apply(storage, args);
  };
  const second = await openProvider(t, { storage });
  assert.deepEqual(textsOf(await second.getAllMemories({ userId: 'ada' })), ['I keep bees']);
  assert.ok(calls > 0, `${calls} calls`);
});

test('what a reader does to the bytes it got is no matter to the store, nor to a provider', async (t) => {
  const storage = memoryStorage();
  const first = await openProvider(t, { storage });
  await first.storeMemories('I keep bees', { userId: 'ada' });
  await first.close();
  for (const [key, value] of await storage.scan('', undefined, 100)) {
    value.fill(0);
    (await storage.get(key)).fill(0);
  }
  const second = await openProvider(t, { storage });
  assert.deepEqual(textsOf(await second.getAllMemories({ userId: 'ada' })), ['I keep bees']);
});
