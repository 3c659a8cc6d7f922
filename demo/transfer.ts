// SPDX-License-Identifier: MIT
//
// Taking memories out of this browser and into it: export, import, and the sample notes.

import type { LocalProvider } from 'agent-memory-wasm';
import { byId } from './dom.js';
import { count, duration, memoriesInWords } from './format.js';
import { sampleNotes } from './sample-notes.js';
import { toast } from './toast.js';
import type { User } from './users.js';

const sampleSize = 5000;

export interface TransferOptions {
  readonly provider: LocalProvider;
  readonly user: () => User;
  readonly onDone: () => Promise<void>;
}

export class Transfer {
  private readonly box = byId('transfer', HTMLElement);
  private readonly bar = byId('transfer-bar', HTMLProgressElement);
  private readonly text = byId('transfer-text', HTMLElement);
  private readonly file = byId('import-file', HTMLInputElement);
  private readonly buttons = ['export', 'import', 'sample-notes'].map((id) =>
    byId(id, HTMLButtonElement),
  );

  constructor(private readonly options: TransferOptions) {
    const [exportButton, importButton, sampleButton] = this.buttons;
    exportButton?.addEventListener('click', () => void this.export());
    importButton?.addEventListener('click', () => {
      this.file.click();
    });
    sampleButton?.addEventListener('click', () => {
      const { id } = this.options.user();
      void this.import('Sample notes', () => Promise.resolve(sampleNotes(sampleSize, id)));
    });
    this.file.addEventListener('change', () => {
      const [file] = this.file.files ?? [];
      if (file) void this.import(file.name, () => file.text());
      this.file.value = ''; // so that the same file can be chosen again
    });
    this.setBusy(false);
  }

  /** Forgets the last result: it was about another user. */
  clear(): void {
    if (!this.box.classList.contains('busy')) this.box.hidden = true;
  }

  private async export(): Promise<void> {
    const { id, name } = this.options.user();
    try {
      const lines = await this.options.provider.exportMemories({ userId: id });
      const url = URL.createObjectURL(new Blob([lines], { type: 'application/x-ndjson' }));
      const link = document.createElement('a');
      link.href = url;
      link.download = `memories-${name.replace(/[^\p{L}\p{N}]+/gu, '-')}-${new Date().toISOString().slice(0, 10)}.jsonl`;
      link.click();
      setTimeout(() => {
        URL.revokeObjectURL(url);
      }, 60_000);
      toast(`${name}’s memories are in ${link.download}`);
    } catch (error) {
      toast(`The export failed: ${reason(error)}`);
    }
  }

  private async import(what: string, read: () => Promise<string>): Promise<void> {
    const { provider, user, onDone } = this.options;
    const { id: userId, name } = user();
    const visible = async (): Promise<number> => (await provider.getAllMemories({ userId })).length;
    this.setBusy(true);
    this.report(`${what}: reading`);
    try {
      const lines = await read();
      const before = await visible();
      const started = performance.now();
      const { added, skipped } = await provider.importMemories(lines, (done, total) => {
        this.report(`${what}: ${count(done)} of ${count(total)}`, total > 0 ? done / total : 1);
      });
      const took = duration(performance.now() - started);
      const others = added - ((await visible()) - before);
      this.report(
        `${memoriesInWords(added)} added, ${count(skipped)} skipped${skipped > 0 ? ' (already here)' : ''}, in ${took}.` +
          (others > 0
            ? ` ${count(others)} of them belong to other users than ${name} and are shown to these.`
            : ''),
        1,
      );
    } catch (error) {
      this.report(`Nothing was imported: ${reason(error)}`, 0);
    } finally {
      this.setBusy(false);
      await onDone();
    }
  }

  private report(text: string, share?: number): void {
    this.box.hidden = false;
    this.text.textContent = text;
    if (share === undefined) this.bar.removeAttribute('value');
    else this.bar.value = share;
  }

  private setBusy(busy: boolean): void {
    for (const button of this.buttons) button.disabled = busy;
    this.box.classList.toggle('busy', busy);
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
