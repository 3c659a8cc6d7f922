// SPDX-License-Identifier: MIT
//
// One memory in the list: as it is shown, and as it is edited.

import type { RetrievedMemory } from 'agent-memory-wasm';
import { button, element, icon, type Child } from './dom.js';
import { fullTime, shortTime } from './format.js';
import { markTerms, scoreAndWhy } from './why.js';

export function memoryRow(
  memory: RetrievedMemory,
  isUsed: boolean,
  { onEdit, onDelete }: { onEdit: () => void; onDelete: () => void },
): HTMLLIElement {
  const { explanation } = memory;
  return row(
    memory,
    element(
      'p',
      { class: 'memory-text', dir: 'auto' },
      ...markTerms(memory.memory, explanation?.terms ?? []),
    ),
    explanation && scoreAndWhy(memory),
    element(
      'div',
      { class: 'memory-foot' },
      element('span', { class: 'memory-when' }, ...whenAndWho(memory)),
      isUsed && element('span', { class: 'badge', 'data-testid': 'used-badge' }, 'just remembered'),
      element(
        'span',
        { class: 'memory-buttons' },
        rowButton('edit', 'Edit', onEdit),
        rowButton('delete', 'Delete', onDelete),
      ),
    ),
  );
}

/** Enter saves, Escape closes. */
export function editedRow(
  memory: RetrievedMemory,
  { onSave, onClose }: { onSave: (text: string) => void; onClose: () => void },
): HTMLLIElement {
  const field = element('textarea', {
    class: 'memory-edit',
    rows: 3,
    'aria-label': 'Text of the memory',
    'data-testid': 'edit-text',
  });
  field.value = memory.memory;
  const save = (): void => {
    const text = field.value.trim();
    if (text === '' || text === memory.memory) onClose();
    else onSave(text);
  };
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') onClose();
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    save();
  });
  return row(
    memory,
    field,
    element(
      'div',
      { class: 'edit-buttons' },
      button({ class: 'button small' }, onClose, 'Cancel'),
      button({ class: 'button small primary', 'data-testid': 'edit-save' }, save, 'Save'),
    ),
  );
}

function row(memory: RetrievedMemory, ...children: Child[]): HTMLLIElement {
  const attributes = { class: 'memory', 'data-testid': 'memory-item', 'data-id': memory.id };
  return element('li', { ...attributes, tabindex: -1 }, ...children);
}

function rowButton(name: 'edit' | 'delete', label: string, act: () => void): HTMLButtonElement {
  const attributes = { class: `icon-button small ${name}`, 'data-testid': `${name}-memory` };
  return button({ ...attributes, 'aria-label': label, title: label }, act, icon(name));
}

function whenAndWho({ createdAt, updatedAt, role }: RetrievedMemory): (Node | string)[] {
  const said = createdAt ? new Date(createdAt) : undefined;
  const wasChanged = updatedAt && createdAt && updatedAt !== createdAt;
  return [
    said
      ? element(
          'time',
          { datetime: said.toISOString(), title: fullTime(said) },
          shortTime(said, new Date()),
        )
      : 'time unknown',
    role === 'assistant' ? ' · said by an agent' : '',
    wasChanged ? ' · edited' : '',
  ];
}
