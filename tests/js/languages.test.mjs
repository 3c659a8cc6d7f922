// `agent-memory-wasm/languages`, and what a provider does with them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { languages, loadLanguages } from 'agent-memory-wasm/languages';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { openProvider, textsOf } from './support/open.mjs';
import { refused } from './support/refused.mjs';
import { stem } from './support/stem.mjs';

const decoder = new TextDecoder();
const user = { userId: 'ada' };

test('the stemmers live on what they have, however many words they see', async () => {
  const all = await languages('german', 'french', 'spanish', 'dutch', 'italian', 'russian');
  const odd = ['ß'.repeat(32), 'yay'.repeat(21), 'я'.repeat(32), 'aeiou'.repeat(12), 'quiua', 'ü'];
  for (const language of all) {
    const first = odd.map((word) => stem(language, word));
    for (let i = 0; i < 300; ++i)
      assert.deepEqual(
        odd.map((word) => stem(language, word)),
        first,
      );
  }
});

test('a form that was not said is found', async (t) => {
  const said = {
    german: ['Ich suche eine Wohnung in Berlin', 'Wohnungen'],
    french: ["J'ai acheté des chevaux blancs", 'cheval'],
    russian: ['Мне нравится эта книга', 'книгами'],
  };
  for (const [name, [memory, query]] of Object.entries(said)) {
    const provider = await openProvider(t, { languages: languages(name, 'english') });
    await provider.storeMemories(memory, user);
    assert.deepEqual(textsOf(await provider.retrieveMemories(query, user)), [memory]);
  }
});

test('English texts beside others stay English', async (t) => {
  const provider = await openProvider(t, { languages: await languages('german', 'english') });
  await provider.storeMemories('I went running with my sister', user);
  await provider.storeMemories('Wir haben die Häuser gesehen', user);
  for (const [query, memory] of [
    ['where did I go for a run', 'I went running with my sister'],
    ['Haus', 'Wir haben die Häuser gesehen'],
  ]) {
    const [first] = await provider.retrieveMemories(query, user);
    assert.equal(first?.memory, memory);
  }
});

test('a store can be opened with other languages than it was written with', async (t) => {
  const storage = memoryStorage();
  for (const names of [['english'], ['german'], ['german', 'english'], ['german']]) {
    const provider = await openProvider(t, { storage, languages: languages(...names) });
    await provider.storeMemories('Die Häuser am See', user);
    const found = await provider.retrieveMemories('Häuser', user);
    assert.deepEqual(textsOf(found), ['Die Häuser am See'], names.join());
    await provider.close();
  }
});

test("a language of the caller's own is used as well", async (t) => {
  const asked = [];
  const finnish = {
    id: 'finnish-test',
    stopWords: 'ja on',
    letters: 'äö',
    stem(word, size) {
      asked.push(decoder.decode(word.subarray(0, size)));
      return Math.min(size, 4);
    },
  };
  const provider = await openProvider(t, { languages: [finnish] });
  await provider.storeMemories('Talossa ja kylässä', user);
  const found = await provider.retrieveMemories('taloja', user);
  assert.deepEqual(textsOf(found), ['Talossa ja kylässä']);
  for (const word of ['talossa', 'kylässä']) assert.ok(asked.includes(word), word);
  assert.ok(!asked.includes('ja')); // a stop word
});

test('a stemmer that throws leaves words whole', async (t) => {
  const broken = {
    id: 'broken',
    stopWords: '',
    letters: '',
    stem() {
      throw new Error('no');
    },
  };
  const provider = await openProvider(t, { languages: [broken] });
  await provider.storeMemories('Talossa ja kylässä', user);
  assert.equal((await provider.retrieveMemories('talossa', user)).length, 1);
});

test('what is no list of languages is refused, by its name', async (t) => {
  const [german] = await languages('german');
  for (const wrong of ['german', ['german'], [{}], [], {}, null, Array(16).fill(german)]) {
    const error = { code: 'invalid_argument', field: 'languages' };
    await refused(() => openProvider(t, { languages: wrong }), error);
  }
  await refused(() => languages('klingon'), {
    code: 'invalid_argument',
    field: 'languages',
    message: /must be among english, german, .*, got klingon/,
  });
});

test('the module may come from anywhere, and is loaded once', async () => {
  await loadLanguages();
  await loadLanguages({ wasm: Promise.reject(new Error('ignored')) });
  const [first] = await languages('german');
  const [second] = await languages('german');
  assert.equal(first, second);
});
