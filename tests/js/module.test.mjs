// What the two sides of the boundary say twice is the same on both: error codes, enumerators, the public names.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import * as library from 'agent-memory-wasm';
import * as indexedDBEntry from 'agent-memory-wasm/storage/indexeddb';
import * as memoryEntry from 'agent-memory-wasm/storage/memory';
import * as syncedEntry from 'agent-memory-wasm/synced';
import { fromSource } from './from-source.mjs';

const root = path.resolve(import.meta.dirname, '../..');

/** The module of the build at hand, with a bridge of our own. */
async function bareBridge() {
  const wasm = await readFile(path.join(root, 'dist/agent-memory.wasm'));
  for (const preset of ['wasm-release', 'wasm-debug']) {
    const folder = path.join(root, 'build', preset);
    if (!existsSync(path.join(folder, 'agent-memory.mjs'))) continue;
    if (!wasm.equals(await readFile(path.join(folder, 'agent-memory.wasm')))) continue;
    const { default: createModule } = await import(path.join(folder, 'agent-memory.mjs'));
    const { Bridge } = await fromSource('core/bridge.ts');
    const host = new Bridge(() => undefined);
    let memory;
    const module = await createModule({
      host,
      instantiateWasm(imports, done) {
        WebAssembly.instantiate(wasm, imports).then(({ instance, module }) => {
          memory = Object.values(instance.exports).find(
            (each) => each instanceof WebAssembly.Memory,
          );
          done(instance, module);
        });
        return {};
      },
    });
    host.attach(module, memory);
    return host;
  }
  throw new Error('dist/ is of another build than build/: run scripts/build');
}

const [keys, codes, scopes, strategies] = (await bareBridge())
  .names()
  .map((names) => names.split(',').filter(Boolean));

test('the error codes are the module’s, in its order', async () => {
  const { errorCodes } = await fromSource('errors.ts');
  assert.deepEqual([...errorCodes], codes);
});

test('no two members of what crosses have one number, and none has that of the end', () => {
  assert.equal(new Set(keys).size, keys.length);
  assert.ok(keys.length < 255);
});

for (const [name, values] of Object.entries({
  MemoryScope: scopes,
  RetrievalStrategy: strategies,
})) {
  test(`${name} has the module’s enumerators, and the core understands each value`, async () => {
    assert.deepEqual(Object.values(library[name]).sort(), values.sort());
    const field = name === 'MemoryScope' ? 'scope' : 'retrievalStrategy';
    for (const [key, value] of Object.entries(library[name])) {
      assert.equal(value, key.toLowerCase());
      assert.equal((await library.memoryConfig({ [field]: value }))[field], value);
    }
  });
}

test('the operations are as many as the module’s', async () => {
  const { Operation } = await fromSource('core/module.ts');
  const source = await readFile(path.join(root, 'src/wasm/bindings.cpp'), 'utf8');
  const table = source.match(/constexpr Operation kOperations\[\] = \{([^;]*)\};/)[1];
  const names = [...table.matchAll(/\{(\w+), Needs::/g)].map(([, name]) =>
    name.replaceAll(/_object$|_(\w)/g, (_, letter) => letter?.toUpperCase() ?? ''),
  );
  assert.deepEqual(Object.keys(Operation), names);
  assert.deepEqual(Object.values(Operation), [...names.keys()]);
});

test('the package exports what the contract names, and the error classes', () => {
  assert.deepEqual(Object.keys(library).sort(), [
    'AbortedError',
    'BaseMemoryProvider',
    'ClosedError',
    'InternalError',
    'InvalidArgumentError',
    'LocalProvider',
    'Mem0Provider',
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
    'loadMem0',
    'memoryConfig',
  ]);
  assert.deepEqual(Object.keys(memoryEntry), ['memoryStorage']);
  assert.deepEqual(Object.keys(indexedDBEntry), ['indexedDBStorage']);
  assert.deepEqual(Object.keys(syncedEntry), ['SyncedProvider']);
});

test('an embedder is refused as not implemented, rather than ignored', async () => {
  const embedder = { id: 'e', dimensions: 2, embed: async () => [] };
  await assert.rejects(library.LocalProvider.open({ embedder }), {
    code: 'not_implemented',
    message: /embedder/,
  });
});
