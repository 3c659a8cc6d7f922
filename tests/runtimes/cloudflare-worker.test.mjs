// The example for Cloudflare's Workers, in workerd: tokens, walls, bad input, limits, and kill -9.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { ask, secret, startExample, tokenOf } from './cloudflare-worker.mjs';

const root = path.resolve(import.meta.dirname, '../..');
let worker;

before(async () => {
  worker = await startExample();
});

after(() => worker?.stop());

const store = (user, messages, more) =>
  ask(worker, user, 'POST', '/memories', { messages, ...more });
const search = (user, query, more) =>
  ask(worker, user, 'POST', '/memories/search', { query, ...more });
const textsOf = async (user, query = '?limit=1000') => {
  const { status, body } = await ask(worker, user, 'GET', `/memories${query}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body.memories.map(({ memory }) => memory);
};

test('worker: what is stored is found, listed and deleted', async () => {
  const kept = await store('ada', [{ role: 'user', content: 'I keep bees.' }], {
    runId: 'monday',
    metadata: { topic: 'animals' },
  });
  assert.equal(kept.status, 201);
  const [{ id, memory, event }] = kept.body.stored;
  assert.deepEqual({ memory, event }, { memory: 'I keep bees.', event: 'ADD' });
  await store('ada', 'I drink green tea.', { runId: 'tuesday' });

  const { status, body } = await search('ada', 'bees', { explain: true, topK: 1 });
  assert.equal(status, 200);
  assert.deepEqual(
    body.memories.map((found) => [found.id, found.userId, found.runId, found.explanation.terms]),
    [[id, 'ada', 'monday', ['bees']]],
  );
  assert.deepEqual(await textsOf('ada', ''), ['I drink green tea.', 'I keep bees.']);
  assert.deepEqual(await textsOf('ada', '?limit=1&offset=1'), ['I keep bees.']);
  assert.deepEqual(await textsOf('ada', '?runId=tuesday'), ['I drink green tea.']);
  const filters = { topic: 'animals' };
  assert.equal((await search('ada', 'green bees', { filters })).body.memories.length, 1);

  assert.deepEqual(await ask(worker, 'ada', 'DELETE', `/memories/${id}`), {
    status: 204,
    body: undefined,
  });
  const again = await ask(worker, 'ada', 'DELETE', `/memories/${id}`);
  assert.equal(again.status, 404);
  assert.equal(again.body.error.code, 'not_found');
  assert.deepEqual((await search('ada', 'bees')).body.memories, []);
});

test('worker: without a valid token it answers 401 and tells nothing', async () => {
  await store('ivy', 'The safe is behind the painting.');
  const expired = { exp: Math.floor(Date.now() / 1000) - 1 };
  const [head, , signature] = tokenOf('eve').split('.');
  const [, claims] = tokenOf('ivy').split('.');
  for (const [what, authorization] of Object.entries({
    'no header': undefined,
    'an empty one': '',
    'another scheme': `Basic ${tokenOf('ivy')}`,
    'no token': 'Bearer ',
    'no signature': `Bearer ${head}.${claims}.`,
    'another user’s signature': `Bearer ${head}.${claims}.${signature}`,
    'another secret': `Bearer ${tokenOf('ivy', { key: `${secret}!` })}`,
    'no algorithm': `Bearer ${tokenOf('ivy', { algorithm: 'none' })}`,
    'another algorithm': `Bearer ${tokenOf('ivy', { algorithm: 'HS512', hash: 'sha512' })}`,
    'an expired token': `Bearer ${tokenOf('ivy', { claims: expired })}`,
    'one without an end': `Bearer ${tokenOf('ivy', { claims: { exp: undefined } })}`,
    'an end that is no number': `Bearer ${tokenOf('ivy', { claims: { exp: '9999999999' } })}`,
    'no user': `Bearer ${tokenOf('', {})}`,
    'a user that is no text': `Bearer ${tokenOf({ user: 'ivy' })}`,
    'no JSON': 'Bearer aaaa.bbbb.cccc',
    'two tokens': `Bearer ${tokenOf('ivy')}, Bearer ${tokenOf('ivy')}`,
  })) {
    for (const [method, where, body] of [
      ['GET', '/memories'],
      ['POST', '/memories', '{"messages":"stored without a token"}'],
      ['GET', '/elsewhere'],
    ]) {
      const answer = await fetch(worker.origin + where, {
        method,
        body,
        headers: authorization === undefined ? {} : { authorization },
      });
      assert.equal(answer.status, 401, what);
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
      assert.equal((await answer.json()).error.code, 'unauthorized');
    }
  }
  assert.deepEqual(await textsOf('ivy'), ['The safe is behind the painting.']);
});

test('worker: token.mjs makes a token that is taken, and none with a secret that is too short', async () => {
  const script = path.join(root, 'examples/cloudflare-worker/token.mjs');
  const tokenWith = (TOKEN_SECRET) =>
    promisify(execFile)(process.execPath, [script, 'liz'], { env: { TOKEN_SECRET } });
  await store('liz', 'I keep bees.');
  const authorization = `Bearer ${(await tokenWith(secret)).stdout.trim()}`;
  const answer = await fetch(`${worker.origin}/memories`, { headers: { authorization } });
  assert.equal(answer.status, 200);
  assert.equal((await answer.json()).memories.length, 1);
  await assert.rejects(tokenWith('short'), /TOKEN_SECRET must have at least 32 characters/);
});

test('worker: a secret that is missing or short lets nobody in', async () => {
  for (const TOKEN_SECRET of ['', 'short']) {
    const open = await startExample({ bindings: { TOKEN_SECRET } });
    try {
      const token = tokenOf('ada', { key: TOKEN_SECRET });
      const answer = await fetch(`${open.origin}/memories`, {
        headers: { authorization: `Bearer ${token}` },
      });
      assert.equal(answer.status, 500);
      assert.match(open.words, /TOKEN_SECRET must have at least 32 characters/);
    } finally {
      await open.stop();
    }
  }
});

test('worker: whatever users do, each sees what they did, and nobody else does', async () => {
  const users = ['uma', 'vic', 'wes', 'uma ', 'ÜMA', '../uma'];
  const model = new Map(users.map((user) => [user, new Map()]));
  let seed = 7;
  const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
  for (let turn = 0; turn < 150; turn++) {
    const user = users[random(users.length)];
    const other = users[random(users.length)];
    const own = model.get(user);
    const [id] = [...own.keys()];
    switch (random(5)) {
      case 0:
      case 1: {
        const text = `the secret of turn ${turn}`;
        const { body } = await store(user, text, { agentId: other, runId: other });
        own.set(body.stored[0].id, text);
        break;
      }
      case 2: {
        const [theirs] = [...model.get(other).keys()];
        if (theirs === undefined) break;
        const { status } = await ask(worker, user, 'DELETE', `/memories/${theirs}`);
        assert.equal(status, user === other ? 204 : 404);
        if (user === other) own.delete(theirs);
        break;
      }
      case 3: {
        if (id === undefined) break;
        const { status } = await ask(worker, user, 'DELETE', `/memories/${id}`);
        assert.equal(status, 204);
        own.delete(id);
        break;
      }
      default: {
        const filters = { OR: [{ userId: other }, { userId: '*' }, { userId: user }] };
        const { body } = await search(user, 'secret', { topK: 1000, filters });
        assert.deepEqual(body.memories.map((found) => found.id).sort(), [...own.keys()].sort());
      }
    }
  }
  for (const [user, own] of model) {
    assert.deepEqual((await textsOf(user)).sort(), [...own.values()].sort(), user);
  }
});

test('worker: the user of a body or an address is refused, not believed', async () => {
  await store('zoe', 'I hide the key under the mat.');
  for (const refused of [
    await store('eve', 'x', { userId: 'zoe' }),
    await search('eve', 'key', { userId: 'zoe' }),
    await ask(worker, 'eve', 'GET', '/memories?userId=zoe'),
  ]) {
    assert.deepEqual(refused, {
      status: 400,
      body: {
        error: {
          code: 'invalid_argument',
          message: 'userId must not be given: the token says whose memories these are',
          field: 'userId',
        },
      },
    });
  }
  assert.deepEqual(await textsOf('eve'), []);
});

test('worker: bad input is 400 with what is wrong, and changes nothing', async () => {
  await store('bob', 'I keep bees.');
  for (const [method, where, body, message, field] of [
    ['POST', '/memories', '', 'the body must be JSON'],
    ['POST', '/memories', '{"messages":', 'the body must be JSON'],
    ['POST', '/memories', '[]', 'the body must be a JSON object'],
    ['POST', '/memories', 'null', 'the body must be a JSON object'],
    ['POST', '/memories', {}, /^messages must be /, 'messages'],
    ['POST', '/memories', { messages: 7 }, /^messages must be .*7/, 'messages'],
    ['POST', '/memories', { messages: 'x', runId: '' }, /^runId must /, 'runId'],
    ['POST', '/memories', { messages: 'x', metadata: [] }, /^metadata must /, 'metadata'],
    ['POST', '/memories', { messages: 'x', timestamp: 'soon' }, /^timestamp must /, 'timestamp'],
    ['POST', '/memories', { messages: 'x', signal: {} }, /^signal is not known here/, 'signal'],
    ['POST', '/memories/search', {}, /^query must be /, 'query'],
    ['POST', '/memories/search', { query: 'x', topK: 0 }, 'topK must be at least 1, got 0', 'topK'],
    [
      'POST',
      '/memories/search',
      { query: 'x', topK: 1001 },
      'topK must be at most 1000, got 1001',
      'topK',
    ],
    ['POST', '/memories/search', { query: 'x', topK: '5' }, /^topK must be /, 'topK'],
    ['POST', '/memories/search', { query: 'x', filters: { n: { near: 1 } } }, /near/, 'filters'],
    ['POST', '/memories/search', { query: 'x', topk: 5 }, /^topk is not known here/, 'topk'],
    ['POST', '/memories/search', { query: 'x', strategy: 'magic' }, /magic/, 'strategy'],
    ['GET', '/memories?limit=0', undefined, 'limit must be at least 1, got 0', 'limit'],
    ['GET', '/memories?limit=1001', undefined, 'limit must be at most 1000, got 1001', 'limit'],
    ['GET', '/memories?limit=many', undefined, /^limit must be /, 'limit'],
    ['GET', '/memories?offset=-1', undefined, 'offset must be at least 0, got -1', 'offset'],
    ['GET', '/memories?page=2', undefined, /^page is not known here/, 'page'],
  ]) {
    const what = `${method} ${where} ${JSON.stringify(body)}`;
    const answer = await ask(worker, 'bob', method, where, body);
    assert.equal(answer.status, 400, `${what}: ${JSON.stringify(answer.body)}`);
    const { error } = answer.body;
    assert.equal(error.code, 'invalid_argument', what);
    assert.equal(error.field, field, `${what}: ${error.message}`);
    if (typeof message === 'string') assert.equal(error.message, message, what);
    else assert.match(error.message, message, what);
  }
  assert.deepEqual(await textsOf('bob'), ['I keep bees.']);
});

test('worker: what it does not offer is 404', async () => {
  for (const [method, where] of [
    ['GET', '/'],
    ['PUT', '/memories'],
    ['DELETE', '/memories'],
    ['DELETE', '/memories/'],
    ['GET', '/memories/search'],
    ['DELETE', '/memories/nobody'],
    ['DELETE', '/memories/a/b'],
    ['DELETE', '/memories/%2e%2e'],
  ]) {
    const { status, body } = await ask(worker, 'bob', method, where);
    assert.equal(status, 404, `${method} ${where}`);
    assert.equal(body.error.code, 'not_found');
  }
});

test('worker: a body over 1 MiB is 413, one just below is stored', async () => {
  const bodyOf = (bytes) => {
    const start = '{"messages":"';
    return `${start}${'word '.repeat(1 << 18)}`.slice(0, bytes - 2) + '"}';
  };
  const tooLarge = await ask(worker, 'max', 'POST', '/memories', bodyOf((1 << 20) + 1));
  assert.equal(tooLarge.status, 413);
  assert.equal(tooLarge.body.error.message, 'the body must be at most 1048576 bytes');
  assert.deepEqual(await textsOf('max'), []);
  assert.equal((await ask(worker, 'max', 'POST', '/memories', bodyOf(1 << 20))).status, 201);
});

test('worker: a user with as much as one may have can search and delete, but not store', async (t) => {
  const open = await startExample({ bindings: { MAX_STORE_BYTES: '20000' } });
  t.after(() => open.stop());
  let refused;
  const ids = [];
  for (let turn = 0; refused === undefined && turn < 100; turn++) {
    const messages = `turn ${turn} ${'about bees and honey '.repeat(50)}`;
    const { status, body } = await ask(open, 'ada', 'POST', '/memories', { messages });
    if (status === 201) ids.push(body.stored[0].id);
    else refused = { status, ...body.error };
  }
  assert.equal(refused.status, 507);
  assert.equal(refused.code, 'quota_exceeded');
  assert.match(refused.message, /^the memories must be at most 20000 bytes, and are \d+/);
  assert.ok(ids.length > 3);
  const { body } = await ask(open, 'ada', 'POST', '/memories/search', { query: 'honey' });
  assert.equal(body.memories.length, 5);
  assert.equal((await ask(open, 'ada', 'DELETE', `/memories/${ids[0]}`)).status, 204);
  // Nobody else is concerned.
  assert.equal((await ask(open, 'ben', 'POST', '/memories', { messages: 'bees' })).status, 201);
});

test('worker: many users’ first requests at once, in one isolate, are all answered', async () => {
  await worker.restart();
  const users = Array.from({ length: 12 }, (_, n) => `crowd ${n}`);
  const turns = users.flatMap((user) => [0, 1, 2, 3].map((turn) => [user, `${user} turn ${turn}`]));
  const answers = await Promise.all(turns.map(([user, text]) => store(user, text)));
  for (const { status, body } of answers) assert.equal(status, 201, JSON.stringify(body));
  for (const user of users) {
    const expected = turns.filter(([whose]) => whose === user).map(([, text]) => text);
    assert.deepEqual((await textsOf(user)).sort(), expected);
  }
});

test('worker: killed while users store, it has all that was acknowledged', async () => {
  const users = ['kim', 'lee', 'mia'];
  const acknowledged = new Map(users.map((user) => [user, []]));
  for (let round = 0; round < 6; round++) {
    let isKilled = false;
    const storing = users.map(async (user) => {
      for (let turn = 0; !isKilled; turn++) {
        const text = `round ${round} turn ${turn}`;
        const answer = await store(user, text).catch((error) => {
          assert.ok(isKilled, String(error));
        });
        if (answer === undefined) return;
        assert.equal(answer.status, 201);
        acknowledged.get(user).push(text);
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 100 + 60 * round));
    isKilled = true;
    await worker.kill();
    await Promise.all(storing);
    await worker.restart();
    for (const user of users) {
      const found = await textsOf(user);
      const stored = acknowledged.get(user);
      for (const text of stored) assert.ok(found.includes(text), `${user}: ${text}`);
      // At most one a round was under way and stored, but not acknowledged any more.
      assert.ok(found.length <= stored.length + round + 1);
      assert.equal(new Set(found).size, found.length);
    }
  }
  assert.ok(acknowledged.get('kim').length > 6);
});
