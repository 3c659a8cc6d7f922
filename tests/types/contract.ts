// The public surface, held against what callers may rely on, by the compiler alone: names, parameters, results.
import type * as library from 'agent-memory-wasm';
import type {
  BaseMemoryProvider,
  Embedder,
  Filter,
  Identity,
  JsonValue,
  ListOptions,
  LocalProvider,
  LocalProviderOptions,
  MemoryConfig,
  MemoryContext,
  MemoryContextOptions,
  MemoryError,
  MemoryEvent,
  MemoryProvider,
  MemoryScope,
  MemorySession,
  MessageInput,
  Metadata,
  Mem0Provider,
  Mem0ProviderOptions,
  RetrievalStrategy,
  RetrievedMemory,
  RetrieveOptions,
  StoragePort,
  StoredMemory,
  StoreOptions,
  WasmSource,
} from 'agent-memory-wasm';
import type { indexedDBStorage } from 'agent-memory-wasm/storage/indexeddb';
import type { memoryStorage } from 'agent-memory-wasm/storage/memory';

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Takes<A, B> = [B] extends [A] ? true : false;
type Keys<T, K extends PropertyKey> = Same<keyof T, K>;
type Optional<T, K extends keyof T> = Same<Pick<T, K>, Partial<Pick<T, K>>>;

/** Every line of it must be true. */
export type Checks<T extends readonly true[]> = T;

export type Values = Checks<
  [
    Same<MemoryScope, 'user' | 'agent' | 'run' | 'global'>,
    Same<RetrievalStrategy, 'semantic_search' | 'recency' | 'hybrid'>,
    Same<(typeof library.MemoryScope)['USER'], 'user'>,
    Same<(typeof library.MemoryScope)['AGENT'], 'agent'>,
    Same<(typeof library.MemoryScope)['RUN'], 'run'>,
    Same<(typeof library.MemoryScope)['GLOBAL'], 'global'>,
    Same<(typeof library.RetrievalStrategy)['SEMANTIC_SEARCH'], 'semantic_search'>,
    Same<(typeof library.RetrievalStrategy)['RECENCY'], 'recency'>,
    Same<(typeof library.RetrievalStrategy)['HYBRID'], 'hybrid'>,
    Same<Metadata, Record<string, JsonValue>>,
    Takes<JsonValue, { a: [null, true, 1, 'x', { b: [] }] }>,
    Takes<
      WasmSource,
      WebAssembly.Module | ArrayBuffer | Uint8Array<ArrayBuffer> | Response | URL | string
    >,
    Takes<Filter, { AND: [{ n: { gt: number } }, { NOT: [{ city: '*' }] }] }>,
    Keys<Identity, 'userId' | 'agentId' | 'runId'>,
    Optional<Identity, 'userId' | 'agentId' | 'runId'>,
    Takes<MessageInput, string | readonly unknown[]>,
    Same<RetrievedMemory['score'], number>,
    Same<RetrievedMemory['createdAt'], string | null>,
    Same<NonNullable<RetrievedMemory['role']>, 'user' | 'assistant'>,
    Same<NonNullable<RetrievedMemory['explanation']>['terms'], string[]>,
    Keys<
      NonNullable<RetrievedMemory['explanation']>,
      'keyword' | 'recency' | 'context' | 'semantic' | 'terms'
    >,
    Keys<
      RetrievedMemory,
      | 'id'
      | 'memory'
      | 'score'
      | 'metadata'
      | 'createdAt'
      | 'updatedAt'
      | 'role'
      | 'name'
      | 'explanation'
      | 'userId'
      | 'agentId'
      | 'runId'
    >,
    Same<
      StoredMemory,
      {
        id: string;
        memory: string;
        event: 'ADD' | 'UPDATE' | 'DELETE' | 'NOOP';
        metadata: Metadata;
      }
    >,
    Same<
      MemoryConfig,
      {
        autoStore: boolean;
        autoRetrieve: boolean;
        retrievalStrategy: RetrievalStrategy;
        topK: number;
        minRelevanceScore: number;
        storeAfterTurns: number;
        memorySummaryInSystem: boolean;
        scope: MemoryScope;
        metadata: Metadata;
      }
    >,
  ]
>;

export type Functions = Checks<
  [
    Takes<(init?: Partial<MemoryConfig>) => Promise<MemoryConfig>, typeof library.memoryConfig>,
    Takes<
      (options?: { wasm?: WasmSource | Promise<WasmSource> }) => Promise<void>,
      typeof library.load
    >,
    Takes<() => StoragePort, typeof memoryStorage>,
    Takes<
      (options?: { name?: string; durability?: 'relaxed' | 'strict' }) => StoragePort,
      typeof indexedDBStorage
    >,
  ]
>;

type Retrieve = (query: string, options?: RetrieveOptions) => Promise<RetrievedMemory[]>;
type Store = (messages: MessageInput, options?: StoreOptions) => Promise<StoredMemory[]>;
type List = (options?: ListOptions) => Promise<RetrievedMemory[]>;
type Delete = (memoryId: string) => Promise<boolean>;
interface FourMethods {
  retrieveMemories: Retrieve;
  storeMemories: Store;
  getAllMemories: List;
  deleteMemory: Delete;
}

export type Providers = Checks<
  [
    Same<MemoryProvider, FourMethods>,
    Takes<FourMethods, BaseMemoryProvider>,
    Takes<BaseMemoryProvider, LocalProvider>,
    Keys<
      RetrieveOptions,
      | keyof Identity
      | 'topK'
      | 'metadata'
      | 'filters'
      | 'strategy'
      | 'minRelevanceScore'
      | 'explain'
      | 'signal'
    >,
    Optional<RetrieveOptions, keyof RetrieveOptions>,
    Keys<StoreOptions, keyof Identity | 'metadata' | 'timestamp' | 'expiresAt' | 'signal'>,
    Same<NonNullable<StoreOptions['timestamp']>, string | number | Date>,
    Same<NonNullable<StoreOptions['expiresAt']>, string | number | Date>,
    Keys<ListOptions, keyof Identity | 'limit' | 'offset' | 'filters' | 'signal'>,
    Takes<(options?: LocalProviderOptions) => Promise<LocalProvider>, typeof LocalProvider.open>,
    Keys<
      LocalProviderOptions,
      'name' | 'storage' | 'embedder' | 'halfLifeMs' | 'durability' | 'roles' | 'languages' | 'now'
    >,
    Optional<LocalProviderOptions, keyof LocalProviderOptions>,
    Takes<(memoryId: string) => Promise<RetrievedMemory | null>, LocalProvider['getMemory']>,
    Takes<
      (memoryId: string, change: { memory?: string; metadata?: Metadata }) => Promise<StoredMemory>,
      LocalProvider['updateMemory']
    >,
    Takes<
      (memoryId: string) => Promise<{ event: StoredMemory['event']; memory: string; at: string }[]>,
      LocalProvider['history']
    >,
    Takes<
      (which: Identity & { filters?: Filter; everything?: true }) => Promise<number>,
      LocalProvider['deleteAllMemories']
    >,
    Takes<(which?: Identity) => Promise<string>, LocalProvider['exportMemories']>,
    Takes<
      (
        json: string,
        onProgress?: (done: number, total: number) => void,
      ) => Promise<{ added: number; skipped: number }>,
      LocalProvider['importMemories']
    >,
    Takes<
      () => Promise<{
        kind: string;
        persistent: boolean;
        memories: number;
        bytes: number;
        encrypted: boolean;
      }>,
      LocalProvider['status']
    >,
    Takes<(listener: (event: MemoryEvent) => void) => () => void, LocalProvider['subscribe']>,
    Takes<() => Promise<void>, LocalProvider['close']>,
    Takes<AsyncDisposable, LocalProvider>,
    Same<MemoryEvent['type'], 'change' | 'storage' | 'error'>,
    Same<Extract<MemoryEvent, { type: 'change' }>['origin'], 'here' | 'elsewhere'>,
    Same<Extract<MemoryEvent, { type: 'storage' }>['state'], 'healed' | 'degraded' | 'closed'>,
    Keys<
      Mem0ProviderOptions,
      | 'apiKey'
      | 'baseUrl'
      | 'api'
      | 'fetch'
      | 'headers'
      | 'timeoutMs'
      | 'maxRetries'
      | 'infer'
      | 'waitForCompletion'
    >,
    Takes<new (options: Mem0ProviderOptions) => Mem0Provider, typeof library.Mem0Provider>,
    Takes<BaseMemoryProvider, Mem0Provider>,
    Takes<(memoryId: string) => Promise<RetrievedMemory | null>, Mem0Provider['getMemory']>,
    Takes<
      (memoryId: string, change: { memory?: string; metadata?: Metadata }) => Promise<StoredMemory>,
      Mem0Provider['updateMemory']
    >,
    Takes<
      (memoryId: string) => Promise<{ event: StoredMemory['event']; memory: string; at: string }[]>,
      Mem0Provider['history']
    >,
    Takes<(which: Identity) => Promise<void>, Mem0Provider['deleteAllMemories']>,
  ]
>;

export type Ports = Checks<
  [
    Takes<
      StoragePort,
      {
        kind: string;
        get(key: string): Promise<Uint8Array | undefined>;
        write(): Promise<void>;
        scan(): Promise<[]>;
        close(): Promise<void>;
      }
    >,
    Optional<StoragePort, 'watch' | 'exclusively'>,
    Takes<
      Embedder,
      {
        id: string;
        dimensions: number;
        embed(texts: string[], kind: 'query' | 'memory'): Promise<Float32Array[]>;
      }
    >,
  ]
>;

export type Contexts = Checks<
  [
    Takes<
      new (provider: MemoryProvider, options?: MemoryContextOptions) => MemoryContext,
      typeof MemoryContext
    >,
    Keys<MemoryContextOptions, keyof Identity | 'config' | 'failOpen' | 'onError'>,
    Takes<
      NonNullable<MemoryContextOptions['onError']>,
      (error: MemoryError, operation: string) => void
    >,
    Takes<Retrieve, MemoryContext['search']>,
    Takes<Store, MemoryContext['add']>,
    Takes<List, MemoryContext['getAll']>,
    Takes<Delete, MemoryContext['delete']>,
    Same<MemoryContext['retrievedMemories'], readonly RetrievedMemory[]>,
    Same<MemoryContext['storedMemories'], readonly StoredMemory[]>,
    Takes<
      new (provider: MemoryProvider, options?: MemoryContextOptions) => MemorySession,
      typeof MemorySession
    >,
    Takes<
      <M>(
        messages: readonly M[],
      ) => Promise<{ messages: M[]; memories: RetrievedMemory[]; prompt: string }>,
      MemorySession['beforeModelRequest']
    >,
    Takes<(messages: readonly unknown[]) => Promise<StoredMemory[]>, MemorySession['afterRun']>,
    Takes<() => Promise<StoredMemory[]>, MemorySession['flush']>,
  ]
>;

export type Errors = Checks<
  [
    Takes<Error, MemoryError>,
    Takes<(value: unknown) => value is MemoryError, typeof MemoryError.isInstance>,
    Same<
      MemoryError['code'],
      | 'invalid_argument'
      | 'not_found'
      | 'not_implemented'
      | 'storage'
      | 'quota_exceeded'
      | 'corrupt'
      | 'provider'
      | 'unauthorized'
      | 'rate_limited'
      | 'timeout'
      | 'aborted'
      | 'closed'
      | 'internal'
    >,
    Same<MemoryError['isRetryable'], boolean>,
    Same<NonNullable<MemoryError['field']>, string>,
    Same<NonNullable<MemoryError['status']>, number>,
    Optional<MemoryError, 'field' | 'status'>,
  ]
>;

// @ts-expect-error: a check that is false is an error, so the checks above do check.
export type SelfTest = Checks<[Same<string, number>]>;
