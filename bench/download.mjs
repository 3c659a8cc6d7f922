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

/** Bytes after gzip, by library's name. */
export async function downloadBytes(names) {
  const sizes = {};
  for (const name of names) {
    const { scripts, wasm } = parts[name];
    const { outputFiles } = await build({
      stdin: {
        contents: scripts
          .map((script, index) => `export * as part${index} from '${script}';`)
          .join('\n'),
        resolveDir: root,
      },
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      conditions: ['browser'],
      target: 'es2022',
      charset: 'utf8',
      legalComments: 'none',
      logLevel: 'error',
    });
    const files = [outputFiles[0].contents, ...(wasm ? [await readFile(wasm)] : [])];
    sizes[name] = files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0);
  }
  return sizes;
}
