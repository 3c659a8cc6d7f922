// AbortSignal: before, during and after an operation.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { MemoryContext } from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { deferred, interceptedStorage, recordsOf } from './support/faulty-storage.mjs';
import { openProvider, soon, textsOf } from './support/open.mjs';
import { recordingProvider } from './support/recording-provider.mjs';
import { refused } from './support/refused.mjs';

const operations = {
  retrieveMemories: (provider, signal) => provider.retrieveMemories('bees', { signal }),
  storeMemories: (provider, signal) => provider.storeMemories('bees', { signal }),
  getAllMemories: (provider, signal) => provider.getAllMemories({ signal }),
};

for (const [name, call] of Object.entries(operations)) {
  test(`${name} with a signal that was aborted before does nothing`, async (t) => {
    const storage = memoryStorage();
    const provider = await openProvider(t, { storage });
    const reason = new Error('changed my mind');
    const error = await refused(() => call(provider, AbortSignal.abort(reason)), {
      code: 'aborted',
      cause: reason,
    });
    assert.equal(error.name, 'AbortedError');
    assert.deepEqual(await recordsOf(storage), []);
  });

  test(`${name} leaves no listener on the signal`, async (t) => {
    const provider = await openProvider(t);
    const { signal } = new AbortController();
    for (let round = 0; round < 3; round++) await call(provider, signal);
    await provider.retrieveMemories('', { signal }).catch(() => undefined);
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });
}

test('without a reason the cause is the DOM’s AbortError', async (t) => {
  const provider = await openProvider(t);
  const error = await refused(() => provider.getAllMemories({ signal: AbortSignal.abort() }), {
    code: 'aborted',
  });
  assert.equal(error.cause.name, 'AbortError');
});

test('a store that is aborted while it waits for its turn writes nothing', async (t) => {
  const inner = memoryStorage();
  const gate = deferred();
  const storage = interceptedStorage(inner, (method, args) =>
    method === 'write' ? () => gate.promise.then(() => inner.write(...args)) : undefined,
  );
  const provider = await openProvider(t, { storage });
  const first = provider.storeMemories('first');
  const controller = new AbortController();
  const second = refused(provider.storeMemories('second', { signal: controller.signal }), {
    code: 'aborted',
  });
  controller.abort();
  gate.resolve();
  assert.deepEqual(textsOf(await first), ['first']);
  await second;
  assert.deepEqual(textsOf(await provider.getAllMemories()), ['first']);
});

test('a store whose write is on its way completes', async (t) => {
  const inner = memoryStorage();
  const [gate, started] = [deferred(), deferred()];
  const storage = interceptedStorage(inner, (method, args) => {
    if (method !== 'write') return undefined;
    started.resolve();
    return () => gate.promise.then(() => inner.write(...args));
  });
  const provider = await openProvider(t, { storage });
  const controller = new AbortController();
  const storing = provider.storeMemories('first', { signal: controller.signal });
  await started.promise;
  controller.abort();
  gate.resolve();
  assert.deepEqual(textsOf(await storing), ['first']);
  assert.equal((await provider.getAllMemories()).length, 1);
});

test('aborting after the end changes nothing', async (t) => {
  const provider = await openProvider(t);
  const controller = new AbortController();
  await provider.storeMemories('bees', { signal: controller.signal });
  controller.abort();
  await soon();
  assert.equal((await provider.getAllMemories()).length, 1);
});

test('a provider of one’s own gets the very signal', async () => {
  const provider = recordingProvider();
  const context = new MemoryContext(provider);
  const { signal } = new AbortController();
  await context.search('bees', { signal });
  await context.add('bees', { signal });
  await context.getAll({ signal });
  for (const { options } of provider.calls) assert.equal(options.signal, signal);
  await context.search('bees');
  assert.ok(!('signal' in provider.calls.at(-1).options));
});

test('a provider that ends because it was told to has not failed: the caller is told, not onError', async () => {
  const told = [];
  const waiting = (...args) =>
    new Promise((_, reject) => {
      const { signal } = args.at(-1);
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  const provider = {
    ...recordingProvider(),
    retrieveMemories: waiting,
    storeMemories: waiting,
    getAllMemories: waiting,
  };
  const context = new MemoryContext(provider, { onError: (error) => told.push(error) });
  for (const call of [
    (signal) => context.search('bees', { signal }),
    (signal) => context.add('bees', { signal }),
    (signal) => context.getAll({ signal }),
  ]) {
    const controller = new AbortController();
    const reason = new Error('changed my mind');
    const ended = refused(call(controller.signal), { code: 'aborted', cause: reason });
    await soon();
    controller.abort(reason);
    await ended;
  }
  await soon();
  assert.deepEqual(told, []);
});

test('a provider that fails by itself has failed, signal or not', async () => {
  const own = new DOMException('my own timeout', 'AbortError');
  const context = new MemoryContext(
    recordingProvider({ retrieveMemories: () => Promise.reject(own) }),
    { failOpen: false },
  );
  const { signal } = new AbortController();
  await refused(() => context.search('bees', { signal }), { code: 'provider', cause: own });
});

test('a context with a signal that was aborted before does not ask the provider', async () => {
  const provider = recordingProvider();
  const context = new MemoryContext(provider);
  const signal = AbortSignal.abort();
  await refused(() => context.search('bees', { signal }), { code: 'aborted' });
  await refused(() => context.add('bees', { signal }), { code: 'aborted' });
  await refused(() => context.getAll({ signal }), { code: 'aborted' });
  assert.deepEqual(provider.calls, []);
});

test('what is no AbortSignal is refused; null is none', async (t) => {
  const provider = await openProvider(t);
  for (const signal of [{}, 5, 'abort', new AbortController(), true]) {
    for (const call of Object.values(operations)) {
      await refused(() => call(provider, signal), {
        field: 'signal',
        message: 'signal must be an AbortSignal',
      });
    }
  }
  assert.deepEqual(await provider.getAllMemories({ signal: null }), []);
});
