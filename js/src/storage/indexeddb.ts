// SPDX-License-Identifier: MIT
//
// The browser's own store, in pages, workers and service workers. What makes this more than a few
// lines is that connections die: browsers close them in the background, when their storage process
// restarts, when the user clears the site's data. A dead one is dropped and a new one opened; the
// operation is done again, which is safe because it puts and deletes whole values.

import { memoryError, invalidArgument, storageError, type MemoryError } from '../errors.js';
import type { Durability, RecoveringStoragePort, StorageBatch, StorageHealth } from '../types.js';
import {
  checkBatch,
  copyBytes,
  countOf,
  isBytes,
  isWhole,
  ownPuts,
  taking,
  type CheckedBatch,
} from './batch.js';
import { exclusive, type Exclusively } from './exclusive.js';
import { Lifetime } from './lifetime.js';

/** Options of {@link indexedDBStorage}. */
export interface IndexedDBStorageOptions {
  /** The database's name; not empty. Default: `'agent-memory'`. */
  name?: string;
  /**
   * `'relaxed'` (default) resolves writes once the store has them: they survive a crash of the
   * browser. `'strict'` waits for the disk where the browser can: they survive a loss of power, at
   * up to ten times the cost.
   */
  durability?: Durability;
  /** How many milliseconds opening the database may take; more than 0. Default: 10 s. */
  openTimeoutMs?: number;
  /**
   * How many milliseconds the browser may take to answer one read or write; more than 0. Time in
   * which the page is frozen does not count. Default: 30 s.
   */
  timeoutMs?: number;
  /**
   * Whether to ask the browser not to delete the database when space runs short, once it has been
   * opened. Default: false, because some browsers then ask the user. Nothing waits for the answer;
   * `isPersisted` tells. Workers cannot ask.
   */
  persist?: boolean;
}

/** A store in IndexedDB. */
export interface IndexedDBStoragePort extends RecoveringStoragePort {
  /** Whether the browser deletes this site's data only when the user tells it to. */
  isPersisted(): Promise<boolean>;
}

/**
 * A store in the IndexedDB database `name`, made if there is none.
 *
 * - Its `kind` is `'indexeddb'`. The database is opened by the first call, once for all callers.
 * - `write` is one transaction and resolves when that has completed.
 * - A lost connection is replaced, with at most three attempts an operation; `onHealth` tells.
 * - The thread has time for other work while a large write is handed over to the browser.
 * - A read or write that gets no answer within `timeoutMs` rejects with `storage`, retryable; the
 *   next call opens the database again. The browser was told to commit the write at once (but for
 *   WebKit, where it is taken back if that still can be), and makes it when it can: then whoever
 *   watches is told, those of this store included.
 * - It gives way when another tab deletes or upgrades the database; the next call opens it again.
 * - `watch` uses a BroadcastChannel, so that pages, workers and other stores of this context under
 *   the same name hear each other; without one nobody is told. A store does not hear itself.
 * - `exclusively` uses the Web Locks API; without it, it excludes only this object's own work.
 * - `close` waits for what is under way; calls after it reject with the code `closed`.
 *
 * Calls reject with `storage` where there is no IndexedDB, or where the browser refuses it;
 * `quota_exceeded` where there is no room; `corrupt` where the database is a newer version's or
 * another program's. Throws `invalid_argument` for options out of their bounds.
 */
export function indexedDBStorage(options: IndexedDBStorageOptions = {}): IndexedDBStoragePort {
  const {
    name = 'agent-memory',
    durability = 'relaxed',
    openTimeoutMs = 10_000,
    timeoutMs = 30_000,
    persist = false,
  } = options;
  if (typeof name !== 'string' || name === '') {
    throw invalidArgument('name', 'must be a string that is not empty');
  }
  if (!durabilities.includes(durability)) {
    throw invalidArgument('durability', `must be 'relaxed' or 'strict', got '${durability}'`);
  }
  for (const [field, value] of Object.entries({ openTimeoutMs, timeoutMs })) {
    if (!(value > 0)) throw invalidArgument(field, `must be more than 0, got ${value}`);
  }
  if (typeof persist !== 'boolean') throw invalidArgument('persist', 'must be true or false');
  return new IndexedDBStorage(name, durability, openTimeoutMs, timeoutMs, persist);
}

const durabilities: readonly Durability[] = ['relaxed', 'strict'];

const version = 1;
const storeName = 'records';

/** How long to wait before each attempt after the first. */
const retryDelaysMs = [20, 200];

/** The longest that a timer can wait; one that is to wait longer fires at once. */
const maxDelayMs = 0x7fff_ffff;

/** How many parts of `timeoutMs` have to pass one after the other; in a frozen page none does. */
const timeoutParts = 4;

/** The most that IndexedDB accepts as a count. */
const maxCount = 0xffff_ffff;

/** How long requests of one transaction may be issued before the thread has time for other work. */
const sliceMs = 2;

/** Calls `issue`, for further requests, once `request` has succeeded. */
type GoOn = (request: IDBRequest, issue: () => void) => void;

/** Issues requests, without awaiting any; the returned function reads their results afterwards. */
type Work<T> = (store: IDBObjectStore, goOn: GoOn) => () => T;

type Puts = CheckedBatch['put'];

interface Opened {
  readonly database: IDBDatabase;
  /** Whether there was none. */
  readonly isNew: boolean;
}

class IndexedDBStorage implements IndexedDBStoragePort {
  readonly kind = 'indexeddb';

  readonly #name: string;
  readonly #label: string;
  readonly #durability: Durability;
  readonly #openTimeoutMs: number;
  readonly #timeoutMs: number;
  readonly #canCommit = canCommit();
  #isToPersist: boolean;
  readonly #changes: ChangeChannel;
  readonly #exclusivelyHere: Exclusively = exclusive();
  readonly #lifetime: Lifetime;
  readonly #healthListeners = new Set<(state: StorageHealth, error: MemoryError) => void>();

  #connection: Promise<IDBDatabase> | undefined;
  /** What `#connection` is, once it is open. */
  #database: IDBDatabase | undefined;
  /** Whether others are yet to be told of a write that completed. */
  #isUntold = false;
  #wasOpen = false;
  /** What went wrong since an operation last succeeded. */
  #trouble: MemoryError | undefined;
  #isDegraded = false;

  constructor(
    name: string,
    durability: Durability,
    openTimeoutMs: number,
    timeoutMs: number,
    persist: boolean,
  ) {
    this.#name = name;
    this.#label = `indexedDB '${name}'`;
    this.#lifetime = new Lifetime(this.#label);
    this.#durability = durability;
    this.#openTimeoutMs = openTimeoutMs;
    this.#timeoutMs = timeoutMs;
    this.#isToPersist = persist;
    this.#changes = new ChangeChannel(`agent-memory:${name}`);
    // Not in a static block: bundlers would keep the class for all who import anything.
    taking(this, function (this: IndexedDBStorage, batch) {
      return this.#write(batch, (put) => put);
    });
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#run('read', 'readonly', (store) => {
      const request: IDBRequest<unknown> = store.get(key);
      return () => (request.result === undefined ? undefined : this.#bytes(key, request.result));
    });
  }

  write(batch: StorageBatch): Promise<void> {
    return this.#write(batch, ownPuts);
  }

  /** `own`: makes values that the caller may change our own. */
  async #write(batch: StorageBatch, own: (put: Puts) => Puts): Promise<void> {
    const checked = checkBatch(batch);
    this.#lifetime.refuseIfClosed('write');
    if (checked.isEmpty) return;
    let { put } = checked;
    const written = this.#run('write', 'readwrite', (store, goOn) => {
      let next = 0;
      // The browser copies each value in this thread: many take their turns with other work.
      const issue = () => {
        const until = performance.now() + sliceMs;
        for (let pair = put[next]; pair !== undefined; pair = put[++next]) {
          const [key, value] = pair;
          const request = store.put(isWhole(value) ? value : copyBytes(value), key);
          if (performance.now() < until) continue;
          next++;
          goOn(request, issue);
          return;
        }
        for (const key of checked.delete) store.delete(key);
      };
      issue();
      return () => undefined;
    });
    // What was issued the browser has copied. What may be issued later is copied beside its work.
    put = own(put);
    await written;
  }

  async scan(
    prefix: string,
    after: string | undefined,
    limit: number,
  ): Promise<[key: string, value: Uint8Array][]> {
    const count = Math.min(countOf(limit), maxCount);
    this.#lifetime.refuseIfClosed('scan');
    const bounds = boundsOf(prefix, after);
    // To IndexedDB, a count of 0 means all there are.
    if (bounds === undefined || count === 0) return [];
    return this.#run('scan', 'readonly', (store) => {
      const range = IDBKeyRange.bound(bounds.lower, bounds.upper, bounds.isLowerOpen, true);
      const read = readRecords(store, range, count);
      return () => read().map(([key, value]) => [key, this.#bytes(key, value)]);
    });
  }

  watch(changed: () => void): () => void {
    this.#lifetime.refuseIfClosed('watch');
    return this.#changes.listen(changed);
  }

  async exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#lifetime.refuseIfClosed('lock');
    const locks = host().navigator?.locks;
    if (locks === undefined) return this.#exclusivelyHere(name, work);
    // What the work fails with is its own; what the lock fails with is the store's.
    const [outcome] = await locks
      .request(`agent-memory:${this.#name}:${name}`, () => Promise.allSettled([work()]))
      .catch((cause: unknown) => {
        throw storageError(cause, `${this.#label}: lock`);
      });
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  }

  onHealth(listener: (state: StorageHealth, error: MemoryError) => void): () => void {
    const own: typeof listener = (state, error) => {
      listener(state, error);
    };
    this.#healthListeners.add(own);
    return () => {
      this.#healthListeners.delete(own);
    };
  }

  async isPersisted(): Promise<boolean> {
    return (await host().navigator?.storage?.persisted?.()) ?? false;
  }

  close(): Promise<void> {
    return this.#lifetime.close(async (settled) => {
      await settled();
      if (this.#connection) this.#drop(this.#connection);
      this.#tellOthers();
      this.#changes.close();
      this.#healthListeners.clear();
    });
  }

  // ------------------------------------------------------------------------------- one operation

  async #run<T>(operation: string, mode: IDBTransactionMode, work: Work<T>): Promise<T> {
    this.#lifetime.refuseIfClosed(operation);
    return this.#lifetime.tracked(this.#attempt(`${this.#label}: ${operation}`, mode, work));
  }

  async #attempt<T>(operation: string, mode: IDBTransactionMode, work: Work<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const connection = this.#connect();
      try {
        // On an open one at once: what the caller does next, it does while the browser is at work.
        const database = this.#database ?? (await connection);
        const result = await this.#transact(database, operation, mode, work);
        this.#succeeded();
        return result;
      } catch (cause) {
        const error = storageError(cause, operation);
        const delayMs = retryDelaysMs[attempt];
        // An error that is a MemoryError already is our own, and final: a timeout, a foreign value.
        const isFinal = error === cause || !error.isRetryable || delayMs === undefined;
        if (error.isRetryable) this.#lost(connection, error);
        if (!isFinal) {
          await new Promise((resolve) => setTimeout(resolve, delayMs));
          continue;
        }
        if (error.isRetryable) this.#degraded(error);
        throw error;
      }
    }
  }

  /** One transaction: what `work` read, once all of it has completed; else why it was aborted. */
  async #transact<T>(
    database: IDBDatabase,
    operation: string,
    mode: IDBTransactionMode,
    work: Work<T>,
  ): Promise<T> {
    const read = await new Promise<() => T>((resolve, reject) => {
      const transaction = database.transaction(storeName, mode, { durability: this.#durability });
      let parts = 0;
      const watchdog = setInterval(
        () => {
          if (++parts < timeoutParts) return;
          clearInterval(watchdog);
          const message = `${operation} failed, no answer within ${this.#timeoutMs} ms`;
          reject(memoryError({ code: 'storage', message, isRetryable: true }));
          transaction.oncomplete = () => {
            if (mode === 'readwrite') this.#completedLate();
          };
          try {
            transaction.abort();
          } catch {
            // It is being committed, and may complete yet.
          }
        },
        Math.min(this.#timeoutMs / timeoutParts, maxDelayMs),
      );
      transaction.onabort = () => {
        clearInterval(watchdog);
        reject(reasonOf(transaction.error));
      };
      let isAll = true;
      const proceed = (issue: () => void) => {
        parts = 0;
        isAll = true;
        try {
          issue();
          // Nothing more will be asked of it. Else it would wait until this thread has seen that all
          // was done; what the caller computes meanwhile would come in between.
          // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- `issue` changes it
          if (isAll && mode === 'readwrite' && this.#canCommit) transaction.commit();
        } catch (cause) {
          clearInterval(watchdog);
          reject(reasonOf(cause));
          transaction.abort();
        }
      };
      proceed(() => {
        const issued = work(transaction.objectStore(storeName), (request, issue) => {
          isAll = false;
          request.onsuccess = () => {
            proceed(issue);
          };
        });
        // Others are told behind the handler, and so behind all that its promise lets go on; by the
        // handler itself where it comes last.
        let isLast = false;
        // Not the success of the last request: the transaction may still fail to commit.
        transaction.oncomplete = () => {
          clearInterval(watchdog);
          this.#isUntold ||= mode === 'readwrite';
          resolve(issued);
          if (isLast) this.#tellOthers();
        };
        transaction.addEventListener('complete', () => {
          isLast = true;
          this.#tellOthers();
        });
      });
    });
    return read();
  }

  #tellOthers(): void {
    if (!this.#isUntold) return;
    this.#isUntold = false;
    this.#changes.tell();
  }

  /** A write that was given up was made: its caller believes that it was not, and is to find it. */
  #completedLate(): void {
    if (this.#lifetime.isClosing) return;
    this.#changes.tell();
    this.#changes.hear();
  }

  #bytes(key: string, value: unknown): Uint8Array {
    // The browser made it for us, with a buffer of its own.
    if (isBytes(value)) return value;
    throw memoryError({
      code: 'corrupt',
      message: `${this.#label}: something other than bytes lies under '${key}'`,
    });
  }

  // ------------------------------------------------------------------------------ the connection

  /** The one connection, opened if there is none. Memoised before anything is awaited. */
  #connect(): Promise<IDBDatabase> {
    if (this.#connection) return this.#connection;
    const connection = this.#open();
    this.#connection = connection;
    connection.then(
      (database) => {
        // Before anybody who waits goes on, and they all do before others can call.
        if (this.#connection === connection) this.#database = database;
        // Another tab deletes or upgrades the database: give way, and come back when asked to.
        database.onversionchange = () => {
          this.#drop(connection);
        };
        database.onclose = () => {
          this.#lost(connection, this.#storageError('the browser closed the connection'));
        };
      },
      // A failure is not kept: the next operation tries anew.
      () => {
        this.#drop(connection);
      },
    );
    return connection;
  }

  async #open(): Promise<IDBDatabase> {
    const factory = host().indexedDB;
    if (!factory) {
      throw memoryError({
        code: 'storage',
        message: `${this.#label}: open failed, there is no indexedDB here; use another storage`,
      });
    }
    const { database, isNew } = await new Promise<Opened>((resolve, reject) => {
      let isNew = false;
      let isAbandoned = false;
      let blocked = '';
      const request = factory.open(this.#name, version);
      const timer = setTimeout(
        () => {
          isAbandoned = true;
          const after = `within ${this.#openTimeoutMs} ms`;
          reject(this.#storageError(`open failed, no answer ${after}${blocked}`));
        },
        Math.min(this.#openTimeoutMs, maxDelayMs),
      );
      request.onupgradeneeded = () => {
        isNew = true;
        request.result.createObjectStore(storeName);
      };
      request.onblocked = () => {
        blocked = '; another tab or worker holds an older version open';
        this.#degraded(this.#storageError(`open has to wait${blocked}`));
      };
      request.onsuccess = () => {
        clearTimeout(timer);
        // Nobody waits for it any more, and an open connection would be in others' way.
        if (isAbandoned) request.result.close();
        else resolve({ database: request.result, isNew });
      };
      request.onerror = () => {
        clearTimeout(timer);
        reject(reasonOf(request.error));
      };
    });
    if (!database.objectStoreNames.contains(storeName)) {
      database.close();
      throw memoryError({
        code: 'corrupt',
        message: `${this.#label}: open failed, it is another program's: no object store '${storeName}'`,
      });
    }
    if (isNew && this.#wasOpen) {
      this.#trouble = memoryError({
        code: 'storage',
        message: `${this.#label}: deleted while it was in use; it was made anew and is empty`,
      });
    }
    this.#wasOpen = true;
    if (this.#isToPersist) {
      this.#isToPersist = false;
      // The user may be asked, and take his time; a refusal is what `isPersisted` tells.
      host()
        .navigator?.storage?.persist?.()
        .catch(() => undefined);
    }
    return database;
  }

  #storageError(what: string): MemoryError {
    return memoryError({
      code: 'storage',
      message: `${this.#label}: ${what}`,
      isRetryable: true,
    });
  }

  /** Lets go of `connection`, if it is still the one in use; its transactions may end. */
  #drop(connection: Promise<IDBDatabase>): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#database = undefined;
    connection.then(
      (database) => {
        database.close();
      },
      () => undefined,
    );
  }

  /** `connection` failed. That is news only while nobody has replaced it. */
  #lost(connection: Promise<IDBDatabase>, error: MemoryError): void {
    if (this.#connection !== undefined && this.#connection !== connection) return;
    this.#drop(connection);
    this.#trouble ??= error;
  }

  #degraded(error: MemoryError): void {
    this.#trouble = error;
    if (this.#isDegraded) return;
    this.#isDegraded = true;
    this.#tell('degraded', error);
  }

  #succeeded(): void {
    const trouble = this.#trouble;
    if (trouble === undefined) return;
    this.#trouble = undefined;
    this.#isDegraded = false;
    this.#tell('healed', trouble);
  }

  #tell(state: StorageHealth, error: MemoryError): void {
    for (const listener of this.#healthListeners) listener(state, error);
  }
}

// --------------------------------------------------------------------------------- transactions

/** The range of the keys that start with `prefix` and come after `after`; undefined if empty. */
function boundsOf(prefix: string, after: string | undefined) {
  // Keys are ASCII: no character of theirs reaches this one.
  const upper = `${prefix}\uffff`;
  if (after === undefined || after < prefix) return { lower: prefix, upper, isLowerOpen: false };
  return after < upper ? { lower: after, upper, isLowerOpen: true } : undefined;
}

/** Between two strings, all keys are strings. */
type Records = [key: string, value: unknown][];

/** Newer than TypeScript's own description of the DOM, and half the messages where it exists. */
interface RecordSource {
  getAllRecords(options: {
    query: IDBKeyRange;
    count: number;
  }): IDBRequest<{ readonly key: string; readonly value: unknown }[]>;
}

function readRecords(store: IDBObjectStore, range: IDBKeyRange, count: number): () => Records {
  if (hasRecords(store)) {
    const records = store.getAllRecords({ query: range, count });
    return () => records.result.map(({ key, value }) => [key, value]);
  }
  const keys = store.getAllKeys(range, count) as IDBRequest<string[]>;
  const values: IDBRequest<unknown[]> = store.getAll(range, count);
  return () => keys.result.map((key, index) => [key, values.result[index]]);
}

function hasRecords(store: IDBObjectStore): store is IDBObjectStore & RecordSource {
  return 'getAllRecords' in store;
}

/** Why a promise is to be rejected; some browsers say null, which `storageError` understands. */
function reasonOf(cause: unknown): Error {
  return cause as Error;
}

// -------------------------------------------------------------------------------------- the host

/** What a host may or may not have. */
interface Host {
  readonly indexedDB?: IDBFactory;
  readonly BroadcastChannel?: typeof BroadcastChannel;
  readonly navigator?: {
    readonly locks?: LockManager;
    readonly userAgent?: string;
    /** Its methods are not where the page is not secure; workers lack the first. */
    readonly storage?: Partial<Pick<StorageManager, 'persist' | 'persisted'>>;
  };
}

function host(): Host {
  return globalThis;
}

/**
 * Whether a transaction may be told that no more will come. In WebKit, and in nothing else, one that
 * was told so by a worker that is ended then is never over: all others wait for it without end.
 */
function canCommit(): boolean {
  const { userAgent = '' } = host().navigator ?? {};
  return !/AppleWebKit\/(?!.*Chrom(e|ium)\/)/.test(userAgent);
}

function newChannel(name: string): BroadcastChannel | undefined {
  const { BroadcastChannel } = host();
  try {
    return BroadcastChannel && new BroadcastChannel(name);
  } catch {
    // A page that may not use it can still store: others see its writes when they next read.
    return undefined;
  }
}

/** Tells other stores of the same name that something changed, and hears it from them. */
class ChangeChannel {
  readonly #name: string;
  readonly #listeners = new Set<() => void>();
  #channel: BroadcastChannel | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  tell(): void {
    try {
      this.#open()?.postMessage('changed');
    } catch {
      // The write is done; others will see it when they next read.
    }
  }

  listen(changed: () => void): () => void {
    const listener = () => {
      changed();
    };
    this.#listeners.add(listener);
    this.#open();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#shut();
    };
  }

  /** As if another store had told. */
  hear(): void {
    for (const listener of this.#listeners) listener();
  }

  close(): void {
    this.#listeners.clear();
    this.#shut();
  }

  #open(): BroadcastChannel | undefined {
    if (this.#channel) return this.#channel;
    const channel = newChannel(this.#name);
    if (!channel) return undefined;
    channel.onmessage = () => {
      this.hear();
    };
    // In Node an open channel would keep the process from ending.
    (channel as { unref?: () => void }).unref?.();
    this.#channel = channel;
    return channel;
  }

  #shut(): void {
    this.#channel?.close();
    this.#channel = undefined;
  }
}
