// SPDX-License-Identifier: MIT
//
// The boundary: operations go down with a ticket and come back as a promise; calls of the core to
// ports come up with a ticket and are answered whatever happens. Both handlers are attached to
// every promise, so that the core always sees an outcome.

import {
  AbortedError,
  InternalError,
  invalidArgument,
  MemoryError,
  memoryError,
  storageError,
} from '../errors.js';
import type { MemoryErrorInit } from '../errors.js';
import type { MemoryProvider, StoragePort } from '../types.js';
import type { Handle, Host, ObjectId, Ticket, WasmModule } from './module.js';
import { packBoolean, packOptional, packPairs, unpackBatch, unpackScan } from './packing.js';

// Kept in step with src/wasm/host.hpp.
const Target = { storage: 0, provider: 1 } as const;
const StorageMethod = {
  get: 0,
  write: 1,
  scan: 2,
  tryLock: 3,
  unlock: 4,
  watch: 5,
  close: 6,
  stage: 7,
} as const;
const ProviderMethod = { retrieve: 0, store: 1, getAll: 2, delete: 3 } as const;

// How long a fold waits for its turn before it leaves the work to whoever is at it.
const lockPatienceMs = 50;

// The times that ISO 8601 can say: the years 0000 to 9999. Kept in step with src/base/time.hpp.
const earliestMs = -62_167_219_200_000;
const latestMs = 253_402_300_799_999;

const decoder = new TextDecoder();
const nothing = new Uint8Array(0);

/** What an operation may bring along. */
export interface InvokeOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

interface Operation extends InvokeOptions {
  resolve(value: unknown): void;
  reject(reason: unknown): void;
  stopListening?: () => void;
}

interface RegisteredStorage {
  readonly port: StoragePort;
  readonly locks: Map<string, () => void>;
  /** What the next write puts beside what it says itself. */
  readonly staged: [key: string, value: Uint8Array][];
  unwatch?: (() => void) | undefined;
}

/** An error as its JSON has it. */
type WireError = Omit<MemoryErrorInit, 'cause'> & { cause?: number };

export class Bridge implements Host {
  #module: WasmModule | undefined;
  #lastNumber = 0;
  readonly #operations = new Map<Ticket, Operation>();
  readonly #storages = new Map<ObjectId, RegisteredStorage>();
  readonly #providers = new Map<ObjectId, MemoryProvider>();
  readonly #listeners = new Map<ObjectId, (event: unknown) => void>();
  readonly #clocks = new Map<ObjectId, () => number>();
  /** Errors of ports, which the core carries as numbers only. */
  readonly #causes = new Map<number, unknown>();
  /** Drawn many at a time: one draw costs as much as a thousand of its numbers. */
  readonly #randomPool = new Uint32Array(256);
  #randomLeft = 0;
  readonly #onTrap: () => void;

  /** @param onTrap - Told once when the module has failed for good. */
  constructor(onTrap: () => void) {
    this.#onTrap = onTrap;
  }

  /** Binds the module that was made with this as its host. */
  attach(module: WasmModule): void {
    this.#module = module;
  }

  /** The module; throws once it has trapped. */
  get module(): WasmModule {
    if (this.#module === undefined) throw trapped();
    return this.#module;
  }

  /** Starts an operation; settles as it is delivered. */
  invoke<T>(
    start: (module: WasmModule, ticket: Ticket) => void,
    options: InvokeOptions = {},
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const signal = requireSignal(options.signal);
      if (signal?.aborted) throw aborted(signal);
      const ticket = ++this.#lastNumber;
      const operation: Operation = {
        signal,
        onProgress: options.onProgress,
        // What is delivered under this ticket is what bindings.cpp encodes for this operation.
        resolve,
        reject,
      };
      if (signal) {
        const onAbort = (): void => {
          this.#guard((module) => {
            if (!module.abortOperation(ticket)) return;
            this.#operations.delete(ticket);
            reject(aborted(signal));
          });
        };
        signal.addEventListener('abort', onAbort, { once: true });
        operation.stopListening = () => {
          signal.removeEventListener('abort', onAbort);
        };
      }
      this.#operations.set(ticket, operation);
      try {
        start(this.module, ticket);
      } catch (error) {
        this.#operations.delete(ticket);
        operation.stopListening?.();
        throw this.#trap(error);
      }
    });
  }

  /** A number under which both sides know one object. */
  nextId(): ObjectId {
    return ++this.#lastNumber;
  }

  addStorage(id: ObjectId, port: StoragePort, now: () => number): void {
    this.#storages.set(id, { port, locks: new Map(), staged: [] });
    this.#clocks.set(id, now);
  }

  addProvider(id: ObjectId, provider: MemoryProvider): void {
    this.#providers.set(id, provider);
  }

  /** `listener` must not keep alive the object whose notices these are. */
  addListener(id: ObjectId, listener: (event: unknown) => void): void {
    this.#listeners.set(id, listener);
  }

  /** Frees what a handle stands for, unless the module that it is of is gone. */
  free(handle: Handle): void {
    this.#guard(() => {
      handle.delete();
    });
  }

  /** Forgets all that is known under `id`. */
  remove(id: ObjectId): void {
    const storage = this.#storages.get(id);
    storage?.unwatch?.();
    if (storage) storage.unwatch = undefined;
    this.#storages.delete(id);
    this.#clocks.delete(id);
    this.#providers.delete(id);
    this.#listeners.delete(id);
  }

  // ------------------------------------------------------------------------- called by the module

  deliver(ticket: Ticket, ok: boolean, json: Uint8Array): void {
    const operation = this.#operations.get(ticket);
    if (operation === undefined) return;
    this.#operations.delete(ticket);
    operation.stopListening?.();
    const value: unknown = JSON.parse(decoder.decode(json));
    if (ok) operation.resolve(value);
    else operation.reject(this.revive(value as WireError, operation.signal));
  }

  notify(owner: ObjectId, json: Uint8Array): void {
    const listener = this.#listeners.get(owner);
    if (listener === undefined) return;
    const event: unknown = JSON.parse(decoder.decode(json));
    // Not from within the core: a listener may call back into it, or throw.
    queueMicrotask(() => {
      listener(event);
    });
  }

  progress(ticket: Ticket, done: number, total: number): void {
    const onProgress = this.#operations.get(ticket)?.onProgress;
    if (onProgress === undefined) return;
    queueMicrotask(() => {
      onProgress(done, total);
    });
  }

  now(owner: ObjectId): number {
    const time = readClock(this.#clocks.get(owner));
    return time >= earliestMs && time <= latestMs ? Math.trunc(time) : Date.now();
  }

  random(): number {
    if (this.#randomLeft === 0) {
      crypto.getRandomValues(this.#randomPool);
      this.#randomLeft = this.#randomPool.length;
    }
    return this.#randomPool[--this.#randomLeft] ?? 0;
  }

  call(ticket: Ticket, target: number, id: ObjectId, method: number, bytes: Uint8Array): void {
    const answer =
      target === Target.storage
        ? this.#callStorage(id, method, bytes)
        : this.#callProvider(id, method, bytes);
    answer.then(
      (bytesOrJson) => {
        if (ticket !== 0) this.#settle(ticket, true, bytesOrJson);
      },
      (error: unknown) => {
        const asError = target === Target.storage ? storageError(error, 'the store') : error;
        if (ticket !== 0) this.#settle(ticket, false, this.#encodeError(asError));
      },
    );
  }

  // --------------------------------------------------------------------------------------- errors

  /** The error that the core described. */
  revive(wire: WireError, signal?: AbortSignal): MemoryError {
    const { cause: number, ...init } = wire;
    const cause = number === undefined ? undefined : this.#causes.get(number);
    if (number !== undefined) this.#causes.delete(number);
    if (init.code === 'aborted' && signal?.aborted) return aborted(signal);
    // A port's MemoryError comes back as it was, unless the core made something else of it.
    if (MemoryError.isInstance(cause) && cause.code === init.code) return cause;
    return memoryError({ ...init, cause });
  }

  #encodeError(error: unknown): string {
    const cause = ++this.#lastNumber;
    this.#causes.set(cause, error);
    const wire: WireError = MemoryError.isInstance(error)
      ? {
          code: error.code,
          message: error.message,
          isRetryable: error.isRetryable,
          field: error.field,
          status: error.status,
          cause,
        }
      : { code: 'provider', message: `the provider failed: ${messageOf(error)}`, cause };
    return JSON.stringify(wire);
  }

  /** Runs a call into the module that has no promise of its own. */
  #guard(work: (module: WasmModule) => void): void {
    if (this.#module === undefined) return;
    try {
      work(this.#module);
    } catch (error) {
      this.#trap(error);
    }
  }

  #settle(ticket: Ticket, ok: boolean, answer: Uint8Array | string): void {
    this.#guard((module) => {
      module.settle(ticket, ok, answer);
    });
  }

  /**
   * After a trap the module's memory cannot be trusted: everything that waits fails, and the next
   * `load` makes a new one. Nothing that was acknowledged is lost; it is in the store.
   */
  #trap(error: unknown): unknown {
    if (!(error instanceof WebAssembly.RuntimeError)) return error;
    const reason = trapped(error);
    this.#module = undefined;
    const operations = [...this.#operations.values()];
    this.#operations.clear();
    for (const operation of operations) {
      operation.stopListening?.();
      operation.reject(reason);
    }
    this.#onTrap();
    return reason;
  }

  // ---------------------------------------------------------------------------------------- ports

  async #callStorage(id: ObjectId, method: number, bytes: Uint8Array): Promise<Uint8Array> {
    const storage = this.#storages.get(id);
    if (storage === undefined) {
      throw new InternalError({ code: 'internal', message: `there is no storage ${id}` });
    }
    const { port, locks } = storage;
    switch (method) {
      case StorageMethod.get:
        return packOptional(await port.get(decoder.decode(bytes)));
      case StorageMethod.stage:
        storage.staged.push(...unpackBatch(bytes).put);
        return nothing;
      case StorageMethod.write: {
        const batch = unpackBatch(bytes);
        batch.put.push(...storage.staged.splice(0));
        await port.write(batch);
        return nothing;
      }
      case StorageMethod.scan: {
        const { prefix, after, limit } = unpackScan(bytes);
        return packPairs(await port.scan(prefix, after === '' ? undefined : after, limit));
      }
      case StorageMethod.tryLock:
        return packBoolean(await tryLock(storage, decoder.decode(bytes)));
      case StorageMethod.unlock: {
        const name = decoder.decode(bytes);
        locks.get(name)?.();
        locks.delete(name);
        return nothing;
      }
      case StorageMethod.watch:
        // A write of one's own is told of too: a hundred in a row are read back once.
        storage.unwatch = port.watch?.(
          onceLater(() => {
            if (storage.unwatch === undefined) return;
            this.#guard((module) => {
              module.storageChanged(id);
            });
          }),
        );
        return nothing;
      case StorageMethod.close:
        storage.unwatch?.();
        storage.unwatch = undefined;
        await port.close();
        return nothing;
      default:
        throw new InternalError({ code: 'internal', message: `no storage method ${method}` });
    }
  }

  async #callProvider(id: ObjectId, method: number, bytes: Uint8Array): Promise<string> {
    const provider = this.#providers.get(id);
    if (provider === undefined) {
      throw new InternalError({ code: 'internal', message: `there is no provider ${id}` });
    }
    // Written by HostProvider in src/wasm/host_ports.cpp.
    const call = JSON.parse(decoder.decode(bytes)) as {
      argument: never;
      options: object;
      operation?: Ticket;
    };
    const signal =
      call.operation === undefined ? undefined : this.#operations.get(call.operation)?.signal;
    const options = signal ? { ...call.options, signal } : call.options;
    try {
      const answer = await this.#callMethod(provider, method, call.argument, options);
      const json = JSON.stringify(answer) as string | undefined;
      return json ?? 'null';
    } catch (error) {
      // A provider that ends because it was told to has not failed.
      if (signal?.aborted) throw aborted(signal);
      throw error;
    }
  }

  #callMethod(
    provider: MemoryProvider,
    method: number,
    argument: never,
    options: object,
  ): Promise<unknown> {
    switch (method) {
      case ProviderMethod.retrieve:
        return provider.retrieveMemories(argument, options);
      case ProviderMethod.store:
        return provider.storeMemories(argument, options);
      case ProviderMethod.getAll:
        return provider.getAllMemories(options);
      case ProviderMethod.delete:
        return provider.deleteMemory(argument);
      default:
        throw new InternalError({ code: 'internal', message: `no provider method ${method}` });
    }
  }
}

/** Holds `name` until it is unlocked; false where somebody else has it. */
function tryLock({ port, locks }: RegisteredStorage, name: string): Promise<boolean> {
  if (!port.exclusively) return Promise.resolve(true);
  return new Promise((resolve) => {
    let gaveUp = false;
    const patience = setTimeout(() => {
      gaveUp = true;
      resolve(false);
    }, lockPatienceMs);
    const hold = (): Promise<void> => {
      clearTimeout(patience);
      if (gaveUp) return Promise.resolve();
      return new Promise((release) => {
        locks.set(name, release);
        resolve(true);
      });
    };
    // A lock is advice: without one the work is done all the same.
    port.exclusively?.(name, hold).catch(() => {
      clearTimeout(patience);
      resolve(true);
    });
  });
}

/** What a caller's clock says; NaN where it throws, for the core has no way to unwind. */
function readClock(clock: (() => number) | undefined): number {
  try {
    return clock?.() ?? NaN;
  } catch {
    return NaN;
  }
}

/** The caller's signal; null counts as none, as it does for `fetch`. */
function requireSignal(signal: AbortSignal | null | undefined): AbortSignal | undefined {
  if (signal === undefined || signal === null) return undefined;
  // Not by instanceof: it may be another realm's, or a library's.
  if (typeof signal.aborted === 'boolean' && typeof signal.addEventListener === 'function') {
    return signal;
  }
  throw invalidArgument('signal', 'must be an AbortSignal');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function aborted(signal: AbortSignal): AbortedError {
  return new AbortedError({
    code: 'aborted',
    message: 'the operation was aborted',
    cause: signal.reason,
  });
}

function trapped(cause?: unknown): InternalError {
  return new InternalError({
    code: 'internal',
    message: 'the memory module failed and was dropped; open the provider again',
    isRetryable: true,
    cause,
  });
}

/** A function that has `work` done once what runs now is done, and once however often it was called until then. */
function onceLater(work: () => void): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    setTimeout(() => {
      isDue = false;
      work();
    }, 0);
  };
}
