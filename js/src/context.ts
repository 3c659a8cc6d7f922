// SPDX-License-Identifier: MIT

import { AgentHandle } from './core/agent-handle.js';
import { encodeMessages, encodeOptions, encodeValue } from './core/json.js';
import type { MemoryContextHandle } from './core/module.js';
import type {
  ListOptions,
  MemoryContextOptions,
  MemoryProvider,
  MessageInput,
  RetrievedMemory,
  RetrieveOptions,
  StoredMemory,
  StoreOptions,
} from './types.js';

/**
 * A provider's operations within one run of an agent.
 *
 * Ids given to the constructor hold for every call that does not give its own; so do `topK`,
 * `retrievalStrategy`, `minRelevanceScore` and `metadata` of its config. A failing provider gives
 * an empty result, told to `onError`, unless `failOpen` is false; bad input (`invalid_argument`) and
 * `aborted` reject in any case. Nothing to close.
 */
export class MemoryContext {
  readonly #agent: AgentHandle<MemoryContextHandle>;
  readonly #retrieved: RetrievedMemory[] = [];
  readonly #stored: StoredMemory[] = [];

  /** Throws `invalid_argument` where `provider` has not the four methods of one. */
  constructor(provider: MemoryProvider, options: MemoryContextOptions = {}) {
    this.#agent = new AgentHandle(
      (module, ...args) => new module.MemoryContext(...args),
      provider,
      options,
    );
  }

  /** See {@link MemoryProvider.retrieveMemories}. */
  async search(query: string, options: RetrieveOptions = {}): Promise<RetrievedMemory[]> {
    const queryJson = encodeValue(query, 'query');
    const json = encodeOptions(options);
    return this.#agent.invoke((handle, ticket) => {
      handle.search(ticket, queryJson, json);
    }, options);
  }

  /** See {@link MemoryProvider.storeMemories}. The config's metadata is merged under the call's. */
  async add(messages: MessageInput, options: StoreOptions = {}): Promise<StoredMemory[]> {
    const messagesJson = encodeMessages(messages);
    const json = encodeOptions(options);
    return this.#agent.invoke((handle, ticket) => {
      handle.add(ticket, messagesJson, json);
    }, options);
  }

  /** See {@link MemoryProvider.getAllMemories}. */
  async getAll(options: ListOptions = {}): Promise<RetrievedMemory[]> {
    const json = encodeOptions(options);
    return this.#agent.invoke((handle, ticket) => {
      handle.getAll(ticket, json);
    }, options);
  }

  /** See {@link MemoryProvider.deleteMemory}. */
  async delete(memoryId: string): Promise<boolean> {
    const idJson = encodeValue(memoryId, 'memoryId');
    return this.#agent.invoke((handle, ticket) => {
      handle.delete_(ticket, idJson);
    });
  }

  /** All that `search` returned so far, oldest first; what was found twice is there twice. */
  get retrievedMemories(): readonly RetrievedMemory[] {
    const news = this.#agent.current?.retrievedSince(this.#retrieved.length) ?? '[]';
    for (const memory of JSON.parse(news) as RetrievedMemory[]) this.#retrieved.push(memory);
    return this.#retrieved;
  }

  /** All that `add` stored so far, oldest first. */
  get storedMemories(): readonly StoredMemory[] {
    const news = this.#agent.current?.storedSince(this.#stored.length) ?? '[]';
    for (const memory of JSON.parse(news) as StoredMemory[]) this.#stored.push(memory);
    return this.#stored;
  }
}
