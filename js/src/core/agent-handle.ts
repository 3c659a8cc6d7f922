// SPDX-License-Identifier: MIT
//
// What MemoryContext and MemorySession share: a handle in the core that is made at the first call,
// tells errors by number, and is freed with its owner.

import { invalidArgument } from '../errors.js';
import type { MemoryError } from '../errors.js';
import type { MemoryContextOptions, MemoryProvider } from '../types.js';
import type { Bridge, InvokeOptions } from './bridge.js';
import { finalizer } from './finalizer.js';
import { encodeOptions, requireOptions } from './json.js';
import { bridge } from './load.js';
import type { Handle, ObjectId, ProviderHandle, WasmModule } from './module.js';
import { handleOf, requireProvider } from './provider-handle.js';

/** Makes the handle out of what both kinds are made of. */
type Make<H> = (
  module: WasmModule,
  provider: ProviderHandle,
  owner: ObjectId,
  optionsJson: string,
) => H;

interface Owned {
  readonly core: Bridge;
  readonly handles: Handle[];
  readonly ids: ObjectId[];
}

const owners = finalizer<Owned>(({ core, handles, ids }) => {
  for (const handle of handles) core.free(handle);
  for (const id of ids) core.remove(id);
});

function warn(error: MemoryError, operation: string): void {
  console.warn(`agent-memory: ${operation} went on without memory:`, error);
}

export class AgentHandle<H extends Handle> {
  readonly #construct: Make<H>;
  readonly #provider: MemoryProvider;
  readonly #options: MemoryContextOptions;
  #made: Promise<{ core: Bridge; handle: H }> | undefined;
  /** The handle, once it is made. */
  current: H | undefined;

  constructor(construct: Make<H>, provider: MemoryProvider, options: MemoryContextOptions) {
    requireProvider(provider);
    requireOptions(options);
    if (options.onError !== undefined && typeof options.onError !== 'function') {
      throw invalidArgument('onError', 'must be a function');
    }
    this.#construct = construct;
    this.#provider = provider;
    this.#options = options;
  }

  /** Starts an operation on the handle. */
  async invoke<T>(start: (handle: H, ticket: number) => void, options?: InvokeOptions): Promise<T> {
    this.#made ??= this.#make().catch((error: unknown) => {
      this.#made = undefined;
      throw error;
    });
    const { core, handle } = await this.#made;
    return core.invoke<T>((_module, ticket) => {
      start(handle, ticket);
    }, options);
  }

  async #make(): Promise<{ core: Bridge; handle: H }> {
    const { onError = warn, ...rest } = this.#options;
    const json = encodeOptions(rest);
    const core = await bridge();
    const owner = core.nextId();
    core.addListener(owner, (event) => {
      // Written by decode_context_options in src/wasm/bindings.cpp.
      const { operation, error } = event as {
        operation: string;
        error: Parameters<Bridge['revive']>[0];
      };
      onError(core.revive(error), operation);
    });
    const { handle: provider, own } = handleOf(core, this.#provider);
    const handle = this.#construct(core.module, provider, owner, json);
    this.current = handle;
    owners.watch(this, {
      core,
      handles: own ? [handle, own.handle] : [handle],
      ids: own ? [owner, own.id] : [owner],
    });
    return { core, handle };
  }
}
