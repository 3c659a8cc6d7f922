// SPDX-License-Identifier: MIT
//
// `#languages-wasm` for Node: the module lies beside the package, on disk.

import { readFile } from 'node:fs/promises';
import type { WasmSource } from '../types.js';

export async function languagesWasmSource(): Promise<WasmSource> {
  return readFile(new URL('../agent-memory-languages.wasm', import.meta.url));
}
