// WebKit keeps IndexedDB in a process of its own, which the system stops at will. A page is then told "Connection to
// Indexed Database server lost", by the open connection and, in WebKitGTK 2.50, by every new one until it is loaded
// anew. What a store can do is to try, to end, to say so, and to have lost nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnyBrowser, installed, within } from './any-browser.mjs';
import { pageWith, root, serve } from './support.mjs';

const csp = "default-src 'none'; script-src 'self'; connect-src 'self'";

test(
  'webkit: when the process behind IndexedDB is killed, calls heal or end in an error, and nothing is lost',
  {
    skip: !installed.includes('webkit') && 'no webkit',
  },
  async () => {
    const said = {};
    let killed = 0;
    let finish;
    const finished = new Promise((resolve) => (finish = resolve));
    const browser = await AnyBrowser.make('webkit');
    const server = await serve(root, {
      csp,
      files: { '/healing.html': pageWith('/tests/browser/healing-suite.mjs') },
      onPost: (pathname, body) => {
        said[pathname] = body;
        if (pathname === '/again') finish();
        if (pathname !== '/kill') return;
        // Once the answer is there.
        setTimeout(async () => {
          killed += await browser.killProcess('WebKitNetworkPr');
        }, 50);
      },
    });
    try {
      await browser.start(`${server.origin}/healing.html`);
      await within(60_000, finished, browser).catch((error) => {
        throw new Error(`it ended at ${JSON.stringify(said)}`, { cause: error });
      });
    } finally {
      await browser.stop();
      await server.close();
    }
    assert.equal(killed, 1);
    const { failures, keys, health } = said['/result'];
    assert.equal(failures.length + keys.length, 2);
    for (const { code, isRetryable, message } of failures) {
      assert.equal(code, 'storage');
      assert.equal(isRetryable, true);
      assert.match(message, /^indexedDB 'healing': write failed: .*Indexed Database server lost/);
    }
    // One report, not one a call.
    assert.equal(health.length, 1);
    assert.equal(health[0].state, failures.length > 0 ? 'degraded' : 'healed');
    assert.deepEqual(said['/again'], { keys: [...keys, 'before'].sort(), health: [] });
  },
);
