// What the two sides of the boundary say twice is the same on both: error codes, enumerators, the public names.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import * as library from 'agent-memory-wasm';
import * as indexedDBEntry from 'agent-memory-wasm/storage/indexeddb';
import * as memoryEntry from 'agent-memory-wasm/storage/memory';
import { fromSource } from './from-source.mjs';

const root = path.resolve(import.meta.dirname, '../..');

/** The module of the build at hand, without the facade. */
async function bareModule() {
  const wasm = await readFile(path.join(root, 'dist/agent-memory.wasm'));
  for (const preset of ['wasm-release', 'wasm-debug']) {
    const folder = path.join(root, 'build', preset);
    if (!existsSync(path.join(folder, 'agent-memory.mjs'))) continue;
    if (!wasm.equals(await readFile(path.join(folder, 'agent-memory.wasm')))) continue;
    const { default: createModule } = await import(path.join(folder, 'agent-memory.mjs'));
    return createModule({
      host: {},
      instantiateWasm(imports, done) {
        WebAssembly.instantiate(wasm, imports).then(({ instance, module }) =>
          done(instance, module),
        );
        return {};
      },
    });
  }
  throw new Error('dist/ is of another build than build/: run scripts/build');
}

const module = await bareModule();

test('the error codes are the module’s, in its order', async () => {
  const { errorCodes } = await fromSource('errors.ts');
  assert.deepEqual([...errorCodes], module.errorCodes().split(','));
});

for (const name of ['MemoryScope', 'RetrievalStrategy']) {
  test(`${name} has the module’s enumerators, and the core understands each value`, async () => {
    const enumerators = Object.keys(module[name]).filter((key) => /^[A-Z_]+$/.test(key));
    assert.deepEqual(Object.keys(library[name]).sort(), enumerators.sort());
    const field = name === 'MemoryScope' ? 'scope' : 'retrievalStrategy';
    for (const [key, value] of Object.entries(library[name])) {
      assert.equal(value, key.toLowerCase());
      assert.equal((await library.memoryConfig({ [field]: value }))[field], value);
    }
  });
}

test('the package exports what the contract names, and the error classes', () => {
  assert.deepEqual(Object.keys(library).sort(), [
    'AbortedError',
    'BaseMemoryProvider',
    'ClosedError',
    'InternalError',
    'InvalidArgumentError',
    'LocalProvider',
    'MemoryContext',
    'MemoryError',
    'MemoryScope',
    'MemorySession',
    'NotFoundError',
    'NotImplementedError',
    'ProviderError',
    'RetrievalStrategy',
    'StorageError',
    'load',
    'memoryConfig',
  ]);
  assert.deepEqual(Object.keys(memoryEntry), ['memoryStorage']);
  assert.deepEqual(Object.keys(indexedDBEntry), ['indexedDBStorage']);
});

test('an embedder is refused as not implemented, rather than ignored', async () => {
  const embedder = { id: 'e', dimensions: 2, embed: async () => [] };
  await assert.rejects(library.LocalProvider.open({ embedder }), {
    code: 'not_implemented',
    message: /embedder/,
  });
});
