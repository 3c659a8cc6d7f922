// The packed package, bundled for pages by each bundler as its users would, in Chromium under a policy without eval.
import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Chromium, pageWith, serve, strictCsp } from '../browser/support.mjs';
import { allIsWell, makeProject, projectNamed, runTool, startTool } from './support.mjs';

let folder;
let chromium;

before(async () => {
  ({ folder } = await makeProject(...['page', 'webpack', 'rollup'].map(projectNamed)));
  // Asked for by every browser.
  await mkdir(path.join(folder, 'public'));
  await writeFile(path.join(folder, 'public/favicon.ico'), '');
  chromium = await Chromium.start();
});

after(() => chromium?.stop());

/** What the suite saw in a page at `address`. */
async function seenAt(address) {
  const problems = [];
  const page = await chromium.open(address, problems);
  await page.waitForFunction(() => globalThis.seen !== undefined, undefined, { timeout: 60_000 });
  const seen = await page.evaluate(() => globalThis.seen);
  await page.close();
  assert.deepEqual(problems, []);
  return seen;
}

/** Serves out/`name`, at /`base`, and holds what its page sees against what is expected. */
async function works(name, { html, base = '' } = {}) {
  const out = path.join(folder, 'out', name);
  const files = html ? {} : { '/index.html': pageWith(`${base}/main.js`) };
  const server = await serve(out, { csp: strictCsp, files });
  try {
    assert.deepEqual(await seenAt(`${server.origin}/index.html`), allIsWell({ persists: true }));
  } finally {
    await server.close();
  }
}

const installedWasm = () =>
  path.join(folder, 'node_modules/agent-memory-wasm/dist/agent-memory.wasm');

test('page: built with Vite, without any configuration', async () => {
  await runTool(folder, 'vite', ['build', '--outDir', 'out/vite', '--logLevel', 'warn']);
  await works('vite', { html: true });
});

test('page: from Vite’s development server', async () => {
  const vite = await startTool(folder, 'vite', (port) =>
    ['--host', '127.0.0.1', '--strictPort', '--port', port].map(String),
  );
  try {
    assert.deepEqual(await seenAt(vite.origin), allIsWell({ persists: true }));
  } finally {
    await vite.stop();
  }
});

test('page: built with webpack, without any configuration', async () => {
  await runTool(folder, 'webpack', []);
  await works('webpack');
});

test('page: built with Rollup and its plugin for assets', async () => {
  await runTool(folder, 'rollup', ['-c']);
  await works('rollup');
});

test('page: built with esbuild, with the .wasm copied beside the script', async () => {
  const out = path.join(folder, 'out/esbuild/app');
  await mkdir(out, { recursive: true });
  await runTool(folder, 'esbuild', [
    'main.js',
    ...['--bundle', '--minify', '--format=esm', `--outfile=${out}/main.js`, '--log-level=warning'],
  ]);
  await copyFile(installedWasm(), path.join(out, 'agent-memory.wasm'));
  await works('esbuild', { base: '/app' });
  assert.deepEqual((await readdir(out)).sort(), ['agent-memory.wasm', 'main.js']);
});

test('page: built with esbuild from the inline entry, in one file', async () => {
  const out = path.join(folder, 'out/inline');
  await runTool(folder, 'esbuild', [
    'main.js',
    ...['--bundle', '--minify', '--format=esm', `--outfile=${out}/main.js`, '--log-level=warning'],
    '--alias:agent-memory-wasm=agent-memory-wasm/inline',
  ]);
  await works('inline');
});
