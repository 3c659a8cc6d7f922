// SPDX-License-Identifier: MIT
//
// The list of memories: newest first, or what a search finds and why.

import { RetrievalStrategy, type LocalProvider, type RetrievedMemory } from 'agent-memory-wasm';
import { arrange, byId, dialog, element } from './dom.js';
import { count, duration, memoriesInWords } from './format.js';
import { editedRow, memoryRow } from './memory-row.js';
import { toast } from './toast.js';
import type { User } from './users.js';

const pageSize = 50;
const mostFound = 50;
const searchAfterMs = 120;

const strategies: readonly (readonly [RetrievalStrategy, string])[] = [
  [RetrievalStrategy.SEMANTIC_SEARCH, 'By relevance'],
  [RetrievalStrategy.RECENCY, 'By recency'],
  [RetrievalStrategy.HYBRID, 'By both'],
];

interface Row {
  readonly element: HTMLLIElement;
  /** What it was made from: the same again needs no new one. */
  readonly content: string;
}

export class MemoryPanel {
  private readonly list = byId('memory-list', HTMLUListElement);
  private readonly empty = byId('list-empty', HTMLElement);
  private readonly note = byId('result-note', HTMLElement);
  private readonly search = byId('memory-search', HTMLInputElement);
  private readonly select = byId('strategy', HTMLSelectElement);
  private readonly more = byId('show-more', HTMLButtonElement);
  private readonly deleteAll = byId('delete-all', HTMLButtonElement);

  private user: User;
  private rows = new Map<string, Row>();
  private shown = pageSize;
  /** How many memories the user has; undefined after a change, until it is asked for. */
  private total: number | undefined;
  private used: ReadonlySet<string> = new Set();
  private editing: string | undefined;
  /** Raised by every refresh: an answer that comes late, maybe for another user, is dropped. */
  private generation = 0;

  constructor(
    private readonly provider: LocalProvider,
    user: User,
    private readonly onCleared: () => void,
  ) {
    this.user = user;
    for (const [value, label] of strategies)
      this.select.append(element('option', { value }, label));
    this.select.addEventListener('change', () => void this.refresh());

    let timer: ReturnType<typeof setTimeout> | undefined;
    this.search.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(() => void this.refresh(), searchAfterMs);
    });
    this.more.addEventListener('click', () => {
      this.shown += pageSize;
      void this.refresh();
    });

    const confirm = dialog('delete-dialog', () => {
      void this.removeAll();
      return true;
    });
    this.deleteAll.addEventListener('click', () => {
      byId('delete-text', HTMLElement).textContent =
        `${memoriesInWords(this.total ?? 0)} of ${this.user.name} will be gone for good. Other users keep theirs. If in doubt, export first.`;
      confirm.open();
    });
    this.search.disabled = false;
  }

  get strategy(): RetrievalStrategy {
    return (
      strategies.find(([value]) => value === this.select.value)?.[0] ??
      RetrievalStrategy.SEMANTIC_SEARCH
    );
  }

  async show(user: User): Promise<void> {
    this.user = user;
    this.shown = pageSize;
    this.total = undefined;
    this.used = new Set();
    this.editing = undefined;
    this.search.value = '';
    this.rows.clear();
    this.list.replaceChildren(); // at once, not only when the new user's memories are there
    byId('wall', HTMLElement).textContent =
      `Only ${user.name} sees these. ${user.name} sees no one else’s.`;
    await this.refresh();
  }

  /** Marks the memories that the last answer drew on. */
  markUsed(memories: readonly RetrievedMemory[]): void {
    this.used = new Set(memories.map(({ id }) => id));
    void this.refresh();
  }

  /** Brings a memory into sight. */
  async reveal(memoryId: string): Promise<void> {
    this.search.value = '';
    await this.refresh();
    const row = this.rows.get(memoryId)?.element;
    if (!row) {
      toast('That memory is not here any more.');
      return;
    }
    row.scrollIntoView({ block: 'center' });
    row.focus({ preventScroll: true });
    row.classList.add('flash');
    row.addEventListener(
      'animationend',
      () => {
        row.classList.remove('flash');
      },
      { once: true },
    );
  }

  /** Something was stored, changed or deleted, here or elsewhere. */
  async changed(): Promise<void> {
    this.total = undefined;
    await this.refresh();
  }

  private async refresh(): Promise<void> {
    const generation = ++this.generation;
    const query = this.search.value.trim();
    try {
      const { memories, note, hasMore } =
        query === '' ? await this.newest() : await this.find(query);
      const isAll = query === '' && !hasMore;
      const total = isAll ? memories.length : (this.total ?? (await this.count()));
      if (generation !== this.generation) return;
      this.total = total;
      this.render(memories, query !== '');
      this.renderTotal(total);
      this.note.textContent = note(total);
      this.more.hidden = !hasMore;
    } catch (error) {
      if (generation === this.generation)
        this.note.textContent = `The memories could not be read: ${String(error)}`;
    }
  }

  private async newest() {
    const found = await this.provider.getAllMemories({
      userId: this.user.id,
      limit: this.shown + 1,
    });
    return {
      memories: found.slice(0, this.shown),
      hasMore: found.length > this.shown,
      note: (total: number) => (total > 0 ? 'Newest first' : ''),
    };
  }

  private async find(query: string) {
    const started = performance.now();
    const options = {
      userId: this.user.id,
      topK: mostFound,
      strategy: this.strategy,
      explain: true,
    };
    const memories = await this.provider.retrieveMemories(query, options);
    const took = duration(performance.now() - started);
    const note = (total: number): string =>
      memories.length === 0
        ? `Nothing found among ${count(total)} in ${took}`
        : `${memories.length === mostFound ? `The best ${mostFound}` : `${count(memories.length)} found`} of ${count(total)} in ${took}`;
    return { memories, note, hasMore: false };
  }

  private async count(): Promise<number> {
    return (await this.provider.getAllMemories({ userId: this.user.id })).length;
  }

  private render(memories: readonly RetrievedMemory[], isSearch: boolean): void {
    const rows = new Map(memories.map((memory) => [memory.id, this.row(memory)]));
    const focused = [...this.rows].findIndex(([, row]) =>
      row.element.contains(document.activeElement),
    );
    arrange(
      this.list,
      [...rows.values()].map((row) => row.element),
    );
    this.rows = rows;
    this.keepFocusNear(focused);

    this.empty.hidden = memories.length > 0;
    this.empty.textContent = isSearch
      ? 'No memory has these words. Try fewer, or others.'
      : `${this.user.name} has no memories yet. They appear here as soon as you tell the agent something.`;
  }

  private renderTotal(total: number): void {
    for (const place of document.querySelectorAll('[data-count]')) place.textContent = count(total);
    this.deleteAll.disabled = total === 0;
  }

  /** Where the focused row went away, its neighbour gets the focus, so that the keyboard does not start over. */
  private keepFocusNear(index: number): void {
    if (index < 0 || this.list.contains(document.activeElement)) return;
    const rows = [...this.rows.values()];
    const next =
      rows[Math.min(index, rows.length - 1)]?.element.querySelector<HTMLElement>('.delete');
    (next ?? this.search).focus({ preventScroll: true });
  }

  private row(memory: RetrievedMemory): Row {
    const isUsed = this.used.has(memory.id);
    const isEdited = this.editing === memory.id;
    // What somebody is writing stays, whatever happens around it.
    const content = isEdited ? 'edited' : JSON.stringify([memory, isUsed]);
    const before = this.rows.get(memory.id);
    if (before?.content === content) return before;
    const made = isEdited
      ? editedRow(memory, {
          onSave: (text) => void this.change(memory.id, text),
          onClose: () => void this.edit(undefined),
        })
      : memoryRow(memory, isUsed, {
          onEdit: () => void this.edit(memory.id),
          onDelete: () => void this.remove(memory),
        });
    return { element: made, content };
  }

  private async edit(memoryId: string | undefined): Promise<void> {
    const before = this.editing;
    this.editing = memoryId;
    await this.refresh();
    const row = this.rows.get(memoryId ?? before ?? '')?.element;
    row?.querySelector<HTMLElement>(memoryId ? '.memory-edit' : '.edit')?.focus();
  }

  private async change(memoryId: string, memory: string): Promise<void> {
    const update = () => this.provider.updateMemory(memoryId, { memory });
    if (await this.attempt('could not be changed', update)) await this.edit(undefined);
  }

  private async remove(memory: RetrievedMemory): Promise<void> {
    const userId = this.user.id;
    const remove = () => this.provider.deleteMemory(memory.id);
    if (!(await this.attempt('could not be deleted', remove))) return;
    await this.changed();
    toast('Memory deleted', { label: 'Undo', act: () => void this.restore(memory, userId) });
  }

  /** Puts a deleted memory back: the same, with its time, but for its id. */
  private async restore(memory: RetrievedMemory, userId: string): Promise<void> {
    const { createdAt, metadata } = memory;
    await this.attempt('could not be put back', () =>
      this.provider.storeMemories([{ role: 'user', content: memory.memory }], {
        userId,
        metadata,
        ...(createdAt !== null && { timestamp: createdAt }),
      }),
    );
    await this.changed();
  }

  private async removeAll(): Promise<void> {
    await this.attempt('could not be deleted', async () => {
      const deleted = await this.provider.deleteAllMemories({ userId: this.user.id });
      toast(`${memoriesInWords(deleted)} deleted`);
      this.onCleared();
    });
    await this.changed();
  }

  /** Whether it worked; where not, the visitor is told. */
  private async attempt(failure: string, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      toast(`That ${failure}: ${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
  }
}
