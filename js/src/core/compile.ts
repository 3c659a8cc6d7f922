// SPDX-License-Identifier: MIT
//
// How a WebAssembly module comes to be, once for a realm, from whatever a caller has: itself, its
// bytes, a response, an address. And what helps where it does not.

import { InternalError } from '../errors.js';
import type { WasmSource } from '../types.js';

/** What is particular to a module. */
export interface ModuleKind<Made> {
  /** For messages: `the WebAssembly module`. */
  readonly name: string;
  /** What helps where the file is not found, or is another: a sentence. */
  readonly advice: string;
  /** Where it is, if nobody says otherwise. */
  source(): Promise<WasmSource>;
  /** What is wanted of it. `forget` makes the next who asks load it anew. */
  make(compiled: WebAssembly.Module, forget: () => void): Promise<Made>;
}

/**
 * A function that gives what `kind.make` made, loaded if it is not yet: once, for all who ask. The
 * first source counts, later ones are ignored, also if they fail. After a failure, which rejects
 * with `internal` for all who wait, the next call tries anew.
 */
export function loadOnce<Made>(
  kind: ModuleKind<Made>,
): (source?: WasmSource | Promise<WasmSource>) => Promise<Made> {
  let loading: Promise<Made> | undefined;
  const forget = (): void => {
    loading = undefined;
  };
  return (source) => {
    // A source that is ignored may fail unheard.
    Promise.resolve(source).catch(() => undefined);
    loading ??= start(kind, source, forget).catch((error: unknown) => {
      forget();
      throw error;
    });
    return loading;
  };
}

async function start<Made>(
  kind: ModuleKind<Made>,
  source: WasmSource | Promise<WasmSource> | undefined,
  forget: () => void,
): Promise<Made> {
  try {
    const found = source === undefined ? await kind.source() : await source;
    return await kind.make(await compile(found), forget);
  } catch (cause) {
    const reason = textOf(cause);
    const obstacle = obstacleOf(reason);
    const message = `${kind.name} could not be loaded: ${reason}. ${obstacle ?? kind.advice}`;
    throw new InternalError({ code: 'internal', message, isRetryable: !obstacle, cause });
  }
}

function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/[.\s]+$/, '');
}

/** What keeps this realm from compiling a sound module, and what helps; nothing where it would. */
function obstacleOf(reason: string): string | undefined {
  // Named by the policy in Chromium and WebKit, and in Firefox by "blocked by CSP".
  if (/unsafe-eval|\bCSP\b/.test(reason)) {
    return "The page's Content-Security-Policy needs script-src 'self' 'wasm-unsafe-eval'.";
  }
  if (reason.includes('disallowed by embedder')) {
    return 'This runtime compiles no bytes: import the .wasm file, and hand what that gives to load({ wasm }).';
  }
  if (typeof WebAssembly !== 'object') {
    return 'WebAssembly is missing or switched off here, as by a hardened mode of the browser.';
  }
  // A function that makes a vector of a number.
  const simd = [
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253,
    15, 253, 98, 11,
  ];
  if (!WebAssembly.validate(Uint8Array.from(simd))) {
    return 'It needs WebAssembly with SIMD: Chrome 91, Firefox 89, Safari 16.4, Node 16.4, or newer.';
  }
  return undefined;
}

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

async function compile(source: WasmSource): Promise<WebAssembly.Module> {
  if (isModule(source)) return source;
  if (isResponse(source)) return compileResponse(source);
  if (typeof source === 'string' || isURL(source)) return compileAddress(String(source));
  return WebAssembly.compile(source);
}

/** The part of Node's `process` by which a module is to be had that no bundler sees. */
interface Builtins {
  getBuiltinModule?(name: 'fs/promises'): {
    readFile(file: URL): Promise<Uint8Array<ArrayBuffer>>;
  };
}

async function compileAddress(address: string): Promise<WebAssembly.Module> {
  if (address.startsWith('file:')) {
    // Node fetches no files.
    const { process } = globalThis as { process?: Builtins };
    const files = process?.getBuiltinModule?.('fs/promises');
    if (files) return WebAssembly.compile(await files.readFile(new URL(address)));
  }
  let response;
  try {
    response = await fetch(address, { credentials: 'same-origin' });
  } catch (cause) {
    const reason = "it cannot be reached, or the page's connect-src forbids it";
    throw new Error(`${address} was not fetched (${textOf(cause)}): ${reason}`, { cause });
  }
  return compileResponse(response);
}

async function compileResponse(response: Response): Promise<WebAssembly.Module> {
  const name = response.url || 'the response';
  if (!response.ok) throw new Error(`${name} answered with status ${response.status}`);
  const type = response.headers.get('content-type') ?? '';
  if (type.startsWith('application/wasm') && typeof WebAssembly.compileStreaming === 'function') {
    return WebAssembly.compileStreaming(response);
  }
  const bytes = await response.arrayBuffer();
  // Of whatever type: servers that do not know .wasm call it this or that.
  if (!beginsAsModule(bytes)) {
    const what = type.startsWith('text/html') ? 'a web page' : `no WebAssembly, but '${type}'`;
    throw new Error(`${name} answered with ${what}`);
  }
  return WebAssembly.compile(bytes);
}

function beginsAsModule(bytes: ArrayBuffer): boolean {
  const text = String.fromCharCode(...new Uint8Array(bytes.slice(0, 4)));
  return text === '\0asm';
}
