// What a provider without options finds in other languages than English: known memories, asked for in other forms.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { openProvider, textsOf } from './support/open.mjs';

const file = path.join(import.meta.dirname, '../data/other-languages.json');
const samples = JSON.parse(await readFile(file, 'utf8'));

for (const [language, { memories, questions }] of Object.entries(samples)) {
  test(`${language}: each memory is among the first two for its question`, async (t) => {
    const provider = await openProvider(t);
    await provider.storeMemories(memories.map((content) => ({ role: 'user', content })));
    const missed = [];
    for (const [question, wanted] of questions) {
      const found = textsOf(await provider.retrieveMemories(question, { topK: 2 }));
      if (!found.includes(memories[wanted])) missed.push(`${question} -> ${found.join(' | ')}`);
    }
    assert.deepEqual(missed, []);
  });
}

test('in one store with all of them, most memories come first', async (t) => {
  const provider = await openProvider(t);
  const all = Object.values(samples);
  for (const { memories } of all) {
    await provider.storeMemories(memories.map((content) => ({ role: 'user', content })));
  }
  let first = 0;
  let asked = 0;
  for (const { memories, questions } of all) {
    for (const [question, wanted] of questions) {
      const [found] = await provider.retrieveMemories(question, { topK: 1 });
      first += found?.memory === memories[wanted] ? 1 : 0;
      ++asked;
    }
  }
  t.diagnostic(`${first} of ${asked} come first`);
  assert.ok(first >= 0.85 * asked, `${first} of ${asked}`);
});
