// SPDX-License-Identifier: MIT
//
// One module for all providers of a realm, made at the first use. The only importer of the
// Emscripten glue.

import createModule from '#glue';
import { wasmSource } from '#wasm';
import { InternalError } from '../errors.js';
import type { LoadOptions, WasmSource } from '../types.js';
import { Bridge } from './bridge.js';
import { compile } from './compile.js';
import type { WasmModule } from './module.js';

const advice =
  'Copy agent-memory.wasm next to your script, or call load({ wasm }) with its address.';

let loading: Promise<Bridge> | undefined;

/**
 * Loads the module ahead of use, or from a source of the caller's own.
 *
 * Idempotent: the first source wins, later ones are ignored. A failed load can be tried again.
 * Rejects with `internal` where the module cannot be fetched or compiled; the message says what
 * usually helps.
 */
export async function load(options: LoadOptions = {}): Promise<void> {
  const { wasm } = options;
  // A source that is ignored may fail unheard.
  if (wasm instanceof Promise) wasm.catch(() => undefined);
  await bridge(wasm);
}

/** The bridge to the one module, loaded if it is not yet. */
export function bridge(source?: WasmSource | Promise<WasmSource>): Promise<Bridge> {
  loading ??= start(source).catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function start(source: WasmSource | Promise<WasmSource> | undefined): Promise<Bridge> {
  const made = new Bridge(() => {
    loading = undefined;
  });
  try {
    const found = source === undefined ? await wasmSource() : await source;
    const compiled = await compile(found, advice);
    const { module, memory } = await instantiate(compiled, made);
    made.attach(module, memory);
    made.learnNames();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the WebAssembly module could not be loaded: ${reason}`;
    throw new InternalError({ code: 'internal', message, isRetryable: true, cause });
  }
  return made;
}

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
