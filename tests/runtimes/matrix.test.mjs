// The packed package in every runtime of this machine: what npm run test:runtimes prints, as tests, and that README says
// the same.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { root } from '../browser/support.mjs';
import { makeProjects, run, runtimeNames, summaryOf, tableOf } from './matrix.mjs';
import { capabilities } from './suite.mjs';
import { programOf } from './tools.mjs';

let projects;
let remove;
const rows = [];

before(async () => {
  ({ projects, remove } = await makeProjects());
});

after(() => remove?.());

/** What the pages of a browser say of addresses and policies that give no module. */
function checkLoading({ loading, refused }) {
  const advice = /Copy agent-memory-mem0\.wasm next to your script, .*agent-memory-wasm\/inline\.$/;
  for (const [file, reason] of [
    ['missing.wasm', /\/app\/missing\.wasm answered with status 404\. /],
    ['page.html', /\/app\/page\.html answered with a web page\. /],
    ['script.js', /\/app\/script\.js answered with no WebAssembly, but 'text\/javascript'\. /],
    ['broken.wasm', /could not be loaded: .+\. /],
    ['elsewhere', /^.*: http:.* was not fetched \(.+\): .*the page's connect-src forbids it\. /],
  ]) {
    const { code, isRetryable, message } = loading[file];
    assert.deepEqual([code, isRetryable], ['internal', true], message);
    assert.match(message, reason);
    assert.match(message, advice);
  }
  // In spite of a type that is wrong.
  assert.equal(loading['typeless.bin'], 'loaded');
  assert.deepEqual([refused.code, refused.isRetryable], ['internal', false], refused.message);
  assert.match(
    refused.message,
    /Content-Security-Policy needs script-src 'self' 'wasm-unsafe-eval'/,
  );
}

for (const name of runtimeNames) {
  test(name, async (t) => {
    const found = await run(name, projects);
    rows.push(...found);
    if (found[0].missing) return t.skip(`there is no ${name} here`);
    for (const row of found) {
      await t.test(row.name, async (place) => {
        for (const capability of capabilities) {
          const cell = row.cells[capability];
          const skip = cell === 'none' && 'it has none';
          await place.test(capability, { skip }, () => assert.equal(cell, 'ok'));
        }
      });
      for (const each of row.details ?? []) {
        await t.test(`${name} says why a module was not loaded`, () => checkLoading(each));
      }
    }
    return undefined;
  });
}

const deno = programOf('deno');
test(
  'Deno that may read and write nothing loads the modules all the same',
  {
    skip: !deno && 'there is no Deno here',
  },
  async () => {
    const [{ folder }] = projects;
    const file = path.join(folder, 'without-permissions.mjs');
    await writeFile(
      file,
      `import { LocalProvider, loadMem0 } from 'agent-memory-wasm';
     import { languages } from 'agent-memory-wasm/languages';
     const provider = await LocalProvider.open();
     await provider.storeMemories('I keep bees');
     await loadMem0();
     console.log((await provider.retrieveMemories('bees')).length, (await languages('german')).length);
     await provider.close();`,
    );
    const args = ['run', '--no-prompt', '--no-lock', file];
    const { stdout } = await promisify(execFile)(deno, args, { cwd: folder, timeout: 60_000 });
    assert.equal(stdout.trim(), '1 1');
  },
);

test(
  'Deno that may read and write a folder, and nothing else, keeps memories in it, encrypted, too, and forgets',
  {
    skip: !deno && 'there is no Deno here',
  },
  async () => {
    const [{ folder }] = projects;
    const file = path.join(folder, 'with-a-folder.mjs');
    await writeFile(
      file,
      `import { readdirSync, readFileSync } from 'node:fs';
     import { LocalProvider } from 'agent-memory-wasm';
     import { encryptedStorage } from 'agent-memory-wasm/storage/encrypted';
     import { fileStorage } from 'agent-memory-wasm/storage/file';
     const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
     for (const [name, over] of [['plain', (store) => store], ['sealed', (store) => encryptedStorage(store, key)]]) {
       const folder = 'of Deno/' + name;
       const provider = await LocalProvider.open({ storage: over(fileStorage(folder)) });
       provider.subscribe(({ type, error }) => { if (error) console.log(type, error.message); });
       const [{ id }] = await provider.storeMemories(['I keep wombats', 'I keep bees']);
       await provider.deleteMemory(id);
       await provider.close();
       const again = await LocalProvider.open({ storage: over(fileStorage(folder)) });
       const texts = (await again.getAllMemories()).map(({ memory }) => memory);
       await again.close();
       const left = readdirSync(folder).map((each) => readFileSync(folder + '/' + each, 'latin1')).join('');
       console.log(name, texts.join(), left.includes('wombats'));
     }`,
    );
    const may = ['--allow-read=of Deno', '--allow-write=of Deno'];
    const args = ['run', '--no-prompt', '--no-lock', ...may, file];
    const { stdout } = await promisify(execFile)(deno, args, { cwd: folder, timeout: 60_000 });
    assert.deepEqual(stdout.trim().split('\n'), [
      'plain I keep bees false',
      'sealed I keep bees false',
    ]);
  },
);

test('README has the table that comes out', async () => {
  const readme = await readFile(path.join(root, 'README.md'), 'utf8');
  const linesOf = (text) =>
    text
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .map((line) => line.replaceAll(/ +/g, ' ').replaceAll(/-+/g, '-'));
  console.log(tableOf(rows, { seconds: true }));
  const known = linesOf(readme);
  for (const line of linesOf(tableOf(summaryOf(rows.filter(({ missing }) => !missing))))) {
    assert.ok(known.includes(line), line);
  }
});
