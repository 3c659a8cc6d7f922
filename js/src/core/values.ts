// SPDX-License-Identifier: MIT
//
// Values as bytes, as they cross the boundary; src/wasm/values.hpp is the other side and says how
// they look.

import type { JsonValue, Metadata, RetrievedMemory } from '../types.js';

const Tag = {
  null: 0,
  false: 1,
  true: 2,
  number: 3,
  string: 4,
  array: 5,
  object: 6,
  json: 7,
  time: 8,
  memory: 9,
} as const;
const endOfObject = 255;

const MemoryFlag = {
  userId: 1,
  agentId: 2,
  runId: 4,
  userRole: 8,
  assistantRole: 16,
  name: 32,
  explanation: 64,
} as const;

// kMaxJsonDepth in src/base/json.hpp.
const maxDepth = 128;

const encoder = new TextEncoder();
// A mark at the beginning is text like any other.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
// Of each byte one character, the ASCII ones as they are. Where one character of a long text is
// not ASCII, UTF-8 is decoded slowly, and to twice as many bytes.
const asciiDecoder = new TextDecoder('latin1');

/** What a {@link Writer} throws on values that nest too deeply. */
export class NestingError extends RangeError {}

/** What is written as it is: JSON has no other form for it. */
export function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

/** Writes values for the core: anything that `JSON.parse` may return. */
export class Writer {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #size = 0;
  #depth = 0;

  /** What was written since the last time; valid until more is. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#size);
    this.#size = 0;
    return taken;
  }

  /** Forgets what was written. */
  clear(): void {
    this.#size = 0;
    this.#depth = 0;
  }

  value(value: unknown): void {
    // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check -- the rest is null
    switch (typeof value) {
      case 'string':
        this.#tag(Tag.string);
        this.#text(value);
        return;
      case 'number':
        this.#tag(Tag.number);
        this.#room(8);
        this.#view.setFloat64(this.#size, value, true);
        this.#size += 8;
        return;
      case 'boolean':
        this.#tag(value ? Tag.true : Tag.false);
        return;
      case 'object':
        if (value !== null) {
          this.#container(value);
          return;
        }
        break;
      default:
        break;
    }
    this.#tag(Tag.null);
  }

  /** What another writer wrote. */
  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#size);
    this.#size += bytes.length;
  }

  /** As many values follow. */
  array(count: number): void {
    this.#tag(Tag.array);
    this.#u32(count);
  }

  /** Members follow, each a `key` and a value; then `end` with what this returns and their number. */
  object(): number {
    this.#tag(Tag.object);
    this.#u32(0);
    return this.#size;
  }
  key(key: string): void {
    this.#text(key);
  }
  end(object: number, count: number): void {
    this.#view.setUint32(object - 4, count, true);
  }

  /** An object whose members are all plain; false, and nothing is written, where one is not. */
  record(value: object): boolean {
    const size = this.#size;
    const start = this.object();
    const keys = Object.keys(value);
    for (const key of keys) {
      const member = (value as Record<string, unknown>)[key];
      if (!isPlain(member)) {
        this.#size = size;
        return false;
      }
      this.key(key);
      this.value(member);
    }
    this.end(start, keys.length);
    return true;
  }

  #container(value: object): void {
    if (++this.#depth > maxDepth) {
      this.clear();
      throw new NestingError(`must not nest deeper than ${maxDepth}`);
    }
    if (Array.isArray(value)) {
      this.array(value.length);
      for (const item of value) this.value(item);
    } else {
      const start = this.object();
      const keys = Object.keys(value);
      for (const key of keys) {
        this.key(key);
        this.value((value as Record<string, unknown>)[key]);
      }
      this.end(start, keys.length);
    }
    this.#depth--;
  }

  #text(text: string): void {
    const { length } = text;
    this.#room(4 + 3 * length);
    const start = this.#size + 4;
    let at = start;
    // By hand where it is short and ASCII: a call of the encoder costs more than these are worth.
    if (length <= 512) {
      const bytes = this.#bytes;
      for (let i = 0; i < length; i++) {
        const unit = text.charCodeAt(i);
        if (unit >= 0x80) break;
        bytes[at++] = unit;
      }
    }
    if (at - start < length) {
      at = start + encoder.encodeInto(text, this.#bytes.subarray(start)).written;
    }
    this.#view.setUint32(start - 4, at - start, true);
    this.#size = at;
  }

  #tag(tag: number): void {
    this.#room(1);
    this.#bytes[this.#size++] = tag;
  }

  #u32(value: number): void {
    this.#room(4);
    this.#view.setUint32(this.#size, value, true);
    this.#size += 4;
  }

  #room(bytes: number): void {
    const needed = this.#size + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Metadata as it is stored; none where a damaged store has something else. */
function readMetadata(json: string): Metadata {
  if (json === '') return {};
  try {
    const metadata = JSON.parse(json) as JsonValue;
    if (typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata)) {
      return metadata;
    }
  } catch {
    // as of any other that is no object
  }
  return {};
}

/** Reads the core's memory. */
export class Reader {
  readonly #memory: WebAssembly.Memory;
  #view: DataView;
  #bytes: Uint8Array;
  #at = 0;
  #text = '';
  #textFrom = 0;
  #textAt = 0;
  #keys: readonly string[] = [];
  #lastTime = NaN;
  #lastISO = '';

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#view = new DataView(memory.buffer);
    this.#bytes = new Uint8Array(memory.buffer);
  }

  /** The names that objects' members have, by their numbers. */
  setKeys(keys: readonly string[]): void {
    this.#keys = keys;
  }

  /** The memory as it is now; it is another whenever it grew. */
  bytes(): Uint8Array {
    if (this.#bytes.length === 0) {
      this.#bytes = new Uint8Array(this.#memory.buffer);
      this.#view = new DataView(this.#memory.buffer);
    }
    return this.#bytes;
  }

  text(at: number, size: number): string {
    return size === 0 ? '' : decoder.decode(this.bytes().subarray(at, at + size));
  }

  /** The value at `at`, with its strings at `textAt`. */
  read(at: number, textAt: number, textSize: number): unknown {
    this.bytes();
    this.#text = asciiDecoder.decode(this.#bytes.subarray(textAt, textAt + textSize));
    this.#textFrom = textAt;
    this.#textAt = 0;
    this.#at = at;
    return this.#value();
  }

  #value(): unknown {
    switch (this.#bytes[this.#at++] ?? Tag.null) {
      case Tag.true:
        return true;
      case Tag.false:
        return false;
      case Tag.number:
        return this.#f64();
      case Tag.string:
        return this.#string();
      case Tag.array: {
        const count = this.#u32();
        const array: unknown[] = [];
        for (let i = 0; i < count; i++) array.push(this.#value());
        return array;
      }
      case Tag.object: {
        const object: Record<string, unknown> = {};
        for (let key; (key = this.#bytes[this.#at++] ?? endOfObject) !== endOfObject;) {
          object[this.#keys[key] ?? key] = this.#value();
        }
        return object;
      }
      case Tag.json:
        return JSON.parse(this.#string());
      case Tag.time:
        return this.#iso();
      case Tag.memory:
        return this.#retrieved();
      default:
        return null;
    }
  }

  /** Field by field, so that all memories with the same fields are of one shape. */
  #retrieved(): RetrievedMemory {
    const flags = this.#bytes[this.#at++] ?? 0;
    const score = this.#f64();
    const createdAt = this.#iso();
    const updatedAt = this.#iso();
    const memory: RetrievedMemory = {
      id: this.#string(),
      memory: this.#string(),
      score,
      metadata: readMetadata(this.#string()),
      createdAt,
      updatedAt,
    };
    if (flags & MemoryFlag.userId) memory.userId = this.#string();
    if (flags & MemoryFlag.agentId) memory.agentId = this.#string();
    if (flags & MemoryFlag.runId) memory.runId = this.#string();
    if (flags & MemoryFlag.userRole) memory.role = 'user';
    if (flags & MemoryFlag.assistantRole) memory.role = 'assistant';
    if (flags & MemoryFlag.name) memory.name = this.#string();
    if (flags & MemoryFlag.explanation) {
      memory.explanation = this.#value() as Required<RetrievedMemory>['explanation'];
    }
    return memory;
  }

  /** ISO 8601; null for NaN. What was made and changed at once has one time. */
  #iso(): string | null {
    const time = this.#f64();
    if (Number.isNaN(time)) return null;
    if (time !== this.#lastTime) {
      this.#lastTime = time;
      this.#lastISO = new Date(time).toISOString();
    }
    return this.#lastISO;
  }

  #string(): string {
    const mark = this.#u32();
    const from = this.#textAt;
    this.#textAt += mark >>> 1;
    return mark & 1
      ? this.text(this.#textFrom + from, mark >>> 1)
      : this.#text.slice(from, this.#textAt);
  }

  #f64(): number {
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8, true);
  }

  #u32(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }
}
