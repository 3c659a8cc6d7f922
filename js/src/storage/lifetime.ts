// SPDX-License-Identifier: MIT
//
// How stores end: closing waits for what is under way, and calls that come after are refused.

import { memoryError } from '../errors.js';

/** From a store's making to its end. */
export class Lifetime {
  readonly #label: string;
  readonly #underWay = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  /** @param label - Names the store in messages. */
  constructor(label: string) {
    this.#label = label;
  }

  /** Whether `close` was called. */
  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  /** Throws `closed` once `close` was called. */
  refuseIfClosed(operation: string): void {
    if (this.#closing === undefined) return;
    throw memoryError({
      code: 'closed',
      message: `${this.#label}: ${operation} failed, the storage was closed`,
    });
  }

  /** The outcome as it is; closing waits for it. */
  async tracked<T>(outcome: Promise<T>): Promise<T> {
    this.#underWay.add(outcome);
    try {
      return await outcome;
    } finally {
      this.#underWay.delete(outcome);
    }
  }

  /** Does `finish` once; it is given what waits for all that is under way. */
  close(finish: (settled: () => Promise<unknown>) => Promise<void>): Promise<void> {
    return (this.#closing ??= finish(() => Promise.allSettled(this.#underWay)));
  }
}
