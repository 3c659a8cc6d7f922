// SPDX-License-Identifier: MIT
//
// A provider as the core takes it: its own, or a JavaScript object behind a number.

import { invalidArgument } from '../errors.js';
import type { MemoryProvider } from '../types.js';
import type { Bridge } from './bridge.js';
import { Operation } from './module.js';
import type { ObjectId } from './module.js';

const natives = new WeakMap<object, ObjectId>();

/** Notes that `provider` is the facade of a provider that lives in the core. */
export function registerNative(provider: MemoryProvider, id: ObjectId): void {
  natives.set(provider, id);
}

/**
 * Notes that the provider is closed and its handle freed. A context made afterwards finds out by
 * calling the facade, which says so.
 */
export function unregisterNative(provider: MemoryProvider): void {
  natives.delete(provider);
}

/** The number of a provider that lives in the core; undefined where it does not, or is closed. */
export function nativeOf(provider: object): ObjectId | undefined {
  return natives.get(provider);
}

/** Refuses what has not the four methods. */
export function requireProvider(provider: unknown): asserts provider is MemoryProvider {
  const methods = ['retrieveMemories', 'storeMemories', 'getAllMemories', 'deleteMemory'] as const;
  for (const method of methods) {
    if (
      typeof provider !== 'object' ||
      provider === null ||
      typeof Reflect.get(provider, method) !== 'function'
    ) {
      throw invalidArgument('provider', `must have the method ${method}`);
    }
  }
}

/** The number of `provider` in the core, and whether it is to be freed with whoever took it. */
export function numberOf(core: Bridge, provider: MemoryProvider): { id: ObjectId; own: boolean } {
  const native = natives.get(provider);
  if (native !== undefined) return { id: native, own: false };
  const id = core.nextId();
  core.addProvider(id, provider);
  core.ask(Operation.makeProvider, id, () => undefined);
  return { id, own: true };
}
