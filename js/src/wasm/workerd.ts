// SPDX-License-Identifier: MIT
//
// `#wasm` for workerd (Cloudflare), which compiles nothing from bytes: there a .wasm is imported,
// and is a compiled module.

import module from './agent-memory.wasm';
import type { WasmSource } from '../types.js';

export function wasmSource(): Promise<WasmSource> {
  return Promise.resolve(module);
}
