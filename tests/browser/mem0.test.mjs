// Mem0Provider in a real page: across origins, with the preflight that comes before every request; and on the page's own
// origin, through the example proxy.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import worker, { sessionOf } from '../../examples/mem0-proxy/worker.js';
import { fault, hasOpenApi, startMem0 } from '../js/support/mem0-server.mjs';
import { bundleOf, Chromium, pageWith, root } from './support.mjs';

const skip = hasOpenApi ? false : 'the vendor’s OpenAPI does not lie beside the project';
const servers = {};
const env = { SESSION_SECRET: 'a long secret' };
let chromium;
let site;
let origin;
const loaded = [];

before(async () => {
  const script = await bundleOf('mem0-suite');
  const wasm = (name) => readFile(path.join(root, 'dist', name));
  const files = {
    '/page.html': ['text/html', pageWith('/app/suite.js')],
    '/app/suite.js': ['text/javascript', script],
    '/app/agent-memory.wasm': ['application/wasm', await wasm('agent-memory.wasm')],
    '/app/agent-memory-mem0.wasm': ['application/wasm', await wasm('agent-memory-mem0.wasm')],
  };
  site = createServer(async (request, response) => {
    const url = new URL(request.url, origin);
    const [type, bytes] = files[url.pathname] ?? [];
    if (type) {
      loaded.push(url.pathname);
      const [cookie] = (await sessionOf('ada', env)).split(';');
      response.writeHead(200, {
        'content-type': type,
        'set-cookie': `${cookie}; HttpOnly; SameSite=Strict`,
      });
      response.end(bytes);
      return;
    }
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, headers } = request;
    const body = chunks.length > 0 ? Buffer.concat(chunks) : undefined;
    const answer = await worker.fetch(new Request(url, { method, headers, body }), env);
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  site.listen(0, '127.0.0.1');
  await new Promise((resolve) => site.once('listening', resolve));
  origin = `http://127.0.0.1:${site.address().port}`;
  servers.platform = await startMem0({ allow: origin, pendingPolls: 1 });
  servers['self-hosted'] = await startMem0({ api: 'self-hosted', allow: origin });
  Object.assign(env, { MEM0_API_KEY: servers.platform.key, MEM0_URL: servers.platform.url });
  chromium = await Chromium.start();
});

after(async () => {
  await chromium?.stop();
  for (const server of Object.values(servers)) await server.close();
  site?.closeAllConnections();
  await new Promise((resolve) => (site ? site.close(resolve) : resolve()));
});

async function openPage() {
  const page = await chromium.open();
  const warnings = [];
  page.on('console', (message) => {
    if (message.type() === 'warning') warnings.push(message.text());
  });
  await page.goto(`${origin}/page.html`);
  await page.waitForFunction(() => globalThis.suite !== undefined);
  return { page, warnings };
}

/** The same in a worker of the page: what it warned of, of the key in `options`. */
async function warningsInWorker(options) {
  const { page, warnings } = await openPage();
  await page.evaluate(
    (given) =>
      new Promise((resolve, reject) => {
        const lines = [
          `import '${location.origin}/app/suite.js';`,
          'const { Mem0Provider } = globalThis.suite.library;',
          `const provider = new Mem0Provider(${JSON.stringify(given)});`,
          "provider.getAllMemories({ userId: 'ada' }).then(() => postMessage('done'),",
          '  (error) => postMessage(String(error)));',
        ];
        const source = new Blob([lines.join('\n')], { type: 'text/javascript' });
        const worker = new Worker(URL.createObjectURL(source), { type: 'module' });
        worker.onmessage = ({ data }) => (data === 'done' ? resolve() : reject(new Error(data)));
        worker.onerror = ({ message }) => reject(new Error(message));
      }),
    options,
  );
  await page.close();
  return warnings.filter((text) => /inside a page/.test(text));
}

/** Stores, finds, changes and deletes in the page; what came of it. */
const useIn = (page, options) =>
  page.evaluate(async (given) => {
    const { Mem0Provider, MemorySession } = globalThis.suite.library;
    const provider = new Mem0Provider(given);
    const user = { userId: 'ada' };
    const [stored] = await provider.storeMemories('I like green tea.', user);
    const [found] = await provider.retrieveMemories('green tea', user);
    await provider.updateMemory(stored.id, { memory: 'Likes black tea' });
    const listed = await provider.getAllMemories(user);
    const session = new MemorySession(provider, { ...user, failOpen: false });
    const { prompt } = await session.beforeModelRequest([{ role: 'user', content: 'which tea?' }]);
    const history = await provider.history(stored.id);
    const gone = [await provider.deleteMemory(stored.id), await provider.getMemory(stored.id)];
    await provider.deleteAllMemories(user);
    return { found: found.memory, listed: listed[0].memory, prompt, steps: history.length, gone };
  }, options);

const whatCame = {
  found: 'Fact: I like green tea.',
  listed: 'Likes black tea',
  steps: 2,
  gone: [true, null],
};

for (const api of ['platform', 'self-hosted']) {
  test(
    `${api}: a page of another origin gets by with a preflight for two headers`,
    { skip },
    async () => {
      const server = servers[api];
      const { page, warnings } = await openPage();
      const { prompt, ...came } = await useIn(page, {
        api,
        baseUrl: server.url,
        apiKey: server.key,
      });
      assert.deepEqual(came, whatCame);
      assert.match(prompt, /black tea/);
      assert.deepEqual(server.problems, []);
      assert.ok(server.preflights.length > 0);
      const auth = api === 'platform' ? 'authorization' : 'x-api-key';
      for (const asked of server.preflights)
        assert.ok([auth, `${auth},content-type`, `content-type,${auth}`].includes(asked), asked);
      // The platform's key opens all of a project: said once, however many use it.
      await useIn(page, { api, baseUrl: server.url, apiKey: server.key });
      const wanted = api === 'platform' ? 1 : 0;
      assert.equal(
        warnings.filter((text) => /inside a page/.test(text)).length,
        wanted,
        warnings.join('\n'),
      );
      assert.ok(!warnings.join().includes(server.key));
      await page.close();
    },
  );
}

test(
  'a key is warned of wherever a page has it: in its worker, in a header',
  { skip },
  async () => {
    const { url: baseUrl, key } = servers.platform;
    assert.equal((await warningsInWorker({ baseUrl, apiKey: key })).length, 1);
    const headers = { Authorization: `Token ${key}` };
    assert.equal((await warningsInWorker({ baseUrl, headers })).length, 1);
    assert.equal((await warningsInWorker({ baseUrl: `${origin}/api/mem0` })).length, 0);
  },
);

test('through a proxy of the same origin no key is in the page', { skip }, async () => {
  const { page, warnings } = await openPage();
  const before = servers.platform.preflights.length;
  const { prompt, ...came } = await useIn(page, { baseUrl: '/api/mem0' });
  assert.deepEqual(came, whatCame);
  assert.match(prompt, /black tea/);
  assert.deepEqual(servers.platform.problems, []);
  assert.equal(servers.platform.preflights.length, before);
  assert.deepEqual(warnings, []);
  await page.close();
});

test('the module comes with the first call, and not before', { skip }, async () => {
  loaded.length = 0;
  const { page } = await openPage();
  await page.evaluate(() => {
    globalThis.provider = new globalThis.suite.library.Mem0Provider({ baseUrl: '/api/mem0' });
  });
  assert.ok(!loaded.some((file) => file.endsWith('.wasm')), loaded.join());
  await page.evaluate(() => globalThis.provider.getAllMemories({ userId: 'ada' }));
  assert.deepEqual(
    loaded.filter((file) => file.endsWith('.wasm')),
    ['/app/agent-memory-mem0.wasm'],
  );
  await page.close();
});

test(
  'where the server does not allow the page, the error says what it may be',
  { skip },
  async () => {
    const closed = await startMem0({ allow: 'https://elsewhere.example' });
    servers.closed = closed;
    const { page } = await openPage();
    const error = await page.evaluate(
      ([baseUrl]) =>
        new globalThis.suite.library.Mem0Provider({
          baseUrl,
          headers: { authorization: 'Token x' },
          maxRetries: 0,
        })
          .getAllMemories({ userId: 'ada' })
          .catch(({ code, message, isRetryable }) => ({ code, message, isRetryable })),
      [closed.url],
    );
    assert.equal(error.code, 'provider');
    assert.match(error.message, /^Mem0 could not be reached: .*does not allow this origin/);
    await page.close();
  },
);

test(
  'an aborted call, a late answer and a redirect are what they are in Node',
  { skip },
  async () => {
    const server = servers.platform;
    const { page } = await openPage();
    const run = (how) =>
      page.evaluate(
        async ([baseUrl, apiKey, given]) => {
          const provider = new globalThis.suite.library.Mem0Provider({
            baseUrl,
            apiKey,
            timeoutMs: given === 'wait' ? 300 : 20_000,
            maxRetries: 0,
          });
          globalThis.controller = new AbortController();
          const { signal } = globalThis.controller;
          return provider
            .retrieveMemories('x', { userId: 'ada', signal })
            .then(String, ({ code, status, message }) => `${code} ${status} ${message}`);
        },
        [server.url, server.key, how],
      );
    server.faults.push(() => page.evaluate(() => globalThis.controller.abort()));
    assert.match(await run('abort'), /^aborted/);
    server.faults.push(fault.mute());
    assert.equal(await run('wait'), 'timeout undefined Mem0 did not answer within 300 ms');
    server.faults.push(fault.status(307, '', { location: `${server.url}/elsewhere` }));
    assert.match(await run('redirect'), /^provider 302 .*redirect/);
    server.faults.push(fault.cut());
    assert.match(await run('cut'), /^provider undefined Mem0 could not be reached/);
    await page.close();
  },
);

test('a body that is no answer is said to be what it is, in a page, too', { skip }, async () => {
  const server = servers.platform;
  const { page } = await openPage();
  const ask = () =>
    page.evaluate(
      ([baseUrl, apiKey]) =>
        new globalThis.suite.library.Mem0Provider({ baseUrl, apiKey, maxRetries: 0 })
          .retrieveMemories('x', { userId: 'ada' })
          .then(String, ({ code, message }) => `${code} ${message}`),
      [server.url, server.key],
    );
  const bodies = [
    [fault.html(), /^provider .*a web page in place of JSON/],
    [fault.invalidUtf8(), /^provider .*not UTF-8/],
    [fault.huge(), /^provider .*more than 33554432 bytes/],
    [fault.status(200, { results: [{ id: 7 }] }), /^provider .*results\[0\]/],
    [fault.status(200, '{"results":'), /^provider /],
    [fault.status(503, '<html>', { 'content-type': 'text/html' }), /^provider .*503/],
    [fault.status(429, {}, { 'retry-after': '3600' }), /^rate_limited /],
    [fault.status(429, {}), /^rate_limited /],
  ];
  for (const [body, expected] of bodies) {
    server.faults.push(body);
    assert.match(await ask(), expected);
  }
  // And nothing of it stays.
  assert.equal(await ask(), '');
  await page.close();
});

test(
  'a page tries again what may pass, after as long as the server asks for',
  { skip },
  async () => {
    const server = servers.platform;
    const { page } = await openPage();
    const before = server.requests.length;
    server.faults.push(
      fault.status(503, {}),
      fault.status(429, {}, { 'retry-after': '1' }),
      fault.cut(),
    );
    const found = await page.evaluate(
      ([baseUrl, apiKey]) =>
        new globalThis.suite.library.Mem0Provider({
          baseUrl,
          apiKey,
          maxRetries: 3,
        }).retrieveMemories('x', { userId: 'ada' }),
      [server.url, server.key],
    );
    assert.deepEqual(found, []);
    assert.equal(server.requests.length - before, 4);
    await page.close();
  },
);
