// SPDX-License-Identifier: MIT
//
// `agent-memory-wasm/languages`: languages beside English, in a module of their own that only those
// who ask for it download. Its other side is src/languages/module.cpp.

import { languagesWasmSource } from '#languages-wasm';
import { compile } from './core/compile.js';
import { InternalError, invalidArgument } from './errors.js';
import type { Language, LoadOptions, WasmSource } from './types.js';

export type { Language } from './types.js';

/** The languages that this package has a stemmer for. */
export type LanguageName =
  | 'english'
  | 'german'
  | 'french'
  | 'spanish'
  | 'portuguese'
  | 'italian'
  | 'dutch'
  | 'swedish'
  | 'russian';

interface Exports {
  readonly memory: WebAssembly.Memory;
  languageId(language: number): number;
  stopWords(language: number): number;
  letters(language: number): number;
  wordBuffer(): number;
  stem(language: number, size: number): number;
}

// The core has it; what it does is not asked for here.
const english: Language = {
  id: 'english',
  stopWords: '',
  letters: '',
  stem: (_word, size) => size,
};

const advice =
  'Copy agent-memory-languages.wasm next to your script, or call loadLanguages({ wasm }) with its address.';

let loading: Promise<Map<string, Language>> | undefined;

/**
 * Languages for `LocalProvider.open({ languages })`, in the order given: the first is what a text
 * is taken to be in that tells nothing. Loads their module at the first call, 19 kB.
 *
 * @example
 * await LocalProvider.open({ languages: languages('german', 'english') });
 */
export async function languages(...names: LanguageName[]): Promise<Language[]> {
  const known = await load();
  return names.map((name) => {
    const language = known.get(name);
    if (language) return language;
    const all = [...known.keys()].join(', ');
    throw invalidArgument('languages', `must be among ${all}, got ${name}`);
  });
}

/**
 * Loads the languages' module ahead of use, or from a source of the caller's own, as `load` does
 * for the core. Idempotent: the first source wins.
 */
export async function loadLanguages(options: LoadOptions = {}): Promise<void> {
  const { wasm } = options;
  // A source that is ignored may fail unheard.
  if (wasm instanceof Promise) wasm.catch(() => undefined);
  await load(wasm);
}

function load(source?: WasmSource | Promise<WasmSource>): Promise<Map<string, Language>> {
  loading ??= start(source).catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function start(
  source: WasmSource | Promise<WasmSource> | undefined,
): Promise<Map<string, Language>> {
  try {
    const found = source === undefined ? await languagesWasmSource() : await source;
    const module = await compile(found, advice);
    const instance = await WebAssembly.instantiate(module);
    return read(instance.exports as unknown as Exports);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the languages' WebAssembly module could not be loaded: ${reason}`;
    throw new InternalError({ code: 'internal', message, isRetryable: true, cause });
  }
}

function read(exports: Exports): Map<string, Language> {
  // The module's memory never grows, so the view stays.
  const memory = new Uint8Array(exports.memory.buffer);
  const decoder = new TextDecoder();
  const text = (begin: number): string =>
    decoder.decode(memory.subarray(begin, memory.indexOf(0, begin)));
  const buffer = exports.wordBuffer();
  const known = new Map([['english', english]]);
  for (let number = 0; ; ++number) {
    const id = exports.languageId(number);
    if (id === 0) return known;
    const language: Language = {
      id: text(id),
      stopWords: text(exports.stopWords(number)),
      letters: text(exports.letters(number)),
      stem(word, size) {
        memory.set(word.subarray(0, size), buffer);
        const stemSize = exports.stem(number, size);
        word.set(memory.subarray(buffer, buffer + stemSize));
        return stemSize;
      },
    };
    known.set(language.id.slice(0, language.id.indexOf('-')), language);
  }
}
