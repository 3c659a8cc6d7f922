// SPDX-License-Identifier: MIT
//
// A folder on a local disk, for Node, Deno and Bun; several processes may use it at once.
//
//   <generation>.log   the log: a head, then frames, each appended by one write
//   alive.<instance>   touched every second by whoever holds or waits for a lock
//   damaged-…          bytes of a log that could not be read, set aside when it was replaced
//   <random>.tmp       a log in the making
//
// The order of the frames in the file is the order of everything, for all processes: the system puts
// each append (O_APPEND) behind all others. A frame counts if it is whole; half of one, left by a
// process that was killed, is skipped once a whole one follows it. So nobody needs a lock to write.
//
// To drop what was deleted, a process appends a seal. What lies behind the seal does not count; what
// lies before it is the same for everybody, so anybody may write it out as the next generation and
// link it to its name, which only the first one can. Who appended behind a seal finds that out by
// reading, before it acknowledges, and appends again to the next generation.

import { createHash, randomBytes } from 'node:crypto';
import { constants, readdirSync, readlinkSync, statSync, watch, type FSWatcher } from 'node:fs';
import * as files from 'node:fs/promises';
import { link, mkdir, open, readdir, stat, unlink, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { invalidArgument, memoryError, storageError, type MemoryError } from '../errors.js';
import type { Durability, RecoveringStoragePort, StorageBatch, StorageHealth } from '../types.js';
import { checkBatch, copyBytes, countOf, ownBatch, taking, type CheckedBatch } from './batch.js';
import { exclusive, type Exclusively } from './exclusive.js';
import { Lifetime } from './lifetime.js';
import { copiesOf, lending, SortedRecords } from './records.js';

/** Options of {@link fileStorage}. */
export interface FileStorageOptions {
  /**
   * `'relaxed'` (default) resolves writes once the system has them: they survive the end of the
   * process, `kill -9` included. `'strict'` waits for the disk: they survive a loss of power.
   */
  durability?: Durability;
}

/**
 * A store in the folder `path`, made with its parents if there is none; readable by its owner only.
 *
 * - Its `kind` is `'file'`. All values are in RAM while it is open. The disk must be a local one,
 *   and know hard links: appends over a network do not keep their order.
 * - `write` is one append, at most 1 GiB, and resolves when it has been read back.
 * - Any number of processes, workers and objects may use the folder at once; each sees what the
 *   others acknowledged with its next call, and `watch` tells it.
 * - `exclusively` holds among all of them. A holder that was killed is passed over at once on the
 *   same machine, and after 30 s without a sign of life elsewhere. One that only stood still, and
 *   was passed over, has its writes rejected (`storage`, retryable) until its work has ended.
 * - What was deleted is out of the file about a second later, or when the store is closed, if the
 *   disk has room for what is left.
 * - The nearer the disk is to being full, the smaller the writes that it takes: a write leaves 4,096
 *   times its size free, at most 4 MiB, unless it makes the store smaller.
 * - `onHealth` tells `'degraded'` where a part of the file is damaged; the rest lives, and the part
 *   is set aside in the folder. A folder that was deleted in mid-use is made anew: `'healed'`.
 *
 * Calls reject with `storage`, `quota_exceeded` where the disk is full, `corrupt` where a newer
 * version wrote the file, `closed` after `close`. Throws `invalid_argument` for options out of
 * their bounds.
 */
export function fileStorage(
  path: string | URL,
  options: FileStorageOptions = {},
): RecoveringStoragePort {
  const { durability = 'relaxed' } = options;
  const folder = path instanceof URL ? fileURLToPath(path) : path;
  if (typeof folder !== 'string' || folder === '') {
    throw invalidArgument('path', 'must be a string that is not empty, or a file URL');
  }
  if (!['relaxed', 'strict'].includes(durability)) {
    throw invalidArgument('durability', `must be 'relaxed' or 'strict', got '${durability}'`);
  }
  return new FileStorage(folder, durability);
}

/** A log is replaced at once where it is larger than this, and twice what it holds. */
const compactAboveBytes = 1 << 20;

/** Else so long after something in it was deleted. */
const compactDelayMs = 1_000;

/** The most that one frame of a new generation holds, give or take a value. */
const snapshotFrameBytes = 4 << 20;

const maxFrameBytes = 1 << 30;

/**
 * A write that makes the store larger leaves so many times its size of the disk free, and at most so
 * many bytes. So the smallest, deletions among them, are the last to be refused.
 */
const spareTimes = 4_096;
const spareBytes = 4 << 20;

/** The disk is not asked again for so long, as long as it has so much more than is wanted. */
const roomAgeMs = 1_000;
const amplyBytes = 64 << 20;

/** How often a holder of a lock shows that it lives, and after how long without it is passed over. */
const aliveEveryMs = 1_000;
const deadAfterMs = 30_000;

/** How long to wait before looking again whether a lock is free. */
const lockPollMs = 20;

// ------------------------------------------------------------------------------------- the store

/** One generation of the log, and all it says so far. */
interface Log {
  readonly generation: number;
  readonly handle: FileHandle;
  readonly magic: Buffer;
  readonly records: SortedRecords;
  /** Who holds or waits for a name: first come, first served. */
  readonly tickets: Map<string, Ticket[]>;
  /** How far it was read, and how long it was then; between the two lies what is not whole. */
  offset: number;
  size: number;
  /** Of the values that count. */
  liveBytes: number;
  /** Whether it holds bytes that were deleted or replaced. */
  hasDead: boolean;
  isSealed: boolean;
  readonly damaged: { readonly from: number; readonly to: number }[];
  /** Where damage begins that was told, though nothing whole follows it yet. */
  damagedTail: number | undefined;
}

interface Ticket {
  /** Of the frame that asked for the lock. */
  readonly id: string;
  readonly host: string;
  readonly pid: number;
}

class FileStorage implements RecoveringStoragePort {
  readonly kind = 'file';

  readonly #folder: string;
  readonly #label: string;
  readonly #isStrict: boolean;
  readonly #inTurn: Exclusively = exclusive();
  readonly #exclusivelyHere: Exclusively = exclusive();
  readonly #lifetime: Lifetime;
  readonly #watchers = new Set<() => void>();
  readonly #healthListeners = new Set<(state: StorageHealth, error: MemoryError) => void>();
  /** Names this object in its frames. */
  readonly #instance = randomBytes(8);
  #frames = 0;
  /** The frame of its own that it expects to read; undefined once it has. */
  #sought: string | undefined;
  #log: Log | undefined;
  /** Whether the log that was open was deleted, and this was not told yet. */
  #wasDeleted = false;
  #damage: MemoryError | undefined;
  #watcher: FSWatcher | undefined;
  /** Where the log ended when somebody first watched: what lies before is no news. */
  #watchedFrom: { readonly generation: number; readonly size: number } | undefined;
  #compaction: NodeJS.Timeout | undefined;
  /** What the disk had left when it was last asked, less what was written since. */
  #room = { bytes: 0, at: -Infinity };
  /** The names that it holds, by their tickets. */
  readonly #held = new Map<string, string>();
  #signsOfLife: { readonly timer: NodeJS.Timeout; users: number } | undefined;

  constructor(folder: string, durability: Durability) {
    this.#folder = folder;
    this.#label = `file '${folder}'`;
    this.#lifetime = new Lifetime(this.#label);
    this.#isStrict = durability === 'strict';
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#run('read', async () => (await this.#readable()).records.get(key));
  }

  async scan(
    prefix: string,
    after: string | undefined,
    limit: number,
  ): Promise<[key: string, value: Uint8Array][]> {
    return copiesOf(await this.#scan(prefix, after, limit));
  }

  static {
    lending(this.prototype, function (this: FileStorage, prefix, after, limit) {
      return this.#scan(prefix, after, limit);
    });
  }

  async #scan(
    prefix: string,
    after: string | undefined,
    limit: number,
  ): Promise<[key: string, value: Uint8Array][]> {
    const count = countOf(limit);
    return this.#run('scan', async () =>
      (await this.#readable()).records.scan(prefix, after, count),
    );
  }

  async write(batch: StorageBatch): Promise<void> {
    return this.#write(ownBatch(batch));
  }

  static {
    taking(this.prototype, async function (this: FileStorage, batch) {
      return this.#write(checkBatch(batch));
    });
  }

  /** Nobody changes the values of `owned` any more. */
  async #write(owned: CheckedBatch): Promise<void> {
    this.#lifetime.refuseIfClosed('write');
    if (owned.isEmpty) return;
    const body = encodeBatch(owned);
    await this.#run('write', async () => {
      await this.#append(FrameType.batch, body, (log) => growthBy(log.records, owned));
      await this.#compactIfDue();
    });
  }

  watch(changed: () => void): () => void {
    this.#lifetime.refuseIfClosed('watch');
    const watcher = () => {
      if (this.#watchers.has(watcher)) changed();
    };
    this.#watchers.add(watcher);
    this.#watchedFrom ??= this.#endNow();
    // What fails here fails again, and is said, when somebody reads.
    this.#run('watch', () => this.#startWatching()).catch(() => undefined);
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.#stopWatching();
    };
  }

  async exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#lifetime.refuseIfClosed('lock');
    return this.#exclusivelyHere(name, async () => {
      const failed = (cause: unknown): never => {
        throw storageError(cause, `${this.#label}: lock`);
      };
      await this.#showLife().catch(failed);
      try {
        const ticket = await this.#run('lock', () =>
          this.#append(FrameType.lock, [encodeLock(name, thisHost(), process.pid)]),
        );
        try {
          await this.#turnOf(name, ticket).catch(failed);
          this.#held.set(ticket, name);
          return await work();
        } finally {
          this.#held.delete(ticket);
          // Also after `close`: others wait for it. Where it fails, they stop waiting by themselves.
          await this.#inTurn('', () =>
            this.#append(FrameType.unlock, [Buffer.from(ticket, 'latin1')]),
          ).catch(() => undefined);
          if (this.#lifetime.isClosing)
            await this.#inTurn('', () => this.#release()).catch(() => undefined);
        }
      } finally {
        this.#hideLife();
      }
    });
  }

  onHealth(listener: (state: StorageHealth, error: MemoryError) => void): () => void {
    const own: typeof listener = (state, error) => {
      listener(state, error);
    };
    this.#healthListeners.add(own);
    const damage = this.#damage;
    // Found before anybody could listen.
    if (damage) {
      queueMicrotask(() => {
        if (this.#healthListeners.has(own)) own('degraded', damage);
      });
    }
    return () => {
      this.#healthListeners.delete(own);
    };
  }

  close(): Promise<void> {
    return this.#lifetime.close((settled) => this.#finish(settled));
  }

  async #finish(settled: () => Promise<unknown>): Promise<void> {
    clearTimeout(this.#compaction);
    this.#stopWatching();
    this.#watchers.clear();
    await settled();
    await this.#inTurn('', async () => {
      // Only tidying: what was acknowledged is in the file.
      if (this.#log?.hasDead) await this.#dropDead().catch(() => undefined);
      await this.#release();
    });
    this.#healthListeners.clear();
  }

  async #release(): Promise<void> {
    const log = this.#log;
    this.#log = undefined;
    await log?.handle.close();
  }

  /** `work` alone on the log, after what was asked for before; what fails is a MemoryError. */
  async #run<T>(operation: string, work: () => Promise<T>): Promise<T> {
    this.#lifetime.refuseIfClosed(operation);
    try {
      return await this.#lifetime.tracked(this.#inTurn('', work));
    } catch (cause) {
      throw storageError(cause, `${this.#label}: ${operation}`);
    }
  }

  // ---------------------------------------------------------------------------------- reading

  /** The log that counts, read to its end. */
  async #current(): Promise<Log> {
    for (;;) {
      const log = (this.#log ??= await this.#openLatest());
      const isThere = await this.#read(log);
      if (log.isSealed) {
        await this.#advance(log);
      } else if (isThere) {
        return log;
      } else {
        await this.#loseLog();
      }
    }
  }

  /** As `#current`, or the log as it was sealed where there is no room for the next. */
  async #readable(): Promise<Log> {
    try {
      return await this.#current();
    } catch (error) {
      const log = this.#log;
      // Nobody else has made the next: that was looked for before.
      if (log?.isSealed && isFull(error)) return log;
      throw error;
    }
  }

  /** Forgets a log that somebody deleted, and what was known of the folder that it was in. */
  async #loseLog(): Promise<void> {
    this.#wasDeleted = true;
    this.#watchedFrom = { generation: 0, size: 0 };
    this.#stopWatching();
    await this.#release();
  }

  /** Reads what was appended. False where the file was deleted, and not replaced. */
  async #read(log: Log): Promise<boolean> {
    const { size, nlink } = await log.handle.stat();
    if (size > log.size && !log.isSealed) {
      const bytes = await readAt(log.handle, log.offset, size);
      await this.#apply(log, bytes);
      log.size = size;
    }
    return nlink > 0 || log.isSealed;
  }

  async #apply(log: Log, bytes: Buffer): Promise<void> {
    const start = log.offset;
    const { frames, end, skipped } = await readFrames(bytes, log.magic);
    let isNews = false;
    const isKnown = (at: number) =>
      log.generation === this.#watchedFrom?.generation && start + at < this.#watchedFrom.size;
    for (const { at, payload } of frames) {
      if (log.isSealed) break;
      await applyFrame(log, payload);
      if (idOf(payload) === this.#sought) this.#sought = undefined;
      isNews ||= payload[0] === FrameType.batch && !this.#isOwn(payload) && !isKnown(at);
    }
    log.offset = start + end;
    for (const { from, to } of skipped) {
      log.damaged.push({ from: start + from, to: start + to });
      if (start + from !== log.damagedTail) this.#damaged(log, start + from, start + to);
    }
    if (isNews) this.#tellWatchers();
  }

  #isOwn(payload: Buffer): boolean {
    return payload.subarray(1, 9).equals(this.#instance);
  }

  /** Opens the log of the highest generation; makes the first where there is none. */
  async #openLatest(): Promise<Log> {
    await this.#makeFolder();
    for (;;) {
      const generation = await this.#latest();
      if (generation === undefined) {
        await this.#create(1, undefined);
        continue;
      }
      const log = await this.#open(generation);
      // It may have been replaced before it was opened; then somebody's listing was out of date.
      if (log && (await this.#latest()) === generation) {
        // Before it is read: what comes after is told.
        if (this.#watchers.size > 0) this.#watchFolder();
        if (this.#wasDeleted) {
          this.#wasDeleted = false;
          const message = `${this.#label}: deleted while it was in use; it was made anew and is empty`;
          this.#tell('healed', memoryError({ code: 'storage', message }));
        }
        await this.#read(log);
        await this.#checkTail(log);
        if (log.hasDead) this.#compactLater();
        await this.#removeOld(generation);
        return log;
      }
      await log?.handle.close();
    }
  }

  /** Tells of damage behind which there is nothing whole: it is set aside when there is. */
  async #checkTail(log: Log): Promise<void> {
    if (log.offset === log.size) return;
    const bytes = await readAt(log.handle, log.offset, log.size);
    // Half a frame was never acknowledged, or is being written.
    if (bytes.indexOf(log.magic, 1) >= 0 || isTorn(bytes, 0, bytes.length, log.magic)) return;
    log.damagedTail = log.offset;
    this.#damaged(log, log.offset, log.size);
  }

  /** Undefined where there is no such file any more. */
  async #open(generation: number): Promise<Log | undefined> {
    const handle = await open(join(this.#folder, nameOf(generation)), appending).catch(
      unlessMissing,
    );
    if (!handle) return undefined;
    const head = await readHead(handle).catch(async (error: unknown) => {
      await handle.close();
      throw error;
    });
    if (!head) {
      await handle.close();
      throw memoryError({
        code: 'corrupt',
        message: `${this.#label}: ${nameOf(generation)} is another program's, or a newer version's`,
      });
    }
    const log: Log = {
      generation,
      handle,
      magic: head.magic,
      records: new SortedRecords(),
      tickets: new Map(),
      offset: headBytes,
      size: headBytes,
      liveBytes: 0,
      hasDead: false,
      isSealed: false,
      damaged: [],
      damagedTail: undefined,
    };
    if (head.isDamaged) {
      log.damaged.push({ from: 0, to: headBytes });
      // So that it is replaced by one with a whole head.
      log.hasDead = true;
      this.#damaged(log, 0, headBytes);
    }
    return log;
  }

  async #makeFolder(): Promise<void> {
    const made = await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    if (made === undefined) return;
    // Each name on the way to it: one that a loss of power took would take all below.
    const first = resolve(made);
    for (let each = resolve(this.#folder); each.startsWith(first);) {
      const above = dirname(each);
      await syncFolder(above);
      if (above === each) break;
      each = above;
    }
  }

  /** Undefined where there is none, or no folder. */
  async #latest(): Promise<number | undefined> {
    return latestOf((await readdir(this.#folder).catch(unlessMissing)) ?? []);
  }

  // ---------------------------------------------------------------------------------- writing

  /** Appends a frame; resolves with its id once it counts. */
  async #append(
    type: number,
    body: readonly Uint8Array[],
    growthOf: (log: Log) => number = () => 0,
  ): Promise<string> {
    const id = Buffer.alloc(12);
    this.#instance.copy(id);
    id.writeUInt32BE(this.#frames++, 8);
    const name = id.toString('latin1');
    const frame = await encodeFrame([Uint8Array.of(type), id, ...body]);
    for (let attempt = 0; ; attempt++) {
      const log = await this.#current();
      if (type === FrameType.batch) this.#requireLocks(log);
      log.magic.copy(frame);
      if (growthOf(log) > 0) {
        await this.#requireRoom(frame.length, Math.min(frame.length * spareTimes, spareBytes));
      }
      const end = log.size;
      const isClean = log.offset === end;
      const { bytesWritten } = await log.handle.write(frame);
      // Not whole, so it does not count. A disk that is full says so on the next attempt.
      if (bytesWritten < frame.length) {
        if (attempt < 3) continue;
        throw new Error(`only ${bytesWritten} of ${frame.length} bytes were written`);
      }
      if (this.#isStrict) await log.handle.datasync();
      const { size, nlink } = await log.handle.stat();
      if (nlink > 0 && isClean && size === end + frame.length) {
        // Nobody else wrote: what was added is this frame.
        await applyFrame(log, frame.subarray(frameHeadBytes));
        log.offset = log.size = size;
        return name;
      }
      this.#sought = name;
      const isThere = await this.#read(log);
      if (isThere && this.#hasFound()) return name;
      // Somebody else sealed it first, which is as good; else it is to be appended to the next.
      if (log.isSealed && type === FrameType.seal) return name;
      if (isThere && !log.isSealed) throw new Error('what was written is not in the file');
    }
  }

  /** Whoever stood still for so long that others took it for dead must not go on as if nothing were. */
  #requireLocks(log: Log): void {
    for (const [ticket, name] of this.#held) {
      if (log.tickets.get(name)?.[0]?.id === ticket) continue;
      const message = `${this.#label}: write failed, the lock '${name}' was lost: it showed no sign of life for too long, or the folder was deleted`;
      throw memoryError({ code: 'storage', message, isRetryable: true });
    }
  }

  async #requireRoom(length: number, spare: number): Promise<void> {
    const now = performance.now();
    if (now - this.#room.at < roomAgeMs && this.#room.bytes > length + spare + amplyBytes) {
      this.#room.bytes -= length;
      return;
    }
    const free = await freeBytes(this.#folder);
    this.#room = { bytes: free - length, at: now };
    if (free >= length + spare) return;
    const message = `the disk has ${free} bytes left, ${length} are to be written and ${spare} to be left`;
    throw Object.assign(new Error(message), { code: 'ENOSPC' });
  }

  #hasFound(): boolean {
    return this.#sought === undefined;
  }

  async #compactIfDue(): Promise<void> {
    const log = this.#log;
    if (!log) return;
    if (log.size > compactAboveBytes && log.size > 2 * log.liveBytes) {
      // What was to be written is written: this is tidying, and tried again later.
      await this.#compact().catch(() => undefined);
    } else if (log.hasDead) {
      this.#compactLater();
    }
  }

  #compactLater(): void {
    if (this.#compaction !== undefined || this.#lifetime.isClosing) return;
    this.#compaction = setTimeout(() => {
      this.#compaction = undefined;
      this.#run('compact', () => this.#dropDead()).catch(() => undefined);
    }, compactDelayMs);
    this.#compaction.unref();
  }

  /** Unless somebody else has done it meanwhile. */
  async #dropDead(): Promise<void> {
    if ((await this.#current()).hasDead) await this.#compact();
  }

  /** Seals the log and goes on in the next generation, without what was deleted. */
  async #compact(): Promise<void> {
    const { liveBytes, records } = await this.#current();
    // Before: a log that is sealed takes nothing more, and without room there is no next.
    await this.#requireRoom(liveBytes + 16 * records.size, spareBytes / 64);
    await this.#append(FrameType.seal, []);
    await this.#current();
  }

  /** From a sealed log to the one that replaces it, which it makes if nobody has. */
  async #advance(log: Log): Promise<void> {
    const latest = await this.#latest();
    if (latest === undefined || latest < log.generation) return this.#loseLog();
    if (latest === log.generation) {
      await this.#setAside(log);
      await this.#create(log.generation + 1, log);
    }
    const next = await this.#openLatest();
    this.#log = next;
    await log.handle.close();
    // Further than the next: what it says may be new in any part.
    if (next.generation > log.generation + 1) this.#tellWatchers();
  }

  /** Makes the log of `generation`, with what `from` says; leaves it be where there is one. */
  async #create(generation: number, from: Log | undefined): Promise<void> {
    const temporary = join(this.#folder, `${randomBytes(8).toString('hex')}.tmp`);
    const handle = await open(temporary, 'wx', 0o600);
    try {
      try {
        const magic = randomBytes(8);
        await writeWhole(handle, Buffer.concat([signature, magic]));
        for (const payload of from ? snapshotOf(from) : []) {
          const frame = await encodeFrame(payload);
          magic.copy(frame);
          await writeWhole(handle, frame);
        }
        // In any case: what it replaces is about to be removed.
        await handle.sync();
      } finally {
        await handle.close();
      }
      await link(temporary, join(this.#folder, nameOf(generation))).catch((error: unknown) => {
        if (codeOf(error) !== 'EEXIST') throw error;
      });
      await syncFolder(this.#folder);
    } finally {
      await unlink(temporary).catch(() => undefined);
    }
  }

  /** Keeps the bytes of a log that could not be read. */
  async #setAside(log: Log): Promise<void> {
    for (const { from, to } of log.damaged) {
      const name = `damaged-${log.generation}-${from}`;
      const bytes = await readAt(log.handle, from, to);
      await writeFile(join(this.#folder, name), bytes, { mode: 0o600 });
    }
  }

  /** Logs that were replaced, and those that nobody finished: all of it tidying. */
  async #removeOld(latest: number): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      const generation = generationOf(name);
      const isLeftOver = /\.tmp$|^alive\./.test(name);
      if (generation === undefined && !isLeftOver) continue;
      if (generation !== undefined && generation >= latest) continue;
      if (isLeftOver) {
        const { mtimeMs } = (await stat(path).catch(unlessMissing)) ?? { mtimeMs: Date.now() };
        if (Date.now() - mtimeMs < 20 * deadAfterMs) continue;
      }
      await unlink(path).catch(() => undefined);
    }
  }

  // ---------------------------------------------------------------------------------- locks

  async #turnOf(name: string, ticket: string): Promise<void> {
    /** When the one ahead was last seen to show a sign of life, by this process's clock. */
    let ahead = { id: '', sign: 0, since: 0 };
    for (;;) {
      const log = await this.#inTurn('', () => this.#current());
      const holder = log.tickets.get(name)?.[0];
      if (!holder || holder.id === ticket) return;
      const sign = await this.#signOf(holder);
      if (holder.id !== ahead.id || sign !== ahead.sign) {
        ahead = { id: holder.id, sign, since: performance.now() };
      }
      if (isGone(holder) || performance.now() - ahead.since > deadAfterMs) {
        await this.#inTurn('', () =>
          this.#append(FrameType.unlock, [Buffer.from(holder.id, 'latin1')]),
        );
        continue;
      }
      await new Promise((resolve) => setTimeout(resolve, lockPollMs));
    }
  }

  #alivePath(instance: Buffer): string {
    return join(this.#folder, `alive.${instance.toString('hex')}`);
  }

  async #signOf({ id }: Ticket): Promise<number> {
    const instance = Buffer.from(id, 'latin1').subarray(0, 8);
    return (await stat(this.#alivePath(instance)).catch(() => undefined))?.mtimeMs ?? 0;
  }

  async #showLife(): Promise<void> {
    if (this.#signsOfLife) {
      this.#signsOfLife.users++;
      return;
    }
    const touch = () => writeFile(this.#alivePath(this.#instance), '', { mode: 0o600 });
    const timer = setInterval(() => {
      touch().catch(() => undefined);
    }, aliveEveryMs);
    timer.unref();
    this.#signsOfLife = { timer, users: 1 };
    await this.#inTurn('', () => this.#makeFolder());
    await touch().catch(() => undefined);
  }

  #hideLife(): void {
    const signs = this.#signsOfLife;
    if (!signs || --signs.users > 0) return;
    clearInterval(signs.timer);
    this.#signsOfLife = undefined;
    void this.#lifetime.tracked(unlink(this.#alivePath(this.#instance)).catch(() => undefined));
  }

  // ---------------------------------------------------------------------------------- telling

  async #startWatching(): Promise<void> {
    await this.#current();
    if (this.#watchers.size === 0) return;
    this.#watchFolder();
    await this.#current();
  }

  #watchFolder(): void {
    if (this.#watcher !== undefined) return;
    this.#watcher = watch(this.#folder, { persistent: false }, () => {
      this.#run('watch', () => this.#current()).catch(() => undefined);
    });
    // Deno does not heed `persistent`.
    this.#watcher.unref();
    // A folder that is deleted ends it; the next who watches starts anew.
    this.#watcher.on('error', () => {
      this.#stopWatching();
    });
  }

  /** Where the log ends at this moment, for who watches a store that is not open yet. */
  #endNow(): { generation: number; size: number } {
    try {
      const generation = latestOf(readdirSync(this.#folder)) ?? 0;
      return { generation, size: statSync(join(this.#folder, nameOf(generation))).size };
    } catch {
      return { generation: 0, size: 0 };
    }
  }

  #stopWatching(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #tellWatchers(): void {
    for (const watcher of this.#watchers) queueMicrotask(watcher);
  }

  #damaged({ generation }: Log, from: number, to: number): void {
    const what = `${to - from} bytes at ${from} of ${nameOf(generation)}`;
    const message = `${this.#label}: ${what} cannot be read and were left out`;
    this.#damage = memoryError({ code: 'corrupt', message });
    this.#tell('degraded', this.#damage);
  }

  #tell(state: StorageHealth, error: MemoryError): void {
    for (const listener of this.#healthListeners) listener(state, error);
  }
}

/** How long one piece of work may keep the thread, and how much of it is looked at as one. */
const sliceMs = 4;
const pieceBytes = 1 << 20;

/** Of work that is long where a store is large: gives the thread time for other work in between. */
class Pace {
  #end = performance.now() + sliceMs;

  isDue(): boolean {
    return performance.now() >= this.#end;
  }

  async rest(): Promise<void> {
    await nextTurn();
    this.#end = performance.now() + sliceMs;
  }
}

// ---------------------------------------------------------------------------------------- frames

/** For reading and appending; unlike 'a+', it makes no file where there is none. */
const appending = constants.O_RDWR | constants.O_APPEND;

/** The head of a log: what it is, then 8 random bytes that every frame of it starts with. */
const signature = Buffer.from('AMLOG1\r\n', 'latin1');
const headBytes = 16;
const versionAt = 5;

/**
 * The log's 8 bytes; the length of the payload, and 4 bytes of its checksum, so that half a frame can
 * be told from a damaged one; 16 bytes of the payload's checksum.
 */
const frameHeadBytes = 8 + 4 + 4 + 16;

/** A payload: its type, the id of its frame (instance and number), the body. */
const payloadHeadBytes = 1 + 12;

const FrameType = {
  /** Puts and deletes. */
  batch: 1,
  /** Nothing counts behind it. */
  seal: 2,
  lock: 3,
  unlock: 4,
  /** A batch of what an earlier generation said; no news. */
  snapshot: 5,
} as const;

/**
 * What the frames of a log start with. Where a bit of the head has flipped, the first frame, if it is
 * whole, says it as well. Undefined where the file is none of ours, or a newer version's.
 */
async function readHead(
  handle: FileHandle,
): Promise<{ magic: Buffer; isDamaged: boolean } | undefined> {
  const bytes = await readAt(handle, 0, headBytes + frameHeadBytes);
  const signed = bytes.subarray(0, 8);
  const magic = bytes.subarray(8, headBytes);
  const first = bytes.subarray(headBytes, headBytes + 8);
  const isSigned = signed.equals(signature);
  if (isSigned && magic.length === 8 && (first.equals(magic) || first.length < 8)) {
    return { magic, isDamaged: false };
  }
  const end = endOf(bytes, headBytes, first);
  const start = await readAt(handle, 0, (end ?? 0) + 8);
  const isWhole = (await frameAt(start.subarray(0, end), headBytes, first)) !== undefined;
  // Else it is the first frame whose bit has flipped.
  const isLikeNext = !isWhole || start.subarray(end).equals(magic);
  if (isSigned) {
    if (magic.length < 8) return undefined;
    return isLikeNext ? { magic, isDamaged: false } : { magic: first, isDamaged: true };
  }
  return isWhole && first.equals(magic) && !isNewer(signed)
    ? { magic, isDamaged: true }
    : undefined;
}

/** Whether nothing but the version is not what it should be. */
function isNewer(signed: Buffer): boolean {
  return signed.every((byte, at) => at === versionAt || byte === signature[at]);
}

/** Of a frame's length. */
function shortChecksumOf(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest().subarray(0, 4);
}

async function checksumOf(bytes: Buffer, pace: Pace): Promise<Buffer> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    hash.update(bytes.subarray(at, at + pieceBytes));
    if (pace.isDue()) await pace.rest();
  }
  return hash.digest().subarray(0, 16);
}

/** A frame of that payload, but for the log's bytes at its front. */
async function encodeFrame(payload: readonly Uint8Array[]): Promise<Buffer> {
  const size = payload.reduce((sum, part) => sum + part.length, 0);
  if (size > maxFrameBytes) {
    throw invalidArgument('batch', `must be at most ${maxFrameBytes} bytes, got ${size}`);
  }
  const pace = new Pace();
  const frame = Buffer.allocUnsafe(frameHeadBytes + size);
  let at = frameHeadBytes;
  for (const part of payload) {
    frame.set(part, at);
    at += part.length;
    if (pace.isDue()) await pace.rest();
  }
  frame.writeUInt32BE(size, 8);
  shortChecksumOf(frame.subarray(8, 12)).copy(frame, 12);
  (await checksumOf(frame.subarray(frameHeadBytes), pace)).copy(frame, 16);
  return frame;
}

/** Where the frame at `at` says that it ends; undefined where no frame begins there. */
function endOf(bytes: Buffer, at: number, magic: Buffer): number | undefined {
  if (at + frameHeadBytes > bytes.length) return undefined;
  if (!bytes.subarray(at, at + 8).equals(magic)) return undefined;
  const length = bytes.subarray(at + 8, at + 12);
  if (!shortChecksumOf(length).equals(bytes.subarray(at + 12, at + 16))) return undefined;
  return at + frameHeadBytes + length.readUInt32BE();
}

/** The payload of the whole frame at `at`; undefined where there is none. */
async function frameAt(
  bytes: Buffer,
  at: number,
  magic: Buffer,
  pace = new Pace(),
): Promise<Buffer | undefined> {
  const end = endOf(bytes, at, magic);
  if (end === undefined || end > bytes.length) return undefined;
  const payload = bytes.subarray(at + frameHeadBytes, end);
  const checksum = await checksumOf(payload, pace);
  const isWhole = checksum.equals(bytes.subarray(at + 16, at + frameHeadBytes));
  return isWhole && payload.length >= payloadHeadBytes ? payload : undefined;
}

interface ReadFrames {
  readonly frames: { readonly at: number; readonly payload: Buffer }[];
  /** Behind the last whole frame. */
  readonly end: number;
  /** What lies between whole frames and is no half of one. */
  readonly skipped: { readonly from: number; readonly to: number }[];
}

async function readFrames(bytes: Buffer, magic: Buffer): Promise<ReadFrames> {
  const pace = new Pace();
  const frames: { at: number; payload: Buffer }[] = [];
  const skipped: { from: number; to: number }[] = [];
  let end = 0;
  for (let at = 0; at >= 0 && at < bytes.length;) {
    const payload = await frameAt(bytes, at, magic, pace);
    if (!payload) {
      at = bytes.indexOf(magic, at + 1);
      continue;
    }
    if (at > end && !isTorn(bytes, end, at, magic)) skipped.push({ from: end, to: at });
    frames.push({ at, payload });
    at += frameHeadBytes + payload.length;
    end = at;
  }
  return { frames, end, skipped };
}

/** Whether at `from` begins a frame that its writer did not get to finish: nobody was told of it. */
function isTorn(bytes: Buffer, from: number, to: number, magic: Buffer): boolean {
  const length = Math.min(to - from, 8);
  if (!bytes.subarray(from, from + length).equals(magic.subarray(0, length))) return false;
  if (to - from < frameHeadBytes) return true;
  const end = endOf(bytes, from, magic);
  return end !== undefined && end > to;
}

function idOf(payload: Buffer): string {
  return payload.toString('latin1', 1, payloadHeadBytes);
}

/** How many bytes more of the values and keys count once `batch` is written. */
function growthBy(records: SortedRecords, { put, delete: deletes }: CheckedBatch): number {
  let growth = 0;
  for (const [key, value] of put) {
    growth += value.length - (records.lengthOf(key) ?? -key.length);
  }
  for (const key of deletes) growth -= (records.lengthOf(key) ?? -key.length) + key.length;
  return growth;
}

async function applyFrame(log: Log, payload: Buffer): Promise<void> {
  const id = idOf(payload);
  const body = payload.subarray(payloadHeadBytes);
  switch (payload[0] ?? 0) {
    case FrameType.batch:
    case FrameType.snapshot: {
      const { put, delete: deletes } = decodeBatch(body);
      const pace = new Pace();
      for (const [key, shown] of put) {
        if (pace.isDue()) await pace.rest();
        const value = copyBytes(shown);
        const before = log.records.lengthOf(key);
        if (before !== undefined) log.hasDead = true;
        log.liveBytes += value.length - (before ?? -key.length);
        log.records.put(key, value);
      }
      for (const key of deletes) {
        const before = log.records.lengthOf(key);
        if (before === undefined) continue;
        log.hasDead = true;
        log.liveBytes -= before + key.length;
        log.records.delete(key);
      }
      break;
    }
    case FrameType.seal:
      log.isSealed = true;
      break;
    case FrameType.lock: {
      const { name, host, pid } = JSON.parse(body.toString()) as Ticket & { name: string };
      log.tickets.set(name, [...(log.tickets.get(name) ?? []), { id, host, pid }]);
      break;
    }
    case FrameType.unlock: {
      const ticket = body.toString('latin1');
      for (const [name, tickets] of log.tickets) {
        const left = tickets.filter((each) => each.id !== ticket);
        if (left.length > 0) log.tickets.set(name, left);
        else log.tickets.delete(name);
      }
      break;
    }
    default:
    // A newer version's, which says nothing that this one must know.
  }
}

/** The payloads that say what `log` says, each in parts. */
function* snapshotOf(log: Log): Generator<Uint8Array[]> {
  const head = Buffer.alloc(payloadHeadBytes);
  head[0] = FrameType.snapshot;
  let put: [string, Uint8Array][] = [];
  let bytes = 0;
  const flush = () => {
    const payload = [head, ...encodeBatch({ put, delete: [], isEmpty: false })];
    put = [];
    bytes = 0;
    return payload;
  };
  for (const [key, value] of log.records.entries()) {
    put.push([key, value]);
    bytes += value.length + key.length;
    if (bytes >= snapshotFrameBytes) yield flush();
  }
  if (put.length > 0) yield flush();
  for (const [name, tickets] of log.tickets) {
    for (const { id, host, pid } of tickets) {
      const type = Uint8Array.of(FrameType.lock);
      yield [type, Buffer.from(id, 'latin1'), encodeLock(name, host, pid)];
    }
  }
}

function encodeLock(name: string, host: string, pid: number): Buffer {
  return Buffer.from(JSON.stringify({ name, host, pid }));
}

/** Counts, then lengths and bytes, in parts; all numbers of four bytes, the highest first. */
function encodeBatch({ put, delete: deletes }: CheckedBatch): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const number = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    parts.push(bytes);
  };
  const text = (value: string) => {
    const bytes = Buffer.from(value);
    number(bytes.length);
    parts.push(bytes);
  };
  number(put.length);
  for (const [key, value] of put) {
    text(key);
    number(value.length);
    parts.push(value);
  }
  number(deletes.length);
  for (const key of deletes) text(key);
  return parts;
}

/** What `encodeBatch` wrote; its checksum was right. The values are parts of `body`. */
function decodeBatch(body: Buffer): { put: [string, Uint8Array][]; delete: string[] } {
  let at = 0;
  const number = () => {
    at += 4;
    return body.readUInt32BE(at - 4);
  };
  const bytes = () => {
    const length = number();
    at += length;
    return body.subarray(at - length, at);
  };
  const put = Array.from({ length: number() }, (): [string, Uint8Array] => [
    bytes().toString(),
    bytes(),
  ]);
  return { put, delete: Array.from({ length: number() }, () => bytes().toString()) };
}

// ----------------------------------------------------------------------------------------- files

function nameOf(generation: number): string {
  return `${String(generation).padStart(8, '0')}.log`;
}

function generationOf(name: string): number | undefined {
  const digits = /^(\d{8,})\.log$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The highest generation among the names of files. */
function latestOf(names: readonly string[]): number | undefined {
  return names.reduce<number | undefined>((latest, name) => {
    const generation = generationOf(name);
    return generation === undefined ? latest : Math.max(latest ?? 0, generation);
  }, undefined);
}

async function readAt(handle: FileHandle, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(to - from);
  let read = 0;
  while (read < bytes.length) {
    // Node ends the process where it is to read 2 GiB at once.
    const length = Math.min(bytes.length - read, maxFrameBytes);
    const { bytesRead } = await handle.read(bytes, read, length, from + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return bytes.subarray(0, read);
}

async function writeWhole(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, at);
    at += bytesWritten;
  }
}

/** Makes the names in a folder durable, where the system can do that. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** Of the disk that `folder` is on; Infinity where the runtime cannot tell. */
async function freeBytes(folder: string): Promise<number> {
  if (!isAllowed({ name: 'sys', kind: 'statfs' })) return Infinity;
  // Not every version of every runtime has it.
  const { statfs } = files as Partial<typeof files>;
  const disk = await statfs?.(folder).catch(() => undefined);
  // A file system that does not know its size says 0 to all of it.
  return disk && disk.blocks > 0 ? disk.bavail * disk.bsize : Infinity;
}

interface DenoLike {
  readonly permissions?: { querySync(wanted: Permission): { readonly state: string } };
}

interface Permission {
  readonly name: 'sys' | 'run';
  readonly kind?: string;
}

/** Whether that may be done unasked. Deno would put it to its user, who is not to be bothered. */
function isAllowed(wanted: Permission): boolean {
  const { permissions } = (globalThis as { Deno?: DenoLike }).Deno ?? {};
  return !permissions || permissions.querySync(wanted).state === 'granted';
}

function isFull(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

function unlessMissing(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
  return undefined;
}

/** Of a process that may not know where it is: for others it is elsewhere. */
const unknownHost = `unknown ${randomBytes(8).toString('hex')}`;

/** This machine, or this container: where a process has the number that it says. */
function thisHost(): string {
  if (!isAllowed({ name: 'sys', kind: 'hostname' })) return unknownHost;
  let space = '';
  try {
    space = readlinkSync('/proc/self/ns/pid');
  } catch {
    // Not Linux: there is one space of numbers.
  }
  return `${hostname()} ${space}`;
}

/** Whether the process that asked for a lock has ended, as far as can be told from here. */
function isGone({ host, pid }: Ticket): boolean {
  if (host !== thisHost() || pid === process.pid || !isAllowed({ name: 'run' })) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}
