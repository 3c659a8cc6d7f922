// MemorySession.beforeModelRequest keeps the shape of the messages, whatever it is, and leaves the caller's own alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySession } from 'agent-memory-wasm';
import { recordingProvider } from './support/recording-provider.mjs';

const found = [{ id: '1', memory: 'I keep bees', score: 1, metadata: {}, createdAt: null }];
const bytes = Uint8Array.of(1, 2, 3);

function sessionOf(config = {}) {
  return new MemorySession(recordingProvider({ retrieveMemories: found }), {
    userId: 'ada',
    config,
  });
}

const langChain = (name, content) => ({
  lc: 1,
  type: 'constructor',
  id: ['langchain_core', 'messages', name],
  kwargs: { content, additional_kwargs: {} },
});
const uiMessage = (role, text) => ({ id: `${role}-1`, role, parts: [{ type: 'text', text }] });
const pydantic = (...parts) => ({ kind: 'request', parts });

/** What the block is expected in: `[messages, index of the message that holds it, the text that does]`. */
const shapes = {
  strings: [['which bees?'], 0, ({ content }) => content],
  OpenAI: [[{ role: 'user', content: 'which bees?' }], 0, ({ content }) => content],
  'OpenAI with a system prompt': [
    [
      { role: 'system', content: 'Be nice.', name: 'kept' },
      { role: 'user', content: 'which bees?' },
    ],
    0,
    ({ content }) => content,
  ],
  'OpenAI with a system prompt in parts': [
    [
      {
        role: 'system',
        content: [{ type: 'text', text: 'Be nice.', cache_control: { type: 'ephemeral' } }],
      },
      { role: 'user', content: 'which bees?' },
    ],
    0,
    ({ content }) => content.at(-1).text,
  ],
  'OpenAI with a developer prompt': [
    [
      { role: 'developer', content: 'Be nice.' },
      { role: 'user', content: 'which bees?' },
    ],
    0,
    ({ content }) => content,
  ],
  'AI SDK ModelMessage': [
    [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'which bees?' },
          { type: 'image', image: bytes },
        ],
      },
    ],
    0,
    ({ content }) => content,
  ],
  'AI SDK UIMessage': [[uiMessage('user', 'which bees?')], 0, ({ parts }) => parts.at(-1).text],
  'AI SDK UIMessage with a system prompt': [
    [uiMessage('system', 'Be nice.'), uiMessage('user', 'which bees?')],
    0,
    ({ parts }) => parts.at(-1).text,
  ],
  Anthropic: [
    [
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', data: bytes } },
          { type: 'text', text: 'hm' },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'so', signature: 'x' },
          { type: 'text', text: 'yes?' },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', data: bytes } },
          { type: 'text', text: 'which bees?' },
        ],
      },
    ],
    2,
    ({ content }) =>
      content.find(({ type, text }) => type === 'text' && text.includes('<recalled')).text,
  ],
  'LangChain, plain': [[{ type: 'human', content: 'which bees?' }], 0, ({ content }) => content],
  'LangChain, stored': [
    [
      { type: 'system', data: { content: 'Be nice.', extra: 1 } },
      { type: 'human', data: { content: 'which bees?' } },
    ],
    0,
    ({ data }) => data.content,
  ],
  'LangChain, serialised': [
    [langChain('SystemMessage', 'Be nice.'), langChain('HumanMessage', 'which bees?')],
    0,
    ({ kwargs }) => kwargs.content,
  ],
  'pydantic-ai': [
    [
      pydantic(
        { part_kind: 'system-prompt', content: 'Be nice.' },
        { part_kind: 'user-prompt', content: ['which bees?', { kind: 'binary', data: bytes }] },
      ),
    ],
    0,
    ({ parts }) => parts.findLast(({ part_kind: kind }) => kind === 'system-prompt').content,
  ],
};

/** Everything reachable, frozen: whoever writes to it throws. */
function deepFreeze(value) {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}

/** The kind of shape that a message has. */
const keysOf = (message) =>
  typeof message === 'object' ? Object.keys(message).sort() : typeof message;

for (const [name, [messages, index, textOf]] of Object.entries(shapes)) {
  test(`${name}: the block is in, in the messages’ own shape, and the input is unchanged`, async () => {
    const input = deepFreeze(structuredClone(messages));
    const { messages: output, prompt } = await sessionOf().beforeModelRequest(input);
    assert.deepEqual(input, messages);
    assert.notEqual(output, input);
    assert.ok(textOf(output[index]).includes(prompt), JSON.stringify(output[index]));
    assert.match(prompt, /I keep bees/);
    const holders = output.filter((message) =>
      JSON.stringify(message).includes('<recalled-memories>'),
    );
    assert.equal(holders.length, 1);
    // Every other message is the caller's own object.
    const own = new Set(input);
    for (const message of output) if (message !== output[index]) assert.ok(own.has(message));
    if (output.length === input.length)
      assert.deepEqual(keysOf(output[index]), keysOf(input[index]));
  });

  test(`${name}: as a message of its own, right before the last user message`, async () => {
    const input = deepFreeze(structuredClone(messages));
    const { messages: output, prompt } = await sessionOf({
      memorySummaryInSystem: false,
    }).beforeModelRequest(input);
    assert.equal(output.length, input.length + 1);
    const at = output.findIndex((message) =>
      JSON.stringify(message).includes('<recalled-memories>'),
    );
    assert.equal(at, output.length - 2);
    assert.deepEqual(output.toSpliced(at, 1), input);
    for (const message of input) assert.ok(output.includes(message));
    assert.ok(JSON.stringify(output[at]).includes(JSON.stringify(prompt).slice(1, -1)));
  });
}

test('bytes, dates and what JSON has no form for stay in a message that is edited', async () => {
  const image = {
    type: 'image',
    source: { type: 'base64', data: bytes },
    when: new Date(0),
    on() {},
    un: undefined,
  };
  const text = { type: 'text', text: 'which bees?' };
  const session = sessionOf();
  const first = await session.beforeModelRequest([{ role: 'user', content: [image, text] }]);
  const [{ content }] = first.messages;
  assert.equal(content.length, 3);
  assert.ok(content.includes(image), 'the image is the caller’s own');
  assert.ok(content.includes(text));
  // And when the block is taken out of it again.
  const later = [
    ...first.messages,
    { role: 'assistant', content: 'blue' },
    { role: 'user', content: [text, { type: 'document', source: { data: bytes } }] },
  ];
  const second = await session.beforeModelRequest(later);
  assert.ok(second.messages[0].content.includes(image));
  assert.equal(JSON.stringify(second.messages[0]).includes('<recalled'), false);
  assert.equal(second.messages[2].content.at(-1).source.data, bytes);
});

test('bytes beside a system prompt in parts stay', async () => {
  const data = { type: 'data-x', data: bytes };
  const input = [
    { id: '0', role: 'system', parts: [{ type: 'text', text: 'Be nice.' }, data] },
    uiMessage('user', 'which bees?'),
  ];
  const { messages } = await sessionOf().beforeModelRequest(input);
  assert.equal(messages[0].parts[1], data);
});

// As @langchain/core makes them: content is an own property, toJSON gives the serialised form.
class BaseMessage {
  lc_serializable = true;
  lc_namespace = ['langchain_core', 'messages'];
  constructor(fields) {
    this.lc_kwargs = fields;
    Object.assign(this, { additional_kwargs: {}, response_metadata: {} }, fields);
  }
  get text() {
    return this.content;
  }
  toJSON() {
    const kwargs = Object.fromEntries(Object.keys(this.lc_kwargs).map((key) => [key, this[key]]));
    return {
      lc: 1,
      type: 'constructor',
      id: [...this.lc_namespace, this.constructor.name],
      kwargs,
    };
  }
}
class SystemMessage extends BaseMessage {}
class HumanMessage extends BaseMessage {}

test('LangChain’s message objects stay objects of their class, methods and all', async () => {
  const input = [
    new SystemMessage({ content: 'Be nice.' }),
    new HumanMessage({ content: 'which bees?' }),
  ];
  const { messages, prompt } = await sessionOf().beforeModelRequest(input);
  assert.equal(messages.length, 2);
  assert.ok(messages[0] instanceof SystemMessage);
  assert.equal(messages[0].text, `Be nice.\n\n${prompt}`);
  assert.equal(messages[0].toJSON().kwargs.content, messages[0].content);
  assert.equal(messages[1], input[1]);
  assert.equal(input[0].content, 'Be nice.');
});

test('among LangChain’s message objects, what is inserted is in the form that LangChain coerces', async () => {
  const input = [new HumanMessage({ content: 'which bees?' })];
  const { messages, prompt } = await sessionOf().beforeModelRequest(input);
  assert.deepEqual(messages[0], { role: 'system', content: prompt });
  assert.equal(messages[1], input[0]);
  const apart = await sessionOf({ memorySummaryInSystem: false }).beforeModelRequest(input);
  assert.deepEqual(apart.messages[0], { role: 'user', content: apart.prompt });
});

test('a class whose content is a getter, an object without a prototype, a frozen one', async () => {
  class Getter {
    role = 'system';
    constructor(text) {
      this.inner = text;
    }
    get content() {
      return this.inner;
    }
    toJSON() {
      return { role: this.role, content: this.content };
    }
  }
  for (const message of [
    new Getter('Be nice.'),
    Object.assign(Object.create(null), { role: 'system', content: 'Be nice.' }),
    Object.freeze({ role: 'system', content: 'Be nice.' }),
  ]) {
    const { messages, prompt } = await sessionOf().beforeModelRequest([
      message,
      { role: 'user', content: 'bees?' },
    ]);
    assert.equal(messages[0].content, `Be nice.\n\n${prompt}`);
    assert.equal(Object.getPrototypeOf(messages[0]), Object.getPrototypeOf(message));
    assert.equal(message.content, 'Be nice.');
  }
});

test('a conversation with tool calls keeps every call beside its result', async () => {
  const input = [
    { role: 'user', content: 'which bees?' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: 'blue' },
  ];
  for (const memorySummaryInSystem of [true, false]) {
    const { messages } = await sessionOf({ memorySummaryInSystem }).beforeModelRequest(input);
    assert.equal(messages.length, 4);
    assert.deepEqual(messages.slice(-2), input.slice(-2));
  }
});
