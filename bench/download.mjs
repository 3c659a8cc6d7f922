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

/** A bundle for a page, with the names that it exports. */
async function bundle(contents) {
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
    const files = [bytes, ...(wasm ? [await readFile(wasm)] : [])];
    sizes[name] = files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0);
  }
  return sizes;
}
