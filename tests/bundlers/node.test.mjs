// The packed package, bundled for Node by each bundler: the module is not where the bundled script looks for it, and is
// found all the same.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { before, test } from 'node:test';
import { promisify } from 'node:util';
import { allIsWell, makeProject, projectNamed, runTool } from './support.mjs';

const run = promisify(execFile);
let folder;

before(async () => {
  ({ folder } = await makeProject(projectNamed('node')));
});

for (const [what, name, args, script] of [
  [
    'esbuild',
    'esbuild',
    ['main.js', '--bundle', '--platform=node', '--format=esm', '--outfile=out/esbuild/main.mjs'],
    'out/esbuild/main.mjs',
  ],
  [
    'Vite for servers, with everything in one',
    'vite',
    ['build', '--ssr', 'main.js', '--config', 'vite.config.js', '--outDir', 'out/vite'],
    'out/vite/main.js',
  ],
  ['webpack', 'webpack', [], 'out/webpack/main.mjs'],
]) {
  test(`bundled for Node with ${what}`, async () => {
    await runTool(folder, name, args);
    const { stdout } = await run(process.execPath, [path.join(folder, script)], { cwd: '/' });
    assert.deepEqual(JSON.parse(stdout), allIsWell({ persists: false }));
  });
}
