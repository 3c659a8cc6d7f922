// The storage contract, plain and encrypted, in a page and a worker of every browser that is installed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnyBrowser, installed, within } from './any-browser.mjs';
import { pageWith, root, serve } from './support.mjs';

const csp = "default-src 'none'; script-src 'self'; connect-src 'self'; worker-src 'self'";

for (const kind of ['chromium', 'firefox', 'webkit']) {
  const isMissing = !installed.includes(kind);
  test(`${kind}: the storage contract holds`, { skip: isMissing && `no ${kind}` }, async (t) => {
    let deliver;
    const delivered = new Promise((resolve) => (deliver = resolve));
    const server = await serve(root, {
      csp,
      files: { '/suite.html': pageWith('/tests/browser/everywhere-suite.mjs') },
      onPost: (_path, results) => deliver(results),
    });
    const browser = await AnyBrowser.make(kind);
    try {
      await browser.start(`${server.origin}/suite.html`);
      const results = await within(240_000, delivered, browser);
      assert.ok(results.length > 160, `${results.length} tests ran`);
      for (const { name, error } of results)
        await t.test(name, () => assert.equal(error, undefined));
    } finally {
      await browser.stop();
      await server.close();
    }
  });
}
