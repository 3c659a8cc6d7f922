// SPDX-License-Identifier: MIT
//
// Cloudflare's Durable Objects: one object per user or tenant is how memories scale past one
// machine. The object's SQLite database holds one table of ours, beside whatever else it holds:
//
//   agent_memory_records(key, part, value)   a value in parts, below the limit of a row
//
// Keys are stored as bytes: a text would end at its first NUL, and be compared by collation.

import { invalidArgument, memoryError, storageError } from '../errors.js';
import type { LendingScan, StorageBatch, StoragePort } from '../types.js';
import { countOf, ownBatch } from './batch.js';
import { exclusive, type Exclusively } from './exclusive.js';
import { Lifetime } from './lifetime.js';

/** What is needed of `ctx.storage` in an object whose class is SQLite-backed. */
export interface DurableObjectStorageLike {
  readonly sql: {
    exec(query: string, ...bindings: unknown[]): { raw(): Iterable<unknown[]> };
  };
  transactionSync<T>(work: () => T): T;
  /** Resolves once all that was written is on disk, in several places. */
  sync?(): Promise<void>;
}

/**
 * A store in the Durable Object that `storage`, its `ctx.storage`, belongs to; the object's class
 * must be declared SQLite-backed (`new_sqlite_classes`).
 *
 * - Its `kind` is `'durable-object'`. Making it touches nothing.
 * - `write` is one transaction, and resolves once it is durable (`sync`).
 * - A value may be of any size: it is kept in parts below the limit of 2 MB a row.
 * - An object has one context, so `watch` and `exclusively` hold among all stores over it. `watch`
 *   tells every watcher of every write, the writer's own included.
 * - `close` waits for what is under way; calls after it reject with the code `closed`. It closes
 *   nothing of the object's.
 *
 * Rejects with `quota_exceeded` where the object is full. Throws `invalid_argument` for a `storage`
 * without `sql`.
 */
export function durableObjectStorage(storage: DurableObjectStorageLike): StoragePort {
  const { sql, transactionSync } = Object(storage) as Partial<DurableObjectStorageLike>;
  if (typeof sql?.exec !== 'function' || typeof transactionSync !== 'function') {
    throw invalidArgument('storage', 'must be the ctx.storage of a SQLite-backed Durable Object');
  }
  return new DurableObjectStorage(storage);
}

/** Half of what a row may hold, key included. */
const partBytes = 1 << 20;

const table = 'agent_memory_records';

/** What is asked of the table. */
const Statement = {
  create: `CREATE TABLE IF NOT EXISTS ${table}
    (key BLOB, part INTEGER, value BLOB, PRIMARY KEY (key, part))`,
  get: `SELECT value FROM ${table} WHERE key = ? ORDER BY part`,
  scan: `SELECT key, part, value FROM ${table}
    WHERE (key, part) > (?, ?) AND key < ? ORDER BY key, part LIMIT ?`,
  insert: `INSERT INTO ${table} VALUES (?, ?, ?)`,
  delete: `DELETE FROM ${table} WHERE key = ?`,
} as const;

/** What stores over the same object share. */
interface Shared {
  readonly exclusively: Exclusively;
  readonly watchers: Set<() => void>;
}

const sharedBy = new WeakMap<object, Shared>();

/**
 * What {@link load} takes as `warmUp` in a Worker's global scope, so that opening and searching what
 * a Durable Object holds is rehearsed: every call opens the same store in RAM, whose rows are
 * read and written as an object's are.
 *
 * `load({ warmUp: durableObjectRehearsal() })`
 */
export function durableObjectRehearsal(): () => StoragePort {
  const object = new RehearsedObject();
  return () => durableObjectStorage(object);
}

/** What an object keeps in RAM, for one who asks it the statements above and no others. */
class RehearsedObject implements DurableObjectStorageLike {
  readonly sql = {
    exec: (query: string, ...bindings: unknown[]) => ({
      raw: () => this.#answer(query, bindings),
    }),
  };
  #rows: [key: string, part: number, value: ArrayBuffer][] = [];

  transactionSync<T>(work: () => T): T {
    return work();
  }

  #answer(query: string, bindings: unknown[]): unknown[][] {
    const [first, second, third, fourth] = bindings as [ArrayBuffer, number, ArrayBuffer, number];
    const key = decoder.decode(first);
    switch (query) {
      case Statement.get:
        return this.#rows.filter(([name]) => name === key).map(([, , value]) => [value.slice()]);
      case Statement.scan: {
        const end = decoder.decode(third);
        return this.#rows
          .filter(([name, part]) => (name === key ? part > second : name > key) && name < end)
          .slice(0, fourth)
          .map(([name, part, value]) => [bytesOf(name), part, value.slice()]);
      }
      case Statement.insert:
        this.#rows.push([key, second, third]);
        this.#rows.sort(([left, part], [right, other]) =>
          left === right ? part - other : left < right ? -1 : 1,
        );
        return [];
      case Statement.delete:
        this.#rows = this.#rows.filter(([name]) => name !== key);
        return [];
      default:
        return [];
    }
  }
}

class DurableObjectStorage implements StoragePort {
  readonly kind = 'durable-object';

  readonly #storage: DurableObjectStorageLike;
  readonly #shared: Shared;
  readonly #own = new Set<() => void>();
  readonly #lifetime = new Lifetime('durable object');

  constructor(storage: DurableObjectStorageLike) {
    this.#storage = storage;
    this.#shared = sharedBy.get(storage) ?? { exclusively: exclusive(), watchers: new Set() };
    sharedBy.set(storage, this.#shared);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#run('read', () => {
      const rows = this.#query(Statement.get, bytesOf(key));
      const parts = rows.map(([value]) => new Uint8Array(value as ArrayBuffer));
      return parts.length === 0 ? undefined : joined(parts);
    });
  }

  async write(batch: StorageBatch): Promise<void> {
    const owned = ownBatch(batch);
    this.#lifetime.refuseIfClosed('write');
    if (owned.isEmpty) return;
    await this.#run('write', async () => {
      this.#storage.transactionSync(() => {
        for (const [name, value] of owned.put) {
          const key = bytesOf(name);
          this.#query(Statement.delete, key);
          // An empty value has a part, too: it is there.
          for (let part = 0; part === 0 || part * partBytes < value.length; part++) {
            const piece = value.slice(part * partBytes, (part + 1) * partBytes);
            this.#query(Statement.insert, key, part, piece.buffer);
          }
        }
        for (const name of owned.delete) {
          this.#query(Statement.delete, bytesOf(name));
        }
      });
      await this.#storage.sync?.();
    });
    for (const watcher of this.#shared.watchers) queueMicrotask(watcher);
  }

  async scan(
    prefix: string,
    after: string | undefined,
    limit: number,
  ): Promise<[key: string, value: Uint8Array][]> {
    const count = Math.min(countOf(limit), Number.MAX_SAFE_INTEGER);
    return this.#run('scan', () => {
      const found: [key: string, parts: Uint8Array[]][] = [];
      let from = [bytesOf(after === undefined || after < prefix ? prefix : `${after}\0`), -1];
      // A part that is full may have another behind it.
      const mayGoOn = (): boolean => found.at(-1)?.[1].at(-1)?.length === partBytes;
      for (let isOver = false; !isOver;) {
        const wanted = count - found.length + (mayGoOn() ? 1 : 0);
        const rows = this.#query(
          Statement.scan,
          ...from,
          // Keys are ASCII: no byte of theirs reaches this one.
          new Uint8Array([...encoder.encode(prefix), 0xff]).buffer,
          wanted,
        );
        isOver = rows.length < wanted;
        for (const [name, part, value] of rows as [ArrayBuffer, number, ArrayBuffer][]) {
          const piece = new Uint8Array(value);
          if (part !== 0) found.at(-1)?.[1].push(piece);
          else if (found.length < count) found.push([decoder.decode(name), [piece]]);
          else isOver = true;
          from = [name, part];
        }
        isOver ||= found.length === count && !mayGoOn();
      }
      return found.map(([key, parts]): [string, Uint8Array] => [key, joined(parts)]);
    });
  }

  watch(changed: () => void): () => void {
    this.#lifetime.refuseIfClosed('watch');
    const watcher = () => {
      if (this.#own.has(watcher)) changed();
    };
    this.#own.add(watcher);
    this.#shared.watchers.add(watcher);
    return () => {
      this.#own.delete(watcher);
      this.#shared.watchers.delete(watcher);
    };
  }

  async exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#lifetime.refuseIfClosed('lock');
    return this.#shared.exclusively(name, work);
  }

  close(): Promise<void> {
    return this.#lifetime.close(async (settled) => {
      for (const watcher of this.#own) this.#shared.watchers.delete(watcher);
      this.#own.clear();
      await settled();
    });
  }

  async #run<T>(operation: string, work: () => T | Promise<T>): Promise<T> {
    this.#lifetime.refuseIfClosed(operation);
    const outcome = (async () => {
      try {
        return await work();
      } catch (cause) {
        if (!/no such table/i.test(String(cause))) throw cause;
      }
      // It is new, or somebody emptied the object (`deleteAll`), which takes the table along.
      this.#query(Statement.create);
      return work();
    })();
    try {
      return await this.#lifetime.tracked(outcome);
    } catch (cause) {
      if (/SQLITE_FULL|disk is full|storage limit/i.test(String(cause))) {
        const message = `durable object: ${operation} failed, the store is full: ${String(cause)}`;
        throw memoryError({ code: 'quota_exceeded', message, cause });
      }
      throw storageError(cause, `durable object: ${operation}`);
    }
  }

  #query(query: string, ...bindings: unknown[]): unknown[][] {
    return [...this.#storage.sql.exec(query, ...bindings).raw()];
  }

  static {
    // eslint-disable-next-line @typescript-eslint/unbound-method -- a mark on it
    const scan: LendingScan = this.prototype.scan;
    scan.gives = true;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function bytesOf(key: string): ArrayBuffer {
  return encoder.encode(key).slice().buffer;
}

/** The parts as one; themselves where there is one. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
