// SPDX-License-Identifier: MIT
//
// `#languages-wasm` for pages, workers and whatever else fetches: the module lies beside the script.

import type { WasmSource } from '../types.js';

export function languagesWasmSource(): Promise<WasmSource> {
  return Promise.resolve(new URL('./agent-memory-languages.wasm', import.meta.url));
}
