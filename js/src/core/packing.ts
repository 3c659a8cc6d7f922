// SPDX-License-Identifier: MIT
//
// What ports are told and answer, as bytes: u32 lengths, little-endian, before each string or value.
// The other side is src/wasm/packing.hpp.

import type { StorageBatch } from '../types.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Reads what the core packed. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u32(): number {
    const value = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    return value;
  }

  /** The next value, in bytes of its own. */
  bytes(): Uint8Array {
    const size = this.u32();
    this.#at += size;
    return this.#bytes.slice(this.#at - size, this.#at);
  }

  text(): string {
    const size = this.u32();
    this.#at += size;
    return decoder.decode(this.#bytes.subarray(this.#at - size, this.#at));
  }
}

/** What a call to `StoragePort.write` carries. */
export function unpackBatch(bytes: Uint8Array): Required<StorageBatch> {
  const reader = new Reader(bytes);
  const put = Array.from({ length: reader.u32() }, (): [string, Uint8Array] => [
    reader.text(),
    reader.bytes(),
  ]);
  return { put, delete: Array.from({ length: reader.u32() }, () => reader.text()) };
}

/** What a call to `StoragePort.scan` carries; an empty `after` means from the start. */
export function unpackScan(bytes: Uint8Array): { limit: number; prefix: string; after: string } {
  const reader = new Reader(bytes);
  return { limit: reader.u32(), prefix: reader.text(), after: reader.text() };
}

/** A storage's answer, in parts that lie one behind the other: what is large is copied once. */
export class Packed {
  readonly parts: readonly Uint8Array[];
  readonly length: number;

  /** @param isGiven - Whether what is large may be released once it was copied. */
  constructor(
    parts: readonly Uint8Array[],
    readonly isGiven = false,
  ) {
    this.parts = parts;
    this.length = parts.reduce((sum, part) => sum + part.length, 0);
  }
}

/** The answer to a scan. */
export function packPairs(
  pairs: readonly (readonly [string, Uint8Array])[],
  isGiven?: boolean,
): Packed {
  const parts = [packU32(pairs.length)];
  for (const [key, value] of pairs) {
    const encoded = encoder.encode(key);
    parts.push(packU32(encoded.length), encoded, packU32(value.length), value);
  }
  return new Packed(parts, isGiven);
}

/** The answer to a get: a byte that says whether there is a value, then the value. */
export function packOptional(value: Uint8Array | undefined): Packed {
  return value === undefined ? packBoolean(false) : new Packed([Uint8Array.of(1), value]);
}

export function packBoolean(value: boolean): Packed {
  return new Packed([Uint8Array.of(value ? 1 : 0)]);
}

/** A number. */
export function packU32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** A string. */
export function packText(text: string): Uint8Array[] {
  const encoded = encoder.encode(text);
  return [packU32(encoded.length), encoded];
}
