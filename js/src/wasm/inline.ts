// SPDX-License-Identifier: MIT
//
// `#wasm` of the inline entry, and of Node where there is no file: the module in base64.

import base64 from '#base64/agent-memory';
import type { WasmSource } from '../types.js';
import { bytesOf } from './base64.js';

export function wasmSource(): Promise<WasmSource> {
  return Promise.resolve(bytesOf(base64));
}
