// The example proxy, between a Mem0Provider and a server that holds every request against Mem0's OpenAPI.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Mem0Provider, MemoryError } from 'agent-memory-wasm';
import worker, { sessionOf } from '../../examples/mem0-proxy/worker.js';
import { fault, hasOpenApi, startMem0 } from './support/mem0-server.mjs';

const skip = hasOpenApi ? false : 'the vendor’s OpenAPI does not lie beside the project';
const origin = 'https://app.example';
const server = await startMem0({ pendingPolls: 1 });
after(() => server.close());
const env = { MEM0_API_KEY: server.key, MEM0_URL: server.url, SESSION_SECRET: 'a long secret' };

/** What a page of `user` has: no key, and a cookie that the browser sends. */
async function pageOf(user, more = {}) {
  const [cookie] = (await sessionOf(user, env)).split(';');
  const fetch = (url, { headers, ...init }) => {
    const sent = new Headers([...headers, ['cookie', cookie], ...Object.entries(more)]);
    return worker.fetch(new Request(new URL(url, origin), { ...init, headers: sent }), env);
  };
  return new Mem0Provider({ baseUrl: '/api/mem0', fetch, maxRetries: 0 });
}
const failure = (promise) =>
  promise.then(
    () => assert.fail('resolved'),
    (error) => (assert.ok(MemoryError.isInstance(error)), error),
  );

test('everything works through it, without a key in the page', { skip }, async () => {
  const ada = await pageOf('ada@example.com');
  const user = { userId: 'ada@example.com' };
  const [tea] = await ada.storeMemories('I like tea.', { ...user, runId: 'r' });
  assert.deepEqual(
    (await ada.retrieveMemories('tea', user)).map(({ id }) => id),
    [tea.id],
  );
  assert.deepEqual(
    (await ada.getAllMemories({ ...user, filters: { NOT: { runId: 'x' } } })).length,
    1,
  );
  assert.equal(
    (await ada.updateMemory(tea.id, { memory: 'Likes black tea' })).memory,
    'Likes black tea',
  );
  assert.equal((await ada.history(tea.id)).length, 2);
  assert.equal((await ada.getMemory(tea.id)).memory, 'Likes black tea');
  assert.equal(await ada.deleteMemory(tea.id), true);
  assert.equal(await ada.getMemory(tea.id), null);
  await ada.storeMemories('I like dogs.', user);
  await ada.deleteAllMemories(user);
  assert.deepEqual(await ada.getAllMemories(user), []);
  assert.deepEqual(server.problems, []);
});

test('a user gets at nobody else’s memories, whatever is asked', { skip }, async () => {
  const [ada, eve] = [await pageOf('ada'), await pageOf('eve')];
  const [secret] = await ada.storeMemories('My secret is tea.', { userId: 'ada' });
  const asAda = { userId: 'ada' };
  assert.deepEqual(await eve.retrieveMemories('secret tea', asAda), []);
  assert.deepEqual(
    await eve.getAllMemories({ filters: { OR: [{ userId: 'ada' }, { userId: 'eve' }] } }),
    [],
  );
  assert.equal(await eve.getMemory(secret.id), null);
  assert.equal(await eve.deleteMemory(secret.id), false);
  assert.equal((await failure(eve.updateMemory(secret.id, { memory: 'x' }))).code, 'not_found');
  assert.deepEqual(await eve.history(secret.id), []);
  await eve.deleteAllMemories(asAda);
  await eve.storeMemories('My secret is coffee.', asAda);
  assert.deepEqual(
    (await ada.getAllMemories(asAda)).map(({ memory }) => memory),
    ['Fact: My secret is tea.'],
  );
  await eve.deleteAllMemories({ userId: 'ada', agentId: 'x' });
  assert.equal((await ada.getAllMemories(asAda)).length, 1);
  assert.equal((await failure(eve.getMemory('../x'))).status, 403);
});

test(
  'without a session, from another origin, or for anything else it refuses',
  { skip },
  async () => {
    const user = { userId: 'ada' };
    const before = server.requests.length;
    const other = await pageOf('ada', { origin: 'https://evil.example' });
    assert.equal((await failure(other.getAllMemories(user))).status, 403);
    const forged = await pageOf('ada');
    const [cookie] = (await sessionOf('ada', { ...env, SESSION_SECRET: 'another' })).split(';');
    const [everybody] = (await sessionOf('*', env)).split(';');
    for (const value of [
      '',
      cookie,
      'session=ada',
      'session=ada.00',
      `${cookie}00`,
      'session=%',
      'session=%FF.00',
      everybody,
    ]) {
      const answer = await worker.fetch(
        new Request(`${origin}/api/mem0/v3/memories/`, {
          method: 'POST',
          body: '{}',
          headers: { cookie: value },
        }),
        env,
      );
      assert.equal(answer.status, 401, value);
      assert.doesNotMatch(await answer.text(), /secret|m0-/);
    }
    const [own] = (await sessionOf('ada', env)).split(';');
    for (const [method, path] of [
      ['GET', '/api/mem0/v1/entities/'],
      ['DELETE', '/api/mem0/v2/entities/user/bob/'],
      ['DELETE', '/api/mem0/v1/batch/'],
      ['GET', '/api/mem0/v1/memories/'],
      ['DELETE', '/api/mem0/v1/memories/00000000-0000-4000-8000-000000000000/history/'],
      ['PATCH', '/api/mem0/v1/memories/00000000-0000-4000-8000-000000000000/'],
      ['POST', '/api/mem0/v1/memories/search/'],
      ['GET', '/elsewhere'],
    ]) {
      const answer = await worker.fetch(
        new Request(origin + path, { method, headers: { cookie: own } }),
        env,
      );
      assert.ok([403, 404].includes(answer.status), `${method} ${path}`);
    }
    assert.equal(server.requests.length, before);
    server.faults.push(fault.status(429, {}, { 'retry-after': '7' }));
    const answer = await worker.fetch(
      new Request(`${origin}/api/mem0/v3/memories/`, {
        method: 'POST',
        body: '{}',
        headers: { cookie: own },
      }),
      env,
    );
    assert.equal(answer.headers.get('retry-after'), '7');
    assert.equal((await forged.getAllMemories(user)).length, 1);
  },
);

/** What the proxy answers to a request of `ada`'s; `given` is what it was set up with. */
async function ask(method, path, body, given = env) {
  const [cookie] = (await sessionOf('ada', env)).split(';');
  const headers = { cookie, ...(body && { 'content-type': 'application/json' }) };
  const request = new Request(`${origin}/api/mem0${path}`, {
    method,
    headers,
    body,
    ...(body instanceof ReadableStream && { duplex: 'half' }),
  });
  return worker.fetch(request, given);
}

test(
  'nothing goes on but what a provider sends: no other members, no other query',
  { skip },
  async () => {
    const since = server.requests.length;
    const more = { user_id: 'eve', app_id: 'x', custom_instructions: 'x' };
    const [tea] = await (await pageOf('ada')).storeMemories('I like tea.', { userId: 'ada' });
    await ask('POST', '/v3/memories/add/?user_id=eve', JSON.stringify({ ...more, messages: [] }));
    await ask('POST', '/v3/memories/search/?user_id=eve', JSON.stringify({ ...more, query: 'x' }));
    await ask('POST', '/v3/memories/?user_id=eve&page=1', JSON.stringify(more));
    await ask('PUT', `/v1/memories/${tea.id}/?user_id=eve`, JSON.stringify({ ...more, text: 'x' }));
    await ask('DELETE', '/v1/memories/?user_id=eve&agent_id=bot');
    const sent = server.requests.slice(since);
    assert.ok(sent.length >= 8);
    for (const { body, query } of sent) {
      assert.doesNotMatch(JSON.stringify([body ?? null, [...query]]), /eve|app_id|custom|bot/);
    }
    const filters = { AND: [{ user_id: 'ada' }] };
    assert.ok(sent.some(({ body }) => JSON.stringify(body) === JSON.stringify({ filters })));
    assert.deepEqual(server.problems, []);
  },
);

test('a body that is too long is not read to its end', { skip }, async () => {
  const before = server.requests.length;
  let pulled = 0;
  const endless = new ReadableStream({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(1 << 20).fill(32));
    },
  });
  assert.equal((await ask('POST', '/v3/memories/add/', endless)).status, 413);
  assert.ok(pulled < 6, `${pulled} MiB were read`);
  assert.equal((await ask('POST', '/v3/memories/add/', 'x')).status, 400);
  assert.equal(server.requests.length, before);
  // The most that a provider sends in one request: 256 KiB of what is six times as long in JSON.
  const [stored] = await (
    await pageOf('ada')
  ).storeMemories(`x${'\u0001'.repeat((256 << 10) - 1)}`, { userId: 'ada' });
  assert.equal(stored.memory.length, 'Fact: '.length + (256 << 10));
});

test('where Mem0 is not there, or makes no sense, the answer says so', { skip }, async () => {
  const missing = '/v1/memories/00000000-0000-4000-8000-000000000000/';
  const away = { ...env, MEM0_URL: 'http://127.0.0.1:1' };
  for (const answer of [
    await ask('POST', '/v3/memories/', '{}', away),
    await ask('GET', missing, undefined, away),
    (server.faults.push(fault.html()), await ask('GET', missing)),
  ]) {
    assert.equal(answer.status, 502);
    assert.deepEqual(await answer.json(), { detail: 'Mem0 gave no answer that could be used' });
  }
  for (const secret of ['MEM0_API_KEY', 'SESSION_SECRET']) {
    const answer = await ask('GET', missing, undefined, { ...env, [secret]: undefined });
    assert.equal(answer.status, 501);
    assert.deepEqual(await answer.json(), { detail: `the proxy has no ${secret}` });
  }
});
