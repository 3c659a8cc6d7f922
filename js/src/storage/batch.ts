// SPDX-License-Identifier: MIT
//
// What every store does with what it is handed: check it and copy it, at the moment of the call.
// The caller's bytes are often views into WebAssembly memory, which moves and is written over; and
// storing such a view would store all of that memory with it.

import { invalidArgument } from '../errors.js';
import type { StorageBatch, StoragePort, TakingWrite } from '../types.js';

/** A batch that is one. */
export interface CheckedBatch {
  readonly put: readonly (readonly [key: string, value: Uint8Array])[];
  readonly delete: readonly string[];
  readonly isEmpty: boolean;
}

/** A batch that nobody else can change. */
interface OwnedBatch extends CheckedBatch {
  readonly put: readonly (readonly [key: string, value: Uint8Array<ArrayBuffer>])[];
}

/** Whether `value` is a Uint8Array, of whatever realm. */
export function isBytes(value: unknown): value is Uint8Array {
  return (
    ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]'
  );
}

/** A copy with a buffer of its own, exactly as long. */
export function copyBytes(value: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(value);
}

/** Copies `batch`. Throws an InvalidArgumentError that names the first part that is no batch's. */
export function ownBatch(batch: StorageBatch): OwnedBatch {
  const checked = checkBatch(batch);
  return { ...checked, put: ownPuts(checked.put) };
}

/** As `ownBatch`, but the values are the caller's still. */
export function checkBatch(batch: StorageBatch): CheckedBatch {
  const put = (batch.put ?? []).map(([key, value], index) => {
    requireKey(`put[${index}]`, key);
    if (!isBytes(value)) {
      throw invalidArgument(`put[${index}]`, `must hold a Uint8Array under '${key}'`);
    }
    return [key, value] as const;
  });
  const deletes = (batch.delete ?? []).map((key, index) => {
    requireKey(`delete[${index}]`, key);
    return key;
  });
  return { put, delete: deletes, isEmpty: put.length === 0 && deletes.length === 0 };
}

/** Copies the values. */
export function ownPuts(put: CheckedBatch['put']): OwnedBatch['put'] {
  return put.map(([key, value]) => [key, copyBytes(value)] as const);
}

/** Gives the write of `store`, which copies, one beside it that need not. */
export function taking(store: StoragePort, given: StoragePort['write']): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- a mark on it
  const write: TakingWrite = store.write;
  write.given = given;
}

/** Whether `value` has a buffer to itself: to clone it is to clone its bytes, and nothing else. */
export function isWhole(value: Uint8Array): boolean {
  const buffer: ArrayBufferLike & { resizable?: boolean } = value.buffer;
  return (
    buffer instanceof ArrayBuffer &&
    buffer.byteLength === value.byteLength &&
    buffer.resizable !== true
  );
}

/** `limit` as a whole number, or Infinity. Throws an InvalidArgumentError for less than 0. */
export function countOf(limit: number): number {
  if (!(limit >= 0)) throw invalidArgument('limit', `must be at least 0, got ${limit}`);
  return Math.floor(limit);
}

function requireKey(field: string, key: unknown): asserts key is string {
  if (typeof key !== 'string') throw invalidArgument(field, 'must have a string for its key');
}
