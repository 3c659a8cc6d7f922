// SPDX-License-Identifier: MIT
//
// A WebAssembly module from whatever a caller has: itself, its bytes, a response, an address.

import type { WasmSource } from '../types.js';

// By the class name they say: objects of another realm are no `instanceof` of ours.
function saysItIs(value: unknown, name: string): boolean {
  return Object.prototype.toString.call(value) === `[object ${name}]`;
}

function isModule(value: unknown): value is WebAssembly.Module {
  return saysItIs(value, 'WebAssembly.Module');
}

function isResponse(value: unknown): value is Response {
  return saysItIs(value, 'Response');
}

function isURL(value: unknown): value is URL {
  return saysItIs(value, 'URL');
}

/** The module behind any source; `advice` is for where a web page answers in its place. */
export async function compile(source: WasmSource, advice: string): Promise<WebAssembly.Module> {
  if (isModule(source)) return source;
  if (isResponse(source)) return compileResponse(source, advice);
  if (typeof source === 'string' || isURL(source)) {
    return compileResponse(await fetch(source, { credentials: 'same-origin' }), advice);
  }
  return WebAssembly.compile(source);
}

async function compileResponse(response: Response, advice: string): Promise<WebAssembly.Module> {
  if (!response.ok) throw new Error(`${response.url} answered with status ${response.status}`);
  const type = response.headers.get('content-type') ?? '';
  if (type.startsWith('text/html')) {
    throw new Error(`${response.url} answered with a web page. ${advice}`);
  }
  if (type.startsWith('application/wasm') && typeof WebAssembly.compileStreaming === 'function') {
    return WebAssembly.compileStreaming(response);
  }
  return WebAssembly.compile(await response.arrayBuffer());
}
