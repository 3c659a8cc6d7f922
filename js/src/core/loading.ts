// SPDX-License-Identifier: MIT
//
// How a module comes to be, once for a realm: found, compiled, made, and bound to its bridge.

import { InternalError } from '../errors.js';
import type { WasmSource } from '../types.js';
import { Bridge } from './bridge.js';
import { compile } from './compile.js';
import type { WasmModule } from './module.js';

/** What is particular to a module. */
export interface ModuleKind {
  /** For messages: `the WebAssembly module`. */
  readonly name: string;
  /** What helps where a web page answers in its place. */
  readonly advice: string;
  /** Where it is, if nobody says otherwise. */
  source(): Promise<WasmSource>;
  make(
    compiled: WebAssembly.Module,
    host: Bridge,
  ): Promise<{ module: WasmModule; memory: WebAssembly.Memory }>;
}

/** A function that gives the bridge to the one module, loaded if it is not yet. */
export function loader(
  kind: ModuleKind,
): (source?: WasmSource | Promise<WasmSource>) => Promise<Bridge> {
  let loading: Promise<Bridge> | undefined;
  return (source) => {
    // A source that is ignored may fail unheard.
    if (source instanceof Promise) source.catch(() => undefined);
    loading ??= start(kind, source, () => {
      loading = undefined;
    }).catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
}

async function start(
  kind: ModuleKind,
  source: WasmSource | Promise<WasmSource> | undefined,
  onTrap: () => void,
): Promise<Bridge> {
  const made = new Bridge(onTrap);
  try {
    const found = source === undefined ? await kind.source() : await source;
    const compiled = await compile(found, kind.advice);
    const { module, memory } = await kind.make(compiled, made);
    made.attach(module, memory);
    made.learnNames();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `${kind.name} could not be loaded: ${reason}`;
    throw new InternalError({ code: 'internal', message, isRetryable: true, cause });
  }
  return made;
}
