// A few rounds of what `npm run test:kill` does in full.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installed } from './any-browser.mjs';
import { kills } from './kill.mjs';

for (const [kind, rounds] of [
  ['chromium', 6],
  ['firefox', 3],
]) {
  const isMissing = !installed.includes(kind);
  test(
    `${kind}, killed ${rounds} times while it writes, has all that was acknowledged`,
    {
      skip: isMissing && `no ${kind}`,
    },
    async () => {
      const { acknowledged } = await kills(kind, rounds);
      assert.ok(acknowledged >= 5 * rounds);
    },
  );
}
