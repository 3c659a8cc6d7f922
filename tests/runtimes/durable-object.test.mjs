// durableObjectStorage in workerd, the program that Cloudflare runs: the contract, a provider over it, and kill -9 while
// memories are stored.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Workerd } from './workerd.mjs';

let running;

before(async () => {
  running = await Workerd.start({
    entry: path.join(import.meta.dirname, 'durable-object-worker.mjs'),
    objects: ['Memories'],
  });
});

after(() => running?.stop());

test('durable object: the storage contract holds, plain and encrypted', async (t) => {
  const results = await running.ask('contract-object/contract');
  assert.ok(results.length > 90, JSON.stringify(results).slice(0, 2_000));
  for (const { name, error } of results) await t.test(name, () => assert.equal(error, undefined));
});

test('durable object: a large value lies in rows below the limit of 2 MB', async () => {
  const rows = await running.ask('large/rows');
  assert.deepEqual(rows, Array(5).fill([1 << 20]));
});

test('durable object: values in several rows are scanned as others are, whatever the limit', async () => {
  const { scans, wrong } = await running.ask('scanned/scans');
  assert.deepEqual(wrong, []);
  assert.ok(scans > 300);
});

test('durable object: a batch that fails half way changes nothing', async () => {
  const { failure, left } = await running.ask('atomic/atomic');
  assert.equal(failure.code, 'storage');
  assert.match(failure.message, /^durable object: write failed: .*the second part failed/);
  assert.deepEqual(left, [['kept', [1]]]);
});

test('durable object: what an opening has read is given back at once, what somebody else scanned is theirs', async () => {
  const { own, found, large, kept } = await running.ask('released/released');
  assert.equal(found, 50);
  assert.ok(own > 4096 && large > 0, `${own} ${large}`);
  assert.equal(kept, 0);
});

test('durable object: objects keep memories apart, and across a restart', async () => {
  await running.ask('ada/store/I keep bees');
  await running.ask('ben/store/I keep wasps');
  await running.restart();
  assert.deepEqual(await running.ask('ada/list'), ['I keep bees']);
  assert.deepEqual(await running.ask('ben/list'), ['I keep wasps']);
  assert.equal((await running.ask('ada/search/bees')).length, 1);
});

test('durable object: killed at a random moment while it stores, it has all that was acknowledged', async () => {
  const acknowledged = [];
  for (let round = 0; round < 8; round++) {
    let isKilled = false;
    const storing = (async () => {
      for (let turn = 0; !isKilled; turn++) {
        const text = `round ${round} turn ${turn}`;
        const [{ event }] = await running.ask(`killed/store/${text}`);
        assert.equal(event, 'ADD');
        acknowledged.push(text);
      }
    })().catch((error) => assert.ok(isKilled, `${error}`));
    await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 200));
    isKilled = true;
    await running.kill();
    await storing;
    await running.restart();
    const found = new Set(await running.ask('killed/list'));
    for (const text of acknowledged) assert.ok(found.has(text), text);
    assert.ok(found.size <= acknowledged.length + round + 1);
  }
  assert.ok(acknowledged.length > 8);
});
