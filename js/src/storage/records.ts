// SPDX-License-Identifier: MIT
//
// Records in memory, in key order: what memoryStorage is, and what fileStorage holds of its file.

import type { LendingScan, StoragePort } from '../types.js';
import { copyBytes } from './batch.js';

/** A sorted map of bytes. Values belong to it: those put in, and those that `scan` lends. */
export class SortedRecords {
  readonly #records = new Map<string, Uint8Array>();
  /** The keys in order, unless a change put them out of it: then undefined until somebody scans. */
  #keys: string[] | undefined = [];

  /** How many there are. */
  get size(): number {
    return this.#records.size;
  }

  /** A copy. */
  get(key: string): Uint8Array | undefined {
    const value = this.#records.get(key);
    return value && copyBytes(value);
  }

  /** How long the value under `key` is; undefined where there is none. */
  lengthOf(key: string): number | undefined {
    return this.#records.get(key)?.length;
  }

  put(key: string, value: Uint8Array): void {
    if (!this.#records.has(key)) {
      const last = this.#keys?.at(-1);
      if (last === undefined || key > last) this.#keys?.push(key);
      else this.#keys = undefined;
    }
    this.#records.set(key, value);
  }

  delete(key: string): void {
    if (this.#records.delete(key)) this.#keys = undefined;
  }

  /** As {@link StoragePort.scan}; `limit` is whole, or Infinity. */
  scan(
    prefix: string,
    after: string | undefined,
    limit: number,
  ): [key: string, value: Uint8Array][] {
    const keys = (this.#keys ??= [...this.#records.keys()].sort());
    const found: [string, Uint8Array][] = [];
    const begin =
      after !== undefined && after >= prefix ? upperBound(keys, after) : lowerBound(keys, prefix);
    for (let index = begin; found.length < limit; index++) {
      const key = keys[index];
      if (!key?.startsWith(prefix)) break;
      const value = this.#records.get(key);
      if (value) found.push([key, value]);
    }
    return found;
  }

  /** All records themselves, in no order; not to be changed. */
  entries(): Iterable<[key: string, value: Uint8Array]> {
    return this.#records;
  }
}

/** Gives the scan of `store`, which copies, one beside it that does not. */
export function lending(store: StoragePort, lent: StoragePort['scan']): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- a mark on it
  const scan: LendingScan = store.scan;
  scan.lent = lent;
}

/** Copies of what was lent, for a reader who may change them. */
export function copiesOf(
  lent: readonly [key: string, value: Uint8Array][],
): [key: string, value: Uint8Array][] {
  return lent.map(([key, value]) => [key, copyBytes(value)]);
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
