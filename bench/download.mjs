// SPDX-License-Identifier: MIT
//
// What a page downloads that uses one of the libraries: scripts as a bundler makes them, minified, and WebAssembly.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = path.resolve(import.meta.dirname, '..');
const modules = path.join(root, 'node_modules');

const english = ['@orama/stemmers/english', '@orama/stopwords/english'];
const parts = {
  'agent-memory': {
    scripts: ['agent-memory-wasm'],
    // Who talks to Mem0 loads another module, too; scripts/build prints its size.
    without: /mem0/i,
    wasm: path.join(root, 'dist/agent-memory.wasm'),
  },
  minisearch: { scripts: ['minisearch', ...english] },
  flexsearch: { scripts: ['flexsearch', 'flexsearch/lang/en'] },
  orama: { scripts: ['@orama/orama', ...english] },
  sqlite: {
    scripts: ['@sqlite.org/sqlite-wasm'],
    wasm: path.join(modules, '@sqlite.org/sqlite-wasm/dist/sqlite3.wasm'),
  },
};

/** A bundle for a page, with the names that it exports. `options` are esbuild's. */
async function bundle(contents, options = {}) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['browser'],
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'error',
    ...options,
  });
  const [{ exports }] = Object.values(metafile.outputs);
  return { bytes: outputFiles[0].contents, names: exports };
}

/** Bytes after gzip, by library's name. */
export async function downloadBytes(names) {
  const sizes = {};
  for (const name of names) {
    const { scripts, wasm, without } = parts[name];
    const lines = scripts.map(async (script, index) => {
      if (!without) return `export * as part${index} from '${script}';`;
      const all = (await bundle(`export * from '${script}';`)).names;
      return `export { ${all.filter((each) => !without.test(each)).join()} } from '${script}';`;
    });
    const { bytes } = await bundle((await Promise.all(lines)).join('\n'));
    sizes[name] = gzipBytes(bytes, ...(wasm ? [await readFile(wasm)] : []));
  }
  return sizes;
}

/** Of Mem0's clients: ours with its module, and the official one, which is no script for a page as it is. */
export async function mem0DownloadBytes() {
  const [ours, theirs] = await Promise.all([
    bundle("export { Mem0Provider } from 'agent-memory-wasm';"),
    bundle("export { default } from 'mem0ai';", {
      plugins: [withoutNode],
      nodePaths: [path.join(root, 'tests/peers/node_modules')],
    }),
  ]);
  return {
    'agent-memory': gzipBytes(
      ours.bytes,
      await readFile(path.join(root, 'dist/agent-memory-mem0.wasm')),
    ),
    mem0ai: gzipBytes(theirs.bytes),
  };
}

const gzipBytes = (...files) =>
  files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0);

/** Nothing in the place of the modules of Node's that mem0ai imports. */
const withoutNode = {
  name: 'without-node',
  setup(builder) {
    builder.onResolve({ filter: /^(fs|path|os|crypto)$/ }, ({ path: name }) => ({
      path: name,
      namespace: 'without-node',
    }));
    builder.onLoad({ filter: /.*/, namespace: 'without-node' }, () => ({ contents: '' }));
  },
};
