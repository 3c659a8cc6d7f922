// SPDX-License-Identifier: MIT
//
// `#mem0-wasm` for Node, Deno and Bun: the module lies beside the script, on disk. Where it does not (in
// a bundle) or may not be read, its twin in base64 is imported.

import { readFile } from 'node:fs/promises';
import type { WasmSource } from '../types.js';

export async function mem0WasmSource(): Promise<WasmSource> {
  try {
    return await readFile(new URL('./agent-memory-mem0.wasm', import.meta.url));
  } catch {
    const inline = await import('./mem0-inline.js');
    return inline.mem0WasmSource();
  }
}
