// README's code runs as it stands there, and what its comments promise is so.
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { LocalProvider } from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { hasOpenApi, startMem0 } from './support/mem0-server.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const readme = await readFile(path.join(root, 'README.md'), 'utf8');
const examples = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code);

/** Runs an example as a file of its own inside the package, and hands out what it declared. */
async function run(code, index, names) {
  const folder = path.join(root, 'build/readme');
  const file = path.join(folder, `example-${index}.mjs`);
  await mkdir(folder, { recursive: true });
  await writeFile(file, `${code}\nexport { ${names.join(', ')} };\n`);
  return import(pathToFileURL(file).href);
}

test('the first example remembers', async () => {
  const { provider, request, messages, memories } = await run(examples[0], 0, [
    'provider',
    'request',
    'messages',
    'memories',
  ]);
  assert.equal(memories[0].memory, 'I moved to Lisbon in May. I drink green tea.');
  assert.equal(messages[0].role, 'system');
  assert.match(messages[0].content, /I drink green tea/);
  assert.deepEqual(messages.slice(1), request);
  await provider.close();
});

test('the second example finds, scores and explains', async () => {
  const { provider, found } = await run(examples[1], 1, ['provider', 'found']);
  assert.equal(found[0].memory, 'My sister Ida lives in Porto.');
  assert.ok(found[0].score > 0 && found[0].score <= 1);
  assert.ok(found[0].explanation.terms.includes('sister'));
  await provider.close();
});

test('the example of Mem0 stores and finds', { skip: !hasOpenApi }, async () => {
  const server = await startMem0({ key: 'm0-key', pendingPolls: 1 });
  const { fetch } = globalThis;
  globalThis.fetch = (url, init) => fetch(url.replace('https://api.mem0.ai', server.url), init);
  try {
    const code = examples[2].replace('m0-…', server.key);
    const { seats } = await run(code, 2, ['seats']);
    assert.equal(seats[0].memory, 'Fact: I prefer window seats.');
    assert.deepEqual(server.problems, []);
  } finally {
    globalThis.fetch = fetch;
    await server.close();
  }
});

test('the example of languages finds another form of a word, and what is said of languages is so', async () => {
  const { provider, found } = await run(examples[3], 3, ['provider', 'found']);
  assert.equal(found[0].memory, 'Wir haben die alten Häuser am Fluss gesehen.');
  await provider.close();
  const plain = await LocalProvider.open({ storage: memoryStorage() });
  await plain.storeMemories('Ich suche eine Wohnung.');
  await plain.storeMemories('I went home.');
  for (const query of ['Wohnungen', 'who goes where?']) {
    assert.equal((await plain.retrieveMemories(query)).length, 1, query);
  }
  await plain.close();
});

test('README has no other example than those tested here', () => {
  assert.equal(examples.length, 4);
});
