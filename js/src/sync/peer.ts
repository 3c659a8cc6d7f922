// SPDX-License-Identifier: MIT
//
// The remote, as far as keeping in step asks it, and what both directions share.

import type {
  Identity,
  ListOptions,
  MemoryChange,
  MemoryProvider,
  RetrievedMemory,
  StoredMemory,
} from '../types.js';
import { entityOf, RemoteKey, toCounterpart } from './reconcile.js';
import type { Counterpart } from './reconcile.js';
import type { SyncStore } from './store.js';

interface CallOptions {
  signal?: AbortSignal;
}

/** What `Mem0Provider` has, and whatever else may stand in its place. */
export interface RemoteProvider extends MemoryProvider {
  /** 'platform' can list what changed since a time, and what has certain metadata. */
  readonly api: 'platform' | 'self-hosted';
  /** Must be false: what is stored there is what was said, and no more nor less. */
  readonly infer: boolean;
  /** Must be true: a store resolves with what it made. */
  readonly waitForCompletion: boolean;
  deleteMemory(memoryId: string, options?: CallOptions): Promise<boolean>;
  getMemory(memoryId: string, options?: CallOptions): Promise<RetrievedMemory | null>;
  updateMemory(
    memoryId: string,
    change: MemoryChange,
    options?: CallOptions,
  ): Promise<StoredMemory>;
}

/** Both sides changed one memory, or one deleted what the other changed. */
export interface ConflictEvent {
  type: 'conflict';
  memoryId: string;
  /** Which of the two is now on both sides. */
  kept: 'local' | 'remote';
  /** As it was here. */
  local: RetrievedMemory;
  /** As it was there; null where it had been deleted. */
  remote: RetrievedMemory | null;
}

/** What both directions work with. */
export interface Context {
  readonly store: SyncStore;
  readonly remote: RemoteProvider;
  readonly scope: Identity;
  readonly signal: AbortSignal;
  readonly tell: (event: ConflictEvent) => void;
}

/** What the remote shows of `entity`. */
export async function list(
  { remote, signal }: Context,
  entity: Identity,
  options: ListOptions = {},
): Promise<Counterpart[]> {
  const found = await remote.getAllMemories({ ...entity, ...options, signal });
  return found.map((each) => toCounterpart(each, entity));
}

/** One memory at the remote; undefined where there is none. */
export async function get(
  { remote, signal }: Context,
  remoteId: string,
  entity: Identity,
): Promise<Counterpart | undefined> {
  const found = await remote.getMemory(remoteId, { signal });
  return found === null ? undefined : toCounterpart(found, entity);
}

/** What the remote has of memories with these ids, by their own word; of copies the one that stays. */
export async function lookUp(
  context: Context,
  entity: Identity,
  ids: readonly string[],
): Promise<Map<string, Counterpart>> {
  const wanted = new Set(ids);
  const found = new Map<string, Counterpart>();
  for (const each of await candidates(context, entity, ids)) {
    const id = each.claimedId;
    if (id === undefined || !wanted.has(id)) continue;
    const known = found.get(id);
    if (!known || each.remoteId < known.remoteId) found.set(id, each);
  }
  return found;
}

async function candidates(
  context: Context,
  entity: Identity,
  ids: readonly string[],
): Promise<Counterpart[]> {
  const { remote, signal } = context;
  if (remote.api === 'platform') {
    return list(context, entity, { filters: { [RemoteKey.id]: { in: [...ids] } } });
  }
  try {
    return await list(context, entity);
  } catch (error) {
    // A server that lists no further still searches. What else is wrong, the search meets, too.
    if (signal.aborted) throw error;
  }
  const found: Counterpart[] = [];
  for (const id of ids) {
    const memories = await remote.retrieveMemories(id, {
      ...entity,
      metadata: { [RemoteKey.id]: id },
      topK: 10,
      signal,
    });
    found.push(...memories.map((each) => toCounterpart(each, entity)));
  }
  return found;
}

/** Where the remote has what the scope sees, or what this memory is. */
export function entityFor(scope: Identity, memory: Identity | null): Identity | undefined {
  return entityOf(scope) ?? (memory ? entityOf(memory) : undefined);
}
