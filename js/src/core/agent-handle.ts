// SPDX-License-Identifier: MIT
//
// What MemoryContext and MemorySession share: a handle in the core that is made at the first call,
// tells errors by number, and is freed with its owner.

import { invalidArgument } from '../errors.js';
import type { MemoryError } from '../errors.js';
import type { MemoryContextOptions, MemoryProvider } from '../types.js';
import type { Bridge, InvokeOptions, WireError, WriteArguments } from './bridge.js';
import { finalizer } from './finalizer.js';
import { requireOptions, writeOptions } from './json.js';
import { bridge } from './load.js';
import type { ObjectId, OperationNumber } from './module.js';
import { numberOf, requireProvider } from './provider-handle.js';
import { Writer } from './values.js';

interface Owned {
  readonly core: Bridge;
  readonly ids: readonly ObjectId[];
}

const owners = /* @__PURE__ */ finalizer<Owned>(({ core, ids }) => {
  for (const id of ids) {
    core.free(id);
    core.remove(id);
  }
});

function warn(error: MemoryError, operation: string): void {
  console.warn(`agent-memory: ${operation} went on without memory:`, error);
}

export class AgentHandle {
  readonly #kind: OperationNumber;
  readonly #provider: MemoryProvider;
  readonly #options: MemoryContextOptions;
  #made: Promise<{ core: Bridge; id: ObjectId }> | undefined;
  #current: { core: Bridge; id: ObjectId } | undefined;

  /** @param kind - The operation that makes it. */
  constructor(kind: OperationNumber, provider: MemoryProvider, options: MemoryContextOptions) {
    requireProvider(provider);
    requireOptions(options);
    if (options.onError !== undefined && typeof options.onError !== 'function') {
      throw invalidArgument('onError', 'must be a function');
    }
    this.#kind = kind;
    this.#provider = provider;
    this.#options = options;
  }

  /** Starts an operation, with its arguments as they are now. */
  async invoke<T>(
    operation: OperationNumber,
    write: WriteArguments,
    options?: InvokeOptions,
  ): Promise<T> {
    const writer = new Writer();
    write(writer);
    const { core, id } = await (this.#made ??= this.#make().catch((error: unknown) => {
      this.#made = undefined;
      throw error;
    }));
    return core.invoke<T>(
      operation,
      id,
      (to) => {
        to.raw(writer.take());
      },
      options,
    );
  }

  /** What the core has, where there is something to ask yet. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- what is packed for it
  ask<T>(operation: OperationNumber, write: WriteArguments): T | undefined {
    return this.#current?.core.ask<T>(operation, this.#current.id, write);
  }

  async #make(): Promise<{ core: Bridge; id: ObjectId }> {
    const { onError = warn, ...options } = this.#options;
    const core = await bridge();
    const id = core.nextId();
    core.addListener(id, (event) => {
      // Written by pack_error_event in src/wasm/wire.cpp.
      const { operation, error } = event as { operation: string; error: WireError };
      onError(core.revive(error), operation);
    });
    const provider = numberOf(core, this.#provider);
    const ids = provider.own ? [id, provider.id] : [id];
    try {
      core.ask(this.#kind, id, (writer) => {
        writer.array(2);
        writer.value(provider.id);
        writeOptions(writer, options);
      });
    } catch (error) {
      for (const each of ids) core.remove(each);
      throw error;
    }
    owners.watch(this, { core, ids });
    return (this.#current = { core, id });
  }
}
