// The packed package in a Next.js application, built with Turbopack: in its page, in a route of Node's, and in one of
// the edge runtime's.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Chromium } from '../browser/support.mjs';
import { allIsWell, makeProject, projectNamed, runTool, startTool } from './support.mjs';

let server;

before(async () => {
  const { folder } = await makeProject(projectNamed('next'));
  await runTool(folder, 'next', ['build']);
  server = await startTool(folder, 'next', (port) => ['start', '-H', '127.0.0.1', '-p', `${port}`]);
});

after(() => server?.stop());

test('Next.js: in a page', async () => {
  const chromium = await Chromium.start();
  try {
    const problems = [];
    const page = await chromium.open(server.origin, problems);
    await page.waitForFunction(() => globalThis.seen !== undefined);
    const seen = await page.evaluate(() => globalThis.seen);
    assert.deepEqual(seen, allIsWell({ persists: true }));
    assert.deepEqual(problems, []);
  } finally {
    await chromium.stop();
  }
});

for (const runtime of ['node', 'edge']) {
  test(`Next.js: in a route of the runtime '${runtime}'`, async () => {
    const answer = await fetch(`${server.origin}/api/${runtime}`);
    assert.equal(answer.status, 200);
    const seen = await answer.json();
    assert.deepEqual(seen, allIsWell({ persists: false }));
  });
}
