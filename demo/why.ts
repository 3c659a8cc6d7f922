// SPDX-License-Identifier: MIT
//
// A score and the reasons for it, as both the list and the chat show them.

import type { RetrievedMemory } from 'agent-memory-wasm';
import { element } from './dom.js';

/** The score as a bar and a number, and under it what it is made of. */
export function scoreAndWhy(memory: RetrievedMemory): HTMLElement {
  const score = memory.score.toFixed(2);
  const fill = element('span', { class: 'score-fill' });
  fill.style.setProperty(
    'inline-size',
    `${Math.round(Math.min(1, Math.max(0, memory.score)) * 100)}%`,
  );
  return element(
    'div',
    { class: 'score-and-why' },
    element(
      'div',
      { class: 'score' },
      element('span', { class: 'score-bar', 'aria-hidden': 'true' }, fill),
      element('span', { class: 'visually-hidden' }, 'Score '),
      element('span', { class: 'score-number', 'data-testid': 'memory-score' }, score),
    ),
    why(memory.explanation),
  );
}

function why(explanation: RetrievedMemory['explanation']): HTMLElement | undefined {
  if (!explanation) return undefined;
  const { terms, keyword, recency, context, semantic } = explanation;
  const parts = { keyword, recency, context, semantic };
  const numbers = Object.entries(parts).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${value.toFixed(2)}`],
  );
  return element(
    'p',
    { class: 'why', 'data-testid': 'memory-why' },
    terms.length > 0 ? 'matched ' : 'no word matched',
    ...terms.flatMap((term, index) => [index > 0 && ', ', element('b', {}, term)]),
    ` · ${numbers.join(' · ')}`,
  );
}

/** `text` with the words that `terms` matched marked, be they written like the query's or not. */
export function markTerms(text: string, terms: readonly string[]): (Node | string)[] {
  return text.split(/([\p{L}\p{N}]+)/u).map((piece, index) => {
    const isWord = index % 2 === 1;
    return isWord && terms.some((term) => isFormOf(piece, term))
      ? element('mark', {}, piece)
      : piece;
  });
}

const ending = /^(|s|es|e|d|ed|er|ers|r|rs|ing|y|ies|ied|ic|ly)$/;

/** A guess at what the stemmer sees as one: "drinking" and "drinks", "allergic" and "allergies". */
function isFormOf(one: string, other: string): boolean {
  const [left, right] = [fold(one), fold(other)];
  let shared = 0;
  while (shared < left.length && left[shared] === right[shared]) shared++;
  for (let stem = shared; stem > 2; stem--) {
    if (ending.test(left.slice(stem)) && ending.test(right.slice(stem))) return true;
  }
  return left === right;
}

const fold = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
