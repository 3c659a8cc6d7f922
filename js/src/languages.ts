// SPDX-License-Identifier: MIT
//
// `agent-memory-wasm/languages`: languages beside English, in a module of their own that only those
// who ask for it download. Its other side is src/languages/module.cpp.

import { languagesWasmSource } from '#languages-wasm';
import { loadOnce } from './core/compile.js';
import { invalidArgument } from './errors.js';
import type { Language, LoadOptions } from './types.js';

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

/** The languages by their names, loaded if they are not yet. */
const load = /* @__PURE__ */ loadOnce({
  name: "the languages' WebAssembly module",
  advice:
    'Copy agent-memory-languages.wasm next to your script, or call loadLanguages({ wasm }) with its address.',
  source: languagesWasmSource,
  async make(compiled) {
    const instance = await WebAssembly.instantiate(compiled);
    return read(instance.exports as unknown as Exports);
  },
});

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
  await load(options.wasm);
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
