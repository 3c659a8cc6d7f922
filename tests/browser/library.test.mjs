// The package in a real browser, bundled as an application would: over IndexedDB, in pages and workers, under a policy
// without eval; across tabs, killed browsers and full disks.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import { Chromium, pageWith, root, serve, strictCsp } from './support.mjs';

let chromium;
let server;
let files;
const problems = [];
let databases = 0;

before(async () => {
  const { outputFiles } = await build({
    entryPoints: ['library-suite', 'service-worker'].map((name) =>
      path.join(root, `tests/browser/${name}.mjs`),
    ),
    outdir: 'app', // names the files; nothing is written
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    logLevel: 'silent',
  });
  files = {
    '/page.html': pageWith('/app/suite.js'),
    '/app/suite.js': outputFiles[0].contents,
    '/app/service-worker.js': outputFiles[1].contents,
    // Where web.ts looks for it: beside the script.
    '/app/agent-memory.wasm': await readFile(path.join(root, 'dist/agent-memory.wasm')),
  };
  server = await serve(root, { csp: strictCsp, files });
  chromium = await Chromium.start();
});

after(async () => {
  await chromium?.stop();
  await server?.close();
});

const freshName = () => `library-${++databases}`;

/** A tab in which `suite` is ready. */
async function openTab(origin = server.origin, sink = problems) {
  const page = await chromium.open(`${origin}/page.html`, sink);
  await page.waitForFunction(() => globalThis.suite !== undefined);
  return page;
}

/** A tab with `provider` open over the database `name`, and `events` what it told. */
async function openProvider(name, options = {}) {
  const page = await openTab();
  await page.evaluate(
    async (given) => {
      const { library } = globalThis.suite;
      globalThis.provider = await library.LocalProvider.open(given);
      globalThis.events = [];
      globalThis.provider.subscribe((event) => {
        globalThis.events.push(event);
        globalThis.heard?.(event);
      });
    },
    { name, ...options },
  );
  return page;
}

/** Calls a method of the page's provider; a failure comes back as what is known of it. */
const call = (page, method, ...args) =>
  page.evaluate(
    ([name, given]) =>
      globalThis.provider[name](...given).then(
        (value) => ({ value }),
        ({ code, name: kind, message, isRetryable, cause }) => ({
          error: { code, name: kind, message, isRetryable, cause: cause?.name },
        }),
      ),
    [method, args],
  );

const valueOf = async (page, method, ...args) => {
  const { value, error } = await call(page, method, ...args);
  assert.equal(error, undefined, JSON.stringify(error));
  return value;
};

/** Waits until the page's provider knows of so many memories. */
async function untilItHas(page, count) {
  while ((await valueOf(page, 'status')).memories !== count) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The next event that the page's provider tells; resolves the outer promise once the page listens. */
async function listen(page) {
  await page.evaluate(() => {
    globalThis.nextEvent = new Promise((resolve) => (globalThis.heard = resolve));
  });
  return () => page.evaluate(() => globalThis.nextEvent);
}

test('ranks and scores are those of every other runtime', async () => {
  const file = path.join(root, 'tests/cases/ranks.json');
  const cases = JSON.parse(await readFile(file, 'utf8'));
  const page = await openTab();
  const ranks = await page.evaluate(
    ([name, given]) => globalThis.suite.ranks(name, given),
    [freshName(), cases],
  );
  for (const [i, { query, options, expected }] of cases.queries.entries()) {
    assert.deepEqual(ranks[i], expected, `${query} ${JSON.stringify(options)}`);
  }
  await page.close();
});

test('the page obeyed a policy without eval, and complained about nothing', async () => {
  assert.deepEqual(problems, []);
});

test('nothing is fetched before the first call', async () => {
  const page = await openTab();
  const wasAskedFor = () => server.requests.filter((each) => each.endsWith('.wasm')).length;
  const asked = wasAskedFor();
  await page.evaluate(() => {
    const { MemoryContext, BaseMemoryProvider } = globalThis.suite.library;
    class Mine extends BaseMemoryProvider {}
    globalThis.context = new MemoryContext(new Mine());
  });
  assert.equal(wasAskedFor(), asked);
  await page.evaluate(() => globalThis.suite.library.load());
  await page.evaluate(() => globalThis.suite.library.load());
  assert.equal(wasAskedFor(), asked + 1);
  await page.close();
});

test('two tabs see each other’s writes through subscribe, and a deleted memory stays deleted in both', async () => {
  const name = freshName();
  const [here, there] = [await openProvider(name), await openProvider(name)];

  let heard = await listen(there);
  const stored = await valueOf(here, 'storeMemories', 'I keep bees', { userId: 'ada' });
  assert.deepEqual(await heard(), { type: 'change', stored, origin: 'elsewhere' });
  const found = await valueOf(there, 'retrieveMemories', 'bees', { userId: 'ada' });
  assert.equal(found[0].id, stored[0].id);

  heard = await listen(here);
  const updated = await valueOf(there, 'updateMemory', stored[0].id, { memory: 'I keep wasps' });
  assert.deepEqual(await heard(), { type: 'change', stored: [updated], origin: 'elsewhere' });
  assert.equal((await valueOf(here, 'getMemory', stored[0].id)).memory, 'I keep wasps');

  heard = await listen(there);
  assert.equal(await valueOf(here, 'deleteMemory', stored[0].id), true);
  assert.equal((await heard()).stored[0].event, 'DELETE');
  assert.equal(await valueOf(there, 'getMemory', stored[0].id), null);
  const origins = await here.evaluate(() => globalThis.events.map(({ origin }) => origin));
  assert.deepEqual(origins, ['here', 'elsewhere', 'here']);
  await here.close();
  await there.close();
});

test('tabs that write at once lose nothing, and a tab that comes later sees it all', async () => {
  const name = freshName();
  const tabs = await Promise.all(Array.from({ length: 4 }, () => openProvider(name)));
  await Promise.all(
    tabs.map((page, tab) =>
      page.evaluate(
        (number) =>
          Promise.all(
            Array.from({ length: 60 }, async (_, n) => {
              const [{ id }] = await globalThis.provider.storeMemories(
                `memory ${n} of tab ${number}`,
              );
              // Each third is deleted again, in the midst of the others' writes.
              if (n % 3 === 0) await globalThis.provider.deleteMemory(id);
            }),
          ).then(() => undefined),
        tab,
      ),
    ),
  );
  const late = await openProvider(name);
  assert.equal((await valueOf(late, 'status')).memories, 160);
  const all = await valueOf(late, 'getAllMemories', { limit: 1_000 });
  const expected = [0, 1, 2, 3].flatMap((tab) =>
    Array.from({ length: 60 }, (_, n) => `memory ${n} of tab ${tab}`).filter((_, n) => n % 3 > 0),
  );
  assert.deepEqual(all.map(({ memory }) => memory).sort(), expected.sort());
  // The same, in the same order, wherever it is asked: a write of its own makes each tab read the others'.
  await Promise.all(tabs.map((page, tab) => valueOf(page, 'storeMemories', `the last of ${tab}`)));
  const lists = [];
  for (const page of [...tabs, late]) {
    await untilItHas(page, 164);
    lists.push(await valueOf(page, 'getAllMemories', { limit: 1_000 }));
  }
  for (const list of lists) assert.deepEqual(list, lists[0]);
  for (const page of [...tabs, late]) await page.close();
});

test('a service worker and a page share a store, hear each other, and the worker may be stopped', async () => {
  const name = freshName();
  const page = await openProvider(name);
  await page.evaluate(async () => {
    await navigator.serviceWorker.register('/app/service-worker.js', { type: 'module' });
  });
  const ask = (message) =>
    page.evaluate(
      async (given) => {
        const registration = await navigator.serviceWorker.getRegistration('/app/');
        const worker = registration.active ?? registration.waiting ?? registration.installing;
        const { port1, port2 } = new MessageChannel();
        const answer = new Promise((resolve) => {
          port1.onmessage = ({ data }) => resolve(data);
        });
        worker.postMessage(given, [port2]);
        return answer;
      },
      { name, ...message },
    );
  const heard = await listen(page);
  const first = await ask({ store: 'the worker keeps bees' });
  assert.deepEqual(first, { texts: ['the worker keeps bees'], heard: ['change here'] });
  assert.equal((await heard()).origin, 'elsewhere');
  await Promise.all([
    valueOf(page, 'storeMemories', 'the page keeps wasps'),
    ask({ store: 'the worker keeps ants' }),
  ]);
  await untilItHas(page, 3);
  const session = await chromium.context.newCDPSession(page);
  await session.send('ServiceWorker.enable');
  await session.send('ServiceWorker.stopAllWorkers');
  await valueOf(page, 'storeMemories', 'the page keeps moths');
  // It starts anew, and reads what there is.
  const { texts, heard: afterwards } = await ask({});
  assert.equal(texts.length, 4, texts.join('; '));
  assert.deepEqual(afterwards, [], 'it was another worker');
  await page.close();
});

for (const durability of ['relaxed', 'strict']) {
  test(`'${durability}': of writes cut off by kill -9, all that was acknowledged is there`, async () => {
    const name = freshName();
    let page = await openProvider(name, { durability });
    let acknowledged = -1;
    await page.exposeFunction('acknowledge', (index) => {
      acknowledged = Math.max(acknowledged, index);
    });
    await page.evaluate(() => {
      globalThis.writing = (async () => {
        for (let index = 0; ; index++) {
          await globalThis.provider.storeMemories(`memory number ${index}`, { userId: 'ada' });
          await globalThis.acknowledge(index);
        }
      })();
    });
    while (acknowledged < 40) await new Promise((resolve) => setTimeout(resolve, 5));
    await chromium.restart({ crash: true });
    page = await openProvider(name);
    const memories = await valueOf(page, 'getAllMemories', { userId: 'ada' });
    const numbers = memories
      .map(({ memory }) => Number(memory.split(' ').at(-1)))
      .sort((a, b) => a - b);
    assert.ok(
      numbers.length > acknowledged,
      `${numbers.length} of at least ${acknowledged + 1} are there`,
    );
    assert.deepEqual(
      numbers,
      Array.from({ length: numbers.length }, (_, n) => n),
      'without a gap',
    );
    assert.equal(
      (await valueOf(page, 'retrieveMemories', 'number 17', { userId: 'ada' }))[0].memory,
      'memory number 17',
    );
    await page.close();
  });
}

test('a large store opens again after a restart with the same results', async () => {
  const name = freshName();
  let page = await openProvider(name);
  const search = () =>
    valueOf(page, 'retrieveMemories', 'word77 of things', {
      userId: 'ada',
      topK: 20,
      strategy: 'semantic_search',
    });
  await page.evaluate(async () => {
    for (let batch = 0; batch < 10; batch++) {
      const texts = Array.from(
        { length: 300 },
        (_, n) => `thing ${batch}-${n} with word${(batch * 300 + n) % 97}`,
      );
      await globalThis.provider.storeMemories(texts, { userId: 'ada', timestamp: batch });
    }
  });
  const found = await search();
  await page.evaluate(() => globalThis.provider.close());
  await chromium.restart();
  page = await openProvider(name);
  assert.equal((await valueOf(page, 'status')).memories, 3000);
  assert.deepEqual(await search(), found);
  await page.close();
});

test('a full disk is quota_exceeded, keeps what is there, and lets delete', async () => {
  const name = freshName();
  const blank = await openTab();
  const session = await chromium.context.newCDPSession(blank);
  const setQuota = (quotaSize) =>
    session.send('Storage.overrideQuotaForOrigin', { origin: server.origin, quotaSize });
  await session.send('Storage.clearDataForOrigin', { origin: server.origin, storageTypes: 'all' });
  await setQuota(3_000_000);
  const page = await openProvider(name);
  const [{ id }] = await valueOf(page, 'storeMemories', 'I keep bees', { userId: 'ada' });
  const error = await page.evaluate(async () => {
    // Random words, because values are compressed on disk.
    const noise = () =>
      Array.from(crypto.getRandomValues(new Uint32Array(16_000)), (n) => n.toString(36)).join(' ');
    try {
      for (let index = 0; index < 60; index++) {
        await globalThis.provider.storeMemories(noise(), { userId: 'noise' });
      }
    } catch ({ code, name: kind, isRetryable, cause }) {
      return { code, name: kind, isRetryable, cause: cause?.name };
    }
    return undefined;
  });
  // Chromium counts late what it writes. It may have let in more than fits, and then it takes nothing at all.
  const { usage } = await page.evaluate(() => navigator.storage.estimate());
  await setQuota(usage + 50_000);
  const memories = (await valueOf(page, 'status')).memories;
  const found = await valueOf(page, 'retrieveMemories', 'bees', { userId: 'ada' });
  const deleted = await valueOf(page, 'deleteMemory', id);
  await setQuota(undefined);
  assert.deepEqual(error, {
    code: 'quota_exceeded',
    name: 'StorageError',
    isRetryable: false,
    cause: 'QuotaExceededError',
  });
  assert.equal(found.length, 1, 'what was there is there');
  assert.equal(deleted, true, 'deleting works');
  const [stored] = await valueOf(page, 'storeMemories', 'I keep wasps', { userId: 'ada' });
  assert.equal(stored.event, 'ADD', 'with room again, storing works');
  await page.close();
  await blank.close();
  const again = await openProvider(name);
  assert.equal((await valueOf(again, 'status')).memories, memories);
  await again.close();
});
