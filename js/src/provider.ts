// SPDX-License-Identifier: MIT
//
// A base for providers of one's own: override what you have, and the rest says that it is missing.

import { NotImplementedError } from './errors.js';
import type {
  ListOptions,
  MemoryProvider,
  MessageInput,
  RetrievedMemory,
  RetrieveOptions,
  StoredMemory,
  StoreOptions,
} from './types.js';

/**
 * For providers of one's own: answers every method with a {@link NotImplementedError} that names
 * it. The methods reject; none throws.
 */
export abstract class BaseMemoryProvider implements MemoryProvider {
  /** See {@link MemoryProvider.retrieveMemories}. Rejects with `not_implemented`. */
  retrieveMemories(query: string, options?: RetrieveOptions): Promise<RetrievedMemory[]>;
  retrieveMemories(): Promise<RetrievedMemory[]> {
    return notImplemented(this, 'retrieveMemories');
  }

  /** See {@link MemoryProvider.storeMemories}. Rejects with `not_implemented`. */
  storeMemories(messages: MessageInput, options?: StoreOptions): Promise<StoredMemory[]>;
  storeMemories(): Promise<StoredMemory[]> {
    return notImplemented(this, 'storeMemories');
  }

  /** See {@link MemoryProvider.getAllMemories}. Rejects with `not_implemented`. */
  getAllMemories(options?: ListOptions): Promise<RetrievedMemory[]>;
  getAllMemories(): Promise<RetrievedMemory[]> {
    return notImplemented(this, 'getAllMemories');
  }

  /** See {@link MemoryProvider.deleteMemory}. Rejects with `not_implemented`. */
  deleteMemory(memoryId: string): Promise<boolean>;
  deleteMemory(): Promise<boolean> {
    return notImplemented(this, 'deleteMemory');
  }
}

function notImplemented(
  provider: BaseMemoryProvider,
  method: keyof MemoryProvider,
): Promise<never> {
  const message = `${method} is not implemented by ${provider.constructor.name}`;
  return Promise.reject(new NotImplementedError({ code: 'not_implemented', message }));
}
