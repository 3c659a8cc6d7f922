// memoryConfig: nine fields, their defaults and bounds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryContext, memoryConfig, MemorySession } from 'agent-memory-wasm';
import { recordingProvider } from './support/recording-provider.mjs';
import { refused } from './support/refused.mjs';

const defaults = {
  autoStore: true,
  autoRetrieve: true,
  retrievalStrategy: 'semantic_search',
  topK: 5,
  minRelevanceScore: 0,
  storeAfterTurns: 1,
  memorySummaryInSystem: true,
  scope: 'user',
  metadata: {},
};

test('without anything it is the defaults, each time a new object', async () => {
  const [one, other] = [await memoryConfig(), await memoryConfig({})];
  assert.deepEqual(one, defaults);
  assert.deepEqual(other, defaults);
  one.metadata.changed = true;
  assert.deepEqual(await memoryConfig(), defaults);
});

test('what is given is kept, and what is left out is the default', async () => {
  const given = {
    autoStore: false,
    autoRetrieve: false,
    retrievalStrategy: 'hybrid',
    topK: 12,
    minRelevanceScore: 0.25,
    storeAfterTurns: 3,
    memorySummaryInSystem: false,
    scope: 'run',
    metadata: { app: 'notes', nested: [1, null] },
  };
  assert.deepEqual(await memoryConfig(given), given);
  for (const [field, value] of Object.entries(given)) {
    assert.deepEqual(await memoryConfig({ [field]: value }), { ...defaults, [field]: value });
  }
  assert.deepEqual(await memoryConfig({ topK: undefined, scope: undefined }), defaults);
});

test('every strategy and scope is taken, and the bounds themselves', async () => {
  for (const retrievalStrategy of ['semantic_search', 'recency', 'hybrid']) {
    assert.equal((await memoryConfig({ retrievalStrategy })).retrievalStrategy, retrievalStrategy);
  }
  for (const scope of ['user', 'agent', 'run', 'global']) {
    assert.equal((await memoryConfig({ scope })).scope, scope);
  }
  for (const config of [
    { topK: 1 },
    { storeAfterTurns: 1 },
    { minRelevanceScore: 0 },
    { minRelevanceScore: 1 },
  ]) {
    assert.deepEqual(await memoryConfig(config), { ...defaults, ...config });
  }
});

// The messages of the original design, in camelCase.
const refusals = [
  [{ topK: 0 }, 'topK must be at least 1, got 0'],
  [{ topK: -3 }, 'topK must be at least 1, got -3'],
  [{ topK: NaN }, 'topK must be at least 1, got NaN'],
  [{ topK: Infinity }, 'topK must be a whole number of at least 1, got Infinity'],
  [{ topK: -Infinity }, 'topK must be at least 1, got -Infinity'],
  [{ topK: 2.5 }, 'topK must be a whole number of at least 1, got 2.5'],
  [{ topK: '5' }, 'topK must be a number, got "5"'],
  [{ topK: null }, 'topK must be a number, got null'],
  [{ minRelevanceScore: -0.1 }, 'minRelevanceScore must be between 0.0 and 1.0, got -0.1'],
  [{ minRelevanceScore: 1.1 }, 'minRelevanceScore must be between 0.0 and 1.0, got 1.1'],
  [{ minRelevanceScore: NaN }, 'minRelevanceScore must be between 0.0 and 1.0, got NaN'],
  [{ minRelevanceScore: Infinity }, 'minRelevanceScore must be between 0.0 and 1.0, got Infinity'],
  [{ storeAfterTurns: 0 }, 'storeAfterTurns must be at least 1, got 0'],
  [{ storeAfterTurns: 1.5 }, 'storeAfterTurns must be a whole number of at least 1, got 1.5'],
  [{ autoStore: 'yes' }, 'autoStore must be true or false, got "yes"'],
  [{ autoRetrieve: 1 }, 'autoRetrieve must be true or false, got 1'],
  [{ memorySummaryInSystem: null }, 'memorySummaryInSystem must be true or false, got null'],
  [{ scope: 'USER' }, `scope must be 'user', 'agent', 'run' or 'global', got "USER"`],
  [{ scope: 5 }, `scope must be 'user', 'agent', 'run' or 'global', got 5`],
  [
    { retrievalStrategy: 'magic' },
    `retrievalStrategy must be 'semantic_search', 'recency' or 'hybrid', got "magic"`,
  ],
  [{ metadata: [] }, 'metadata must be an object, got []'],
  [{ metadata: 'x' }, 'metadata must be an object, got "x"'],
  [
    { metadata: { text: 'x'.repeat(70_000) } },
    'metadata must be at most 65536 bytes of JSON, got 70011',
  ],
];
for (const [config, message] of refusals) {
  test(`refused: ${message}`, async () => {
    const [field] = Object.keys(config);
    await refused(() => memoryConfig(config), { field, message });
  });
}

test('a context and a session refuse the same config at the first call, without asking the provider', async () => {
  for (const [config, message] of refusals) {
    const provider = recordingProvider();
    const [field] = Object.keys(config);
    const options = { userId: 'ada', config };
    await refused(() => new MemoryContext(provider, options).search('bees'), { field, message });
    await refused(() => new MemorySession(provider, options).afterRun(['bees']), {
      field,
      message,
    });
    assert.deepEqual(provider.calls, []);
  }
});

test('functions, symbols and bigints do not count as not given', async () => {
  for (const value of [() => 5, Symbol('five'), 5n]) {
    await refused(() => memoryConfig({ topK: value }), { field: 'topK', message: /must be a/ });
    await refused(() => memoryConfig({ scope: value }), { field: 'scope' });
  }
});

test('a config that is no object is refused', async () => {
  for (const config of [null, 5, 'x', [], true]) {
    await refused(() => memoryConfig(config), { field: 'options', message: /must be an object/ });
  }
});
