// The example proxy in workerd, the program that Cloudflare runs: the file as it stands there, between a Mem0Provider and
// a server that holds every request against Mem0's OpenAPI.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Mem0Provider, MemoryError } from 'agent-memory-wasm';
import { sessionOf } from '../../examples/mem0-proxy/worker.js';
import { fault, hasOpenApi, startMem0 } from '../js/support/mem0-server.mjs';
import { Workerd } from './workerd.mjs';

const example = path.resolve(import.meta.dirname, '../../examples/mem0-proxy');
const skip = hasOpenApi ? false : 'the vendor’s OpenAPI does not lie beside the project';
const secrets = { MEM0_API_KEY: 'm0-of-the-proxy', SESSION_SECRET: 'a long secret' };
/** All that the proxy answered: headers and bodies. */
const answered = [];
const workers = [];
const origin = {};
let server;

before(async () => {
  server = await startMem0({ key: secrets.MEM0_API_KEY, pendingPolls: 1 });
  const settings = await readFile(path.join(example, 'wrangler.toml'), 'utf8');
  const [, compatibilityDate] = /^compatibility_date = "(.*)"$/m.exec(settings);
  const entry = path.join(example, 'worker.js');
  // Two of them: `main` before the server, `away` before nothing.
  for (const [name, url] of Object.entries({ main: server.url, away: 'http://127.0.0.1:1' })) {
    const bindings = { ...secrets, MEM0_URL: url };
    const worker = await Workerd.start({ entry, bindings, compatibilityDate });
    workers.push(worker);
    origin[name] = worker.origin;
  }
});

after(async () => {
  for (const worker of workers) await worker.stop();
  await server?.close();
});

const cookieOf = async (user) => (await sessionOf(user, secrets)).split(';')[0];

/** A request as a browser sends it from a page of the proxy's own origin, or with `headers` of another. */
async function ask(method, where, { headers, body, user = 'ada', to = origin.main } = {}) {
  const response = await fetch(to + where, {
    method,
    headers: { cookie: await cookieOf(user), origin: to, ...headers },
    body,
  });
  answered.push([...response.headers].join('\n'));
  return response;
}

/** What a page of `user` has: a provider without a key. */
function pageOf(user, to = origin.main) {
  const fetch = async (where, { method, headers, body }) => {
    const response = await ask(method, where, {
      headers: Object.fromEntries(headers),
      body,
      user,
      to,
    });
    answered.push(await response.clone().text());
    return response;
  };
  return new Mem0Provider({ baseUrl: '/api/mem0', fetch, maxRetries: 0 });
}

const failure = (promise) =>
  promise.then(
    () => assert.fail('resolved'),
    (error) => (assert.ok(MemoryError.isInstance(error)), error),
  );

test('in workerd every call goes through it, with the proxy’s key', { skip }, async () => {
  const page = pageOf('ada');
  const user = { userId: 'ada' };
  const [tea] = await page.storeMemories('I like tea.', {
    ...user,
    runId: 'r',
    metadata: { k: 1 },
  });
  const [found] = await page.retrieveMemories('tea', { ...user, metadata: { k: 1 } });
  assert.equal(found.id, tea.id);
  assert.equal((await page.getAllMemories({ ...user, filters: { runId: 'r' } })).length, 1);
  assert.equal((await page.updateMemory(tea.id, { memory: 'Black tea' })).memory, 'Black tea');
  assert.equal((await page.history(tea.id)).length, 2);
  assert.equal((await page.getMemory(tea.id)).memory, 'Black tea');
  assert.equal(await page.deleteMemory(tea.id), true);
  assert.equal(await page.getMemory(tea.id), null);
  await page.storeMemories('I like dogs.', user);
  await page.deleteAllMemories(user);
  assert.deepEqual(await page.getAllMemories(user), []);
  assert.deepEqual(server.problems, []);
  for (const { headers } of server.requests) {
    assert.equal(headers.authorization, `Token ${secrets.MEM0_API_KEY}`);
    assert.equal(headers.cookie, undefined);
  }
});

test('in workerd a user gets at nobody else’s memories', { skip }, async () => {
  const [ada, eve] = [pageOf('ada'), pageOf('eve')];
  const [secret] = await ada.storeMemories('My secret is tea.', { userId: 'ada' });
  assert.deepEqual(await eve.retrieveMemories('secret tea', { userId: 'ada' }), []);
  assert.deepEqual(await eve.getAllMemories({ userId: 'ada' }), []);
  assert.equal(await eve.getMemory(secret.id), null);
  assert.equal(await eve.deleteMemory(secret.id), false);
  await eve.deleteAllMemories({ userId: 'ada' });
  assert.equal((await ada.getAllMemories({ userId: 'ada' })).length, 1);
});

test('in workerd it refuses every other path, method, origin and body', { skip }, async () => {
  const before = server.requests.length;
  const memory = '/api/mem0/v1/memories/00000000-0000-4000-8000-000000000000/';
  const list = '/api/mem0/v3/memories/';
  const body = '{}';
  for (const [status, method, where, given] of [
    [404, 'GET', '/'],
    [404, 'GET', '/api/mem0'],
    [403, 'GET', '/api/mem0/v1/entities/'],
    [403, 'DELETE', '/api/mem0/v2/entities/user/bob/'],
    [403, 'DELETE', '/api/mem0/v1/batch/', { body }],
    [403, 'GET', '/api/mem0/v1/memories/'],
    [403, 'OPTIONS', list],
    [403, 'POST', memory, { body }],
    [403, 'DELETE', `${memory}history/`],
    [403, 'POST', list, { body, headers: { origin: 'https://evil.example' } }],
    [403, 'POST', list, { body, headers: { origin: 'null' } }],
    [401, 'POST', list, { body, headers: { cookie: '' } }],
    [401, 'POST', list, { body, headers: { cookie: 'session=%' } }],
    [401, 'POST', list, { body, headers: { cookie: `session=ada.${'0'.repeat(64)}` } }],
    [401, 'POST', list, { body, user: '*' }],
    [400, 'POST', list, { body: '{' }],
    [413, 'POST', list, { body: ' '.repeat((2 << 20) + 1) }],
  ]) {
    const answer = await ask(method, where, given);
    const { detail } = await answer.json();
    assert.equal(answer.status, status, `${method} ${where}: ${answer.status} ${detail}`);
    assert.ok(detail.length > 0);
  }
  // A body that does not end is answered nevertheless.
  const headers = { cookie: await cookieOf('ada') };
  const endless = httpRequest(origin.main + list, { method: 'POST', headers });
  const answer = once(endless, 'response');
  endless.write(' '.repeat((2 << 20) + 1));
  assert.equal((await answer)[0].statusCode, 413);
  endless.on('error', () => undefined).destroy();
  assert.equal(server.requests.length, before);
});

test('in workerd an answer comes through as it is made, and not at its end', { skip }, async () => {
  let goOn;
  const hasBegun = new Promise((resolve) => (goOn = resolve));
  server.faults.push(async ({ response }) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"results":');
    await hasBegun; // for ever, if the proxy waited for the end
    response.end('[]}');
  });
  const answer = await ask('POST', '/api/mem0/v3/memories/', { body: '{}' });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader.read()).value, '{"results":');
  goOn();
  assert.equal((await reader.read()).value, '[]}');
  assert.equal((await reader.read()).done, true);
});

test('in workerd failures come through as they are', { skip }, async () => {
  const page = pageOf('ada');
  const user = { userId: 'ada' };
  for (const [make, code, status] of [
    [fault.status(429, {}, { 'retry-after': '7' }), 'rate_limited', 429],
    [fault.status(401, { detail: 'Invalid API key: m0-…' }), 'unauthorized', 401],
    [fault.status(503, '<html>', { 'content-type': 'text/html' }), 'provider', 503],
    [fault.status(302, '', { location: 'https://elsewhere.example/' }), 'provider', 302],
    [fault.html(), 'provider', 200],
    [fault.cut(), 'provider', undefined],
  ]) {
    server.faults.push(make);
    const error = await failure(page.getAllMemories(user));
    assert.deepEqual([error.code, error.status], [code, status], error.message);
  }
  server.faults.push(fault.status(429, {}, { 'retry-after': '7', 'x-other': 'kept back' }));
  const answer = await ask('POST', '/api/mem0/v3/memories/', { body: '{}' });
  assert.equal(answer.headers.get('retry-after'), '7');
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.equal(answer.headers.get('x-other'), null);
  const away = await failure(pageOf('ada', origin.away).getAllMemories(user));
  assert.equal(
    away.message,
    'Mem0 answered with status 502: Mem0 gave no answer that could be used',
  );
  assert.equal(away.isRetryable, true);
});

test('in workerd the proxy has shown its secrets to nobody', { skip }, () => {
  assert.ok(answered.length > 40);
  for (const text of answered) {
    for (const secret of Object.values(secrets)) assert.ok(!text.includes(secret), text);
  }
});
