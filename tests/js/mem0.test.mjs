// Mem0Provider against servers on loopback that behave as Mem0's two do: what comes of each call, what goes over the
// wire, and what becomes of everything that can go wrong.
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { after, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Mem0Provider, MemoryContext, MemoryError, MemorySession } from 'agent-memory-wasm';
import { fault, hasOpenApi, startMem0 } from './support/mem0-server.mjs';

const skip = hasOpenApi ? false : 'the vendor’s OpenAPI does not lie beside the project';
const servers = new Set();

async function start(options) {
  const server = await startMem0(options);
  servers.add(server);
  return server;
}
after(async () => {
  for (const server of servers) await server.close();
});

/** A server of either API, and a provider for it. */
async function world(api, { server: given, ...options } = {}) {
  const server = await start({ api, ...given });
  const provider = new Mem0Provider({ api, apiKey: server.key, baseUrl: server.url, ...options });
  return { server, provider };
}

const failure = (promise) =>
  promise.then(
    (value) => assert.fail(`resolved with ${inspect(value)}`),
    (error) => {
      assert.ok(MemoryError.isInstance(error), inspect(error));
      return error;
    },
  );

const user = { userId: 'alice' };
const texts = (memories) => memories.map(({ memory }) => memory);
const said = (...contents) => contents.map((content) => ({ role: 'user', content }));

for (const api of ['platform', 'self-hosted']) {
  test(
    `${api}: what is stored is found, listed, read, changed, told of and deleted`,
    { skip },
    async () => {
      const { server, provider } = await world(api);
      const [tea] = await provider.storeMemories('I like green tea.', {
        ...user,
        metadata: { deepKey: { a_b: 1 } },
      });
      await provider.storeMemories(said('I live in Lisbon.', 'I have a dog.'), {
        ...user,
        agentId: 'bot',
        runId: 'r',
      });
      await provider.storeMemories('I like green tea too.', { userId: 'bob' });
      assert.equal(tea.memory, 'Fact: I like green tea.');
      assert.equal(tea.event, 'ADD');
      assert.deepEqual(tea.metadata, { deepKey: { a_b: 1 } });

      const [found, ...others] = await provider.retrieveMemories('green tea', {
        ...user,
        minRelevanceScore: 0.5,
        explain: true,
      });
      assert.deepEqual(others, []);
      assert.equal(found.id, tea.id);
      assert.equal(found.score, 1);
      assert.equal(found.explanation.semantic, 1);
      assert.equal(found.userId, 'alice');
      assert.deepEqual(found.metadata, { deepKey: { a_b: 1 } });
      assert.match(found.createdAt, /^2026-.*Z$/);

      const all = await provider.getAllMemories(user);
      assert.deepEqual(texts(all), [
        'Fact: I have a dog.',
        'Fact: I live in Lisbon.',
        'Fact: I like green tea.',
      ]);
      assert.deepEqual([all[0].userId, all[0].agentId, all[0].runId], ['alice', 'bot', 'r']);
      assert.deepEqual(texts(await provider.getAllMemories({ ...user, limit: 1, offset: 1 })), [
        'Fact: I live in Lisbon.',
      ]);
      assert.deepEqual(
        texts(await provider.getAllMemories({ ...user, runId: 'r', agentId: 'bot' })).length,
        2,
      );

      assert.equal((await provider.getMemory(tea.id)).memory, tea.memory);
      const changed = await provider.updateMemory(tea.id, { memory: 'Likes black tea' });
      assert.deepEqual(changed, {
        id: tea.id,
        memory: 'Likes black tea',
        event: 'UPDATE',
        metadata: { deepKey: { a_b: 1 } },
      });
      assert.deepEqual(
        (await provider.history(tea.id)).map(({ event, memory }) => [event, memory]),
        [
          ['ADD', 'Fact: I like green tea.'],
          ['UPDATE', 'Likes black tea'],
        ],
      );
      assert.equal(await provider.deleteMemory(tea.id), true);
      assert.equal(await provider.deleteMemory(tea.id), false);
      assert.equal(await provider.getMemory(tea.id), null);
      assert.deepEqual((await provider.history(tea.id)).at(-1).event, 'DELETE');
      const gone = await failure(provider.updateMemory(tea.id, { memory: 'x' }));
      assert.equal(gone.code, 'not_found');
      assert.equal(await provider.getMemory('not-a-uuid'), null);
      assert.equal(await provider.deleteMemory('not-a-uuid'), false);

      await provider.deleteAllMemories({ ...user, runId: 'r' });
      assert.deepEqual(await provider.getAllMemories(user), []);
      assert.equal((await provider.getAllMemories({ userId: 'bob' })).length, 1);
      await provider.deleteAllMemories({ userId: 'bob' });
      assert.deepEqual(await provider.getAllMemories({ userId: 'bob' }), []);
      assert.deepEqual(server.problems, []);
    },
  );

  test(
    `${api}: only the headers that are needed go out, and nothing before the first call`,
    { skip },
    async () => {
      const { server, provider } = await world(api);
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.deepEqual(server.requests, []);
      await provider.storeMemories('hi', user);
      await provider.getMemory('00000000-0000-4000-8000-000000000000');
      const byFetch = new Set(
        'host connection accept accept-language accept-encoding sec-fetch-mode user-agent content-length'.split(
          ' ',
        ),
      );
      const own = ({ headers }) =>
        Object.keys(headers)
          .filter((name) => !byFetch.has(name))
          .sort();
      const auth = api === 'platform' ? 'authorization' : 'x-api-key';
      assert.deepEqual(server.requests.map(own), [[auth, 'content-type'].sort(), [auth]]);
    },
  );

  test(
    `${api}: every filter and every strategy that is let through finds what it says`,
    { skip },
    async () => {
      const { server, provider } = await world(api, { infer: false });
      for (const [i, topic] of ['tea', 'tea', 'dogs', 'cars'].entries())
        await provider.storeMemories(`note ${i} on ${topic}`, {
          ...user,
          metadata: { topic, n: i },
        });
      await provider.storeMemories('note 9 on tea', {
        userId: 'bob',
        metadata: { topic: 'tea', n: 9 },
      });
      const find = async (options) => {
        const memories = await provider.retrieveMemories('note', { ...user, topK: 20, ...options });
        return memories.map(({ metadata }) => metadata.n).sort();
      };
      assert.deepEqual(await find({}), [0, 1, 2, 3]);
      assert.deepEqual(await find({ metadata: { topic: 'tea' } }), [0, 1]);
      assert.deepEqual(await find({ filters: { topic: 'tea', n: { ne: 0 } } }), [1]);
      assert.deepEqual(await find({ filters: { topic: ['dogs', 'cars'] } }), [2, 3]);
      assert.deepEqual(
        await find({ filters: { OR: [{ n: 0 }, { topic: 'cars' }], NOT: [{ n: 3 }] } }),
        [0],
      );
      assert.deepEqual(await find({ filters: { metadata: { topic: { contains: 'ar' } } } }), [3]);
      const newest = await provider.retrieveMemories('note', {
        ...user,
        strategy: 'recency',
        topK: 2,
        metadata: { topic: 'tea' },
      });
      assert.deepEqual(
        newest.map(({ metadata }) => metadata.n),
        [1, 0],
      );
      const hybrid = await provider.retrieveMemories('note', { ...user, strategy: 'hybrid' });
      assert.deepEqual(
        hybrid.map(({ metadata }) => metadata.n),
        [3, 2, 1, 0],
      );
      if (api === 'platform') {
        assert.deepEqual(
          await find({ filters: { AND: [{ topic: 'tea' }], OR: [{ n: 1 }, { n: 2 }] } }),
          [1],
        );
        assert.deepEqual(
          await find({ filters: { createdAt: { gt: '2026-01-01T00:00:02Z' } } }),
          [2, 3],
        );
        const listed = await provider.getAllMemories({
          ...user,
          filters: { memory: { icontains: 'DOGS' } },
        });
        assert.deepEqual(texts(listed), ['note 2 on dogs']);
      } else {
        assert.deepEqual(await find({ filters: { n: { gt: 0, lte: 2 } } }), [1, 2]);
      }
      assert.deepEqual(server.problems, []);

      const before = server.requests.length;
      for (const [options, field] of [
        [{ filters: { n: null } }, 'filters'],
        [{ filters: { n: { between: 1 } } }, 'filters'],
        [{ topK: 1001 }, 'topK'],
        [{ userId: '*' }, 'userId'],
        [{ strategy: 'recency', minRelevanceScore: 0.5 }, 'minRelevanceScore'],
        [{ user_id: 'alice' }, 'options'],
      ]) {
        const error = await failure(provider.retrieveMemories('note', { ...user, ...options }));
        assert.equal(error.code, 'invalid_argument');
        assert.equal(error.field, field, error.message);
        assert.ok(error.message.startsWith(field), error.message);
      }
      const nobody = await failure(provider.retrieveMemories('note'));
      assert.equal(
        nobody.message,
        'userId must be given, or another id: Mem0 keeps no memory without one',
      );
      assert.equal(server.requests.length, before);
    },
  );

  test(`${api}: a context and a session remember with it`, { skip }, async () => {
    const { server, provider } = await world(api);
    const context = new MemoryContext(provider, { userId: 'alice', failOpen: false });
    await context.add('My sister Ida lives in Porto.');
    assert.deepEqual(texts(await context.search('Where does my sister live?')), [
      'Fact: My sister Ida lives in Porto.',
    ]);
    assert.equal(context.retrievedMemories.length, 1);

    const session = new MemorySession(provider, { userId: 'ada', agentId: 'bot', failOpen: false });
    await session.afterRun([
      ...said('I moved to Lisbon in May.'),
      { role: 'assistant', content: 'Nice!' },
    ]);
    const { messages, memories } = await session.beforeModelRequest(said('Where did I moved to?'));
    assert.deepEqual(texts(memories), ['Fact: I moved to Lisbon in May.']);
    assert.match(messages[0].content, /Lisbon/);
    assert.deepEqual(server.problems, []);

    // What fails there does not end a run.
    server.faults.push(fault.status(401));
    const heard = [];
    const lenient = new MemorySession(provider, {
      userId: 'ada',
      onError: (error) => heard.push(error.code),
    });
    assert.deepEqual((await lenient.beforeModelRequest(said('x'))).memories, []);
    assert.deepEqual(heard, ['unauthorized']);
  });

  test(`${api}: a wrong key is unauthorized, and is shown nowhere`, { skip }, async () => {
    const apiKey = 'm0-super-secret-key';
    const { provider } = await world(api, { apiKey });
    const error = await failure(provider.getAllMemories(user));
    assert.equal(error.code, 'unauthorized');
    assert.equal(error.status, 401);
    assert.equal(error.isRetryable, false);
    assert.match(error.message, /^Mem0 answered with status 401: Invalid API key: /);
    for (const shown of [
      inspect(error, { depth: 9, showHidden: true }),
      inspect(provider, { depth: 9, showHidden: true }),
      JSON.stringify(provider),
      String(error.stack),
    ])
      assert.doesNotMatch(shown, /secret/);
    // What fetch would show of a header that is none.
    for (const bad of ['m0-secret\n', 'm0 secret', 'm0-sécret', 7]) {
      const refused = await failure(
        new Mem0Provider({ api, baseUrl: 'http://127.0.0.1:1', apiKey: bad }).getAllMemories(user),
      );
      assert.equal(refused.field, 'apiKey');
      assert.doesNotMatch(inspect(refused), /secret|écret/);
    }
    assert.throws(
      () => new Mem0Provider({ baseUrl: 'http://x', headers: { authorization: 'secret\n value' } }),
      (error_) => error_.field === 'headers' && !/secret/.test(inspect(error_)),
    );
  });

  test(`${api}: at most four requests are under way`, { skip }, async () => {
    const { server, provider } = await world(api);
    server.faults.push(
      ...Array.from(
        { length: 30 },
        () =>
          ({ act }) =>
            setTimeout(act, 5),
      ),
    );
    await Promise.all(Array.from({ length: 30 }, () => provider.retrieveMemories('x', user)));
    assert.equal(server.requests.length, 30);
    assert.equal(server.mostInFlight, 4);
  });
}

// ------------------------------------------------------------------------------------- asynchronous adds

test('an add that is pending is waited for, or answered at once when asked', { skip }, async () => {
  const { server, provider } = await world('platform', { server: { pendingPolls: 2 } });
  assert.deepEqual(texts(await provider.storeMemories('I like tea.', user)), ['Fact: I like tea.']);
  assert.deepEqual(
    server.requests.map(
      ({ method, pathname }) => `${method} ${pathname.replace(/[0-9a-f-]{36}/, 'ID')}`,
    ),
    ['POST /v3/memories/add/', 'GET /v1/event/ID/', 'GET /v1/event/ID/', 'GET /v1/event/ID/'],
  );
  const hasty = new Mem0Provider({
    apiKey: server.key,
    baseUrl: server.url,
    waitForCompletion: false,
  });
  assert.deepEqual(await hasty.storeMemories('I like dogs.', user), []);
  assert.equal(server.requests.length, 5);
  assert.deepEqual(server.problems, []);
});

test('an add that fails, or of which nothing is kept, says so', { skip }, async () => {
  const { server, provider } = await world('platform', { server: { pendingPolls: 1 } });
  const stored = provider.storeMemories('I like tea.', user);
  server.faults.push(
    ({ act }) => act(),
    ({ act }) => {
      for (const event of server.events.values()) event.fails = 'no model';
      act();
    },
  );
  const error = await failure(stored);
  assert.equal(error.code, 'provider');
  assert.equal(error.message, 'Mem0 failed to store what was said: no model');
  assert.deepEqual(
    await provider.storeMemories([{ role: 'assistant', content: 'Noted.' }], user),
    [],
  );
  assert.deepEqual(
    await provider.storeMemories([{ role: 'system', content: 'Be kind.' }], user),
    [],
  );
});

test('a wait that is aborted ends at once, and the add was accepted', { skip }, async () => {
  const { server, provider } = await world('platform', { server: { pendingPolls: 1000 } });
  const controller = new AbortController();
  server.faults.push(
    ({ act }) => act(),
    ({ act }) => {
      act();
      controller.abort();
    },
  );
  assert.deepEqual(
    await provider.storeMemories('I like tea.', { ...user, signal: controller.signal }),
    [],
  );
  assert.equal(server.events.size, 1);
});

test('long lists go in parts, and a bad part does not hide the others', { skip }, async () => {
  const { server, provider } = await world('platform', { infer: false });
  const messages = said(...Array.from({ length: 250 }, (_, i) => `note ${i}`));
  const stored = await provider.storeMemories(messages, user);
  assert.deepEqual(
    texts(stored),
    messages.map(({ content }) => content),
  );
  assert.deepEqual(
    server.requests.map(({ body }) => body.messages.length),
    [100, 100, 50],
  );
  const listed = await provider.getAllMemories(user);
  assert.deepEqual(texts(listed), messages.map(({ content }) => content).reverse());
  assert.deepEqual(texts(await provider.getAllMemories({ ...user, limit: 2, offset: 99 })), [
    'note 150',
    'note 149',
  ]);

  assert.equal((await provider.getAllMemories({ ...user, limit: 2 ** 40 })).length, 250);
  assert.deepEqual(await provider.getAllMemories({ ...user, offset: 2 ** 40 }), []);

  server.faults.push(({ act }) => act(), fault.status(413, { detail: 'too large' }));
  const error = await failure(
    provider.storeMemories(said(...Array.from({ length: 250 }, (_, i) => `memo ${i}`)), user),
  );
  assert.equal(
    error.message,
    'messages[100] to messages[199] were not stored: Mem0 answered with status 413: too large',
  );
  assert.equal(error.status, 413);
  assert.equal(error.isRetryable, false);
  assert.equal(error.stored.length, 150);
  assert.equal(error.stored[149].memory, 'memo 249');
  assert.equal(server.memories.size, 400);
  assert.deepEqual(server.problems, []);
});

test('the time and the end of what is said go along', { skip }, async () => {
  const { server, provider } = await world('platform', { infer: false });
  await provider.storeMemories('then', {
    ...user,
    timestamp: new Date('2020-05-01T12:00:00Z'),
    expiresAt: '2030-01-31',
  });
  const { timestamp, expiration_date } = server.requests[0].body;
  assert.deepEqual([timestamp, expiration_date], [1588334400, '2030-01-31']);
  assert.equal((await provider.getAllMemories(user))[0].createdAt, '2020-05-01T12:00:00.000Z');
  assert.deepEqual(server.problems, []);
});

// ------------------------------------------------------------------------------------- what goes wrong

/** Faults that pass, and what remains of them where nothing is tried again. */
const passing = {
  500: [fault.status(500, 'Internal Server Error'), 'provider', 500],
  '503 with a web page': [
    fault.status(503, '<html>', { 'content-type': 'text/html' }),
    'provider',
    503,
  ],
  429: [fault.status(429, {}), 'rate_limited', 429],
  408: [fault.status(408, {}), 'timeout', 408],
  'an answer cut in the middle': [fault.cut(), 'provider', undefined],
  'no answer in time': [fault.mute(), 'timeout', undefined],
};
for (const [name, [make, code, status]] of Object.entries(passing)) {
  test(`${name}: a read is tried again, and without tries says what it was`, { skip }, async () => {
    const { server, provider } = await world('platform', { timeoutMs: 300 });
    server.faults.push(make, make);
    assert.deepEqual(await provider.retrieveMemories('x', user), []);
    assert.equal(server.requests.length, 3);

    server.faults.push(make);
    const impatient = new Mem0Provider({
      apiKey: server.key,
      baseUrl: server.url,
      timeoutMs: 300,
      maxRetries: 0,
    });
    const error = await failure(impatient.retrieveMemories('x', user));
    assert.equal(error.code, code, error.message);
    assert.equal(error.status, status);
    assert.equal(error.isRetryable, true);
    assert.equal(server.requests.length, 4);
  });
}

const lasting = {
  'a web page in place of JSON': [fault.html(), /a web page in place of JSON/],
  'text that is not UTF-8': [fault.invalidUtf8(), /not UTF-8/],
  'an endless body': [fault.huge(), /more than 33554432 bytes/],
  'JSON of another shape': [fault.status(200, { results: [{ id: 7 }] }), /results\[0\]/],
  'a redirect': [fault.status(302, '', { location: 'http://127.0.0.1:1/' }), /redirect/],
  '404 of another service': [fault.status(404, { detail: 'Not Found' }), /404: Not Found/],
};
for (const [name, [make, message]] of Object.entries(lasting)) {
  test(`${name}: an error that says so, and nothing is tried again`, { skip }, async () => {
    const { server, provider } = await world('platform');
    server.faults.push(make);
    const error = await failure(provider.retrieveMemories('x', user));
    assert.equal(error.code, 'provider');
    assert.match(error.message, message);
    assert.equal(error.isRetryable, false);
    assert.equal(server.requests.length, 1);
    assert.deepEqual(await provider.retrieveMemories('x', user), []);
  });
}

test('Retry-After is kept to, and an hour is not waited for', { skip }, async () => {
  const { server, provider } = await world('platform');
  server.faults.push(fault.status(429, {}, { 'retry-after': '1' }));
  await provider.retrieveMemories('x', user);
  server.faults.push(fault.status(429, {}, { 'retry-after': '3600' }));
  const error = await failure(provider.retrieveMemories('x', user));
  assert.equal(error.code, 'rate_limited');
  assert.equal(server.requests.length, 3);
});

test('what is stored is stored once, however its answer is lost', { skip }, async () => {
  const { server, provider } = await world('platform');
  server.faults.push(fault.lost());
  const error = await failure(provider.storeMemories('I like tea.', user));
  assert.match(error.message, /may have been stored/);
  assert.equal(error.isRetryable, false);
  assert.equal(server.memories.size, 1);
  server.faults.push(fault.status(502, '<html>', { 'content-type': 'text/html' }));
  const behindProxy = await failure(provider.storeMemories('I like tea.', user));
  assert.match(behindProxy.message, /may have been stored/);
  assert.equal(behindProxy.isRetryable, false);

  // As they are, the platform drops what it has: there it is safe to try again.
  const verbatim = new Mem0Provider({ apiKey: server.key, baseUrl: server.url, infer: false });
  server.faults.push(fault.lost());
  await verbatim.storeMemories('I like dogs.', user);
  assert.equal(server.memories.size, 2);

  // Refused, it was not stored.
  server.faults.push(fault.status(429, {}));
  await provider.storeMemories('I like cats.', user);
  assert.equal(server.memories.size, 3);

  const [dogs] = await provider.retrieveMemories('dogs', user);
  server.faults.push(fault.lost());
  assert.equal(await provider.deleteMemory(dogs.id), true);
});

test(
  'deleting what is gone already is no failure, where the answer of the first attempt is lost',
  { skip },
  async () => {
    const { server, provider } = await world('platform', { infer: false });
    const both = { ...user, agentId: 'bot' };
    await provider.storeMemories(said('I like tea.', 'I like dogs.'), both);
    await provider.storeMemories('I like cats.', user);
    server.faults.push(({ act }) => act(), fault.lost());
    await provider.deleteAllMemories(both);
    assert.deepEqual(texts([...server.memories.values()]), ['I like cats.']);
    assert.deepEqual(server.problems, []);
  },
);

test('nobody there: an error that may pass', async () => {
  const closed = await startMem0({ api: 'self-hosted' });
  await closed.close();
  const provider = new Mem0Provider({ api: 'self-hosted', baseUrl: closed.url, maxRetries: 1 });
  const error = await failure(provider.retrieveMemories('x', user));
  assert.equal(error.code, 'provider');
  assert.match(error.message, /^Mem0 could not be reached: .*ECONNREFUSED/);
  assert.equal(error.isRetryable, true);
  assert.equal(error.status, undefined);
});

test('an aborted read rejects at once and lets go of its request', { skip }, async () => {
  const { server, provider } = await world('platform', { timeoutMs: 60_000 });
  const reason = new Error('enough');
  const early = AbortSignal.abort(reason);
  assert.equal((await failure(provider.getMemory('x', { signal: early }))).cause, reason);
  const controller = new AbortController();
  let ended;
  server.faults.push(({ response }) => {
    ended = new Promise((resolve) => response.once('close', resolve));
    controller.abort(reason);
  });
  const error = await failure(
    provider.retrieveMemories('x', { ...user, signal: controller.signal }),
  );
  assert.equal(error.code, 'aborted');
  assert.equal(error.cause, reason);
  await ended;
  assert.equal(server.requests.length, 1);

  // Between two tries, too.
  const other = new AbortController();
  server.faults.push(({ send }) => {
    send(503, {}, { 'retry-after': '50' });
    setTimeout(() => other.abort(), 50);
  });
  assert.equal(
    (await failure(provider.retrieveMemories('x', { ...user, signal: other.signal }))).code,
    'aborted',
  );
});

test('a write on its way is finished, whatever its signal says', { skip }, async () => {
  const { server, provider } = await world('platform');
  const controller = new AbortController();
  server.faults.push(({ act }) => {
    controller.abort();
    setTimeout(act, 20);
  });
  const stored = await provider.storeMemories('I like tea.', {
    ...user,
    signal: controller.signal,
  });
  assert.equal(stored.length, 1);
});

// ------------------------------------------------------------------------------------- how it is made

test('making one does nothing but look at what is given', async () => {
  assert.throws(() => new Mem0Provider({}), /apiKey must be given/);
  assert.throws(() => new Mem0Provider(), /options must be an object/);
  assert.throws(() => new Mem0Provider({ apiKey: 'k', fetch: 'x' }), /fetch must be a function/);
  for (const [options, field] of [
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ maxRetries: 1.5 }, 'maxRetries'],
    [{ api: 'cloud' }, 'api'],
    [{ api: 'self-hosted' }, 'baseUrl'],
    [{ baseUrl: 'ftp://x' }, 'baseUrl'],
    [{ baseUrl: 'http://user:secret@x' }, 'baseUrl'],
    [{ infer: 'yes' }, 'infer'],
  ]) {
    const provider = new Mem0Provider({
      apiKey: 'm0-k',
      fetch: () => assert.fail('asked'),
      ...options,
    });
    const error = await failure(provider.getAllMemories(user));
    assert.equal(error.field, field, error.message);
    assert.doesNotMatch(error.message, /secret/);
  }
});

test('the fetch and the headers that are given are used, and a fetch that minds no signal ends in time', async () => {
  const seen = [];
  const fetch = async (url, init) => {
    seen.push([url, init.method, Object.fromEntries(init.headers)]);
    return Response.json({ results: [] });
  };
  const provider = new Mem0Provider({
    baseUrl: 'https://proxy.example/mem0/',
    fetch,
    headers: { 'X-Session': 'abc' },
  });
  assert.deepEqual(await provider.retrieveMemories('x', user), []);
  assert.deepEqual(seen, [
    [
      'https://proxy.example/mem0/v3/memories/search/',
      'POST',
      { 'content-type': 'application/json', 'x-session': 'abc' },
    ],
  ]);
  const stuck = new Mem0Provider({
    fetch: () => new Promise(() => undefined),
    timeoutMs: 30,
    maxRetries: 0,
  });
  const error = await failure(stuck.retrieveMemories('x', user));
  assert.equal(error.code, 'timeout');
  assert.equal(error.message, 'Mem0 did not answer within 30 ms');
  const broken = new Mem0Provider({
    apiKey: 'm0-secret-key',
    maxRetries: 0,
    fetch: (_url, { headers }) => {
      throw new Error(`cannot send ${headers}`);
    },
  });
  const thrown = await failure(broken.retrieveMemories('x', user));
  assert.match(thrown.message, /^Mem0 could not be reached: cannot send/);
  assert.doesNotMatch(inspect(thrown), /secret/);
});

test('a fetch whose bodies are no web streams will do, and is held to the same bound', async () => {
  const bytes = (text) => new TextEncoder().encode(text).buffer;
  const respond = (body) => async () => ({
    status: 200,
    type: 'default',
    headers: new Headers({ 'content-type': 'application/json' }),
    body: { on() {} },
    arrayBuffer: async () => body,
  });
  const provider = (fetch) => new Mem0Provider({ baseUrl: 'https://mem0.example', fetch });
  const memory = { id: 'a', memory: 'I like tea.' };
  assert.deepEqual(
    texts(await provider(respond(bytes(JSON.stringify([memory])))).retrieveMemories('tea', user)),
    ['I like tea.'],
  );
  const error = await failure(
    provider(respond(new ArrayBuffer((32 << 20) + 1))).retrieveMemories('tea', user),
  );
  assert.match(error.message, /more than 33554432 bytes/);
  assert.equal(error.isRetryable, false);
});

test('a provider that nobody holds any more finishes what it was asked for', { skip }, async () => {
  const server = await start({ pendingPolls: 4 });
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const collecting = setInterval(collect, 20);
  const made = () => new Mem0Provider({ apiKey: server.key, baseUrl: server.url });
  try {
    assert.deepEqual(texts(await made().storeMemories('I like tea.', user)), ['Fact: I like tea.']);
    const late = fault.status(503);
    server.faults.push(
      (to) => setTimeout(late, 100, to),
      (to) => setTimeout(late, 100, to),
    );
    assert.equal((await made().retrieveMemories('tea', user)).length, 1);
  } finally {
    clearInterval(collecting);
  }
});
