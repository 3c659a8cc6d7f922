// What `agent-memory-wasm/testing` offers to users' own tests: above all, that the contract finds what is wrong.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalProvider, MemorySession } from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { fakeClock, fakeProvider, storageContract } from 'agent-memory-wasm/testing';

/** The names of the tests that fail for the stores that `make` makes, and how many there are. */
async function failuresOf(make, options = {}) {
  const tests = [];
  storageContract({
    test: (name, body) => tests.push({ name, body }),
    open: make,
    share: (store) => store,
    hasWatch: false,
    hasLocks: false,
    ...options,
  });
  const failed = [];
  for (const { name, body } of tests) await body().catch(() => failed.push(name));
  return { failed, count: tests.length };
}

/** A store that is right but for `faults`, methods in the place of its own. */
function faulty(faults) {
  return () => {
    const inner = memoryStorage();
    const own = Object.fromEntries(
      ['get', 'write', 'scan', 'close'].map((name) => [name, inner[name].bind(inner)]),
    );
    return { kind: 'faulty', ...own, ...faults(inner) };
  };
}

test('a store that keeps the contract passes all of it', async () => {
  const { failed, count } = await failuresOf(faulty(() => ({})));
  assert.deepEqual(failed, []);
  assert.ok(count >= 28, `${count} tests`);
});

for (const [fault, finding, faults] of [
  [
    'forgets deletions',
    'what was deleted is gone, and may be put again',
    (inner) => ({ write: ({ put = [] }) => inner.write({ put }) }),
  ],
  [
    'writes a batch bit by bit',
    'a read that overlaps writes sees all of a batch or none of it',
    (inner) => ({
      write: async ({ put = [], delete: gone = [] }) => {
        for (const pair of put) await inner.write({ put: [pair] });
        await inner.write({ delete: gone });
      },
    }),
  ],
  [
    'acknowledges before it has written',
    'a write that resolved is seen by the next read',
    (inner) => ({ write: async (batch) => void setTimeout(() => inner.write(batch), 1) }),
  ],
  [
    'hands out its own bytes',
    'bytes that were handed out belong to whoever got them',
    () => {
      const map = new Map();
      return {
        write: async ({ put = [] }) => put.forEach(([key, value]) => map.set(key, value)),
        get: async (key) => map.get(key),
        scan: async () => [...map],
      };
    },
  ],
  [
    'includes `after`',
    '`after` is left out, whether or not it is there',
    (inner) => ({
      scan: (prefix, after, limit) => inner.scan(prefix, after?.slice(0, -1), limit),
    }),
  ],
  [
    'takes no limit for all',
    '`limit` is kept, and 0 is a limit',
    (inner) => ({ scan: (prefix, after, limit) => inner.scan(prefix, after, limit || 1e9) }),
  ],
  [
    'cannot hold what is large',
    'a value of 5 MiB survives',
    (inner) => ({
      write: async (batch) => {
        if (batch.put?.some(([, value]) => value.length > 2 << 20)) throw new Error('too large');
        await inner.write(batch);
      },
    }),
  ],
]) {
  test(`the contract finds a store that ${fault}`, async () => {
    const { failed } = await failuresOf(faulty(faults));
    assert.ok(failed.includes(finding), `failed: ${failed.join('; ')}`);
  });
}

test('what is not asked for is not tested: validation, closing, other contexts', async () => {
  const names = (options) => {
    const found = [];
    storageContract({ test: (name) => found.push(name), open: memoryStorage, ...options });
    return found;
  };
  const least = names({});
  const most = names({
    validates: true,
    afterClose: 'rejects',
    reopen: (store) => store,
    share: (store) => store,
  });
  assert.ok(least.every((name) => most.includes(name)));
  assert.ok(most.length > least.length + 12);
  assert.ok(!least.some((name) => /refused|after close|elsewhere|exclusively|outlives/.test(name)));
});

test('a fake clock stands still until it is told to move', async () => {
  const clock = fakeClock('2026-03-01T12:00:00Z');
  const provider = await LocalProvider.open({ storage: memoryStorage(), now: clock.now });
  await provider.storeMemories('first');
  clock.advance(86_400_000);
  await provider.storeMemories('second', { expiresAt: '2026-03-03T00:00:00Z' });
  const times = async () => (await provider.getAllMemories()).map(({ createdAt }) => createdAt);
  assert.deepEqual(
    (await times()).map((time) => Date.parse(time)),
    ['2026-03-02T12:00:00Z', '2026-03-01T12:00:00Z'].map(Date.parse),
  );
  clock.advance(86_400_000);
  assert.equal((await times()).length, 1, 'one has expired');
  await provider.close();
  assert.equal(fakeClock().now(), Date.parse('2026-01-01T00:00:00Z'));
  assert.throws(() => fakeClock('yesterday'), /start must be a time, got 'yesterday'/);
  assert.throws(() => clock.advance(-1), /milliseconds must be at least 0, got -1/);
});

test('a fake provider answers what it is told to, and knows what it was asked', async () => {
  const memory = { id: '1', memory: 'I keep bees', score: 1, metadata: {}, createdAt: null };
  const provider = fakeProvider({ retrieveMemories: [memory] });
  const session = new MemorySession(provider, { userId: 'ada' });
  const { memories } = await session.beforeModelRequest([{ role: 'user', content: 'bees?' }]);
  assert.deepEqual(
    memories.map(({ id }) => id),
    ['1'],
  );
  assert.equal(provider.calls[0].method, 'retrieveMemories');
  assert.equal(provider.calls[0].arguments[0], 'bees?');

  assert.deepEqual(await provider.getAllMemories(), []);
  assert.equal(await provider.deleteMemory('1'), false);
  provider.answers = {
    storeMemories: new Error('no network'),
    deleteMemory: async (id) => id === '2',
  };
  await assert.rejects(provider.storeMemories('x'), /no network/);
  assert.equal(await provider.deleteMemory('2'), true);
  assert.equal(provider.calls.length, 5);
});
