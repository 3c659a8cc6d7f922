// indexedDBStorage in a real browser, under a CSP without any eval: what only a browser can do to it. The contract
// runs in everywhere.test.mjs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Chromium, pageWith, root, serve } from './support.mjs';

const csp = "default-src 'none'; script-src 'self'; connect-src 'self'; worker-src 'self'";
let chromium;
let server;
const problems = [];

before(async () => {
  server = await serve(root, {
    csp,
    files: { '/storage.html': pageWith('/tests/browser/storage-suite.mjs') },
  });
  chromium = await Chromium.start();
});

after(async () => {
  await chromium?.stop();
  await server?.close();
});

/** A tab in which `suite` is ready. */
async function openTab() {
  const page = await chromium.open(`${server.origin}/storage.html`, problems);
  await page.waitForFunction(() => globalThis.suite !== undefined);
  return page;
}

/** A tab with `store` open under `name`, and `health` what it told. */
async function openStore(name, options = {}) {
  const page = await openTab();
  await page.evaluate(
    (given) => {
      globalThis.store = globalThis.suite.indexedDBStorage(given);
      globalThis.health = [];
      globalThis.store.onHealth((state, error) => globalThis.health.push([state, error.message]));
    },
    { name, ...options },
  );
  return page;
}

const put = (page, key, ...values) =>
  page.evaluate(
    ([k, v]) => globalThis.store.write({ put: [[k, Uint8Array.from(v)]] }),
    [key, values],
  );

const get = (page, key) =>
  page.evaluate(async (k) => {
    const value = await globalThis.store.get(k);
    return value && [...value];
  }, key);

test('the page obeyed a CSP that allows no eval, and complained about nothing', async () => {
  assert.deepEqual(problems, []);
  const page = await openTab();
  const refused = await page.evaluate(
    () =>
      new Promise((resolve) => {
        addEventListener('securitypolicyviolation', ({ violatedDirective }) =>
          resolve(violatedDirective),
        );
        document.head.append(Object.assign(document.createElement('script'), { text: '1' }));
      }),
  );
  assert.equal(refused, 'script-src-elem');
  await page.close();
});

test('what was acknowledged outlives a restart of the browser', async () => {
  let page = await openStore('restart');
  await put(page, 'key', 1, 2, 3);
  await chromium.restart();
  page = await openStore('restart');
  assert.deepEqual(await get(page, 'key'), [1, 2, 3]);
  await page.close();
});

for (const durability of ['relaxed', 'strict']) {
  test(`'${durability}': of writes cut off by kill -9, all that was acknowledged is there, and no half`, async () => {
    const name = `kill-${durability}`;
    let page = await openStore(name, { durability });
    let acknowledged = -1;
    await page.exposeFunction('acknowledge', (index) => {
      acknowledged = index;
    });
    await page.evaluate(async () => {
      const pair = (key, value) => [key, new Uint8Array(10_000).fill(value)];
      globalThis.writing = (async () => {
        for (let index = 0; ; index++) {
          const key = String(index).padStart(6, '0');
          await globalThis.store.write({ put: [pair(`a${key}`, index), pair(`b${key}`, index)] });
          globalThis.acknowledge(index);
        }
      })();
    });
    while (acknowledged < 30) await new Promise((resolve) => setTimeout(resolve, 5));
    await chromium.restart({ crash: true });
    page = await openStore(name);
    const [left, right] = await page.evaluate(async () => {
      const { store } = globalThis;
      const pages = [await store.scan('a', undefined, 1e6), await store.scan('b', undefined, 1e6)];
      return pages.map((pairs) =>
        pairs.map(([key, value]) => [key.slice(1), value.length, new Set(value).size]),
      );
    });
    assert.deepEqual(left, right, 'a batch was torn');
    assert.ok(
      left.length > acknowledged,
      `${left.length} of at least ${acknowledged + 1} are there`,
    );
    assert.ok(left.every(([, length, kinds]) => length === 10_000 && kinds === 1));
    await page.close();
  });
}

test('another tab is told of a write, and excluded while this one holds a name', async () => {
  const [here, there] = [await openStore('tabs'), await openStore('tabs')];
  await here.evaluate(() => {
    globalThis.told = new Promise((resolve) => globalThis.store.watch(resolve));
  });
  await put(there, 'key', 1);
  await here.evaluate(() => globalThis.told);
  assert.deepEqual(await get(here, 'key'), [1]);

  await here.evaluate(
    () =>
      new Promise((hasIt) => {
        const release = new Promise((resolve) => (globalThis.release = resolve));
        globalThis.held = globalThis.store.exclusively('checkpoint', () => {
          hasIt();
          return release;
        });
      }),
  );
  await there.evaluate(() => {
    globalThis.state = 'waiting';
    globalThis.turn = globalThis.store.exclusively('checkpoint', async () => {
      globalThis.state = 'inside';
    });
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(await there.evaluate(() => globalThis.state), 'waiting');
  await here.evaluate(() => globalThis.release());
  await there.evaluate(() => globalThis.turn);
  assert.equal(await there.evaluate(() => globalThis.state), 'inside');
  await here.close();
  await there.close();
});

test('a tab that is closed gives back what it held', async () => {
  const [here, there] = [await openStore('locks'), await openStore('locks')];
  await here.evaluate(
    () =>
      new Promise((hasIt) => {
        void globalThis.store.exclusively('checkpoint', () => new Promise(() => hasIt()));
      }),
  );
  await here.close();
  assert.equal(
    await there.evaluate(() => globalThis.store.exclusively('checkpoint', async () => 'mine')),
    'mine',
  );
  await there.close();
});

test('when the user clears the site, the store heals and says what happened', async () => {
  const page = await openStore('cleared');
  await put(page, 'key', 1);
  const session = await chromium.context.newCDPSession(page);
  await session.send('Storage.clearDataForOrigin', { origin: server.origin, storageTypes: 'all' });
  assert.equal(await get(page, 'key'), undefined);
  await put(page, 'key', 2);
  assert.deepEqual(await get(page, 'key'), [2]);
  const health = await page.evaluate(() => globalThis.health);
  assert.equal(health.length, 1);
  assert.equal(health[0][0], 'healed');
  assert.match(health[0][1], /deleted while it was in use/);
  await page.close();
});

test('a tab that wants to delete or upgrade the database is not blocked', async () => {
  const [here, there] = [await openStore('yielding'), await openTab()];
  await put(here, 'key', 1);
  const outcome = await there.evaluate(
    () =>
      new Promise((resolve) => {
        const request = indexedDB.open('yielding', 2);
        request.onblocked = () => resolve('blocked');
        request.onsuccess = () => resolve(`version ${request.result.version}`);
      }),
  );
  assert.equal(outcome, 'version 2');
  const error = await here.evaluate(() =>
    globalThis.store.get('key').catch(({ code, message }) => ({ code, message })),
  );
  assert.equal(error.code, 'corrupt');
  await here.close();
  await there.close();
});

test('a full store says so, keeps what it has, and can still delete', async () => {
  const page = await openStore('full');
  const session = await chromium.context.newCDPSession(page);
  const quota = (quotaSize) =>
    session.send('Storage.overrideQuotaForOrigin', { origin: server.origin, quotaSize });
  await session.send('Storage.clearDataForOrigin', { origin: server.origin, storageTypes: 'all' });
  await quota(2_000_000);
  const error = await page.evaluate(async () => {
    // Random, because values are compressed on disk.
    const noise = () => {
      const value = new Uint8Array(1_000_000);
      for (let at = 0; at < value.length; at += 65_536) {
        crypto.getRandomValues(value.subarray(at, at + 65_536));
      }
      return value;
    };
    await globalThis.store.write({ put: [['kept', Uint8Array.of(1)]] });
    try {
      for (let index = 0; index < 20; index++) {
        await globalThis.store.write({
          put: [
            ['kept', Uint8Array.of(2)],
            [`filler${index}`, noise()],
            ['kept', Uint8Array.of(1)],
          ],
        });
      }
    } catch (failure) {
      const { name, code, isRetryable, message, cause } = failure;
      return { name, code, isRetryable, message, cause: cause.name };
    }
    return undefined;
  });
  assert.equal(error?.code, 'quota_exceeded');
  assert.equal(error.name, 'StorageError');
  assert.equal(error.isRetryable, false);
  assert.equal(error.cause, 'QuotaExceededError');
  assert.match(error.message, /^indexedDB 'full': write failed, the store is full/);
  assert.deepEqual(await get(page, 'kept'), [1]);
  await page.evaluate(() => globalThis.store.write({ delete: ['kept'] }));
  assert.equal(await get(page, 'kept'), undefined);
  await quota(undefined);
  await page.close();
});
