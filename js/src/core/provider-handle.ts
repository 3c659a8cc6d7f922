// SPDX-License-Identifier: MIT
//
// A provider as the core takes it: its own, or a JavaScript object behind a number.

import { invalidArgument } from '../errors.js';
import type { MemoryProvider } from '../types.js';
import type { Bridge } from './bridge.js';
import type { ObjectId, ProviderHandle } from './module.js';

const natives = new WeakMap<object, ProviderHandle>();

/** Notes that `provider` is the facade of a provider that lives in the core. */
export function registerNative(provider: MemoryProvider, handle: ProviderHandle): void {
  natives.set(provider, handle);
}

/**
 * Notes that the provider is closed and its handle freed. A context made afterwards finds out by
 * calling the facade, which says so.
 */
export function unregisterNative(provider: MemoryProvider): void {
  natives.delete(provider);
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

/** The handle to give to the core, and what is to be freed with whoever took it. */
export function handleOf(
  core: Bridge,
  provider: MemoryProvider,
): { handle: ProviderHandle; own?: { handle: ProviderHandle; id: ObjectId } } {
  const native = natives.get(provider);
  if (native !== undefined) return { handle: native };
  const id = core.nextId();
  core.addProvider(id, provider);
  const handle = new core.module.HostProvider(id);
  return { handle, own: { handle, id } };
}
