// A program that uses the whole surface, as a user would write it in strict TypeScript. It is compiled, not run.
import {
  BaseMemoryProvider,
  load,
  LocalProvider,
  Mem0Provider,
  memoryConfig,
  MemoryContext,
  MemoryError,
  MemoryScope,
  MemorySession,
  NotFoundError,
  NotImplementedError,
  RetrievalStrategy,
  type Filter,
  type Identity,
  type ListOptions,
  type LocalProviderOptions,
  type MemoryConfig,
  type MemoryEvent,
  type MemoryProvider,
  type MessageInput,
  type Metadata,
  type RetrievedMemory,
  type RetrieveOptions,
  type StoragePort,
  type StoredMemory,
  type StoreOptions,
} from 'agent-memory-wasm';
import {
  durableObjectStorage,
  type DurableObjectStorageLike,
} from 'agent-memory-wasm/storage/durable-object';
import {
  changeKey,
  encryptedStorage,
  passphraseKey,
  type EncryptedStoragePort,
} from 'agent-memory-wasm/storage/encrypted';
import { fileStorage } from 'agent-memory-wasm/storage/file';
import { indexedDBStorage } from 'agent-memory-wasm/storage/indexeddb';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import {
  SyncedProvider,
  type QueueEntry,
  type SyncedProviderOptions,
  type SyncEvent,
} from 'agent-memory-wasm/synced';
import { fakeClock, fakeProvider, storageContract } from 'agent-memory-wasm/testing';

// A store of one's own: a plain object.
function loggingStorage(inner: StoragePort): StoragePort {
  return {
    kind: `logged ${inner.kind}`,
    get: (key) => inner.get(key),
    write: async (batch) => {
      for (const [key, value] of batch.put ?? []) console.log(key, value.byteLength);
      await inner.write(batch);
    },
    scan: (prefix, after, limit) => inner.scan(prefix, after, limit),
    close: () => inner.close(),
    ...(inner.watch && { watch: inner.watch.bind(inner) }),
  };
}

const onDisk: StoragePort = fileStorage(new URL('file:///tmp/x'), { durability: 'strict' });

// As Cloudflare's types have it, in short.
interface Cursor<T> {
  raw<U extends (string | number | null | ArrayBuffer)[]>(): IterableIterator<U>;
  toArray(): T[];
}
declare const ctx: {
  storage: {
    sql: { exec<T>(query: string, ...bindings: unknown[]): Cursor<T>; databaseSize: number };
    transactionSync<T>(closure: () => T): T;
    sync(): Promise<void>;
  };
};
const objectStorage: DurableObjectStorageLike = ctx.storage;
export const inObject: StoragePort = durableObjectStorage(objectStorage);

// What users' own tests look like.
storageContract({
  test: (name, body) => body().then(() => console.log(name)),
  open: () => loggingStorage(memoryStorage()),
  share: (store) => store,
  hasLocks: false,
});
const clock = fakeClock(new Date(0));
clock.advance(1000);
const fake: MemoryProvider = fakeProvider({
  deleteMemory: true,
  getAllMemories: new Error('no network'),
  retrieveMemories: async (query) => [
    { id: query, memory: query, score: 1, metadata: {}, createdAt: null },
  ],
});
console.log(fake, clock.now());

// Encryption around any of them.
async function sealed(inner: StoragePort, passphrase: string): Promise<EncryptedStoragePort> {
  const key: CryptoKey = await passphraseKey(inner, passphrase);
  await changeKey(inner, key, await passphraseKey(inner, 'another'));
  const store = encryptedStorage(inner, key, { onDamage: ({ code }) => console.log(code) });
  const isEncrypted: true = store.encrypted;
  console.log(isEncrypted, await store.verify());
  return store;
}

// A provider of one's own: a subclass with what it has.
class Notebook extends BaseMemoryProvider {
  readonly #notes = new Map<string, string>();

  override async retrieveMemories(
    query: string,
    options: RetrieveOptions = {},
  ): Promise<RetrievedMemory[]> {
    options.signal?.throwIfAborted();
    return [...this.#notes]
      .filter(([, memory]) => memory.includes(query))
      .slice(0, options.topK ?? 5)
      .map(([id, memory]) => ({ id, memory, score: 1, metadata: {}, createdAt: null }));
  }

  override async storeMemories(
    messages: MessageInput,
    options?: StoreOptions,
  ): Promise<StoredMemory[]> {
    const memory = typeof messages === 'string' ? messages : JSON.stringify(messages);
    const id = crypto.randomUUID();
    this.#notes.set(id, memory);
    return [{ id, memory, event: 'ADD', metadata: options?.metadata ?? {} }];
  }
}

const plain: MemoryProvider = {
  retrieveMemories: async (query) => [
    { id: '1', memory: query, score: 0.5, metadata: {}, createdAt: null },
  ],
  storeMemories: async () => [],
  getAllMemories: async (options?: ListOptions) => (options?.limit === 0 ? [] : []),
  deleteMemory: async () => false,
};

function describe(event: MemoryEvent): string {
  switch (event.type) {
    case 'change':
      return `${event.origin}: ${event.stored.map(({ event: what, memory }) => `${what} ${memory}`).join()}`;
    case 'storage':
      return `${event.state} ${event.error?.message ?? ''}`;
    case 'error':
      return `${event.operation}: ${event.error.code}`;
  }
}

function explain(error: unknown): string {
  if (NotFoundError.isInstance(error)) return error.code satisfies 'not_found';
  if (NotImplementedError.isInstance(error)) return error.message;
  if (!MemoryError.isInstance(error)) return 'a stranger';
  switch (error.code) {
    case 'invalid_argument':
      return `${error.field ?? ''}: ${error.message}`;
    case 'rate_limited':
      return `${error.status ?? 0} ${error.isRetryable ? 'later' : 'never'}`;
    default:
      return String(error.cause);
  }
}

interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export async function main(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  await load();
  await load({ wasm: bytes });
  await load({ wasm: fetch('/agent-memory.wasm') });
  await load({ wasm: new URL('agent-memory.wasm', 'https://example.com/') });

  const options: LocalProviderOptions = {
    name: 'notes',
    storage: await sealed(loggingStorage(memoryStorage()), 'correct horse'),
    halfLifeMs: 1000,
    durability: 'strict',
    roles: ['user'],
    now: () => Date.now(),
  };
  await using provider = await LocalProvider.open(options);
  await onDisk.close();
  const other = await LocalProvider.open({
    storage: indexedDBStorage({ name: 'x', durability: 'relaxed', persist: true }),
  });
  const stop = provider.subscribe((event) => {
    console.log(describe(event));
  });

  const ids: Identity = { userId: 'ada', agentId: 'bot' };
  const metadata: Metadata = { n: 1, nested: { list: [null, true] } };
  const filters: Filter = { AND: [{ n: { gte: 1 } }, { NOT: [{ city: 'Oslo' }] }] };
  const { signal } = new AbortController();
  const [stored] = await provider.storeMemories([{ role: 'user', content: 'I keep bees' }], {
    ...ids,
    metadata,
    timestamp: new Date(),
    expiresAt: '2030-01-01',
    signal,
  });
  if (stored === undefined) return;
  const found = await provider.retrieveMemories('bees', {
    ...ids,
    topK: 3,
    metadata,
    filters,
    strategy: RetrievalStrategy.HYBRID,
    minRelevanceScore: 0.1,
    explain: true,
    signal,
  });
  for (const { memory, score, explanation, role, name, createdAt, updatedAt } of found) {
    console.log(
      memory,
      score.toFixed(2),
      explanation?.terms.join(),
      role,
      name?.length,
      createdAt?.slice(0, 10),
      updatedAt,
    );
  }
  await provider.getAllMemories({ ...ids, limit: 10, offset: 10, filters, signal });
  const one: RetrievedMemory | null = await provider.getMemory(stored.id);
  const { event } = await provider.updateMemory(stored.id, {
    memory: 'I keep wasps',
    metadata: {},
  });
  const steps = await provider.history(stored.id);
  console.log(one?.id, event satisfies 'ADD' | 'UPDATE' | 'DELETE' | 'NOOP', steps[0]?.at);
  const deleted: boolean = await provider.deleteMemory(stored.id);
  const count: number = await provider.deleteAllMemories({ userId: 'ada', filters });
  await provider.deleteAllMemories({ everything: true });
  const file = await provider.exportMemories({ userId: 'ada' });
  const { added, skipped } = await other.importMemories(file, (done, total) => {
    console.log(done / total);
  });
  const { kind, persistent, memories, bytes: size, encrypted } = await provider.status();
  console.log(deleted, count, added + skipped, kind, persistent, memories + size, encrypted);
  stop();
  await other.close();

  const config: MemoryConfig = await memoryConfig({ scope: MemoryScope.RUN, topK: 3, metadata });
  const context = new MemoryContext(new Notebook(), { runId: 'r1', config });
  await context.add('bees').catch((error: unknown) => {
    console.warn(explain(error));
  });
  await context.search('bees', { strategy: 'recency' });
  await context.getAll();
  await context.delete('id');
  const retrieved: readonly RetrievedMemory[] = context.retrievedMemories;
  console.log(retrieved.length, context.storedMemories.at(-1)?.event);

  const session = new MemorySession(plain, {
    userId: 'ada',
    config: { autoStore: false },
    failOpen: false,
    onError: (error, operation) => {
      console.warn(operation, explain(error));
    },
  });
  const chat: ChatMessage[] = [{ role: 'user', content: 'which bees?' }];
  const prepared = await session.beforeModelRequest(chat);
  const next: ChatMessage[] = prepared.messages;
  console.log(next.length, prepared.prompt.length, prepared.memories.length);
  await session.afterRun([...chat, { role: 'assistant', content: 'blue ones' }]);
  const flushed: StoredMemory[] = await session.flush();
  console.log(flushed.length);
}

function describeSync(event: SyncEvent): string {
  switch (event.type) {
    case 'conflict':
      return `${event.memoryId}: ${event.kept} of ${event.local.memory} and ${event.remote?.memory ?? 'nothing'}`;
    case 'refused':
      return `${event.entry.operation} ${event.entry.error?.message ?? ''}`;
    case 'sync':
      return `${event.state} ${event.error?.code ?? ''}`;
    default:
      return describe(event);
  }
}

export async function offlineFirst(local: LocalProvider): Promise<void> {
  const remote = new Mem0Provider({ baseUrl: '/api/mem0', infer: false });
  const options: SyncedProviderOptions = {
    local,
    remote,
    userId: 'ada',
    pullIntervalMs: Infinity,
    retryDelayMs: 500,
  };
  await using provider = new SyncedProvider(options);
  const stop: () => void = provider.subscribe((event) => {
    console.log(describeSync(event));
  });
  const asProvider: MemoryProvider = provider;
  await asProvider.storeMemories('x', { userId: 'ada' });
  const queue: QueueEntry[] = await provider.queue();
  for (const { memoryId, isRefused } of queue) if (isRefused) await provider.retry(memoryId);
  const dropped: boolean = await provider.drop('id');
  await provider.sync({ all: dropped, signal: AbortSignal.timeout(1000) });
  stop();
  // @ts-expect-error: there is no remote
  new SyncedProvider({ local });
  // @ts-expect-error: a plain provider is no local one
  new SyncedProvider({ local: plain, remote });
}

export function mistakes(provider: LocalProvider): void {
  // @ts-expect-error: a query is a string
  void provider.retrieveMemories(5);
  // @ts-expect-error: an id is a string
  void provider.getAllMemories({ userId: 7 });
  // @ts-expect-error: there is no such strategy
  void provider.retrieveMemories('x', { strategy: 'magic' });
  // @ts-expect-error: everything is true, or not said
  void provider.deleteAllMemories({ everything: false });
  // @ts-expect-error: a function is no metadata
  void provider.storeMemories('x', { metadata: { f: () => 1 } });
  // @ts-expect-error: only open makes one
  new LocalProvider();
  // @ts-expect-error: an abstract class is extended
  new BaseMemoryProvider();
  // @ts-expect-error: a provider has four methods
  new MemoryContext({ retrieveMemories: async () => [] });
  // @ts-expect-error: what was retrieved is for reading
  new MemoryContext(provider).retrievedMemories.push();
}
