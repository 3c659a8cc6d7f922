// The site's data is deleted while a page uses it, as browsers do when space runs short and users when they tidy up: by a
// header of an answer, which all of them obey.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnyBrowser, installed } from './any-browser.mjs';
import { pageWith, root, serve } from './support.mjs';

const csp = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";

for (const kind of ['chromium', 'firefox', 'webkit']) {
  test(
    `${kind}: a store that is deleted in mid-use is made anew, and says so once`,
    { skip: !installed.includes(kind) && `no ${kind}` },
    async () => {
      let deliver;
      const delivered = new Promise((resolve) => (deliver = resolve));
      const browser = await AnyBrowser.make(kind);
      const server = await serve(root, {
        csp,
        headers: (pathname) => (pathname === '/clear' ? { 'clear-site-data': '"storage"' } : {}),
        files: {
          '/evicted.html': pageWith('/tests/browser/evicted-suite.mjs'),
          '/clear': 'cleared',
        },
        onPost: (_path, result) => deliver(result),
      });
      let timer;
      try {
        await browser.start(`${server.origin}/evicted.html`);
        const late = new Promise((resolve, reject) => {
          timer = setTimeout(
            () => reject(new Error(`no result; it said: ${browser.words}`)),
            60_000,
          );
        });
        const { health, ...rest } = await Promise.race([delivered, late]);
        assert.deepEqual(rest, {
          isCleared: true,
          keys: ['after'],
          memories: ['the first of now'],
          isSecretLeft: false,
          failures: [],
        });
        assert.deepEqual(
          health.map(({ state }) => state),
          ['healed'],
        );
        assert.match(
          health[0].message,
          /deleted while it was in use; it was made anew and is empty/,
        );
      } finally {
        clearTimeout(timer);
        await browser.stop();
        await server.close();
      }
    },
  );
}
