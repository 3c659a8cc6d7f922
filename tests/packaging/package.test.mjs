// The package as npm packs it: what is in it, and that it works where nothing else is.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { makeProject } from '../runtimes/project.mjs';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');
const manifest = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));

/** An empty project with the tarball installed in it. */
let consumer;
let installed;
let remove;

before(async () => {
  ({ folder: consumer, installed, remove } = await makeProject());
});

after(() => remove?.());

const filesOf = async (where) => {
  const entries = await readdir(where, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      path
        .relative(where, path.join(entry.parentPath ?? entry.path, entry.name))
        .replaceAll(path.sep, '/'),
    )
    .sort();
};

/** Runs `code` as a module of the consumer. */
async function runThere(code, args = []) {
  const { stdout } = await run(process.execPath, [...args, '--input-type=module', '--eval', code], {
    cwd: consumer,
  });
  return stdout.trim();
}

/** Every target in `exports` and `imports`. */
function targetsOf(value) {
  return typeof value === 'string' ? [value] : Object.values(value).flatMap(targetsOf);
}

// ------------------------------------------------------------------------------------- what is in it

test('it holds what it should, and nothing else', async () => {
  const files = await filesOf(installed);
  const allowed = [
    /^package\.json$/,
    /^README\.md$/,
    /^LICENSE$/,
    /^dist\/THIRD-PARTY\.txt$/,
    /^dist\/agent-memory(-languages|-mem0)?\.wasm$/,
    /^dist\/[\w/-]+\.js(\.map)?$/,
    /^dist\/[\w/-]+\.d\.ts$/,
  ];
  assert.deepEqual(
    files.filter((file) => !allowed.some((pattern) => pattern.test(file))),
    [],
  );
  for (const file of [
    'README.md',
    'LICENSE',
    'dist/THIRD-PARTY.txt',
    'dist/agent-memory.wasm',
    'dist/agent-memory-languages.wasm',
    'dist/agent-memory-mem0.wasm',
    'dist/index.js',
    'dist/index.d.ts',
  ]) {
    assert.ok(files.includes(file), file);
  }
  assert.equal(files.filter((file) => file.endsWith('.wasm')).length, 3);
});

test('no file of it is a test, a fixture, a demo or a source', async () => {
  const files = await filesOf(installed);
  // An entry for users' own tests, which is none.
  for (const file of files.filter((each) => !each.startsWith('dist/testing/'))) {
    assert.doesNotMatch(file, /test|fixture|demo|bench|\.(mjs|cpp|hpp|tsx?)$(?<!\.d\.ts)/, file);
  }
});

test('every entry that package.json names is there', async () => {
  const files = new Set(await filesOf(installed));
  for (const target of [...targetsOf(manifest.exports), ...targetsOf(manifest.imports)]) {
    assert.ok(files.has(target.replace('./', '')), target);
  }
});

test('every script has its types and its map, and the map its sources within', async () => {
  const files = await filesOf(installed);
  for (const file of files.filter((each) => each.endsWith('.js'))) {
    const map = JSON.parse(await readFile(path.join(installed, `${file}.map`), 'utf8'));
    assert.equal(map.sources.length, map.sourcesContent?.length ?? 0, `${file} can be debugged`);
    // Nobody imports these by name.
    if (!/shared-|wasm-/.test(file))
      assert.ok(files.includes(file.replace(/\.js$/, '.d.ts')), file);
  }
});

test('it depends on nothing', async () => {
  const { dependencies, peerDependencies, optionalDependencies, bundledDependencies, scripts } =
    JSON.parse(await readFile(path.join(installed, 'package.json'), 'utf8'));
  for (const each of [dependencies, peerDependencies, optionalDependencies, bundledDependencies]) {
    assert.deepEqual(Object.keys(each ?? {}), []);
  }
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare'])
    assert.ok(!(name in scripts), name);
  assert.deepEqual(
    await readdir(path.join(consumer, 'node_modules')).then((names) =>
      names.filter((name) => !name.startsWith('.')),
    ),
    [manifest.name],
  );
});

test('the licence and those of what is built in are in it', async () => {
  assert.match(await readFile(path.join(installed, 'LICENSE'), 'utf8'), /MIT License/);
  const others = await readFile(path.join(installed, 'dist/THIRD-PARTY.txt'), 'utf8');
  for (const name of [/Snowball/, /nlohmann|JSON for Modern C\+\+/i, /Emscripten/])
    assert.match(others, name);
});

test('nothing in it knows the machine that built it, evaluates code or phones home', async () => {
  for (const file of await filesOf(installed)) {
    const bytes = await readFile(path.join(installed, file));
    assert.ok(!bytes.includes(root), `${file} names ${root}`);
    if (file.endsWith('.wasm'))
      assert.ok(!bytes.includes('/home/') && !bytes.includes('/root/'), file);
    if (!file.endsWith('.js')) continue;
    const text = bytes.toString();
    for (const pattern of [/\beval\(/, /\bnew Function\b/, /\bhttps?:\/\//]) {
      assert.equal(pattern.exec(text)?.[0], undefined, file);
    }
  }
});

test('its version and licence are those of the project', async () => {
  const { name, version, license, type, sideEffects, engines } = JSON.parse(
    await readFile(path.join(installed, 'package.json'), 'utf8'),
  );
  assert.deepEqual(
    { name, version, license, type, sideEffects, engines },
    {
      name: 'agent-memory-wasm',
      version: manifest.version,
      license: 'MIT',
      type: 'module',
      sideEffects: false,
      engines: { node: '>=20' },
    },
  );
});

test('publint has nothing to say', async () => {
  await run(path.join(root, 'node_modules/.bin/publint'), ['--strict', installed], { cwd: root });
});

// ------------------------------------------------------------------------------------- that it works in Node

test('every entry can be imported and used', async () => {
  const entries = Object.keys(manifest.exports).map((entry) => entry.replace('.', manifest.name));
  const scripts = entries.filter((entry) => !/\.(wasm|json)$/.test(entry));
  assert.ok(scripts.length >= 3);
  const output = await runThere(`
    for (const entry of ${JSON.stringify(scripts)}) {
      const names = Object.keys(await import(entry));
      if (names.length === 0) throw new Error(entry + ' exports nothing');
    }
    const { LocalProvider, MemorySession } = await import('${manifest.name}');
    const { memoryStorage } = await import('${manifest.name}/storage/memory');
    const storage = memoryStorage();
    const provider = await LocalProvider.open({ storage });
    const session = new MemorySession(provider, { userId: 'ada' });
    await session.afterRun([{ role: 'user', content: 'I keep bees' }]);
    const { memories } = await session.beforeModelRequest([{ role: 'user', content: 'what about bees?' }]);
    await provider.close();
    console.log(memories[0].memory);
  `);
  assert.equal(output, 'I keep bees');
});

test('the .wasm and package.json are entries of their own', async () => {
  const output = await runThere(`
    import { readFile } from 'node:fs/promises';
    import { createRequire } from 'node:module';
    import { load, loadMem0, memoryConfig } from '${manifest.name}';
    const mem0 = new URL(import.meta.resolve('${manifest.name}/agent-memory-mem0.wasm'));
    await loadMem0({ wasm: await readFile(mem0) });
    const file = new URL(import.meta.resolve('${manifest.name}/agent-memory.wasm'));
    await load({ wasm: await readFile(file) });
    const require = createRequire(process.cwd() + '/x.js');
    console.log((await memoryConfig()).topK, require('${manifest.name}/package.json').version);
  `);
  assert.equal(output, `5 ${manifest.version}`);
});

test('what is no entry cannot be imported', async () => {
  for (const inner of ['dist/index.js', 'core/load', 'dist/wasm-node.js', 'storage/batch']) {
    const output = await runThere(
      `await import('${manifest.name}/${inner}').catch(({ code }) => console.log(code))`,
    );
    assert.equal(output, 'ERR_PACKAGE_PATH_NOT_EXPORTED', inner);
  }
});

test('where Node is taken for a browser, the file is read all the same', async () => {
  const output = await runThere(
    `import { LocalProvider } from '${manifest.name}';
    const provider = await LocalProvider.open();
    await provider.storeMemories('I keep bees');
    console.log((await provider.retrieveMemories('bees')).length);`,
    ['--conditions=browser'],
  );
  assert.equal(output, '1');
});

test('a storage of one entry and the provider of another know each other’s errors', async () => {
  const output = await runThere(`
    import { MemoryError } from '${manifest.name}';
    import { indexedDBStorage } from '${manifest.name}/storage/indexeddb';
    await indexedDBStorage().get('x').catch((error) => console.log(MemoryError.isInstance(error), error instanceof MemoryError, error.code));
  `);
  assert.equal(output, 'true true storage');
});

// ------------------------------------------------------------------------------------- that bundlers take it

const code = `
  import { LocalProvider, Mem0Provider } from '${'agent-memory-wasm'}';
  export const open = () => LocalProvider.open();
  export const mem0 = () => new Mem0Provider({ baseUrl: '/api/mem0' });
`;

for (const [conditions, platform, wanted] of [
  [['browser'], 'browser', 'web'],
  [['node'], 'node', 'node'],
  [['worker'], 'neutral', 'web'],
  [['deno', 'node'], 'node', 'node'],
  [['bun', 'node'], 'node', 'node'],
  // Wrangler and Next say more than one.
  [['workerd', 'worker', 'browser'], 'neutral', 'workerd'],
  [['edge-light', 'worker', 'browser'], 'neutral', 'edge-light'],
]) {
  test(`esbuild for ${conditions} takes wasm-${wanted}.js for #wasm, and no other`, async () => {
    const { metafile, outputFiles, warnings } = await build({
      stdin: { contents: code, resolveDir: consumer },
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform,
      conditions,
      external: ['*.wasm', '*.wasm?module'],
      logLevel: 'silent',
    });
    const taken = Object.keys(metafile.inputs).map((input) => path.basename(input));
    const sources = taken.filter((name) => /^wasm-(?!(mem0-)?inline)/.test(name)).sort();
    assert.deepEqual(sources, [`wasm-${wanted}.js`, `wasm-mem0-${wanted}.js`].sort());
    assert.equal(taken.includes('wasm-inline.js'), wanted === 'node');
    assert.deepEqual(warnings, []);
    if (platform !== 'node') assert.doesNotMatch(outputFiles[0].text, /["']node:/);
  });
}

test('the inline entry has the names of the plain one, and needs no file', async () => {
  const output = await runThere(`
    import { readdir, rename } from 'node:fs/promises';
    const plain = await import('${manifest.name}');
    const inline = await import('${manifest.name}/inline');
    if (inline.load === plain.load) throw new Error('it is the plain entry');
    const dist = new URL('.', import.meta.resolve('${manifest.name}'));
    const files = (await readdir(dist)).filter((name) => name.endsWith('.wasm'));
    const rest = {};
    for (const [name, { LocalProvider, loadMem0 }] of Object.entries({ inline, plain })) {
      for (const file of files) await rename(new URL(file, dist), new URL(file + '.away', dist));
      try {
        await loadMem0();
        const provider = await LocalProvider.open();
        await provider.storeMemories('I keep bees');
        rest[name] = (await provider.retrieveMemories('bees')).length;
        await provider.close();
        const { languages } = await import('${manifest.name}/languages');
        rest.languages = (await languages('german')).length;
      } finally {
        for (const file of files) await rename(new URL(file + '.away', dist), new URL(file, dist));
      }
    }
    console.log(JSON.stringify([files.length, Object.keys(inline).join() === Object.keys(plain).join(), rest]));
  `);
  assert.deepEqual(JSON.parse(output), [3, true, { inline: 1, plain: 1, languages: 1 }]);
});

test('the inline entry in a bundle names no file, and leaves out what is not used', async () => {
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: `export { LocalProvider } from '${manifest.name}/inline';`,
      resolveDir: consumer,
    },
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    logLevel: 'silent',
  });
  // Not with doesNotMatch, which would print all of it.
  assert.equal(/import\.meta|\bimport *[("'{]/.exec(outputFiles[0].text)?.[0], undefined);
  const [{ inputs }] = Object.values(metafile.outputs);
  const bytesOf = (name) =>
    Object.entries(inputs).find(([input]) => input.endsWith(`/dist/${name}`))?.[1].bytesInOutput ??
    0;
  assert.ok(bytesOf('wasm-inline.js') > 400_000);
  assert.equal(bytesOf('wasm-mem0-inline.js'), 0);
});

for (const conditions of [['workerd'], ['edge-light']]) {
  test(`for ${conditions}, which compiles no bytes, the inline entry is the plain one`, async () => {
    const { metafile } = await build({
      stdin: {
        contents: `export { LocalProvider } from '${manifest.name}/inline';`,
        resolveDir: consumer,
      },
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'neutral',
      conditions,
      external: ['*.wasm', '*.wasm?module'],
      logLevel: 'silent',
    });
    const taken = Object.keys(metafile.inputs).map((input) => path.basename(input));
    assert.ok(taken.includes(`wasm-${conditions[0]}.js`), taken.join());
    assert.ok(!taken.includes('wasm-inline.js'));
  });
}

test('an error of the inline entry is a MemoryError of the plain one', async () => {
  const output = await runThere(`
    import { MemoryError } from '${manifest.name}';
    import { LocalProvider } from '${manifest.name}/inline';
    await LocalProvider.open({ name: 5 }).catch((error) => console.log(MemoryError.isInstance(error), error.code));
  `);
  assert.equal(output, 'true invalid_argument');
});

/** What a bundler makes for a page of one name of the package, minified. */
async function bundleOf(name, entry = '') {
  const { outputFiles } = await build({
    stdin: {
      contents: `export { ${name} } from '${manifest.name}${entry}';`,
      resolveDir: consumer,
    },
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    platform: 'browser',
    logLevel: 'silent',
  });
  return outputFiles[0].text;
}

test('the storages alone bring no core along', async () => {
  for (const [entry, name] of [
    ['memory', 'memoryStorage'],
    ['indexeddb', 'indexedDBStorage'],
    ['encrypted', 'encryptedStorage'],
    ['durable-object', 'durableObjectStorage'],
  ]) {
    const text = await bundleOf(name, `/storage/${entry}`);
    const size = Buffer.byteLength(text);
    assert.ok(size < 16_000, `${entry}: ${size} bytes`);
    assert.doesNotMatch(text, /WebAssembly/);
  }
});

test('who takes one thing of the main entry gets no other along', async () => {
  const errors = await bundleOf('MemoryError');
  assert.ok(errors.length < 4000, `MemoryError: ${errors.length} bytes`);
  assert.doesNotMatch(errors, /WebAssembly|indexedDB/);
  assert.doesNotMatch(await bundleOf('Mem0Provider'), /agent-memory\.wasm|indexedDB/);
  assert.doesNotMatch(await bundleOf('MemorySession'), /indexedDB/);
});

test('who does not ask for encryption does not get it', async () => {
  const bundleOf = async (entry) => {
    const { outputFiles } = await build({
      stdin: { contents: `export * from '${entry}';`, resolveDir: consumer },
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      logLevel: 'silent',
    });
    return outputFiles[0].text;
  };
  assert.match(await bundleOf(`${manifest.name}/storage/encrypted`), /AES-GCM/);
  assert.doesNotMatch(await bundleOf(manifest.name), /AES-GCM/);
});

test('what a browser downloads is within the budget of package.json', async () => {
  const { gzipSync } = await import('node:zlib');
  // What everybody gets who does not ask for Mem0 by name; js/build.mjs has all of it.
  const script = await bundleOf('LocalProvider, MemoryContext, MemorySession, memoryConfig, load');
  assert.doesNotMatch(script, /mem0/i);
  const size = (bytes) => gzipSync(bytes, { level: 9 }).length;
  const wasm = await readFile(path.join(installed, 'dist/agent-memory.wasm'));
  const total = size(script) + size(wasm);
  assert.ok(total <= manifest.sizeBudgetGzip, `${total} bytes of ${manifest.sizeBudgetGzip}`);
});

// ------------------------------------------------------------------------------------- that TypeScript takes it

const strict = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  noEmit: true,
  skipLibCheck: false,
  target: 'es2022',
};
for (const [name, options] of [
  [
    'a bundler, with the DOM',
    {
      module: 'esnext',
      moduleResolution: 'bundler',
      lib: ['es2022', 'dom'],
      types: [],
    },
  ],
  [
    'Node 16 rules',
    {
      module: 'node16',
      moduleResolution: 'node16',
      lib: ['es2022', 'dom'],
      types: ['node'],
    },
  ],
  [
    'nodenext',
    {
      module: 'nodenext',
      moduleResolution: 'nodenext',
      lib: ['es2022', 'dom'],
      types: ['node'],
    },
  ],
  [
    'a worker’s library instead of the DOM’s',
    {
      module: 'esnext',
      moduleResolution: 'bundler',
      lib: ['es2022', 'webworker'],
      types: [],
    },
  ],
]) {
  test(`its types compile in a consumer of ${name}, in strict mode`, async () => {
    const project = path.join(consumer, name.replaceAll(/\W+/g, '-'));
    await mkdir(project);
    for (const file of ['consumer.ts', 'contract.ts']) {
      await writeFile(
        path.join(project, file),
        await readFile(path.join(root, 'tests/types', file)),
      );
    }
    const entries = Object.keys(manifest.exports)
      .filter((entry) => !/\.(wasm|json)$/.test(entry))
      .map((entry) => entry.replace('.', manifest.name));
    await writeFile(
      path.join(project, 'every-entry.ts'),
      entries.map((entry, index) => `export * as entry${index} from '${entry}';\n`).join(''),
    );
    const compilerOptions = {
      ...strict,
      ...options,
      typeRoots: [path.join(root, 'node_modules/@types')],
    };
    await writeFile(
      path.join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, include: ['*.ts'] }),
    );
    const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
    await run(process.execPath, [tsc, '--project', project], { cwd: project }).catch(({ stdout }) =>
      assert.fail(stdout),
    );
  });
}
