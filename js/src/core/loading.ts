// SPDX-License-Identifier: MIT
//
// Modules that are bound to a bridge: the core's and Mem0's.

import { Bridge } from './bridge.js';
import { loadOnce, type ModuleKind } from './compile.js';
import type { WasmModule } from './module.js';

/** What is particular to a module; see `ModuleKind`. */
export interface BridgedKind extends Omit<ModuleKind<Bridge>, 'make'> {
  make(
    compiled: WebAssembly.Module,
    host: Bridge,
  ): Promise<{ module: WasmModule; memory: WebAssembly.Memory }>;
}

/** A function that gives the bridge to the one module, as `loadOnce` does; a new one after a trap. */
export function loader(kind: BridgedKind): ReturnType<typeof loadOnce<Bridge>> {
  return loadOnce({
    ...kind,
    async make(compiled, forget) {
      const made = new Bridge(forget);
      const { module, memory } = await kind.make(compiled, made);
      made.attach(module, memory);
      made.learnNames();
      return made;
    },
  });
}
