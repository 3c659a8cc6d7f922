// What is not imported is in no bundle, whatever made it; and what each thing weighs.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { makeProject, projectNamed, root, runScript } from './support.mjs';

/** What can be told from a bundle's words to be in it. */
const marks = {
  core: /the WebAssembly module/,
  mem0: /mem0/i,
  languages: /the languages'/,
  indexeddb: /onupgradeneeded|indexedDB/,
  encryption: /AES-GCM/,
  'durable object': /agent_memory_records/,
  testing: /fakeClock|fake clock|the clock/,
};

/** By what is imported: the script, and what is in its bundle. */
const entries = {
  'storage/memory': {
    code: `import { memoryStorage as it } from 'agent-memory-wasm/storage/memory';`,
    has: [],
  },
  'storage/indexeddb': {
    code: `import { indexedDBStorage as it } from 'agent-memory-wasm/storage/indexeddb';`,
    has: ['indexeddb'],
  },
  'storage/durable-object': {
    code: `import { durableObjectStorage as it } from 'agent-memory-wasm/storage/durable-object';`,
    has: ['durable object'],
  },
  'storage/encrypted': {
    code: `import { encryptedStorage as it } from 'agent-memory-wasm/storage/encrypted';`,
    has: ['encryption'],
  },
  testing: {
    code: `import * as testing from 'agent-memory-wasm/testing'; const it = { ...testing };`,
    has: ['testing'],
  },
  LocalProvider: {
    code: `import { LocalProvider as it } from 'agent-memory-wasm';`,
    has: ['core', 'indexeddb'],
  },
  Mem0Provider: {
    code: `import { Mem0Provider as it } from 'agent-memory-wasm';`,
    has: ['mem0'],
  },
  'LocalProvider, languages()': {
    code: `import { LocalProvider } from 'agent-memory-wasm';
import { languages } from 'agent-memory-wasm/languages';
const it = [LocalProvider, languages];`,
    has: ['core', 'indexeddb', 'languages'],
  },
  'LocalProvider, encryptedStorage()': {
    code: `import { LocalProvider } from 'agent-memory-wasm';
import { encryptedStorage } from 'agent-memory-wasm/storage/encrypted';
const it = [LocalProvider, encryptedStorage];`,
    has: ['core', 'indexeddb', 'encryption'],
  },
  '* of the main entry': {
    code: `import * as library from 'agent-memory-wasm'; const it = { ...library };`,
    has: ['core', 'indexeddb', 'mem0'],
  },
};

/** Which module goes with what is in a bundle, as {bytes, gzipBytes}. */
const modules = {};
for (const [mark, name] of Object.entries({
  core: 'agent-memory.wasm',
  languages: 'agent-memory-languages.wasm',
  mem0: 'agent-memory-mem0.wasm',
})) {
  const contents = await readFile(path.join(root, 'dist', name));
  const gzipBytes = gzipSync(contents, { level: 9 }).length;
  modules[mark] = { bytes: contents.length, gzipBytes };
}

const bundlers = ['vite', 'webpack', 'rollup', 'esbuild'];
const names = Object.keys(entries);
const sizes = new Map();
let folder;

before(async () => {
  ({ folder } = await makeProject(projectNamed('tree-shaking')));
  for (const [index, name] of names.entries())
    await writeFile(
      path.join(folder, `${index}.js`),
      `${entries[name].code}\nglobalThis.it = it;\n`,
    );
});

for (const bundler of bundlers) {
  test(`tree shaking: a bundle of ${bundler}’s has what is imported, and nothing else`, async () => {
    const scripts = names.map((_, index) => `./${index}.js`);
    const bundles = await runScript(folder, 'build.mjs', [bundler, ...scripts]);
    for (const [index, files] of bundles.entries()) {
      const name = names[index];
      const { has } = entries[name];
      const words = files.map(({ text = '' }) => text).join('\n');
      const found = Object.keys(marks).filter((mark) => marks[mark].test(words));
      assert.deepEqual(found.sort(), [...has].sort(), name);
      assert.doesNotMatch(words, /["']node:/, name);
      const copied = files.flatMap(({ text, bytes }) =>
        text === undefined
          ? Object.keys(modules).filter((each) => modules[each].bytes === bytes)
          : [],
      );
      const wanted = has.filter((mark) => mark in modules);
      // esbuild copies nothing. The others copy what the main entry names by a URL, used or not: it lies beside the page
      // then, and nobody downloads it.
      if (bundler !== 'esbuild') {
        for (const each of wanted) assert.ok(copied.includes(each), `${name}: ${copied}`);
        const excused = entries[name].code.includes(`'agent-memory-wasm'`) ? ['core', 'mem0'] : [];
        for (const each of copied)
          assert.ok(wanted.includes(each) || excused.includes(each), `${name}: ${copied}`);
      }
      sizes.set(`${bundler} ${name}`, {
        script: sum(files.filter(({ text }) => text !== undefined)),
        wasm: sum(wanted.map((each) => modules[each])),
      });
    }
  });
}

test('tree shaking: docs/bundlers.md has these sizes', async () => {
  const text = await readFile(path.join(root, 'docs/bundlers.md'), 'utf8');
  const rows = text.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  for (const name of names) {
    const row = rows.find(([, what]) => what === `\`${name}\``);
    assert.ok(row, name);
    const quoted = row.slice(2, 7).map(Number);
    const measured = [
      ...bundlers.map((bundler) => sizes.get(`${bundler} ${name}`).script),
      sizes.get(`vite ${name}`).wasm,
    ];
    for (const [index, bytes] of measured.entries()) {
      const said = quoted[index];
      const isNear = Math.abs(said * 1000 - bytes) <= 200 + 0.02 * bytes;
      assert.ok(
        isNear,
        `${name}, ${[...bundlers, 'modules'][index]}: ${said} kB, is ${bytes} bytes`,
      );
    }
  }
});

const sum = (files) => files.reduce((bytes, { gzipBytes }) => bytes + gzipBytes, 0);

after(() => {
  const wide = Math.max(...names.map((name) => name.length));
  const kB = (bytes) => (bytes === 0 ? '' : (bytes / 1000).toFixed(1));
  console.log(
    `\n${'kB, gzipped'.padEnd(wide)}${[...bundlers, 'modules'].map((each) => each.padStart(10)).join('')}`,
  );
  for (const name of names) {
    const cells = bundlers.map((bundler) => kB(sizes.get(`${bundler} ${name}`)?.script ?? 0));
    cells.push(kB(sizes.get(`vite ${name}`)?.wasm ?? 0));
    console.log(name.padEnd(wide) + cells.map((cell) => cell.padStart(10)).join(''));
  }
});
