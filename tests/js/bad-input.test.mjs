// Bad input gets a MemoryError with code, field and bound, and changes nothing: what is exported before and after is
// the same, to the byte.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { LocalProvider, MemoryContext, MemorySession } from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { recordsOf } from './support/faulty-storage.mjs';
import { manualClock, openProvider, textsOf } from './support/open.mjs';
import { refused } from './support/refused.mjs';

/** A provider with a memory of Ada's, and a way to see that nothing changed. */
async function furnished(t) {
  const storage = memoryStorage();
  const provider = await openProvider(t, { storage, now: manualClock().now });
  const [{ id }] = await provider.storeMemories('I keep bees', {
    userId: 'ada',
    metadata: { n: 1 },
  });
  const before = { file: await provider.exportMemories(), records: await recordsOf(storage) };
  return {
    provider,
    id,
    async assertUnchanged() {
      assert.equal(await provider.exportMemories(), before.file);
      assert.deepEqual(await recordsOf(storage), before.records);
      assert.equal(
        (await provider.retrieveMemories('bees', { userId: 'ada' })).length,
        1,
        'it works on',
      );
    },
  };
}

/** A short name of a value, for the name of a test. */
const show = (value) => {
  const text = inspect(value, { breakLength: Infinity, depth: 1, maxStringLength: 40 });
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

// ------------------------------------------------------------------------------------- values by type

const nonStrings = [
  undefined,
  null,
  0,
  7,
  NaN,
  true,
  {},
  [],
  ['bees'],
  () => 'bees',
  Symbol('bees'),
  7n,
];
const nonIds = nonStrings.slice(1);

const queries = [
  ...nonStrings.map((query) => [query, /^query must be a string, got /]),
  ...['', ' ', '\n\t\u00a0\u3000', '\u0000', '\u0000 \u0000'].map((query) => [
    query,
    /^query must not be empty$/,
  ]),
  ['x '.repeat(5 << 20), /^query must be at most 1048576 bytes, got 10485760$/],
];
for (const [query, message] of queries) {
  test(`query ${show(query)}`, async (t) => {
    const { provider, assertUnchanged } = await furnished(t);
    await refused(() => provider.retrieveMemories(query, { userId: 'ada' }), {
      field: 'query',
      message,
    });
    if (!/10485760/.test(message.source)) {
      const context = new MemoryContext(provider, { userId: 'ada' });
      await refused(() => context.search(query), { field: 'query', message });
    }
    await assertUnchanged();
  });
}

const ids = [
  ...nonIds.map((id) => [id, /must be a string, got /]),
  ['', /must not be empty$/],
  ['u'.repeat(1025), /must be at most 1024 bytes, got 1025$/],
  ['ü'.repeat(513), /must be at most 1024 bytes, got 1026$/],
  ['u'.repeat(1 << 20), /must be at most 1024 bytes, got 1048576$/],
];
for (const field of ['userId', 'agentId', 'runId']) {
  for (const [id, rule] of ids) {
    test(`${field} ${show(id)}`, async (t) => {
      const { provider, assertUnchanged } = await furnished(t);
      const identity = { [field]: id };
      const expected = { field, message: new RegExp(`^${field} ${rule.source}`) };
      for (const call of [
        () => provider.retrieveMemories('bees', identity),
        () => provider.storeMemories('wasps', identity),
        () => provider.getAllMemories(identity),
        () => provider.deleteAllMemories(identity),
        () => provider.exportMemories(identity),
        () => new MemoryContext(provider, identity).search('bees'),
        () => new MemoryContext(provider).add('wasps', identity),
        () =>
          new MemorySession(provider, { ...identity, config: { scope: 'global' } }).afterRun([
            'wasps',
          ]),
      ]) {
        await refused(call, expected);
      }
      await assertUnchanged();
    });
  }
}

test('an id of 10 MB', async (t) => {
  const { provider, assertUnchanged } = await furnished(t);
  const userId = 'u'.repeat(10 << 20);
  await refused(() => provider.storeMemories('wasps', { userId }), {
    field: 'userId',
    message: 'userId must be at most 1024 bytes, got 10485760',
  });
  await assertUnchanged();
});

test('an id of the largest size, in bytes, is taken', async (t) => {
  const provider = await openProvider(t);
  for (const userId of ['u'.repeat(1024), 'ü'.repeat(512), '😀'.repeat(256)]) {
    await provider.storeMemories('I keep bees', { userId });
    assert.equal((await provider.retrieveMemories('bees', { userId })).length, 1);
  }
});

for (const id of [...nonStrings, '']) {
  test(`memoryId ${show(id)}`, async (t) => {
    const { provider, assertUnchanged } = await furnished(t);
    const message = id === '' ? 'memoryId must not be empty' : /^memoryId must be a string, got /;
    for (const call of [
      () => provider.deleteMemory(id),
      () => provider.getMemory(id),
      () => provider.history(id),
      () => provider.updateMemory(id, { memory: 'wasps' }),
      () => new MemoryContext(provider).delete(id),
    ]) {
      await refused(call, { field: 'memoryId', message });
    }
    await assertUnchanged();
  });
}

test('a memoryId that cannot be one finds nothing', async (t) => {
  const { provider, assertUnchanged } = await furnished(t);
  for (const id of ['x'.repeat(1 << 20), '\ud800', '\u0000', '../../etc/passwd', '__proto__']) {
    assert.equal(await provider.deleteMemory(id), false);
    assert.equal(await provider.getMemory(id), null);
    assert.deepEqual(await provider.history(id), []);
    await refused(() => provider.updateMemory(id, { memory: 'x' }), { code: 'not_found' });
  }
  await assertUnchanged();
});

// ------------------------------------------------------------------------------------- numbers

const wholeNumbers = (field, least) => [
  ...(least === 1 ? [[0, `${field} must be at least 1, got 0`]] : []),
  [-1, `${field} must be at least ${least}, got -1`],
  [NaN, `${field} must be at least ${least}, got NaN`],
  [Infinity, `${field} must be a whole number of at least ${least}, got Infinity`],
  [-Infinity, `${field} must be at least ${least}, got -Infinity`],
  [2.5, `${field} must be a whole number of at least ${least}, got 2.5`],
  [2 ** 60, new RegExp(`^${field} must be a whole number of at least ${least}, got `)],
  ['5', `${field} must be a number, got "5"`],
  [null, `${field} must be a number, got null`],
  [true, `${field} must be a number, got true`],
  [[5], `${field} must be a number, got [5]`],
  [5n, new RegExp(`^${field} must be a`)],
  [() => 5, new RegExp(`^${field} must be a`)],
  [Symbol('5'), new RegExp(`^${field} must be a`)],
];
const numbers = {
  topK: [
    wholeNumbers('topK', 1),
    (provider, options) => provider.retrieveMemories('bees', options),
  ],
  limit: [wholeNumbers('limit', 1), (provider, options) => provider.getAllMemories(options)],
  offset: [wholeNumbers('offset', 0), (provider, options) => provider.getAllMemories(options)],
  minRelevanceScore: [
    [
      [-0.001, 'minRelevanceScore must be between 0.0 and 1.0, got -0.001'],
      [1.001, 'minRelevanceScore must be between 0.0 and 1.0, got 1.001'],
      [NaN, 'minRelevanceScore must be between 0.0 and 1.0, got NaN'],
      [Infinity, 'minRelevanceScore must be between 0.0 and 1.0, got Infinity'],
      [-Infinity, 'minRelevanceScore must be between 0.0 and 1.0, got -Infinity'],
      ['0.5', 'minRelevanceScore must be a number, got "0.5"'],
      [null, 'minRelevanceScore must be a number, got null'],
    ],
    (provider, options) => provider.retrieveMemories('bees', options),
  ],
};
for (const [field, [cases, call]] of Object.entries(numbers)) {
  for (const [value, message] of cases) {
    test(`${field} ${show(value)}`, async (t) => {
      const { provider, assertUnchanged } = await furnished(t);
      const options = { userId: 'ada', [field]: value };
      await refused(() => call(provider, options), { field, message });
      await assertUnchanged();
    });
  }
}

// ------------------------------------------------------------------------------------- names, flags, options

test('a strategy that nobody knows', async (t) => {
  const { provider, assertUnchanged } = await furnished(t);
  for (const strategy of [
    'magic',
    'SEMANTIC_SEARCH',
    '',
    null,
    1,
    {},
    ['recency'],
    Symbol('recency'),
  ]) {
    await refused(() => provider.retrieveMemories('bees', { strategy }), {
      field: 'strategy',
      message: /^strategy must be 'semantic_search', 'recency' or 'hybrid', got /,
    });
  }
  await assertUnchanged();
});

test('explain and everything that are neither true nor false', async (t) => {
  const { provider, assertUnchanged } = await furnished(t);
  for (const value of ['yes', 1, 0, null, {}, () => true]) {
    await refused(() => provider.retrieveMemories('bees', { explain: value }), {
      field: 'explain',
      message: /must be true or false/,
    });
    await refused(() => provider.deleteAllMemories({ everything: value }), {
      field: 'everything',
      message: /must be true/,
    });
  }
  await assertUnchanged();
});

test('options that are no options', async (t) => {
  const { provider, id, assertUnchanged } = await furnished(t);
  for (const options of [null, 5, 'ada', true, [], () => ({}), Symbol('x'), 5n]) {
    for (const call of [
      () => provider.retrieveMemories('bees', options),
      () => provider.storeMemories('wasps', options),
      () => provider.getAllMemories(options),
      () => provider.deleteAllMemories(options),
      () => provider.exportMemories(options),
      () => provider.updateMemory(id, options),
      () => LocalProvider.open(options),
    ]) {
      await refused(call, { field: 'options', message: /^options must be an object, got / });
    }
  }
  await assertUnchanged();
});

// ------------------------------------------------------------------------------------- messages

const user = (content) => ({ role: 'user', content });
const cyclic = user('bees');
cyclic.self = cyclic;
const messages = [
  [undefined, 'messages', /must be a string or an array, got /],
  [null, 'messages', /must be a string or an array, got null/],
  [5, 'messages', /must be a string or an array, got 5/],
  [true, 'messages', /must be a string or an array/],
  [{}, 'messages', /must be a string or an array, got \{\}/],
  [user('one message without a list'), 'messages', /must be a string or an array/],
  [() => [], 'messages', /must be a string or an array/],
  [new Map(), 'messages', /must be a string or an array/],
  [[user('x'), undefined], 'messages[1]', /must be an object or a string, got null/],
  [[user('x'), null], 'messages[1]', /must be an object or a string, got null/],
  [[user('x'), 5], 'messages[1]', /must be an object or a string, got 5/],
  [[user('x'), []], 'messages[1]', /must be an object or a string, got \[\]/],
  [[user('x'), , user('y')], 'messages[1]', /must be an object or a string, got null/],
  [[user('x'), {}], 'messages[1].role', /must be a string, but is missing/],
  [[user('x'), { role: 5, content: 'y' }], 'messages[1].role', /must be a string, got 5/],
  [[user('x'), { role: null, content: 'y' }], 'messages[1].role', /must be a string/],
  [
    [user('x'), { role: 'user' }],
    'messages[1].content',
    /must be a string or an array, but is missing/,
  ],
  [[user('x'), user(5)], 'messages[1].content', /must be a string or an array, got 5/],
  [[user('x'), user({ text: 'y' })], 'messages[1].content', /must be a string or an array/],
  [[user('x'), user([5])], 'messages[1].content[0]', /must be an object or a string, got 5/],
  [
    [user([{ type: 'text', text: 'x' }, null])],
    'messages[0].content[1]',
    /must be an object or a string/,
  ],
  [[user([{ type: 'text', text: 5 }])], 'messages[0].content[0].text', /must be a string, got 5/],
  [[{ role: 'user', parts: 'x' }], 'messages[0].parts', /must be an array/],
  [
    [{ role: 'user', parts: [{ type: 'text', text: {} }] }],
    'messages[0].parts[0].text',
    /must be a string/,
  ],
  [[{ kind: 'request', parts: {} }], 'messages[0].parts', /must be an array/],
  [[{ kind: 'request', parts: [5] }], 'messages[0].parts[0]', /must be an object/],
  [
    [{ kind: 'request', parts: [{ part_kind: 'user-prompt', content: 5 }] }],
    'messages[0].parts[0].content',
    /must be a string or an array/,
  ],
  [[{ type: 'human', content: 5 }], 'messages[0].content', /must be a string or an array/],
  [
    [{ type: 'human', data: { content: 5 } }],
    'messages[0].data.content',
    /must be a string or an array/,
  ],
  [
    [{ lc: 1, type: 'constructor', id: ['HumanMessage'], kwargs: { content: 5 } }],
    'messages[0].kwargs.content',
    /must be a string or an array/,
  ],
  [[user('x'), cyclic], 'messages[1]', /must be JSON: Converting circular structure to JSON/],
  [
    [
      user('x'),
      {
        toJSON() {
          throw new Error('no');
        },
      },
    ],
    'messages[1]',
    /must be JSON: no/,
  ],
  ['x '.repeat(5 << 20), 'messages', /must be at most 1048576 bytes, got 10485760/],
  [[user('x'), 'x '.repeat(5 << 20)], 'messages[1]', /must be at most 1048576 bytes, got 10485760/],
  [
    [user('x'), user('x '.repeat(5 << 20))],
    'messages[1].content',
    /must be at most 1048576 bytes, got 10485760/,
  ],
  [
    [user(Array(11).fill({ type: 'text', text: 'x'.repeat(1 << 20) }))],
    'messages[0].content',
    /must be at most 1048576 bytes/,
  ],
];
for (const [value, field, message] of messages) {
  test(`messages: ${field} of ${show(value)} ${message.source.slice(0, 40)}`, async (t) => {
    const { provider, assertUnchanged } = await furnished(t);
    const error = await refused(() => provider.storeMemories(value, { userId: 'ada' }), {
      field,
      message,
    });
    assert.ok(error.message.startsWith(field), error.message);
    if (!/1048576/.test(message.source)) {
      await refused(() => new MemoryContext(provider, { userId: 'ada' }).add(value), {
        field,
        message,
      });
    }
    await assertUnchanged();
  });
}

const nested = (depth) => {
  let value = 1;
  for (let n = 0; n < depth; n++) value = { value };
  return value;
};

test('messages that nest too deeply are refused by index, or taken', async (t) => {
  const { provider, assertUnchanged } = await furnished(t);
  for (const depth of [130, 1000]) {
    const value = [user('x'), { role: 'assistant', content: 'y', args: nested(depth) }];
    await refused(() => provider.storeMemories(value), { field: 'messages', message: /nest/ });
  }
  await assertUnchanged();
});

test('messages that nest so deeply that not even JSON.stringify reads them are refused by index', async (t) => {
  const { provider, assertUnchanged } = await furnished(t);
  await refused(
    () => provider.storeMemories([user('x'), { role: 'assistant', args: nested(50_000) }]),
    {
      field: 'messages[1]',
      message: /must be JSON/,
    },
  );
  await assertUnchanged();
});

test('what is not text in a message is no error, whatever it is', async (t) => {
  const provider = await openProvider(t);
  const strange = {
    big: 5n,
    fn() {},
    sym: Symbol('x'),
    nan: NaN,
    map: new Map([[1, 2]]),
    bytes: new Uint8Array(1 << 20),
    date: new Date(NaN),
    un: undefined,
    buffer: Buffer.from('x'),
    url: new URL('https://example.com'),
  };
  const stored = await provider.storeMemories([
    {
      ...user([
        { type: 'text', text: 'I keep bees' },
        { type: 'odd', ...strange },
      ]),
      ...strange,
    },
  ]);
  assert.deepEqual(textsOf(stored), ['I keep bees']);
});

// ------------------------------------------------------------------------------------- texts

const oddTexts = {
  'a lone high surrogate': ['bees \ud83d are', 'bees \ufffd are'],
  'a lone low surrogate': ['bees \udc1d are', 'bees \ufffd are'],
  'surrogates the wrong way round': ['bees \udc1d\ud83d are', 'bees \ufffd\ufffd are'],
  'a pair': ['bees \ud83d\udc1d are', 'bees \ud83d\udc1d are'],
  'a NUL': ['bees \u0000 are', 'bees \u0000 are'],
  'controls and a BOM': [
    'bees \ufeff\u0001\u001b[31m\u007f\u0085 are',
    'bees \ufeff\u0001\u001b[31m\u007f\u0085 are',
  ],
  noncharacters: ['bees \uffff\ufffe\u{10ffff} are', 'bees \uffff\ufffe\u{10ffff} are'],
  'an escape that is none': ['bees \\ud83d are', 'bees \\ud83d are'],
  'backslashes before one': ['bees \\\\\ud83d are', 'bees \\\\\ufffd are'],
  'hundreds of combining marks': [
    `bees z${'\u0301'.repeat(400)} are`,
    `bees z${'\u0301'.repeat(400)} are`,
  ],
  'text from right to left, overridden': ['bees \u202e\u2066 are', 'bees \u202e\u2066 are'],
};
for (const [name, [given, kept]] of Object.entries(oddTexts)) {
  test(`${name} in texts, ids, names, metadata and queries: kept or replaced, and search works`, async (t) => {
    const storage = memoryStorage();
    const provider = await LocalProvider.open({ storage });
    const identity = { userId: given, agentId: given, runId: given };
    const message = { role: 'user', name: given, content: given };
    const [{ id, memory, metadata }] = await provider.storeMemories([message], {
      ...identity,
      metadata: { [given]: given },
    });
    assert.equal(memory, kept);
    assert.deepEqual(metadata, { [kept]: kept });
    const check = async (where) => {
      const [found, ...others] = await where.retrieveMemories(given, identity);
      assert.deepEqual(others, []);
      assert.equal(found.memory, kept);
      assert.equal(found.userId, kept);
      assert.equal(found.name, kept);
      assert.equal((await where.retrieveMemories('are bees', { userId: given })).length, 1);
      assert.equal(
        (await where.retrieveMemories('bees', { userId: given, metadata: { [given]: given } }))
          .length,
        1,
      );
      const steps = await where.history(id);
      assert.equal(steps[0].memory, kept);
    };
    await check(provider);
    assert.equal((await provider.storeMemories([message], identity))[0].event, 'NOOP');
    const file = await provider.exportMemories();
    await provider.updateMemory(id, { memory: `${given} more` });
    assert.equal((await provider.getMemory(id)).memory, `${kept} more`);
    await provider.updateMemory(id, { memory: given });
    const session = new MemorySession(provider, { userId: given });
    const { messages: prepared } = await session.beforeModelRequest([
      { role: 'user', content: given },
    ]);
    assert.equal(prepared.at(-1).content, given, 'the caller’s own message is as it was');
    await provider.close();
    const again = await openProvider(t, { storage });
    assert.equal((await again.retrieveMemories(given, identity)).length, 1);
    const elsewhere = await openProvider(t);
    assert.deepEqual(await elsewhere.importMemories(file), { added: 1, skipped: 0 });
    await check(elsewhere);
  });
}

test('a text of nothing but NULs and blanks says nothing; one of a lone surrogate says something', async (t) => {
  const provider = await openProvider(t);
  assert.deepEqual(await provider.storeMemories(['\u0000', ' \u0000\n']), []);
  assert.deepEqual(textsOf(await provider.storeMemories('\ud800')), ['\ufffd']);
  assert.deepEqual(await provider.retrieveMemories('\ud800'), []);
});

test('ten thousand random strings are stored, found by id and searched for without harm', async (t) => {
  const provider = await openProvider(t);
  let seed = 42;
  const random = (below) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
  const unit = () =>
    [random(0x80), random(0x300), 0xd800 + random(0x800), random(0x1_0000)][random(4)];
  const texts = Array.from({ length: 10_000 }, () =>
    String.fromCharCode(...Array.from({ length: 1 + random(24) }, unit)),
  );
  const stored = await provider.storeMemories(texts, { userId: 'ada' });
  assert.equal(
    (await provider.status()).memories,
    stored.filter(({ event }) => event === 'ADD').length,
  );
  for (const text of texts.slice(0, 300)) {
    await provider
      .retrieveMemories(text, { userId: 'ada' })
      .catch(({ message }) => assert.equal(message, 'query must not be empty'));
  }
  for (const { memory } of stored) assert.ok(memory.isWellFormed?.() ?? true);
});

test('a memory that is changed to no text, or to one too long', async (t) => {
  const { provider, id, assertUnchanged } = await furnished(t);
  for (const [memory, message] of [
    ['', 'memory must not be empty'],
    [' \n', 'memory must not be empty'],
    ['x '.repeat(5 << 20), 'memory must be at most 1048576 bytes, got 10485760'],
    [5, 'memory must be a string, got 5'],
    [null, 'memory must be a string, got null'],
    [['x'], 'memory must be a string, got ["x"]'],
    [() => 'x', /memory must be a string/],
  ]) {
    await refused(() => provider.updateMemory(id, { memory }), { field: 'memory', message });
  }
  for (const change of [{}, { memory: undefined }, { other: 1 }]) {
    await refused(() => provider.updateMemory(id, change), {
      field: 'change',
      message: /must give memory, metadata or both/,
    });
  }
  await refused(() => provider.updateMemory(id, { memory: 'good', metadata: [] }), {
    field: 'metadata',
  });
  await assertUnchanged();
});

test('a name that is no text is left out; a long one is kept', async (t) => {
  const provider = await openProvider(t);
  const [{ id }] = await provider.storeMemories([{ role: 'user', name: 5, content: 'bees' }]);
  assert.ok(!('name' in (await provider.getMemory(id))));
  await provider.storeMemories([{ role: 'user', name: 'n'.repeat(100_000), content: 'wasps' }]);
  assert.equal((await provider.retrieveMemories('wasps')).length, 1);
});

// ------------------------------------------------------------------------------------- metadata

class Point {
  x = 1;
}
const loop = { list: [] };
loop.list.push({ loop });
const metadata = [
  [null, 'metadata', /must be an object, got null/],
  [5, 'metadata', /must be an object, got 5/],
  ['x', 'metadata', /must be an object, got "x"/],
  [[], 'metadata', /must be an object, got \[\]/],
  [() => ({}), 'metadata', /must be JSON, got a function/],
  [Symbol('x'), 'metadata', /must be JSON, got a symbol/],
  [5n, 'metadata', /must be JSON, got a bigint/],
  [new Map(), 'metadata', /must be JSON, got a Map/],
  [new Set([1]), 'metadata', /must be JSON, got a Set/],
  [new Point(), 'metadata', /must be JSON, got a Point/],
  [new Error('x'), 'metadata', /must be JSON, got a Error/],
  [{ a: { f() {} } }, 'metadata.a.f', /must be JSON, got a function/],
  [{ a: Symbol('x') }, 'metadata.a', /must be JSON, got a symbol/],
  [{ a: [1, 2n] }, 'metadata.a[1]', /must be JSON, got a bigint/],
  [{ a: NaN }, 'metadata.a', /must be JSON, got NaN/],
  [{ a: [{ b: -Infinity }] }, 'metadata.a[0].b', /must be JSON, got -Infinity/],
  [{ a: [undefined] }, 'metadata.a[0]', /must be JSON, got undefined/],
  [{ a: new Map() }, 'metadata.a', /must be JSON, got a Map/],
  [{ a: new Uint8Array(3) }, 'metadata.a', /must be JSON, got a Uint8Array/],
  [{ a: /x/ }, 'metadata.a', /must be JSON, got a RegExp/],
  [{ a: Promise.resolve() }, 'metadata.a', /must be JSON, got a Promise/],
  [{ a: { toJSON: () => NaN } }, 'metadata.a', /must be JSON, got NaN/],
  [{ a: { toJSON: () => 5n } }, 'metadata.a', /must be JSON, got a bigint/],
  [loop, 'metadata.list[0].loop', /must be JSON, got a cycle/],
  [nested(65), 'metadata', /^metadata must not nest deeper than 64$/],
  [nested(100_000), 'metadata', /^metadata must not nest deeper than 64$/],
  [{ text: 'x'.repeat(65_536) }, 'metadata', /must be at most 65536 bytes of JSON, got 65547/],
  [{ text: 'ü'.repeat(32_768) }, 'metadata', /must be at most 65536 bytes of JSON/],
  [{ text: 'x'.repeat(10 << 20) }, 'metadata', /must be at most 65536 bytes of JSON, got 10485771/],
  [
    Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`key ${n}`, n])),
    'metadata',
    /must be at most 65536 bytes of JSON/,
  ],
];
for (const [value, field, message] of metadata) {
  test(`metadata: ${field} ${message.source}`, async (t) => {
    const { provider, id, assertUnchanged } = await furnished(t);
    const check = (call) => refused(call, { field, message });
    await check(() => provider.storeMemories('wasps', { userId: 'ada', metadata: value }));
    if (!/10485771/.test(message.source)) {
      await check(() => provider.updateMemory(id, { metadata: value }));
      await check(() => new MemoryContext(provider).add('wasps', { metadata: value }));
      await check(() => new MemoryContext(provider, { config: { metadata: value } }).add('wasps'));
    }
    if (!/at most/.test(message.source)) {
      await check(() => provider.retrieveMemories('bees', { userId: 'ada', metadata: value }));
    }
    await assertUnchanged();
  });
}

test('metadata of the largest size and depth is taken, and exported and imported again', async (t) => {
  const provider = await openProvider(t);
  for (const value of [{ text: 'x'.repeat(65_536 - 11) }, nested(64), { date: new Date(0) }]) {
    await provider.storeMemories(`bees ${JSON.stringify(value).length}`, { metadata: value });
  }
  const other = await openProvider(t);
  assert.deepEqual(await other.importMemories(await provider.exportMemories()), {
    added: 3,
    skipped: 0,
  });
  assert.deepEqual(await other.getAllMemories(), await provider.getAllMemories());
});

test('metadata of a call and of a context together may be too large', async (t) => {
  const { provider, assertUnchanged } = await furnished(t);
  const half = (key) => ({ [key]: 'x'.repeat(40_000) });
  const context = new MemoryContext(provider, { config: { metadata: half('a') } });
  await refused(() => context.add('wasps', { metadata: half('b') }), {
    field: 'metadata',
    message: /at most 65536/,
  });
  await assertUnchanged();
});

// ------------------------------------------------------------------------------------- times

const times = [
  'noon',
  '',
  '2026-13-01',
  '2026-02-30',
  '12/24/2026',
  '2026',
  NaN,
  Infinity,
  -Infinity,
  8.65e15,
  -1e15,
  new Date(NaN),
  new Date(8.64e15),
  null,
  true,
  {},
  [],
  [2026],
  () => 0,
  5n,
];
for (const field of ['timestamp', 'expiresAt']) {
  for (const time of times) {
    test(`${field} ${show(time)} ${typeof time}`, async (t) => {
      const { provider, assertUnchanged } = await furnished(t);
      await refused(() => provider.storeMemories('wasps', { userId: 'ada', [field]: time }), {
        field,
        message: new RegExp(
          `^${field} must be a Date, an ISO 8601 string or milliseconds, between the years 0000 and 9999, got `,
        ),
      });
      await assertUnchanged();
    });
  }
}

test('the first and the last time there is are taken', async (t) => {
  const provider = await openProvider(t);
  for (const timestamp of ['0000-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z']) {
    const [{ id }] = await provider.storeMemories(`bees ${timestamp}`, { timestamp });
    assert.equal((await provider.getMemory(id)).createdAt, timestamp);
  }
  assert.equal((await provider.retrieveMemories('bees', { strategy: 'hybrid' })).length, 2);
});

test('a message’s own time that is none is passed over', async (t) => {
  const provider = await openProvider(t);
  const [{ id }] = await provider.storeMemories(
    [{ ...user('bees'), timestamp: 'noon', createdAt: NaN }],
    { timestamp: 0 },
  );
  assert.equal((await provider.getMemory(id)).createdAt, '1970-01-01T00:00:00.000Z');
});

// ------------------------------------------------------------------------------------- filters

const filters = [
  [5, /filters/],
  ['n', /filters/],
  [[], /filters/],
  [[{ n: 1 }], /filters/],
  [{ n: { about: 1 } }, /about/],
  [{ n: { GT: 1 } }, /GT/],
  [{ n: { gt: 1, sort_of: 2 } }, /sort_of/],
  [{ n: { gt: {} } }, /gt/],
  [{ n: { gt: null } }, /gt/],
  [{ n: { in: 5 } }, /in/],
  [{ AND: 5 }, /AND/],
  [{ OR: {} }, /OR/],
  [{ AND: [{ OR: [{ NOT: [5] }] }] }, /NOT/],
  [{ created_at: { gt: 'noon' } }, /created_at|createdAt/],
];
for (const [value, message] of filters) {
  test(`filters ${JSON.stringify(value)}`, async (t) => {
    const { provider, assertUnchanged } = await furnished(t);
    for (const call of [
      () => provider.retrieveMemories('bees', { userId: 'ada', filters: value }),
      () => provider.getAllMemories({ userId: 'ada', filters: value }),
      () => provider.deleteAllMemories({ userId: 'ada', filters: value }),
      () => new MemoryContext(provider, { userId: 'ada' }).search('bees', { filters: value }),
    ]) {
      const error = await refused(call, { message });
      assert.match(error.field, /^filters/);
    }
    await assertUnchanged();
  });
}

test('filters that are not JSON', async (t) => {
  const { provider, assertUnchanged } = await furnished(t);
  const cycle = { AND: [] };
  cycle.AND.push(cycle);
  for (const value of [
    { n: () => 1 },
    { n: { gt: 5n } },
    { n: NaN },
    cycle,
    { n: new Map() },
    nested(150),
  ]) {
    const error = await refused(
      () => provider.deleteAllMemories({ userId: 'ada', filters: value }),
      {},
    );
    assert.match(error.field, /^filters/);
  }
  await assertUnchanged();
});

// ------------------------------------------------------------------------------------- opening

const openings = [
  [{ storage: null }, 'storage', 'storage must have the method get'],
  [{ storage: 5 }, 'storage', 'storage must have the method get'],
  [{ storage: {} }, 'storage', 'storage must have the method get'],
  ...['get', 'write', 'scan', 'close'].map((method) => [
    { storage: { kind: 'x', get() {}, write() {}, scan() {}, close() {}, [method]: undefined } },
    'storage',
    `storage must have the method ${method}`,
  ]),
  [
    { storage: { get() {}, write() {}, scan() {}, close() {} } },
    'storage',
    'storage must have a kind',
  ],
  [{ name: 5 }, 'name', /must be a string/],
  [{ name: '' }, 'name', /must be a string that is not empty/],
  [{ durability: 'eternal' }, 'durability', /must be 'relaxed' or 'strict', got 'eternal'/],
  [{ now: 5 }, 'now', 'now must be a function'],
  [{ halfLifeMs: 0 }, 'halfLifeMs', 'halfLifeMs must be more than 0, got 0'],
  [{ halfLifeMs: -1 }, 'halfLifeMs', 'halfLifeMs must be more than 0, got -1'],
  [{ halfLifeMs: NaN }, 'halfLifeMs', /must be more than 0, got /],
  [{ halfLifeMs: '1' }, 'halfLifeMs', 'halfLifeMs must be a number, got "1"'],
  [{ roles: [] }, 'roles', `roles must be a list of 'user', 'assistant' or both, got []`],
  [
    { roles: ['system'] },
    'roles',
    `roles must be a list of 'user', 'assistant' or both, got ["system"]`,
  ],
  [{ roles: 'user' }, 'roles', `roles must be a list of 'user', 'assistant' or both, got "user"`],
  [{ roles: null }, 'roles', /must be a list/],
];
for (const [options, field, message] of openings) {
  test(`open: ${message.source ?? message}`, async () => {
    await refused(() => LocalProvider.open(options), { field, message });
  });
}

test('a listener that is no function', async (t) => {
  const { provider } = await furnished(t);
  for (const listener of [undefined, null, 5, {}]) {
    assert.throws(() => provider.subscribe(listener), {
      code: 'invalid_argument',
      field: 'listener',
    });
  }
});
