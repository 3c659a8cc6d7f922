import assert from 'node:assert/strict';
import test from 'node:test';
import { fromSource } from './from-source.mjs';

const errors = await fromSource('errors.ts');
const { MemoryError, errorCodes, invalidArgument, memoryError, storageError } = errors;

const classOf = {
  invalid_argument: 'InvalidArgumentError',
  not_found: 'NotFoundError',
  not_implemented: 'NotImplementedError',
  storage: 'StorageError',
  quota_exceeded: 'StorageError',
  corrupt: 'StorageError',
  provider: 'ProviderError',
  unauthorized: 'ProviderError',
  rate_limited: 'ProviderError',
  timeout: 'ProviderError',
  aborted: 'AbortedError',
  closed: 'ClosedError',
  internal: 'InternalError',
};

test('every code has its class, and the class has the name', () => {
  assert.deepEqual([...errorCodes], Object.keys(classOf));
  for (const [code, name] of Object.entries(classOf)) {
    const error = memoryError({ code, message: `it was ${code}` });
    assert.equal(error.constructor, errors[name]);
    assert.equal(error.name, name);
    assert.equal(error.code, code);
    assert.equal(error.message, `it was ${code}`);
    assert.equal(`${error}`, `${name}: it was ${code}`);
    assert.match(error.stack, new RegExp(`^${name}: it was ${code}`));
    assert.ok(error instanceof MemoryError);
    assert.ok(error instanceof Error);
  }
});

test('what was not given is not there', () => {
  const error = memoryError({ code: 'internal', message: 'm' });
  assert.equal(error.isRetryable, false);
  for (const property of ['field', 'status', 'cause']) assert.ok(!(property in error), property);
  const undefinedParts = { field: undefined, status: undefined, cause: undefined };
  const other = memoryError({ code: 'internal', message: 'm', ...undefinedParts });
  for (const property of ['field', 'status', 'cause']) assert.ok(!(property in other), property);
});

test('what was given is there', () => {
  const cause = new Error('the host said so');
  const error = memoryError({
    code: 'rate_limited',
    message: 'too many requests',
    isRetryable: true,
    field: 'query',
    status: 429,
    cause,
  });
  assert.equal(error.isRetryable, true);
  assert.equal(error.field, 'query');
  assert.equal(error.status, 429);
  assert.equal(error.cause, cause);
});

test('isInstance tells the classes apart, also without being called on one', () => {
  for (const [code, name] of Object.entries(classOf)) {
    const error = memoryError({ code, message: 'm' });
    for (const other of new Set(Object.values(classOf))) {
      const { isInstance } = errors[other];
      assert.equal(isInstance(error), other === name, `${other}.isInstance(a ${name})`);
    }
    assert.ok(MemoryError.isInstance(error));
  }
});

test('isInstance is false for everything else', () => {
  const strangers = [undefined, null, 0, 'code', {}, { code: 'storage' }, new Error('m'), () => {}];
  for (const value of strangers) {
    assert.equal(MemoryError.isInstance(value), false);
    assert.equal(errors.StorageError.isInstance(value), false);
  }
});

test('two copies of the package recognise each other', async () => {
  const copy = await fromSource('errors.ts');
  assert.notEqual(copy.MemoryError, MemoryError);
  const error = copy.memoryError({ code: 'quota_exceeded', message: 'full' });
  assert.ok(!(error instanceof MemoryError));
  assert.ok(MemoryError.isInstance(error));
  assert.ok(errors.StorageError.isInstance(error));
  assert.ok(!errors.NotFoundError.isInstance(error));
  assert.equal(storageError(error, "indexedDB 'x': write"), error);
});

test('invalidArgument names the field in the message and apart from it', () => {
  const error = invalidArgument('limit', 'must be at least 0, got -1');
  assert.equal(error.message, 'limit must be at least 0, got -1');
  assert.equal(error.field, 'limit');
  assert.equal(error.code, 'invalid_argument');
});

// As the browsers word them; most of the sentences are from bug reports.
const storageFailures = [
  ['quota_exceeded', false, 'QuotaExceededError', 'The quota has been exceeded.'],
  [
    'quota_exceeded',
    false,
    'NS_ERROR_DOM_QUOTA_REACHED',
    'Persistent storage maximum size reached',
  ],
  ['quota_exceeded', false, 'UnknownError', 'NS_ERROR_FILE_NO_DEVICE_SPACE'],
  ['quota_exceeded', false, 'UnknownError', 'Encountered full disk while opening backing store'],
  ['storage', true, 'InvalidStateError', 'The database connection is closing.'],
  ['storage', true, 'UnknownError', 'Connection to Indexed Database server lost. Refresh the page'],
  ['storage', true, 'UnknownError', 'Internal error opening backing store for indexedDB.open.'],
  ['storage', true, 'Error', 'Connection to Indexed Database server lost. Refresh the page'],
  ['storage', true, 'AbortError', 'The transaction was aborted.'],
  ['storage', true, 'TransactionInactiveError', 'The transaction is inactive or finished.'],
  ['storage', true, 'TimeoutError', 'The transaction was aborted due to a timeout.'],
  ['storage', false, 'SecurityError', 'The operation is insecure.'],
  ['storage', false, 'DataError', 'The parameter is not a valid key.'],
  ['storage', false, 'DataCloneError', 'could not be cloned.'],
  [
    'corrupt',
    false,
    'VersionError',
    'The requested version (1) is less than the existing one (2).',
  ],
  ['corrupt', false, 'NotReadableError', 'Failed to read large IndexedDB value'],
];
for (const [code, isRetryable, name, said] of storageFailures) {
  test(`storageError: ${name} (${said}) is '${code}'`, () => {
    const cause = new DOMException(said, name);
    const error = storageError(cause, "indexedDB 'notes': write");
    assert.equal(error.code, code);
    assert.equal(error.isRetryable, isRetryable);
    assert.equal(error.cause, cause);
    assert.ok(error.message.startsWith("indexedDB 'notes': write failed"), error.message);
    assert.ok(error.message.endsWith(`${name}: ${said}`), error.message);
  });
}

test('storageError: the class QuotaExceededError, no longer a name of DOMException, is the same', () => {
  class QuotaExceededError extends DOMException {
    constructor() {
      super('full', 'QuotaExceededError');
    }
  }
  assert.equal(storageError(new QuotaExceededError(), 'x: write').code, 'quota_exceeded');
});

test("storageError: a file system's ENOSPC is 'quota_exceeded'", () => {
  const cause = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  assert.equal(storageError(cause, 'file: write').code, 'quota_exceeded');
});

test('storageError: null, as WebKit aborts, and what is no error at all, have a message too', () => {
  const error = storageError(null, 'x: write');
  assert.equal(error.message, 'x: write failed: no reason was given');
  assert.equal(error.isRetryable, true);
  assert.equal(storageError('text', 'x: write').isRetryable, false);
});

test('BaseMemoryProvider answers every method with an error that names it', async () => {
  const { BaseMemoryProvider } = await fromSource('provider.ts');
  class NotebookProvider extends BaseMemoryProvider {}
  const provider = new NotebookProvider();
  for (const [method, ...given] of [
    ['retrieveMemories', 'query'],
    ['storeMemories', []],
    ['getAllMemories'],
    ['deleteMemory', 'id'],
  ]) {
    await assert.rejects(provider[method](...given), (error) => {
      assert.ok(errors.NotImplementedError.isInstance(error));
      assert.equal(error.message, `${method} is not implemented by NotebookProvider`);
      return true;
    });
  }
});

test('the enumerations are the strings that go over the wire', async () => {
  const { MemoryScope, RetrievalStrategy } = await fromSource('enums.ts');
  assert.deepEqual(MemoryScope, { USER: 'user', AGENT: 'agent', RUN: 'run', GLOBAL: 'global' });
  assert.deepEqual(RetrievalStrategy, {
    SEMANTIC_SEARCH: 'semantic_search',
    RECENCY: 'recency',
    HYBRID: 'hybrid',
  });
});
