// SPDX-License-Identifier: MIT
//
// What every provider with listeners and timers does.

/** Calls each listener; what one throws is thrown where nobody of ours is hurt by it. */
export function tellAll<Event>(listeners: Iterable<(event: Event) => void>, event: Event): void {
  for (const listener of listeners) {
    try {
      listener(event);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

/** In Node a timer keeps the process alive unless it is told not to. */
export function letProcessEnd(timer: unknown): void {
  if (typeof timer !== 'object' || timer === null || !('unref' in timer)) return;
  if (typeof timer.unref === 'function') Reflect.apply(timer.unref, timer, []);
}
