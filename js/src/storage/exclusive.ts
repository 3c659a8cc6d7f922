// SPDX-License-Identifier: MIT
//
// One at a time, by name, among those who share this function: the lock of a store that no other
// context can see, and of contexts that have no locks.

/** Runs `work` once all that was given under the same name before it has ended. */
export type Exclusively = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/** A new set of names, each free. First come, first served; a failure frees the name as well. */
export function exclusive(): Exclusively {
  const tails = new Map<string, Promise<unknown>>();
  return (name, work) => {
    const result = (tails.get(name) ?? Promise.resolve()).then(work);
    const tail = result.then(ignore, ignore).then(() => {
      if (tails.get(name) === tail) tails.delete(name);
    });
    tails.set(name, tail);
    return result;
  };
}

function ignore(): void {
  // The outcome is the business of whoever asked for the work.
}
