// SPDX-License-Identifier: MIT
//
// The values that go in and out, and the interfaces that others may implement. Types only: this
// file leaves nothing behind in the built package.

import type { MemoryScope, RetrievalStrategy } from './enums.js';
import type { MemoryError } from './errors.js';

// ---------------------------------------------------------------------------------------- loading

/** A compiled module, its bytes, a response, or where to fetch it. */
export type WasmSource = WebAssembly.Module | BufferSource | Response | URL | string;

/** How to load the module; see `load`. */
export interface LoadOptions {
  /** Default: the file beside the package's script, fetched or read as the runtime can. */
  wasm?: WasmSource | Promise<WasmSource>;
  /**
   * Whether to also open and search a store of 200 made-up memories, in RAM, so that the
   * code for it is compiled before it is needed. A function opens an empty store of its own for that,
   * the same one at each call: `durableObjectRehearsal()`. Default: false.
   */
  warmUp?: boolean | (() => StoragePort);
}

// ----------------------------------------------------------------------------------------- values

/** What `JSON.parse` may return. */
export type JsonValue =
  null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** What callers attach to a memory: any JSON object, at most 64 KiB of JSON. */
export type Metadata = Record<string, JsonValue>;

/**
 * Who a memory belongs to. `LocalProvider` shows a memory to a call if and only if
 *
 * - their `userId` is the same (both without one counts as the same): a user's memories are seen
 *   by that user alone;
 * - the call gives no `agentId`, or the memory's; the call gives no `runId`, or the memory's;
 * - a call without any id sees only memories without any id: the global ones.
 *
 * So `{ userId }` sees all that was stored for the user, in whatever run and with whatever agent;
 * `{ agentId }` sees what the agent knows apart from any user. The same rule holds for delete-all,
 * export and counting.
 *
 * An id is not empty and has at most 1,024 bytes of UTF-8.
 */
export interface Identity {
  userId?: string;
  agentId?: string;
  runId?: string;
}

/** Each part of a score, 0..1, and the terms of the query that matched. */
export interface Explanation {
  keyword: number;
  recency: number;
  context?: number;
  semantic?: number;
  terms: string[];
}

/** A memory as it is found. A plain object: nothing to free, and nobody else holds it. */
export interface RetrievedMemory extends Identity {
  id: string;
  memory: string;
  /** 0..1, comparable between queries: see `minRelevanceScore`. */
  score: number;
  metadata: Metadata;
  /** ISO 8601, UTC, or null where a remote provider does not say. */
  createdAt: string | null;
  /** ISO 8601, UTC. Null or absent where the provider does not say. */
  updatedAt?: string | null;
  /** Who said it, where it came from a message. */
  role?: 'user' | 'assistant';
  /** The speaker's name, where the message had one. */
  name?: string;
  /** Present when asked for with `explain: true`. */
  explanation?: Explanation;
}

/** The receipt for one memory that a call stored, changed, deleted or found to be there already. */
export interface StoredMemory {
  id: string;
  memory: string;
  /** NOOP: an equal memory stood there already, and `id` is its id. */
  event: 'ADD' | 'UPDATE' | 'DELETE' | 'NOOP';
  metadata: Metadata;
}

/** One step of a memory's history. */
export interface HistoryEntry {
  event: StoredMemory['event'];
  memory: string;
  /** ISO 8601, UTC. */
  at: string;
}

/** What to change of a memory: its text, its metadata (as a whole), or both. */
export interface MemoryChange {
  memory?: string;
  metadata?: Metadata;
}

/**
 * Nine fields that say how an agent uses its memory. Every field is optional on the way in; they
 * are validated in C++, with the field and its bound in the message.
 */
export interface MemoryConfig {
  /** Store conversations as memories after each run. Default: true. */
  autoStore: boolean;
  /** Retrieve relevant memories before each model request. Default: true. */
  autoRetrieve: boolean;
  /** Default: `'semantic_search'`. */
  retrievalStrategy: RetrievalStrategy;
  /** How many memories to retrieve; at least 1. Default: 5. */
  topK: number;
  /** Memories that score less are left out; 0.0 to 1.0. Default: 0.0. */
  minRelevanceScore: number;
  /** Store after this many turns of conversation; at least 1. Default: 1. */
  storeAfterTurns: number;
  /** Put memories into the system prompt (true), or into a message of their own. Default: true. */
  memorySummaryInSystem: boolean;
  /** Which ids hold; see `MemorySession`. Default: `'user'`. */
  scope: MemoryScope;
  /** Merged into the metadata of everything stored. Default: `{}`. */
  metadata: Metadata;
}

/**
 * Messages, in any of the shapes that chat code already has: a string (one user message); OpenAI
 * chat messages; Vercel AI SDK ModelMessage and UIMessage; Anthropic messages; LangChain messages;
 * and the JSON that pydantic-ai's ModelMessagesTypeAdapter dumps. Unknown part kinds are skipped,
 * never thrown on. A message's own time is kept where it has one, and its `name` as the speaker's:
 * both can be searched for.
 */
export type MessageInput = string | readonly unknown[];

// -------------------------------------------------------------------------------------- providers

/**
 * Mem0's filter grammar: AND / OR / NOT over fields, with eq ne gt gte lt lte in nin contains
 * icontains and `'*'`.
 */
export type Filter = { [field: string]: JsonValue | Filter | Filter[] };

/** Options of a search. */
export interface RetrieveOptions extends Identity {
  /** At least 1. Default: 5. */
  topK?: number;
  /** Keep only memories whose metadata holds all of these. */
  metadata?: Metadata;
  filters?: Filter;
  /** Default: `'semantic_search'`. */
  strategy?: RetrievalStrategy;
  /** 0.0 to 1.0; memories that score less are left out. Default: 0.0. */
  minRelevanceScore?: number;
  /** Fill in `explanation`. Default: false. */
  explain?: boolean;
  signal?: AbortSignal;
}

/** Options of a store. Times are ISO 8601, milliseconds since 1970, or a `Date`. */
export interface StoreOptions extends Identity {
  /** Merged into the metadata of everything stored. */
  metadata?: Metadata;
  /** When the messages were said, where they carry no time of their own. Default: now. */
  timestamp?: string | number | Date;
  /** When the memories end. Default: never. */
  expiresAt?: string | number | Date;
  signal?: AbortSignal;
}

/** Options of a listing. */
export interface ListOptions extends Identity {
  /** At least 1. Default: all. */
  limit?: number;
  /** How many to skip; at least 0. Default: 0. */
  offset?: number;
  filters?: Filter;
  signal?: AbortSignal;
}

/**
 * What every provider does. A plain object with these four methods is a provider.
 *
 * Failures are rejections with a `MemoryError`; a call that fails has changed nothing.
 */
export interface MemoryProvider {
  /** The memories that best answer `query` within the walls of the identity, best first. */
  retrieveMemories(query: string, options?: RetrieveOptions): Promise<RetrievedMemory[]>;
  /** Resolves once the memories are durable; one receipt a memory, in the order of the messages. */
  storeMemories(messages: MessageInput, options?: StoreOptions): Promise<StoredMemory[]>;
  /** All memories within the walls of the identity, newest first. */
  getAllMemories(options?: ListOptions): Promise<RetrievedMemory[]>;
  /** False where there was no such memory. */
  deleteMemory(memoryId: string): Promise<boolean>;
}

/** Changes to a store, all or nothing. A key in both `put` and `delete` ends up deleted. */
export interface StorageBatch {
  put?: [key: string, value: Uint8Array][];
  delete?: string[];
}

/**
 * Ordered bytes under string keys: what a runtime must supply to make memories durable.
 *
 * Keys are ASCII, so that order by UTF-16 unit is order by byte. Several calls may be under way at
 * once. A call that fails has changed nothing; absence is not a failure. Values are copied: neither
 * side may see what the other does to its bytes after the call.
 */
export interface StoragePort {
  /** One name for logs and `status()`: 'indexeddb', 'memory', 'file', 'durable-object', … */
  readonly kind: string;
  /** The value under `key`, or undefined. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** All of it or none of it, durable when it resolves. */
  write(batch: StorageBatch): Promise<void>;
  /**
   * Up to `limit` pairs whose key starts with `prefix` and is greater than `after` (undefined: from
   * the start), in key order.
   */
  scan(
    prefix: string,
    after: string | undefined,
    limit: number,
  ): Promise<[key: string, value: Uint8Array][]>;
  /**
   * Calls `changed` when another context (a tab, a worker) wrote to the same store, until the
   * returned function is called. It may also be called for this context's own writes.
   */
  watch?(changed: () => void): () => void;
  /**
   * Runs `work` while no other holder of `name` runs among all contexts that share the store;
   * waits its turn. Settles as `work` does.
   */
  exclusively?<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Releases the store once what is under way has ended. Twice is fine. */
  close(): Promise<void>;
}

/**
 * How a store with a connection fares: `'degraded'` when an operation gave up on it, or has to
 * wait for another tab; `'healed'` when an operation succeeded after trouble.
 */
export type StorageHealth = 'healed' | 'degraded';

/** A store that may lose its connection, mends it by itself, and tells. */
export interface RecoveringStoragePort extends StoragePort {
  /**
   * Calls `listener` when the connection was lost for good (once, until it heals) and when it
   * healed, until the returned function is called. `error` is the trouble, in both cases. A full
   * store is no matter of health: the write that found no room says so.
   */
  onHealth(listener: (state: StorageHealth, error: MemoryError) => void): () => void;
}

/**
 * The `scan` of a store that holds its values in memory, and beside it one that answers these values
 * themselves: they are not to be changed. Whoever puts a method of his own in the first one's place
 * has taken the second away with it.
 *
 * Or the `scan` of a store that keeps nothing of what it answers (`gives`): once it is copied its
 * memory may be given back, without waiting for a collection.
 */
export type LendingScan = StoragePort['scan'] & { lent?: StoragePort['scan']; gives?: true };

/**
 * The `write` of a store that copies what it is handed, and beside it one that need not: each value
 * has a buffer to itself, and nobody changes it any more. Likewise gone where another is in its place.
 */
export type TakingWrite = StoragePort['write'] & { given?: StoragePort['write'] };

/** Whether an acknowledged write has reached the store (`'relaxed'`) or the disk (`'strict'`). */
export type Durability = 'relaxed' | 'strict';

/** Turns texts into vectors: texts in, one vector each out; all of one length. */
export interface Embedder {
  /** Changes when vectors are no longer comparable. */
  readonly id: string;
  /** The length of every vector. */
  readonly dimensions: number;
  /** How many texts one call takes. Default: 32. */
  readonly maxBatch?: number;
  /** Calls may be batched. */
  embed(texts: string[], kind: 'query' | 'memory'): Promise<Float32Array[]>;
}

/**
 * A language that memories may be in. `languages` of `agent-memory-wasm/languages` gives those that
 * come with this package; whatever has these members is one.
 */
export interface Language {
  /**
   * Names the language and what is done with it: with another id, texts are indexed anew.
   * 'english' is the package's own, and what it does is built in.
   */
  readonly id: string;
  /** Its function words in small letters, with a blank between them: not searched for. */
  readonly stopWords: string;
  /** Its letters: of a language in Latin letters those beyond a-z, of another all small ones. */
  readonly letters: string;
  /**
   * Replaces the first `size` bytes of `word`, UTF-8 in small letters, by the word's stem, and
   * returns how long that is: 1 to 64 bytes. The same for ever.
   */
  stem(word: Uint8Array, size: number): number;
}

/** Options of `LocalProvider.open`. */
export interface LocalProviderOptions {
  /** Names the store, so that several live side by side. Default: 'agent-memory'. */
  name?: string;
  /** Default: IndexedDB where there is one, else memory (and `status().persistent` is false). */
  storage?: StoragePort;
  embedder?: Embedder;
  /** Half of a memory's recency weight is gone after so long; more than 0. Default: 30 days. */
  halfLifeMs?: number;
  /** 'strict' waits for the disk where the runtime can; 'relaxed' (default) for the store. */
  durability?: Durability;
  /** Which speakers' words become memories. Default: both. */
  roles?: readonly ('user' | 'assistant')[];
  /**
   * What the memories are in, so that all forms of a word are found as one; see `languages` of
   * `agent-memory-wasm/languages`. Each text is taken to be in the one that it looks most like, the
   * first where it tells nothing. Default: English. Other languages are searched all the same, by
   * words that look alike.
   */
  languages?: readonly Language[] | Promise<readonly Language[]>;
  /** The wall clock, in milliseconds since 1970. Default: `Date.now`. It may jump. */
  now?: () => number;
}

/** Which memories `deleteAllMemories` deletes. Without any id it refuses, unless `everything`. */
export interface DeleteAllOptions extends Identity {
  filters?: Filter;
  everything?: true;
}

/** What an import did: memories that were there already are skipped. */
export interface ImportReport {
  added: number;
  skipped: number;
}

/** How a local provider stands. */
export interface LocalStatus {
  /** The store's `kind`. */
  kind: string;
  /** Whether the memories outlive the page or the process. */
  persistent: boolean;
  /** How many there are. */
  memories: number;
  /** Bytes of its values in the store. */
  bytes: number;
  encrypted: boolean;
}

/** What `LocalProvider.subscribe` tells. */
export type MemoryEvent =
  | { type: 'change'; stored: StoredMemory[]; origin: 'here' | 'elsewhere' }
  | { type: 'storage'; state: StorageHealth | 'closed'; error?: MemoryError }
  | { type: 'error'; operation: string; error: MemoryError };

/** Options of `Mem0Provider`. */
export interface Mem0ProviderOptions {
  apiKey?: string;
  /** Default: Mem0's hosted platform. A proxy or a self-hosted server of one's own goes here. */
  baseUrl?: string;
  /** Which of Mem0's two HTTP APIs answers at `baseUrl`. Default: 'platform'. */
  api?: 'platform' | 'self-hosted';
  fetch?: typeof globalThis.fetch;
  headers?: Record<string, string>;
  /** Milliseconds per attempt. Default: 10 s. */
  timeoutMs?: number;
  /** After the first attempt, for failures that may pass. Default: 2. */
  maxRetries?: number;
  /** Let Mem0 extract facts (default) or keep the messages as they are. */
  infer?: boolean;
  /** Poll an accepted but unfinished add until it is done (default), or answer at once. */
  waitForCompletion?: boolean;
}

// ---------------------------------------------------------------------------- context and session

/** Options of `MemoryContext` and `MemorySession`; the ids hold where a call gives none. */
export interface MemoryContextOptions extends Identity {
  config?: Partial<MemoryConfig>;
  /**
   * True (default): a failing provider gives an empty result, reported to `onError`; an agent's
   * run goes on.
   */
  failOpen?: boolean;
  /** Default: `console.warn`. */
  onError?: (error: MemoryError, operation: string) => void;
}

/** What a model request should carry; see `MemorySession.beforeModelRequest`. */
export interface PreparedRequest<M> {
  /** The same messages, in the same shape, with what was remembered put in. */
  messages: M[];
  memories: RetrievedMemory[];
  /** The memory block as it stands in the messages; empty where nothing was remembered. */
  prompt: string;
}
