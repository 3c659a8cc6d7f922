// SPDX-License-Identifier: MIT
//
// Every failure that leaves the package is a MemoryError: a stable code for programs, a sentence
// for people, and whether trying again may help. This file alone knows which class a code has,
// and what a browser's storage errors mean.

import type { StoredMemory } from './types.js';

/**
 * The codes, in the order of the C++ `ErrorCode`; a test compares the two lists.
 *
 * They are part of the public contract and are never renamed.
 */
export const errorCodes = [
  'invalid_argument',
  'not_found',
  'not_implemented',
  'storage',
  'quota_exceeded',
  'corrupt',
  'provider',
  'unauthorized',
  'rate_limited',
  'timeout',
  'aborted',
  'closed',
  'internal',
] as const;

/**
 * What went wrong, for programs.
 *
 * - `invalid_argument`: the caller's input is wrong; `field` names the argument.
 * - `not_found`: there is no such memory.
 * - `not_implemented`: the provider does not offer this operation.
 * - `storage`: the store failed; `isRetryable` says whether trying again may help.
 * - `quota_exceeded`: the store is full. Deleting still works.
 * - `corrupt`: stored bytes do not decode, or a newer version wrote them.
 * - `provider`: a provider other than the local one failed.
 * - `unauthorized`: a remote provider refused the credentials.
 * - `rate_limited`: a remote provider asked for fewer requests.
 * - `timeout`: no answer in time.
 * - `aborted`: the caller's `AbortSignal` fired; nothing was changed.
 * - `closed`: the provider or the store was closed.
 * - `internal`: a defect of this library.
 */
export type MemoryErrorCode = (typeof errorCodes)[number];

/** What an error is made of. An optional part that is `undefined` counts as not given. */
export interface MemoryErrorInit<Code extends MemoryErrorCode = MemoryErrorCode> {
  readonly code: Code;
  /** Names the thing, its bound and the value: `topK must be at least 1, got 0`. */
  readonly message: string;
  /** Whether the same call may succeed later. Default: false. */
  readonly isRetryable?: boolean | undefined;
  /** The argument at fault, for `invalid_argument`. */
  readonly field?: string | undefined;
  /** The HTTP status, where there was one. */
  readonly status?: number | undefined;
  /** What a call stored before it failed. */
  readonly stored?: readonly StoredMemory[] | undefined;
  /** The host's own error, as it was thrown. */
  readonly cause?: unknown;
}

/** On the prototype of every MemoryError, whichever copy of the package made it. */
const marker = Symbol.for('agent-memory.error');

function isMemoryError(value: unknown, codes?: readonly MemoryErrorCode[]): boolean {
  if (typeof value !== 'object' || value === null || !(marker in value)) return false;
  return codes === undefined || codes.some((code) => Reflect.get(value, 'code') === code);
}

/**
 * Any failure of this package. Branch on `code`, or on a subclass with its `isInstance`.
 *
 * `name` is the name of the class, also in minified code. `cause` is the host's original error
 * (a `DOMException`, a provider's rejection), where there was one.
 */
export class MemoryError<Code extends MemoryErrorCode = MemoryErrorCode> extends Error {
  static {
    this.prototype.name = 'MemoryError';
    Object.defineProperty(this.prototype, marker, { value: true });
  }

  /** What went wrong, for programs. */
  readonly code: Code;
  /** Whether the same call may succeed later. */
  readonly isRetryable: boolean;
  /** The argument at fault, for `invalid_argument`. Absent elsewhere. */
  declare readonly field?: string;
  /** The HTTP status. Absent where there was none. */
  declare readonly status?: number;
  /** What was stored all the same, where a call stored a part. Absent elsewhere. */
  declare readonly stored?: readonly StoredMemory[];

  constructor(init: MemoryErrorInit<Code>) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.isRetryable = init.isRetryable ?? false;
    if (init.field !== undefined) this.field = init.field;
    if (init.status !== undefined) this.status = init.status;
    if (init.stored !== undefined) this.stored = init.stored;
  }

  /**
   * Whether `value` is a MemoryError of any kind.
   *
   * Unlike `instanceof` it also recognises errors of another copy of the package: of the inline
   * entry, of a subpath that was bundled by itself, or of a second version. Each subclass has one
   * that is true for its own codes only.
   */
  static isInstance(value: unknown): value is MemoryError {
    return isMemoryError(value);
  }
}

/** The caller's input is wrong: `field` names the argument, the message its bound and the value. */
export class InvalidArgumentError extends MemoryError<'invalid_argument'> {
  static {
    this.prototype.name = 'InvalidArgumentError';
  }

  /** Whether `value` is a MemoryError with the code `invalid_argument`. */
  static override isInstance(value: unknown): value is InvalidArgumentError {
    return isMemoryError(value, ['invalid_argument']);
  }
}

/** There is no such memory. */
export class NotFoundError extends MemoryError<'not_found'> {
  static {
    this.prototype.name = 'NotFoundError';
  }

  /** Whether `value` is a MemoryError with the code `not_found`. */
  static override isInstance(value: unknown): value is NotFoundError {
    return isMemoryError(value, ['not_found']);
  }
}

/** The provider does not offer this operation; the message names it. */
export class NotImplementedError extends MemoryError<'not_implemented'> {
  static {
    this.prototype.name = 'NotImplementedError';
  }

  /** Whether `value` is a MemoryError with the code `not_implemented`. */
  static override isInstance(value: unknown): value is NotImplementedError {
    return isMemoryError(value, ['not_implemented']);
  }
}

/** The store failed, is full, or holds what cannot be read: `code` says which. */
export class StorageError extends MemoryError<'storage' | 'quota_exceeded' | 'corrupt'> {
  static {
    this.prototype.name = 'StorageError';
  }

  /** Whether `value` is a MemoryError with the code `storage`, `quota_exceeded` or `corrupt`. */
  static override isInstance(value: unknown): value is StorageError {
    return isMemoryError(value, ['storage', 'quota_exceeded', 'corrupt']);
  }
}

/** A remote provider failed, refused, or did not answer in time: `code` says which. */
export class ProviderError extends MemoryError<
  'provider' | 'unauthorized' | 'rate_limited' | 'timeout'
> {
  static {
    this.prototype.name = 'ProviderError';
  }

  /**
   * Whether `value` is a MemoryError with the code `provider`, `unauthorized`, `rate_limited` or
   * `timeout`.
   */
  static override isInstance(value: unknown): value is ProviderError {
    return isMemoryError(value, ['provider', 'unauthorized', 'rate_limited', 'timeout']);
  }
}

/**
 * The caller's `AbortSignal` fired; nothing was changed. `cause` is the signal's reason.
 *
 * Its `name` is `AbortedError`, like that of every class here; the DOM's `AbortError` is what
 * `cause` has where the signal was aborted without a reason.
 */
export class AbortedError extends MemoryError<'aborted'> {
  static {
    this.prototype.name = 'AbortedError';
  }

  /** Whether `value` is a MemoryError with the code `aborted`. */
  static override isInstance(value: unknown): value is AbortedError {
    return isMemoryError(value, ['aborted']);
  }
}

/** The provider or the store was closed before the call. */
export class ClosedError extends MemoryError<'closed'> {
  static {
    this.prototype.name = 'ClosedError';
  }

  /** Whether `value` is a MemoryError with the code `closed`. */
  static override isInstance(value: unknown): value is ClosedError {
    return isMemoryError(value, ['closed']);
  }
}

/** A defect of this library. Please report it. */
export class InternalError extends MemoryError<'internal'> {
  static {
    this.prototype.name = 'InternalError';
  }

  /** Whether `value` is a MemoryError with the code `internal`. */
  static override isInstance(value: unknown): value is InternalError {
    return isMemoryError(value, ['internal']);
  }
}

const classes: {
  readonly [Code in MemoryErrorCode]: new (init: MemoryErrorInit<Code>) => MemoryError;
} = {
  invalid_argument: InvalidArgumentError,
  not_found: NotFoundError,
  not_implemented: NotImplementedError,
  storage: StorageError,
  quota_exceeded: StorageError,
  corrupt: StorageError,
  provider: ProviderError,
  unauthorized: ProviderError,
  rate_limited: ProviderError,
  timeout: ProviderError,
  aborted: AbortedError,
  closed: ClosedError,
  internal: InternalError,
};

/** The error for `init.code`, of the class that the code has. */
export function memoryError<Code extends MemoryErrorCode>(
  init: MemoryErrorInit<Code>,
): MemoryError {
  return new classes[init.code](init);
}

/** `field` `rule`: `invalidArgument('limit', 'must be at least 0, got -1')`. */
export function invalidArgument(field: string, rule: string): InvalidArgumentError {
  return new InvalidArgumentError({
    code: 'invalid_argument',
    message: `${field} ${rule}`,
    field,
  });
}

// ------------------------------------------------------------------------- what a store's errors mean

// What the engines say when there is no room: Chromium and WebKit by the name (today a class of its
// own, before that a DOMException), Chromium on a full disk and Firefox in the message, file systems
// by errno.
const fullNames = new Set(['QuotaExceededError', 'NS_ERROR_DOM_QUOTA_REACHED']);
const fullMessage = /full disk|NS_ERROR_(?:FILE_NO_DEVICE_SPACE|DOM_QUOTA_REACHED)/i;
const fullErrno = new Set(['ENOSPC', 'EDQUOT']);

// A newer version's database, or a value whose file is gone.
const corruptNames = new Set(['VersionError', 'NotReadableError']);

// The connection is gone or going. WebKit in particular loses it whenever its storage process is
// stopped; a fresh connection works.
const lostNames = new Set([
  'AbortError',
  'InvalidStateError',
  'TimeoutError',
  'TransactionInactiveError',
  'UnknownError',
]);
const lostMessage = /connection (?:to .* server lost|is closing|is closed)|internal error/i;

function textOf(cause: unknown, property: 'name' | 'message' | 'code'): string {
  if (typeof cause !== 'object' || cause === null) return '';
  const value: unknown = Reflect.get(cause, property);
  return typeof value === 'string' ? value : '';
}

/**
 * What `cause`, thrown or rejected by a store, means.
 *
 * A MemoryError is returned as it is. A full store is `quota_exceeded`; a database of a newer
 * version, or an unreadable one, is `corrupt`; all else is `storage`, and retryable where a new
 * connection may help. `null` (WebKit aborts transactions without saying why) counts as such.
 *
 * @param operation - Which store did what: `indexedDB 'agent-memory': write`.
 */
export function storageError(cause: unknown, operation: string): MemoryError {
  if (MemoryError.isInstance(cause)) return cause;

  const name = textOf(cause, 'name');
  const said = textOf(cause, 'message');
  const reason = [name, said].filter((part) => part !== '').join(': ') || 'no reason was given';

  if (
    fullNames.has(name) ||
    fullErrno.has(textOf(cause, 'code')) ||
    fullMessage.test(`${name} ${said}`)
  ) {
    return new StorageError({
      code: 'quota_exceeded',
      message: `${operation} failed, the store is full: ${reason}`,
      cause,
    });
  }
  if (corruptNames.has(name)) {
    const message = `${operation} failed, the stored data cannot be read: ${reason}`;
    return new StorageError({ code: 'corrupt', message, cause });
  }
  return new StorageError({
    code: 'storage',
    message: `${operation} failed: ${reason}`,
    isRetryable:
      cause === null || cause === undefined || lostNames.has(name) || lostMessage.test(said),
    cause,
  });
}
