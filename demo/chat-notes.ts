// SPDX-License-Identifier: MIT
//
// The small lines under messages: what was remembered for an answer, and what was saved.

import type { RetrievedMemory, StoredMemory } from 'agent-memory-wasm';
import { button, element, icon } from './dom.js';
import { memoriesInWords } from './format.js';
import { isWorthKeeping, kindOf } from './utterance.js';
import { scoreAndWhy } from './why.js';

/** What the agent was given to answer with; opens to show each with its score and why. */
export function usedNote(memories: readonly RetrievedMemory[]): HTMLElement {
  const things = memories.length === 1 ? 'one thing' : `${memories.length} things`;
  const list = element('ul');
  for (const memory of memories) {
    list.append(
      element(
        'li',
        { 'data-testid': 'used-memory' },
        element('p', { class: 'used-text' }, memory.memory),
        scoreAndWhy(memory),
      ),
    );
  }
  return element(
    'details',
    { class: 'used', 'data-testid': 'used' },
    element('summary', { class: 'chip' }, icon('recalled'), `Remembered ${things}`),
    list,
  );
}

/** What became of what the user said. Leads to the memory, where there is one. */
export function keptNote(
  text: string,
  stored: readonly StoredMemory[],
  onReveal: (memoryId: string) => void,
): HTMLElement {
  const added = stored.filter(({ event }) => event === 'ADD' || event === 'UPDATE');
  const [first] = added.length > 0 ? added : stored;
  if (!first) {
    return element('p', { class: 'chip plain', 'data-testid': 'not-saved' }, notKeptBecause(text));
  }
  const words =
    added.length === 0
      ? 'Already remembered'
      : added.length === 1
        ? 'Memory saved'
        : `${memoriesInWords(added.length)} saved`;
  return button(
    { class: 'chip', 'data-testid': 'memory-saved', title: 'Show it in the list' },
    () => {
      onReveal(first.id);
    },
    icon('saved'),
    words,
  );
}

function notKeptBecause(text: string): string {
  if (isWorthKeeping(text)) return 'Not saved';
  return ['question', 'overview'].includes(kindOf(text))
    ? 'Questions are not kept'
    : 'Nothing to keep';
}
