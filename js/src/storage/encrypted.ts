// SPDX-License-Identifier: MIT
//
// Encryption at rest, around any store. What lies in the store beneath:
//
//   sealed/header/a, /b   which keys the values are encrypted with, wrapped by the caller's key; twice,
//                         since without it everything is lost
//   sealed/salt/a, /b     what a passphrase's key is derived with; only where there is a passphrase
//   sealed/ledger         a sum over all values: what was removed or put back without the key shows
//   sealed/value/<key>    one value
//
// Every value has a fresh nonce and is bound to its key's name. The ledger changes with every write
// and in the same batch, so writers take turns (`exclusively`); readers wait for nobody. All
// cryptography is done before the store is asked to write: its transactions would not wait for it.

import { invalidArgument, memoryError, type MemoryError } from '../errors.js';
import type { RecoveringStoragePort, StorageBatch, StoragePort, TakingWrite } from '../types.js';
import { checkBatch, copyBytes, countOf, ownBatch, taking, type CheckedBatch } from './batch.js';
import { exclusive, type Exclusively } from './exclusive.js';
import { Lifetime } from './lifetime.js';

/** Options of {@link encryptedStorage}. */
export interface EncryptedStorageOptions {
  /**
   * Called with a `corrupt` error for a value that cannot be decrypted, which is then left out as
   * if it were absent, and when the ledger does not match, which is then made anew. Without it,
   * such a call rejects with that error. The bytes stay in the store in both cases.
   */
  onDamage?: (error: MemoryError) => void;
}

/** A store whose values are encrypted. */
export interface EncryptedStoragePort extends StoragePort {
  readonly encrypted: true;
  /**
   * Holds every value against the ledger; rejects with `corrupt` where one was removed, put back or
   * exchanged for an earlier one without the key. The first use of a store does so by itself.
   */
  verify(): Promise<void>;
  /** Where the store beneath has it; see {@link RecoveringStoragePort}. */
  onHealth?: RecoveringStoragePort['onHealth'];
}

/**
 * `inner` with every value encrypted by AES-GCM; only sizes and the names of keys can be read in it.
 *
 * - `key`: AES-GCM, with the usages `encrypt` and `decrypt`; it need not be extractable. It wraps
 *   random keys of the store's own, so one key may serve several stores.
 * - An empty `inner` becomes an encrypted store with the first call. One that holds unencrypted
 *   records is refused (`invalid_argument`, field `inner`): export and import them.
 * - A key that is not the store's is `invalid_argument` with the field `key`, from every call;
 *   nothing is changed. So it is in other contexts after {@link changeKey}.
 * - A value that was altered, exchanged with another's, or comes from another store is `corrupt`
 *   when it is read. A value that was removed or replaced by its own earlier version is found on
 *   the first use after opening, and by `verify`. An earlier copy of the whole store is not.
 * - `kind`, `watch`, `exclusively` and `onHealth` are those of `inner`, and so is what a write
 *   promises. Writing takes turns among all contexts, under the name `sealed/lock`. An `inner`
 *   without `exclusively` may be written to by one context at a time.
 *
 * Rejects with `storage` where there is no WebCrypto: a page needs https or localhost. Throws
 * `invalid_argument` for a key that is no AES-GCM key.
 */
export function encryptedStorage(
  inner: StoragePort,
  key: CryptoKey,
  options: EncryptedStorageOptions = {},
): EncryptedStoragePort {
  requireStore(inner);
  requireKey('key', key);
  const { onDamage } = options;
  if (onDamage !== undefined && typeof onDamage !== 'function') {
    throw invalidArgument('onDamage', 'must be a function');
  }
  return new EncryptedStorage(inner, key, onDamage);
}

/**
 * Encrypts everything in `inner` anew, so that `to` opens it and `from` does not.
 *
 * At every moment exactly one of the two opens all of it: first the store's keys are wrapped by
 * `to`, in one write; then the values follow, page by page, and are readable before and after. If
 * it is cut off, the same call finishes it. Other contexts may go on reading and writing until they
 * next need the key, and then fail with `invalid_argument`: open them again with `to`.
 *
 * Rejects with `invalid_argument` and the field `from` where neither key opens the store, and
 * changes nothing. It does not close `inner`.
 */
export async function changeKey(inner: StoragePort, from: CryptoKey, to: CryptoKey): Promise<void> {
  requireStore(inner);
  requireKey('from', from);
  requireKey('to', to);
  const locked = lockOf(inner);
  await locked(async () => {
    const header = await readHeader(inner);
    if (!header) throw invalidArgument('inner', 'must be an encrypted store');
    const secrets = await unwrap(header, from);
    // Cut off after its first write, or already done: what is left is to finish it.
    if (!secrets && (await unwrap(header, to))) return;
    if (!secrets) throw invalidArgument('from', 'must be the key of this store; it is another');
    const generation = Math.max(...secrets.map((secret) => secret.generation)) + 1;
    await writeHeader(inner, header, [...secrets, newSecret(generation)], to);
  });

  let after: string | undefined;
  do {
    after = await locked(async () => {
      const vault = await openVault(inner, to, 'to');
      const page = await inner.scan(valuePrefix, after, pageSize);
      const stale = page.filter(([, value]) => generationOf(value) !== vault.current.generation);
      const values = await Promise.all(
        stale.map(async ([name, value]) => [name, await vault.open(name, value)] as const),
      );
      // What cannot be decrypted stays as it is: its key would be lost with the old ones.
      const put = values.flatMap(([name, value]) => (value ? [[name, value] as const] : []));
      if (put.length > 0) await writeSealed(inner, vault, await vault.seal(put), []);
      return page.at(-1)?.[0];
    });
  } while (after !== undefined);

  await locked(async () => {
    const vault = await openVault(inner, to, 'to');
    const generations = new Set<number>([vault.current.generation]);
    // Others may have written while they still had the old key's header; and there may be damage.
    for await (const page of pagesOf(inner)) {
      for (const [, value] of page) generations.add(generationOf(value));
    }
    const kept = vault.secrets.filter((secret) => generations.has(secret.generation));
    if (kept.length < vault.secrets.length) {
      const ledger = await readLedger(inner, vault);
      await writeHeader(inner, vault.header, kept, to, [
        await sealLedger(vault, ledger ?? { writes: 0n, sum: 0n }),
      ]);
    }
  });
}

/** Options of {@link passphraseKey}. */
export interface PassphraseOptions {
  /** How often SHA-256 is applied, where the store has no salt yet. At least, and by default, 600,000. */
  iterations?: number;
}

/**
 * The key that `passphrase` stands for in `inner`: for {@link encryptedStorage}, {@link changeKey}.
 *
 * PBKDF2 with SHA-256 and a random salt, which the first call stores in `inner`; afterwards the
 * same passphrase gives the same key. It takes some tenths of a second, on purpose. The passphrase
 * is normalised (NFC), so it does not matter how an accent was typed. Whether it is the right one,
 * the first use of the store tells.
 *
 * Rejects with `invalid_argument` for an empty passphrase, `corrupt` where the salt is damaged.
 */
export async function passphraseKey(
  inner: StoragePort,
  passphrase: string,
  options: PassphraseOptions = {},
): Promise<CryptoKey> {
  requireStore(inner);
  if (typeof passphrase !== 'string' || passphrase === '') {
    throw invalidArgument('passphrase', 'must be a string that is not empty');
  }
  const { iterations = minIterations } = options;
  if (!Number.isSafeInteger(iterations) || iterations < minIterations) {
    throw invalidArgument('iterations', `must be at least ${minIterations}, got ${iterations}`);
  }
  const salted = await lockOf(inner)(async () => {
    const stored = (await readTwin(inner, saltName))?.content as StoredSalt | undefined;
    // A lower count than any this function stores was put there by somebody else.
    if (stored && !(stored.iterations >= minIterations)) throw damagedTwin(saltName);
    if (stored) return stored;
    const fresh: StoredSalt = { salt: toBase64(random(16)), iterations };
    await inner.write({ put: await twin(saltName, fresh) });
    return fresh;
  });
  const subtle = webCrypto();
  const text = encoder.encode(passphrase.normalize('NFC'));
  const material = await subtle.importKey('raw', text, 'PBKDF2', false, ['deriveKey']);
  return subtle.deriveKey(
    {
      name: 'PBKDF2',
      hash: 'SHA-256',
      salt: fromBase64(salted.salt),
      iterations: salted.iterations,
    },
    material,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  );
}

// OWASP's figure for PBKDF2-HMAC-SHA256.
const minIterations = 600_000;

const lockName = 'sealed/lock';
const headerName = 'sealed/header';
const saltName = 'sealed/salt';
const ledgerName = 'sealed/ledger';
const valuePrefix = 'sealed/value/';

/** How many values are worked on at a time. */
const pageSize = 64;

/** About so much is encrypted before the thread has time for other work. */
const sealedAtOnceBytes = 1 << 20;

/** So many values are read before it has. */
const readAtOnce = 8;

/** The format of header and values. */
const format = 1;

type Bytes = Uint8Array<ArrayBuffer>;

// ------------------------------------------------------------------------------------- the store

class EncryptedStorage implements EncryptedStoragePort {
  readonly encrypted = true;
  readonly kind: string;
  declare watch?: NonNullable<StoragePort['watch']>;
  declare exclusively?: NonNullable<StoragePort['exclusively']>;
  declare onHealth?: RecoveringStoragePort['onHealth'];

  readonly #inner: StoragePort;
  readonly #key: CryptoKey;
  readonly #onDamage: ((error: MemoryError) => void) | undefined;
  readonly #locked: <T>(work: () => Promise<T>) => Promise<T>;
  /** Keeps this object's writes in the order of the calls. */
  readonly #inOrder: Exclusively = exclusive();
  readonly #lifetime: Lifetime;
  #opening: Promise<Vault> | undefined;

  constructor(inner: StoragePort, key: CryptoKey, onDamage?: (error: MemoryError) => void) {
    this.#inner = inner;
    this.#key = key;
    this.#onDamage = onDamage;
    this.#locked = lockOf(inner);
    this.kind = inner.kind;
    this.#lifetime = new Lifetime(`encrypted ${inner.kind}`);
    // Only what `inner` has: their absence means something.
    if (inner.watch) {
      const watch = inner.watch.bind(inner);
      this.watch = (changed) => {
        this.#lifetime.refuseIfClosed('watch');
        return watch(changed);
      };
    }
    const exclusively = exclusivelyOf(inner);
    if (exclusively) {
      this.exclusively = async (name, work) => {
        this.#lifetime.refuseIfClosed('lock');
        return exclusively(name, work);
      };
    }
    if (isRecovering(inner)) this.onHealth = inner.onHealth.bind(inner);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    this.#lifetime.refuseIfClosed('read');
    return this.#tracked(async () => {
      const vault = await this.#vault();
      const value = await this.#inner.get(valuePrefix + key);
      return value && this.#decrypt(vault, valuePrefix + key, value);
    });
  }

  async write(batch: StorageBatch): Promise<void> {
    return this.#write(ownBatch(batch));
  }

  static {
    taking(this.prototype, async function (this: EncryptedStorage, batch) {
      return this.#write(checkBatch(batch));
    });
  }

  /** Nobody changes the values of `owned` any more. */
  async #write(owned: CheckedBatch): Promise<void> {
    this.#lifetime.refuseIfClosed('write');
    if (owned.isEmpty) return;
    await this.#tracked(() => {
      // Encrypted while it waits for its turn.
      const sealing = this.#vault().then((vault) => sealBatch(vault, owned));
      sealing.catch(() => undefined);
      return this.#inOrder('write', async () => {
        const sealed = await sealing;
        await this.#locked(async () => {
          const { vault, put } = await this.#upToDate(sealed, owned);
          const names = owned.delete.map((key) => valuePrefix + key);
          await writeSealed(this.#inner, vault, put, names);
        });
      });
    });
  }

  async scan(
    prefix: string,
    after: string | undefined,
    limit: number,
  ): Promise<[key: string, value: Uint8Array][]> {
    const count = countOf(limit);
    this.#lifetime.refuseIfClosed('scan');
    return this.#tracked(async () => {
      const vault = await this.#vault();
      const found: [string, Uint8Array][] = [];
      let last = after === undefined ? undefined : valuePrefix + after;
      // More than once only where damaged values were left out: a page that is short is the last.
      while (found.length < count) {
        const asked = count - found.length;
        const page = await this.#inner.scan(valuePrefix + prefix, last, asked);
        const values = await Promise.all(
          page.map(([name, value]) => this.#decrypt(vault, name, value)),
        );
        for (const [index, [name]] of page.entries()) {
          const value = values[index];
          if (value) found.push([name.slice(valuePrefix.length), value]);
        }
        last = page.at(-1)?.[0];
        if (page.length < asked) break;
      }
      return found;
    });
  }

  async verify(): Promise<void> {
    this.#lifetime.refuseIfClosed('verify');
    await this.#tracked(async () => {
      const isFresh = this.#opening === undefined;
      const vault = await this.#vault();
      if (!isFresh) await this.#locked(() => this.#verify(vault));
    });
  }

  close(): Promise<void> {
    return this.#lifetime.close(async (settled) => {
      await settled();
      await this.#inner.close();
    });
  }

  #tracked<T>(work: () => Promise<T>): Promise<T> {
    return this.#lifetime.tracked(work());
  }

  /** The store's keys. Memoised before anything is awaited; a failure is not kept. */
  #vault(): Promise<Vault> {
    if (this.#opening) return this.#opening;
    const opening = this.#locked(async () => {
      await createIfEmpty(this.#inner, this.#key);
      const vault = await openVault(this.#inner, this.#key, 'key');
      await this.#verify(vault);
      return vault;
    });
    this.#opening = opening;
    opening.catch(() => {
      if (this.#opening === opening) this.#opening = undefined;
    });
    return opening;
  }

  /** The sealed batch, sealed anew where the store has changed its keys or was emptied meanwhile. */
  async #upToDate(sealed: Sealed, owned: CheckedBatch): Promise<Sealed> {
    const stored = await this.#inner.get(`${headerName}/a`);
    if (stored && areEqual(stored, sealed.vault.header.stored)) return sealed;
    await createIfEmpty(this.#inner, this.#key);
    const vault = await openVault(this.#inner, this.#key, 'key');
    this.#opening = Promise.resolve(vault);
    return sealBatch(vault, owned);
  }

  async #verify(vault: Vault): Promise<void> {
    const ledger = await readLedger(this.#inner, vault);
    let sum = 0n;
    for await (const page of pagesOf(this.#inner)) {
      for (const part of await Promise.all(page.map(([name, value]) => vault.mark(name, value)))) {
        sum = add(sum, part);
      }
    }
    if (ledger?.sum === sum) return;
    const what =
      ledger === undefined
        ? 'its ledger is missing or damaged'
        : 'values were removed, put back or replaced by earlier ones';
    this.#damaged(corrupt(`encrypted ${this.kind}: ${what}`));
    const writes = (ledger?.writes ?? 0n) + 1n;
    await this.#inner.write({ put: [await sealLedger(vault, { writes, sum })] });
  }

  /** Undefined where it is damaged and somebody was told. */
  async #decrypt(known: Vault, name: string, value: Uint8Array): Promise<Uint8Array | undefined> {
    let vault = known;
    if (!vault.knows(value)) {
      // The keys were changed elsewhere, or it is no value of ours.
      vault = await openVault(this.#inner, this.#key, 'key');
      if (vault.knows(value)) this.#opening = Promise.resolve(vault);
    }
    const opened = await vault.open(name, value);
    if (opened) return opened;
    const key = name.slice(valuePrefix.length);
    const reason = 'it is damaged, or another value was put in its place';
    this.#damaged(
      corrupt(`encrypted ${this.kind}: the value of '${key}' cannot be decrypted; ${reason}`),
    );
    return undefined;
  }

  #damaged(error: MemoryError): void {
    if (!this.#onDamage) throw error;
    this.#onDamage(error);
  }
}

function isRecovering(storage: StoragePort): storage is RecoveringStoragePort {
  return 'onHealth' in storage && typeof storage.onHealth === 'function';
}

function exclusivelyOf(inner: StoragePort): Exclusively | undefined {
  if (!inner.exclusively) return undefined;
  return inner.exclusively.bind(inner);
}

/** Turns at writing among all contexts where `inner` can do that, else among those in this one. */
function lockOf(inner: StoragePort): <T>(work: () => Promise<T>) => Promise<T> {
  const exclusively = exclusivelyOf(inner);
  if (exclusively) return (work) => exclusively(lockName, work);
  let here = locksHere.get(inner);
  if (!here) locksHere.set(inner, (here = exclusive()));
  const own = here;
  return (work) => own(lockName, work);
}

const locksHere = new WeakMap<StoragePort, Exclusively>();

// ------------------------------------------------------------------------------- header and salt

interface Header {
  readonly format: number;
  /** Random: values of one store are nothing in another. */
  readonly store: string;
  /** Counts changes of the header. */
  readonly revision: number;
  /** The secrets, encrypted with the caller's key. */
  readonly wrapped: string;
}

/** A header, and what is stored of it. */
interface ReadHeader extends Header {
  readonly stored: Uint8Array;
}

/** What one generation of values is encrypted with. */
interface Secret {
  readonly generation: number;
  /** 32 for AES-GCM, 32 for HMAC. */
  readonly bytes: Bytes;
}

interface StoredSalt {
  readonly salt: string;
  readonly iterations: number;
}

function newSecret(generation: number): Secret {
  return { generation, bytes: random(64) };
}

/** Makes a header where there is neither one nor anything else. */
async function createIfEmpty(inner: StoragePort, key: CryptoKey): Promise<void> {
  const header = await readHeader(inner);
  if (header) {
    // One of the two copies was damaged: there should be two again.
    if (!header.isWhole) await inner.write({ put: await twin(headerName, header.content) });
    return;
  }
  if ((await inner.scan(valuePrefix, undefined, 1)).length > 0) {
    throw corrupt(
      `encrypted ${inner.kind}: the header with its keys is gone, the values are there`,
    );
  }
  const [[first] = []] = await inner.scan('', undefined, 1);
  const [[last] = []] = await inner.scan('', 'sealed/\x7f', 1);
  const foreign = [first, last].find((name) => name !== undefined && !name.startsWith('sealed/'));
  if (foreign !== undefined) {
    throw invalidArgument(
      'inner',
      `must be empty or encrypted; it holds unencrypted records ('${foreign}'). Export them and import them into an encrypted store`,
    );
  }
  const store = toBase64(random(16));
  const none = { format, store, revision: 0, wrapped: '', stored: new Uint8Array() };
  const secrets = [newSecret(1)];
  const fresh = await vaultOf(none, secrets);
  await writeHeader(inner, none, secrets, key, [await sealLedger(fresh, { writes: 0n, sum: 0n })]);
}

async function readHeader(
  inner: StoragePort,
): Promise<(ReadHeader & { isWhole: boolean; content: Header }) | undefined> {
  const read = await readTwin(inner, headerName);
  if (!read) return undefined;
  const content = read.content as Header;
  if (content.format !== format) {
    const found = `format ${content.format}, this one reads ${format}`;
    throw corrupt(`encrypted ${inner.kind}: a newer version of this package wrote it (${found})`);
  }
  return { ...content, stored: read.stored, isWhole: read.isWhole, content };
}

/** Replaces the header by one with `secrets`, in one write with `more`. */
async function writeHeader(
  inner: StoragePort,
  { store, revision }: Header,
  secrets: readonly Secret[],
  key: CryptoKey,
  more: readonly SealedPair[] = [],
): Promise<void> {
  const next = revision + 1;
  const plain = concat(secrets.flatMap(({ generation, bytes }) => [fromNumber(generation), bytes]));
  const wrapped = await encrypt(key, plain, `keys\0${store}\0${next}`);
  const header: Header = { format, store, revision: next, wrapped: toBase64(wrapped) };
  await inner.write({ put: [...(await twin(headerName, header)), ...more] });
}

/** The secrets of a header; undefined where `key` does not open it. */
async function unwrap(
  { store, revision, wrapped }: Header,
  key: CryptoKey,
): Promise<Secret[] | undefined> {
  const plain = await decrypt(key, fromBase64(wrapped), `keys\0${store}\0${revision}`);
  if (!plain) return undefined;
  const secrets: Secret[] = [];
  for (let at = 0; at + 68 <= plain.length; at += 68) {
    secrets.push({ generation: toNumber(plain, at), bytes: plain.slice(at + 4, at + 68) });
  }
  return secrets;
}

/** A small record, stored twice with a checksum: `name/a` and `name/b`. */
async function twin(name: string, content: unknown): Promise<[string, Bytes][]> {
  const text = encoder.encode(JSON.stringify(content));
  const bytes = concat([await checksum(text), text]);
  return [
    [`${name}/a`, bytes],
    [`${name}/b`, bytes],
  ];
}

/** Whichever copy is whole. Rejects with `corrupt` where there are copies and none is. */
async function readTwin(
  inner: StoragePort,
  name: string,
): Promise<{ content: unknown; stored: Uint8Array; isWhole: boolean } | undefined> {
  const copies = await inner.scan(`${name}/`, undefined, 2);
  if (copies.length === 0) return undefined;
  const whole: Uint8Array[] = [];
  for (const [, bytes] of copies) {
    const text = copyBytes(bytes.subarray(32));
    if (areEqual(bytes.subarray(0, 32), await checksum(text))) whole.push(bytes);
  }
  const stored = whole[0];
  if (!stored) throw damagedTwin(name);
  const content: unknown = JSON.parse(decoder.decode(stored.subarray(32)));
  return { content, stored, isWhole: whole.length === 2 };
}

function damagedTwin(name: string): MemoryError {
  return corrupt(`encrypted storage: both copies of '${name}' are damaged`);
}

// ------------------------------------------------------------------------------------- the vault

type SealedPair = [name: string, value: Bytes];

/** A batch's values, and the keys that they are encrypted with. */
interface Sealed {
  readonly vault: Vault;
  readonly put: readonly SealedPair[];
}

interface Generation {
  readonly generation: number;
  readonly cipher: CryptoKey;
  readonly mac: CryptoKey;
}

/** A store's keys, ready for use. */
class Vault {
  readonly header: ReadHeader;
  readonly secrets: readonly Secret[];
  /** What new values are encrypted with. */
  readonly current: Generation;
  readonly #generations: ReadonlyMap<number, Generation>;

  constructor(header: ReadHeader, secrets: readonly Secret[], generations: Generation[]) {
    const current = generations.at(-1);
    if (!current) throw corrupt('encrypted storage: the header holds no keys');
    this.header = header;
    this.secrets = secrets;
    this.current = current;
    this.#generations = new Map(generations.map((each) => [each.generation, each]));
  }

  knows(value: Uint8Array): boolean {
    return this.#generations.has(generationOf(value));
  }

  /** `pairs` encrypted, each bound to its name. */
  async seal(
    pairs: readonly (readonly [name: string, value: Uint8Array])[],
  ): Promise<SealedPair[]> {
    const { generation, cipher } = this.current;
    const start = concat([Uint8Array.of(format), fromNumber(generation)]);
    const sealed: Promise<SealedPair>[] = [];
    let bytes = 0;
    for (const [name, value] of pairs) {
      // A value is copied in this thread: after some there is time for other work.
      bytes += value.length;
      if (bytes > sealedAtOnceBytes) {
        await Promise.all(sealed);
        bytes = value.length;
      }
      const encrypted = encrypt(cipher, value as Bytes, this.#binding(name));
      sealed.push(encrypted.then((sealed) => [name, concat([start, sealed])]));
    }
    return Promise.all(sealed);
  }

  /** What was sealed under `name`; undefined where `value` is not that. */
  async open(name: string, value: Uint8Array): Promise<Bytes | undefined> {
    const generation = this.#generations.get(generationOf(value));
    if (!generation || value[0] !== format) return undefined;
    return decrypt(generation.cipher, copyBytes(value.subarray(5)), this.#binding(name));
  }

  /** What a value adds to the ledger: a number that only the key's holder can tell. */
  async mark(name: string, value: Uint8Array): Promise<bigint> {
    const { mac } = this.#generations.get(generationOf(value)) ?? this.current;
    // The nonce and the tag: together they stand for all of it.
    const said = concat([encoder.encode(`${name}\0`), value.slice(0, 17), value.slice(-16)]);
    const view = new DataView(await webCrypto().sign('HMAC', mac, said));
    return [0, 8, 16, 24].reduce((sum, at) => (sum << 64n) | view.getBigUint64(at), 0n);
  }

  #binding(name: string): string {
    return `value\0${this.header.store}\0${name}`;
  }
}

async function vaultOf(header: ReadHeader, secrets: readonly Secret[]): Promise<Vault> {
  const subtle = webCrypto();
  const generations = await Promise.all(
    secrets.map(async ({ generation, bytes }) => ({
      generation,
      cipher: await subtle.importKey('raw', bytes.slice(0, 32), 'AES-GCM', false, [
        'encrypt',
        'decrypt',
      ]),
      mac: await subtle.importKey(
        'raw',
        bytes.slice(32),
        { name: 'HMAC', hash: 'SHA-256' },
        false,
        ['sign'],
      ),
    })),
  );
  return new Vault(header, secrets, generations);
}

async function openVault(inner: StoragePort, key: CryptoKey, field: string): Promise<Vault> {
  const header = await readHeader(inner);
  if (!header) throw corrupt(`encrypted ${inner.kind}: the header with its keys is gone`);
  const secrets = await unwrap(header, key);
  if (!secrets) {
    throw invalidArgument(
      field,
      `must be the key of this store; it is another, or the store's key was changed. Nothing was changed`,
    );
  }
  return vaultOf(header, secrets);
}

async function sealBatch(vault: Vault, { put }: CheckedBatch): Promise<Sealed> {
  // Of a key that is put twice the last value stays, and only that one counts in the ledger.
  const last = new Map(put.map(([key, value]) => [valuePrefix + key, value]));
  return { vault, put: await vault.seal([...last]) };
}

/** The number in a value's head; 0, which no generation has, where it has none. */
function generationOf(value: Uint8Array): number {
  return value.length < 33 ? 0 : toNumber(value, 1);
}

// ------------------------------------------------------------------------------------ the ledger

interface Ledger {
  readonly writes: bigint;
  /** Of the marks of all values, modulo 2^256. */
  readonly sum: bigint;
}

/** Writes values and the ledger that goes with them, in one batch. Only under the lock. */
async function writeSealed(
  inner: StoragePort,
  vault: Vault,
  put: readonly SealedPair[],
  deletes: readonly string[],
): Promise<void> {
  const deleted = new Set(deletes);
  const stays = put.filter(([name]) => !deleted.has(name));
  const replaced = [...new Set([...stays.map(([name]) => name), ...deletes])];
  const ledger = await readLedger(inner, vault);
  let sum = ledger?.sum ?? 0n;
  // Some at a time: what is replaced may be all there is.
  for (let at = 0; at < replaced.length; at += readAtOnce) {
    const before = replaced.slice(at, at + readAtOnce).map(async (name) => {
      const value = await inner.get(name);
      return value === undefined ? 0n : vault.mark(name, value);
    });
    for (const mark of await Promise.all(before)) sum = add(sum, -mark);
  }
  const after = await Promise.all(stays.map(([name, value]) => vault.mark(name, value)));
  for (const mark of after) sum = add(sum, mark);
  // A ledger that is gone or damaged stays so: the next `verify` is to find that.
  const entry = ledger && [await sealLedger(vault, { writes: ledger.writes + 1n, sum })];
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called on `inner`
  const write: TakingWrite = inner.write;
  await (write.given ?? write).call(inner, {
    put: [...stays, ...(entry ?? [])],
    delete: [...deletes],
  });
}

async function readLedger(inner: StoragePort, vault: Vault): Promise<Ledger | undefined> {
  const stored = await inner.get(ledgerName);
  const plain = stored && (await vault.open(ledgerName, stored));
  if (plain?.length !== 40) return undefined;
  const view = new DataView(plain.buffer, plain.byteOffset);
  const parts = [8, 16, 24, 32].map((at) => view.getBigUint64(at));
  return {
    writes: view.getBigUint64(0),
    sum: parts.reduce((sum, part) => (sum << 64n) | part, 0n),
  };
}

async function sealLedger(vault: Vault, { writes, sum }: Ledger): Promise<SealedPair> {
  const plain = new Uint8Array(40);
  const view = new DataView(plain.buffer);
  view.setBigUint64(0, writes);
  for (let part = 0; part < 4; part++) {
    view.setBigUint64(32 - 8 * part, BigInt.asUintN(64, sum >> BigInt(64 * part)));
  }
  const [sealed] = await vault.seal([[ledgerName, plain]]);
  if (!sealed) throw new Error('seal gave no pair');
  return sealed;
}

function add(left: bigint, right: bigint): bigint {
  return BigInt.asUintN(256, left + right);
}

/** All values as they are stored, in pages. */
async function* pagesOf(inner: StoragePort): AsyncGenerator<[string, Uint8Array][]> {
  let after: string | undefined;
  do {
    const page = await inner.scan(valuePrefix, after, pageSize);
    yield page;
    after = page.at(-1)?.[0];
  } while (after !== undefined);
}

// ---------------------------------------------------------------------------------- cryptography

/** A fresh nonce, then the ciphertext with its tag. */
async function encrypt(key: CryptoKey, plain: Bytes, bound: string): Promise<Bytes> {
  const iv = random(12);
  const additionalData = encoder.encode(bound);
  const sealed = await webCrypto().encrypt({ name: 'AES-GCM', iv, additionalData }, key, plain);
  return concat([iv, new Uint8Array(sealed)]);
}

/** What `encrypt` was given; undefined where it was another key, other bytes, or bound otherwise. */
async function decrypt(key: CryptoKey, sealed: Bytes, bound: string): Promise<Bytes | undefined> {
  const subtle = webCrypto();
  const iv = sealed.subarray(0, 12);
  const additionalData = encoder.encode(bound);
  try {
    return new Uint8Array(
      await subtle.decrypt({ name: 'AES-GCM', iv, additionalData }, key, sealed.subarray(12)),
    );
  } catch {
    return undefined;
  }
}

async function checksum(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await webCrypto().digest('SHA-256', bytes));
}

function webCrypto(): SubtleCrypto {
  const { crypto } = globalThis as { crypto?: Partial<Crypto> };
  if (crypto?.subtle) return crypto.subtle;
  throw memoryError({
    code: 'storage',
    message: 'encrypted storage: there is no WebCrypto here; a page needs https or localhost',
  });
}

function random(length: number): Bytes {
  webCrypto(); // where that is, this is
  return globalThis.crypto.getRandomValues(new Uint8Array(length));
}

// ----------------------------------------------------------------------------------------- bytes

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function concat(parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Four bytes, the highest first. */
function fromNumber(value: number): Bytes {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

function toNumber(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0);
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function fromBase64(text: string): Bytes {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function areEqual(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

function corrupt(message: string): MemoryError {
  return memoryError({ code: 'corrupt', message });
}

// ------------------------------------------------------------------------------------- arguments

function requireStore(inner: unknown): void {
  if (typeof inner === 'object' && inner !== null && 'scan' in inner) return;
  throw invalidArgument('inner', 'must be a storage');
}

/** By what it says of itself: another realm's key is a key. */
function requireKey(field: string, key: unknown): void {
  const { algorithm, usages } = Object(key) as Partial<CryptoKey>;
  if (algorithm?.name === 'AES-GCM' && usages?.includes('encrypt') && usages.includes('decrypt')) {
    return;
  }
  throw invalidArgument(field, 'must be a CryptoKey for AES-GCM that may encrypt and decrypt');
}
