// SPDX-License-Identifier: MIT
//
// Makes dist/, the npm package, from js/src and a built WebAssembly module; with --demo also build/demo/.
//
//   node js/build.mjs [--demo] [--preset wasm-debug]
//
// What comes out: one ES module per entry of the package's `exports`, with shared parts in chunks; wasm-*.js, the files
// that `#wasm` and its like may stand for, which stay apart because the importing runtime chooses among them; type
// declarations; and the .wasm files. At the end the size of what a browser downloads is held against the budget in
// package.json.
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';

const { values: options } = parseArgs({
  options: {
    demo: { type: 'boolean', default: false },
    preset: { type: 'string', default: 'wasm-release' },
  },
});

const root = path.resolve(import.meta.dirname, '..');
const from = (...parts) => path.join(root, ...parts);
const dist = from('dist');
const wasmName = 'agent-memory.wasm';
const languagesName = 'agent-memory-languages.wasm';
const mem0Name = 'agent-memory-mem0.wasm';
const gluePath = from('build', options.preset, 'agent-memory.mjs');
const wasmPath = from('build', options.preset, wasmName);

function fail(message) {
  console.error(`build: ${message}`);
  process.exit(1);
}

/**
 * The Emscripten glue, without its own idea of where the .wasm lies. The facade always hands the module over
 * (instantiateWasm), so that code is never run; but bundlers see `new URL(..., import.meta.url)` and would take the
 * file along a second time, and in workerd import.meta.url is undefined. The debug glue keeps it: Node needs it there.
 */
async function readGlue() {
  if (!existsSync(gluePath)) fail(`${path.relative(root, gluePath)} is missing; run scripts/build`);
  const glue = await readFile(gluePath, 'utf8');
  if (options.preset === 'wasm-debug') return glue;
  const stripped = withoutFunctions(glue, [
    'findWasmBinary',
    'getBinarySync',
    'getBinaryPromise',
    'instantiateArrayBuffer',
    'instantiateAsync',
  ])
    .replace(/wasmBinaryFile\?\?=findWasmBinary\(\);instantiateAsync\([^;]*;/, '')
    .replaceAll(new RegExp(`new URL\\("${wasmName}",\\s*import\\.meta\\.url\\)\\.href`, 'g'), '""')
    .replaceAll('import.meta.url', '""')
    .replaceAll(`"${wasmName}"`, '""');
  for (const leftover of [
    'import.meta',
    wasmName,
    'import(',
    'eval(',
    'new Function',
    'instantiateA',
  ]) {
    if (stripped.includes(leftover))
      fail(`the Emscripten glue still contains ${leftover}; see readGlue in js/build.mjs`);
  }
  return stripped;
}

/** `source` without the declarations of the functions named, which nothing calls. */
function withoutFunctions(source, names) {
  for (const name of names) {
    const start = source.indexOf(`function ${name}(`);
    if (start < 0) fail(`the Emscripten glue has no ${name}; see readGlue in js/build.mjs`);
    let end = source.indexOf('{', start);
    for (let depth = 0; ; end++) {
      if (source[end] === '{') depth++;
      if (source[end] === '}' && --depth === 0) break;
    }
    source = source.slice(0, start) + source.slice(end + 1);
  }
  return source;
}

/** How a module is had, one file each, and for which; see `imports` in package.json. */
const conditions = ['web', 'node', 'workerd', 'edge-light', 'inline'];
const moduleNames = { '': wasmName, 'languages-': languagesName, 'mem0-': mem0Name };

/** `import createModule from '#glue'`: the glue of the chosen preset; `#base64/NAME`: its NAME.wasm. */
const gluePlugin = {
  name: 'glue',
  setup(build) {
    // Relative: the path ends up in the package, which is not to say where it was built.
    build.onResolve({ filter: /^#glue$/ }, () => ({
      path: path.relative(root, gluePath),
      namespace: 'glue',
    }));
    build.onLoad({ filter: /.*/, namespace: 'glue' }, async () => ({
      contents: await readGlue(),
      loader: 'js',
    }));
    build.onResolve({ filter: /^#base64\// }, ({ path: name }) => ({
      path: name.replace('#base64/', '') + '.wasm',
      namespace: 'base64',
    }));
    build.onLoad({ filter: /.*/, namespace: 'base64' }, async ({ path: file }) => ({
      contents: await readFile(from('build', options.preset, file)),
      loader: 'base64',
    }));
  },
};

/** In the inline entry, `#wasm` and its like are the modules in base64, wherever it runs. */
const inlinePlugin = {
  name: 'inline',
  setup(build) {
    build.onResolve({ filter: /^#(languages-|mem0-)?wasm$/ }, ({ path: name }) => ({
      path: `./wasm-${name.slice(1, -'wasm'.length)}inline.js`,
      external: true,
    }));
  },
};

const common = {
  bundle: true,
  format: 'esm',
  target: 'es2022',
  charset: 'utf8',
  logLevel: 'warning',
  legalComments: 'none',
};

async function buildPackage() {
  await rm(dist, { recursive: true, force: true });
  const asPackage = {
    ...common,
    // What runs where is decided by `#wasm` alone; nothing else may depend on the runtime.
    platform: 'neutral',
    outdir: dist,
    plugins: [gluePlugin],
    // As it was written: Node prints the line that threw. A user's bundler makes it small.
    sourcemap: 'linked',
  };
  const entries = [
    'index',
    'languages',
    'storage/durable-object',
    'storage/encrypted',
    'storage/file',
    'storage/indexeddb',
    'storage/memory',
    'synced',
    'testing/index',
  ].map((entry) => ({ in: from('js/src', `${entry}.ts`), out: entry }));
  for (const prefix of Object.keys(moduleNames)) {
    for (const condition of conditions) {
      // Beside the .wasm files, as the script is that a bundler makes.
      const name = `${prefix}${condition}`;
      entries.push({ in: from('js/src/wasm', `${name}.ts`), out: `wasm-${name}` });
    }
  }
  await esbuild.build({
    ...asPackage,
    entryPoints: entries,
    splitting: true,
    chunkNames: 'shared-[hash]',
    external: [
      ...['#wasm', '#languages-wasm', '#mem0-wasm', '*.wasm', '*.wasm?module', 'node:*'],
      'module', // see asBrowserBundle
    ],
  });
  await esbuild.build({
    ...asPackage,
    entryPoints: [{ in: from('js/src/inline.ts'), out: 'inline' }],
    plugins: [gluePlugin, inlinePlugin],
    external: ['module'],
  });
  for (const name of Object.values(moduleNames))
    await cp(from('build', options.preset, name), path.join(dist, name));
  await cp(from('THIRD-PARTY.txt'), path.join(dist, 'THIRD-PARTY.txt'));
}

async function emitTypes() {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  try {
    execFileSync(process.execPath, [tsc, '--project', from('js/tsconfig.json')], {
      stdio: 'inherit',
    });
  } catch {
    fail('the types are wrong; see above');
  }
  // Of the wasm-*.js, which nobody imports by name.
  await rm(path.join(dist, 'wasm'), { recursive: true });
}

/** The package's `browser` entry in one file, as a bundler makes it: the demo's script, and what the sizes are about. */
const asBrowserBundle = {
  ...common,
  // A chunk that two entries share may have nothing that this one needs.
  logOverride: { 'ignored-bare-import': 'silent' },
  platform: 'browser',
  conditions: ['browser'],
  external: ['module'], // named by the debug glue, where it finds itself in Node
};

async function buildDemo() {
  const entry = ['main.ts', 'main.js']
    .map((name) => from('demo', name))
    .find((file) => existsSync(file));
  if (!entry) fail('demo/main.ts is missing');
  const out = from('build/demo');
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await cp(from('demo'), out, {
    recursive: true,
    filter: (file) => !/\.(ts|md)$/.test(file) && file !== entry,
  });
  await cp(path.join(dist, wasmName), path.join(out, wasmName));
  await esbuild.build({
    ...asBrowserBundle,
    entryPoints: [entry],
    outfile: path.join(out, 'main.js'),
    sourcemap: 'linked',
  });
}

/**
 * What a page downloads that uses the package as it comes: the facade with the glue, minified, and the module. What only
 * those get who import it by name is beside that.
 */
async function reportSizes() {
  const { sizeBudgetGzip: budget } = JSON.parse(await readFile(from('package.json'), 'utf8'));
  const bundle = async (contents) => {
    const { outputFiles, metafile } = await esbuild.build({
      ...asBrowserBundle,
      stdin: { contents, resolveDir: root },
      outfile: 'bundle.js',
      metafile: true,
      minify: true,
      write: false,
    });
    const { exports } = metafile.outputs['bundle.js'];
    return { bytes: Buffer.from(outputFiles[0].contents), exports };
  };
  const sizes = (name, ...parts) => ({
    name,
    raw: parts.reduce((sum, part) => sum + part.length, 0),
    gzip: parts.reduce((sum, part) => sum + gzipSync(part, { level: 9 }).length, 0),
  });
  const whole = await bundle(`export * from './dist/index.js';`);
  const names = whole.exports.filter((name) => !/mem0/i.test(name));
  const withoutMem0 = await bundle(`export { ${names.join(', ')} } from './dist/index.js';`);
  if (withoutMem0.bytes.includes('mem0'))
    fail('Mem0Provider cannot be left out of a bundle: something runs where it is imported');

  const facade = sizes('facade and glue', withoutMem0.bytes);
  const module = sizes('WebAssembly', await readFile(wasmPath));
  const total = {
    name: 'browser download',
    raw: facade.raw + module.raw,
    gzip: facade.gzip + module.gzip,
  };
  const mem0 = sizes('Mem0Provider, more', await readFile(path.join(dist, mem0Name)));
  const mem0Facade = sizes('', whole.bytes);
  mem0.raw += mem0Facade.raw - facade.raw;
  mem0.gzip += mem0Facade.gzip - facade.gzip;
  const both = await bundle(`export * from './dist/index.js'; export * from './dist/synced.js';`);
  const synced = sizes('SyncedProvider, more', both.bytes);
  synced.raw -= mem0Facade.raw;
  synced.gzip -= mem0Facade.gzip;
  const languages = sizes('languages, more', await readFile(path.join(dist, languagesName)));
  console.log(`${'bytes'.padEnd(21)}${'raw'.padStart(10)}${'gzip'.padStart(10)}`);
  for (const { name, raw, gzip } of [facade, module, total, languages, mem0, synced]) {
    console.log(`${name.padEnd(21)}${String(raw).padStart(10)}${String(gzip).padStart(10)}`);
  }
  if (options.preset === 'wasm-debug') return;
  if (total.gzip > budget)
    fail(
      `the browser download is ${total.gzip} bytes gzipped; the budget is ${budget} (package.json)`,
    );
  const quoted = /([\d.]+) kB, gzipped/.exec(await readFile(from('README.md'), 'utf8'))?.[1];
  if (!(Math.abs(Number(quoted) * 1000 - total.gzip) <= 1000))
    fail(`README.md quotes ${quoted} kB, gzipped; the browser download is ${total.gzip} bytes`);
}

await buildPackage();
await emitTypes();
if (options.demo) await buildDemo();
await reportSizes();
