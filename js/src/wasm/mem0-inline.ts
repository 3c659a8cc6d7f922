// SPDX-License-Identifier: MIT
//
// `#mem0-wasm` of the inline entry, and of Node where there is no file: the module in base64.

import base64 from '#base64/agent-memory-mem0';
import type { WasmSource } from '../types.js';
import { bytesOf } from './base64.js';

export function mem0WasmSource(): Promise<WasmSource> {
  return Promise.resolve(bytesOf(base64));
}
