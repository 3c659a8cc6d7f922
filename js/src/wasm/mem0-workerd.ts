// SPDX-License-Identifier: MIT
//
// `#mem0-wasm` for workerd (Cloudflare), which compiles nothing from bytes: there a .wasm is imported,
// and is a compiled module.

import module from './agent-memory-mem0.wasm';
import type { WasmSource } from '../types.js';

export function mem0WasmSource(): Promise<WasmSource> {
  return Promise.resolve(module);
}
