// Two thousand times opened, written, searched and closed: both heaps are as they were. And that a leak would be found.
// In Chromium: `npm run test:soak`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as library from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import {
  allocatedBytes,
  catchMemory,
  cycleOf,
  leaks,
  leaksIn,
  sampled,
  slopeOf,
} from './support/leaks.mjs';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');
const memoryOf = catchMemory();

/** Bytes of both heaps, without what nobody holds. */
async function measure() {
  for (let round = 0; round < 2; round++) {
    collectGarbage();
    // What is collected gives back its part of the module's heap in a task of its own.
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { wasm: allocatedBytes(memoryOf()), js: heapUsed + arrayBuffers };
}

function soak({ count, sampleCount, leave }) {
  const storage = memoryStorage();
  const cycle = cycleOf({ library, memoryStorage, storageOf: () => storage, leave });
  return sampled({ count, sampleCount, cycle, measure });
}

test('the slope of a line is its slope, whatever single points say', () => {
  const points = Array.from({ length: 20 }, (_, x) => [x, 3 * x + 5]);
  assert.equal(slopeOf(points), 3);
  points[4][1] = 1e9;
  points[15][1] = -1e9;
  assert.equal(slopeOf(points), 3);
});

test('a heap that jumps once does not leak, one that grows a little each time does', () => {
  const heaps = (bytesOf) =>
    Array.from({ length: 30 }, (_, n) => ({ cycle: n * 10, wasm: 1000, js: bytesOf(n * 10) }));
  assert.deepEqual(leaksIn(heaps((n) => (n < 250 ? 5e6 : 6e6))), []);
  assert.deepEqual(leaksIn(heaps((n) => 5e6 + n * 100 + (n % 3) * 1000)), []);
  assert.deepEqual(leaksIn(heaps((n) => 5e6 + n * 500 + (n % 3) * 1000)), [
    'js: each cycle leaves 500 bytes, 128 are allowed',
  ]);
});

test('two thousand cycles leave nothing behind, neither in the module nor in JavaScript', async (t) => {
  const samples = await soak({ count: 2000, sampleCount: 50 });
  const [first, last] = [samples[16], samples.at(-1)];
  t.diagnostic(
    `after ${first.cycle} cycles ${first.wasm} and ${first.js} bytes, after ${last.cycle} ${last.wasm} and ${last.js}`,
  );
  assert.deepEqual(leaksIn(samples), []);
});

/** How many bytes a cycle `found` says of `heap`. */
const bytesFound = (found, heap) =>
  Number(found.find((each) => each.startsWith(`${heap}: `))?.match(/leaves (\d+)/)[1] ?? 0);

// So few cycles see the history and the tombstones of the store grow to what they are later, and code being compiled.
const few = { count: 60, sampleCount: 15 };

test('what is left behind in each cycle is found, beside what as few cycles find without it', async (t) => {
  const without = leaksIn(await soak(few));
  t.diagnostic(`without: ${without.join('; ')}`);
  for (const [what, { heap, leave }] of Object.entries(leaks)) {
    await t.test(what, async (t) => {
      const found = leaksIn(await soak({ ...few, leave }));
      t.diagnostic(found.join('; '));
      const more = bytesFound(found, heap) - bytesFound(without, heap);
      assert.ok(more > 400, `found: ${found}; without: ${without}`);
    });
  }
});
