// LocalProvider.storeMemories: what becomes a memory, when, whose, and what is one already.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualClock, openProvider, textsOf } from './support/open.mjs';

const shapes = {
  'a string': 'I keep bees',
  'a list of strings': ['I keep bees'],
  OpenAI: [{ role: 'user', content: 'I keep bees' }],
  'OpenAI, content parts': [{ role: 'user', content: [{ type: 'text', text: 'I keep bees' }] }],
  'AI SDK ModelMessage': [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'I keep bees' },
        { type: 'image', image: new Uint8Array(8) },
      ],
    },
  ],
  'AI SDK UIMessage': [{ id: 'm1', role: 'user', parts: [{ type: 'text', text: 'I keep bees' }] }],
  Anthropic: [
    {
      role: 'user',
      content: [
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
        { type: 'text', text: 'I keep bees' },
      ],
    },
  ],
  'LangChain, plain': [{ type: 'human', content: 'I keep bees' }],
  'LangChain, stored': [{ type: 'human', data: { content: 'I keep bees' } }],
  'LangChain, serialised': [
    {
      lc: 1,
      type: 'constructor',
      id: ['langchain_core', 'messages', 'HumanMessage'],
      kwargs: { content: 'I keep bees' },
    },
  ],
  'pydantic-ai': [
    {
      kind: 'request',
      parts: [
        { part_kind: 'system-prompt', content: 'You are terse.' },
        { part_kind: 'user-prompt', content: 'I keep bees' },
      ],
    },
  ],
};

for (const [name, messages] of Object.entries(shapes)) {
  test(`a message in the shape of ${name} becomes a memory`, async (t) => {
    const provider = await openProvider(t);
    const [stored, ...others] = await provider.storeMemories(messages, { userId: 'ada' });
    assert.deepEqual(others, []);
    assert.equal(stored.memory, 'I keep bees');
    assert.equal(stored.event, 'ADD');
    assert.deepEqual(stored.metadata, {});
    const { role, userId } = await provider.getMemory(stored.id);
    assert.deepEqual({ role, userId }, { role: 'user', userId: 'ada' });
  });
}

test('message objects with a toJSON, such as LangChain’s, are read by it', async (t) => {
  class HumanMessage {
    lc_kwargs = {};
    #content = 'I keep bees';
    toJSON() {
      return {
        lc: 1,
        type: 'constructor',
        id: ['langchain_core', 'messages', 'HumanMessage'],
        kwargs: { content: this.#content },
      };
    }
  }
  const provider = await openProvider(t);
  assert.deepEqual(textsOf(await provider.storeMemories([new HumanMessage()])), ['I keep bees']);
});

test('receipts come in the order of the messages, one for each that said something', async (t) => {
  const provider = await openProvider(t);
  const stored = await provider.storeMemories([
    { role: 'system', content: 'You are terse.' },
    { role: 'user', content: 'I keep bees' },
    { role: 'assistant', content: null, tool_calls: [] },
    { role: 'tool', tool_call_id: 'x', content: 'ok' },
    { role: 'assistant', content: 'How many hives?' },
    { role: 'user', content: '   ' },
  ]);
  assert.deepEqual(textsOf(stored), ['I keep bees', 'How many hives?']);
  assert.equal(new Set(stored.map(({ id }) => id)).size, 2);
});

test('what says nothing stores nothing', async (t) => {
  const provider = await openProvider(t);
  for (const nothing of ['', ' \n', [], ['']]) {
    assert.deepEqual(await provider.storeMemories(nothing), []);
  }
  assert.equal((await provider.status()).memories, 0);
});

test('the same words again are a NOOP with the old id', async (t) => {
  const provider = await openProvider(t);
  const [first] = await provider.storeMemories('I keep bees.', { metadata: { n: 1 } });
  for (const again of ['I keep bees.', 'i KEEP bees', '  I keep\n bees  ', 'I keep bees!']) {
    const [stored] = await provider.storeMemories(again, { metadata: { n: 2 } });
    assert.deepEqual(
      stored,
      { id: first.id, memory: 'I keep bees.', event: 'NOOP', metadata: { n: 1 } },
      again,
    );
  }
  assert.equal((await provider.status()).memories, 1);
  assert.equal((await provider.history(first.id)).length, 1);
});

test('the same words of another speaker, another scope or with other words are no duplicate', async (t) => {
  const provider = await openProvider(t);
  const first = { role: 'user', content: 'I keep bees' };
  await provider.storeMemories([first], { userId: 'ada' });
  for (const [message, options] of [
    [{ ...first, role: 'assistant' }, { userId: 'ada' }],
    [first, { userId: 'ben' }],
    [first, {}],
    [first, { userId: 'ada', runId: 'r1' }],
    [first, { userId: 'ada', agentId: 'bot' }],
    [{ ...first, content: 'I keep 2 bees' }, { userId: 'ada' }],
    [{ ...first, content: 'I keep bees?' }, { userId: 'ada' }],
  ]) {
    const [{ event }] = await provider.storeMemories([message], options);
    if (message.content !== 'I keep bees?')
      assert.equal(event, 'ADD', JSON.stringify([message, options]));
  }
});

test('a duplicate within one call is told in its place', async (t) => {
  const provider = await openProvider(t);
  const stored = await provider.storeMemories(['one', 'two', 'One', 'three', 'two']);
  assert.deepEqual(
    stored.map(({ event }) => event),
    ['ADD', 'ADD', 'NOOP', 'ADD', 'NOOP'],
  );
  assert.equal(stored[2].id, stored[0].id);
  assert.equal(stored[4].id, stored[1].id);
});

test('what was deleted or changed can be stored again', async (t) => {
  const provider = await openProvider(t);
  const [one, two] = await provider.storeMemories(['one', 'two']);
  await provider.deleteMemory(one.id);
  await provider.updateMemory(two.id, { memory: 'second' });
  const again = await provider.storeMemories(['one', 'two', 'second']);
  assert.deepEqual(
    again.map(({ event }) => event),
    ['ADD', 'ADD', 'NOOP'],
  );
  assert.notEqual(again[0].id, one.id);
});

test('every time that a call may carry is kept to the millisecond', async (t) => {
  const clock = manualClock('2026-03-01T12:00:00.000Z');
  const provider = await openProvider(t, { now: clock.now });
  const said = '2025-12-24T18:30:00.250Z';
  for (const [timestamp, expected] of [
    [undefined, '2026-03-01T12:00:00.000Z'],
    [said, said],
    [Date.parse(said), said],
    [new Date(said), said],
    ['2025-12-24T19:30:00.250+01:00', said],
    ['2025-12-24', '2025-12-24T00:00:00.000Z'],
    [0, '1970-01-01T00:00:00.000Z'],
    [-1, '1969-12-31T23:59:59.999Z'],
    [Date.parse(said) + 0.75, said],
  ]) {
    const [{ id }] = await provider.storeMemories(`bees at ${timestamp} ${typeof timestamp}`, {
      timestamp,
    });
    assert.equal((await provider.getMemory(id)).createdAt, expected, `${timestamp}`);
  }
});

test('a message’s own time comes before that of the call', async (t) => {
  const provider = await openProvider(t);
  const own = '2025-01-02T03:04:05.000Z';
  const messages = [
    { role: 'user', content: 'one', timestamp: own },
    { role: 'user', content: 'two', createdAt: new Date(own) },
    {
      id: 'm',
      role: 'user',
      parts: [{ type: 'text', text: 'three' }],
      metadata: { createdAt: own },
    },
    { kind: 'request', parts: [{ part_kind: 'user-prompt', content: 'four', timestamp: own }] },
    { role: 'user', content: 'five' },
  ];
  await provider.storeMemories(messages, { timestamp: '2026-01-01' });
  const times = (await provider.getAllMemories()).map(({ memory, createdAt }) => [
    memory,
    createdAt,
  ]);
  assert.deepEqual(Object.fromEntries(times), {
    one: own,
    two: own,
    three: own,
    four: own,
    five: '2026-01-01T00:00:00.000Z',
  });
});

test('metadata of every kind of JSON comes back as it was, and to each memory of the call', async (t) => {
  const provider = await openProvider(t);
  const metadata = {
    null: null,
    true: true,
    zero: 0,
    negative: -1.5,
    big: 2 ** 53 - 1,
    tiny: 5e-324,
    huge: 1.7976931348623157e308,
    tenth: 0.1,
    text: 'ünï "quoted" \\ \n \u2028 😀',
    list: [1, [2, [3, {}]], []],
    nested: { a: { b: { c: 'd' } } },
    '': 'an empty key',
    'a.b': 'a dot',
    constructor: 'own',
    10: 'an integer key',
  };
  const stored = await provider.storeMemories(['one', 'two'], { metadata });
  for (const { id, metadata: told } of stored) {
    assert.deepEqual(told, metadata);
    assert.deepEqual((await provider.getMemory(id)).metadata, metadata);
  }
});

test('metadata that was put together by JSON.parse may have a member called __proto__', async (t) => {
  const provider = await openProvider(t);
  const metadata = JSON.parse('{"__proto__": {"polluted": true}, "a": 1}');
  const [{ id }] = await provider.storeMemories('one', { metadata });
  const { metadata: kept } = await provider.getMemory(id);
  assert.equal(kept.polluted, undefined);
  assert.deepEqual(Object.keys(kept), ['__proto__', 'a']);
});

test('what the caller does to its objects after the call changes nothing', async (t) => {
  const provider = await openProvider(t);
  const messages = [{ role: 'user', content: 'I keep bees' }];
  const metadata = { list: [1] };
  const storing = provider.storeMemories(messages, { metadata });
  messages[0].content = 'I keep wasps';
  metadata.list.push(2);
  const [stored] = await storing;
  assert.equal(stored.memory, 'I keep bees');
  assert.deepEqual(stored.metadata, { list: [1] });
});

test('undefined options and undefined members count as not given', async (t) => {
  const provider = await openProvider(t);
  const nothing = {
    userId: undefined,
    agentId: undefined,
    metadata: undefined,
    timestamp: undefined,
    expiresAt: undefined,
    signal: undefined,
  };
  await provider.storeMemories('I keep bees', nothing);
  await provider.storeMemories('I keep wasps', undefined);
  const found = await provider.retrieveMemories('bees', {
    topK: undefined,
    filters: undefined,
    strategy: undefined,
    ...nothing,
  });
  assert.equal(found.length, 1);
  assert.equal((await provider.getAllMemories({ limit: undefined, offset: undefined })).length, 2);
});

test('an injected memory block is never stored', async (t) => {
  const provider = await openProvider(t);
  const { MemorySession } = await import('agent-memory-wasm');
  const session = new MemorySession(provider, { userId: 'ada' });
  await provider.storeMemories('I keep bees', { userId: 'ada' });
  for (const memorySummaryInSystem of [true, false]) {
    const other = new MemorySession(provider, { userId: 'ada', config: { memorySummaryInSystem } });
    const { messages, prompt } = await other.beforeModelRequest([
      { role: 'user', content: 'bees?' },
    ]);
    assert.ok(prompt.length > 0);
    assert.deepEqual(textsOf(await provider.storeMemories(messages, { userId: 'zoe' })), ['bees?']);
    assert.deepEqual(await provider.storeMemories(prompt, { userId: 'zoe' }), []);
  }
  await session.flush();
});

test('a text of the largest size is stored and found', async (t) => {
  const provider = await openProvider(t);
  const text = `bees ${'and honey '.repeat(110_000)}`.slice(0, 1 << 20);
  const [{ id }] = await provider.storeMemories(text);
  assert.equal((await provider.getMemory(id)).memory, text);
  assert.equal((await provider.retrieveMemories('bees'))[0].id, id);
});
