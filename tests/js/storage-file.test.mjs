// The contract over real files; and what only files and several processes do: kill -9 at any moment, halves of frames,
// flipped bits, two writers at once, a folder that is deleted.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import files from 'node:fs/promises';
import {
  appendFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { LocalProvider } from 'agent-memory-wasm';
import { encryptedStorage } from 'agent-memory-wasm/storage/encrypted';
import { fileStorage } from 'agent-memory-wasm/storage/file';
import { storageContract } from 'agent-memory-wasm/testing';
import { bytes, hasCode, pause, signal } from './support/waiting.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const base = await mkdtemp(path.join(os.tmpdir(), 'agent-memory-file-'));
after(() => rm(base, { recursive: true, force: true }));

let folders = 0;
const freshFolder = () => path.join(base, `store-${++folders}`);

/** A store of one key that was closed, and the file that it is in. */
async function closedStore() {
  const folder = freshFolder();
  const store = fileStorage(folder);
  await store.write({ put: [['key', bytes(1)]] });
  await store.close();
  return { folder, log: path.join(folder, '00000001.log') };
}

for (const durability of ['relaxed', 'strict']) {
  const folderOf = new WeakMap();
  const openAt = (folder) => {
    const store = fileStorage(folder, { durability });
    folderOf.set(store, folder);
    return store;
  };
  storageContract({
    test: (name, body) => test(`file, ${durability}: ${name}`, body),
    validates: true,
    afterClose: 'rejects',
    open: async () => openAt(freshFolder()),
    reopen: async (store) => openAt(folderOf.get(store)),
    share: async (store) => openAt(folderOf.get(store)),
  });
}

const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
  'encrypt',
  'decrypt',
]);
const folderOfEncrypted = new WeakMap();
const openEncrypted = (folder) => {
  const store = encryptedStorage(fileStorage(folder), key);
  folderOfEncrypted.set(store, folder);
  return store;
};
storageContract({
  test: (name, body) => test(`encrypted file: ${name}`, body),
  validates: true,
  afterClose: 'rejects',
  open: async () => openEncrypted(freshFolder()),
  reopen: async (store) => openEncrypted(folderOfEncrypted.get(store)),
  share: async (store) => openEncrypted(folderOfEncrypted.get(store)),
});

// ---------------------------------------------------------------------------------------------------- options

test('file: options out of their bounds are refused at once', () => {
  for (const [field, given] of [
    ['path', ['']],
    ['path', [7]],
    ['durability', ['x', { durability: 'sometimes' }]],
  ]) {
    assert.throws(
      () => fileStorage(...given),
      (error) => hasCode('invalid_argument')(error) && error.field === field,
    );
  }
});

test('file: making a store touches nothing; a URL is a path; only the owner may read', async () => {
  const folder = path.join(freshFolder(), 'deep', 'down');
  const store = fileStorage(pathToFileURL(folder));
  await pause(5);
  await assert.rejects(stat(folder), /ENOENT/);
  await store.write({ put: [['key', bytes(1)]] });
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
  for (const name of await readdir(folder)) {
    assert.equal((await stat(path.join(folder, name))).mode & 0o777, 0o600);
  }
  await store.close();
});

test('file: a folder that cannot be made is an error of the store', async () => {
  const file = freshFolder();
  await writeFile(file, 'not a folder');
  const store = fileStorage(path.join(file, 'below'));
  await assert.rejects(store.get('key'), (error) => {
    assert.match(error.message, /^file '.*': read failed/);
    return hasCode('storage')(error);
  });
  await store.close();
});

test("file: another program's file, and a newer version's, are corrupt and left alone", async () => {
  const { folder, log } = await closedStore();
  const newer = Buffer.concat([Buffer.from('AMLOG2\r\n'), Buffer.alloc(20)]);
  await writeFile(log, newer);
  const again = fileStorage(folder);
  await assert.rejects(again.write({ put: [['key', bytes(2)]] }), hasCode('corrupt'));
  await again.close();
  assert.deepEqual(await readFile(log), newer);
});

test('file: a provider keeps its memories in it', async () => {
  const folder = freshFolder();
  const provider = await LocalProvider.open({ storage: fileStorage(folder) });
  await provider.storeMemories('The bees are in the garden.');
  const { kind, persistent } = await provider.status();
  assert.deepEqual({ kind, persistent }, { kind: 'file', persistent: true });
  await provider.close();
  const again = await LocalProvider.open({ storage: fileStorage(folder) });
  assert.equal((await again.retrieveMemories('bees')).length, 1);
  await again.close();
});

/** Calls `body` while every handle of a file asks `before(handle, method)` when it is synced. */
async function withSyncs(before, body) {
  const handle = await open(base);
  const prototype = Object.getPrototypeOf(handle);
  await handle.close();
  const kept = { sync: prototype.sync, datasync: prototype.datasync };
  for (const method of Object.keys(kept)) {
    prototype[method] = async function () {
      await before(this, method);
      return kept[method].call(this);
    };
  }
  try {
    await body();
  } finally {
    Object.assign(prototype, kept);
  }
}

test("file: a 'strict' write waits for the disk, a 'relaxed' one does not", async () => {
  for (const durability of ['strict', 'relaxed']) {
    const folder = freshFolder();
    const store = fileStorage(folder, { durability });
    await store.write({ put: [['first', bytes(1)]] });
    const asked = signal();
    const answered = signal();
    let syncs = 0;
    let isAcknowledged = false;
    await withSyncs(
      async () => {
        syncs++;
        asked.fire();
        await answered.fired;
      },
      async () => {
        const writing = store.write({ put: [['key', bytes(2)]] }).then(() => {
          isAcknowledged = true;
        });
        if (durability === 'strict') {
          await asked.fired;
          await pause(20);
          assert.equal(isAcknowledged, false);
          assert.ok((await bytesIn(folder)).includes('key'), 'it is the disk that it waits for');
          answered.fire();
        }
        await writing;
        assert.equal(syncs, durability === 'strict' ? 1 : 0);
      },
    );
    await store.close();
  }
});

test('file: a write that the disk fails to take is rejected', async () => {
  const store = fileStorage(freshFolder(), { durability: 'strict' });
  await store.write({ put: [['first', bytes(1)]] });
  await withSyncs(
    () => Promise.reject(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })),
    () => assert.rejects(store.write({ put: [['key', bytes(2)]] }), hasCode('storage')),
  );
  await store.write({ put: [['last', bytes(3)]] });
  assert.deepEqual(await store.get('first'), bytes(1));
  await store.close();
});

test('file: a new store is durable with every folder on the way to it, before the first write is', async () => {
  const above = freshFolder();
  await mkdir(above);
  const folder = path.join(above, 'deep', 'down', 'below');
  const synced = new Set();
  await withSyncs(
    async (handle) => synced.add((await handle.stat()).ino),
    async () => {
      const store = fileStorage(folder, { durability: 'strict' });
      await store.write({ put: [['key', bytes(1)]] });
      for (const each of ['00000001.log', '.', '..', '../..', '../../..']) {
        const { ino } = await stat(path.join(folder, each));
        assert.ok(synced.has(ino), each);
      }
      await store.close();
    },
  );
});

// ---------------------------------------------------------------------------------------------------- damage

/** A closed store with records k0 … k9 of one write each; its folder, its log, and where each frame begins. */
async function tenFrames() {
  const folder = freshFolder();
  const store = fileStorage(folder);
  const log = path.join(folder, '00000001.log');
  const starts = [];
  for (let index = 0; index < 10; index++) {
    await store.get('key');
    starts.push((await stat(log)).size);
    await store.write({ put: [[`k${index}`, new Uint8Array(50).fill(index)]] });
  }
  await store.close();
  return { folder, log, starts, size: (await stat(log)).size };
}

const keysIn = async (store) => (await store.scan('', undefined, 1e6)).map(([name]) => name);

test('file: cut off at any byte, every whole frame before is there, and writing goes on', async () => {
  const { log, starts, size } = await tenFrames();
  const whole = await readFile(log);
  for (let cut = starts[7]; cut <= size; cut += 3) {
    const folder = freshFolder();
    const store = fileStorage(folder);
    await store.get('key');
    await writeFile(path.join(folder, '00000001.log'), whole.subarray(0, cut));
    await store.close();
    const again = fileStorage(folder);
    const health = [];
    again.onHealth((state) => health.push(state));
    const expected = starts.filter((_, index) => (starts[index + 1] ?? size) <= cut);
    assert.equal((await keysIn(again)).length, expected.length, `cut at ${cut}`);
    await again.write({ put: [['z', bytes(1)]] });
    assert.equal((await keysIn(again)).length, expected.length + 1);
    await again.close();
    const last = fileStorage(folder);
    assert.equal((await keysIn(last)).length, expected.length + 1);
    await last.close();
    assert.deepEqual(health, [], 'what was never acknowledged is no damage');
  }
});

test('file: a flipped bit costs the frame that it is in, is told, and the bytes are set aside', async () => {
  const { folder, log, starts } = await tenFrames();
  const whole = await readFile(log);
  for (let frame = 0; frame < 10; frame++) {
    for (const within of [0, 5, 9, 11, 13, 20, 35, 70]) {
      const damaged = Buffer.from(whole);
      damaged[starts[frame] + within] ^= 4;
      await rm(folder, { recursive: true });
      const store = fileStorage(folder);
      await store.get('key');
      await writeFile(log, damaged);
      await store.close();
      const again = fileStorage(folder);
      const left = await keysIn(again);
      const expected = Array.from({ length: 10 }, (_, index) => `k${index}`);
      expected.splice(frame, 1);
      assert.deepEqual(left, expected, `byte ${within} of frame ${frame}`);
      const told = signal();
      let error;
      again.onHealth((state, cause) => {
        assert.equal(state, 'degraded');
        error = cause;
        told.fire();
      });
      await told.fired;
      assert.equal(error.code, 'corrupt');
      assert.match(error.message, new RegExp(`bytes at ${starts[frame]} of`));
      await again.write({ delete: [expected[4]] });
      await again.close(); // which makes a new log
      const kept = await readFile(path.join(folder, `damaged-1-${starts[frame]}`));
      assert.deepEqual(kept, damaged.subarray(starts[frame], starts[frame + 1]));
    }
  }
});

test('file: a flipped bit in the head of the log costs no frame, is told, and the head is made anew', async () => {
  const { folder, log } = await tenFrames();
  const whole = await readFile(log);
  const versionAt = 5;
  for (let at = 0; at < 16; at++) {
    if (at === versionAt) continue; // then it may be a newer version's
    const damaged = Buffer.from(whole);
    damaged[at] ^= 4;
    await rm(folder, { recursive: true });
    const store = fileStorage(folder);
    await store.get('key');
    await writeFile(log, damaged);
    await store.close();
    const again = fileStorage(folder);
    const told = signal();
    again.onHealth((state, { code, message }) => {
      assert.deepEqual([state, code], ['degraded', 'corrupt']);
      assert.match(message, /16 bytes at 0 of/);
      told.fire();
    });
    assert.equal((await keysIn(again)).length, 10, `byte ${at}`);
    await told.fired;
    await again.write({ put: [['z', bytes(1)]] });
    await again.close(); // which makes a new log
    assert.deepEqual(await readFile(path.join(folder, 'damaged-1-0')), damaged.subarray(0, 16));
    const last = fileStorage(folder);
    last.onHealth(() => assert.fail('the new head is whole'));
    assert.equal((await keysIn(last)).length, 11, `byte ${at}`);
    await last.close();
  }
});

test('file: a value that holds a whole frame of the file does not become one', async () => {
  const { folder, log, starts } = await tenFrames();
  const frame = (await readFile(log)).subarray(starts[3], starts[4]);
  const store = fileStorage(folder);
  await store.write({ delete: ['k3'] });
  await store.write({ put: [['quoted', new Uint8Array(frame)]] });
  assert.equal(await store.get('k3'), undefined);
  const again = fileStorage(folder);
  assert.equal(await again.get('k3'), undefined);
  await again.close();
  await store.close();
});

// ---------------------------------------------------------------------------------------------------- full disks

/** Calls `body` while there is room for `disk.bytes` in `folder`; without `tells`, nobody can ask how much is left. */
async function onDisk(disk, folder, body) {
  const used = async () => {
    const names = await readdir(folder).catch(() => []);
    const sizes = names.map((name) => stat(path.join(folder, name)).catch(() => ({ size: 0 })));
    return (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0);
  };
  const handle = await open(base);
  const prototype = Object.getPrototypeOf(handle);
  await handle.close();
  const kept = { write: prototype.write, statfs: files.statfs };
  prototype.write = async function (bytes, at = 0) {
    const room = Math.min(disk.bytes - (await used()), bytes.length - at);
    if (room > 0) return kept.write.call(this, bytes, at, room);
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  };
  files.statfs = async () => {
    if (!disk.tells) throw new Error('unknown');
    const bavail = Math.max(0, disk.bytes - (await used()));
    return { bavail, bsize: 1, blocks: 1e9 };
  };
  syncBuiltinESMExports();
  try {
    await body();
  } finally {
    Object.assign(prototype, { write: kept.write });
    files.statfs = kept.statfs;
    syncBuiltinESMExports();
  }
}

for (const { what, over, room } of [
  { what: 'file', over: (folder) => fileStorage(folder), room: 1_000_000 },
  {
    what: 'encrypted file',
    over: (folder) => encryptedStorage(fileStorage(folder), key),
    room: 1_600_000,
  },
]) {
  test(`${what}: on a full disk nothing is added, everything can be read and deleted, and with room it goes on`, async () => {
    const folder = freshFolder();
    const disk = { bytes: 1e9, tells: true };
    await onDisk(disk, folder, async () => {
      const open = () => LocalProvider.open({ storage: over(folder) });
      const text = 'There is a nest of wasps above the window of the bathroom';
      let provider = await open();
      for (let turn = 0; turn < 100; turn++) await provider.storeMemories(`${text} ${turn}`);
      disk.bytes = (await bytesIn(folder)).length + room;
      const stored = await provider.getAllMemories({ limit: 1e6 });
      const fill = async () => {
        for (;;) stored.push(...(await provider.storeMemories(`${stored.length}: ${text}`)));
      };
      await assert.rejects(fill(), hasCode('quota_exceeded'));
      await assert.rejects(provider.storeMemories('bee '.repeat(99)), hasCode('quota_exceeded'));
      assert.ok(stored.length > 100, `${stored.length}`);
      const idsOf = (memories) => memories.map(({ id }) => id).sort();
      assert.deepEqual(idsOf(await provider.getAllMemories({ limit: 1e6 })), idsOf(stored));
      await provider.close();
      provider = await open();
      for (const { id } of stored.splice(-50)) assert.ok(await provider.deleteMemory(id));
      await provider.close();
      provider = await open();
      assert.deepEqual(idsOf(await provider.getAllMemories({ limit: 1e6 })), idsOf(stored));
      disk.bytes += 4_000_000;
      await provider.storeMemories('bee '.repeat(99));
      assert.equal(await provider.deleteAllMemories({ everything: true }), stored.length + 1);
      await provider.close();
    });
  });
}

test('file: a disk that is full without a warning refuses writes, and costs nothing that was acknowledged', async () => {
  const folder = freshFolder();
  const disk = { bytes: 100_000, tells: false };
  await onDisk(disk, folder, async () => {
    const store = fileStorage(folder);
    const expected = [];
    for (let index = 0; index < 20; index++) {
      const name = `k${String(index).padStart(2, '0')}`;
      await store.write({ put: [[name, new Uint8Array(9_000).fill(index)]] }).then(
        () => expected.push(name),
        (error) => assert.ok(hasCode('quota_exceeded')(error)),
      );
    }
    assert.equal(expected.length, 11);
    assert.deepEqual(await keysIn(store), expected);
    disk.bytes += 100_000;
    await store.write({ put: [['z', bytes(1)]] });
    await store.close();
    const again = fileStorage(folder);
    again.onHealth(() => assert.fail('half of what was refused is no damage'));
    assert.deepEqual(await keysIn(again), [...expected, 'z']);
    await again.close();
  });
});

test('file: a sealed log without room for the next can be read, and is replaced when there is', async () => {
  const { folder, log } = await closedStore();
  await writeFile(log, sealedCopy(await readFile(log)));
  const disk = { bytes: 0, tells: true };
  await onDisk(disk, folder, async () => {
    const again = fileStorage(folder);
    assert.deepEqual(await keysIn(again), ['key']);
    assert.deepEqual(await again.get('key'), bytes(1));
    await assert.rejects(again.write({ put: [['more', bytes(2)]] }), hasCode('quota_exceeded'));
    assert.deepEqual(await keysIn(again), ['key']);
    disk.bytes = 1e7;
    await again.write({ put: [['more', bytes(2)]] });
    assert.deepEqual(await keysIn(again), ['key', 'more']);
    await again.close();
  });
  assert.deepEqual(await readdir(folder), ['00000002.log']);
});

test('file: a file system that does not know its size is written to', async () => {
  const { statfs } = files;
  files.statfs = async () => ({ bavail: 0, bsize: 4096, blocks: 0 });
  syncBuiltinESMExports();
  try {
    const store = fileStorage(freshFolder());
    await store.write({ put: [['key', bytes(1)]] });
    await store.close();
  } finally {
    files.statfs = statfs;
    syncBuiltinESMExports();
  }
});

test('file: a log is not sealed where there is no room for the next', async () => {
  const folder = freshFolder();
  const disk = { bytes: 1e9, tells: true };
  await onDisk(disk, folder, async () => {
    const store = fileStorage(folder);
    await store.write({ put: [['a', new Uint8Array(500_000)]] });
    await store.write({ put: [['b', bytes(1)]] });
    disk.bytes = 700_000;
    await store.write({ delete: ['b'] });
    await store.close();
    assert.deepEqual(await readdir(folder), ['00000001.log']);
    disk.bytes = 1e9;
    const again = fileStorage(folder);
    assert.deepEqual(await keysIn(again), ['a']);
    await again.close();
    assert.deepEqual(await readdir(folder), ['00000002.log']);
  });
});

// ---------------------------------------------------------------------------------------------------- growth

const bytesIn = async (folder) => {
  const parts = await Promise.all(
    (await readdir(folder)).map((name) => readFile(path.join(folder, name))),
  );
  return Buffer.concat(parts);
};

test('file: after a second, nothing is left of what was deleted or replaced', async () => {
  const folder = freshFolder();
  const store = fileStorage(folder);
  const secret = (text) => new TextEncoder().encode(`secret ${text}`);
  await store.write({
    put: [
      ['deleted', secret('wombat')],
      ['replaced', secret('quokka')],
      ['kept', secret('numbat')],
    ],
  });
  await store.write({ delete: ['deleted'], put: [['replaced', secret('bilby')]] });
  assert.ok((await bytesIn(folder)).includes('wombat'));
  while ((await readdir(folder)).includes('00000001.log')) await pause(50);
  const left = await bytesIn(folder);
  for (const gone of ['wombat', 'quokka']) assert.ok(!left.includes(gone), gone);
  for (const kept of ['numbat', 'bilby']) assert.ok(left.includes(kept), kept);
  assert.deepEqual(await keysIn(store), ['kept', 'replaced']);
  await store.close();
});

test('file: closing drops what was deleted, and a value replaced over and over does not pile up', async () => {
  const folder = freshFolder();
  const store = fileStorage(folder);
  for (let index = 0; index < 60; index++) {
    await store.write({ put: [['key', new Uint8Array(100_000).fill(index)]] });
    const { size } = await stat(path.join(folder, (await readdir(folder)).sort().at(-1)));
    assert.ok(size < 1_400_000, `${size} bytes`);
  }
  await store.close();
  assert.ok((await bytesIn(folder)).length < 101_000);
  const again = fileStorage(folder);
  assert.equal((await again.get('key'))[0], 59);
  await again.close();
});

test('file: a folder that is deleted in mid-use is made anew, and that is told', async () => {
  const folder = freshFolder();
  const store = fileStorage(folder);
  const health = [];
  store.onHealth((state, { message }) => health.push([state, message]));
  await store.write({ put: [['key', bytes(1)]] });
  await rm(folder, { recursive: true });
  assert.equal(await store.get('key'), undefined);
  await store.write({ put: [['key', bytes(2)]] });
  assert.equal(health.length, 1);
  assert.equal(health[0][0], 'healed');
  assert.match(health[0][1], /deleted while it was in use/);
  await store.close();
  const again = fileStorage(folder);
  assert.deepEqual(await again.get('key'), bytes(2));
  await again.close();
});

test('file: where one process deleted the folder, every store over it is told, and hears what comes after', async () => {
  const folder = freshFolder();
  const [here, there] = [fileStorage(folder), fileStorage(folder)];
  const health = [];
  there.onHealth((state) => health.push(state));
  await here.write({ put: [['key', bytes(1)]] });
  let heard = signal();
  const unwatch = there.watch(() => heard.fire());
  await there.get('key');
  await pause(50);
  await rm(folder, { recursive: true });
  await here.write({ put: [['key', bytes(2)]] });
  assert.deepEqual(await there.get('key'), bytes(2));
  assert.deepEqual(health, ['healed']);
  await pause(50);
  heard = signal();
  await here.write({ put: [['other', bytes(3)]] });
  await heard.fired;
  unwatch();
  await here.close();
  await there.close();
});

test('file: a log that was sealed by a process that ended then and there is replaced by the next', async () => {
  const folder = freshFolder();
  const store = fileStorage(folder);
  await store.write({ put: [['key', bytes(1)]] });
  const log = path.join(folder, '00000001.log');
  const before = await readFile(log);
  await store.write({ put: [['other', bytes(1)]], delete: ['key'] });
  await store.close(); // seals 1, makes 2
  assert.deepEqual((await readdir(folder)).sort(), ['00000002.log']);
  // As it was after the seal and before the link, with a frame behind the seal that must not count.
  const sealed = sealedCopy(before);
  await rm(path.join(folder, '00000002.log'));
  await writeFile(log, sealed);
  const again = fileStorage(folder);
  assert.deepEqual(await keysIn(again), ['key']);
  await again.write({ put: [['after', bytes(2)]] });
  assert.deepEqual(await keysIn(again), ['after', 'key']);
  assert.deepEqual((await readdir(folder)).sort(), ['00000002.log']);
  await again.close();
});

/** A frame for `log`, of a writer that is nobody. */
function frameFor(log, type, body) {
  const payload = Buffer.concat([Buffer.of(type), Buffer.alloc(12, 7), body]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(payload.length);
  const hash = (bytes, count) => createHash('sha256').update(bytes).digest().subarray(0, count);
  return Buffer.concat([log.subarray(8, 16), length, hash(length, 4), hash(payload, 16), payload]);
}

/** `log`, then a seal, then its last frame once more under another key. */
function sealedCopy(log) {
  const number = (value) => Buffer.from([0, 0, 0, value]);
  const late = [number(1), number(4), Buffer.from('late'), number(1), Buffer.of(1), number(0)];
  return Buffer.concat([
    log,
    frameFor(log, 2, Buffer.alloc(0)),
    frameFor(log, 1, Buffer.concat(late)),
  ]);
}

// ---------------------------------------------------------------------------------------------------- processes

/** A process of its own that runs `code` with `store` open over `folder`; `lines` collects what it prints. */
function startChild(folder, code) {
  const script = `
    import { fileStorage } from 'agent-memory-wasm/storage/file';
    const store = fileStorage(${JSON.stringify(folder)});
    const say = (text) => new Promise((resolve) => process.stdout.write(text + '\\n', resolve));
    ${code}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_TEST_CONTEXT: '', NODE_OPTIONS: '' },
  });
  const lines = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop();
    lines.push(...parts);
  });
  const ended = once(child, 'close');
  return {
    lines,
    ended,
    async said(text) {
      while (!lines.includes(text)) {
        assert.equal(child.exitCode, null, 'the child ended early');
        await pause(5);
      }
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Writes pairs of values without end, says each that is acknowledged, and deletes earlier ones now and then. */
const writer = (name) => `
  for (let index = 0; ; index++) {
    const value = new Uint8Array(2000 + (index * 7919) % 6000).fill(index);
    const name = '${name}' + String(index).padStart(6, '0');
    await store.write({
      put: [['a' + name, value], ['b' + name, value], ['churn', value]],
      delete: index % 5 === 4 ? ['gone' + name] : [],
    });
    await say(String(index));
    await new Promise((resolve) => setTimeout(resolve, 3));
  }`;

/** Holds what a store says against what `child`, which ran `writer(name)`, had acknowledged. */
async function checkWriter(store, name, acknowledged) {
  const [left, right] = [
    await store.scan(`a${name}`, undefined, 1e6),
    await store.scan(`b${name}`, undefined, 1e6),
  ];
  assert.deepEqual(
    left.map(([each]) => each.slice(1)),
    right.map(([each]) => each.slice(1)),
    'a batch was torn',
  );
  assert.ok(left.length >= acknowledged, `${left.length} of ${acknowledged} are there`);
  assert.ok(left.length <= acknowledged + 2, `${left.length} are there, ${acknowledged} were said`);
  for (const [index, [, value]] of left.entries()) {
    assert.ok(
      value.length === 2000 + ((index * 7919) % 6000) &&
        value.every((byte) => byte === (index & 255)),
      `value ${index} is whole`,
    );
  }
}

const rounds = Number(process.env.KILL_ROUNDS ?? 12);

test(`file: of a writer killed at a random moment, ${rounds} times, all that it acknowledged is there, and no half`, async () => {
  for (let round = 0; round < rounds; round++) {
    const folder = freshFolder();
    const child = startChild(folder, writer('x'));
    await child.said('3');
    await pause(Math.random() * 150);
    await child.kill();
    const store = fileStorage(folder);
    await checkWriter(store, 'x', child.lines.length);
    await store.write({ put: [['after', bytes(1)]] });
    await store.close();
    const again = fileStorage(folder);
    await checkWriter(again, 'x', child.lines.length);
    assert.deepEqual(await again.get('after'), bytes(1));
    await again.close();
    await rm(folder, { recursive: true });
  }
});

test('file: three processes write at once, one is killed, and all that any acknowledged is there', async () => {
  for (let round = 0; round < Math.ceil(rounds / 4); round++) {
    const folder = freshFolder();
    const here = fileStorage(folder);
    const names = ['x', 'y', 'z'];
    const children = names.map((name) => startChild(folder, writer(name)));
    await Promise.all(children.map((child) => child.said('5')));
    let own = 0;
    for (; own < 30; own++) await here.write({ put: [[`own${own}`, bytes(own)]] });
    await children[0].kill();
    await pause(1_100 + Math.random() * 200); // long enough for the log to be replaced under them
    await children[1].kill();
    await children[2].kill();
    const again = fileStorage(folder);
    for (const store of [here, again]) {
      for (const [index, name] of names.entries()) {
        await checkWriter(store, name, children[index].lines.length);
      }
      assert.equal((await store.scan('own', undefined, 100)).length, own);
    }
    assert.deepEqual(await keysIn(here), await keysIn(again));
    assert.deepEqual(await here.get('churn'), await again.get('churn'));
    assert.ok((await readdir(folder))[0] > '00000001.log', 'it was compacted meanwhile');
    await here.close();
    await again.close();
    await rm(folder, { recursive: true });
  }
});

test('encrypted file: of three processes that write at once two are killed, the third goes on, and the ledger holds', async () => {
  const folder = freshFolder();
  const raw = crypto.getRandomValues(new Uint8Array(32));
  const sharedKey = await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, [
    'encrypt',
    'decrypt',
  ]);
  const code = (name) => `
    const { encryptedStorage } = await import('agent-memory-wasm/storage/encrypted');
    const key = await crypto.subtle.importKey('raw', Uint8Array.from(${JSON.stringify([...raw])}), 'AES-GCM', false, ['encrypt', 'decrypt']);
    const sealed = encryptedStorage(store, key);
    for (let index = 0; ; index++) {
      const pair = ['a', 'b'].map((side) => [side + '${name}' + index, Uint8Array.of(index)]);
      await sealed.write({ put: [...pair, ['last', Uint8Array.of(index)]], delete: ['a${name}' + (index - 9), 'b${name}' + (index - 9)] });
      await say(String(index));
    }`;
  const names = ['x', 'y', 'z'];
  const children = names.map((name) => startChild(folder, code(name)));
  await Promise.all(children.map((child) => child.said('5')));
  await pause(Math.random() * 100);
  await children[0].kill();
  await children[1].kill();
  const before = children[2].lines.length;
  await children[2].said(String(before + 5)); // nobody waits for the dead
  await children[2].kill();
  const store = encryptedStorage(fileStorage(folder), sharedKey);
  await store.verify();
  for (const [index, name] of names.entries()) {
    const told = children[index].lines.length;
    const numbers = async (side) =>
      (await store.scan(side + name, undefined, 1e6)).map(([key]) => Number(key.slice(2)));
    const found = (await numbers('a')).sort((left, right) => left - right);
    assert.deepEqual(
      (await numbers('b')).sort((left, right) => left - right),
      found,
    );
    const [last] = found.slice(-1);
    assert.ok(last === told - 1 || last === told, `${last} of ${told}`);
    assert.deepEqual(
      found,
      Array.from({ length: Math.min(9, last + 1) }, (_, n) => Math.max(0, last - 8) + n),
    );
  }
  await store.close();
});

test('file: the log is replaced again and again under three processes, and none loses its last write', async () => {
  const folder = freshFolder();
  const children = ['x', 'y', 'z'].map((name) =>
    startChild(
      folder,
      `for (let turn = 0; turn < 60; turn++) {
        await store.write({
          put: [['${name}', new Uint8Array(60000).fill(turn)], ['${name}' + turn, Uint8Array.of(turn)]],
        });
        const mine = await store.get('${name}');
        if (mine[0] !== turn || mine.length !== 60000) throw new Error('lost turn ' + turn);
      }
      await store.close();`,
    ),
  );
  for (const child of children) assert.deepEqual(await child.ended, [0, null]);
  const store = fileStorage(folder);
  for (const name of ['x', 'y', 'z']) {
    assert.equal((await store.get(name))[0], 59);
    assert.equal((await store.scan(name, name, 1_000)).length, 60);
  }
  await store.close();
  const names = await readdir(folder);
  assert.equal(names.length, 1, names.join(' '));
  assert.ok(names[0] > '00000005.log', names[0]);
});

test('file: a write of another process is told to who watches', async () => {
  const folder = freshFolder();
  const store = fileStorage(folder);
  const told = signal();
  store.watch(told.fire);
  await store.get('key');
  await pause(50);
  const child = startChild(folder, `await store.write({ put: [['key', Uint8Array.of(7)]] });`);
  await told.fired;
  assert.deepEqual(await store.get('key'), bytes(7));
  await child.ended;
  await store.close();
});

test('file: a lock is held among processes, and free again when its holder is killed', async () => {
  const folder = freshFolder();
  const store = fileStorage(folder);
  const holder = startChild(
    folder,
    `await store.exclusively('fold', async () => {
      await say('inside');
      await new Promise((resolve) => setTimeout(resolve, 60000));
    });`,
  );
  await holder.said('inside');
  let isInside = false;
  const waiting = store.exclusively('fold', async () => {
    isInside = true;
  });
  assert.equal(await store.exclusively('other', async () => 'free'), 'free');
  await pause(100);
  assert.equal(isInside, false);
  await holder.kill();
  await waiting;
  assert.equal(isInside, true);
  await store.close();
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.startsWith('alive')).length <= 1,
    true,
  );
});

test('file: who was passed over, as if dead, writes nothing under the lock that others have by now', async () => {
  const folder = freshFolder();
  const [slept, other] = [fileStorage(folder), fileStorage(folder)];
  await slept.exclusively('ledger', async () => {
    // What another process does that has seen no sign of life for 30 s.
    const file = path.join(folder, '00000001.log');
    const log = await readFile(file);
    const lockType = 3;
    const payloadAt = log.lastIndexOf(log.subarray(8, 16)) + 32;
    assert.equal(log[payloadAt], lockType);
    await appendFile(file, frameFor(log, 4, log.subarray(payloadAt + 1, payloadAt + 13)));
    await other.exclusively('ledger', () => other.write({ put: [['sum', bytes(2)]] }));
    await assert.rejects(slept.write({ put: [['sum', bytes(1)]] }), (error) => {
      assert.match(error.message, /write failed, the lock 'ledger' was lost/);
      assert.equal(error.isRetryable, true);
      return hasCode('storage')(error);
    });
  });
  assert.deepEqual(await slept.get('sum'), bytes(2));
  await slept.write({ put: [['sum', bytes(3)]] });
  await slept.close();
  await other.close();
});

test('file: counting under a lock, four processes lose no count', async () => {
  const folder = freshFolder();
  const children = Array.from({ length: 4 }, () =>
    startChild(
      folder,
      `for (let turn = 0; turn < 15; turn++) {
        await store.exclusively('count', async () => {
          const count = (await store.get('count'))?.[0] ?? 0;
          await new Promise((resolve) => setTimeout(resolve, 1));
          await store.write({ put: [['count', Uint8Array.of(count + 1)]] });
        });
      }
      await store.close();`,
    ),
  );
  for (const child of children) assert.deepEqual(await child.ended, [0, null]);
  const store = fileStorage(folder);
  assert.deepEqual(await store.get('count'), bytes(60));
  await store.close();
});

test('file: two providers in two processes see each other, and no process is kept from ending', async () => {
  const folder = freshFolder();
  const provider = await LocalProvider.open({ storage: fileStorage(folder) });
  const heard = signal();
  provider.subscribe((event) => {
    if (event.type === 'change' && event.origin === 'elsewhere') heard.fire();
  });
  await provider.storeMemories('first bee');
  const child = startChild(
    folder,
    `const { LocalProvider } = await import('agent-memory-wasm');
    const provider = await LocalProvider.open({ storage: store });
    provider.subscribe(() => undefined);
    await provider.storeMemories('second bee');
    await say(String((await provider.retrieveMemories('bee')).length));`,
  );
  await child.ended;
  assert.deepEqual(child.lines, ['2']);
  await heard.fired;
  assert.equal((await provider.retrieveMemories('bee')).length, 2);
  await provider.close();
});
