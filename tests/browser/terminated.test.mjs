// A worker that is ended in mid-write has lost nothing that it was told is stored, and holds nobody up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnyBrowser, installed, within } from './any-browser.mjs';
import { pageWith, root, serve } from './support.mjs';

const csp =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'";

for (const kind of ['chromium', 'firefox', 'webkit']) {
  test(
    `${kind}: of a worker that is ended while it writes, all that was acknowledged is there`,
    {
      skip: !installed.includes(kind) && `no ${kind}`,
    },
    async () => {
      let deliver;
      const delivered = new Promise((resolve) => (deliver = resolve));
      const server = await serve(root, {
        csp,
        files: { '/terminated.html': pageWith('/tests/browser/terminated-suite.mjs') },
        onPost: (_path, result) => deliver(result),
      });
      const browser = await AnyBrowser.make(kind);
      let result;
      try {
        await browser.start(`${server.origin}/terminated.html`);
        result = await within(120_000, delivered, browser);
      } finally {
        await browser.stop();
        await server.close();
      }
      const { error, rounds, stored, deleted, found, events } = result;
      assert.equal(error, undefined);
      assert.deepEqual(events, []);
      assert.ok(stored.length >= 3 * rounds, `${stored.length} were stored`);
      const store = new Set(found);
      for (const text of stored) assert.ok(store.has(text), `'${text}' is lost`);
      for (const text of deleted) assert.ok(!store.has(text), `'${text}' is back`);
      // Of each write both or neither.
      const kept = new Set(stored);
      for (const text of found.filter((each) => each.startsWith('dropped'))) {
        assert.ok(store.has(text.replace('dropped', 'kept')), `half of a write: '${text}'`);
      }
      // Each time at most a write that was not heard of any more, and its deletion.
      const unheard = found.filter((text) => !kept.has(text));
      assert.ok(unheard.length <= 4 * rounds, `${unheard.length} that nobody was told of`);
    },
  );
}
