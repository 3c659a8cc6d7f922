// What wrangler would deploy, in workerd: a Worker that runs the suite, and the example as it stands in examples/.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { ask, startExample } from '../runtimes/cloudflare-worker.mjs';
import { programOf } from '../runtimes/tools.mjs';
import { Workerd } from '../runtimes/workerd.mjs';
import { allIsWell, makeProject, projectNamed, root, runTool } from './support.mjs';

// wrangler wants a newer Node than this project does.
const [major] = process.versions.node.split('.');
const node = Number(major) >= 22 ? process.execPath : programOf('node-22');

/** What `wrangler deploy` would upload of a project with what is in `source`: the folder that it is in. */
async function bundle(source) {
  const { folder } = await makeProject(source);
  const out = path.join(folder, 'out');
  await runTool(folder, 'wrangler', ['deploy', '--dry-run', '--outdir', out], { node });
  return out;
}

test('wrangler: a Worker', async (t) => {
  const bundleFolder = await bundle(projectNamed('wrangler'));
  const worker = await Workerd.start({ bundleFolder });
  t.after(() => worker.stop());
  const answer = await fetch(worker.origin);
  assert.deepEqual(await answer.json(), allIsWell({ persists: false }));
  // Uploaded with it are the modules of the main entry, and not the languages'.
  assert.deepEqual(
    (await readdir(bundleFolder))
      .filter((name) => name.endsWith('.wasm'))
      .map((name) => name.replace(/^[\da-f]+-/, ''))
      .sort(),
    ['agent-memory-mem0.wasm', 'agent-memory.wasm'],
  );
});

test('wrangler: the example, across a restart', async (t) => {
  const bundleFolder = await bundle(path.join(root, 'examples/cloudflare-worker'));
  const worker = await startExample({ bundleFolder });
  t.after(() => worker.stop());
  const messages = [{ role: 'user', content: 'I keep bees.' }];
  assert.equal((await ask(worker, 'ada', 'POST', '/memories', { messages })).status, 201);
  await worker.restart();
  const { body } = await ask(worker, 'ada', 'POST', '/memories/search', { query: 'bees' });
  assert.deepEqual(
    body.memories.map(({ memory }) => memory),
    ['I keep bees.'],
  );
  assert.equal((await fetch(`${worker.origin}/memories`)).status, 401);
});
