// The packed package's types where there is no DOM, in the example for Cloudflare's Workers, and as Are The Types Wrong
// sees them. tests/packaging compiles them with the DOM's library, as bundlers and as Node resolve them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { before, test } from 'node:test';
import { promisify } from 'node:util';
import { makeProject, manifest, projectNamed, root, runScript } from './support.mjs';

const run = promisify(execFile);
const entries = Object.keys(manifest.exports)
  .filter((entry) => !/\.(wasm|json)$/.test(entry))
  .map((entry) => entry.replace('.', manifest.name));
let folder;
let tarball;

before(async () => {
  ({ folder, tarball } = await makeProject(projectNamed('types')));
});

const everyEntry = entries
  .map((entry, index) => `export * as entry${index} from '${entry}';\n`)
  .join('');

test('types: every entry compiles with Cloudflare’s types and no DOM, in strict mode', async () => {
  const project = path.join(folder, 'cloudflare');
  await mkdir(project);
  await writeFile(path.join(project, 'every-entry.ts'), everyEntry);
  await compile(project, {
    module: 'esnext',
    moduleResolution: 'bundler',
    lib: ['es2022'],
    types: ['@cloudflare/workers-types'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    isolatedModules: true,
    skipLibCheck: false,
    noEmit: true,
    target: 'es2022',
  });
});

async function compile(project, compilerOptions) {
  if (compilerOptions)
    await writeFile(path.join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [tsc, '--project', project]).catch(({ stdout }) =>
    assert.fail(stdout),
  );
}

test('types: the example for Cloudflare’s Workers compiles as its tsconfig.json says', async () => {
  const project = path.join(folder, 'example');
  await cp(path.join(root, 'examples/cloudflare-worker'), project, {
    recursive: true,
    filter: (file) => !file.includes('node_modules'),
  });
  await compile(project);
});

test('types: Are The Types Wrong finds nothing wrong', async () => {
  const { entrypoints, problems } = await runScript(folder, 'attw.mjs', [tarball]);
  assert.deepEqual(
    entrypoints.map((entry) => entry.replace('.', manifest.name)).sort(),
    [...entries].sort(),
  );
  // The package has ES modules only: `require` of it works in Node from 20.19 on, as TypeScript's `nodenext` knows and
  // its older modes do not; and the oldest of them knows no `exports`.
  const excused = ['node10', 'node16-cjs'];
  assert.deepEqual(
    problems.filter(({ resolutionKind }) => !excused.includes(resolutionKind)),
    [],
  );
});
