// What tests of stores write all the time.

/** A check for `assert.rejects`: a MemoryError with that code. */
export function hasCode(code) {
  return (error) => {
    if (error?.code === code && error[Symbol.for('agent-memory.error')] === true) return true;
    throw new Error(`expected a MemoryError with the code '${code}', got ${error}`, {
      cause: error,
    });
  };
}

/** A promise and the function that fulfils it. */
export function signal() {
  let fire;
  const fired = new Promise((resolve) => (fire = () => resolve()));
  return { fire, fired };
}

export function bytes(...values) {
  return Uint8Array.from(values);
}

export function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
