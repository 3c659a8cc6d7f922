// SPDX-License-Identifier: MIT
//
// As much of an assertion library as the contract needs: it runs in every runtime, under any runner.

export function ok(value: unknown, message = 'expected something true'): void {
  if (!value) throw new Error(`${message}; got ${show(value)}`);
}

export function equal(actual: unknown, expected: unknown, message = 'expected the same'): void {
  if (!Object.is(actual, expected)) differ(message, actual, expected);
}

export function deepEqual(actual: unknown, expected: unknown, message = 'expected the like'): void {
  if (!areAlike(actual, expected)) differ(message, actual, expected);
}

/** `check` throws where the error is another than expected. */
export async function rejects(
  promise: Promise<unknown>,
  check: (error: unknown) => void = () => undefined,
): Promise<void> {
  let error: unknown;
  try {
    await promise;
  } catch (cause) {
    error = cause;
    check(error);
    return;
  }
  throw new Error('expected a rejection');
}

function areAlike(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || !left || !right) return false;
  if (ArrayBuffer.isView(left) !== ArrayBuffer.isView(right)) return false;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every(
      (key) =>
        Object.hasOwn(right, key) && areAlike(Reflect.get(left, key), Reflect.get(right, key)),
    )
  );
}

function differ(message: string, actual: unknown, expected: unknown): never {
  throw new Error(`${message}\n  expected ${show(expected)}\n  got      ${show(actual)}`);
}

function show(value: unknown): string {
  const text = ArrayBuffer.isView(value)
    ? `bytes [${new Uint8Array(value.buffer, value.byteOffset, value.byteLength).join(', ')}]`
    : ((JSON.stringify(value) as string | undefined) ?? String(value));
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
