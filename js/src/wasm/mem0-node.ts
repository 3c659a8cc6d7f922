// SPDX-License-Identifier: MIT
//
// `#mem0-wasm` for Node: the module lies beside the package, on disk.

import { readFile } from 'node:fs/promises';
import type { WasmSource } from '../types.js';

export async function mem0WasmSource(): Promise<WasmSource> {
  return readFile(new URL('../agent-memory-mem0.wasm', import.meta.url));
}
