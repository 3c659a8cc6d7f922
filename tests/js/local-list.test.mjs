// LocalProvider.getAllMemories and getMemory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openProvider, textsOf } from './support/open.mjs';

async function withDays(t, count) {
  const provider = await openProvider(t);
  const days = Array.from({ length: count }, (_, index) => index + 1);
  // Not in the order of their times.
  for (const number of days.sort((a, b) => ((a * 7) % 11) - ((b * 7) % 11))) {
    await provider.storeMemories(`day ${number}`, { timestamp: Date.UTC(2026, 0, number) });
  }
  return provider;
}

const newestFirst = (count) => Array.from({ length: count }, (_, index) => `day ${count - index}`);

test('all memories, newest first', async (t) => {
  const provider = await withDays(t, 10);
  assert.deepEqual(textsOf(await provider.getAllMemories()), newestFirst(10));
});

test('limit and offset page through them without gap or repetition', async (t) => {
  const provider = await withDays(t, 10);
  for (const limit of [1, 3, 10, 11]) {
    const pages = [];
    for (let offset = 0; offset < 10; offset += limit) {
      const page = await provider.getAllMemories({ limit, offset });
      assert.equal(page.length, Math.min(limit, 10 - offset));
      pages.push(...textsOf(page));
    }
    assert.deepEqual(pages, newestFirst(10), `pages of ${limit}`);
  }
});

test('an offset at or beyond the end gives nothing', async (t) => {
  const provider = await withDays(t, 3);
  for (const offset of [3, 4, 1e9]) assert.deepEqual(await provider.getAllMemories({ offset }), []);
  assert.equal((await provider.getAllMemories({ limit: Number.MAX_SAFE_INTEGER })).length, 3);
});

test('limit and offset do not wrap around at 2^32', async (t) => {
  const provider = await withDays(t, 3);
  assert.equal((await provider.getAllMemories({ limit: 2 ** 32 })).length, 3);
  assert.deepEqual(await provider.getAllMemories({ offset: 2 ** 32 }), []);
});

test('an offset without a limit skips the newest', async (t) => {
  const provider = await withDays(t, 4);
  assert.deepEqual(textsOf(await provider.getAllMemories({ offset: 1 })), newestFirst(4).slice(1));
});

test('filters come before the limit', async (t) => {
  const provider = await openProvider(t);
  for (let n = 0; n < 20; n++) {
    await provider.storeMemories(`number ${n}`, { metadata: { n }, timestamp: n });
  }
  const found = await provider.getAllMemories({ filters: { n: { lt: 5 } }, limit: 2, offset: 1 });
  assert.deepEqual(textsOf(found), ['number 3', 'number 2']);
});

test('of memories of the same time, the later id comes first, every time', async (t) => {
  const provider = await openProvider(t);
  await provider.storeMemories(
    Array.from({ length: 9 }, (_, n) => `number ${n}`),
    { timestamp: 0 },
  );
  const ids = (await provider.getAllMemories()).map(({ id }) => id);
  assert.deepEqual(ids, [...ids].sort().reverse());
  assert.deepEqual(
    (await provider.getAllMemories()).map(({ id }) => id),
    ids,
  );
});

test('an empty store has nothing to list', async (t) => {
  const provider = await openProvider(t);
  assert.deepEqual(await provider.getAllMemories(), []);
  assert.deepEqual(await provider.getAllMemories({ userId: 'ada', limit: 5 }), []);
});

test('getMemory finds a memory whoever’s it is, or null', async (t) => {
  const provider = await openProvider(t);
  const [{ id }] = await provider.storeMemories('I keep bees', {
    userId: 'ada',
    metadata: { n: 1 },
  });
  const memory = await provider.getMemory(id);
  assert.equal(memory.id, id);
  assert.equal(memory.userId, 'ada');
  assert.equal(memory.score, 1);
  assert.deepEqual(memory.metadata, { n: 1 });
  for (const other of [
    'no such id',
    id.toUpperCase() + 'x',
    '__proto__',
    '\u0000',
    'ü'.repeat(5000),
  ]) {
    assert.equal(await provider.getMemory(other), null);
  }
});
