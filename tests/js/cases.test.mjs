// The cases that the C++ tests read as well, through the package.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { openProvider } from './support/open.mjs';
import { refused } from './support/refused.mjs';

const folder = path.join(import.meta.dirname, '../cases');
const readCases = async (file) => JSON.parse(await readFile(path.join(folder, file), 'utf8'));

// ------------------------------------------------------------------------------------- messages.json

/** What the cases tell of a message, of each memory. */
async function storedBy(provider, receipts) {
  const memories = await Promise.all(receipts.map(({ id }) => provider.getMemory(id)));
  return memories.map(({ memory, role, name, createdAt }) => ({ memory, role, name, createdAt }));
}

for (const { name, input, expected, error } of await readCases('messages.json')) {
  test(`messages: ${name}`, async (t) => {
    const now = '2001-01-01T00:00:00.000Z';
    const provider = await openProvider(t, { now: () => Date.parse(now) });
    if (error) {
      await refused(() => provider.storeMemories(input), error);
      assert.equal((await provider.status()).memories, 0);
      return;
    }
    const receipts = await provider.storeMemories(input);
    assert.deepEqual(
      await storedBy(provider, receipts),
      expected.map(({ text: memory, role, name: speaker, time = now }) => ({
        memory,
        role,
        name: speaker,
        createdAt: time,
      })),
    );
  });
}

test('every file of cases is read by some test', async () => {
  const source = await readFile(import.meta.filename, 'utf8');
  for (const file of await readdir(folder)) assert.ok(source.includes(file), file);
});
