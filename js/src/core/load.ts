// SPDX-License-Identifier: MIT
//
// One module for all providers of a realm, made at the first use. The only importer of the
// Emscripten glue.

import createModule from '#glue';
import { wasmSource } from '#wasm';
import type { Bridge } from './bridge.js';
import { loader } from './loading.js';
import type { WasmModule } from './module.js';

/** The bridge to the one module, loaded if it is not yet. */
export const bridge = /* @__PURE__ */ loader({
  name: 'the WebAssembly module',
  advice:
    'Copy agent-memory.wasm next to your script, call load({ wasm }) with its address, or import agent-memory-wasm/inline.',
  source: wasmSource,
  make: instantiate,
});

function instantiate(
  compiled: WebAssembly.Module,
  host: Bridge,
): Promise<{ module: WasmModule; memory: WebAssembly.Memory }> {
  return new Promise((resolve, reject) => {
    let memory: WebAssembly.Memory | undefined;
    createModule({
      host,
      instantiateWasm(imports, done) {
        WebAssembly.instantiate(compiled, imports).then((instance) => {
          // By what it is: the name is one letter, and another in each build.
          memory = Object.values(instance.exports).find(
            (each): each is WebAssembly.Memory => each instanceof WebAssembly.Memory,
          );
          done(instance, compiled);
        }, reject);
        return {};
      },
    }).then((module) => {
      if (memory === undefined) reject(new Error('it exports no memory'));
      else resolve({ module, memory });
    }, reject);
  });
}
