// SPDX-License-Identifier: MIT

import { invalidArgument } from '../errors.js';

/** A clock that moves only when told to. */
export interface FakeClock {
  /** Milliseconds since 1970; for the option `now` of `LocalProvider.open`. */
  readonly now: () => number;
  /** Moves it forward by `milliseconds`, at least 0. */
  advance(milliseconds: number): void;
}

/**
 * A clock at `start`: `LocalProvider.open({ now: clock.now })` ages memories as fast as a test wants.
 * Default: the beginning of 2026, UTC. Throws `invalid_argument` for what is no time.
 */
export function fakeClock(start: string | number | Date = '2026-01-01T00:00:00Z'): FakeClock {
  let time = new Date(start).getTime();
  if (Number.isNaN(time)) throw invalidArgument('start', `must be a time, got '${String(start)}'`);
  return {
    now: () => time,
    advance(milliseconds) {
      if (!(milliseconds >= 0)) {
        throw invalidArgument('milliseconds', `must be at least 0, got ${milliseconds}`);
      }
      time += milliseconds;
    },
  };
}
