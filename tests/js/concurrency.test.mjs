// Many calls at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalProvider, MemoryContext, MemorySession } from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { openProvider, textsOf } from './support/open.mjs';

test('200 calls at once: each gets its own answer', async (t) => {
  const provider = await openProvider(t);
  const users = Array.from({ length: 20 }, (_, n) => `user-${n}`);
  await Promise.all(users.map((userId) => provider.storeMemories(`bees of ${userId}`, { userId })));
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, n) => {
      const userId = users[n % users.length];
      const options = { userId };
      if (n % 3 === 0) return provider.retrieveMemories('bees', options);
      if (n % 3 === 1) return provider.getAllMemories(options);
      return provider.storeMemories(`bees of ${userId}`, options);
    }),
  );
  for (const [n, answer] of answers.entries()) {
    assert.deepEqual(textsOf(answer), [`bees of ${users[n % users.length]}`]);
    if (n % 3 === 2) assert.equal(answer[0].event, 'NOOP');
  }
});

test('the same words stored 50 times at once are one memory', async (t) => {
  const provider = await openProvider(t);
  const stored = await Promise.all(
    Array.from({ length: 50 }, () => provider.storeMemories('I keep bees')),
  );
  const receipts = stored.flat();
  assert.equal(receipts.filter(({ event }) => event === 'ADD').length, 1);
  assert.equal(new Set(receipts.map(({ id }) => id)).size, 1);
});

test('one memory deleted by 20 calls at once is deleted by one of them', async (t) => {
  const provider = await openProvider(t);
  const [{ id }] = await provider.storeMemories('I keep bees');
  const deleted = await Promise.all(Array.from({ length: 20 }, () => provider.deleteMemory(id)));
  assert.equal(deleted.filter(Boolean).length, 1);
});

test('calls take effect in the order in which they were made', async (t) => {
  const provider = await openProvider(t);
  const [{ id }] = await provider.storeMemories('version 0');
  await Promise.all(
    Array.from({ length: 30 }, (_, n) => provider.updateMemory(id, { memory: `version ${n + 1}` })),
  );
  assert.equal((await provider.getMemory(id)).memory, 'version 30');
  assert.deepEqual(
    (await provider.history(id)).map(({ memory }) => memory),
    Array.from({ length: 31 }, (_, n) => `version ${n}`),
  );
});

test('a write that was started before is seen by a read that is started after it was acknowledged', async (t) => {
  const provider = await openProvider(t);
  await Promise.all(
    Array.from({ length: 50 }, async (_, n) => {
      await provider.storeMemories(`thing number${n}x`);
      assert.equal((await provider.retrieveMemories(`number${n}x`)).length, 1);
    }),
  );
});

test('ten providers over one store write at once, and all see everything in the end', async (t) => {
  const storage = memoryStorage();
  const providers = await Promise.all(
    Array.from({ length: 10 }, () => openProvider(t, { storage })),
  );
  await Promise.all(
    providers.flatMap((provider, p) =>
      Array.from({ length: 20 }, (_, n) => provider.storeMemories(`thing ${p} ${n}`)),
    ),
  );
  const late = await openProvider(t, { storage });
  assert.equal((await late.status()).memories, 200);
});

test('many contexts and sessions of one provider at once', async (t) => {
  const provider = await openProvider(t);
  await Promise.all(
    Array.from({ length: 40 }, async (_, n) => {
      const userId = `user-${n}`;
      const session = new MemorySession(provider, { userId });
      await session.afterRun([{ role: 'user', content: `the bees of ${userId}` }]);
      const { memories } = await session.beforeModelRequest([
        { role: 'user', content: 'which bees?' },
      ]);
      assert.deepEqual(textsOf(memories), [`the bees of ${userId}`]);
      const context = new MemoryContext(provider, { userId });
      assert.equal((await context.search('bees')).length, 1);
    }),
  );
});

test('fifty providers opened, used and closed at once', async () => {
  await Promise.all(
    Array.from({ length: 50 }, async (_, n) => {
      const provider = await LocalProvider.open({ storage: memoryStorage() });
      await provider.storeMemories(`thing ${n}`);
      assert.deepEqual(textsOf(await provider.getAllMemories()), [`thing ${n}`]);
      await provider.close();
    }),
  );
});
