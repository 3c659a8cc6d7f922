// Offline first in a real browser: IndexedDB, the browser's own network that goes and comes, SIGKILL, Web Locks.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { hasOpenApi, startMem0 } from '../js/support/mem0-server.mjs';
import { until } from '../js/support/synced.mjs';
import { bundleOf, Chromium, pageWith, root, serve } from './support.mjs';

const skip = hasOpenApi ? false : 'the vendor’s OpenAPI does not lie beside the project';
const apis = ['platform', 'self-hosted'];
let site;
let chromium;
const servers = {};

before(async () => {
  const script = await bundleOf('synced-suite');
  const wasm = (name) => readFile(path.join(root, 'dist', name));
  site = await serve(root, {
    csp: "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src *",
    files: {
      '/page.html': pageWith('/app/suite.js'),
      '/app/suite.js': script,
      '/app/agent-memory.wasm': await wasm('agent-memory.wasm'),
      '/app/agent-memory-mem0.wasm': await wasm('agent-memory-mem0.wasm'),
    },
  });
  for (const api of apis) servers[api] = await startMem0({ api, allow: site.origin });
  chromium = await Chromium.start();
});

after(async () => {
  await chromium?.stop();
  for (const server of Object.values(servers)) await server.close();
  await site?.close();
});

async function openPage() {
  const page = await chromium.open(`${site.origin}/page.html`);
  await page.waitForFunction(() => globalThis.suite !== undefined);
  return page;
}

/**
 * Opens the device of that name in the page, before the server of that API. `isOffline`: without a network from when the
 * core is loaded; Mem0's module can come only once there is one.
 */
async function openDevice(page, api, name, { isOffline = false, ...options } = {}) {
  const { url: baseUrl, key: apiKey } = servers[api];
  await page.evaluate((store) => globalThis.suite.open(store), `${name} ${api}`);
  if (isOffline) await chromium.context.setOffline(true);
  await page.evaluate(
    ([mem0, more]) => globalThis.suite.start(mem0, more),
    [{ api, baseUrl, apiKey }, options],
  );
}

const waiting = (page) => page.evaluate(() => globalThis.suite.waiting());
const talk = (page, turns) => page.evaluate((all) => globalThis.suite.talk(all), turns);
const textsAt = (server) => [...server.memories.values()].map(({ memory }) => memory).sort();
const turnsOf = (name, count) => Array.from({ length: count }, (_, i) => `${name}, turn ${i}.`);

for (const api of apis) {
  test(
    `${api}: a page stores 50 turns offline, is killed, comes back and goes online: each is there once`,
    { skip },
    async () => {
      const server = servers[api];
      server.memories.clear();
      const turns = turnsOf('Offline', 50);
      // Only the network's return is to wake it: its own patience is longer than the test.
      const offline = { isOffline: true, retryDelayMs: 3_600_000 };

      let page = await openPage();
      await openDevice(page, api, 'offline', offline);
      await talk(page, turns);
      assert.equal(await waiting(page), 50);
      await chromium.restart({ crash: true });

      page = await openPage();
      await openDevice(page, api, 'offline', offline);
      assert.equal(await waiting(page), 50);
      await page.waitForFunction(() => globalThis.device.states.includes('waiting'));
      assert.deepEqual(textsAt(server), []);

      await chromium.context.setOffline(false);
      await until(() => server.memories.size === 50, 'the sending');
      await until(async () => (await waiting(page)) === 0, 'the end of the queue');
      assert.deepEqual(textsAt(server), [...turns].sort());
      assert.deepEqual(server.problems, []);
      await page.close();
    },
  );

  test(
    `${api}: a page is killed again and again while it sends: each is there once`,
    { skip },
    async () => {
      const server = servers[api];
      server.memories.clear();
      const turns = turnsOf('Killed', 60);
      let page = await openPage();
      const slowly = ({ act }) => void setTimeout(act, 30);
      server.faults.push(...Array.from({ length: 2_000 }, () => slowly));
      await openDevice(page, api, 'killed');
      await talk(page, turns);
      for (const count of [8, 21, 47]) {
        await until(() => server.memories.size >= count, `${count} memories`);
        await chromium.restart({ crash: true });
        page = await openPage();
        await openDevice(page, api, 'killed');
      }
      await until(async () => (await waiting(page)) === 0, 'the end of the queue');
      server.faults.length = 0;
      assert.deepEqual(textsAt(server), [...turns].sort());
      assert.equal((await page.evaluate(() => globalThis.suite.known())).length, 60);
      await page.close();
    },
  );
}

test('two tabs send one at a time, and each sees what the other stored', { skip }, async () => {
  const server = servers['self-hosted'];
  server.memories.clear();
  server.requests.length = 0;
  const pages = [await openPage(), await openPage()];
  for (const page of pages) await openDevice(page, 'self-hosted', 'shared');
  await Promise.all(pages.map((page, i) => talk(page, turnsOf(`Tab ${i}`, 15))));
  const all = pages.flatMap((_, i) => turnsOf(`Tab ${i}`, 15)).sort();
  for (const page of pages) {
    await until(async () => (await waiting(page)) === 0, 'the end of the queue');
    const known = await page.evaluate(() => globalThis.suite.known());
    assert.deepEqual(known.sort(), all);
  }
  assert.deepEqual(textsAt(server), all);
  const adds = server.requests.filter(
    ({ method, pathname }) => method === 'POST' && pathname === '/memories',
  );
  assert.equal(adds.length, 30);
  for (const page of pages) await page.close();
});
