// What durableObjectStorage says without an object; runtimes/durable-object.test.mjs has the real one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  durableObjectRehearsal,
  durableObjectStorage,
} from 'agent-memory-wasm/storage/durable-object';
import { storageContract } from 'agent-memory-wasm/testing';
import { bytes, hasCode } from './support/waiting.mjs';

test('durable object: what is no storage of a SQLite-backed object is refused at once', () => {
  for (const wrong of [undefined, null, 'x', {}, { sql: {} }, { sql: { exec: () => [] } }]) {
    assert.throws(
      () => durableObjectStorage(wrong),
      (error) => hasCode('invalid_argument')(error) && error.field === 'storage',
    );
  }
});

test('durable object: a full object is quota_exceeded, another failure an error of the store', async () => {
  const failing = (message) =>
    durableObjectStorage({
      sql: { exec: () => ({ raw: () => [] }) },
      transactionSync: () => {
        throw new Error(message);
      },
    });
  const batch = { put: [['key', bytes(1)]] };
  await assert.rejects(
    failing('database or disk is full: SQLITE_FULL').write(batch),
    hasCode('quota_exceeded'),
  );
  await assert.rejects(failing('no such luck').write(batch), (error) => {
    assert.equal(error.cause.message, 'no such luck');
    return hasCode('storage')(error);
  });
});

// The statements are those of a real object: what stands in for one must answer them as SQLite does.
let rehearsed = durableObjectRehearsal();
storageContract({
  test: (name, body) => test(`durable object, rehearsed: ${name}`, body),
  open: () => (rehearsed = durableObjectRehearsal())(),
  reopen: () => rehearsed(),
  share: () => rehearsed(),
  validates: true,
  afterClose: 'rejects',
});
