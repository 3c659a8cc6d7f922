// SPDX-License-Identifier: MIT
//
// Storage batches and pages as bytes: u32 lengths, little-endian, before each string or value. The
// other side is src/wasm/host_ports.cpp.

import type { StorageBatch } from '../types.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

class Reader {
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
    return decoder.decode(this.bytes());
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

/** The answer to a scan. */
export function packPairs(pairs: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const encoded = pairs.map(([key, value]) => [encoder.encode(key), value] as const);
  const size = encoded.reduce((sum, [key, value]) => sum + 8 + key.length + value.length, 4);
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  view.setUint32(0, encoded.length, true);
  let at = 4;
  for (const part of encoded.flat()) {
    view.setUint32(at, part.length, true);
    out.set(part, at + 4);
    at += 4 + part.length;
  }
  return out;
}

/** The answer to a get: a byte that says whether there is a value, then the value. */
export function packOptional(value: Uint8Array | undefined): Uint8Array {
  if (value === undefined) return new Uint8Array(1);
  const out = new Uint8Array(1 + value.length);
  out[0] = 1;
  out.set(value, 1);
  return out;
}

export function packBoolean(value: boolean): Uint8Array {
  return new Uint8Array([value ? 1 : 0]);
}
