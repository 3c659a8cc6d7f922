// SPDX-License-Identifier: MIT

import { AgentHandle } from './core/agent-handle.js';
import { addArguments, memoryArguments, optionsArguments, searchArguments } from './core/json.js';
import { Operation } from './core/module.js';
import type { OperationNumber } from './core/module.js';
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
  readonly #agent: AgentHandle;
  readonly #retrieved: RetrievedMemory[] = [];
  readonly #stored: StoredMemory[] = [];

  /** Throws `invalid_argument` where `provider` has not the four methods of one. */
  constructor(provider: MemoryProvider, options: MemoryContextOptions = {}) {
    this.#agent = new AgentHandle(Operation.makeContext, provider, options);
  }

  /** See {@link MemoryProvider.retrieveMemories}. */
  search(query: string, options: RetrieveOptions = {}): Promise<RetrievedMemory[]> {
    return this.#agent.invoke(Operation.search, searchArguments(query, options), options);
  }

  /** See {@link MemoryProvider.storeMemories}. The config's metadata is merged under the call's. */
  add(messages: MessageInput, options: StoreOptions = {}): Promise<StoredMemory[]> {
    return this.#agent.invoke(Operation.add, addArguments(messages, options), options);
  }

  /** See {@link MemoryProvider.getAllMemories}. */
  getAll(options: ListOptions = {}): Promise<RetrievedMemory[]> {
    return this.#agent.invoke(Operation.getAll, optionsArguments(options), options);
  }

  /** See {@link MemoryProvider.deleteMemory}. */
  delete(memoryId: string): Promise<boolean> {
    return this.#agent.invoke(Operation.remove, memoryArguments(memoryId));
  }

  /** All that `search` returned so far, oldest first; what was found twice is there twice. */
  get retrievedMemories(): readonly RetrievedMemory[] {
    return this.#extended(Operation.retrievedSince, this.#retrieved);
  }

  /** All that `add` stored so far, oldest first. */
  get storedMemories(): readonly StoredMemory[] {
    return this.#extended(Operation.storedSince, this.#stored);
  }

  /** `known`, with what has come since put to its end. */
  #extended<T>(operation: OperationNumber, known: T[]): readonly T[] {
    const news = this.#agent.ask<T[]>(operation, (writer) => {
      writer.array(1);
      writer.value(known.length);
    });
    for (const each of news ?? []) known.push(each);
    return known;
  }
}
