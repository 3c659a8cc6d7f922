// SPDX-License-Identifier: MIT
//
// `#languages-wasm` for workerd (Cloudflare), which compiles nothing from bytes: there a .wasm is imported,
// and is a compiled module.

import module from './agent-memory-languages.wasm';
import type { WasmSource } from '../types.js';

export function languagesWasmSource(): Promise<WasmSource> {
  return Promise.resolve(module);
}
