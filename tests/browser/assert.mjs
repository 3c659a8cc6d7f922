// As much of node:assert/strict as the shared suites use, for where there is no node:assert.

export function ok(value, message = 'expected something true') {
  if (!value) throw new Error(`${message}; got ${show(value)}`);
}

export function equal(actual, expected, message = 'expected the same') {
  if (!Object.is(actual, expected)) differ(message, actual, expected);
}

export function deepEqual(actual, expected, message = 'expected the like') {
  if (!areAlike(actual, expected)) differ(message, actual, expected);
}

export async function rejects(promise, check) {
  let error;
  try {
    await promise;
  } catch (cause) {
    error = cause;
    if (check && !check(error)) throw new Error(`rejected with another error: ${error}`, { cause });
    return;
  }
  throw new Error('expected a rejection');
}

function areAlike(left, right) {
  if (Object.is(left, right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || !left || !right) return false;
  if (Object.getPrototypeOf(left) !== Object.getPrototypeOf(right)) return false;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && areAlike(left[key], right[key]))
  );
}

function differ(message, actual, expected) {
  throw new Error(`${message}\n  expected ${show(expected)}\n  got      ${show(actual)}`);
}

function show(value) {
  const text = ArrayBuffer.isView(value)
    ? `bytes [${value}]`
    : (JSON.stringify(value) ?? `${value}`);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
