// SPDX-License-Identifier: MIT
//
// `#wasm` for Vercel's edge runtime, which compiles nothing from bytes: with `?module` its bundlers
// make a compiled module of the file.

import module from './agent-memory.wasm?module';
import type { WasmSource } from '../types.js';

export function wasmSource(): Promise<WasmSource> {
  return Promise.resolve(module);
}
