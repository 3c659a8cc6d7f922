// SPDX-License-Identifier: MIT
//
// Memories that last as long as the object: for tests, for private sessions, and for runtimes
// without a store of their own.

import type { StorageBatch, StoragePort } from '../types.js';
import { checkBatch, countOf, ownBatch, taking, type CheckedBatch } from './batch.js';
import { exclusive } from './exclusive.js';
import { copiesOf, lending, SortedRecords } from './records.js';

/**
 * A store in this object, empty at first; nothing outlives it.
 *
 * Its `kind` is `'memory'`. It keeps its content when closed and answers as before, so that another
 * provider can be opened over it; several at once see each other's writes, and `watch` tells every
 * watcher of every write, the writer's own included, after the write has resolved or shortly before.
 */
export function memoryStorage(): StoragePort {
  return new MemoryStorage();
}

class MemoryStorage implements StoragePort {
  readonly kind = 'memory';
  readonly exclusively = exclusive();
  readonly #records = new SortedRecords();
  readonly #watchers = new Set<() => void>();

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#records.get(key);
  }

  async write(batch: StorageBatch): Promise<void> {
    this.#apply(ownBatch(batch));
  }

  #apply(batch: CheckedBatch): void {
    if (batch.isEmpty) return;
    for (const [key, value] of batch.put) this.#records.put(key, value);
    for (const key of batch.delete) this.#records.delete(key);
    for (const watcher of this.#watchers) queueMicrotask(watcher);
  }

  async scan(
    prefix: string,
    after: string | undefined,
    limit: number,
  ): Promise<[key: string, value: Uint8Array][]> {
    return copiesOf(this.#records.scan(prefix, after, countOf(limit)));
  }

  watch(changed: () => void): () => void {
    // A function of its own, so that one `changed` watching twice is two watchers; and what was
    // already on its way is not delivered to somebody who left.
    const watcher = () => {
      if (this.#watchers.has(watcher)) changed();
    };
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }

  async close(): Promise<void> {
    // There is nothing to release, and others may be using it.
  }

  static {
    taking(this.prototype, async function (this: MemoryStorage, batch) {
      this.#apply(checkBatch(batch));
    });
    lending(this.prototype, async function (this: MemoryStorage, prefix, after, limit) {
      return this.#records.scan(prefix, after, countOf(limit));
    });
  }
}
