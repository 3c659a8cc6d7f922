// MemoryContext: a provider's operations within one run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalProvider, MemoryContext } from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { runModule } from './support/child.mjs';
import { manualClock, openProvider, soon, textsOf } from './support/open.mjs';
import { recordingProvider } from './support/recording-provider.mjs';
import { refused } from './support/refused.mjs';

const idsOf = ({ userId, agentId, runId }) => ({ userId, agentId, runId });

test('its ids hold for every call that does not give its own', async () => {
  const provider = recordingProvider();
  const context = new MemoryContext(provider, { userId: 'ada', agentId: 'bot', runId: 'r1' });
  await context.search('bees');
  await context.add('bees');
  await context.getAll();
  await context.search('bees', { runId: 'r2' });
  await context.add('bees', { userId: 'ben' });
  await context.getAll({ agentId: 'other' });
  const own = { userId: 'ada', agentId: 'bot', runId: 'r1' };
  assert.deepEqual(
    provider.calls.map(({ options }) => idsOf(options)),
    [
      own,
      own,
      own,
      { ...own, runId: 'r2' },
      { ...own, userId: 'ben' },
      { ...own, agentId: 'other' },
    ],
  );
});

test('topK, strategy, minRelevanceScore and metadata of its config hold where the call gives none', async () => {
  const provider = recordingProvider();
  const context = new MemoryContext(provider, {
    config: {
      topK: 7,
      retrievalStrategy: 'hybrid',
      minRelevanceScore: 0.5,
      metadata: { app: 'a', n: 1 },
    },
  });
  await context.search('bees');
  await context.search('bees', { topK: 2, strategy: 'recency', minRelevanceScore: 0 });
  await context.add('bees', { metadata: { n: 2, m: 3 } });
  const [first, second, add] = provider.calls.map(({ options }) => options);
  assert.deepEqual(first, { topK: 7, strategy: 'hybrid', minRelevanceScore: 0.5 });
  assert.deepEqual(second, { topK: 2, strategy: 'recency', minRelevanceScore: 0 });
  assert.deepEqual(add, { metadata: { app: 'a', n: 2, m: 3 } });
});

test('over a LocalProvider: search, add, getAll and delete do what the provider does', async (t) => {
  const clock = manualClock();
  const provider = await openProvider(t, { now: clock.now });
  const context = new MemoryContext(provider, { userId: 'ada' });
  const [stored] = await context.add([{ role: 'user', content: 'I keep bees' }], {
    metadata: { n: 1 },
  });
  assert.equal(stored.event, 'ADD');
  await provider.storeMemories('Ben keeps bees', { userId: 'ben' });
  assert.deepEqual(
    await context.search('bees'),
    await provider.retrieveMemories('bees', { userId: 'ada' }),
  );
  const options = { explain: true, filters: { n: 1 }, metadata: { n: 1 } };
  assert.deepEqual(
    await context.search('bees', options),
    await provider.retrieveMemories('bees', { userId: 'ada', ...options }),
  );
  assert.deepEqual(await context.getAll(), await provider.getAllMemories({ userId: 'ada' }));
  assert.deepEqual(await context.getAll({ limit: 1, offset: 1 }), []);
  assert.equal(await context.delete(stored.id), true);
  assert.equal(await context.delete(stored.id), false);
});

test('it keeps what search returned and add stored; what getAll lists it does not', async (t) => {
  const provider = await openProvider(t);
  const context = new MemoryContext(provider, { userId: 'ada' });
  assert.deepEqual(context.retrievedMemories, []);
  assert.deepEqual(context.storedMemories, []);
  const stored = [
    ...(await context.add(['I keep bees', 'Bees sleep'])),
    ...(await context.add('Bees hum')),
  ];
  stored.push(...(await context.add('bees HUM')));
  const found = [
    ...(await context.search('bees')),
    ...(await context.search('bees hum', { topK: 1 })),
  ];
  await context.getAll();
  assert.equal(found.length, 4);
  assert.deepEqual(context.retrievedMemories, found);
  assert.deepEqual(context.storedMemories, stored);
  assert.equal(stored.at(-1).event, 'NOOP');
});

test('very many memories are kept as well', async () => {
  const memories = Array.from({ length: 150_000 }, (_, n) => ({ id: `${n}`, memory: 'm' }));
  const context = new MemoryContext(recordingProvider({ retrieveMemories: memories }));
  await context.search('bees', { topK: 150_000 });
  assert.equal(context.retrievedMemories.length, 150_000);
});

test('two contexts over one provider keep their own', async (t) => {
  const provider = await openProvider(t);
  const [one, other] = [new MemoryContext(provider), new MemoryContext(provider)];
  await one.add('I keep bees');
  assert.equal(one.storedMemories.length, 1);
  assert.equal(other.storedMemories.length, 0);
});

const failures = [
  ['search', (context) => context.search('bees'), 'retrieveMemories', []],
  ['add', (context) => context.add('bees'), 'storeMemories', []],
  ['getAll', (context) => context.getAll(), 'getAllMemories', []],
  ['delete', (context) => context.delete('id'), 'deleteMemory', false],
];
for (const [operation, call, method, empty] of failures) {
  test(`${operation}: a failing provider gives an empty result, told to onError with the cause`, async () => {
    const failure = new Error('the network is down');
    const told = [];
    const context = new MemoryContext(recordingProvider({ [method]: failure }), {
      onError: (error, name) => told.push([error, name]),
    });
    assert.deepEqual(await call(context), empty);
    await soon();
    assert.equal(told.length, 1);
    const [[error, name]] = told;
    assert.equal(name, operation);
    assert.equal(error.code, 'provider');
    assert.equal(error.name, 'ProviderError');
    assert.equal(error.cause, failure);
    assert.match(error.message, /the network is down/);
    assert.deepEqual(context.retrievedMemories, []);
    assert.deepEqual(context.storedMemories, []);
  });

  test(`${operation}: with failOpen false the failure reaches the caller`, async () => {
    const failure = new Error('the network is down');
    const told = [];
    const context = new MemoryContext(recordingProvider({ [method]: failure }), {
      failOpen: false,
      onError: (error) => told.push(error),
    });
    await refused(() => call(context), { code: 'provider', cause: failure });
    await soon();
    assert.deepEqual(told, [], 'the caller is told, nobody else');
  });
}

test('without onError a failure is a console.warn, and one only', async () => {
  const { stdout, stderr } = await runModule(`
    import { MemoryContext } from 'agent-memory-wasm';
    const fail = async () => { throw new Error('the network is down'); };
    const provider = { retrieveMemories: fail, storeMemories: fail, getAllMemories: fail, deleteMemory: fail };
    const found = await new MemoryContext(provider).search('bees');
    console.log(JSON.stringify(found));
  `);
  assert.equal(stdout, '[]\n');
  assert.equal(stderr.match(/^agent-memory: search went on without memory/gm).length, 1);
  assert.match(stderr, /the network is down/);
});

test('bad input reaches the caller although the context fails open', async (t) => {
  const provider = await openProvider(t);
  const told = [];
  const context = new MemoryContext(provider, { onError: (error) => told.push(error) });
  await refused(() => context.search(''), { field: 'query' });
  await refused(() => context.search(5), { field: 'query' });
  await refused(() => context.search('bees', { topK: 0 }), { field: 'topK' });
  await refused(() => context.search('bees', { filters: { n: { about: 1 } } }), {
    field: 'filters',
  });
  await refused(() => context.add([5]), { field: 'messages[0]' });
  await refused(() => context.add('bees', { userId: '' }), { field: 'userId' });
  await refused(() => context.getAll({ limit: 0 }), { field: 'limit' });
  await refused(() => context.delete(''), { field: 'memoryId' });
  await refused(() => context.delete(7), { field: 'memoryId' });
  await soon();
  assert.deepEqual(told, []);
});

test('options that are no options are refused', async (t) => {
  const provider = await openProvider(t);
  for (const options of [null, 5, 'x', []]) {
    assert.throws(() => new MemoryContext(provider, options), {
      code: 'invalid_argument',
      field: 'options',
    });
  }
  for (const onError of [5, null, 'x']) {
    assert.throws(() => new MemoryContext(provider, { onError }), {
      code: 'invalid_argument',
      field: 'onError',
    });
  }
  await refused(() => new MemoryContext(provider, { failOpen: 'no' }).search('x'), {
    field: 'failOpen',
  });
  await refused(() => new MemoryContext(provider, { userId: 5 }).search('x'), { field: 'userId' });
  await refused(() => new MemoryContext(provider, { runId: '' }).search('x'), { field: 'runId' });
});

test('a config that is no object is refused by its name', async (t) => {
  const provider = await openProvider(t);
  await refused(() => new MemoryContext(provider, { config: 5 }).search('x'), {
    field: 'config',
  });
});

test('what is no provider is refused, with the method that is missing', () => {
  const { deleteMemory, ...rest } = recordingProvider();
  void deleteMemory;
  for (const [provider, method] of [
    [undefined, 'retrieveMemories'],
    [null, 'retrieveMemories'],
    [{}, 'retrieveMemories'],
    ['provider', 'retrieveMemories'],
    [rest, 'deleteMemory'],
    [{ ...rest, deleteMemory: true }, 'deleteMemory'],
  ]) {
    assert.throws(() => new MemoryContext(provider), {
      code: 'invalid_argument',
      field: 'provider',
      message: `provider must have the method ${method}`,
    });
  }
});

test('a context may be made before its provider’s module is loaded: making it does no work', async () => {
  const context = new MemoryContext(recordingProvider());
  assert.deepEqual(context.retrievedMemories, []);
  assert.deepEqual(await context.search('bees'), []);
});

test('a provider that was closed fails open, as closed', async () => {
  const provider = await LocalProvider.open({ storage: memoryStorage() });
  const told = [];
  const context = new MemoryContext(provider, {
    onError: ({ code }, operation) => told.push([code, operation]),
  });
  await context.add('I keep bees');
  await provider.close();
  assert.deepEqual(await context.search('bees'), []);
  assert.deepEqual(await context.add('I keep wasps'), []);
  await soon();
  assert.deepEqual(told, [
    ['closed', 'search'],
    ['closed', 'add'],
  ]);
  assert.deepEqual(textsOf(context.storedMemories), ['I keep bees']);
});
