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
import type { Language, LendingScan, MemoryProvider, StoragePort, TakingWrite } from '../types.js';
import { Operation, Request } from './module.js';
import type { Host, ObjectId, OperationNumber, Ticket, WasmModule } from './module.js';
import {
  packBoolean,
  Packed,
  packOptional,
  packPairs,
  unpackBatch,
  unpackScan,
} from './packing.js';
import { NestingError, Reader, Writer } from './values.js';

// Kept in step with src/wasm/host.hpp.
const Target = { storage: 0, provider: 1, port: 2 } as const;
const StorageMethod = {
  get: 0,
  write: 1,
  scan: 2,
  tryLock: 3,
  unlock: 4,
  watch: 5,
  close: 6,
  stage: 7,
  pause: 8,
} as const;
const Delivery = { error: 0, result: 1, expected: 2 } as const;
const ProviderMethod = { retrieve: 0, store: 1, getAll: 2, delete: 3 } as const;

// How long a fold waits for its turn before it leaves the work to whoever is at it.
const lockPatienceMs = 50;

// How long values of one write may be made before the thread does what else there is to do.
const sliceMs = 2;

// The times that ISO 8601 can say: the years 0000 to 9999. Kept in step with src/base/time.hpp.
const earliestMs = -62_167_219_200_000;
const latestMs = 253_402_300_799_999;

// LanguagePort::kMaxWordBytes in include/agent_memory/language.hpp.
const maxWordBytes = 64;

const decoder = new TextDecoder();
const nothing = new Packed([]);
const noArguments = (): void => undefined;

/** What an operation may bring along. */
export interface InvokeOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Writes the arguments of an operation: an array. */
export type WriteArguments = (writer: Writer) => void;

/** An operation under way. What is delivered is what bindings.cpp packs for it. */
interface Pending extends InvokeOptions {
  /** What its result will be unless it fails: known while it waits for the store. */
  expected?: unknown;
  /** What was delivered while nobody waited yet. */
  outcome?: { value: unknown } | { error: MemoryError };
  resolve?: (value: unknown) => void;
  reject?: (reason: unknown) => void;
  stopListening?: () => void;
}

/** A port that packs for itself. `signal` is that of the operation that the call is for. */
export type Port = (method: number, bytes: Uint8Array, signal?: AbortSignal) => Promise<Packed>;

interface RegisteredStorage {
  readonly port: StoragePort;
  readonly locks: Map<string, () => void>;
  /** What the next write puts beside what it says itself. */
  readonly staged: [key: string, value: Uint8Array][];
  /** Since when what it stages has had the thread for itself. */
  resumedAt: number;
  unwatch?: (() => void) | undefined;
}

/** An error as it crosses. */
export type WireError = Omit<MemoryErrorInit, 'cause'> & { cause?: number };

export class Bridge implements Host {
  #module: WasmModule | undefined;
  #reader: Reader | undefined;
  /** Absent while it is in use: what is written may run code of the caller's that calls us again. */
  #writer: Writer | undefined;
  #lastNumber = 0;
  readonly #operations = new Map<Ticket, Pending>();
  readonly #storages = new Map<ObjectId, RegisteredStorage>();
  readonly #providers = new Map<ObjectId, MemoryProvider>();
  readonly #ports = new Map<ObjectId, Port>();
  readonly #listeners = new Map<ObjectId, (event: unknown) => void>();
  readonly #clocks = new Map<ObjectId, () => number>();
  readonly #languages = new Map<ObjectId, readonly Language[]>();
  /** Errors of ports, which the core carries as numbers only. */
  readonly #causes = new Map<number, unknown>();
  /** Drawn many at a time: one draw costs as much as a thousand of its numbers. */
  readonly #randomPool = new Uint32Array(2048);
  #randomLeft = 0;
  readonly #onTrap: () => void;
  /**
   * The storage of a provider that is only tried out, and draws no random numbers: where a program
   * starts there may be none.
   */
  rehearsal: StoragePort | undefined;

  /** @param onTrap - Told once when the module has failed for good. */
  constructor(onTrap: () => void) {
    this.#onTrap = onTrap;
  }

  /** Binds the module that was made with this as its host, and its memory. */
  attach(module: WasmModule, memory: WebAssembly.Memory): void {
    this.#module = module;
    this.#reader = new Reader(memory);
  }

  /** The module; throws once it has trapped. */
  get module(): WasmModule {
    if (this.#module === undefined) throw trapped();
    return this.#module;
  }

  /** Learns the names that members of objects have. */
  learnNames(): void {
    this.#reader?.setKeys((this.names()[0] ?? '').split(','));
  }

  /** Names that both sides must know, comma-separated: keys, error codes, scopes, strategies. */
  names(): string[] {
    return this.ask<string[]>(Operation.names, 0, noArguments);
  }

  /** Starts an operation on the object `id`; settles as it is delivered. */
  invoke<T>(
    operation: OperationNumber,
    id: ObjectId,
    write: WriteArguments,
    options: InvokeOptions = {},
  ): Promise<T> {
    try {
      const pending = this.#start(operation, id, write, options);
      const { outcome } = pending;
      if (outcome === undefined) {
        return new Promise<T>((resolve, reject) => {
          pending.resolve = resolve as (value: unknown) => void;
          pending.reject = reject;
        });
      }
      if ('error' in outcome) return Promise.reject(outcome.error);
      return Promise.resolve(outcome.value as T);
    } catch (error) {
      // As it was thrown: by the caller's own code, or by ours.
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
      return Promise.reject(error);
    }
  }

  /** The result of an operation that does not wait for anything. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- what is packed for it
  ask<T>(operation: OperationNumber, id: ObjectId, write: WriteArguments): T {
    const { outcome } = this.#start(operation, id, write, {});
    if (outcome === undefined || 'error' in outcome) throw outcome?.error ?? trapped();
    return outcome.value as T;
  }

  #start(
    operation: OperationNumber,
    id: ObjectId,
    write: WriteArguments,
    options: InvokeOptions,
  ): Pending {
    const { module } = this;
    const writer = this.#writer ?? new Writer();
    this.#writer = undefined;
    try {
      writer.clear();
      write(writer);
      const signal = requireSignal(options.signal);
      if (signal?.aborted) throw aborted(signal);
      const ticket = ++this.#lastNumber;
      const pending: Pending = { signal, onProgress: options.onProgress };
      if (signal) this.#listen(signal, ticket, pending);
      this.#operations.set(ticket, pending);
      try {
        this.#hand(module, writer.take());
        module.request(Request.operation + operation, id, ticket, signal ? 1 : 0);
      } catch (error) {
        this.#operations.delete(ticket);
        pending.stopListening?.();
        throw this.#trap(error);
      }
      return pending;
    } finally {
      this.#writer = writer;
    }
  }

  #listen(signal: AbortSignal, ticket: Ticket, pending: Pending): void {
    const onAbort = (): void => {
      this.#guard((module) => {
        if (module.request(Request.abort, 0, ticket, 0) === 0) return;
        this.#operations.delete(ticket);
        pending.reject?.(aborted(signal));
      });
    };
    signal.addEventListener('abort', onAbort, { once: true });
    pending.stopListening = () => {
      signal.removeEventListener('abort', onAbort);
    };
  }

  /** Puts bytes where the module takes them from. */
  #hand(module: WasmModule, bytes: Uint8Array | Packed): void {
    let at = module.request(Request.reserve, 0, 0, bytes.length);
    const memory = this.#reader?.bytes();
    for (const part of bytes instanceof Packed ? bytes.parts : [bytes]) {
      memory?.set(part, at);
      at += part.length;
      if (bytes instanceof Packed && bytes.isGiven) release(part);
    }
  }

  /**
   * Whether anybody listens to what a provider's memories become: else changes from elsewhere alone
   * are told, without them.
   */
  hear(id: ObjectId, isHeard: boolean): void {
    this.#guard((module) => {
      module.request(Request.hear, id, 0, isHeard ? 1 : 0);
    });
  }

  /** A number under which both sides know one object. */
  nextId(): ObjectId {
    return ++this.#lastNumber;
  }

  addStorage(id: ObjectId, port: StoragePort, now: () => number): void {
    this.#storages.set(id, { port, locks: new Map(), staged: [], resumedAt: 0 });
    this.#clocks.set(id, now);
  }

  /** Runs `work` alone among all that share the storage of `id`, as far as that can say so. */
  exclusively<T>(id: ObjectId, name: string, work: () => Promise<T>): Promise<T> {
    const port = this.#storages.get(id)?.port;
    return port?.exclusively ? port.exclusively(name, work) : work();
  }

  addLanguages(id: ObjectId, languages: readonly Language[]): void {
    this.#languages.set(id, languages);
  }

  addProvider(id: ObjectId, provider: MemoryProvider): void {
    this.#providers.set(id, provider);
  }

  addPort(id: ObjectId, port: Port): void {
    this.#ports.set(id, port);
  }

  /** `listener` must not keep alive the object whose notices these are. */
  addListener(id: ObjectId, listener: (event: unknown) => void): void {
    this.#listeners.set(id, listener);
  }

  /** Frees what the core has under `id`, unless the module is gone. */
  free(id: ObjectId): void {
    if (this.#module !== undefined) this.ask(Operation.free, id, noArguments);
  }

  /** Forgets all that is known under `id`. */
  remove(id: ObjectId): void {
    const storage = this.#storages.get(id);
    storage?.unwatch?.();
    if (storage) storage.unwatch = undefined;
    this.#storages.delete(id);
    this.#clocks.delete(id);
    this.#languages.delete(id);
    this.#providers.delete(id);
    this.#ports.delete(id);
    this.#listeners.delete(id);
  }

  // ------------------------------------------------------------------------- called by the module

  deliver(ticket: Ticket, delivery: number, values: number, text: number, textSize: number): void {
    const pending = this.#operations.get(ticket);
    if (pending === undefined) return;
    let value = this.#reader?.read(values, text, textSize);
    if (delivery === Delivery.expected) {
      pending.expected = value;
      return;
    }
    this.#operations.delete(ticket);
    pending.stopListening?.();
    if (delivery === Delivery.result) {
      value = pending.expected ?? value;
      if (pending.resolve) pending.resolve(value);
      else pending.outcome = { value };
    } else {
      const error = this.revive(value as WireError, pending.signal);
      if (pending.reject) pending.reject(error);
      else pending.outcome = { error };
    }
  }

  notify(owner: ObjectId, values: number, text: number, textSize: number): void {
    const listener = this.#listeners.get(owner);
    if (listener === undefined) return;
    const event = this.#reader?.read(values, text, textSize);
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

  parse(text: number, size: number): number {
    const { module } = this;
    // A writer of its own: the shared one may be at work further up.
    const writer = new Writer();
    try {
      const json = this.#reader?.text(text, size) ?? '';
      writer.value(requireFinite(JSON.parse(json.replace(/^\ufeff/, ''))));
    } catch (error) {
      return error instanceof NestingError ? -1 : 0;
    }
    this.#hand(module, writer.take());
    return 1;
  }

  now(owner: ObjectId): number {
    const time = readClock(this.#clocks.get(owner));
    return time >= earliestMs && time <= latestMs ? Math.trunc(time) : Date.now();
  }

  random(owner: ObjectId): number {
    const storage = this.#storages.get(owner)?.port;
    if (storage !== undefined && storage === this.rehearsal) return ++this.#lastNumber;
    if (this.#randomLeft === 0) {
      crypto.getRandomValues(this.#randomPool);
      this.#randomLeft = this.#randomPool.length;
    }
    return this.#randomPool[--this.#randomLeft] ?? 0;
  }

  stem(owner: ObjectId, number: number, word: number, size: number): number {
    try {
      const bytes = this.#reader?.bytes().subarray(word, word + maxWordBytes);
      const language = this.#languages.get(owner)?.[number];
      return bytes && language ? language.stem(bytes, size) : size;
    } catch {
      return size; // a word stays whole, for the core has no way to unwind
    }
  }

  call(
    ticket: Ticket,
    target: number,
    id: ObjectId,
    method: number,
    values: number,
    size: number,
    text: number,
    textSize: number,
  ): void {
    const isStorage = target === Target.storage;
    const bytes = (): Uint8Array =>
      this.#reader?.bytes().subarray(values, values + size) ?? new Uint8Array(0);
    const answer: Promise<unknown> = isStorage
      ? this.#callStorage(id, method, bytes())
      : target === Target.port
        ? this.#callPort(id, method, bytes().slice())
        : this.#callProvider(id, method, this.#reader?.read(values, text, textSize));
    answer.then(
      (value) => {
        if (ticket !== 0) this.#settle(ticket, true, value);
      },
      (error: unknown) => {
        if (ticket === 0) return;
        this.#settle(
          ticket,
          false,
          this.#describeError(isStorage ? storageError(error, 'the store') : error),
        );
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
    if (MemoryError.isInstance(cause) && cause.code === init.code && cause.message === init.message)
      return cause;
    return memoryError({ ...init, cause });
  }

  #describeError(error: unknown): WireError {
    const cause = ++this.#lastNumber;
    this.#causes.set(cause, error);
    if (!MemoryError.isInstance(error)) {
      return { code: 'provider', message: `the provider failed: ${messageOf(error)}`, cause };
    }
    const { code, message, isRetryable, field, status } = error;
    return { code, message, isRetryable, field, status, cause };
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

  /** `answer` is packed, or a value. */
  #settle(ticket: Ticket, ok: boolean, answer: unknown): void {
    this.#guard((module) => {
      let packed = answer instanceof Packed ? answer : undefined;
      if (packed === undefined) {
        const writer = new Writer();
        writer.value(answer);
        packed = new Packed([writer.take()]);
      }
      this.#hand(module, packed);
      module.request(Request.settle, 0, ticket, ok ? 1 : 0);
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
    for (const pending of operations) {
      pending.stopListening?.();
      pending.reject?.(reason);
    }
    this.#onTrap();
    return reason;
  }

  // ---------------------------------------------------------------------------------------- ports

  /** `bytes` are the module's: they are read before anything else happens. */
  async #callStorage(id: ObjectId, method: number, bytes: Uint8Array): Promise<Packed> {
    const storage = this.#storages.get(id);
    if (storage === undefined) {
      throw new InternalError({ code: 'internal', message: `there is no storage ${id}` });
    }
    const { port, locks } = storage;
    switch (method) {
      case StorageMethod.get:
        return packOptional(await port.get(decoder.decode(bytes)));
      case StorageMethod.stage:
        // What it was gathered from took its time, too.
        if (storage.staged.length === 0) storage.resumedAt = 0;
        storage.staged.push(...unpackBatch(bytes).put);
        return nothing;
      case StorageMethod.pause:
        if (performance.now() - storage.resumedAt < sliceMs) return nothing;
        await new Promise<void>(later);
        storage.resumedAt = performance.now();
        return nothing;
      case StorageMethod.write: {
        const batch = unpackBatch(bytes);
        batch.put.push(...storage.staged.splice(0));
        // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called on `port`
        const write: TakingWrite = port.write;
        // They were copied out of the module's memory.
        await (write.given ?? write).call(port, batch);
        return nothing;
      }
      case StorageMethod.scan: {
        const { prefix, after, limit } = unpackScan(bytes);
        const from = after === '' ? undefined : after;
        // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called on `port`
        const scan: LendingScan = port.scan;
        // The core changes nothing of what it gets.
        const pairs = await (scan.lent ?? scan).call(port, prefix, from, limit);
        return packPairs(pairs, scan.gives);
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
              module.request(Request.changed, id, 0, 0);
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

  async #callPort(id: ObjectId, method: number, bytes: Uint8Array): Promise<Packed> {
    const port = this.#ports.get(id);
    if (port === undefined) {
      throw new InternalError({ code: 'internal', message: `there is no port ${id}` });
    }
    const operation = new DataView(bytes.buffer).getUint32(0, true);
    return port(method, bytes.subarray(4), this.#operations.get(operation)?.signal);
  }

  async #callProvider(id: ObjectId, method: number, packed: unknown): Promise<unknown> {
    const provider = this.#providers.get(id);
    if (provider === undefined) {
      throw new InternalError({ code: 'internal', message: `there is no provider ${id}` });
    }
    // Written by HostProvider in src/wasm/host_ports.cpp.
    const call = packed as { argument: never; options: object; operation?: Ticket };
    const signal =
      call.operation === undefined ? undefined : this.#operations.get(call.operation)?.signal;
    const options = signal ? { ...call.options, signal } : call.options;
    try {
      const answer = await this.#callMethod(provider, method, call.argument, options);
      // As JSON has it: what the provider made its answer of is its own.
      const json: string | undefined = JSON.stringify(answer);
      // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- of undefined there is none
      return JSON.parse(json ?? 'null') as unknown;
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

/** JSON has no number that is none, but one that is too large is read as such. */
function requireFinite(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError('too large');
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(requireFinite);
  return value;
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
    later(() => {
      isDue = false;
      work();
    });
  };
}

/** Gives the memory of bytes back that nobody needs any more, where there is a way to. */
function release(bytes: Uint8Array): void {
  const buffer = bytes.buffer as { transfer?: (size: number) => unknown };
  // The few bytes of others are left to the collector.
  if (bytes.length > 4096) buffer.transfer?.(0);
}

/** Has `work` done by the next task. By a message where there are any: a hidden page's timers wait for a second or more. */
function later(work: () => void): void {
  if (typeof MessageChannel === 'undefined') {
    setTimeout(work, 0);
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close(); // in Node an open one would keep the process from ending
    work();
  };
  port2.postMessage(null);
}
