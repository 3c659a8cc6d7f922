// The contract over fake-indexeddb, and everything that a real browser does to a store only now and then: connections
// that die, opens that never answer, disks that are full. browser/storage.test.mjs has the real one.
import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { indexedDBStorage } from 'agent-memory-wasm/storage/indexeddb';
import { storageContract } from 'agent-memory-wasm/testing';
import { bytes, hasCode, pause, signal } from './support/waiting.mjs';

let databases = 0;
const freshName = () => `test-${++databases}`;
const nameOf = new WeakMap();

function openNamed(name) {
  const store = indexedDBStorage({ name });
  nameOf.set(store, name);
  return store;
}

const contract = {
  validates: true,
  afterClose: 'rejects',
  open: async () => openNamed(freshName()),
  reopen: async (store) => openNamed(nameOf.get(store)),
  share: async (store) => openNamed(nameOf.get(store)),
  // Node has them from version 24.
  hasLocks: globalThis.navigator?.locks !== undefined,
};

storageContract({ ...contract, test: (name, body) => test(`indexeddb: ${name}`, body) });

test('indexeddb: without locks in the runtime, one object excludes its own work', async () => {
  await replacing(globalThis, 'navigator', {}, async () => {
    const store = indexedDBStorage({ name: freshName() });
    let inside = 0;
    const work = async () => {
      assert.equal(++inside, 1);
      await pause(2);
      inside--;
    };
    await Promise.all([1, 2, 3].map(() => store.exclusively('name', work)));
    await store.close();
  });
});

test('indexeddb: the contract holds without getAllRecords', async (t) => {
  const { prototype } = globalThis.IDBObjectStore;
  const getAllRecords = Object.getOwnPropertyDescriptor(prototype, 'getAllRecords');
  assert.ok(getAllRecords, 'fake-indexeddb has it');
  delete prototype.getAllRecords;
  try {
    const tests = [];
    storageContract({ ...contract, test: (...given) => tests.push(given) });
    for (const [name, body] of tests) await t.test(name, body);
  } finally {
    Object.defineProperty(prototype, 'getAllRecords', getAllRecords);
  }
});

// ---------------------------------------------------------------------------------------------------- options

test('indexeddb: options out of their bounds are refused at once', () => {
  for (const [field, options] of [
    ['name', { name: '' }],
    ['name', { name: 7 }],
    ['durability', { durability: 'sometimes' }],
    ['openTimeoutMs', { openTimeoutMs: 0 }],
    ['openTimeoutMs', { openTimeoutMs: NaN }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['timeoutMs', { timeoutMs: -1 }],
    ['persist', { persist: 'yes' }],
  ]) {
    assert.throws(
      () => indexedDBStorage(options),
      (error) => hasCode('invalid_argument')(error) && error.field === field,
    );
  }
});

test("indexeddb: the default name is 'agent-memory', and making a store opens nothing", async () => {
  const before = await indexedDB.databases();
  const store = indexedDBStorage();
  await pause(5);
  assert.deepEqual(await indexedDB.databases(), before);
  await store.write({ put: [['key', bytes(1)]] });
  assert.ok((await indexedDB.databases()).some(({ name }) => name === 'agent-memory'));
  await store.close();
});

test('indexeddb: durability is a hint to the browser', async () => {
  for (const [options, expected] of [
    [{}, 'relaxed'],
    [{ durability: 'strict' }, 'strict'],
  ]) {
    const store = indexedDBStorage({ name: freshName(), ...options });
    await store.get('key');
    const hints = [];
    await beforeTransactions(
      (_stores, mode, hint) => hints.push([mode, hint?.durability]),
      () => store.write({ put: [['key', bytes(1)]] }),
    );
    assert.deepEqual(hints, [['readwrite', expected]]);
    await store.close();
  }
});

test('indexeddb: the browser is asked not to delete it when told to, once, and nobody waits for the answer', async () => {
  let asked = 0;
  let isGranted = false;
  const storage = {
    persist: () => {
      asked++;
      return new Promise(() => undefined);
    },
    persisted: async () => isGranted,
  };
  await replacing(globalThis, 'navigator', { storage }, async () => {
    const silent = indexedDBStorage({ name: freshName() });
    await silent.get('key');
    assert.equal(asked, 0);
    const store = indexedDBStorage({ name: freshName(), persist: true });
    assert.equal(asked, 0, 'making a store asks nobody');
    await store.write({ put: [['key', bytes(1)]] });
    await store.get('key');
    assert.equal(asked, 1);
    assert.equal(await store.isPersisted(), false);
    isGranted = true;
    assert.equal(await store.isPersisted(), true);
    await Promise.all([silent.close(), store.close()]);
  });
  for (const host of [{}, { storage: {} }]) {
    await replacing(globalThis, 'navigator', host, async () => {
      const store = indexedDBStorage({ name: freshName(), persist: true });
      await store.write({ put: [['key', bytes(1)]] });
      assert.equal(await store.isPersisted(), false);
      await store.close();
    });
  }
});

test('indexeddb: a refusal to persist is no failure', async () => {
  const storage = { persist: () => Promise.reject(new Error('no')) };
  await replacing(globalThis, 'navigator', { storage }, async () => {
    const store = indexedDBStorage({ name: freshName(), persist: true });
    await store.write({ put: [['key', bytes(1)]] });
    assert.deepEqual(await store.get('key'), bytes(1));
    await store.close();
  });
});

// ---------------------------------------------------------------------------------------------------- opening

test('indexeddb: many first calls open one connection', async () => {
  let opens = 0;
  await replacing(
    indexedDB,
    'open',
    counting(indexedDB.open, () => opens++),
    async () => {
      const store = indexedDBStorage({ name: freshName() });
      await Promise.all([
        store.get('a'),
        store.scan('', undefined, 1),
        store.write({ put: [['key', bytes(1)]] }),
        store.get('b'),
      ]);
      await store.get('c');
      assert.equal(opens, 1);
      await store.close();
    },
  );
});

test('indexeddb: where there is none, calls say so', async () => {
  await replacing(globalThis, 'indexedDB', undefined, async () => {
    const store = indexedDBStorage({ name: 'notes' });
    for (const call of [
      store.get('key'),
      store.write({ put: [['key', bytes(1)]] }),
      store.scan('', undefined, 1),
    ]) {
      await assert.rejects(call, (error) => {
        assert.match(error.message, /'notes'.*there is no indexedDB here/);
        assert.equal(error.isRetryable, false);
        return hasCode('storage')(error);
      });
    }
    await store.close();
  });
});

test('indexeddb: an open that the browser forbids is tried again by the next call only', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const timersBefore = timers();
  let opens = 0;
  const forbidden = () => {
    opens++;
    throw new DOMException('The operation is insecure.', 'SecurityError');
  };
  const store = indexedDBStorage({ name: freshName() });
  await replacing(indexedDB, 'open', forbidden, async () => {
    await assert.rejects(store.get('key'), (error) => {
      assert.equal(error.isRetryable, false);
      return hasCode('storage')(error);
    });
    assert.equal(opens, 1);
  });
  assert.equal(timers(), timersBefore, 'a timer was left behind');
  assert.equal(await store.get('key'), undefined);
  await store.close();
});

test('indexeddb: an open that never answers ends in an error, and the next call tries anew', async () => {
  const store = indexedDBStorage({ name: freshName(), openTimeoutMs: 20 });
  const health = healthOf(store);
  let opens = 0;
  await replacing(
    indexedDB,
    'open',
    counting(
      () => ({}),
      () => opens++,
    ),
    async () => {
      await assert.rejects(store.get('key'), (error) => {
        assert.match(error.message, /no answer within 20 ms/);
        assert.equal(error.isRetryable, true);
        return hasCode('storage')(error);
      });
      assert.equal(opens, 1);
      await assert.rejects(store.get('key'), hasCode('storage'));
      assert.equal(opens, 2);
    },
  );
  assert.deepEqual(health.states, ['degraded']);
  assert.equal(await store.get('key'), undefined);
  assert.deepEqual(health.states, ['degraded', 'healed']);
  await store.close();
});

test('indexeddb: an open that answers too late is closed again and blocks nobody', async () => {
  const name = freshName();
  // Somebody keeps the database open, somebody else wants it deleted: whoever opens it now has to wait for both.
  const holder = await openDatabase(name, 1, () => undefined);
  const isWaiting = signal();
  const deletion = indexedDB.deleteDatabase(name);
  deletion.onblocked = isWaiting.fire;
  await isWaiting.fired;
  const store = indexedDBStorage({ name, openTimeoutMs: 20 });
  await assert.rejects(store.get('key'), hasCode('storage'));
  holder.close();
  assert.equal(await deleteDatabase(name), 'deleted without being blocked');
  await store.write({ put: [['key', bytes(1)]] });
  await store.close();
});

test('indexeddb: an open that is blocked reports it, and heals when it is not', async () => {
  const name = freshName();
  const { open } = indexedDB;
  const blockedOnce = function (...given) {
    const request = open.apply(this, given);
    queueMicrotask(() => request.onblocked());
    return request;
  };
  const store = indexedDBStorage({ name });
  const health = healthOf(store);
  await replacing(indexedDB, 'open', blockedOnce, () => store.get('key'));
  assert.deepEqual(health.states, ['degraded', 'healed']);
  assert.match(health.errors[0].message, /open has to wait; another tab/);
  await store.close();
});

test("indexeddb: a newer version's database is 'corrupt', and is left alone", async () => {
  const name = freshName();
  const newer = await openDatabase(name, 2, () => undefined);
  newer.close();
  const store = indexedDBStorage({ name });
  await assert.rejects(store.get('key'), hasCode('corrupt'));
  await store.close();
  assert.equal((await openDatabase(name)).version, 2);
});

test("indexeddb: another program's database of the same name is 'corrupt'", async () => {
  const name = freshName();
  (await openDatabase(name, 1, (database) => database.createObjectStore('todos'))).close();
  const store = indexedDBStorage({ name });
  await assert.rejects(store.write({ put: [['key', bytes(1)]] }), (error) => {
    assert.match(error.message, /another program's/);
    return hasCode('corrupt')(error);
  });
  await store.close();
});

test("indexeddb: something other than bytes in the store is 'corrupt'", async () => {
  const name = freshName();
  const foreign = await openDatabase(name, 1, (database) => {
    database.createObjectStore('records').put('text', 'key');
  });
  foreign.close();
  const store = indexedDBStorage({ name });
  await assert.rejects(store.get('key'), hasCode('corrupt'));
  await assert.rejects(store.scan('', undefined, 1), hasCode('corrupt'));
  await store.close();
});

// ---------------------------------------------------------------------------------------------------- transactions

test('indexeddb: a write is one transaction, and its requests are issued without waiting', async () => {
  const store = indexedDBStorage({ name: freshName() });
  await store.get('key');
  let transactions = 0;
  await beforeTransactions(
    () => transactions++,
    () => store.write({ put: Array.from({ length: 500 }, (_, index) => [`k${index}`, bytes(1)]) }),
  );
  assert.equal(transactions, 1);
  await store.close();
});

/** Calls `work` while handing over a value takes longer than the thread may be kept busy. */
async function withSlowPuts(t, work) {
  let time = performance.now();
  const { mock } = t.mock.method(performance, 'now', () => (time += 10));
  try {
    return await work();
  } finally {
    mock.restore();
  }
}

test('indexeddb: a large write lets other work in between, and is what it was at the call', async (t) => {
  const store = indexedDBStorage({ name: freshName() });
  await store.write({ put: [['old', bytes(1)]] });
  const values = Array.from({ length: 20 }, (_, index) => new Uint8Array(1000).fill(index));
  let turns = 0;
  let isWritten = false;
  const count = () => {
    if (isWritten) return;
    turns++;
    setImmediate(count);
  };
  await withSlowPuts(t, async () => {
    const put = values.map((value, index) => [`k${String(index).padStart(2, '0')}`, value]);
    const written = store.write({ put, delete: ['old'] });
    for (const value of values) value.fill(99);
    setImmediate(count);
    await written;
  });
  isWritten = true;
  assert.ok(turns >= 20, `${turns} turns`);
  const stored = await store.scan('', undefined, 100);
  assert.deepEqual(
    stored.map(([, value]) => [...new Set(value)]),
    Array.from({ length: 20 }, (_, index) => [index]),
  );
  await store.close();
});

test('indexeddb: a large write that is refused in a later part is taken back as a whole', async (t) => {
  const store = indexedDBStorage({ name: freshName() });
  await store.write({ put: [['old', bytes(1)]] });
  const { prototype } = globalThis.IDBObjectStore;
  const { put } = prototype;
  const refusing = function (value, key) {
    if (key === 'k3') throw new DOMException('no room', 'QuotaExceededError');
    return put.call(this, value, key);
  };
  const batch = Array.from({ length: 5 }, (_, index) => [`k${index}`, bytes(index)]);
  await replacing(prototype, 'put', refusing, () =>
    withSlowPuts(t, () =>
      assert.rejects(store.write({ put: batch, delete: ['old'] }), hasCode('quota_exceeded')),
    ),
  );
  assert.deepEqual(await store.scan('', undefined, 10), [['old', bytes(1)]]);
  await store.close();
});

test('indexeddb: with a connection open, a call has asked the browser when it returns', async () => {
  const store = indexedDBStorage({ name: freshName() });
  await store.get('key');
  const modes = [];
  await beforeTransactions(
    (_, mode) => modes.push(mode),
    async () => {
      const written = store.write({ put: [['key', bytes(1)]] });
      assert.deepEqual(modes, ['readwrite']);
      const read = store.get('key');
      assert.deepEqual(modes, ['readwrite', 'readonly']);
      await written;
      assert.deepEqual(await read, bytes(1));
    },
  );
  await store.close();
});

test('indexeddb: calls keep their order, whether the connection is open, opening or lost', async () => {
  for (let round = 0; round < 30; round++) {
    const store = indexedDBStorage({ name: freshName() });
    if (round % 3 === 1) await store.get('key');
    if (round % 3 === 2) await store.write({ put: [['key', bytes(99)]] });
    const reads = [];
    const expected = [];
    for (let call = 0; call < 40; call++) {
      // From every moment of the opening: all of it happens between two of these.
      for (let turn = 0; turn < (call * round) % 4; turn++) await Promise.resolve();
      if (call % 13 === 12) await pause(0);
      const written = store.write({ put: [['key', bytes(call)]] });
      reads.push(store.get('key'));
      expected.push(bytes(call));
      if (call === 20) await written;
    }
    assert.deepEqual(await Promise.all(reads), expected);
    await store.close();
  }
});

test('indexeddb: what is stored is what it was at the call, and that alone, at every attempt', async () => {
  const store = indexedDBStorage({ name: freshName() });
  await store.get('key');
  const stored = [];
  const { prototype } = globalThis.IDBObjectStore;
  const { put } = prototype;
  const noting = function (value, key) {
    stored.push([key, value.length, value.buffer.byteLength]);
    return put.call(this, value, key);
  };
  const large = new Uint8Array(100);
  for (const failures of [0, 1, 2]) {
    for (const value of [bytes(1, 2, 3), large.subarray(10, 13), new Uint8Array(0)]) {
      value.set([1, 2, 3].slice(0, value.length));
      const before = value.slice();
      stored.length = 0;
      let left = failures;
      await replacing(prototype, 'put', noting, () =>
        afterTransactionBegan(
          (transaction) => {
            if (left-- > 0) abortLate(transaction, new DOMException('lost', 'UnknownError'));
          },
          async () => {
            const written = store.write({ put: [['key', value]] });
            value.fill(9);
            await written;
          },
        ),
      );
      assert.deepEqual(stored, Array(failures + 1).fill(['key', before.length, before.length]));
      assert.deepEqual(await store.get('key'), before);
    }
  }
  await store.close();
});

test('indexeddb: writes that are under way at once and done again keep apart what they write', async () => {
  const store = indexedDBStorage({ name: freshName() });
  await store.get('key');
  const sizes = [1, 1000, 60_000, 70_000, 3, 0];
  for (let round = 0; round < 2; round++) {
    let left = 8;
    const given = Array.from({ length: 4 }, (_, write) =>
      sizes.map((size, n) => [`${write} ${n}`, new Uint8Array(size).fill(16 * write + n + round)]),
    );
    const expected = given.map((put) => put.map(([key, value]) => [key, value.slice()]));
    await afterTransactionBegan(
      (transaction) => {
        if (left-- > 0) abortLate(transaction, new DOMException('lost', 'UnknownError'));
      },
      async () => {
        const written = given.map((put) => store.write({ put }));
        for (const [, value] of given.flat()) value.fill(255);
        await Promise.all(written);
      },
    );
    for (const [key, value] of expected.flat()) assert.deepEqual(await store.get(key), value);
  }
  await store.close();
});

test('indexeddb: the write before close is told, and closing leaves nothing behind', async () => {
  const name = freshName();
  const [store, other] = [indexedDBStorage({ name }), indexedDBStorage({ name })];
  const heard = signal();
  other.watch(heard.fire);
  await other.get('key');
  await store.get('key');
  void store.write({ put: [['key', bytes(1)]] });
  await store.close();
  const awake = setInterval(() => undefined, 1000);
  await heard.fired;
  clearInterval(awake);
  assert.deepEqual(await other.get('key'), bytes(1));
  await other.close();
});

test('indexeddb: a transaction that fails after its requests succeeded fails the write', async () => {
  const store = indexedDBStorage({ name: freshName() });
  await store.write({ put: [['key', bytes(1)]] });
  const full = new DOMException('The quota has been exceeded.', 'QuotaExceededError');
  let transactions = 0;
  await afterTransactionBegan(
    (transaction) => {
      transactions++;
      abortLate(transaction, full);
    },
    () =>
      assert.rejects(store.write({ put: [['key', bytes(2)]], delete: [] }), (error) => {
        assert.equal(error.cause, full);
        assert.equal(error.isRetryable, false);
        return hasCode('quota_exceeded')(error);
      }),
  );
  assert.equal(transactions, 1, 'a full store is not tried again');
  assert.deepEqual(await store.get('key'), bytes(1));
  await store.close();
});

test('indexeddb: a request that is refused halfway takes back those before it', async () => {
  const store = indexedDBStorage({ name: freshName() });
  await store.write({ put: [['first', bytes(1)]] });
  const { prototype } = globalThis.IDBObjectStore;
  const { put } = prototype;
  const refusing = function (value, key) {
    if (key === 'second') throw new DOMException('could not be cloned', 'DataCloneError');
    return put.call(this, value, key);
  };
  const batch = ['first', 'second'].map((key) => [key, bytes(2)]);
  await replacing(prototype, 'put', refusing, () =>
    assert.rejects(store.write({ put: batch }), hasCode('storage')),
  );
  assert.deepEqual(await store.scan('', undefined, 10), [['first', bytes(1)]]);
  await store.close();
});

// ---------------------------------------------------------------------------------------------------- connections

for (const [what, thrown] of [
  ['is closing', new DOMException('The database connection is closing.', 'InvalidStateError')],
  ['was lost', new DOMException('Connection to Indexed Database server lost.', 'UnknownError')],
  ['fails without a name', new Error('Internal error.')],
]) {
  test(`indexeddb: a connection that ${what} is replaced, unnoticed but for the report`, async () => {
    const store = indexedDBStorage({ name: freshName() });
    const health = healthOf(store);
    await store.write({ put: [['key', bytes(1)]] });
    const dead = new Set();
    const refused = [];
    // Every connection that is open now stays dead for good.
    await beforeTransactions(
      function () {
        if (dead.size === 0) dead.add(this);
        if (!dead.has(this)) return;
        refused.push(this);
        throw thrown;
      },
      async () => {
        assert.deepEqual(await store.get('key'), bytes(1));
        await store.write({ put: [['key', bytes(2)]] });
      },
    );
    assert.equal(refused.length, 1, 'the dead one is not asked again');
    assert.deepEqual(await store.get('key'), bytes(2));
    assert.deepEqual(health.states, ['healed']);
    assert.equal(health.errors[0].cause, thrown);
    await store.close();
  });
}

test('indexeddb: many calls on one dead connection heal together, with one report', async () => {
  const store = indexedDBStorage({ name: freshName() });
  const health = healthOf(store);
  await store.write({ put: [['key', bytes(1)]] });
  let opens = 0;
  let dead;
  await replacing(
    indexedDB,
    'open',
    counting(indexedDB.open, () => opens++),
    () =>
      beforeTransactions(
        function () {
          dead ??= this;
          if (this === dead) throw new DOMException('closing', 'InvalidStateError');
        },
        () => Promise.all(Array.from({ length: 10 }, () => store.get('key'))),
      ),
  );
  assert.equal(opens, 1);
  assert.deepEqual(health.states, ['healed']);
  await store.close();
});

test('indexeddb: a transaction that is aborted without a reason is done again', async () => {
  const store = indexedDBStorage({ name: freshName() });
  const health = healthOf(store);
  await store.write({ put: [['key', bytes(1)]] });
  let aborted = 0;
  await afterTransactionBegan(
    (transaction) => {
      if (aborted++ === 0) abortLate(transaction, null);
    },
    () => store.write({ put: [['key', bytes(2)]] }),
  );
  assert.deepEqual(await store.get('key'), bytes(2));
  assert.deepEqual(health.states, ['healed']);
  await store.close();
});

test('indexeddb: after three attempts it gives up, and says once that it is degraded', async () => {
  const store = indexedDBStorage({ name: freshName() });
  const health = healthOf(store);
  await store.write({ put: [['key', bytes(1)]] });
  let attempts = 0;
  await beforeTransactions(
    () => {
      attempts++;
      throw new DOMException('Connection to Indexed Database server lost.', 'UnknownError');
    },
    async () => {
      await assert.rejects(store.write({ put: [['key', bytes(2)]] }), (error) => {
        assert.equal(error.isRetryable, true);
        assert.match(
          error.message,
          /^indexedDB 'test-\d+': write failed: UnknownError: Connection/,
        );
        return hasCode('storage')(error);
      });
      assert.equal(attempts, 3);
      await assert.rejects(store.get('key'), hasCode('storage'));
    },
  );
  assert.deepEqual(health.states, ['degraded']);
  assert.deepEqual(await store.get('key'), bytes(1));
  assert.deepEqual(health.states, ['degraded', 'healed']);
  await store.close();
});

for (const [takesBack, what] of [
  [false, 'ends in an error, and is there once for what comes after'],
  [true, 'is taken back where the browser is not committing it'],
]) {
  test(`indexeddb: a write that is never answered ${what}`, async () => {
    const name = freshName();
    const [store, other] = [indexedDBStorage({ name, timeoutMs: 40 }), indexedDBStorage({ name })];
    const health = healthOf(store);
    let told = 0;
    other.watch(() => told++);
    await store.write({ put: [['before', bytes(1)]] });
    const release = await occupy(name);
    const write = () =>
      assert.rejects(store.write({ put: [['key', bytes(2)]] }), (error) => {
        assert.match(error.message, /^indexedDB 'test-\d+': write failed, no answer within 40 ms$/);
        assert.equal(error.isRetryable, true);
        return hasCode('storage')(error);
      });
    if (takesBack) {
      await afterTransactionBegan((transaction) => (transaction.commit = () => undefined), write);
    } else {
      await write();
    }
    await assert.rejects(store.get('key'), hasCode('storage'));
    await assert.rejects(store.scan('', undefined, 10), hasCode('storage'));
    assert.deepEqual(health.states, ['degraded']);
    await release();
    assert.deepEqual(await store.scan('', undefined, 10), [
      ['before', bytes(1)],
      ...(takesBack ? [] : [['key', bytes(2)]]),
    ]);
    await pause(20);
    assert.equal(told, takesBack ? 1 : 2);
    assert.deepEqual(health.states, ['degraded', 'healed']);
    await store.write({ put: [['key', bytes(3)]] });
    assert.deepEqual(await store.get('key'), bytes(3));
    await store.close();
    await other.close();
  });
}

test('indexeddb: a write that was given up and is made all the same is told to all, the writer included', async () => {
  const name = freshName();
  const [store, other] = [indexedDBStorage({ name, timeoutMs: 40 }), indexedDBStorage({ name })];
  const [heardHere, heardThere] = [signal(), signal()];
  store.watch(heardHere.fire);
  other.watch(heardThere.fire);
  await store.get('key');
  let answer;
  await afterTransactionBegan(
    (transaction) => {
      answer = holdingBackItsAnswer(transaction);
    },
    () => assert.rejects(store.write({ put: [['key', bytes(1)]] }), hasCode('storage')),
  );
  answer();
  await heardHere.fired;
  // The channel between stores keeps no process awake.
  const awake = setInterval(() => undefined, 1000);
  await heardThere.fired;
  clearInterval(awake);
  assert.deepEqual(await store.get('key'), bytes(1));
  await store.close();
  await other.close();
});

test('indexeddb: a read that was given up tells nobody when it ends, nor does a write after close', async () => {
  const name = freshName();
  const [store, other] = [indexedDBStorage({ name, timeoutMs: 40 }), indexedDBStorage({ name })];
  let told = 0;
  other.watch(() => told++);
  await store.get('key');
  const answers = [];
  await afterTransactionBegan(
    (transaction) => answers.push(holdingBackItsAnswer(transaction)),
    async () => {
      await assert.rejects(store.get('key'), hasCode('storage'));
      await assert.rejects(store.write({ put: [['key', bytes(1)]] }), hasCode('storage'));
    },
  );
  answers[0]();
  await store.close();
  answers[1]();
  await pause(20);
  assert.equal(told, 0);
  await other.close();
});

test('indexeddb: what is answered in time leaves no timer behind, however long it might have taken', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const timersBefore = timers();
  const store = indexedDBStorage({
    name: freshName(),
    timeoutMs: Infinity,
    openTimeoutMs: Infinity,
  });
  await store.write({ put: [['key', bytes(1)]] });
  assert.deepEqual(await store.get('key'), bytes(1));
  assert.equal(timers(), timersBefore);
  await store.close();
});

test('indexeddb: who stopped listening for health is not told', async () => {
  const store = indexedDBStorage({ name: freshName() });
  const health = healthOf(store);
  health.stop();
  health.stop();
  let calls = 0;
  await beforeTransactions(
    () => {
      if (calls++ === 0) throw new DOMException('closing', 'InvalidStateError');
    },
    () => store.get('key'),
  );
  assert.equal(calls, 2);
  assert.deepEqual(health.states, []);
  await store.close();
});

test('indexeddb: another tab may delete the database; the next call makes it anew and says so', async () => {
  const name = freshName();
  const store = indexedDBStorage({ name });
  const health = healthOf(store);
  await store.write({ put: [['key', bytes(1)]] });
  assert.equal(await deleteDatabase(name), 'deleted without being blocked');
  assert.deepEqual(health.states, []);
  assert.equal(await store.get('key'), undefined);
  assert.deepEqual(health.states, ['healed']);
  assert.match(health.errors[0].message, /deleted while it was in use/);
  await store.write({ put: [['key', bytes(2)]] });
  assert.deepEqual(await store.get('key'), bytes(2));
  assert.deepEqual(health.states, ['healed']);
  await store.close();
});

test('indexeddb: a connection that the browser closed is replaced before it is asked', async () => {
  const store = indexedDBStorage({ name: freshName() });
  const health = healthOf(store);
  let connection;
  await beforeTransactions(
    function () {
      connection = this;
    },
    () => store.write({ put: [['key', bytes(1)]] }),
  );
  connection.close();
  connection.onclose(new Event('close'));
  let refused = 0;
  await beforeTransactions(
    function () {
      if (this === connection) refused++;
    },
    async () => assert.deepEqual(await store.get('key'), bytes(1)),
  );
  assert.equal(refused, 0);
  assert.deepEqual(health.states, ['healed']);
  // What becomes of a connection that was replaced is no news.
  connection.onclose(new Event('close'));
  await store.get('key');
  assert.deepEqual(health.states, ['healed']);
  await store.close();
});

// ---------------------------------------------------------------------------------------------------- watching, closing

test('indexeddb: a store does not hear its own writes', async () => {
  const name = freshName();
  const [here, there] = [indexedDBStorage({ name }), indexedDBStorage({ name })];
  let calls = 0;
  const told = signal();
  here.watch(() => calls++);
  there.watch(told.fire);
  await here.write({ put: [['key', bytes(1)]] });
  await told.fired;
  await pause(10);
  assert.equal(calls, 0);
  await here.close();
  await there.close();
});

test('indexeddb: stores of another name hear nothing', async () => {
  const [here, there] = [1, 2].map(() => indexedDBStorage({ name: freshName() }));
  let calls = 0;
  here.watch(() => calls++);
  await there.write({ put: [['key', bytes(1)]] });
  await pause(20);
  assert.equal(calls, 0);
  await here.close();
  await there.close();
});

test('indexeddb: without BroadcastChannel it stores all the same', async () => {
  await replacing(globalThis, 'BroadcastChannel', undefined, async () => {
    const store = indexedDBStorage({ name: freshName() });
    const unwatch = store.watch(() => undefined);
    await store.write({ put: [['key', bytes(1)]] });
    assert.deepEqual(await store.get('key'), bytes(1));
    unwatch();
    await store.close();
  });
});

test('indexeddb: close waits for an operation that is between two attempts', async () => {
  const store = indexedDBStorage({ name: freshName() });
  await store.write({ put: [['key', bytes(1)]] });
  let calls = 0;
  await beforeTransactions(
    () => {
      if (calls++ === 0) throw new DOMException('closing', 'InvalidStateError');
    },
    async () => {
      const read = store.get('key');
      await store.close();
      assert.deepEqual(await Promise.race([read, pause(0)]), bytes(1));
    },
  );
  assert.equal(calls, 2);
});

test('indexeddb: after close the database can be deleted at once', async () => {
  const name = freshName();
  const store = indexedDBStorage({ name });
  void store.write({ put: [['key', bytes(1)]] });
  await store.close();
  assert.equal(await deleteDatabase(name), 'deleted without being blocked');
});

test('indexeddb: watching or locking after close is refused', async () => {
  const store = indexedDBStorage({ name: freshName() });
  await store.close();
  assert.throws(() => store.watch(() => undefined), hasCode('closed'));
  await assert.rejects(
    store.exclusively('name', async () => 1),
    hasCode('closed'),
  );
});

test('indexeddb: a store that is watched and never closed lets the process end', () => {
  const program = `
    import 'fake-indexeddb/auto';
    import { indexedDBStorage } from 'agent-memory-wasm/storage/indexeddb';
    const store = indexedDBStorage();
    store.watch(() => undefined);
    await store.write({ put: [['key', Uint8Array.of(1)]] });
    console.log('written');
  `;
  const child = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.equal(child.signal, null, 'it had to be killed');
  assert.equal(child.stdout, 'written\n', child.stderr);
});

// ---------------------------------------------------------------------------------------------------- faults

/** Runs `body` while `object[property]` is `value`. */
async function replacing(object, property, value, body) {
  const own = Object.getOwnPropertyDescriptor(object, property);
  Object.defineProperty(object, property, { value, configurable: true, writable: true });
  try {
    return await body();
  } finally {
    if (own) Object.defineProperty(object, property, own);
    else delete object[property];
  }
}

/** Runs `body` while, before every transaction, `before` is called on its connection. */
function beforeTransactions(before, body) {
  const { prototype } = globalThis.IDBDatabase;
  const original = prototype.transaction;
  const begin = function (...given) {
    // fake-indexeddb upgrades through the same method.
    if (given[1] !== 'versionchange') before.apply(this, given);
    return original.apply(this, given);
  };
  return replacing(prototype, 'transaction', begin, body);
}

/** Runs `body` while `then` is given every transaction at its beginning. */
function afterTransactionBegan(then, body) {
  const { prototype } = globalThis.IDBDatabase;
  const original = prototype.transaction;
  const begin = function (...given) {
    const transaction = original.apply(this, given);
    then(transaction);
    return transaction;
  };
  return replacing(prototype, 'transaction', begin, body);
}

/** As a commit that fails: long after the requests succeeded, the transaction is aborted. */
function abortLate(transaction, error) {
  transaction.commit = () => undefined; // it would refuse the requests that make it late
  const store = transaction.objectStore('records');
  let rounds = 10;
  const delay = () => {
    if (rounds-- > 0) {
      store.count().onsuccess = delay;
    } else {
      transaction.abort();
      Object.defineProperty(transaction, 'error', { value: error });
    }
  };
  delay();
}

/** Lets `transaction` complete, and keeps back that it did until the result is called. */
function holdingBackItsAnswer(transaction) {
  let complete;
  let isAnswered = false;
  Object.defineProperty(transaction, 'oncomplete', {
    get: () => (isAnswered ? complete : null),
    set: (handler) => {
      complete = handler;
    },
  });
  return () => {
    isAnswered = true;
    complete(new Event('complete'));
  };
}

/** Holds the database `name` with a transaction that does not end: all that is asked of it waits. */
async function occupy(name) {
  const database = await openDatabase(name);
  const store = database.transaction('records', 'readwrite').objectStore('records');
  let isReleased = false;
  const ended = new Promise((resolve) => {
    store.transaction.oncomplete = resolve;
  });
  const spin = () => {
    if (!isReleased) store.count().onsuccess = spin;
  };
  spin();
  return async () => {
    isReleased = true;
    await ended;
    database.close();
  };
}

function counting(original, count) {
  return function (...given) {
    count();
    return original.apply(this, given);
  };
}

function healthOf(store) {
  const health = { states: [], errors: [] };
  health.stop = store.onHealth((state, error) => {
    health.states.push(state);
    health.errors.push(error);
  });
  return health;
}

function openDatabase(name, version, upgrade) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version);
    request.onupgradeneeded = () => upgrade(request.result);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function deleteDatabase(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onblocked = () => reject(new Error('the deletion was blocked'));
    request.onsuccess = () => resolve('deleted without being blocked');
    request.onerror = () => reject(request.error);
  });
}
