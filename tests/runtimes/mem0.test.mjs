// Mem0Provider in workerd, the program that Cloudflare runs, against a server on loopback.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { hasOpenApi, startMem0 } from '../js/support/mem0-server.mjs';
import { Workerd } from './workerd.mjs';

const skip = hasOpenApi ? false : 'the vendor’s OpenAPI does not lie beside the project';
let worker;
let server;

before(async () => {
  server = await startMem0({ pendingPolls: 1 });
  worker = await Workerd.start({
    entry: path.join(import.meta.dirname, 'mem0-worker.mjs'),
    compatibilityDate: '2025-01-01',
  });
});

after(async () => {
  await worker?.stop();
  await server?.close();
});

test(
  'in workerd it stores, finds and deletes, in one request after another',
  { skip },
  async () => {
    for (let round = 0; round < 2; round++) {
      const where = `${worker.origin}/?${new URLSearchParams({ url: server.url, key: server.key })}`;
      const answer = await fetch(where);
      assert.equal(answer.status, 200, await answer.clone().text());
      const { stored, found, ...rest } = await answer.json();
      assert.equal(stored.memory, 'Fact: I like green tea.');
      assert.equal(found.id, stored.id);
      assert.deepEqual(rest, {
        missing: null,
        refused: 'invalid_argument',
        left: [],
        isProvider: true,
      });
    }
    assert.deepEqual(server.problems, []);
  },
);
