// What it means that a call was refused.
import assert from 'node:assert/strict';
import { MemoryError } from 'agent-memory-wasm';

/** Rejects (or, for a function, throws or rejects) with a MemoryError that has what `expected` says; returns it. */
export async function refused(attempt, { code = 'invalid_argument', field, message, cause } = {}) {
  const error = await outcome(attempt);
  assert.ok(MemoryError.isInstance(error), `expected a MemoryError, got ${describe(error)}`);
  assert.equal(error.code, code, error.message);
  if (field !== undefined) assert.equal(error.field, field, error.message);
  if (message instanceof RegExp) assert.match(error.message, message);
  else if (message !== undefined) assert.equal(error.message, message);
  if (cause !== undefined) assert.equal(error.cause, cause);
  assert.equal(error.isRetryable, error.code === 'internal', 'isRetryable');
  return error;
}

async function outcome(attempt) {
  try {
    const value = await (typeof attempt === 'function' ? attempt() : attempt);
    return { value };
  } catch (error) {
    return error;
  }
}

function describe(value) {
  if (value instanceof Error) return value.stack;
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 500 ? `${text.slice(0, 500)}…` : text;
}
