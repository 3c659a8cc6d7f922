// SPDX-License-Identifier: MIT

/** Frees what belongs to a JavaScript object that was collected without being closed. */
export interface Finalizer<Held> {
  /** `held` must not reach `owner`, or it never dies. */
  watch(owner: object, held: Held): void;
  unwatch(owner: object): void;
}

/** Where the runtime has no FinalizationRegistry, nothing is freed before the realm ends. */
export function finalizer<Held>(free: (held: Held) => void): Finalizer<Held> {
  if (typeof FinalizationRegistry === 'undefined') {
    return { watch: () => undefined, unwatch: () => undefined };
  }
  const registry = new FinalizationRegistry<Held>(free);
  return {
    watch: (owner, held) => {
      registry.register(owner, held, owner);
    },
    unwatch: (owner) => {
      registry.unregister(owner);
    },
  };
}
