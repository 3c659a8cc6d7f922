// The code in docs/ runs as it stands there, and what its comments promise is so.
import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { LocalProvider } from 'agent-memory-wasm';
import { fileStorage } from 'agent-memory-wasm/storage/file';
import { storageContract } from 'agent-memory-wasm/testing';

const root = path.resolve(import.meta.dirname, '../..');

/** Runs the example of docs/`page` that declares `name`, as a file inside the package; hands out its declarations. */
async function run(page, name, ...names) {
  const text = await readFile(path.join(root, 'docs', page), 'utf8');
  const examples = [...text.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code);
  const code = examples.find((each) => each.includes(name));
  assert.ok(code, `docs/${page} has an example with ${name}`);
  const folder = path.join(root, 'build/docs');
  const file = path.join(folder, `${page}-${name.replaceAll(/\W+/g, '-')}.mjs`);
  await mkdir(folder, { recursive: true });
  await writeFile(file, `${code}\nexport { ${names.join(', ')} };\n`); // beside what it exports itself
  return import(pathToFileURL(file).href);
}

test('the example of files stores what is there when it is opened again', async () => {
  const folder = path.join(root, 'build/docs/memories');
  await rm(folder, { recursive: true, force: true });
  const { stored } = await run('storage.md', 'fileStorage', 'stored');
  assert.equal(stored[0].event, 'ADD');
  const again = await LocalProvider.open({ storage: fileStorage(folder) });
  assert.equal((await again.retrieveMemories('key')).length, 1);
  await again.close();
});

const { sqliteStorage } = await run('storage.md', 'export function sqliteStorage');
storageContract({
  test: (name, body) => test(`the example of a store of one's own: ${name}`, body),
  open: () => sqliteStorage(),
});

test('the example of a store of one’s own keeps memories', async () => {
  const provider = await LocalProvider.open({ storage: sqliteStorage() });
  await provider.storeMemories('The bees are in the garden.');
  assert.equal((await provider.retrieveMemories('bees')).length, 1);
  assert.equal((await provider.status()).kind, 'sqlite');
  await provider.close();
});

test('the example of encryption stores what cannot be read beneath', async () => {
  const { provider, inner, encrypted } = await run(
    'storage.md',
    'const { encrypted }',
    'provider',
    'inner',
    'encrypted',
  );
  assert.equal(encrypted, true);
  assert.equal((await provider.retrieveMemories('locker')).length, 1);
  await provider.close();
  for (const [, value] of await inner.scan('', undefined, 100)) {
    assert.ok(!Buffer.from(value).includes('locker'));
  }
});

test('the example of a change of key reads with the new one', async () => {
  const { note } = await run('storage.md', 'changeKey', 'note');
  assert.deepEqual(note, Uint8Array.of(1, 2, 3));
});

test('the example of the inline entry stores and finds', async () => {
  const { found } = await run('runtimes.md', 'agent-memory-wasm/inline', 'found');
  assert.equal(found[0].memory, 'I keep bees.');
});
