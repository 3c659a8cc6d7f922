// A page of Chromium opens a store in IndexedDB, writes, searches and closes it again and again: both heaps are as they
// were. And that a leak would be found.
//
//   node tests/browser/soak.mjs           2000 cycles, and each leak
//   node tests/browser/soak.mjs 500       500 cycles
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { leaks, leaksIn } from '../js/support/leaks.mjs';
import { bundleOf, Chromium, pageWith, root, serve } from './support.mjs';

/** A page that is ready for `soak`; `close()` ends it. */
export async function openSoak() {
  const script = await bundleOf('soak-page');
  const server = await serve(root, {
    files: {
      '/page.html': pageWith('/app/soak.js'),
      '/app/soak.js': script,
      '/app/agent-memory.wasm': await readFile(path.join(root, 'dist/agent-memory.wasm')),
    },
  });
  const chromium = await Chromium.start();
  const page = await chromium.open(`${server.origin}/page.html`);
  await page.waitForFunction(() => globalThis.soak !== undefined);
  const session = await chromium.context.newCDPSession(page);
  return {
    page,
    session,
    async close() {
      await chromium.stop();
      await server.close();
    },
  };
}

/** `count` cycles, each of which leaves behind `what` of `leaks`, if anything. */
export const run = ({ page }, count, what) =>
  page.evaluate(([times, leak]) => globalThis.soak.run(times, leak), [count, what]);

/** The same; the samples that `leaksIn` takes. */
export async function soak(runner, { count, sampleCount, what }) {
  const samples = [];
  const step = count / sampleCount;
  for (let cycle = step; cycle <= count; cycle += step) {
    await run(runner, step, what);
    samples.push({ cycle, ...(await measure(runner)) });
  }
  return samples;
}

/** Bytes of both heaps, without what nobody holds. */
async function measure({ page, session }) {
  for (let round = 0; round < 2; round++) {
    await session.send('HeapProfiler.collectGarbage');
    // What is collected gives back its part of the module's heap in a task of its own.
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 5)));
  }
  const wasm = await page.evaluate(() => globalThis.soak.allocatedBytes());
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize, embedderHeapUsedSize, backingStorageSize } =
    await session.send('Runtime.getHeapUsage');
  return { wasm, js: usedSize + embedderHeapUsedSize + backingStorageSize };
}

if (process.argv[1] === import.meta.filename) {
  const count = Number(process.argv[2] ?? 2000);
  const runner = await openSoak();
  let isWrong = false;
  try {
    const samples = await soak(runner, { count, sampleCount: 50 });
    for (const { cycle, wasm, js } of [0, 16, 33, 49].map((index) => samples[index])) {
      console.log(`after ${cycle} cycles: ${wasm} bytes in the module, ${js} in JavaScript`);
    }
    const found = leaksIn(samples);
    console.log(found.length === 0 ? `${count} cycles left nothing behind` : found.join('\n'));
    isWrong = found.length > 0;
    for (const [what, { heap }] of Object.entries(leaks)) {
      const told = leaksIn(await soak(runner, { count: 60, sampleCount: 15, what }));
      const isFound = told.some((each) => each.startsWith(`${heap}: `));
      console.log(`${what}: ${isFound ? told.join('; ') : 'NOT FOUND'}`);
      isWrong ||= !isFound;
    }
  } finally {
    await runner.close();
  }
  process.exitCode = isWrong ? 1 : 0;
}
