// LocalProvider.exportMemories and importMemories.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { interceptedStorage } from './support/faulty-storage.mjs';
import { day, manualClock, openProvider, soon } from './support/open.mjs';
import { refused } from './support/refused.mjs';

/** A provider with something of everything. */
async function furnished(t, clock = manualClock()) {
  const provider = await openProvider(t, { now: clock.now });
  await provider.storeMemories(
    [
      { role: 'user', name: 'Ada', content: 'I keep bees\nin "blue" hives \u2028 😀' },
      { role: 'assistant', content: 'How many?' },
    ],
    { userId: 'ada', agentId: 'bot', runId: 'r1', metadata: { a: [1, { b: null }], ü: 'x' } },
  );
  await provider.storeMemories('Ben keeps wasps', { userId: 'ben', expiresAt: clock.time + day });
  await provider.storeMemories('The weather is fine', { timestamp: '1999-12-31T23:59:59.999Z' });
  clock.advance(1000);
  const [changed] = await provider.getAllMemories({ userId: 'ben' });
  await provider.updateMemory(changed.id, { memory: 'Ben keeps hornets' });
  const [deleted] = await provider.storeMemories('forget me', { userId: 'ada' });
  await provider.deleteMemory(deleted.id);
  return provider;
}

const everything = async (provider) => {
  const all = await Promise.all(
    [{}, { userId: 'ada' }, { userId: 'ben' }].map((who) => provider.getAllMemories(who)),
  );
  const memories = all.flat();
  const histories = await Promise.all(memories.map(({ id }) => provider.history(id)));
  const searches = await Promise.all(
    ['bees', 'hornets', 'weather'].flatMap((query) =>
      [{}, { userId: 'ada' }, { userId: 'ben' }].map((who) =>
        provider.retrieveMemories(query, { ...who, explain: true, strategy: 'hybrid' }),
      ),
    ),
  );
  return { memories, histories, searches };
};

test('an export imported into an empty store gives equal results: ids, times, histories, searches', async (t) => {
  const clock = manualClock();
  const source = await furnished(t, clock);
  const file = await source.exportMemories();
  const target = await openProvider(t, { now: clock.now });
  assert.deepEqual(await target.importMemories(file), { added: 4, skipped: 0 });
  assert.deepEqual(await everything(target), await everything(source));
  assert.equal(await target.exportMemories(), file, 'and exports the same again');
  clock.advance(2 * day);
  assert.deepEqual(await target.getAllMemories({ userId: 'ben' }), [], 'expiry came along');
});

test('what was imported is durable and can be changed like any other', async (t) => {
  const file = await (await furnished(t)).exportMemories();
  const target = await openProvider(t);
  await target.importMemories(file);
  const [{ id }] = await target.getAllMemories({ userId: 'ada', limit: 1 });
  await target.updateMemory(id, { memory: 'changed' });
  assert.equal((await target.history(id)).at(-1).memory, 'changed');
  assert.equal(await target.deleteMemory(id), true);
});

test('importing twice adds nothing', async (t) => {
  const source = await furnished(t);
  const file = await source.exportMemories();
  assert.deepEqual(await source.importMemories(file), { added: 0, skipped: 4 });
  const target = await openProvider(t, { now: manualClock().now });
  await target.importMemories(file);
  assert.deepEqual(await target.importMemories(file), { added: 0, skipped: 4 });
});

test('the same words in the same scope are skipped although the id differs', async (t) => {
  const source = await openProvider(t);
  await source.storeMemories(['I keep bees', 'I keep wasps'], { userId: 'ada' });
  const target = await openProvider(t);
  const [own] = await target.storeMemories('i keep BEES', { userId: 'ada' });
  assert.deepEqual(await target.importMemories(await source.exportMemories()), {
    added: 1,
    skipped: 1,
  });
  assert.equal((await target.getMemory(own.id)).memory, 'i keep BEES');
});

test('what was deleted here can be brought back by an import', async (t) => {
  const provider = await openProvider(t);
  const [{ id }] = await provider.storeMemories('I keep bees');
  const file = await provider.exportMemories();
  await provider.deleteMemory(id);
  assert.deepEqual(await provider.importMemories(file), { added: 1, skipped: 0 });
  assert.equal((await provider.getMemory(id)).memory, 'I keep bees');
  assert.equal((await provider.retrieveMemories('bees')).length, 1);
});

test('an export of one user holds nobody else’s', async (t) => {
  const provider = await furnished(t);
  const file = await provider.exportMemories({ userId: 'ada' });
  assert.ok(file.includes('bees') && !file.includes('hornets') && !file.includes('weather'));
  assert.ok(!file.includes('forget me'));
});

test('an export is JSON Lines: a header that counts, then one memory a line', async (t) => {
  const provider = await furnished(t);
  const file = await provider.exportMemories();
  assert.ok(file.endsWith('\n'));
  const [header, ...memories] = file
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(header, { format: 'agent-memory', version: 1, memories: 4 });
  assert.equal(memories.length, 4);
});

test('an import may have blank lines, Windows line ends and no line end at the end', async (t) => {
  const file = await (await furnished(t)).exportMemories();
  const target = await openProvider(t, { now: manualClock().now });
  const other = `\n${file.trimEnd().replaceAll('\n', '\r\n\r\n')}`;
  assert.deepEqual(await target.importMemories(other), { added: 4, skipped: 0 });
});

test('progress is told until all is done', async (t) => {
  const source = await openProvider(t);
  await source.storeMemories(Array.from({ length: 1700 }, (_, n) => `number ${n}`));
  const file = await source.exportMemories();
  const target = await openProvider(t);
  const told = [];
  await target.importMemories(file, (done, total) => told.push([done, total]));
  await soon();
  assert.ok(told.length > 2, JSON.stringify(told));
  assert.deepEqual(told.at(-1), [1700, 1700]);
  for (let index = 1; index < told.length; index++) assert.ok(told[index][0] > told[index - 1][0]);
});

test('an import that fails half-way says how far it came, and goes on from there when it is done again', async (t) => {
  const source = await openProvider(t);
  await source.storeMemories(Array.from({ length: 1200 }, (_, n) => `number ${n}`));
  const file = await source.exportMemories();
  const inner = memoryStorage();
  let writes = 0;
  const full = new DOMException('The quota has been exceeded.', 'QuotaExceededError');
  const storage = interceptedStorage(inner, (method) =>
    method === 'write' && ++writes === 3 ? () => Promise.reject(full) : undefined,
  );
  const target = await openProvider(t, { storage });
  const error = await refused(() => target.importMemories(file), {
    code: 'quota_exceeded',
    message:
      /^the import ended after 1000 of 1200 memories, which are kept and skipped when it is done again: .*QuotaExceededError/,
  });
  assert.equal(error.cause.cause, full);
  assert.equal((await target.status()).memories, 1000);
  assert.deepEqual(await target.importMemories(file), { added: 200, skipped: 1000 });
  assert.equal(await target.exportMemories(), file);
});

const line = { id: 'i1', memory: 'I keep bees', metadata: {}, createdAt: '2026-01-01T00:00:00Z' };
const header = '{"format":"agent-memory","version":1,"memories":2}';
const malformed = {
  'nothing at all': ['', 1],
  'no header': [`${JSON.stringify(line)}\n`, 1],
  'another header': ['{"format":"something else","version":1}', 1],
  'a newer version': ['{"format":"agent-memory","version":2}', 1],
  'no JSON': [`${header}\n${JSON.stringify(line)}\n{"id": `, 3],
  'no object': [`${header}\n[]`, 2],
  'no id': [`${header}\n${JSON.stringify({ ...line, id: undefined })}`, 2],
  'an empty id': [`${header}\n${JSON.stringify({ ...line, id: '' })}`, 2],
  'a memory that is no text': [`${header}\n${JSON.stringify({ ...line, memory: 5 })}`, 2],
  'an empty memory': [`${header}\n${JSON.stringify({ ...line, memory: ' ' })}`, 2],
  'no time': [`${header}\n${JSON.stringify({ ...line, createdAt: 'noon' })}`, 2],
  'a role that nobody has': [`${header}\n${JSON.stringify({ ...line, role: 'king' })}`, 2],
  'an empty userId': [`${header}\n${JSON.stringify({ ...line, userId: '' })}`, 2],
  'a userId that is no text': [`${header}\n${JSON.stringify({ ...line, userId: 7 })}`, 2],
  'metadata that is no object': [`${header}\n${JSON.stringify({ ...line, metadata: [] })}`, 2],
  'metadata that is too large': [
    `${header}\n${JSON.stringify({ ...line, metadata: { text: 'x'.repeat(1 << 17) } })}`,
    2,
  ],
  'a history that is none': [
    `${header}\n${JSON.stringify({ ...line, history: [{ event: 'EAT' }] })}`,
    2,
  ],
  'a text that is too long': [
    `${header}\n${JSON.stringify({ ...line, memory: 'x '.repeat(1 << 20) })}`,
    2,
  ],
};
for (const [name, [file, number]] of Object.entries(malformed)) {
  test(`an import with ${name} is refused, names line ${number}, and adds nothing`, async (t) => {
    const provider = await openProvider(t);
    const good = { ...line, id: 'good', memory: 'a good line' };
    const lines = file.split('\n');
    // A good memory before the bad one does not get in either.
    if (number > 1) lines.splice(1, 0, JSON.stringify(good));
    await refused(() => provider.importMemories(lines.join('\n')), {
      field: 'json',
      message: new RegExp(`line ${number > 1 ? number + 1 : number}\\b`),
    });
    assert.equal((await provider.status()).memories, 0);
  });
}

test('progress that is no function is refused', async (t) => {
  const provider = await furnished(t);
  const file = await provider.exportMemories();
  for (const onProgress of [5, null, 'x', {}]) {
    await refused(() => provider.importMemories(file, onProgress), { field: 'onProgress' });
  }
});
