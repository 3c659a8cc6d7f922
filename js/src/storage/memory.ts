// SPDX-License-Identifier: MIT
//
// Memories that last as long as the object: for tests, for private sessions, and for runtimes
// without a store of their own.

import type { StorageBatch, StoragePort } from '../types.js';
import { copyBytes, countOf, ownBatch } from './batch.js';
import { exclusive } from './exclusive.js';

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
  readonly #records = new Map<string, Uint8Array>();
  readonly #watchers = new Set<() => void>();
  /** The keys in order, unless a write put them out of it: then undefined until somebody scans. */
  #keys: string[] | undefined = [];

  async get(key: string): Promise<Uint8Array | undefined> {
    const value = this.#records.get(key);
    return value && copyBytes(value);
  }

  async write(batch: StorageBatch): Promise<void> {
    const owned = ownBatch(batch);
    if (owned.isEmpty) return;
    for (const [key, value] of owned.put) {
      if (!this.#records.has(key)) this.#added(key);
      this.#records.set(key, value);
    }
    for (const key of owned.delete) {
      if (this.#records.delete(key)) this.#keys = undefined;
    }
    for (const watcher of this.#watchers) queueMicrotask(watcher);
  }

  async scan(
    prefix: string,
    after: string | undefined,
    limit: number,
  ): Promise<[key: string, value: Uint8Array][]> {
    const count = countOf(limit);
    const keys = (this.#keys ??= [...this.#records.keys()].sort());
    const found: [string, Uint8Array][] = [];
    const begin =
      after !== undefined && after >= prefix ? upperBound(keys, after) : lowerBound(keys, prefix);
    for (let index = begin; found.length < count; index++) {
      const key = keys[index];
      if (!key?.startsWith(prefix)) break;
      const value = this.#records.get(key);
      if (value) found.push([key, copyBytes(value)]);
    }
    return found;
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

  #added(key: string): void {
    const last = this.#keys?.at(-1);
    if (last === undefined || key > last) this.#keys?.push(key);
    else this.#keys = undefined;
  }
}

/** The index of the first key that is not less than `bound`. */
function lowerBound(keys: readonly string[], bound: string): number {
  return partitionPoint(keys, (key) => key < bound);
}

/** The index of the first key that is greater than `bound`. */
function upperBound(keys: readonly string[], bound: string): number {
  return partitionPoint(keys, (key) => key <= bound);
}

/** How many of `keys` satisfy `before`, which holds for the first few and for none after them. */
function partitionPoint(keys: readonly string[], before: (key: string) => boolean): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = keys[middle];
    if (key !== undefined && before(key)) low = middle + 1;
    else high = middle;
  }
  return low;
}
