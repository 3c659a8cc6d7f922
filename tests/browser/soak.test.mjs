// A little of what `npm run test:soak` does in full.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { leaks, leaksIn } from '../js/support/leaks.mjs';
import { openSoak, run, soak } from './soak.mjs';

let runner;

before(async () => {
  runner = await openSoak();
  // Code that is compiled as it runs takes some hundred cycles.
  await run(runner, 300);
});

after(() => runner?.close());

test('cycles over IndexedDB leave nothing behind, neither in the module nor in JavaScript', async () => {
  assert.deepEqual(leaksIn(await soak(runner, { count: 300, sampleCount: 30 })), []);
});

for (const [what, { heap }] of Object.entries(leaks)) {
  test(`${what}, once a cycle, is found`, async () => {
    const found = leaksIn(await soak(runner, { count: 45, sampleCount: 15, what }));
    assert.ok(
      found.some((each) => each.startsWith(`${heap}: `)),
      `found: ${found}`,
    );
  });
}

test('as few cycles without one are in order: what was found was what was put in', async () => {
  assert.deepEqual(leaksIn(await soak(runner, { count: 45, sampleCount: 15 })), []);
});
