// The cases that the C++ tests read as well, through the package.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { LocalProvider } from 'agent-memory-wasm';
import { languages } from 'agent-memory-wasm/languages';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { importAll, openProvider } from './support/open.mjs';
import { openRanked, rankedBy } from './support/ranks.mjs';
import { refused } from './support/refused.mjs';
import { stem } from './support/stem.mjs';

const folder = path.join(import.meta.dirname, '../cases');
const readCases = async (file) => JSON.parse(await readFile(path.join(folder, file), 'utf8'));

// ------------------------------------------------------------------------------------- messages.json

/** What the cases tell of a message, of each memory. */
async function storedBy(provider, receipts) {
  const memories = await Promise.all(receipts.map(({ id }) => provider.getMemory(id)));
  return memories.map(({ memory, role, name, createdAt }) => ({ memory, role, name, createdAt }));
}

for (const { name, input, expected, error } of await readCases('messages.json')) {
  test(`messages: ${name}`, async (t) => {
    const now = '2001-01-01T00:00:00.000Z';
    const provider = await openProvider(t, { now: () => Date.parse(now) });
    if (error) {
      await refused(() => provider.storeMemories(input), error);
      assert.equal((await provider.status()).memories, 0);
      return;
    }
    const receipts = await provider.storeMemories(input);
    assert.deepEqual(
      await storedBy(provider, receipts),
      expected.map(({ text: memory, role, name: speaker, time = now }) => ({
        memory,
        role,
        name: speaker,
        createdAt: time,
      })),
    );
  });
}

// -------------------------------------------------------------------------------------- filters.json

const { memories: filtered, cases: filterCases } = await readCases('filters.json');

/** Identities that together see every memory, none of them twice. */
const everybody = [{ userId: 'ann' }, { userId: 'bob' }, { agentId: 'bot' }, {}];

const idsOf = (memories) => memories.map(({ id }) => id).sort();

/** What `call` answers for everybody's memories. */
async function forEverybody(call) {
  const answers = [];
  for (const identity of everybody) answers.push(...(await call(identity)));
  return idsOf(answers);
}

test('filters: the cases see every memory once', async (t) => {
  const provider = await openProvider(t);
  await importAll(provider, filtered);
  assert.deepEqual(
    await forEverybody((identity) => provider.getAllMemories(identity)),
    idsOf(filtered),
  );
});

for (const { name, filter, matches, error } of filterCases) {
  test(`filters: ${name}`, async (t) => {
    const provider = await openProvider(t);
    await importAll(provider, filtered);
    if (error) {
      const expected = { field: 'filters', message: error };
      await refused(() => provider.getAllMemories({ filters: filter }), expected);
      await refused(() => provider.retrieveMemories('note', { filters: filter }), expected);
      await refused(
        () => provider.deleteAllMemories({ everything: true, filters: filter }),
        expected,
      );
      assert.equal((await provider.status()).memories, filtered.length);
      return;
    }
    const listed = (identity) => provider.getAllMemories({ ...identity, filters: filter });
    const found = (strategy) => (identity) =>
      provider.retrieveMemories('note', { ...identity, filters: filter, strategy, topK: 100 });
    assert.deepEqual(await forEverybody(listed), matches, 'listed');
    // All their texts say "note".
    for (const strategy of ['semantic_search', 'recency', 'hybrid']) {
      assert.deepEqual(await forEverybody(found(strategy)), matches, strategy);
    }
    const deleted = await provider.deleteAllMemories({ everything: true, filters: filter });
    assert.equal(deleted, matches.length, 'deleted');
    assert.deepEqual(
      await forEverybody((identity) => provider.getAllMemories(identity)),
      idsOf(filtered).filter((id) => !matches.includes(id)),
      'left',
    );
  });
}

// ---------------------------------------------------------------------------------------- ranks.json

test('ranks and scores are those of every other runtime', async (t) => {
  const cases = await readCases('ranks.json');
  const provider = await openRanked(LocalProvider, cases, { storage: memoryStorage() });
  t.after(() => provider.close());
  const ranks = await rankedBy(provider, cases);
  for (const [i, { query, options, expected }] of cases.queries.entries()) {
    const what = `${query} ${JSON.stringify(options)}; if that is meant, run scripts/record-ranks.mjs`;
    assert.deepEqual(ranks[i], expected, what);
  }
});

// ------------------------------------------------------------------------------------- stems.json

for (const { language: name, stems } of await readCases('stems.json')) {
  test(`the stems of ${name} are Snowball's own`, async () => {
    const [language] = await languages(name);
    for (const pair of stems) {
      const [word, expected] = pair.split(' ');
      assert.equal(stem(language, word), expected, word);
    }
  });
}

test('every file of cases is read by some test', async () => {
  const source = await readFile(import.meta.filename, 'utf8');
  for (const file of await readdir(folder)) assert.ok(source.includes(file), file);
});
