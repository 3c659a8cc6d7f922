// SPDX-License-Identifier: MIT
//
// The benchmark in Chromium: the same modules in one bundle, in a page that is isolated, so that its clock is fine.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { Chromium, pageWith, root, serve } from '../tests/browser/support.mjs';

const isolated = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** @returns what report() takes; see plan.mjs */
export async function runInChromium(plan) {
  const server = await serve(root, { files: await pageFiles(), headers: isolated });
  const chromium = await Chromium.start({ flags: ['--js-flags=--expose-gc'] });
  try {
    const page = await chromium.open();
    await page.exposeFunction('log', (line) => process.stderr.write(`bench: Chromium, ${line}\n`));
    await page.goto(`${server.origin}/page.html`);
    await page.waitForFunction(() => globalThis.bench !== undefined);
    const version = await page.evaluate(() => navigator.userAgent.match(/Chrome\/(\d+)/)[1]);
    const sizes = await page.evaluate((given) => globalThis.bench(given), plan);
    return { runtime: `Chromium ${version}`, sizes };
  } finally {
    await chromium.stop();
    await server.close();
  }
}

async function pageFiles() {
  return {
    ...(await bundledPage('bench/page.mjs')),
    '/app/sqlite3.wasm': await readFile(
      path.join(root, 'node_modules/@sqlite.org/sqlite-wasm/dist/sqlite3.wasm'),
    ),
  };
}

/** A page at `/page.html` with the script `entry`, as `serve` takes it. */
export async function bundledPage(entry) {
  const { outputFiles } = await build({
    entryPoints: [path.join(root, entry)],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    conditions: ['browser'],
    logLevel: 'error',
  });
  return {
    '/page.html': pageWith('/app/bench.js'),
    '/app/bench.js': outputFiles[0].contents,
    // Where its script looks for it.
    '/app/agent-memory.wasm': await readFile(path.join(root, 'dist/agent-memory.wasm')),
  };
}
