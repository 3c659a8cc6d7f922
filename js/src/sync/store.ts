// SPDX-License-Identifier: MIT
//
// What keeping in step needs of a LocalProvider: its memories with what is noted of them. The other
// side is SyncView, SyncQuery and settle in include/agent_memory/local_provider.hpp.

import type { Bridge } from '../core/bridge.js';
import { writeOptions } from '../core/json.js';
import { bridge } from '../core/load.js';
import { Operation } from '../core/module.js';
import { nativeOf } from '../core/provider-handle.js';
import { ClosedError } from '../errors.js';
import type { Identity, RetrievedMemory, StoredMemory } from '../types.js';
import type { LocalState } from './reconcile.js';

/** One step in keeping a memory and its counterpart the same. */
export type Step =
  /** What is there accounts for `version`; an empty one: for nothing, so that the queue has it. */
  | { kind: 'note'; id: string; version: string; note: string }
  /** The memory is to be this one, if it is still of `version`. */
  | {
      kind: 'put';
      id: string;
      version: string;
      note: string;
      memory: RetrievedMemory;
      expiresAt: string | null;
    }
  /** It is to be gone, if it is still of `version`. */
  | { kind: 'delete'; id: string; version: string; note: string };

const lockName = 'sync';

type Packed = [
  id: string,
  version: string,
  note: string,
  isUnsettled: boolean,
  memory: RetrievedMemory | null,
  expiresAt: string | null,
];

function toState([id, version, note, isUnsettled, memory, expiresAt]: Packed): LocalState {
  return { id, version, note, isUnsettled, memory, expiresAt };
}

/** A memory as an export has it; absent members are left out. */
function asExported(memory: RetrievedMemory, expiresAt: string | null): Record<string, unknown> {
  const { id, memory: text, metadata, userId, agentId, runId, role, name } = memory;
  const createdAt = memory.createdAt ?? memory.updatedAt ?? new Date().toISOString();
  const updatedAt = memory.updatedAt ?? createdAt;
  const all = { id, memory: text, metadata, userId, agentId, runId, role, name };
  const given = Object.entries({ ...all, createdAt, updatedAt, expiresAt });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined && value !== null));
}

export class SyncStore {
  readonly #local: object;

  /** @param local - A LocalProvider. */
  constructor(local: object) {
    this.#local = local;
  }

  /** Takes in what other contexts wrote. */
  async refresh(): Promise<void> {
    const { core, id } = await this.#native();
    await core.invoke<null>(Operation.refresh, id, () => undefined);
  }

  /** The states under these ids, in their order. */
  states(ids: readonly string[]): Promise<LocalState[]> {
    return ids.length === 0 ? Promise.resolve([]) : this.#states(ids, 0);
  }

  /** All that have a note. Those whose `version` is empty are no memories. */
  noted(): Promise<LocalState[]> {
    return this.#states([], 0);
  }

  /** What was written since it was accounted for, of those that `scope` sees; oldest first. */
  unsettled(scope: Identity, limit: number): Promise<LocalState[]> {
    return this.#states([], limit, scope);
  }

  async #states(ids: readonly string[], limit: number, scope?: Identity): Promise<LocalState[]> {
    const { core, id } = await this.#native();
    const packed = core.ask<Packed[]>(Operation.syncStates, id, (writer) => {
      writer.array(3);
      writer.value(ids);
      writer.value(limit);
      writeOptions(writer, scope);
    });
    return packed.map(toState);
  }

  /** Takes steps, one an id at most, all in one write; the ids whose version was another by then. */
  async settle(steps: readonly Step[]): Promise<Set<string>> {
    if (steps.length === 0) return new Set();
    const { core, id } = await this.#native();
    const refused = await core.invoke<StoredMemory[]>(Operation.settle, id, (writer) => {
      writer.array(1);
      writer.array(steps.length);
      for (const step of steps) {
        const { id: stepId, version, note } = step;
        writer.value({
          id: stepId,
          version,
          note,
          ...(step.kind === 'delete' ? { delete: true } : {}),
          ...(step.kind === 'put' ? { put: asExported(step.memory, step.expiresAt) } : {}),
        });
      }
    });
    return new Set(refused.map((each) => each.id));
  }

  /** Runs `work` while nobody else keeps this store in step. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    const { core, id } = await this.#native();
    return core.exclusively(id, lockName, work);
  }

  /** Folds the log where that is due: notes make it grow as memories do. */
  async maintain(): Promise<void> {
    const { core, id } = await this.#native();
    if (!core.ask<boolean>(Operation.isMaintenanceDue, id, () => undefined)) return;
    await core.invoke<null>(Operation.maintain, id, () => undefined);
  }

  async #native(): Promise<{ core: Bridge; id: number }> {
    const core = await bridge();
    const id = nativeOf(this.#local);
    if (id !== undefined) return { core, id };
    throw new ClosedError({ code: 'closed', message: 'the memory provider is closed' });
  }
}
