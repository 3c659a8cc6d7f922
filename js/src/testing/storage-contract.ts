// SPDX-License-Identifier: MIT
//
// What StoragePort promises, line by line, for every store and every runtime.

import type { StorageBatch, StoragePort } from '../types.js';
import * as assert from './assert.js';

/** What {@link storageContract} is to test, and with what. */
export interface StorageContractOptions {
  /** Registers a test: of node:test, Vitest, Jest, Mocha, `Deno.test`, or one's own. */
  test: (name: string, body: () => Promise<void>) => unknown;
  /** A port over an empty store that nobody else uses. */
  open: () => StoragePort | Promise<StoragePort>;
  /** A port over the same content, after `port` was closed. Without it that is not tested. */
  reopen?: (port: StoragePort) => StoragePort | Promise<StoragePort>;
  /**
   * A second port over the same content, as another context would open it. Without it, what is only
   * promised between contexts (`watch`, `exclusively`) is not tested.
   */
  share?: (port: StoragePort) => StoragePort | Promise<StoragePort>;
  /** False where the port has no `watch`. Default: true. */
  hasWatch?: boolean;
  /** False where it has no `exclusively`, or the runtime no locks between contexts. Default: true. */
  hasLocks?: boolean;
  /** Whether arguments of the wrong kind are refused with `invalid_argument`. Default: false, not tested. */
  validates?: boolean;
  /**
   * `'rejects'` where calls after `close` fail with the code `closed`, `'answers'` where the store
   * goes on. Default: not tested.
   */
  afterClose?: 'rejects' | 'answers';
  /** Of the random operations, for repeating a failure. */
  seed?: number;
}

/**
 * Registers one test per promise of `StoragePort`. A store that passes them can hold a
 * `LocalProvider`'s memories.
 */
export function storageContract({
  test,
  open,
  reopen,
  share,
  hasWatch = true,
  hasLocks = true,
  validates = false,
  afterClose,
  seed = 20_261_122,
}: StorageContractOptions): void {
  const onStore = (name: string, body: (store: StoragePort) => unknown) => {
    test(name, async () => {
      const store = await open();
      try {
        await body(store);
      } finally {
        await store.close();
      }
    });
  };

  // ------------------------------------------------------------------------------------------ one value

  onStore('kind is a name', (store) => {
    assert.equal(typeof store.kind, 'string');
    assert.ok(store.kind.length > 0);
  });

  onStore('an absent key is undefined, not a failure', async (store) => {
    assert.equal(await store.get('absent'), undefined);
  });

  onStore('what was put can be got', async (store) => {
    await store.write({ put: [['key', bytes(1, 2, 3)]] });
    assert.deepEqual(await store.get('key'), bytes(1, 2, 3));
  });

  onStore('a second put replaces the first', async (store) => {
    await store.write({ put: [['key', bytes(1, 2, 3)]] });
    await store.write({ put: [['key', bytes(4)]] });
    assert.deepEqual(await store.get('key'), bytes(4));
    assert.equal((await store.scan('', undefined, 10)).length, 1);
  });

  onStore('what was deleted is gone, and may be put again', async (store) => {
    await store.write({ put: [['key', bytes(1)]] });
    await store.write({ delete: ['key'] });
    assert.equal(await store.get('key'), undefined);
    assert.deepEqual(await store.scan('', undefined, 10), []);
    await store.write({ put: [['key', bytes(2)]] });
    assert.deepEqual(await store.scan('', undefined, 10), [['key', bytes(2)]]);
  });

  onStore('deleting what is absent is no failure', async (store) => {
    await store.write({ delete: ['absent'] });
  });

  onStore('an empty value is a value', async (store) => {
    await store.write({ put: [['empty', bytes()]] });
    assert.deepEqual(await store.get('empty'), bytes());
    assert.deepEqual(await store.scan('e', undefined, 1), [['empty', bytes()]]);
  });

  onStore('every byte survives', async (store) => {
    const all = Uint8Array.from({ length: 256 }, (_, index) => index);
    await store.write({ put: [['all', all]] });
    assert.deepEqual(await store.get('all'), all);
  });

  onStore('a value of 5 MiB survives', async (store) => {
    const large = randomBytes(randomFrom(seed), 5 << 20);
    await store.write({ put: [['large', large]] });
    assert.ok(areEqual(await store.get('large'), large), 'the bytes differ');
  });

  onStore('every ASCII character may be in a key', async (store) => {
    const keys = Array.from({ length: 128 }, (_, code) => `k${String.fromCharCode(code)}`);
    await store.write({ put: keys.map((key, code): Pair => [key, bytes(code)]) });
    const pairs = await store.scan('k', undefined, 1_000);
    assert.deepEqual(
      pairs,
      keys.map((key, code): Pair => [key, bytes(code)]),
    );
    for (const [code, key] of keys.entries()) {
      assert.deepEqual(await store.get(key), bytes(code));
      assert.deepEqual(await store.scan(key, undefined, 2), [[key, bytes(code)]]);
    }
  });

  // ------------------------------------------------------------------------------------------ whose bytes

  onStore('bytes that change after the call are stored as they were', async (store) => {
    const value = bytes(1, 2, 3);
    const written = store.write({ put: [['key', value]] });
    value.fill(9);
    await written;
    assert.deepEqual(await store.get('key'), bytes(1, 2, 3));
  });

  onStore('bytes that were handed out belong to whoever got them', async (store) => {
    await store.write({ put: [['key', bytes(1, 2, 3)]] });
    (await store.get('key'))?.fill(9);
    for (const [, value] of await store.scan('', undefined, 1)) value.fill(9);
    assert.deepEqual(await store.get('key'), bytes(1, 2, 3));
  });

  onStore('of a view, only what it shows is stored', async (store) => {
    const view = new Uint8Array(new ArrayBuffer(1 << 20), 1_000, 3);
    view.set([1, 2, 3]);
    await store.write({ put: [['key', view]] });
    const got = await store.get('key');
    assert.deepEqual(got, bytes(1, 2, 3));
    assert.equal(got?.buffer.byteLength, 3);
    const [scanned] = await store.scan('key', undefined, 1);
    assert.equal(scanned?.[1].buffer.byteLength, 3);
  });

  // ------------------------------------------------------------------------------------------ batches

  onStore('an empty batch changes nothing and succeeds', async (store) => {
    await store.write({ put: [['key', bytes(1)]] });
    await store.write({});
    await store.write({ put: [], delete: [] });
    assert.deepEqual(await store.scan('', undefined, 10), [['key', bytes(1)]]);
  });

  onStore('one batch may put and delete', async (store) => {
    await store.write({ put: [['old', bytes(1)]] });
    await store.write({ put: [['new', bytes(2)]], delete: ['old'] });
    assert.deepEqual(await store.scan('', undefined, 10), [['new', bytes(2)]]);
  });

  onStore('a key that one batch puts and deletes is deleted', async (store) => {
    await store.write({ put: [['key', bytes(1)]], delete: ['key'] });
    assert.equal(await store.get('key'), undefined);
  });

  onStore('of a key that one batch puts twice, the last value stays', async (store) => {
    const put = [1, 2].map((value): Pair => ['key', bytes(value)]);
    await store.write({ put });
    assert.deepEqual(await store.get('key'), bytes(2));
  });

  onStore('a batch of 1,000 pairs arrives whole', async (store) => {
    const put = Array.from({ length: 1_000 }, (_, index): Pair => [
      `k${String(index).padStart(4, '0')}`,
      bytes(index & 255),
    ]);
    await store.write({ put });
    assert.deepEqual(await store.scan('k', undefined, 2_000), put);
    await store.write({ delete: put.map(([key]) => key) });
    assert.deepEqual(await store.scan('', undefined, 1), []);
  });

  const wrongBatches = {
    'a value that is no bytes': { put: [['a', 'text']] },
    'a value that is an array': { put: [['a', [1, 2]]] },
    'a value that is missing': { put: [['a']] },
    'a key that is no string': { put: [[{}, bytes(1)]] },
    'a deletion without a string': { delete: [null] },
  };
  for (const [what, batch] of Object.entries(validates ? wrongBatches : {})) {
    const { put = [], delete: deletes = [] } = batch as { put?: unknown[]; delete?: unknown[] };
    const wrong = {
      put: [['first', bytes(2)], ...put],
      delete: ['kept', ...deletes],
    } as StorageBatch;
    onStore(`a batch with ${what} is refused and changes nothing`, async (store) => {
      await store.write({ put: [['kept', bytes(1)]] });
      await assert.rejects(store.write(wrong), hasCode('invalid_argument'));
      assert.deepEqual(await store.scan('', undefined, 10), [['kept', bytes(1)]]);
    });
  }

  // ------------------------------------------------------------------------------------------ scanning

  onStore('a scan is in key order, by code unit', async (store) => {
    const keys = ['b', 'a', 'B', 'aa', 'a/', 'a0', 'ab', '~', ' '];
    await store.write({ put: keys.map((key): Pair => [key, bytes()]) });
    assert.deepEqual(await keysOf(store, ''), [' ', 'B', 'a', 'a/', 'a0', 'aa', 'ab', 'b', '~']);
  });

  onStore('a prefix selects the keys that start with it, itself included', async (store) => {
    const keys = ['log', 'log/', 'log/1', 'log/2', 'log0', 'lo', 'm'];
    await store.write({ put: keys.map((key): Pair => [key, bytes()]) });
    assert.deepEqual(await keysOf(store, 'log/'), ['log/', 'log/1', 'log/2']);
    assert.deepEqual(await keysOf(store, 'nothing'), []);
  });

  onStore('`after` is left out, whether or not it is there', async (store) => {
    await store.write({ put: ['p1', 'p2', 'p3', 'q1'].map((key): Pair => [key, bytes()]) });
    assert.deepEqual(await keysOf(store, 'p', 'p1'), ['p2', 'p3']);
    assert.deepEqual(await keysOf(store, 'p', 'p15'), ['p2', 'p3']);
    assert.deepEqual(await keysOf(store, 'p', 'p3'), []);
  });

  onStore('`after` may lie outside the prefix', async (store) => {
    await store.write({ put: ['p', 'p1', 'p2', 'q1'].map((key): Pair => [key, bytes()]) });
    assert.deepEqual(await keysOf(store, 'p', ''), ['p', 'p1', 'p2']);
    assert.deepEqual(await keysOf(store, 'p', 'a'), ['p', 'p1', 'p2']);
    assert.deepEqual(await keysOf(store, 'p', 'p'), ['p1', 'p2']);
    assert.deepEqual(await keysOf(store, 'p', 'q'), []);
    assert.deepEqual(await keysOf(store, 'p', 'zzz'), []);
  });

  onStore('`limit` is kept, and 0 is a limit', async (store) => {
    await store.write({ put: ['a', 'b', 'c'].map((key): Pair => [key, bytes()]) });
    assert.deepEqual(await keysOf(store, '', undefined, 0), []);
    assert.deepEqual(await keysOf(store, '', undefined, 2), ['a', 'b']);
    assert.deepEqual(await keysOf(store, '', undefined, 3), ['a', 'b', 'c']);
    assert.deepEqual(await keysOf(store, '', undefined, Infinity), ['a', 'b', 'c']);
  });

  if (validates) {
    onStore('a limit below 0 is refused', async (store) => {
      await assert.rejects(store.scan('', undefined, -1), hasCode('invalid_argument'));
      await assert.rejects(store.scan('', undefined, NaN), hasCode('invalid_argument'));
    });
  }

  onStore('pages put together are the whole', async (store) => {
    const keys = Array.from({ length: 103 }, (_, index) => `k${String(index).padStart(3, '0')}`);
    await store.write({ put: keys.map((key): Pair => [key, bytes()]) });
    const seen: string[] = [];
    for (;;) {
      const page = await keysOf(store, 'k', seen.at(-1), 10);
      if (page.length === 0) break;
      seen.push(...page);
      assert.ok(seen.length <= keys.length, 'a page repeats what was there before');
    }
    assert.deepEqual(seen, keys);
  });

  onStore(`behaves as a sorted map under random operations (seed ${seed})`, async (store) => {
    const random = randomFrom(seed);
    const pick = (count: number) => Math.floor(random() * count);
    const someKey = () =>
      Array.from({ length: 1 + pick(4) }, () => 'ab/~0'.charAt(pick(5))).join('');
    const map = new Map<string, Uint8Array>();
    for (let step = 0; step < 150; step++) {
      const put = Array.from({ length: pick(5) }, (): Pair => [
        someKey(),
        randomBytes(random, pick(20)),
      ]);
      const deleted = Array.from({ length: pick(3) }, someKey);
      await store.write({ put, delete: deleted });
      for (const [key, value] of put) map.set(key, value);
      for (const key of deleted) map.delete(key);

      const prefix = pick(3) === 0 ? '' : someKey().slice(0, pick(3));
      const after = pick(2) === 0 ? undefined : someKey();
      const limit = pick(12);
      const expected = [...map]
        .filter(([key]) => key.startsWith(prefix) && (after === undefined || key > after))
        .sort(([left], [right]) => (left < right ? -1 : 1))
        .slice(0, limit);
      assert.deepEqual(await store.scan(prefix, after, limit), expected);
      const key = someKey();
      assert.deepEqual(await store.get(key), map.get(key));
    }
  });

  // ------------------------------------------------------------------------------------------ at once

  onStore('writes that overlap all arrive', async (store) => {
    const keys = Array.from({ length: 60 }, (_, index) => `k${String(index).padStart(2, '0')}`);
    await Promise.all(keys.map((key, index) => store.write({ put: [[key, bytes(index)]] })));
    assert.deepEqual(
      await store.scan('k', undefined, 100),
      keys.map((key, index): Pair => [key, bytes(index)]),
    );
  });

  onStore('writes to one key take effect in the order of the calls', async (store) => {
    const writes = Array.from({ length: 20 }, (_, index) =>
      store.write({ put: [['key', bytes(index)]] }),
    );
    await Promise.all(writes);
    assert.deepEqual(await store.get('key'), bytes(19));
  });

  onStore('a read that overlaps writes sees all of a batch or none of it', async (store) => {
    const put = (value: number) => ['a', 'b', 'c'].map((key): Pair => [key, bytes(value)]);
    await store.write({ put: put(0) });
    const under: Promise<void>[] = [];
    for (let value = 1; value <= 20; value++) {
      under.push(store.write({ put: put(value) }));
      under.push(
        store.scan('', undefined, 10).then((pairs) => {
          assert.equal(pairs.length, 3);
          assert.equal(new Set(pairs.map(([, [first]]) => first)).size, 1);
        }),
      );
    }
    await Promise.all(under);
  });

  onStore('a write that resolved is seen by the next read', async (store) => {
    for (let value = 0; value < 20; value++) {
      await store.write({ put: [['key', bytes(value)]] });
      assert.deepEqual(await store.get('key'), bytes(value));
    }
  });

  // ------------------------------------------------------------------------------------------ closing

  if (reopen) {
    test('the content outlives close', async () => {
      const store = await open();
      await store.write({ put: [['key', bytes(1, 2, 3)]] });
      await store.close();
      const again = await reopen(store);
      assert.deepEqual(await again.scan('', undefined, 10), [['key', bytes(1, 2, 3)]]);
      await again.write({ put: [['other', bytes(4)]] });
      assert.deepEqual(await again.get('other'), bytes(4));
      await again.close();
    });

    test('close waits for a write that is under way', async () => {
      const store = await open();
      const written = store.write({ put: [['key', bytes(1)]] });
      await store.close();
      const again = await reopen(store);
      assert.deepEqual(await again.get('key'), bytes(1));
      await written;
      await again.close();
    });
  }

  test('closing twice, at once or later, is fine', async () => {
    const store = await open();
    await store.write({ put: [['key', bytes(1)]] });
    await Promise.all([store.close(), store.close()]);
    await store.close();
  });

  test('a store that was never used can be closed', async () => {
    await (await open()).close();
  });

  if (afterClose === 'rejects') {
    test("calls after close fail with the code 'closed'", async () => {
      const store = await open();
      await store.write({ put: [['key', bytes(1)]] });
      await store.close();
      const calls = [
        store.get('key'),
        store.write({ put: [['key', bytes(2)]] }),
        store.write({}),
        store.scan('', undefined, 1),
        store.scan('', undefined, 0),
      ];
      for (const call of calls) await assert.rejects(call, hasCode('closed'));
      if (!reopen) return;
      const again = await reopen(store);
      assert.deepEqual(await again.get('key'), bytes(1));
      await again.close();
    });
  } else if (afterClose === 'answers') {
    test('calls after close are answered as before', async () => {
      const store = await open();
      await store.write({ put: [['key', bytes(1)]] });
      await store.close();
      assert.deepEqual(await store.get('key'), bytes(1));
      await store.write({ put: [['key', bytes(2)]] });
      assert.deepEqual(await store.scan('', undefined, 1), [['key', bytes(2)]]);
    });
  }

  // ------------------------------------------------------------------------------------------ two of them

  if (share === undefined) return;

  const onShared = (name: string, body: (here: SharedPort, there: SharedPort) => Promise<void>) => {
    onStore(name, async (here) => {
      const there = await share(here);
      try {
        // That it has both, `hasWatch` and `hasLocks` say.
        await body(here as SharedPort, there as SharedPort);
      } finally {
        await there.close();
      }
    });
  };

  onShared('what one wrote the other reads', async (here, there) => {
    await here.write({ put: [['key', bytes(1)]] });
    assert.deepEqual(await there.get('key'), bytes(1));
    await there.write({ delete: ['key'] });
    assert.equal(await here.get('key'), undefined);
  });

  if (hasWatch) watchContract();
  if (hasLocks) lockContract();

  function watchContract() {
    onShared('watch tells of a write elsewhere', async (here, there) => {
      const told = signal();
      const unwatch = here.watch(told.fire);
      await there.write({ put: [['key', bytes(1)]] });
      await told.fired;
      assert.deepEqual(await here.get('key'), bytes(1));
      unwatch();
    });

    onShared('watch tells each of several watchers', async (here, there) => {
      const told = [signal(), signal()];
      const unwatch = told.map(({ fire }) => here.watch(fire));
      await there.write({ delete: ['key'] });
      await Promise.all(told.map(({ fired }) => fired));
      for (const stop of unwatch) stop();
    });

    onShared('after unwatching, nobody is told; twice is fine', async (here, there) => {
      let calls = 0;
      const unwatch = here.watch(() => calls++);
      const other = signal();
      const unwatchOther = here.watch(other.fire);
      unwatch();
      unwatch();
      await there.write({ put: [['key', bytes(1)]] });
      await other.fired;
      assert.equal(calls, 0);
      unwatchOther();
    });

    onShared('a write that fails tells nobody, nor does an empty one', async (here, there) => {
      await there.get('key'); // what opening the store may write is written
      let calls = 0;
      const told = signal();
      const unwatch = here.watch(() => {
        calls++;
        told.fire();
      });
      if (validates) {
        const wrong = { put: [['key', 'text']] } as unknown as StorageBatch;
        await assert.rejects(there.write(wrong));
      }
      await there.write({});
      await there.write({ put: [['key', bytes(1)]] });
      await told.fired;
      await pause(20);
      assert.equal(calls, 1);
      unwatch();
    });
  }

  function lockContract() {
    onShared('exclusively has one holder of a name at a time', async (here, there) => {
      let inside = 0;
      const order: string[] = [];
      const work = (name: string) => async () => {
        assert.equal(++inside, 1);
        order.push(name);
        await pause(5);
        inside--;
        return name;
      };
      const results = await Promise.all([
        here.exclusively('checkpoint', work('first')),
        there.exclusively('checkpoint', work('second')),
        here.exclusively('checkpoint', work('third')),
      ]);
      assert.deepEqual(results, ['first', 'second', 'third']);
      assert.equal(order.length, 3);
    });

    onShared('exclusively does not hold up another name', async (here, there) => {
      const release = signal();
      const held = here.exclusively('one', () => release.fired);
      assert.equal(await there.exclusively('two', async () => 'done'), 'done');
      release.fire();
      await held;
    });

    onShared('exclusively passes a failure on and frees the name', async (here, there) => {
      const failure = new Error('work failed');
      await assert.rejects(
        here.exclusively('name', () => Promise.reject(failure)),
        (error) => error === failure,
      );
      assert.equal(await there.exclusively('name', async () => 1), 1);
    });

    onShared('reading and writing work under exclusively', async (here) => {
      await here.exclusively('name', () => here.write({ put: [['key', bytes(1)]] }));
      assert.deepEqual(await here.exclusively('name', () => here.get('key')), bytes(1));
    });
  }
}

type SharedPort = Required<StoragePort>;

type Pair = [key: string, value: Uint8Array];

/** A check for `rejects`: a MemoryError with that code. */
function hasCode(code: string): (error: unknown) => void {
  return (error) => {
    if (error instanceof Error && 'code' in error && error.code === code) return;
    throw new Error(`expected a MemoryError with the code '${code}', got ${String(error)}`, {
      cause: error,
    });
  };
}

/** A promise and the function that fulfils it. */
function signal(): { fire: () => void; fired: Promise<void> } {
  let fire: (() => void) | undefined;
  const fired = new Promise<void>((resolve) => {
    fire = resolve;
  });
  return {
    fire: () => {
      fire?.();
    },
    fired,
  };
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function randomBytes(random: () => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

function areEqual(left: Uint8Array | undefined, right: Uint8Array): boolean {
  return left?.length === right.length && left.every((byte, index) => byte === right[index]);
}

async function keysOf(
  store: StoragePort,
  prefix: string,
  after?: string,
  limit = 1_000,
): Promise<string[]> {
  return (await store.scan(prefix, after, limit)).map(([key]) => key);
}
