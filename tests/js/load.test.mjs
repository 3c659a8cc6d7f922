// Loading: importing does no work, load is idempotent and can be retried, and a process ends by itself.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { runModule } from './support/child.mjs';

const wasmPath = path.resolve(import.meta.dirname, '../../dist/agent-memory.wasm');
const wasmLiteral = JSON.stringify(wasmPath);

/** Counts what is made and fetched; goes before everything else. */
const spies = `
  const seen = { fetch: 0, compile: 0, instantiate: 0, timers: 0 };
  const wrap = (object, name, key) => {
    const original = object[name];
    object[name] = function (...args) { seen[key]++; return original.apply(this, args); };
  };
  wrap(globalThis, 'fetch', 'fetch');
  for (const name of ['compile', 'compileStreaming']) wrap(WebAssembly, name, 'compile');
  for (const name of ['instantiate', 'instantiateStreaming']) wrap(WebAssembly, name, 'instantiate');
  for (const name of ['setTimeout', 'setInterval', 'setImmediate']) wrap(globalThis, name, 'timers');
`;

test('importing, and constructing, does no work: no fetch, no compilation, no timer, no storage', async () => {
  const { stdout } = await runModule(`
    ${spies}
    globalThis.indexedDB = new Proxy({}, { get() { throw new Error('touched indexedDB'); } });
    const am = await import('agent-memory-wasm');
    await import('agent-memory-wasm/storage/memory');
    await import('agent-memory-wasm/storage/indexeddb');
    class Mine extends am.BaseMemoryProvider {}
    new am.MemoryContext(new Mine(), { userId: 'ada' }).retrievedMemories;
    new am.MemorySession(new Mine(), { userId: 'ada' });
    new am.MemoryError({ code: 'internal', message: 'x' });
    await null;
    console.log(JSON.stringify(seen));
  `);
  assert.equal(stdout.trim(), '{"fetch":0,"compile":0,"instantiate":0,"timers":0}');
});

test('there is no top-level await anywhere in the package', async () => {
  // require() of a module that awaits at its top level fails; service workers refuse it as well.
  const { stdout } = await runModule(
    `
    import { createRequire } from 'node:module';
    const require = createRequire(${JSON.stringify(import.meta.filename)});
    console.log(typeof require('agent-memory-wasm').load);
  `,
    { args: ['--experimental-require-module', '--no-warnings'], mayFail: true },
  );
  assert.equal(stdout.trim(), 'function');
});

test('the module is made once, however many ask for it at once', async () => {
  const { stdout } = await runModule(`
    ${spies}
    const { load, LocalProvider, memoryConfig } = await import('agent-memory-wasm');
    await Promise.all([load(), load(), LocalProvider.open(), LocalProvider.open(), memoryConfig()]);
    await load();
    await load({ wasm: 'https://ignored.invalid/' });
    console.log(seen.compile, seen.instantiate, seen.fetch);
  `);
  assert.equal(stdout.trim(), '1 1 0');
});

test('a source that is ignored may fail: nobody hears of it', async () => {
  const { stdout } = await runModule(`
    import { load } from 'agent-memory-wasm';
    process.on('unhandledRejection', () => console.log('unhandled'));
    await load();
    await load({ wasm: Promise.reject(new Error('ignored')) });
    await new Promise((resolve) => setTimeout(resolve, 5));
    console.log('loaded');
  `);
  assert.equal(stdout.trim(), 'loaded');
});

test('a warm-up runs where a program starts: without timers and random numbers, once, and leaves nothing behind', async () => {
  const { stdout } = await runModule(`
    ${spies}
    const { load, LocalProvider, MemoryError } = await import('agent-memory-wasm');
    // As in the global scope of a Worker.
    const real = crypto.getRandomValues;
    crypto.getRandomValues = () => { throw new Error('there are no random numbers yet'); };
    await Promise.all([load({ warmUp: true }), load({ warmUp: true })]);
    const { timers } = seen;
    await load({ warmUp: true });
    const refused = await load({ warmUp: 'yes' }).catch((error) => MemoryError.isInstance(error) && error.field);
    crypto.getRandomValues = real;
    const drawn = [];
    for (let n = 0; n < 2; n++) {
      const provider = await LocalProvider.open();
      const [{ id }] = await provider.storeMemories('I keep bees');
      drawn.push(id.slice(-12), (await provider.getAllMemories()).length);
      await provider.close();
    }
    console.log(timers, seen.instantiate, refused, drawn[0] !== drawn[2], drawn[1], drawn[3]);
  `);
  assert.equal(stdout.trim(), '0 1 warmUp true 1 1');
});

test('a warm-up runs over the store that it is given, if that is empty; refused, it can be tried again', async () => {
  const { stdout } = await runModule(`
    ${spies}
    const { load, LocalProvider } = await import('agent-memory-wasm');
    const { durableObjectRehearsal } = await import('agent-memory-wasm/storage/durable-object');
    const { memoryStorage } = await import('agent-memory-wasm/storage/memory');
    const full = memoryStorage();
    await full.write({ put: [['mine', Uint8Array.of(1)]] });
    const errors = [];
    for (const warmUp of ['yes', {}, () => undefined, () => ({}), () => full]) {
      await load({ warmUp }).catch(({ code, field }) => errors.push(code + ' ' + field));
    }
    const kept = (await full.scan('', undefined, 9)).map(([key, value]) => key + value);
    const real = crypto.getRandomValues;
    crypto.getRandomValues = () => { throw new Error('there are no random numbers yet'); };
    const { timers } = seen;
    const open = durableObjectRehearsal();
    let opened = 0;
    await load({ warmUp: () => { opened++; return open(); } });
    const before = seen.timers - timers;
    crypto.getRandomValues = real;
    const left = (await open().scan('', undefined, 9)).map(([key]) => key.split('/')[0]);
    console.log(JSON.stringify([errors, kept, before, opened > 1, left]));
  `);
  const [errors, kept, timers, isOpenedAgain, left] = JSON.parse(stdout);
  assert.deepEqual(errors, Array(5).fill('invalid_argument warmUp'));
  assert.deepEqual(kept, ['mine1']);
  assert.equal(timers, 0);
  assert.ok(isOpenedAgain);
  assert.deepEqual(left, ['head', 'image', 'segment']); // it was folded, and read from there
});

const sources = {
  'the bytes, as a Buffer': 'await readFile(file)',
  'the bytes, as an ArrayBuffer': 'Uint8Array.from(await readFile(file)).buffer',
  'a view on a larger buffer': `(() => { const all = readFileSync(file); const big = new Uint8Array(all.length + 64); big.set(all, 32); return big.subarray(32, 32 + all.length); })()`,
  'a compiled module': 'await WebAssembly.compile(await readFile(file))',
  'a response': `new Response(await readFile(file), { headers: { 'content-type': 'application/wasm' } })`,
  'a response without a type': 'new Response(await readFile(file))',
  'a promise of bytes': 'readFile(file)',
  'a promise of a response': `Promise.resolve(new Response(await readFile(file), { headers: { 'content-type': 'application/wasm' } }))`,
  'a data: URL as text': `'data:application/wasm;base64,' + (await readFile(file)).toString('base64')`,
  'the address of a file': 'pathToFileURL(file)',
  'the address of a file, as text': 'pathToFileURL(file).href',
  'a promise of an address': 'Promise.resolve(pathToFileURL(file))',
  'a module of another realm': `runInNewContext('WebAssembly.compile(bytes)', { bytes: await readFile(file) })`,
  'a URL': `new URL('data:application/wasm;base64,' + (await readFile(file)).toString('base64'))`,
};
for (const [name, source] of Object.entries(sources)) {
  test(`load takes ${name}`, async () => {
    const { stdout } = await runModule(`
      import { readFileSync } from 'node:fs';
      import { readFile } from 'node:fs/promises';
      import { pathToFileURL } from 'node:url';
      import { runInNewContext } from 'node:vm';
      import { load, LocalProvider } from 'agent-memory-wasm';
      const file = ${wasmLiteral};
      void [readFileSync, pathToFileURL, runInNewContext];
      await load({ wasm: ${source} });
      const provider = await LocalProvider.open();
      await provider.storeMemories('I keep bees');
      console.log((await provider.retrieveMemories('bees')).length);
    `);
    assert.equal(stdout.trim(), '1');
  });
}

test('load takes an address, fetches it once, and says what helps where there is no module', async (t) => {
  const requests = [];
  const wasm = await readFile(wasmPath);
  const answers = {
    '/missing.wasm': [404, 'text/plain', 'neither'],
    '/page.html': [200, 'text/html; charset=utf-8', '<!doctype html>'],
    '/script.js': [200, 'text/javascript', 'neither'],
    '/empty.wasm': [200, '', ''],
    '/broken.wasm': [200, 'application/wasm', 'neither'],
    '/untyped.bin': [200, 'text/plain', wasm],
  };
  const server = createServer((request, response) => {
    requests.push(request.url);
    const [status, type, body] = answers[request.url];
    response.writeHead(status, { 'content-type': type });
    response.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const addresses = Object.keys(answers);
  const { stdout } = await runModule(`
    import { load, memoryConfig } from 'agent-memory-wasm';
    const base = 'http://127.0.0.1:${server.address().port}';
    const attempts = ['http://127.0.0.1:1/', '/relative.wasm', 'file:///no/such.wasm', ...${JSON.stringify(addresses)}.map((each) => base + each), base + '/late.wasm'];
    for (const wasm of attempts) {
      await load({ wasm }).then(() => console.log('loaded'), (error) => console.log(error.code, error.name, error.isRetryable, error.message.replaceAll(base, '')));
    }
    console.log((await memoryConfig()).topK);
  `);
  const lines = stdout.trim().split('\n');
  const expected = [
    /http:\/\/127\.0\.0\.1:1\/ was not fetched \(fetch failed\): it cannot be reached, or /,
    /\/relative\.wasm was not fetched \(.*URL.*\): /,
    /ENOENT/,
    /: \/missing\.wasm answered with status 404\. /,
    /: \/page\.html answered with a web page\. /,
    /: \/script\.js answered with no WebAssembly, but 'text\/javascript'\. /,
    /: \/empty\.wasm answered with no WebAssembly, but ''\. /,
    /: .*expected magic word/,
  ];
  for (const [index, reason] of expected.entries()) {
    assert.match(
      lines[index],
      /^internal InternalError true the WebAssembly module could not be loaded: /,
    );
    assert.match(lines[index], reason);
    assert.match(
      lines[index],
      /[^.]\. Copy agent-memory\.wasm next to your script, call load\(\{ wasm \}\) with its address, or import agent-memory-wasm\/inline\.$/,
    );
  }
  assert.deepEqual(lines.slice(expected.length), ['loaded', 'loaded', '5']);
  assert.deepEqual(requests, addresses);
});

for (const [name, args, reason] of [
  // V8 has SIMD where the processor has what SSE 4.1 is; the flag takes that away.
  ['without SIMD', ['--no-enable-sse4-1'], /It needs WebAssembly with SIMD: Chrome 91, /],
  ['without WebAssembly', ['--jitless'], /WebAssembly is missing or switched off here/],
]) {
  const skip = process.arch !== 'x64' && name === 'without SIMD' && 'it is a flag for x64';
  test(`a runtime ${name} is said to be so, and that a retry is of no use`, { skip }, async () => {
    const { stdout } = await runModule(
      `
      import { LocalProvider, Mem0Provider } from 'agent-memory-wasm';
      import { languages } from 'agent-memory-wasm/languages';
      const mem0 = new Mem0Provider({ apiKey: 'm0-x', baseUrl: 'http://127.0.0.1:1' });
      for (const attempt of [() => LocalProvider.open(), () => mem0.getAllMemories({ userId: 'ada' }), () => languages('german')])
        await attempt().catch(({ code, isRetryable, message }) => console.log(code, isRetryable, message));
    `,
      { args },
    );
    const lines = stdout.trim().split('\n');
    for (const [index, module] of [
      'the WebAssembly module',
      'the Mem0 WebAssembly module',
      "the languages' WebAssembly module",
    ].entries()) {
      if (lines[index] === undefined && name === 'without SIMD') continue; // these two have none
      assert.ok(lines[index].startsWith(`internal false ${module} could not be loaded: `), stdout);
      assert.match(lines[index], reason);
    }
  });
}

test('a failed load fails everyone who waited, and the next one starts anew', async () => {
  const { stdout } = await runModule(`
    import { load, LocalProvider, MemoryContext } from 'agent-memory-wasm';
    const broken = load({ wasm: new Uint8Array([1, 2, 3]) });
    const own = { retrieveMemories: async () => [], storeMemories: async () => [], getAllMemories: async () => [], deleteMemory: async () => false };
    const context = new MemoryContext(own);
    const results = await Promise.allSettled([broken, LocalProvider.open(), context.search('bees')]);
    console.log(results.map(({ reason }) => reason?.code + ' ' + (reason?.cause instanceof WebAssembly.CompileError)).join());
    console.log((await context.search('bees')).length);
    console.log((await (await LocalProvider.open()).status()).memories);
  `);
  assert.deepEqual(stdout.trim().split('\n'), [
    'internal true,internal true,internal true',
    '0',
    '0',
  ]);
});

test('a source that is none is refused', async () => {
  const { stdout } = await runModule(`
    import { load } from 'agent-memory-wasm';
    const offline = () => Promise.reject(new Error('offline'));
    for (const source of [5, {}, [], true, new Map(), Promise.resolve(7), offline]) {
      const wasm = source === offline ? offline() : source;
      await load({ wasm }).then(() => console.log('loaded'), ({ code, message }) => console.log(code, /could not be loaded: ./.test(message)));
    }
    await load();
    console.log('loaded');
  `);
  assert.deepEqual(stdout.trim().split('\n'), [...Array(7).fill('internal true'), 'loaded']);
});

for (const [name, end] of [
  ['after close', 'await provider.close();'],
  ['without close', ''],
  [
    'in the middle of writing',
    'provider.storeMemories("one more"); provider.storeMemories("and more");',
  ],
  [
    'with a listener and a context',
    'provider.subscribe(() => {}); await new MemoryContext(provider).search("bees");',
  ],
]) {
  test(`a process ends by itself ${name}`, async () => {
    const { stdout } = await runModule(
      `
      import { LocalProvider, MemoryContext } from 'agent-memory-wasm';
      void MemoryContext;
      const provider = await LocalProvider.open();
      // Enough that folding the log is due.
      for (let n = 0; n < 300; n++) await provider.storeMemories('memory ' + n);
      ${end}
      console.log('done');
      const start = performance.now();
      process.on('exit', () => console.log(performance.now() - start < 900));
    `,
      { timeoutMs: 10_000 },
    );
    assert.deepEqual(stdout.trim().split('\n'), ['done', 'true']);
  });
}

test('nothing is written to the console, and no rejection goes unhandled, when calls fail', async () => {
  const { stdout, stderr } = await runModule(`
    import { LocalProvider, MemoryContext, MemorySession } from 'agent-memory-wasm';
    const provider = await LocalProvider.open();
    const attempts = [
      () => provider.retrieveMemories(''), () => provider.storeMemories([5]), () => provider.getAllMemories({ limit: 0 }),
      () => provider.updateMemory('x', { memory: 'y' }), () => provider.importMemories('x'),
      () => provider.retrieveMemories('x', { signal: AbortSignal.abort() }),
      () => new MemorySession(provider).afterRun([]), () => new MemoryContext(provider).search(5),
    ];
    for (const attempt of attempts) await attempt().catch(() => undefined);
    await provider.close();
    for (const attempt of attempts) await attempt().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 5));
  `);
  assert.equal(stdout, '');
  assert.equal(stderr.replace(/agent-memory: \w+ went on without memory[^]*/, ''), '');
});
