// Providers of one's own, in a MemoryContext and a MemorySession: a plain object, a class, a subclass of
// BaseMemoryProvider. What they are called with, and what becomes of what they answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BaseMemoryProvider,
  MemoryContext,
  MemoryError,
  MemorySession,
  NotFoundError,
} from 'agent-memory-wasm';
import { soon } from './support/open.mjs';
import { recordingProvider } from './support/recording-provider.mjs';
import { refused } from './support/refused.mjs';

test('retrieveMemories is called with the query and camelCase options', async () => {
  const provider = recordingProvider();
  const filters = { AND: [{ snake_case: { gt: 1 } }, { camelCase: 'x' }] };
  const options = {
    userId: 'ada',
    agentId: 'bot',
    runId: 'r1',
    topK: 3,
    metadata: { some_key: 1, otherKey: [null] },
    filters,
    strategy: 'hybrid',
    minRelevanceScore: 0.25,
    explain: true,
  };
  await new MemoryContext(provider).search('which tea? “ünï”', options);
  assert.deepEqual(provider.calls, [
    { name: 'retrieveMemories', args: ['which tea? “ünï”', options], options },
  ]);
});

test('storeMemories is called with the messages as they were and times as ISO 8601', async () => {
  const provider = recordingProvider();
  const messages = [
    { role: 'user', content: [{ type: 'text', text: 'bees' }], some_key: 1 },
    { role: 'tool', content: 'x' },
  ];
  await new MemoryContext(provider).add(messages, {
    userId: 'ada',
    metadata: { n: 1 },
    timestamp: new Date('2026-01-02T03:04:05.678Z'),
    expiresAt: Date.parse('2027-01-01'),
  });
  await new MemoryContext(provider).add('a string');
  const [first, second] = provider.calls;
  assert.deepEqual(first.args, [
    messages,
    {
      userId: 'ada',
      metadata: { n: 1 },
      timestamp: '2026-01-02T03:04:05.678Z',
      expiresAt: '2027-01-01T00:00:00.000Z',
    },
  ]);
  assert.deepEqual(second.args, ['a string', {}]);
});

test('getAllMemories and deleteMemory are called with what the caller gave', async () => {
  const provider = recordingProvider();
  const context = new MemoryContext(provider, { runId: 'r1' });
  await context.getAll({ limit: 3, offset: 2, filters: { n: 1 } });
  await context.getAll();
  await context.delete('id-1');
  assert.deepEqual(
    provider.calls.map(({ args }) => args),
    [[{ runId: 'r1', limit: 3, offset: 2, filters: { n: 1 } }], [{ runId: 'r1' }], ['id-1']],
  );
});

test('what it answers comes back, with what it left out filled in', async () => {
  const full = {
    id: 'm1',
    memory: 'I keep bees',
    score: 0.25,
    metadata: { n: [1] },
    createdAt: '2026-01-02T03:04:05.678Z',
    updatedAt: '2026-01-03T00:00:00.000Z',
    userId: 'ada',
    agentId: 'bot',
    runId: 'r1',
    role: 'assistant',
    name: 'Bot',
  };
  const provider = recordingProvider({
    retrieveMemories: [full, { id: 'm2', memory: 'short' }],
    storeMemories: [
      { id: 'm3', memory: 'x', event: 'UPDATE', metadata: { n: 1 } },
      { id: 'm4', memory: 'y' },
    ],
    getAllMemories: [full],
    deleteMemory: true,
  });
  const context = new MemoryContext(provider);
  assert.deepEqual(await context.search('bees'), [
    full,
    { id: 'm2', memory: 'short', score: 1, metadata: {}, createdAt: null, updatedAt: null },
  ]);
  assert.deepEqual(await context.add('x'), [
    { id: 'm3', memory: 'x', event: 'UPDATE', metadata: { n: 1 } },
    { id: 'm4', memory: 'y', event: 'ADD', metadata: {} },
  ]);
  assert.deepEqual(await context.getAll(), [full]);
  assert.equal(await context.delete('m1'), true);
});

test('its explanation comes back', async () => {
  const explanation = { keyword: 0.5, recency: 0.25, semantic: 0.75, terms: ['bees'] };
  const provider = recordingProvider({
    retrieveMemories: [{ id: 'm1', memory: 'x', explanation }],
  });
  const [found] = await new MemoryContext(provider).search('bees', { explain: true });
  assert.deepEqual(found.explanation, explanation);
});

test('an answer of another shape is a failure of the provider', async () => {
  for (const [method, call, answers] of [
    [
      'retrieveMemories',
      (context) => context.search('x'),
      [undefined, null, {}, 'x', [{}], [{ id: 1, memory: 'x' }], [null]],
    ],
    ['storeMemories', (context) => context.add('x'), [undefined, null, {}, [{ id: 'x' }]]],
    ['getAllMemories', (context) => context.getAll(), [undefined, { results: [] }, [5]]],
    ['deleteMemory', (context) => context.delete('x'), [undefined, null, 'true', 1]],
  ]) {
    for (const answer of answers) {
      const context = new MemoryContext(recordingProvider({ [method]: answer }), {
        failOpen: false,
      });
      await refused(() => call(context), {
        code: 'provider',
        message: /the provider answered with something else/,
      });
    }
  }
});

test('an answer that is no JSON is a failure of the provider, not of the module', async () => {
  const cyclic = { id: 'x', memory: 'y' };
  cyclic.metadata = { cyclic };
  for (const answer of [[cyclic], [{ id: 'x', memory: 'y', metadata: { n: 5n } }]]) {
    const context = new MemoryContext(recordingProvider({ retrieveMemories: answer }), {
      failOpen: false,
    });
    await refused(() => context.search('x'), { code: 'provider' });
  }
});

test('a class of one’s own keeps its `this`, private fields included', async () => {
  class Notebook {
    #notes = [];
    async retrieveMemories(query) {
      return this.#notes.filter(({ memory }) => memory.includes(query));
    }
    async storeMemories(messages) {
      const stored = [].concat(messages).map((memory, n) => ({ id: `${n}`, memory }));
      this.#notes.push(...stored);
      return stored;
    }
    async getAllMemories() {
      return this.#notes;
    }
    async deleteMemory() {
      return false;
    }
  }
  const context = new MemoryContext(new Notebook(), { failOpen: false });
  await context.add(['bees', 'wasps']);
  assert.equal((await context.search('bees')).length, 1);
  assert.equal((await context.getAll()).length, 2);
});

test('a subclass of BaseMemoryProvider answers what it has, and says what it has not', async () => {
  class ReadOnly extends BaseMemoryProvider {
    async retrieveMemories() {
      return [{ id: '1', memory: 'bees', score: 1, metadata: {}, createdAt: null }];
    }
  }
  const provider = new ReadOnly();
  const context = new MemoryContext(provider, { failOpen: false });
  assert.equal((await context.search('x')).length, 1);
  for (const [call, method] of [
    [() => context.add('x'), 'storeMemories'],
    [() => context.getAll(), 'getAllMemories'],
    [() => context.delete('x'), 'deleteMemory'],
    [() => provider.storeMemories('x'), 'storeMemories'],
  ]) {
    const error = await refused(call, {
      code: 'not_implemented',
      message: `${method} is not implemented by ReadOnly`,
    });
    assert.equal(error.name, 'NotImplementedError');
  }
});

test('a method that throws, instead of rejecting, has failed as well', async () => {
  const mistake = new TypeError('undefined is not a function');
  const provider = {
    retrieveMemories() {
      throw mistake;
    },
    storeMemories: async () => [],
    getAllMemories: async () => [],
    deleteMemory: async () => false,
  };
  await refused(() => new MemoryContext(provider, { failOpen: false }).search('x'), {
    code: 'provider',
    cause: mistake,
  });
});

test('a method that answers without a promise, or with a thenable, is fine', async () => {
  const answer = [{ id: '1', memory: 'bees' }];
  for (const retrieveMemories of [() => answer, () => ({ then: (resolve) => resolve(answer) })]) {
    const context = new MemoryContext(
      { ...recordingProvider(), retrieveMemories },
      { failOpen: false },
    );
    assert.equal((await context.search('x'))[0].id, '1');
  }
});

for (const [name, run] of [
  ['MemoryContext', (provider, options) => new MemoryContext(provider, options).search('bees')],
  [
    'MemorySession',
    (provider, options) =>
      new MemorySession(provider, { userId: 'ada', ...options }).beforeModelRequest([
        { role: 'user', content: 'bees' },
      ]),
  ],
]) {
  test(`${name}: a MemoryError of the provider comes back as the same object`, async () => {
    const own = new MemoryError({
      code: 'rate_limited',
      message: 'slow down',
      isRetryable: true,
      status: 429,
    });
    await assert.rejects(
      run(recordingProvider({ retrieveMemories: own }), { failOpen: false }),
      (error) => error === own,
    );
    const told = [];
    await run(recordingProvider({ retrieveMemories: own }), {
      onError: (error) => told.push(error),
    });
    await soon();
    assert.deepEqual(told, [own]);
    assert.equal(told[0], own);
  });

  test(`${name}: any other rejection comes back as the cause`, async () => {
    for (const reason of [
      new Error('e'),
      new DOMException('d', 'NetworkError'),
      'text',
      7,
      { odd: true },
    ]) {
      const retrieveMemories = () => Promise.reject(reason);
      const error = await refused(
        () => run({ ...recordingProvider(), retrieveMemories }, { failOpen: false }),
        { code: 'provider' },
      );
      assert.equal(error.cause, reason);
    }
  });

  test(`${name}: a rejection without a reason is an error all the same`, async () => {
    for (const reason of [undefined, null]) {
      const retrieveMemories = () => Promise.reject(reason);
      await refused(() => run({ ...recordingProvider(), retrieveMemories }, { failOpen: false }), {
        code: 'provider',
      });
    }
  });
}

test('an error of many operations at once goes to the one whose it is', async () => {
  const provider = {
    ...recordingProvider(),
    retrieveMemories: (query) =>
      new Promise((_, reject) =>
        setTimeout(
          reject,
          Math.random() * 20,
          new NotFoundError({ code: 'not_found', message: query }),
        ),
      ),
  };
  const context = new MemoryContext(provider, { failOpen: false });
  await Promise.all(
    Array.from({ length: 100 }, (_, n) =>
      refused(() => context.search(`query ${n}`), { code: 'not_found', message: `query ${n}` }),
    ),
  );
});
