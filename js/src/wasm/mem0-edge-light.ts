// SPDX-License-Identifier: MIT
//
// `#mem0-wasm` for Vercel's edge runtime, which compiles nothing from bytes: with `?module` its bundlers
// make a compiled module of the file.

import module from './agent-memory-mem0.wasm?module';
import type { WasmSource } from '../types.js';

export function mem0WasmSource(): Promise<WasmSource> {
  return Promise.resolve(module);
}
