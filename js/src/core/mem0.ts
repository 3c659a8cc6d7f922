// SPDX-License-Identifier: MIT
//
// Mem0's module, which only those download who have a `Mem0Provider`. Its other side is
// src/wasm/mem0_bindings.cpp; it has no glue, and is given the host's methods as they are.

import { mem0WasmSource } from '#mem0-wasm';
import type { LoadOptions } from '../types.js';
import type { Bridge } from './bridge.js';
import { loader } from './loading.js';
import type { WasmModule } from './module.js';

interface Exports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  request(what: number, id: number, ticket: number, argument: number): number;
}

/** The bridge to Mem0's module, loaded if it is not yet. */
export const mem0Bridge = /* @__PURE__ */ loader({
  name: 'the Mem0 WebAssembly module',
  advice:
    'Copy agent-memory-mem0.wasm next to your script, call loadMem0({ wasm }) with its address, or import agent-memory-wasm/inline.',
  source: mem0WasmSource,
  make: instantiate,
});

/**
 * Loads Mem0's module ahead of use, or from a source of the caller's own, as `load` does for the
 * core. Idempotent: the first source wins.
 */
export async function loadMem0(options: LoadOptions = {}): Promise<void> {
  await mem0Bridge(options.wasm);
}

async function instantiate(
  compiled: WebAssembly.Module,
  host: Bridge,
): Promise<{ module: WasmModule; memory: WebAssembly.Memory }> {
  const instance = await WebAssembly.instantiate(compiled, {
    host: {
      call: host.call.bind(host),
      deliver: host.deliver.bind(host),
      parse: host.parse.bind(host),
      now: host.now.bind(host),
      random: host.random.bind(host),
    },
    // Whoever reads the memory notices by itself.
    env: { emscripten_notify_memory_growth: () => undefined },
  });
  const exports = instance.exports as unknown as Exports;
  exports._initialize();
  const request: WasmModule['request'] = (what, id, ticket, argument) =>
    exports.request(what, id, ticket, argument) >>> 0;
  return { module: { request }, memory: exports.memory };
}
