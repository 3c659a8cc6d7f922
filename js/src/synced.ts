// SPDX-License-Identifier: MIT
//
// `agent-memory-wasm/synced`: memory on this device that is kept in step with a remote. Only those
// who ask for it download it; what it needs of the store is in the core.

import { letProcessEnd, tellAll } from './core/events.js';
import { memberOf, requireOptions } from './core/json.js';
import { nativeOf } from './core/provider-handle.js';
import {
  AbortedError,
  ClosedError,
  InternalError,
  invalidArgument,
  MemoryError,
} from './errors.js';
import { Outbox } from './sync/outbox.js';
import type { QueueEntry } from './sync/outbox.js';
import type { ConflictEvent, Context, RemoteProvider } from './sync/peer.js';
import { knownEntities, pull } from './sync/pull.js';
import { entityOf, failureOf, isEmpty, pauseAfter, readNote, writeNote } from './sync/reconcile.js';
import { SyncStore } from './sync/store.js';
import type {
  DeleteAllOptions,
  HistoryEntry,
  Identity,
  ListOptions,
  MemoryChange,
  MemoryEvent,
  MemoryProvider,
  MessageInput,
  RetrievedMemory,
  RetrieveOptions,
  StoredMemory,
  StoreOptions,
} from './types.js';

export type { QueueEntry } from './sync/outbox.js';
export type { ConflictEvent, RemoteProvider } from './sync/peer.js';

/** What `LocalProvider` has, as far as `SyncedProvider` calls it. */
export interface LocalSide extends MemoryProvider {
  getMemory(memoryId: string): Promise<RetrievedMemory | null>;
  updateMemory(memoryId: string, change: MemoryChange): Promise<StoredMemory>;
  history(memoryId: string): Promise<HistoryEntry[]>;
  deleteAllMemories(which: DeleteAllOptions): Promise<number>;
  subscribe(listener: (event: MemoryEvent) => void): () => void;
}

/** Options of `SyncedProvider`. */
export interface SyncedProviderOptions extends Identity {
  /** A `LocalProvider`, open. It stays the caller's to close. */
  local: LocalSide;
  /** A `Mem0Provider` with `infer: false`. */
  remote: RemoteProvider;
  /**
   * Whose memories are kept in step: those that these ids see. Without any, those of everybody who
   * has memories here, or is asked for; memories without any id stay here in any case.
   */
  userId?: string;
  agentId?: string;
  runId?: string;
  /** How often to ask for news by itself; `Infinity`: only when told, or when the network returns. Default: 5 min. */
  pullIntervalMs?: number;
  /** The bound of the first pause after a failure; it doubles up to 5 min. Default: 1 s. */
  retryDelayMs?: number;
}

/** What `SyncedProvider.subscribe` tells beside what `LocalProvider.subscribe` does. */
export type SyncEvent =
  | MemoryEvent
  | ConflictEvent
  /** The remote does not want it: it stays in the queue until it is retried, dropped or changed. */
  | { type: 'refused'; entry: QueueEntry }
  /** `'waiting'`: for the network, or whatever `error` says; it goes on by itself. */
  | { type: 'sync'; state: 'sending' | 'waiting' | 'idle'; error?: MemoryError };

/** What one round is to do. */
interface Round {
  pulls: boolean;
  all: boolean;
}

const mostPauseMs = 300_000;
const mostTimerMs = 2 ** 31 - 1;

/**
 * Memory on this device, kept in step with a remote: offline first.
 *
 * Reads are the local provider's, and immediate. Writes are its, too: durable here when they
 * resolve, and in the queue by that very write, which goes to the remote by itself: at once, or when
 * the network is back, or after a restart. What changed there comes here. Of tabs that share a
 * store one at a time does this.
 *
 * What was written here last and what was written there last differ: the newer is kept, by the
 * clocks of the sides where they were written; of a deletion nobody is asked. docs/mem0.md has the
 * rules, and what a remote cannot promise.
 *
 * It runs until `close`; a page that leaves needs none.
 *
 * @example
 * const local = await LocalProvider.open();
 * const remote = new Mem0Provider({ baseUrl: '/api/mem0', infer: false });
 * const provider = new SyncedProvider({ local, remote, userId: 'ada' });
 */
export class SyncedProvider implements MemoryProvider {
  static {
    if (typeof Symbol.asyncDispose === 'symbol') {
      Object.defineProperty(this.prototype, Symbol.asyncDispose, {
        value: function (this: SyncedProvider) {
          return this.close();
        },
      });
    }
  }

  /** The same as {@link close}: for `await using`. */
  declare [Symbol.asyncDispose]: () => Promise<void>;

  readonly #local: LocalSide;
  readonly #scope: Identity;
  readonly #pullIntervalMs: number;
  readonly #retryDelayMs: number;
  readonly #context: Context;
  readonly #outbox = new Outbox();
  readonly #abort = new AbortController();
  readonly #listeners = new Set<(event: SyncEvent) => void>();
  /** Whom the remote is asked for beside those that the store knows, where no id says it. */
  readonly #entities = new Map<string, Identity>();
  readonly #stops: (() => void)[] = [];

  /** The round that has not begun, and the promise of it. */
  #next: { round: Round; done: Promise<void> } | undefined;
  /** Settles when the last round has. */
  #tail: Promise<void> = Promise.resolve();
  /** The work under way while the lock is held. */
  #underWay: Promise<unknown> = Promise.resolve();
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #pullTimer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #state: 'sending' | 'waiting' | 'idle' = 'idle';

  /** Throws `invalid_argument` on options that are not what they should be. Begins by itself. */
  constructor(options: SyncedProviderOptions) {
    requireOptions(options);
    const { local, remote, userId, agentId, runId } = options;
    const { pullIntervalMs = 300_000, retryDelayMs = 1_000 } = options;
    if (nativeOf(local) === undefined) {
      throw invalidArgument('local', 'must be a LocalProvider that is open');
    }
    for (const method of [
      'storeMemories',
      'getAllMemories',
      'getMemory',
      'updateMemory',
      'deleteMemory',
    ]) {
      if (typeof memberOf(remote, method) !== 'function') {
        throw invalidArgument('remote', `must have the method ${method}`);
      }
    }
    if (remote.infer || !remote.waitForCompletion) {
      const rule = remote.infer ? 'infer: false' : 'waitForCompletion: true';
      throw invalidArgument('remote', `must be made with ${rule}: one memory here is one there`);
    }
    for (const [name, value] of Object.entries({ pullIntervalMs, retryDelayMs })) {
      if (typeof value !== 'number' || !(value > 0)) {
        throw invalidArgument(name, `must be more than 0, got ${String(value)}`);
      }
    }
    for (const [name, value] of Object.entries({ userId, agentId, runId })) {
      if (value !== undefined && (typeof value !== 'string' || value === '')) {
        throw invalidArgument(name, 'must be a string that is not empty');
      }
    }
    this.#local = local;
    this.#scope = {
      ...(userId === undefined ? {} : { userId }),
      ...(agentId === undefined ? {} : { agentId }),
      ...(runId === undefined ? {} : { runId }),
    };
    this.#pullIntervalMs = pullIntervalMs;
    this.#retryDelayMs = retryDelayMs;
    this.#context = {
      store: new SyncStore(local),
      remote,
      scope: this.#scope,
      signal: this.#abort.signal,
      tell: (event) => {
        this.#tell(event);
      },
    };
    this.#begin();
  }

  /** See {@link MemoryProvider.retrieveMemories}: the local provider's. */
  retrieveMemories(query: string, options?: RetrieveOptions): Promise<RetrievedMemory[]> {
    this.#notice(options);
    return this.#local.retrieveMemories(query, options);
  }

  /** See {@link MemoryProvider.storeMemories}. Resolves once they are durable here, and queued. */
  storeMemories(messages: MessageInput, options?: StoreOptions): Promise<StoredMemory[]> {
    this.#notice(options);
    return this.#local.storeMemories(messages, options);
  }

  /** See {@link MemoryProvider.getAllMemories}: the local provider's. */
  getAllMemories(options?: ListOptions): Promise<RetrievedMemory[]> {
    this.#notice(options);
    return this.#local.getAllMemories(options);
  }

  /** See {@link MemoryProvider.deleteMemory}. It is deleted at the remote, too. */
  deleteMemory(memoryId: string): Promise<boolean> {
    return this.#local.deleteMemory(memoryId);
  }

  /** See `LocalProvider.getMemory`. */
  getMemory(memoryId: string): Promise<RetrievedMemory | null> {
    return this.#local.getMemory(memoryId);
  }

  /** See `LocalProvider.updateMemory`. */
  updateMemory(memoryId: string, change: MemoryChange): Promise<StoredMemory> {
    return this.#local.updateMemory(memoryId, change);
  }

  /** See `LocalProvider.history`. */
  history(memoryId: string): Promise<HistoryEntry[]> {
    return this.#local.history(memoryId);
  }

  /** See `LocalProvider.deleteAllMemories`. They are deleted at the remote, too, one by one. */
  deleteAllMemories(which: DeleteAllOptions): Promise<number> {
    return this.#local.deleteAllMemories(which);
  }

  /** What waits to be sent, oldest first. */
  async queue(): Promise<QueueEntry[]> {
    this.#requireOpen();
    await this.#context.store.refresh();
    return this.#outbox.entries(this.#context);
  }

  /** Sends again what was refused, this memory or all, and what else waits; as {@link sync} does. */
  async retry(memoryId?: string): Promise<void> {
    this.#requireOpen();
    this.#outbox.forgive(memoryId);
    await this.sync();
  }

  /**
   * Takes a memory out of the queue as it is now: the remote does not get this change. A later one
   * is sent. False where it does not wait. What is being sent is waited for.
   */
  async drop(memoryId: string): Promise<boolean> {
    this.#requireOpen();
    const { store } = this.#context;
    return store.exclusively(async () => {
      await store.refresh();
      const [state] = await store.states([memoryId]);
      if (!state?.isUnsettled) return false;
      const known = readNote(state.note);
      // Without what was on its way: should it arrive, it is found by what it says of itself.
      const note = known ? writeNote({ ...known, sending: '' }) : '';
      await store.settle([{ kind: 'note', id: memoryId, version: state.version, note }]);
      this.#outbox.forgive(memoryId);
      return true;
    });
  }

  /**
   * Takes what is new at the remote and sends what waits, now. With `all: true` everything there is
   * compared with everything here: what was deleted there goes here, too, which is no news that a
   * platform tells.
   *
   * Rejects with what stopped it, or what failed and may pass; the queue is as before, and goes on
   * by itself. What the remote refused for good is no failure of this call: see {@link queue}.
   */
  async sync({ all = false, signal }: { all?: boolean; signal?: AbortSignal } = {}): Promise<void> {
    this.#requireOpen();
    if (typeof all !== 'boolean') throw invalidArgument('all', 'must be true or false');
    const done = this.#round({ pulls: true, all });
    if (!signal) return done;
    await abortable(done, signal);
  }

  /** Tells `listener` what the local provider tells, and how keeping in step fares. */
  subscribe(listener: (event: SyncEvent) => void): () => void {
    if (typeof listener !== 'function') throw invalidArgument('listener', 'must be a function');
    const own = (event: SyncEvent): void => {
      listener(event);
    };
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  /**
   * Stops. A request that changes something at the remote is waited for; what was not sent stays in
   * the queue. Both providers stay open. Twice is fine.
   */
  async close(): Promise<void> {
    if (!this.#abort.signal.aborted) {
      this.#abort.abort();
      clearTimeout(this.#retryTimer);
      clearTimeout(this.#pullTimer);
      for (const stop of this.#stops.splice(0)) stop();
    }
    await this.#underWay.catch(() => undefined);
  }

  // ------------------------------------------------------------------------------------- when

  #begin(): void {
    this.#stops.push(
      this.#local.subscribe((event) => {
        this.#tell(event);
        if (event.type === 'change') void this.#wakeIfWaiting();
        if (event.type === 'storage' && event.state === 'closed') void this.close();
      }),
    );
    if (typeof addEventListener === 'function') {
      const onOnline = (): void => {
        this.#failures = 0;
        this.#wake({ pulls: true, all: false });
      };
      addEventListener('online', onOnline);
      this.#stops.push(() => {
        removeEventListener('online', onOnline);
      });
    }
    // Whoever made it has had no chance to subscribe yet.
    const timer = setTimeout(() => {
      this.#wake({ pulls: true, all: false });
    }, 0);
    this.#stops.push(() => {
      clearTimeout(timer);
    });
  }

  /** After a change: here, elsewhere, or by a round. Where the network is gone, it is no news. */
  async #wakeIfWaiting(): Promise<void> {
    if (this.#failures > 0) return;
    const waiting = await this.#context.store.unsettled(this.#scope, 1).catch(() => []);
    if (waiting.length > 0) this.#wake({ pulls: false, all: false });
  }

  /** A round whose failure nobody waits for: it is told. */
  #wake(round: Round): void {
    if (this.#abort.signal.aborted) return;
    this.#round(round).catch(() => undefined);
  }

  /** One round after another; those that have not begun are one. */
  #round(round: Round): Promise<void> {
    if (this.#next) {
      const { round: waiting, done } = this.#next;
      waiting.pulls ||= round.pulls;
      waiting.all ||= round.all;
      return done;
    }
    const begin = async (): Promise<void> => {
      // The lock is waited for as part of the waiting: what is asked for meanwhile belongs to this.
      await this.#context.store.exclusively(() => {
        const { round: todo } = this.#next ?? { round };
        this.#next = undefined;
        if (this.#abort.signal.aborted) return Promise.reject(stopped());
        const work = this.#run(todo);
        this.#underWay = work;
        return work;
      });
    };
    const done = this.#tail.then(begin).catch((error: unknown) => {
      if (this.#next?.done === done) this.#next = undefined;
      throw error;
    });
    this.#next = { round, done };
    this.#tail = done.catch(() => undefined);
    return done;
  }

  // ------------------------------------------------------------------------------------- what

  async #run({ pulls, all }: Round): Promise<void> {
    clearTimeout(this.#retryTimer);
    const { store } = this.#context;
    try {
      await store.refresh();
      const failure = pulls ? await this.#pull(all) : undefined;
      // Where there is no network, nothing is to be taken for on its way. Where a listing is too
      // long, all else may be well.
      const isStopped = failure !== undefined && failureOf(failure) === 'stopped';
      if (isStopped && (failure.isRetryable || failure.status !== undefined)) throw failure;
      await this.#send();
      await store.maintain();
      if (failure !== undefined) throw failure;
    } catch (error) {
      this.#onFailure(error, pulls);
      throw error;
    }
    this.#failures = 0;
    this.#show('idle');
    if (pulls) this.#pullLater();
  }

  /** Returns what it failed with, where that is the remote's. */
  async #pull(all: boolean): Promise<MemoryError | undefined> {
    const { store } = this.#context;
    let failure: MemoryError | undefined;
    for (const entity of await this.#allEntities(store)) {
      try {
        await pull(this.#context, entity, {
          all,
          onUnfit: (error) => {
            this.#tell({ type: 'error', operation: 'pull', error });
          },
        });
      } catch (error) {
        if (this.#abort.signal.aborted || !MemoryError.isInstance(error)) throw error;
        failure ??= error;
      }
    }
    return failure;
  }

  async #allEntities(store: SyncStore): Promise<Identity[]> {
    const own = entityOf(this.#scope);
    if (own) return [own];
    const waiting = await store.unsettled(this.#scope, 1_000);
    for (const entity of await knownEntities({ store })) this.#notice(entity);
    for (const { memory } of waiting) if (memory) this.#notice(memory);
    return [...this.#entities.values()];
  }

  async #send(): Promise<void> {
    await this.#outbox.send(this.#context, {
      onBegin: () => {
        this.#show('sending');
      },
      onRefused: (entry) => {
        this.#tell({ type: 'refused', entry });
      },
    });
  }

  /** Somebody is asked for: their memories are wanted here. */
  #notice(ids: Identity | undefined): void {
    if (!ids || !isEmpty(this.#scope)) return;
    const entity = entityOf(ids);
    if (entity) this.#entities.set(JSON.stringify(entity), entity);
  }

  #onFailure(error: unknown, pulls: boolean): void {
    if (this.#abort.signal.aborted) return;
    const told = MemoryError.isInstance(error)
      ? error
      : new InternalError({ code: 'internal', message: 'keeping in step failed', cause: error });
    const pause = pauseAfter(
      ++this.#failures,
      { firstMs: this.#retryDelayMs, mostMs: Math.max(mostPauseMs, this.#retryDelayMs) },
      Math.random(),
    );
    this.#show('waiting', told);
    clearTimeout(this.#retryTimer);
    this.#retryTimer = later(pause, () => {
      this.#wake({ pulls, all: false });
    });
  }

  #pullLater(): void {
    clearTimeout(this.#pullTimer);
    if (this.#pullIntervalMs > mostTimerMs) return;
    this.#pullTimer = later(this.#pullIntervalMs, () => {
      this.#wake({ pulls: true, all: false });
    });
  }

  // ---------------------------------------------------------------------------------- telling

  #show(state: 'sending' | 'waiting' | 'idle', error?: MemoryError): void {
    if (state === this.#state && state !== 'waiting') return;
    this.#state = state;
    this.#tell({ type: 'sync', state, ...(error ? { error } : {}) });
  }

  #tell(event: SyncEvent): void {
    tellAll(this.#listeners, event);
  }

  #requireOpen(): void {
    if (this.#abort.signal.aborted) throw stopped();
  }
}

function stopped(): ClosedError {
  return new ClosedError({ code: 'closed', message: 'the synced provider is closed' });
}

/** A timer that does not keep a process alive. */
function later(durationMs: number, work: () => void): ReturnType<typeof setTimeout> {
  const timer = setTimeout(work, Math.min(durationMs, mostTimerMs));
  letProcessEnd(timer);
  return timer;
}

/** As `done`, or rejects once the signal fires: the round itself goes on. */
async function abortable(done: Promise<void>, signal: AbortSignal): Promise<void> {
  const message = 'the operation was aborted';
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    const onAbort = (): void => {
      reject(new AbortedError({ code: 'aborted', message, cause: signal.reason }));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    stop = () => {
      signal.removeEventListener('abort', onAbort);
    };
    if (signal.aborted) onAbort();
  });
  try {
    await Promise.race([done, aborted]);
  } finally {
    stop();
  }
}
