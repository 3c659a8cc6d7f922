// SPDX-License-Identifier: MIT

import type { MemoryProvider, RetrievedMemory, StoredMemory } from '../types.js';

/** A call of a provider's method. */
export interface RecordedCall {
  readonly method: keyof MemoryProvider;
  readonly arguments: readonly unknown[];
}

/** By method: a value to resolve with, an Error to reject with, or a function in its place. */
export type FakeAnswers = {
  [Method in keyof MemoryProvider]?:
    Awaited<ReturnType<MemoryProvider[Method]>> | Error | MemoryProvider[Method];
};

/** A provider that keeps nothing, answers what it is told to, and knows what it was asked. */
export interface FakeProvider extends MemoryProvider {
  /** All calls so far, in their order. */
  readonly calls: readonly RecordedCall[];
  /** May be changed at any time; holds for the calls after that. */
  answers: FakeAnswers;
}

/**
 * For tests of code that uses a provider, a `MemoryContext` or a `MemorySession`. A method without an
 * answer finds and stores nothing: `[]`, and `false` for `deleteMemory`.
 */
export function fakeProvider(answers: FakeAnswers = {}): FakeProvider {
  const calls: RecordedCall[] = [];
  const call = async <T>(
    method: keyof MemoryProvider,
    given: unknown[],
    nothing: T,
  ): Promise<T> => {
    calls.push({ method, arguments: given });
    const answer: unknown = provider.answers[method];
    if (answer instanceof Error) throw answer;
    if (typeof answer === 'function') return (await Reflect.apply(answer, provider, given)) as T;
    return answer === undefined ? nothing : (answer as T);
  };
  const provider: FakeProvider = {
    calls,
    answers,
    retrieveMemories: (...given) => call<RetrievedMemory[]>('retrieveMemories', given, []),
    storeMemories: (...given) => call<StoredMemory[]>('storeMemories', given, []),
    getAllMemories: (...given) => call<RetrievedMemory[]>('getAllMemories', given, []),
    deleteMemory: (...given) => call('deleteMemory', given, false),
  };
  return provider;
}
