// SPDX-License-Identifier: MIT
//
// `#wasm` for Node: the module lies beside the package, on disk.

import { readFile } from 'node:fs/promises';
import type { WasmSource } from '../types.js';

export async function wasmSource(): Promise<WasmSource> {
  return readFile(new URL('../agent-memory.wasm', import.meta.url));
}
