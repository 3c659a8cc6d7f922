// SPDX-License-Identifier: MIT

import type { Bridge, WireError, WriteArguments } from './core/bridge.js';
import { finalizer } from './core/finalizer.js';
import { httpPort } from './core/http.js';
import {
  addArguments,
  changeArguments,
  memoryArguments,
  optionsArguments,
  requireOptions,
  searchArguments,
  writeOptions,
} from './core/json.js';
import { mem0Bridge } from './core/mem0.js';
import { Operation } from './core/module.js';
import type { ObjectId, OperationNumber } from './core/module.js';
import { Writer } from './core/values.js';
import { invalidArgument } from './errors.js';
import { BaseMemoryProvider } from './provider.js';
import type {
  HistoryEntry,
  Identity,
  ListOptions,
  Mem0ProviderOptions,
  MemoryChange,
  MessageInput,
  RetrievedMemory,
  RetrieveOptions,
  StoredMemory,
  StoreOptions,
} from './types.js';

/** What a call may bring along that has no other options. */
export interface CallOptions {
  signal?: AbortSignal;
}

interface Owned {
  readonly core: Bridge;
  readonly id: ObjectId;
}

const owners = /* @__PURE__ */ finalizer<Owned>(({ core, id }) => {
  core.free(id);
  core.remove(id);
});

/** Whoever has something under way, so that nobody's port goes before it is over. */
const inUse = /* @__PURE__ */ new Set<object>();

let hasWarned = false;

/**
 * Memory in Mem0: on its hosted platform, behind a proxy of your own, or on a self-hosted server.
 *
 * Making one does nothing: no request, no download. The first call loads Mem0's WebAssembly module.
 * Requests go through `fetch` with only the headers that they need; what fails in a way that may
 * pass is tried again, and nothing is stored twice by that. A key that is used in a page can be read
 * by whoever uses the page: there, let a proxy hold it, and leave `apiKey` out.
 *
 * What cannot be said in Mem0's API is `invalid_argument`. docs/mem0.md has what our calls become.
 *
 * @example
 * const provider = new Mem0Provider({ baseUrl: '/api/mem0' });
 * await provider.storeMemories('I prefer window seats.', { userId: 'alice' });
 */
export class Mem0Provider extends BaseMemoryProvider {
  readonly #options: Omit<Mem0ProviderOptions, 'fetch' | 'headers'> & {
    headers: [name: string, value: string][];
  };
  readonly #fetch: typeof globalThis.fetch | undefined;
  #made: Owned | undefined;

  /** Throws `invalid_argument` on a `fetch` or `headers` that are none; the rest is checked by the first call. */
  constructor(options: Mem0ProviderOptions) {
    super();
    requireOptions(options);
    const { fetch, headers, ...rest } = options;
    if (fetch !== undefined && typeof fetch !== 'function') {
      throw invalidArgument('fetch', 'must be a function');
    }
    this.#fetch = fetch;
    this.#options = { ...rest, headers: headersOf(headers) };
    const { apiKey, baseUrl } = options;
    if (!apiKey && baseUrl === undefined && !fetch && this.#options.headers.length === 0) {
      throw invalidArgument('apiKey', 'must be given where neither baseUrl, headers nor fetch is');
    }
  }

  /** Which of Mem0's two HTTP APIs it speaks. */
  get api(): 'platform' | 'self-hosted' {
    return this.#options.api ?? 'platform';
  }

  /** Whether Mem0 makes facts of what is stored. */
  get infer(): boolean {
    return this.#options.infer ?? true;
  }

  /** Whether an add is waited for until it is done. */
  get waitForCompletion(): boolean {
    return this.#options.waitForCompletion ?? true;
  }

  /** See {@link MemoryProvider.retrieveMemories}. `topK` is at most 1,000. */
  override retrieveMemories(
    query: string,
    options: RetrieveOptions = {},
  ): Promise<RetrievedMemory[]> {
    return this.#invoke(Operation.retrieveMemories, options, searchArguments(query, options));
  }

  /**
   * See {@link MemoryProvider.storeMemories}. Resolves with what Mem0 made of the messages: nothing,
   * if it found nothing worth keeping. Long lists go in several requests; where some of them were
   * stored and others not, the error has those that were as `stored`.
   */
  override async storeMemories(
    messages: MessageInput,
    options: StoreOptions = {},
  ): Promise<StoredMemory[]> {
    const { stored, error } = await this.#invoke<{ stored: StoredMemory[]; error?: WireError }>(
      Operation.storeMemories,
      options,
      addArguments(messages, options),
    );
    if (!error) return stored;
    throw (await mem0Bridge()).revive({ ...error, stored });
  }

  /** See {@link MemoryProvider.getAllMemories}. Reads as many pages as it takes. */
  override getAllMemories(options: ListOptions = {}): Promise<RetrievedMemory[]> {
    return this.#invoke(Operation.getAllMemories, options, optionsArguments(options));
  }

  /** See {@link MemoryProvider.deleteMemory}. */
  override deleteMemory(memoryId: string, options: CallOptions = {}): Promise<boolean> {
    return this.#invoke(Operation.deleteMemory, options, memoryArguments(memoryId));
  }

  /** The memory, whoever's it is, or null. */
  getMemory(memoryId: string, options: CallOptions = {}): Promise<RetrievedMemory | null> {
    return this.#invoke(Operation.getMemory, options, memoryArguments(memoryId));
  }

  /** Changes text, metadata (as a whole) or both. Rejects with `not_found` where there is no such memory. */
  updateMemory(
    memoryId: string,
    change: MemoryChange,
    options: CallOptions = {},
  ): Promise<StoredMemory> {
    return this.#invoke(Operation.updateMemory, options, changeArguments(memoryId, change));
  }

  /** What happened to one memory, oldest first. Empty where the id was never seen. */
  history(memoryId: string, options: CallOptions = {}): Promise<HistoryEntry[]> {
    return this.#invoke(Operation.history, options, memoryArguments(memoryId));
  }

  /** Deletes all that the ids see. Refuses to go without any. */
  async deleteAllMemories(which: Identity & CallOptions): Promise<void> {
    await this.#invoke(Operation.deleteAllMemories, which, optionsArguments(which));
  }

  /** Starts an operation, with its arguments as they are now. */
  async #invoke<T>(
    operation: OperationNumber,
    options: CallOptions,
    write: WriteArguments,
  ): Promise<T> {
    requireOptions(options);
    const { signal } = options;
    const writer = new Writer();
    write(writer);
    const core = await mem0Bridge();
    const use = { provider: this };
    inUse.add(use);
    try {
      return await core.invoke<T>(
        operation,
        this.#idIn(core),
        (to) => {
          to.raw(writer.take());
        },
        { signal },
      );
    } finally {
      inUse.delete(use);
    }
  }

  /** Its number in the module; in a new one, where the last has failed. */
  #idIn(core: Bridge): ObjectId {
    if (this.#made?.core === core) return this.#made.id;
    warnInPage(this.#options);
    const id = core.nextId();
    core.ask(Operation.open, id, (writer) => {
      writer.array(1);
      writeOptions(writer, this.#options);
    });
    core.addPort(id, httpPort(this.#fetch));
    this.#made = { core, id };
    owners.watch(this, this.#made);
    return id;
  }
}

/** Lower case, joined where they stand twice, as HTTP has them. */
function headersOf(headers: unknown): [name: string, value: string][] {
  if (headers === undefined) return [];
  try {
    return [...new Headers(headers as Record<string, string>)];
  } catch {
    // Without what was wrong: that may be a key.
    throw invalidArgument('headers', 'must be an object of names and values that HTTP can have');
  }
}

/** Of a page, and of its workers: those have `importScripts`, which others' workers have not. */
const isInPage = (): boolean =>
  typeof document !== 'undefined' || typeof Reflect.get(globalThis, 'importScripts') === 'function';

function warnInPage({
  apiKey,
  api = 'platform',
  headers,
}: {
  apiKey?: string;
  api?: string;
  headers: readonly [name: string, value: string][];
}): void {
  const hasKey = apiKey || headers.some(([, value]) => value.startsWith('Token '));
  if (hasWarned || !hasKey || api !== 'platform' || !isInPage()) return;
  hasWarned = true;
  console.warn(
    'agent-memory: a key of the Mem0 platform is used inside a page, where whoever uses the page can read it; ' +
      'let a proxy hold it, and give its address as baseUrl',
  );
}
