// What encryptedStorage promises: the contract of every store, that nothing can be read beneath it, that what was
// tampered with is found, and that a change of the key can be cut off anywhere.
import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import test from 'node:test';
import { LocalProvider } from 'agent-memory-wasm';
import { changeKey, encryptedStorage, passphraseKey } from 'agent-memory-wasm/storage/encrypted';
import { indexedDBStorage } from 'agent-memory-wasm/storage/indexeddb';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { storageContract } from 'agent-memory-wasm/testing';
import { bytes, hasCode, pause } from './support/waiting.mjs';
import { interceptedStorage, recordsOf } from './support/faulty-storage.mjs';

const newKey = (length = 256) =>
  crypto.subtle.generateKey({ name: 'AES-GCM', length }, false, ['encrypt', 'decrypt']);
const key = await newKey();
const otherKey = await newKey();

// ---------------------------------------------------------------------------------------------------- the contract

/** The contract over `open()`, a new inner store; `again(inner)` is another over the same content. */
function contractOver(name, open, again, options) {
  const innerOf = new WeakMap();
  const over = (inner) => {
    const store = encryptedStorage(inner, key);
    innerOf.set(store, inner);
    return store;
  };
  storageContract({
    test: (title, body) => test(`encrypted ${name}: ${title}`, body),
    validates: true,
    afterClose: 'rejects',
    open: async () => over(open()),
    reopen: async (store) => over(again(innerOf.get(store))),
    share: async (store) => over(again(innerOf.get(store))),
    ...options,
  });
}

contractOver('memory', memoryStorage, (inner) => inner);

let databases = 0;
const nameOf = new WeakMap();
const openNamed = (name) => {
  const inner = indexedDBStorage({ name });
  nameOf.set(inner, name);
  return inner;
};
contractOver(
  'indexeddb',
  () => openNamed(`encrypted-${++databases}`),
  (inner) => openNamed(nameOf.get(inner)),
  { hasLocks: globalThis.navigator?.locks !== undefined },
);

test('encrypted: what the store beneath lacks is lacking, what it has is passed on', async () => {
  const bare = interceptedStorage(memoryStorage(), () => undefined);
  delete bare.watch;
  delete bare.exclusively;
  const store = encryptedStorage(bare, key);
  assert.equal(store.watch, undefined);
  assert.equal(store.exclusively, undefined);
  assert.equal(store.onHealth, undefined);
  await store.write({ put: [['key', bytes(1)]] });
  assert.deepEqual(await store.get('key'), bytes(1));

  const inner = indexedDBStorage({ name: `encrypted-${++databases}` });
  const over = encryptedStorage(inner, key);
  assert.equal(over.kind, 'indexeddb');
  assert.equal(over.encrypted, true);
  assert.equal(typeof over.onHealth(() => undefined), 'function');
  await over.close();
});

test('encrypted: two writers without a lock between contexts take turns in this one', async () => {
  const bare = interceptedStorage(memoryStorage(), () => undefined);
  delete bare.exclusively;
  const stores = [encryptedStorage(bare, key), encryptedStorage(bare, key)];
  await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      stores[index % 2].write({ put: [[`k${index}`, bytes(index)]] }),
    ),
  );
  await stores[0].verify();
  assert.equal((await stores[1].scan('', undefined, 100)).length, 20);
});

test('encrypted: four writers over one IndexedDB keep one ledger', async () => {
  const name = `encrypted-${++databases}`;
  const locked = memoryStorage();
  // What the locks of a browser are; this Node may have none.
  const open = () =>
    Object.assign(indexedDBStorage({ name }), { exclusively: locked.exclusively.bind(locked) });
  const stores = Array.from({ length: 4 }, () => encryptedStorage(open(), key));
  await Promise.all(
    Array.from({ length: 80 }, (_, index) =>
      stores[index % 4].write({
        put: [[`k${index % 9}`, bytes(index)]],
        delete: [`k${(index + 3) % 9}`],
      }),
    ),
  );
  for (const store of stores) {
    await store.verify();
    await store.close();
  }
});

// ---------------------------------------------------------------------------------------------------- secrecy

const secretText = 'the wombat lives in Ouagadougou';

function assertNothingReadable(records, texts) {
  for (const [name, value] of records) {
    const stored = Buffer.from(value).toString('latin1');
    for (const text of texts) assert.ok(!stored.includes(text), `'${text}' lies under '${name}'`);
  }
}

test('encrypted: of memories, nothing can be read in the store, and status says it is encrypted', async () => {
  const inner = memoryStorage();
  const provider = await LocalProvider.open({ storage: encryptedStorage(inner, key) });
  await provider.storeMemories(secretText, { userId: 'ada', metadata: { topic: 'marsupials' } });
  assert.equal((await provider.status()).encrypted, true);
  assert.equal((await provider.retrieveMemories('wombat', { userId: 'ada' })).length, 1);
  await provider.close();
  assertNothingReadable(await recordsOf(inner), ['wombat', 'Ouagadougou', 'marsupials', 'ada']);

  const again = await LocalProvider.open({ storage: encryptedStorage(inner, key) });
  const [found] = await again.retrieveMemories('wombat', { userId: 'ada' });
  assert.equal(found.memory, secretText);
  await again.close();
});

test('encrypted: the same value twice is stored as different bytes, no nonce is used twice', async () => {
  const inner = memoryStorage();
  const store = encryptedStorage(inner, key);
  await store.write({ put: [['a', bytes(1, 2, 3)]] });
  await store.write({ put: [['b', bytes(1, 2, 3)]] });
  const first = await inner.get('sealed/value/a');
  await store.write({ put: [['a', bytes(1, 2, 3)]] });
  const nonces = [first, ...(await recordsOf(inner)).map(([, value]) => value)]
    .filter((value) => value[0] === 1)
    .map((value) => Buffer.from(value.slice(5, 17)).toString('hex'));
  assert.ok(nonces.length >= 4);
  assert.equal(new Set(nonces).size, nonces.length);
});

test('encrypted: a 128-bit key and a key that cannot be exported will do', async () => {
  const store = encryptedStorage(memoryStorage(), await newKey(128));
  await store.write({ put: [['key', bytes(1)]] });
  assert.deepEqual(await store.get('key'), bytes(1));
});

test('encrypted: what is no AES-GCM key for both ways is refused at once', async () => {
  const half = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt']);
  const cbc = await crypto.subtle.generateKey({ name: 'AES-CBC', length: 256 }, true, [
    'encrypt',
    'decrypt',
  ]);
  for (const wrong of [undefined, null, 'secret', bytes(1), half, cbc]) {
    assert.throws(
      () => encryptedStorage(memoryStorage(), wrong),
      (error) => hasCode('invalid_argument')(error) && error.field === 'key',
    );
  }
  assert.throws(() => encryptedStorage(undefined, key), hasCode('invalid_argument'));
  assert.throws(
    () => encryptedStorage(memoryStorage(), key, { onDamage: 1 }),
    hasCode('invalid_argument'),
  );
});

test('encrypted: without WebCrypto it says what a page needs', async () => {
  const { crypto: kept } = globalThis;
  Object.defineProperty(globalThis, 'crypto', { value: {}, configurable: true });
  try {
    const store = encryptedStorage(memoryStorage(), key);
    await assert.rejects(store.write({ put: [['key', bytes(1)]] }), (error) => {
      assert.match(error.message, /https/);
      return hasCode('storage')(error);
    });
  } finally {
    Object.defineProperty(globalThis, 'crypto', { value: kept, configurable: true });
  }
});

// ---------------------------------------------------------------------------------------------------- the wrong key

test('encrypted: a wrong key is one clear error from every call, and destroys nothing', async () => {
  const inner = memoryStorage();
  const store = encryptedStorage(inner, key);
  await store.write({ put: [['key', bytes(1)]] });
  const before = await recordsOf(inner);

  const wrong = encryptedStorage(inner, otherKey);
  for (const call of [
    () => wrong.get('key'),
    () => wrong.get('absent'),
    () => wrong.scan('', undefined, 10),
    () => wrong.write({ put: [['key', bytes(2)]] }),
    () => wrong.write({ delete: ['key'] }),
    () => wrong.verify(),
  ]) {
    await assert.rejects(call(), (error) => {
      assert.equal(error.field, 'key');
      assert.match(error.message, /must be the key of this store/);
      return hasCode('invalid_argument')(error);
    });
  }
  assert.deepEqual(await recordsOf(inner), before);
  assert.deepEqual(await store.get('key'), bytes(1));
  await assert.rejects(LocalProvider.open({ storage: wrong }), hasCode('invalid_argument'));
  assert.deepEqual(await recordsOf(inner), before);
});

test('encrypted: a store with unencrypted records is refused and left as it is', async () => {
  for (const name of ['log/1', 'zzz', 'sealed']) {
    const inner = memoryStorage();
    await inner.write({ put: [[name, bytes(1)]] });
    await assert.rejects(encryptedStorage(inner, key).get('key'), (error) => {
      assert.match(error.message, new RegExp(`'${name}'`));
      assert.equal(error.field, 'inner');
      return hasCode('invalid_argument')(error);
    });
    assert.equal((await recordsOf(inner)).length, 1);
  }
});

test('encrypted: a failed opening is not kept', async () => {
  const inner = memoryStorage();
  let fails = true;
  const failing = interceptedStorage(inner, (method) =>
    fails && method === 'scan' ? () => Promise.reject(new Error('not now')) : undefined,
  );
  const store = encryptedStorage(failing, key);
  await assert.rejects(store.get('key'), /not now/);
  fails = false;
  await store.write({ put: [['key', bytes(1)]] });
  assert.deepEqual(await store.get('key'), bytes(1));
});

// ---------------------------------------------------------------------------------------------------- tampering

/** An inner store with the values a, b, c, and what is needed to tamper with it. */
async function filled() {
  const inner = memoryStorage();
  const store = encryptedStorage(inner, key);
  await store.write({ put: ['a', 'b', 'c'].map((name, index) => [name, bytes(index)]) });
  return { inner, store };
}

const at = (name) => `sealed/value/${name}`;

/** Each: what is done to the store without the key, and what reading 'b' gives in a store that was open all along. */
const tamperings = {
  'a value that was altered by one bit': async ({ inner }) => {
    const value = await inner.get(at('b'));
    value[20] ^= 1;
    await inner.write({ put: [[at('b'), value]] });
  },
  'a value under the name of another': async ({ inner }) => {
    await inner.write({ put: [[at('b'), await inner.get(at('a'))]] });
  },
  'two values that changed places': async ({ inner }) => {
    const [a, b] = [await inner.get(at('a')), await inner.get(at('b'))];
    await inner.write({
      put: [
        [at('a'), b],
        [at('b'), a],
      ],
    });
  },
  'a value of another store with the same key': async ({ inner }) => {
    const other = await filled();
    await inner.write({ put: [[at('b'), await other.inner.get(at('b'))]] });
  },
  'a value that was cut short': async ({ inner }) => {
    await inner.write({ put: [[at('b'), (await inner.get(at('b'))).slice(0, 10)]] });
  },
  'an empty value': async ({ inner }) => {
    await inner.write({ put: [[at('b'), bytes()]] });
  },
  'a value of another generation': async ({ inner }) => {
    const value = await inner.get(at('b'));
    value[4] ^= 7;
    await inner.write({ put: [[at('b'), value]] });
  },
};

for (const [what, tamper] of Object.entries(tamperings)) {
  test(`encrypted: ${what} is corrupt, at once and after opening again`, async () => {
    const made = await filled();
    await tamper(made);
    const isNamed = (error) => {
      assert.match(error.message, /'[ab]'/);
      return hasCode('corrupt')(error);
    };
    await assert.rejects(made.store.get('b'), isNamed);
    await assert.rejects(made.store.scan('', undefined, 10), isNamed);
    assert.deepEqual(await made.store.get('c'), bytes(2));
    const damage = [];
    const again = encryptedStorage(made.inner, key, { onDamage: (error) => damage.push(error) });
    const left = (await again.scan('', undefined, 10)).map(([name]) => name);
    assert.ok(!left.includes('b') && left.includes('c'), String(left));
    assert.ok(damage.every((error) => error.code === 'corrupt'));
    assert.ok(damage.some((error) => /'b'/.test(error.message)));
    assert.ok(await made.inner.get(at('b')), 'the bytes stay');
  });
}

for (const [what, tamper] of [
  [
    'its own earlier version',
    async ({ inner, store }) => {
      const earlier = await inner.get(at('b'));
      await store.write({ put: [['b', bytes(9)]] });
      await inner.write({ put: [[at('b'), earlier]] });
    },
  ],
  [
    'nothing: it was removed',
    async ({ inner }) => {
      await inner.write({ delete: [at('b')] });
    },
  ],
  [
    'itself, after it was deleted',
    async ({ inner, store }) => {
      const earlier = await inner.get(at('b'));
      await store.write({ delete: ['b'] });
      await inner.write({ put: [[at('b'), earlier]] });
    },
  ],
  [
    'its earlier version, and so is the ledger by its own',
    async ({ inner, store }) => {
      const [earlier, ledger] = [await inner.get(at('b')), await inner.get('sealed/ledger')];
      await store.write({ put: [['b', bytes(9)]] });
      await store.write({ put: [['c', bytes(9)]] });
      await inner.write({
        put: [
          [at('b'), earlier],
          ['sealed/ledger', ledger],
        ],
      });
    },
  ],
]) {
  test(`encrypted: a value replaced by ${what}, is found by verify and on opening again`, async () => {
    const made = await filled();
    await made.store.verify();
    await tamper(made);
    await assert.rejects(made.store.verify(), hasCode('corrupt'));
    const again = encryptedStorage(made.inner, key);
    await assert.rejects(again.get('a'), hasCode('corrupt'));

    const damage = [];
    const told = encryptedStorage(made.inner, key, {
      onDamage: (error) => damage.push(error.code),
    });
    assert.deepEqual(await told.get('a'), bytes(0));
    assert.deepEqual(damage, ['corrupt']);
    await told.write({ put: [['d', bytes(4)]] });
    // It was told; from here on the store counts as it is.
    assert.deepEqual(await encryptedStorage(made.inner, key).get('d'), bytes(4));
  });
}

test('encrypted: without its ledger a store is corrupt, and writing does not hide that', async () => {
  const { inner, store } = await filled();
  await inner.write({ delete: ['sealed/ledger'] });
  await store.write({ put: [['d', bytes(1)]] });
  await assert.rejects(encryptedStorage(inner, key).get('a'), /ledger is missing/);
});

test('encrypted: an earlier copy of the whole store is not found out, as the documentation says', async () => {
  const { inner, store } = await filled();
  const before = await recordsOf(inner);
  await store.write({ put: [['b', bytes(9)]] });
  await inner.write({ put: before });
  assert.deepEqual(await encryptedStorage(inner, key).get('b'), bytes(1));
});

test('encrypted: one damaged copy of the header is made anew, two are corrupt', async () => {
  for (const copy of ['a', 'b']) {
    const { inner } = await filled();
    const whole = await inner.get('sealed/header/a');
    const damaged = whole.slice();
    damaged[50] ^= 1;
    await inner.write({ put: [[`sealed/header/${copy}`, damaged]] });
    const store = encryptedStorage(inner, key);
    assert.deepEqual(await store.get('a'), bytes(0));
    assert.deepEqual(await inner.get(`sealed/header/${copy}`), whole);

    const both = ['a', 'b'].map((each) => [`sealed/header/${each}`, damaged]);
    await inner.write({ put: both });
    await assert.rejects(encryptedStorage(inner, key).get('a'), hasCode('corrupt'));
    await inner.write({ delete: both.map(([name]) => name) });
    await assert.rejects(encryptedStorage(inner, key).get('a'), /header with its keys is gone/);
  }
});

test("encrypted: a newer version's store is corrupt and left alone", async () => {
  const { inner } = await filled();
  const text = new TextEncoder().encode(JSON.stringify({ format: 2 }));
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', text));
  const newer = new Uint8Array([...hash, ...text]);
  await inner.write({ put: ['a', 'b'].map((copy) => [`sealed/header/${copy}`, newer]) });
  const before = await recordsOf(inner);
  await assert.rejects(encryptedStorage(inner, key).write({ delete: ['a'] }), /newer version/);
  assert.deepEqual(await recordsOf(inner), before);
});

test('encrypted: a store that is emptied in mid-use goes on as a new one', async () => {
  const { inner, store } = await filled();
  await inner.write({ delete: (await recordsOf(inner)).map(([name]) => name) });
  assert.equal(await store.get('a'), undefined);
  await store.write({ put: [['d', bytes(4)]] });
  assert.deepEqual(await store.scan('', undefined, 10), [['d', bytes(4)]]);
  assert.deepEqual(await encryptedStorage(inner, key).get('d'), bytes(4));
});

test('encrypted: a page from which damaged values are left out is filled up', async () => {
  const inner = memoryStorage();
  const names = Array.from({ length: 30 }, (_, index) => `k${String(index).padStart(2, '0')}`);
  const store = encryptedStorage(inner, key, { onDamage: () => undefined });
  await store.write({ put: names.map((name) => [name, bytes(1)]) });
  await inner.write({ put: names.slice(2, 20).map((name) => [at(name), bytes()]) });
  const page = await store.scan('k', undefined, 5);
  assert.deepEqual(
    page.map(([name]) => name),
    ['k00', 'k01', 'k20', 'k21', 'k22'],
  );
});

test('encrypted: with onDamage, a provider lives on without the record that was damaged', async () => {
  const inner = memoryStorage();
  const provider = await LocalProvider.open({ storage: encryptedStorage(inner, key) });
  for (const text of ['first bee', 'second bee', 'third bee']) await provider.storeMemories(text);
  await provider.close();
  const logs = (await recordsOf(inner)).filter(([name]) => name.startsWith(at('log/')));
  assert.equal(logs.length, 3);
  const [name, value] = logs[1];
  value[30] ^= 1;
  await inner.write({ put: [[name, value]] });
  await assert.rejects(
    LocalProvider.open({ storage: encryptedStorage(inner, key) }),
    hasCode('corrupt'),
  );
  const damage = [];
  const storage = encryptedStorage(inner, key, { onDamage: (error) => damage.push(error.code) });
  const again = await LocalProvider.open({ storage });
  const texts = (await again.getAllMemories()).map(({ memory }) => memory).sort();
  assert.deepEqual(texts, ['first bee', 'third bee']);
  assert.ok(damage.length > 0);
  await again.close();
});

// ---------------------------------------------------------------------------------------------------- at once

test('encrypted: cryptography is done before the store is asked to write', async () => {
  const inner = memoryStorage();
  let isWriting = false;
  const watched = interceptedStorage(inner, (method, args) =>
    method !== 'write'
      ? undefined
      : async () => {
          isWriting = true;
          await pause(2);
          await inner.write(...args);
          isWriting = false;
        },
  );
  const store = encryptedStorage(watched, key);
  const { encrypt } = crypto.subtle;
  let calls = 0;
  crypto.subtle.encrypt = function (...args) {
    calls++;
    assert.equal(isWriting, false);
    return encrypt.apply(this, args);
  };
  try {
    await store.write({ put: Array.from({ length: 50 }, (_, index) => [`k${index}`, bytes(1)]) });
  } finally {
    delete crypto.subtle.encrypt;
  }
  assert.ok(calls > 50);
});

test('encrypted: a write that the store refuses changes nothing, the ledger included', async () => {
  const { inner } = await filled();
  const before = await recordsOf(inner);
  let fails = false;
  const failing = interceptedStorage(inner, (method) =>
    fails && method === 'write' ? () => Promise.reject(new Error('full')) : undefined,
  );
  const store = encryptedStorage(failing, key);
  await store.get('a');
  fails = true;
  await assert.rejects(store.write({ put: [['d', bytes(1)]], delete: ['a'] }), /full/);
  assert.deepEqual(await recordsOf(inner), before);
  fails = false;
  await store.write({ put: [['d', bytes(1)]], delete: ['a'] });
  await store.verify();
});

// ---------------------------------------------------------------------------------------------------- change of key

const contentOf = async (inner, withKey) =>
  (await encryptedStorage(inner, withKey).scan('', undefined, 1e6)).map(([name, value]) => [
    name,
    [...value],
  ]);

async function filledWith(count) {
  const inner = memoryStorage();
  const put = Array.from({ length: count }, (_, index) => [`k${index}`, bytes(index & 255, 7)]);
  await encryptedStorage(inner, key).write({ put });
  return { inner, content: await contentOf(inner, key) };
}

/** A store that stops for good before its `step`th operation, as a process that was killed; counts them. */
function crashing(inner, step) {
  const seen = { operations: 0 };
  const port = interceptedStorage(inner, (method) => {
    if (!['get', 'scan', 'write'].includes(method)) return undefined;
    if (seen.operations++ < step) return undefined;
    return () => Promise.reject(new Error('crashed'));
  });
  return { port, seen };
}

test('encrypted: after a change of key the new one opens all of it, the old one nothing', async () => {
  const { inner, content } = await filledWith(150);
  const before = await recordsOf(inner);
  await changeKey(inner, key, otherKey);
  assert.deepEqual(await contentOf(inner, otherKey), content);
  await assert.rejects(contentOf(inner, key), hasCode('invalid_argument'));
  const stored = new Map(await recordsOf(inner));
  for (const [name, value] of before) assert.notDeepEqual(stored.get(name), value, name);
  // Whoever kept the old header and the old key cannot read what is there now.
  await inner.write({ put: before.filter(([name]) => name.startsWith('sealed/header')) });
  await assert.rejects(contentOf(inner, key), hasCode('corrupt'));
});

test('encrypted: a change of key from a wrong key changes nothing', async () => {
  const { inner } = await filledWith(3);
  const before = await recordsOf(inner);
  const [third, fourth] = [await newKey(), await newKey()];
  await assert.rejects(
    changeKey(inner, third, fourth),
    (error) => hasCode('invalid_argument')(error) && error.field === 'from',
  );
  assert.deepEqual(await recordsOf(inner), before);
  await assert.rejects(changeKey(memoryStorage(), key, otherKey), hasCode('invalid_argument'));
});

test('encrypted: a change of key that is cut off at any step leaves all of it to one key, and can be finished', async () => {
  const made = await filledWith(70);
  const counting = crashing(made.inner, Infinity);
  await changeKey(counting.port, key, otherKey);
  const steps = counting.seen.operations;
  assert.ok(steps > 20, `${steps} operations`);
  let byOld = 0;
  for (let step = 0; step < steps; step++) {
    const { inner, content } = await filledWith(70);
    await assert.rejects(changeKey(crashing(inner, step).port, key, otherKey), /crashed/);
    const opened = [];
    for (const each of [key, otherKey]) {
      await contentOf(inner, each).then(
        (found) => opened.push([each, found]),
        (error) => assert.ok(hasCode('invalid_argument')(error)),
      );
    }
    assert.equal(opened.length, 1, `step ${step}: exactly one key opens it`);
    assert.deepEqual(opened[0][1], content, `step ${step}`);
    if (opened[0][0] === key) byOld++;
    // It can be written to half way, and then finished.
    await encryptedStorage(inner, opened[0][0]).write({ put: [['later', bytes(1)]] });
    await changeKey(inner, key, otherKey);
    assert.deepEqual(await contentOf(inner, otherKey), [...content, ['later', [1]]]);
    const generations = (await recordsOf(inner))
      .filter(([name]) => name.startsWith('sealed/value'))
      .map(([, value]) => value[4]);
    assert.equal(new Set(generations).size, 1, `step ${step}: one generation is left`);
  }
  assert.ok(byOld > 0 && byOld < steps);
});

test('encrypted: writers go on during a change of key until they need the new one, and lose nothing', async () => {
  const { inner } = await filledWith(300);
  const writer = encryptedStorage(inner, key);
  await writer.get('k0');
  const acknowledged = [];
  let refused;
  const writing = (async () => {
    for (let index = 0; refused === undefined && index < 10_000; index++) {
      const name = `w${String(index).padStart(5, '0')}`;
      await writer.write({ put: [[name, bytes(1)]], delete: [`k${index}`] }).then(
        () => acknowledged.push(name),
        (error) => (refused = error),
      );
    }
  })();
  await pause(5);
  await changeKey(inner, key, otherKey);
  await writing;
  assert.ok(hasCode('invalid_argument')(refused));
  assert.match(refused.message, /key was changed/);
  const store = encryptedStorage(inner, otherKey);
  await store.verify();
  const found = (await store.scan('w', undefined, 1e6)).map(([name]) => name);
  assert.deepEqual(found, acknowledged);
  const left = (await store.scan('k', undefined, 1e6)).map(([name]) => Number(name.slice(1)));
  assert.equal(left.length, 300 - acknowledged.length);
  assert.equal(Math.min(...left), acknowledged.length);
});

test('encrypted: a reader with the old key is told when it meets what the new one wrote', async () => {
  const { inner } = await filledWith(3);
  const reader = encryptedStorage(inner, key);
  await reader.get('k0');
  await changeKey(inner, key, otherKey);
  await assert.rejects(
    reader.get('k0'),
    (error) => hasCode('invalid_argument')(error) && error.field === 'key',
  );
});

test('encrypted: values can be encrypted anew under the same key, and open stores follow', async () => {
  const { inner, content } = await filledWith(5);
  const open = encryptedStorage(inner, key);
  await open.get('k0');
  await changeKey(inner, key, key);
  assert.deepEqual(await open.get('k0'), bytes(0, 7));
  await open.write({ put: [['k0', bytes(0, 7)]] });
  assert.deepEqual(await contentOf(inner, key), content);
});

// ---------------------------------------------------------------------------------------------------- passphrases

test('encrypted: a passphrase opens what it closed, another one does not', async () => {
  const inner = memoryStorage();
  const provider = await LocalProvider.open({
    storage: encryptedStorage(inner, await passphraseKey(inner, 'corr\u00e9ct horse')),
  });
  await provider.storeMemories(secretText);
  await provider.close();
  // The same letter, typed as two characters.
  const same = await passphraseKey(inner, 'corre\u0301ct horse');
  const again = await LocalProvider.open({ storage: encryptedStorage(inner, same) });
  assert.equal((await again.getAllMemories()).length, 1);
  await again.close();
  const wrong = await passphraseKey(inner, 'battery staple');
  await assert.rejects(LocalProvider.open({ storage: encryptedStorage(inner, wrong) }), (error) => {
    assert.ok(!error.message.includes('battery'));
    return hasCode('invalid_argument')(error);
  });
  await changeKey(inner, same, wrong);
  assert.ok((await contentOf(inner, await passphraseKey(inner, 'battery staple'))).length > 0);
  assertNothingReadable(await recordsOf(inner), ['wombat', 'horse', 'battery']);
});

test('encrypted: first callers at once get the same key; its salt is stored twice', async () => {
  const inner = memoryStorage();
  const [first, second] = await Promise.all([passphraseKey(inner, 'x'), passphraseKey(inner, 'x')]);
  await encryptedStorage(inner, first).write({ put: [['key', bytes(1)]] });
  assert.deepEqual(await encryptedStorage(inner, second).get('key'), bytes(1));
  await inner.write({ put: [['sealed/salt/a', bytes(1)]] });
  const third = await passphraseKey(inner, 'x');
  assert.deepEqual(await encryptedStorage(inner, third).get('key'), bytes(1));
  await inner.write({ put: [['sealed/salt/b', bytes(1)]] });
  await assert.rejects(passphraseKey(inner, 'x'), hasCode('corrupt'));
});

test('encrypted: an empty passphrase and too few iterations are refused', async () => {
  const inner = memoryStorage();
  await assert.rejects(passphraseKey(inner, ''), hasCode('invalid_argument'));
  await assert.rejects(passphraseKey(inner, 'x', { iterations: 1_000 }), (error) => {
    assert.equal(error.message, 'iterations must be at least 600000, got 1000');
    return hasCode('invalid_argument')(error);
  });
  assert.deepEqual(await recordsOf(inner), []);
  // Planted by somebody who would like to guess passphrases.
  const text = new TextEncoder().encode(JSON.stringify({ salt: 'AAAA', iterations: 1 }));
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', text));
  const weak = new Uint8Array([...hash, ...text]);
  await inner.write({ put: ['a', 'b'].map((copy) => [`sealed/salt/${copy}`, weak]) });
  await assert.rejects(passphraseKey(inner, 'x'), hasCode('corrupt'));
});
