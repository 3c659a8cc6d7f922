// Stores that fail, hang, lie, or were written by a newer version.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalProvider, MemoryContext } from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { runModule } from './support/child.mjs';
import { deferred, interceptedStorage, recordsOf } from './support/faulty-storage.mjs';
import { nextEvent, openProvider, soon, textsOf } from './support/open.mjs';
import { refused } from './support/refused.mjs';

const quota = () => new DOMException('The quota has been exceeded.', 'QuotaExceededError');

/** A store over memoryStorage whose `method` fails with `error` while `faults.error` is set. */
function failing(method) {
  const faults = { inner: memoryStorage(), error: undefined, calls: 0 };
  faults.storage = interceptedStorage(faults.inner, (name) => {
    if (name !== method || faults.error === undefined) return undefined;
    faults.calls++;
    return () => Promise.reject(faults.error);
  });
  return faults;
}

const writes = {
  storeMemories: (provider) => provider.storeMemories('I keep wasps', { userId: 'ada' }),
  updateMemory: (provider, id) => provider.updateMemory(id, { memory: 'I keep wasps' }),
  deleteMemory: (provider, id) => provider.deleteMemory(id),
  deleteAllMemories: (provider) => provider.deleteAllMemories({ userId: 'ada' }),
  importMemories: async (provider) => {
    const other = await LocalProvider.open({ storage: memoryStorage() });
    await other.storeMemories('I keep wasps', { userId: 'ada' });
    return provider.importMemories(await other.exportMemories());
  },
};
for (const [name, write] of Object.entries(writes)) {
  test(`${name}: a full store is quota_exceeded with the cause, nothing changed, and it works again afterwards`, async (t) => {
    const faults = failing('write');
    const provider = await openProvider(t, { storage: faults.storage });
    const [{ id }] = await provider.storeMemories('I keep bees', { userId: 'ada' });
    const [file, records, status] = [
      await provider.exportMemories(),
      await recordsOf(faults.inner),
      await provider.status(),
    ];
    const events = [];
    const stop = provider.subscribe((event) => events.push(event));

    faults.error = quota();
    const error = await refused(() => write(provider, id), {
      code: 'quota_exceeded',
      cause: faults.error,
      message: /QuotaExceededError: The quota has been exceeded/,
    });
    assert.equal(error.name, 'StorageError');
    assert.equal(await provider.exportMemories(), file);
    assert.deepEqual(await recordsOf(faults.inner), records);
    assert.deepEqual(await provider.status(), status);
    assert.equal((await provider.history(id)).length, 1);
    assert.equal((await provider.retrieveMemories('bees', { userId: 'ada' })).length, 1);
    assert.deepEqual(await provider.retrieveMemories('wasps', { userId: 'ada' }), []);
    await soon();
    assert.deepEqual(events, [], 'nobody was told of a change that did not happen');

    faults.error = undefined;
    await write(provider, id);
    await soon();
    stop();
    assert.equal(events.length, 1);
    assert.notEqual(await provider.exportMemories(), file);
  });
}

test('of writes under way when the store fills up, exactly the acknowledged ones are there', async (t) => {
  const inner = memoryStorage();
  let left = 20;
  const storage = interceptedStorage(inner, (method) =>
    method === 'write' && left-- <= 0 ? () => Promise.reject(quota()) : undefined,
  );
  const provider = await openProvider(t, { storage });
  const results = await Promise.allSettled(
    Array.from({ length: 60 }, (_, n) => provider.storeMemories(`memory ${n}`)),
  );
  const acknowledged = results
    .filter(({ status }) => status === 'fulfilled')
    .map(({ value }) => value[0].memory);
  assert.equal(acknowledged.length, 20);
  assert.deepEqual(textsOf(await provider.getAllMemories()).sort(), acknowledged.toSorted());
  const again = await openProvider(t, { storage: inner });
  assert.deepEqual(textsOf(await again.getAllMemories()).sort(), acknowledged.toSorted());
});

test('an import that fails half way keeps the batches before, and going on completes it', async (t) => {
  const source = await openProvider(t);
  await source.storeMemories(Array.from({ length: 1200 }, (_, n) => `memory ${n}`));
  const file = await source.exportMemories();
  const faults = failing('write');
  const provider = await openProvider(t, { storage: faults.storage });
  await refused(
    provider.importMemories(file, () => (faults.error = quota())),
    { code: 'quota_exceeded' },
  );
  const { memories } = await provider.status();
  assert.ok(memories > 0 && memories < 1200, `${memories}`);
  faults.error = undefined;
  assert.deepEqual(await provider.importMemories(file), {
    added: 1200 - memories,
    skipped: memories,
  });
  assert.equal(await provider.exportMemories(), file);
});

for (const [name, error, code, isRetryable] of [
  [
    'a lost connection',
    new DOMException('The database connection is closing.', 'InvalidStateError'),
    'storage',
    true,
  ],
  ['a refusal', new DOMException('The operation is insecure.', 'SecurityError'), 'storage', false],
  ['anything', new Error('disk on fire'), 'storage', false],
  ['no error at all', 'a text', 'storage', false],
  [
    'a full disk',
    Object.assign(new Error('no space left'), { code: 'ENOSPC' }),
    'quota_exceeded',
    false,
  ],
]) {
  test(`a store that rejects with ${name}, on opening and on writing`, async (t) => {
    const reading = failing('scan');
    reading.error = error;
    const check = (attempt) =>
      assert.rejects(attempt, (thrown) => {
        assert.equal(thrown.code, code);
        assert.equal(thrown.isRetryable, isRetryable);
        assert.equal(thrown.cause, error);
        return true;
      });
    await check(LocalProvider.open({ storage: reading.storage }));
    const writing = failing('write');
    const provider = await openProvider(t, { storage: writing.storage });
    writing.error = error;
    await check(provider.storeMemories('I keep bees'));
    // A failed opening can be tried again.
    reading.error = undefined;
    const again = await openProvider(t, { storage: reading.storage });
    assert.deepEqual(await again.getAllMemories(), []);
  });
}

test('a store whose methods throw, instead of rejecting, has failed as well', async (t) => {
  let isBroken = false;
  const error = new Error('not a promise');
  const storage = interceptedStorage(memoryStorage(), (method) => {
    if (!isBroken || method === 'close') return undefined;
    return () => {
      throw error;
    };
  });
  const provider = await openProvider(t, { storage });
  isBroken = true;
  await refused(() => provider.storeMemories('I keep bees'), { code: 'storage', cause: error });
  await refused(() => LocalProvider.open({ storage }), { code: 'storage', cause: error });
  isBroken = false;
  assert.equal((await provider.storeMemories('I keep bees')).length, 1);
});

test('a store whose watch throws is used without it', async (t) => {
  const storage = interceptedStorage(memoryStorage(), (method) =>
    method === 'watch'
      ? () => {
          throw new Error('no channel');
        }
      : undefined,
  );
  const provider = await openProvider(t, { storage });
  await provider.storeMemories('I keep bees');
  assert.equal((await provider.retrieveMemories('bees')).length, 1);
});

test('a store that cannot be closed: close tells, and the provider is closed all the same', async () => {
  const error = new Error('busy');
  const storage = interceptedStorage(memoryStorage(), (method) =>
    method === 'close' ? () => Promise.reject(error) : undefined,
  );
  const provider = await LocalProvider.open({ storage });
  await refused(() => provider.close(), { code: 'storage', cause: error });
  await refused(() => provider.getAllMemories(), { code: 'closed' });
});

test('a store that answers with something else than records', async (t) => {
  for (const answer of [
    undefined,
    null,
    5,
    'x',
    [5],
    [['log/x']],
    [[5, new Uint8Array(1)]],
    [['log/x', 'text']],
  ]) {
    const storage = interceptedStorage(memoryStorage(), (method) =>
      method === 'scan' ? async () => answer : undefined,
    );
    const result = await LocalProvider.open({ storage }).then(
      (provider) => {
        t.after(() => provider.close());
        return 'opened';
      },
      ({ code }) => code,
    );
    assert.ok(
      ['opened', 'storage', 'corrupt'].includes(result),
      `${JSON.stringify(answer)}: ${result}`,
    );
  }
});

test('records of other programs, torn and random ones are told and left alone; the rest lives', async (t) => {
  const storage = memoryStorage();
  const first = await LocalProvider.open({ storage });
  await first.storeMemories('I keep bees');
  await first.close();
  const [[key, value]] = await recordsOf(storage);
  const foreign = [
    ['other-program', Uint8Array.of(1, 2, 3)],
    ['log/', new Uint8Array(0)],
    ['log/zzz', value],
    [key.replace(/.$/, '7'), value.slice(0, -3)],
    [key.replace(/.$/, '8'), new Uint8Array(0)],
    [key.replace(/.$/, '9'), crypto.getRandomValues(new Uint8Array(100))],
  ];
  await storage.write({ put: foreign });
  const second = await openProvider(t, { storage });
  const { type, error } = await nextEvent(second, (event) => event.type === 'error');
  assert.equal(type, 'error');
  assert.equal(error.code, 'corrupt');
  assert.deepEqual(textsOf(await second.getAllMemories()), ['I keep bees']);
  await second.storeMemories('I keep wasps');
  await second.close();
  const third = await openProvider(t, { storage });
  assert.equal((await third.getAllMemories()).length, 2);
});

test('every single damaged byte of a record is noticed, and never a crash', async (t) => {
  const storage = memoryStorage();
  const first = await LocalProvider.open({ storage });
  await first.storeMemories('I keep bees', { userId: 'ada', metadata: { n: 1 } });
  const written = await first.getAllMemories({ userId: 'ada' });
  await first.close();
  const [[key, value]] = await recordsOf(storage);
  let lost = 0;
  for (let at = 0; at < value.length; at++) {
    const damaged = value.slice();
    damaged[at] ^= 1 << (at % 8);
    await storage.write({ put: [[key, damaged]] });
    const opened = await LocalProvider.open({ storage }).catch((error) => error);
    if (opened instanceof Error) {
      assert.equal(opened.code, 'corrupt');
      assert.equal(at, 2, 'only a newer version keeps a store from opening');
      continue;
    }
    assert.equal((await nextEvent(opened)).type, 'error');
    // What is there twice costs nothing; what is read is what was written.
    const read = await opened.getAllMemories({ userId: 'ada' });
    if (read.length === 0) lost += 1;
    else assert.deepEqual(read, written, `byte ${at}`);
    await opened.close();
  }
  assert.ok(lost >= 'I keep bees'.length, `only ${lost} bytes of the memory counted`);
  await storage.write({ put: [[key, value]] });
  const last = await openProvider(t, { storage });
  assert.equal((await last.getAllMemories({ userId: 'ada' })).length, 1);
});

// ------------------------------------------------------------------------------------- a newer version

/** XXH64. */
function xxh64(bytes) {
  const primes = [
    0x9e3779b185ebca87n,
    0xc2b2ae3d27d4eb4fn,
    0x165667b19e3779f9n,
    0x85ebca77c2b2ae63n,
    0x27d4eb2f165667c5n,
  ];
  const [p1, p2, p3, p4, p5] = primes;
  const u64 = (value) => BigInt.asUintN(64, value);
  const rotl = (value, bits) => u64((value << bits) | (u64(value) >> (64n - bits)));
  const round = (sum, word) => u64(rotl(u64(sum + word * p2), 31n) * p1);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let hash = p5;
  if (bytes.length >= 32) {
    const sums = [p1 + p2, p2, 0n, -p1];
    for (; at + 32 <= bytes.length; at += 32) {
      for (const lane of [0, 1, 2, 3]) {
        sums[lane] = round(sums[lane], view.getBigUint64(at + 8 * lane, true));
      }
    }
    hash = [1n, 7n, 12n, 18n].reduce((sum, bits, lane) => sum + rotl(u64(sums[lane]), bits), 0n);
    for (const sum of sums) hash = u64((u64(hash) ^ round(0n, sum)) * p1 + p4);
  }
  hash = u64(hash + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) {
    hash = u64(rotl(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * p1 + p4);
  }
  if (at + 4 <= bytes.length) {
    hash = u64(rotl(hash ^ u64(BigInt(view.getUint32(at, true)) * p1), 23n) * p2 + p3);
    at += 4;
  }
  for (; at < bytes.length; at++) hash = u64(rotl(hash ^ u64(BigInt(bytes[at]) * p5), 11n) * p1);
  hash = u64((hash ^ (hash >> 33n)) * p2);
  hash = u64((hash ^ (hash >> 29n)) * p3);
  return hash ^ (hash >> 32n);
}

/** The record as a version after this one would have written it: 'AM', checksum, version, the rest. */
function makeRecordNewer(value) {
  assert.equal(String.fromCharCode(value[0], value[1]), 'AM');
  value[6] += 1;
  const checksum = Number(BigInt.asUintN(32, xxh64(value.subarray(6))));
  new DataView(value.buffer, value.byteOffset).setUint32(2, checksum, true);
}

/** All records of the store, made newer. */
async function makeNewer(storage) {
  const records = await recordsOf(storage);
  for (const [, value] of records) makeRecordNewer(value);
  await storage.write({ put: records });
  return records;
}

test('a store written by a newer version is not opened, says so, and is left as it was', async () => {
  for (const count of [1, 400]) {
    const storage = memoryStorage();
    const first = await LocalProvider.open({ storage });
    for (let n = 0; n < count; n++) await first.storeMemories(`memory ${n}`);
    await first.close(); // with many, folded into a checkpoint
    const records = await makeNewer(storage);
    const error = await refused(() => LocalProvider.open({ storage }), {
      code: 'corrupt',
      message: /written by a newer version of agent-memory-wasm/,
    });
    assert.equal(error.name, 'StorageError');
    assert.deepEqual(await recordsOf(storage), records);
  }
});

test('one record of a newer version is enough', async () => {
  const storage = memoryStorage();
  const first = await LocalProvider.open({ storage });
  await first.storeMemories('one');
  await first.storeMemories('two');
  await first.close();
  const [, [key, value]] = await recordsOf(storage);
  makeRecordNewer(value);
  await storage.write({ put: [[key, value]] });
  await refused(() => LocalProvider.open({ storage }), {
    code: 'corrupt',
    message: /newer version/,
  });
});

// ------------------------------------------------------------------------------------- a store that hangs

test('while a write hangs, reads go on; what waits behind it goes on when it ends', async (t) => {
  const inner = memoryStorage();
  const gate = deferred();
  let hangs = false;
  const storage = interceptedStorage(inner, (method, args) =>
    method === 'write' && hangs ? () => gate.promise.then(() => inner.write(...args)) : undefined,
  );
  const provider = await openProvider(t, { storage });
  const [{ id }] = await provider.storeMemories('I keep bees');
  hangs = true;
  const done = [];
  const hanging = provider.storeMemories('I keep wasps').then(() => done.push('store'));
  const behind = provider.deleteMemory(id).then(() => done.push('delete'));
  for (let round = 0; round < 3; round++) {
    await soon();
    assert.deepEqual(textsOf(await provider.retrieveMemories('bees')), ['I keep bees']);
    assert.deepEqual(await provider.retrieveMemories('wasps'), []);
    assert.equal((await provider.getAllMemories()).length, 1);
    assert.equal((await provider.status()).memories, 1);
  }
  assert.deepEqual(done, []);
  gate.resolve();
  await Promise.all([hanging, behind]);
  assert.deepEqual(done, ['store', 'delete']);
  assert.deepEqual(textsOf(await provider.getAllMemories()), ['I keep wasps']);
});

test('a call that waits behind one that hangs can be aborted', async (t) => {
  const inner = memoryStorage();
  const gate = deferred();
  const storage = interceptedStorage(inner, (method, args) =>
    method === 'write' ? () => gate.promise.then(() => inner.write(...args)) : undefined,
  );
  const provider = await openProvider(t, { storage });
  const hanging = provider.storeMemories('one');
  const controller = new AbortController();
  let outcome = 'waits';
  const waiting = provider
    .storeMemories('two', { signal: controller.signal })
    .then(
      () => 'stored',
      ({ code }) => code,
    )
    .then((code) => (outcome = code));
  controller.abort();
  await soon();
  const inTime = outcome;
  gate.resolve();
  await Promise.all([hanging, waiting]);
  assert.equal(inTime, 'aborted');
});

test('a store that hangs for ever does not keep a process from ending', async () => {
  const { stdout } = await runModule(
    `
    import { LocalProvider } from 'agent-memory-wasm';
    import { memoryStorage } from 'agent-memory-wasm/storage/memory';
    const inner = memoryStorage();
    const storage = { kind: 'hangs', get: (key) => inner.get(key), scan: (...args) => inner.scan(...args), close: () => inner.close(), write: () => new Promise(() => {}) };
    const provider = await LocalProvider.open({ storage });
    provider.storeMemories('one').then(() => console.log('stored'));
    provider.close().then(() => console.log('closed'));
    console.log('waits');
  `,
    { mayFail: true },
  );
  assert.equal(stdout.trim(), 'waits');
});

test('a context over a store that fails goes on without memory, and tells', async (t) => {
  const faults = failing('write');
  const provider = await openProvider(t, { storage: faults.storage });
  const told = [];
  const context = new MemoryContext(provider, {
    onError: (error, operation) => told.push([error.code, error.cause, operation]),
  });
  faults.error = quota();
  assert.deepEqual(await context.add('I keep bees'), []);
  await soon();
  assert.deepEqual(told, [['quota_exceeded', faults.error, 'add']]);
});
