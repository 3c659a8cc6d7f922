// SPDX-License-Identifier: MIT
//
// `#languages-wasm` of the inline entry, and of Node where there is no file: the module in base64.

import base64 from '#base64/agent-memory-languages';
import type { WasmSource } from '../types.js';
import { bytesOf } from './base64.js';

export function languagesWasmSource(): Promise<WasmSource> {
  return Promise.resolve(bytesOf(base64));
}
