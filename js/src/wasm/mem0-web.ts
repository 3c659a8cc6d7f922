// SPDX-License-Identifier: MIT
//
// `#mem0-wasm` for pages, workers and whatever else fetches: the module lies beside the script.

import type { WasmSource } from '../types.js';

export function mem0WasmSource(): Promise<WasmSource> {
  return Promise.resolve(new URL('./agent-memory-mem0.wasm', import.meta.url));
}
