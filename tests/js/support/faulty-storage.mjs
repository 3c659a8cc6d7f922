// Stores that go wrong when told to.

/**
 * `inner` with every method interceptable: `intercept(method, args)` returns undefined to let a call through, or a
 * function whose result (a promise, a throw) the call has instead.
 */
export function interceptedStorage(inner, intercept) {
  const through = (method) =>
    inner[method] && ((...args) => (intercept(method, args) ?? (() => inner[method](...args)))());
  return {
    kind: inner.kind,
    ...Object.fromEntries(
      ['get', 'write', 'scan', 'watch', 'exclusively', 'close']
        .filter((method) => inner[method])
        .map((method) => [method, through(method)]),
    ),
  };
}

/** Every record of a store, in key order. */
export const recordsOf = (storage) => storage.scan('', undefined, 1e6);

/** A promise with its handles. */
export function deferred() {
  let resolve;
  let reject;
  const promise = new Promise((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
