// SPDX-License-Identifier: MIT
//
// `#languages-wasm` for Vercel's edge runtime, which compiles nothing from bytes: with `?module` its bundlers
// make a compiled module of the file.

import module from './agent-memory-languages.wasm?module';
import type { WasmSource } from '../types.js';

export function languagesWasmSource(): Promise<WasmSource> {
  return Promise.resolve(module);
}
