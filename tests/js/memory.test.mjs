// What is held, by the module and by this side, is given back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { LocalProvider, MemoryContext } from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { recordingProvider } from './support/recording-provider.mjs';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

/** The module's memory, as it is when the module is made. */
let memory;
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (...args) => {
  const instance = await instantiate.call(WebAssembly, ...args);
  memory = Object.values(instance.exports).find((each) => each instanceof WebAssembly.Memory);
  return instance;
};

const megabytes = () => memory.buffer.byteLength / (1 << 20);

/** Distinct words, so that the index has something to hold. */
const texts = (round) =>
  Array.from({ length: 700 }, (_, index) =>
    `memory ${round} ${index} word${round * 700 + index} `.padEnd(300, `tea ${index} `),
  );

async function settleGarbage() {
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('a provider that is opened, filled and closed again and again needs no more memory each time', async () => {
  let first;
  for (let round = 0; round < 30; round++) {
    const provider = await LocalProvider.open({ storage: memoryStorage() });
    await provider.storeMemories(texts(round));
    assert.equal((await provider.retrieveMemories('tea 7')).length, 5);
    await provider.close();
    if (round === 2) first = megabytes();
  }
  assert.ok(
    megabytes() < first * 1.5 + 4,
    `${first} MB after 3 rounds, ${megabytes()} MB after 30`,
  );
});

test('closing while a context still holds the provider is safe', async () => {
  const provider = await LocalProvider.open({ storage: memoryStorage() });
  await provider.storeMemories('I keep bees');
  const context = new MemoryContext(provider);
  assert.equal((await context.search('bees')).length, 1);
  await provider.close();
  const errors = [];
  const late = new MemoryContext(provider, { onError: (error) => errors.push(error.code) });
  assert.deepEqual(await late.search('bees'), []);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual(errors, ['closed']);
  assert.equal(context.retrievedMemories.length, 1, 'what it found is still there');
});

test('stores and providers that nobody holds any more are collected', async () => {
  const dropped = [];
  await (async () => {
    for (let round = 0; round < 5; round++) {
      const storage = memoryStorage();
      const closed = await LocalProvider.open({ storage });
      await closed.storeMemories('I keep bees');
      await closed.close();
      const custom = recordingProvider();
      await new MemoryContext(custom).search('bees');
      const forgotten = await LocalProvider.open({ storage: memoryStorage() });
      await forgotten.storeMemories('I keep wasps');
      dropped.push(...[storage, closed, custom, forgotten].map((each) => new WeakRef(each)));
    }
  })();
  await settleGarbage();
  const alive = dropped.filter((each) => each.deref() !== undefined).length;
  assert.ok(alive <= 4, `${alive} of ${dropped.length} are alive`); // the last round may still be on the stack
});

test('what opening has to tell is told, even if only the listener knows the provider', async () => {
  const storage = memoryStorage();
  await storage.write({ put: [['log/0000000000000001/000000000001', new Uint8Array(40)]] });
  const event = await new Promise((resolve) => {
    void LocalProvider.open({ storage }).then((provider) => {
      provider.subscribe(resolve);
      setImmediate(collectGarbage);
    });
  });
  assert.equal(event.type, 'error');
});

test('a provider that is collected without being closed gives back its memory', async () => {
  let first;
  for (let round = 0; round < 20; round++) {
    const provider = await LocalProvider.open({ storage: memoryStorage() });
    await provider.storeMemories(texts(round));
    await settleGarbage();
    if (round === 3) first = megabytes();
  }
  assert.ok(
    megabytes() < first * 1.5 + 4,
    `${first} MB after 4 rounds, ${megabytes()} MB after 20`,
  );
});

test('an operation that is under way keeps its provider alive', async () => {
  const search = (async () => {
    const provider = await LocalProvider.open({ storage: memoryStorage() });
    return provider.storeMemories(texts(0));
  })();
  await settleGarbage();
  assert.equal((await search).length, 700);
});
