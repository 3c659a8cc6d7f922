// SPDX-License-Identifier: MIT
//
// `#wasm` for pages, workers and whatever else fetches: the module lies beside the script.

import type { WasmSource } from '../types.js';

export function wasmSource(): Promise<WasmSource> {
  return Promise.resolve(new URL('./agent-memory.wasm', import.meta.url));
}
