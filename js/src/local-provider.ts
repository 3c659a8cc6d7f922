// SPDX-License-Identifier: MIT

// For who compiles with the declarations, too: they need not name this library of TypeScript's.
/// <reference lib="esnext.disposable" preserve="true" />

import type { Bridge, InvokeOptions, WireError, WriteArguments } from './core/bridge.js';
import { letProcessEnd, tellAll } from './core/events.js';
import { finalizer } from './core/finalizer.js';
import {
  addArguments,
  changeArguments,
  memberOf,
  memoryArguments,
  optionsArguments,
  requireOptions,
  searchArguments,
  writeOptions,
} from './core/json.js';
import { bridge } from './core/load.js';
import { Operation } from './core/module.js';
import type { ObjectId, OperationNumber } from './core/module.js';
import { Writer } from './core/values.js';
import { registerNative, unregisterNative } from './core/provider-handle.js';
import { ClosedError, invalidArgument, NotImplementedError, storageError } from './errors.js';
import type { MemoryError } from './errors.js';
import { BaseMemoryProvider } from './provider.js';
import { indexedDBStorage } from './storage/indexeddb.js';
import { memoryStorage } from './storage/memory.js';
import type {
  DeleteAllOptions,
  HistoryEntry,
  Identity,
  ImportReport,
  Language,
  ListOptions,
  LocalProviderOptions,
  LocalStatus,
  MemoryChange,
  MemoryEvent,
  MessageInput,
  RecoveringStoragePort,
  RetrievedMemory,
  RetrieveOptions,
  StoragePort,
  StoredMemory,
  StoreOptions,
} from './types.js';

/** What belongs to a provider and must not reach it. */
interface Native {
  readonly core: Bridge;
  readonly id: ObjectId;
}

const closers = /* @__PURE__ */ finalizer<Native>(({ core, id }) => {
  core.remove(id);
  core.free(id);
});

const noArguments = (): void => undefined;

/** Lets nobody but `open` construct. */
const openToken = /* @__PURE__ */ Symbol('LocalProvider.open');

// A fold is worth waiting for a quiet moment; a page that is never quiet folds at its next start.
const idleDelayMs = 1000;

/**
 * Memory on this device: keyword search and recency over what is kept in a {@link StoragePort}.
 *
 * Every write is durable when its promise resolves, and a rejected one changed nothing. Several
 * providers, in this page or in other tabs and workers, may be open over one store: each sees what
 * the others acknowledged. Calls may overlap. After `close` every method rejects with `closed`.
 *
 * The searches run in memory: opening reads the whole store, and a search touches no disk.
 */
export class LocalProvider extends BaseMemoryProvider {
  /** The same as {@link close}: for `await using`. */
  declare [Symbol.asyncDispose]: () => Promise<void>;

  readonly #native: Native;
  readonly #storage: StoragePort;
  readonly #listeners = new Set<(event: MemoryEvent) => void>();
  #idle: ReturnType<typeof setTimeout> | undefined;
  #isLookDue = false;
  #closing: Promise<void> | undefined;

  private constructor(token: typeof openToken, native: Native, storage: StoragePort) {
    if (token !== openToken) throw new TypeError('Illegal constructor: use LocalProvider.open()');
    super();
    this.#native = native;
    this.#storage = storage;
    closers.watch(this, native);
    registerNative(this, native.id);
    // Not every runtime has the symbol; where it is missing, `await using` is missing too. Not in a
    // static block: bundlers would keep the class for all who import anything.
    if (typeof Symbol.asyncDispose === 'symbol') {
      Object.defineProperty(this, Symbol.asyncDispose, { value: () => this.close() });
    }
  }

  /**
   * Opens a store, or makes it. Resolves once every memory in it can be searched.
   *
   * Rejects with `storage` where the store cannot be read, with `corrupt` where a newer version of
   * this package wrote it, and with `invalid_argument` on options that are not what they should be.
   * A damaged record is left out and told to `subscribe`; the rest lives.
   */
  static async open(options: LocalProviderOptions = {}): Promise<LocalProvider> {
    requireOptions(options);
    const storage = storageOf(options);
    const { now = Date.now } = options;
    if (typeof now !== 'function') throw invalidArgument('now', 'must be a function');
    const languages = await languagesOf(options);
    const writer = new Writer();
    writer.array(2);
    writer.value(storage.kind);
    writeOptions(writer, {
      halfLifeMs: options.halfLifeMs,
      roles: options.roles,
      languages: languages?.map(({ id, stopWords, letters }) => ({ id, stopWords, letters })),
    });
    const core = await bridge();
    const id = core.nextId();
    const early: unknown[] = [];
    core.addStorage(id, storage, now);
    if (languages) core.addLanguages(id, languages);
    core.addListener(id, (event) => early.push(event));
    try {
      await core.invoke<null>(Operation.open, id, (to) => {
        to.raw(writer.take());
      });
    } catch (error) {
      core.remove(id);
      throw error;
    }
    const provider = new LocalProvider(openToken, { core, id }, storage);
    provider.#listen(early);
    return provider;
  }

  /** See {@link MemoryProvider.retrieveMemories}. Microseconds: nothing is read from disk. */
  override retrieveMemories(
    query: string,
    options: RetrieveOptions = {},
  ): Promise<RetrievedMemory[]> {
    return this.#invoke(Operation.retrieveMemories, searchArguments(query, options), options);
  }

  /**
   * See {@link MemoryProvider.storeMemories}. What the same speaker said before in the same scope
   * (but for case, white space and closing punctuation) is not stored again: `NOOP`, with the id
   * of the memory that stands there.
   */
  override async storeMemories(
    messages: MessageInput,
    options: StoreOptions = {},
  ): Promise<StoredMemory[]> {
    const write = addArguments(messages, options);
    const stored = await this.#invoke<StoredMemory[]>(Operation.storeMemories, write, options);
    this.#maintainSoon();
    return stored;
  }

  /** See {@link MemoryProvider.getAllMemories}. */
  override getAllMemories(options: ListOptions = {}): Promise<RetrievedMemory[]> {
    return this.#invoke(Operation.getAllMemories, optionsArguments(options), options);
  }

  /** See {@link MemoryProvider.deleteMemory}. Deleted stays deleted, whatever other tabs do. */
  override deleteMemory(memoryId: string): Promise<boolean> {
    return this.#write(Operation.deleteMemory, memoryArguments(memoryId));
  }

  /** The memory with that id, whoever's it is, or null. */
  getMemory(memoryId: string): Promise<RetrievedMemory | null> {
    return this.#invoke(Operation.getMemory, memoryArguments(memoryId));
  }

  /**
   * Changes the text, the metadata (as a whole), or both. `NOOP` where nothing would change;
   * rejects with `not_found` where there is no such memory.
   */
  updateMemory(memoryId: string, change: MemoryChange): Promise<StoredMemory> {
    return this.#write(Operation.updateMemory, changeArguments(memoryId, change));
  }

  /**
   * What happened to one memory, oldest first; empty where the id was never seen. Its newest 100
   * steps are kept; of the nth from the end the text as long as n times its bytes are at most 100
   * KiB, else the step's `memory` is empty. The texts of a deleted memory are forgotten likewise.
   */
  history(memoryId: string): Promise<HistoryEntry[]> {
    return this.#invoke(Operation.history, memoryArguments(memoryId));
  }

  /**
   * Deletes all that the ids see and the filters match, in one step; resolves with how many.
   * Without any id it refuses, unless `everything: true`: then it deletes every user's.
   */
  deleteAllMemories(which: DeleteAllOptions): Promise<number> {
    return this.#write(Operation.deleteAllMemories, optionsArguments(which));
  }

  /**
   * All memories with their ids, times and histories, as JSON Lines. Without an argument everybody's;
   * with one, what these ids see (`{}`: the global ones).
   */
  exportMemories(which?: Identity): Promise<string> {
    return this.#invoke(Operation.exportMemories, (writer) => {
      writer.array(1);
      if (which === undefined) writer.value(null);
      else writeOptions(writer, which);
    });
  }

  /**
   * Takes in what `exportMemories` gave. Memories that are there already (the same id, or the same
   * words in the same scope) are skipped, so importing twice adds nothing. A malformed file is
   * `invalid_argument`, the message names the line, and nothing is imported. It is written in
   * batches of 500, with `onProgress` after each. Where the store fails half-way those before are
   * kept, the message says how many memories they were, and the same import goes on from there.
   */
  async importMemories(
    json: string,
    onProgress?: (done: number, total: number) => void,
  ): Promise<ImportReport> {
    if (typeof json !== 'string')
      throw invalidArgument('json', `must be a string, got ${typeof json}`);
    if (onProgress !== undefined && typeof onProgress !== 'function')
      throw invalidArgument('onProgress', 'must be a function');
    return this.#write(
      Operation.importMemories,
      (writer) => {
        writer.array(1);
        writer.value(json);
      },
      { onProgress },
    );
  }

  /** What the store is, and how much is in it. */
  async status(): Promise<LocalStatus> {
    const status = await this.#invoke<Pick<LocalStatus, 'kind' | 'memories' | 'bytes'>>(
      Operation.status,
      noArguments,
    );
    return {
      kind: status.kind,
      persistent: status.kind !== 'memory',
      memories: status.memories,
      bytes: status.bytes,
      encrypted: 'encrypted' in this.#storage && this.#storage.encrypted === true,
    };
  }

  /**
   * Tells `listener` what changes, here and in other tabs, and what fails without a call that could
   * say so; until the returned function is called. A listener that throws is reported as an
   * uncaught error and disturbs nobody else.
   */
  subscribe(listener: (event: MemoryEvent) => void): () => void {
    if (typeof listener !== 'function') throw invalidArgument('listener', 'must be a function');
    const own = (event: MemoryEvent): void => {
      listener(event);
    };
    this.#listeners.add(own);
    this.#hear();
    return () => {
      this.#listeners.delete(own);
      this.#hear();
    };
  }

  /** Waits for what is under way, then releases the store. Twice is fine. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#idle);
    const { core, id } = this.#native;
    try {
      await core.invoke<null>(Operation.close, id, noArguments);
    } finally {
      // The notice of the closing is on its way through a microtask.
      await Promise.resolve();
      closers.unwatch(this);
      unregisterNative(this);
      core.remove(id);
      core.free(id);
    }
  }

  #invoke<T>(
    operation: OperationNumber,
    write: WriteArguments,
    options?: InvokeOptions,
  ): Promise<T> {
    if (this.#closing !== undefined) {
      const message = 'the memory provider is closed';
      return Promise.reject(new ClosedError({ code: 'closed', message }));
    }
    const { core, id } = this.#native;
    return core.invoke<T>(operation, id, write, options);
  }

  async #write<T>(
    operation: OperationNumber,
    write: WriteArguments,
    options?: InvokeOptions,
  ): Promise<T> {
    const result = await this.#invoke<T>(operation, write, options);
    this.#maintainWhenIdle();
    return result;
  }

  /**
   * As `#maintainWhenIdle`, once whoever waits for the write has gone on. The core then indexes
   * what was stored, unless a call has made it do so before.
   */
  #maintainSoon(): void {
    if (this.#isLookDue) return;
    this.#isLookDue = true;
    const timer = setTimeout(() => {
      this.#isLookDue = false;
      try {
        this.#maintainWhenIdle();
      } catch {
        // The module is gone, which whoever calls next is told.
      }
    }, 0);
    letProcessEnd(timer);
  }

  /** Folds the log in a quiet moment; what fails then is told to `subscribe`. */
  #maintainWhenIdle(): void {
    const { core, id } = this.#native;
    if (this.#closing !== undefined) return;
    const isDue = core.ask<boolean>(Operation.isMaintenanceDue, id, noArguments);
    if (!isDue || this.#idle !== undefined) return;
    this.#idle = setTimeout(() => {
      this.#idle = undefined;
      if (this.#closing !== undefined) return;
      core.invoke<null>(Operation.maintain, id, noArguments).catch((error: unknown) => {
        this.#tell({
          type: 'error',
          operation: 'maintain',
          error: storageError(error, 'maintain'),
        });
      });
    }, idleDelayMs);
    letProcessEnd(this.#idle);
  }

  /** Passes on the notices of the core and the health of the store. */
  #listen(early: readonly unknown[]): void {
    const { core, id } = this.#native;
    // No function here may mention `this`: what one of them holds, all of them hold.
    const self = new WeakRef(this);
    core.addListener(id, (event) => {
      const provider = self.deref();
      if (provider) provider.#receive(event);
    });
    if (isRecovering(this.#storage)) {
      this.#storage.onHealth((state, error) => {
        const provider = self.deref();
        if (provider) provider.#tell({ type: 'storage', state, error });
      });
    }
    this.#hear();
    // Whoever opened the provider has had no chance to subscribe yet. Held until then by the timer
    // itself: a provider that only its listeners know would be collected before it told them.
    if (early.length > 0) {
      setTimeout(
        (provider: LocalProvider) => {
          for (const event of early) provider.#receive(event);
        },
        0,
        this,
      );
    }
    this.#maintainWhenIdle();
  }

  /** Tells the core whether to say what changed. */
  #hear(): void {
    const { core, id } = this.#native;
    core.hear(id, this.#listeners.size > 0);
  }

  #receive(event: unknown): void {
    // Written by pack(LocalNotice) in src/wasm/wire.cpp.
    const notice = event as
      | Exclude<MemoryEvent, { type: 'error' }>
      | { type: 'error'; operation: string; error: WireError };
    if (notice.type === 'error') {
      const error: MemoryError = this.#native.core.revive(notice.error);
      this.#tell({ ...notice, error });
    } else if (notice.type !== 'change' || notice.stored.length > 0) {
      // Without memories it was sent when nobody listened.
      this.#tell(notice);
    }
    // After a write of its own that is looked at anyway.
    if (notice.type === 'change' && notice.origin === 'elsewhere') this.#maintainWhenIdle();
  }

  #tell(event: MemoryEvent): void {
    tellAll(this.#listeners, event);
  }
}

function isRecovering(storage: StoragePort): storage is RecoveringStoragePort {
  return 'onHealth' in storage && typeof storage.onHealth === 'function';
}

/** The store that the options ask for. */
function storageOf({ storage, name, durability, embedder }: LocalProviderOptions): StoragePort {
  if (embedder !== undefined) {
    const message = 'embedder is not supported yet: LocalProvider searches by keyword';
    throw new NotImplementedError({ code: 'not_implemented', message });
  }
  if (storage !== undefined) {
    for (const method of ['get', 'write', 'scan', 'close'] as const) {
      if (typeof memberOf(storage, method) !== 'function') {
        throw invalidArgument('storage', `must have the method ${method}`);
      }
    }
    if (typeof storage.kind !== 'string') throw invalidArgument('storage', 'must have a kind');
    return storage;
  }
  // Checks both options in any case; nothing is opened yet.
  const persistent = indexedDBStorage({
    ...(name === undefined ? {} : { name }),
    ...(durability === undefined ? {} : { durability }),
  });
  return typeof indexedDB === 'undefined' ? memoryStorage() : persistent;
}

/** The languages to open with; undefined for the core's own. What is wrong in one, the core says. */
async function languagesOf({
  languages,
}: LocalProviderOptions): Promise<readonly Language[] | undefined> {
  const list: unknown = await languages;
  if (list === undefined) return undefined;
  const isLanguage = (each: unknown): each is Language =>
    typeof memberOf(each, 'stem') === 'function';
  if (Array.isArray(list) && list.every(isLanguage)) return list;
  throw invalidArgument('languages', 'must be a list of languages, as languages() gives them');
}
