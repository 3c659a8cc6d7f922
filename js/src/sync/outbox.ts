// SPDX-License-Identifier: MIT
//
// What is here goes there. The queue is no list of its own: a memory is in it while it was written
// since what its note accounts for. So a crash cannot fall between the write and its place in the
// queue, and of many changes to one memory the newest is sent.
//
// Before a memory is sent, that it is on its way is noted. Where the outcome of that remains
// unknown (no answer, a killed page), it is looked up there before anything else is done.

import { invalidArgument, MemoryError } from '../errors.js';
import type { Identity, RetrievedMemory } from '../types.js';
import { entityFor, get, list, lookUp } from './peer.js';
import type { ConflictEvent, Context } from './peer.js';
import {
  compare,
  contentOf,
  failureOf,
  operationOf,
  ownerOf,
  readNote,
  remoteMetadata,
  writeNote,
} from './reconcile.js';
import type { Counterpart, LocalState, Note } from './reconcile.js';
import type { Step } from './store.js';

/** What waits to be sent. */
export interface QueueEntry {
  memoryId: string;
  /** What the remote is to be told. */
  operation: 'add' | 'update' | 'delete';
  /** The text; empty for what was deleted. */
  memory: string;
  /** What the last attempt failed with; absent where there was none since this was opened. */
  error?: MemoryError;
  /** Whether the remote refused it for good: it waits until it is retried, dropped or changed. */
  isRefused: boolean;
}

/** As many are prepared, sent and accounted for together. */
const batchSize = 25;
/** More than there can be. */
const mostEntries = 2 ** 30;
/** Of Mem0Provider's places, which others may want, too. */
const mostAtOnce = 4;
/** After so many failures in a row it is the remote that fails, not a memory. */
const mostFailures = 4;

interface Held {
  readonly version: string;
  readonly error: MemoryError;
  readonly isRefused: boolean;
}

/** What is to be sent. */
interface Letter {
  readonly state: LocalState;
  readonly operation: 'add' | 'update' | 'delete';
  /** Empty for an add. */
  readonly remoteId: string;
  /** What is there, as far as is known; empty for nothing. */
  readonly base: string;
}

/** What came of looking at one, and what is to be told once it is written down. */
type Prepared = { letter: Letter; event?: ConflictEvent } | { step: Step; event?: ConflictEvent };

export class Outbox {
  readonly #held = new Map<string, Held>();

  /** All that waits, oldest first. */
  async entries({ store, scope }: Pick<Context, 'store' | 'scope'>): Promise<QueueEntry[]> {
    const states = await store.unsettled(scope, mostEntries);
    const entries = states.filter((each) => isOwn(each, scope)).map((each) => this.#entry(each));
    const waiting = new Set(entries.map(({ memoryId }) => memoryId));
    for (const id of this.#held.keys()) if (!waiting.has(id)) this.#held.delete(id);
    return entries;
  }

  /** Gives what was refused another chance: this one, or all. */
  forgive(memoryId?: string): void {
    if (memoryId === undefined) this.#held.clear();
    else this.#held.delete(memoryId);
  }

  /**
   * Sends what waits. `onBegin` is called where there is anything; `onRefused` for each that the
   * remote does not want, which does not keep the others.
   *
   * Rejects with what stopped it, or with the last failure that may pass.
   */
  async send(
    context: Context,
    { onBegin, onRefused }: { onBegin: () => void; onRefused: (entry: QueueEntry) => void },
  ): Promise<void> {
    for (const [id, { isRefused }] of this.#held) if (!isRefused) this.#held.delete(id);
    const round = { failure: undefined as MemoryError | undefined, inRow: 0 };
    const onFailure = (state: LocalState, error: unknown): void => {
      if (!MemoryError.isInstance(error) || context.signal.aborted) throw error;
      const failure = failureOf(error);
      if (failure === 'stopped') throw error;
      const isRefused = failure === 'refused';
      this.#held.set(state.id, { version: state.version, error, isRefused });
      if (isRefused) {
        onRefused(this.#entry(state));
        return;
      }
      round.failure = error;
      if (++round.inRow === mostFailures) throw error;
    };
    for (;;) {
      const batch = await this.#next(context);
      if (batch.length === 0) break;
      onBegin();
      await sendBatch(context, batch, {
        onFailure,
        onSuccess: () => {
          round.inRow = 0;
        },
      });
    }
    if (round.failure) throw round.failure;
  }

  /** The oldest that are not held back. */
  async #next({ store, scope }: Context): Promise<LocalState[]> {
    for (let limit = batchSize + this.#held.size; ; limit *= 2) {
      const states = await store.unsettled(scope, limit);
      const free = states.filter(
        (each) => isOwn(each, scope) && this.#held.get(each.id)?.version !== each.version,
      );
      if (free.length > 0 || states.length < limit) return free.slice(0, batchSize);
    }
  }

  #entry(state: LocalState): QueueEntry {
    const held = this.#held.get(state.id);
    const isHeld = held?.version === state.version;
    return {
      memoryId: state.id,
      operation: operationOf(state),
      memory: state.memory?.memory ?? '',
      ...(isHeld ? { error: held.error } : {}),
      isRefused: isHeld && held.isRefused,
    };
  }
}

/** Whether it is the scope's to send. Of what was deleted the note says whose it was. */
function isOwn({ memory, note }: LocalState, scope: Identity): boolean {
  if (memory !== null || scope.userId === undefined) return true;
  return readNote(note)?.owner === ownerOf(scope);
}

interface Outcome {
  /** Throws where it is no use to go on. */
  onFailure: (state: LocalState, error: unknown) => void;
  onSuccess: () => void;
}

/** Finds out how each stands, notes what is sent, sends it, and notes what came of it. */
async function sendBatch(
  context: Context,
  batch: readonly LocalState[],
  { onFailure, onSuccess }: Outcome,
): Promise<void> {
  const { store, scope } = context;
  const prepared: Prepared[] = [];
  const found = await lookUpDoubtful(context, batch, onFailure);
  await each(found.states, async (state) => {
    try {
      prepared.push(await prepare(context, state, found.counterparts.get(state.id)));
    } catch (error) {
      onFailure(state, error);
    }
  });

  const letters = prepared.flatMap((one) => ('letter' in one ? [one.letter] : []));
  // What is deleted twice is deleted once.
  const announced = letters.filter(({ operation }) => operation !== 'delete');
  await store.settle(announced.map((letter) => announcement(letter, scope)));

  const steps: Step[] = prepared.flatMap((one) => ('step' in one ? [one.step] : []));
  const events = new Map(prepared.map((one) => [idOf(one), one.event]));
  try {
    await each(letters, async (letter) => {
      try {
        steps.push(await deliver(context, letter));
        onSuccess();
      } catch (error) {
        onFailure(letter.state, error);
      }
    });
  } finally {
    // Also of those that arrived before something stopped the rest.
    const refused = await store.settle(steps);
    for (const { id } of steps) {
      const event = refused.has(id) ? undefined : events.get(id);
      if (event) context.tell(event);
    }
  }
}

function idOf(prepared: Prepared): string {
  return 'letter' in prepared ? prepared.letter.state.id : prepared.step.id;
}

/** What the remote has of those that may have arrived, and those that can go on. */
async function lookUpDoubtful(
  context: Context,
  batch: readonly LocalState[],
  onFailure: Outcome['onFailure'],
): Promise<{ states: LocalState[]; counterparts: Map<string, Counterpart> }> {
  const states: LocalState[] = [];
  const groups = new Map<string, { entity: Identity; states: LocalState[] }>();
  for (const state of batch) {
    const note = readNote(state.note);
    const entity = note?.entity ?? entityFor(context.scope, state.memory);
    if (note === undefined || note.remoteId !== '' || entity === undefined) {
      states.push(state);
      continue;
    }
    const key = JSON.stringify(entity);
    const group = groups.get(key) ?? { entity, states: [] };
    group.states.push(state);
    groups.set(key, group);
  }
  const counterparts = new Map<string, Counterpart>();
  for (const { entity, states: doubtful } of groups.values()) {
    try {
      const ids = doubtful.map(({ id }) => id);
      for (const [id, one] of await lookUp(context, entity, ids)) counterparts.set(id, one);
      states.push(...doubtful);
    } catch (error) {
      for (const state of doubtful) onFailure(state, error);
    }
  }
  return { states, counterparts };
}

/** How one stands. `found`: what was found of one that may have arrived. */
async function prepare(
  context: Context,
  state: LocalState,
  found: Counterpart | undefined,
): Promise<Prepared> {
  const { id, version, memory } = state;
  const remoteId = readNote(state.note)?.remoteId ?? '';
  if (memory === null) {
    const there = remoteId === '' ? (found?.remoteId ?? '') : remoteId;
    if (there === '') return { step: { kind: 'note', id, version, note: '' } };
    return { letter: { state, operation: 'delete', remoteId: there, base: '' } };
  }
  let there = found;
  if (remoteId !== '') {
    const entity = entityFor(context.scope, memory) ?? {};
    there = await get(context, remoteId, entity);
    // Of two copies the other may be the one that stayed.
    there ??= (await lookUp(context, entity, [id])).get(id);
    if (!there) {
      return {
        step: { kind: 'delete', id, version, note: '' },
        event: { type: 'conflict', memoryId: id, kept: 'remote', local: memory, remote: null },
      };
    }
  }
  if (!there) return { letter: { state, operation: 'add', remoteId: '', base: '' } };

  const note = noteOf(there, context.scope, memory);
  const letter: Letter = {
    state,
    operation: 'update',
    remoteId: there.remoteId,
    base: there.content,
  };
  const event = (kept: ConflictEvent['kept']): ConflictEvent => ({
    type: 'conflict',
    memoryId: id,
    kept,
    local: memory,
    remote: shown(there, id),
  });
  switch (compare(there, memory, state)) {
    case 'equal':
      return { step: { kind: 'note', id, version, note } };
    case 'ours':
      return { letter };
    case 'keep':
      return { letter, event: event('local') };
    case 'theirs':
    case 'yield':
      return { step: toTaken(there, state, note), event: event('remote') };
  }
}

/** What is noted where both sides have what is there. */
export function noteOf(there: Counterpart, scope: Identity, memory: Identity): string {
  return writeNote({
    remoteId: there.remoteId,
    base: there.content,
    sending: '',
    owner: ownerOf(entityFor(scope, memory) ?? {}),
  });
}

/** A counterpart as a memory with the id that it has here. */
export function shown({ memory }: Counterpart, id: string): RetrievedMemory {
  return { ...memory, id };
}

/** The memory becomes what is there. */
export function toTaken(
  there: Counterpart,
  { id, version, memory, expiresAt }: LocalState,
  note: string,
): Step {
  const { memory: text, metadata, updatedAt, createdAt } = there.memory;
  return {
    kind: 'put',
    id,
    version,
    note,
    // What only this side knows of it stays.
    memory: memory
      ? { ...memory, memory: text, metadata, updatedAt: updatedAt ?? createdAt }
      : { ...there.memory, id },
    expiresAt: there.expiresAt ?? expiresAt,
  };
}

/** That it is on its way, and how to find it. */
function announcement({ state, remoteId, base }: Letter, scope: Identity): Step {
  const entity = entityFor(scope, state.memory);
  const note: Note = {
    remoteId,
    base,
    sending: state.memory ? contentOf(state.memory) : '',
    owner: ownerOf(entity ?? {}),
    ...(remoteId === '' && entity ? { entity } : {}),
  };
  return { kind: 'note', id: state.id, version: '', note: writeNote(note) };
}

/** Sends one; the step that accounts for it. */
async function deliver(context: Context, letter: Letter): Promise<Step> {
  const { remote, scope, signal } = context;
  const { state, operation, remoteId } = letter;
  const { id, version, memory, expiresAt } = state;
  if (operation === 'delete' || memory === null) {
    await remote.deleteMemory(remoteId, { signal });
    return { kind: 'note', id, version, note: '' };
  }
  const agreed = (there: string): Step => ({
    kind: 'note',
    id,
    version,
    note: writeNote({
      remoteId: there,
      base: contentOf(memory),
      sending: '',
      owner: ownerOf(entityFor(scope, memory) ?? {}),
    }),
  });
  const metadata = remoteMetadata(memory, expiresAt);
  if (operation === 'update') {
    await remote.updateMemory(remoteId, { memory: memory.memory, metadata }, { signal });
    return agreed(remoteId);
  }
  // Not with its time, which some would take for that of its arrival: others ask for news by that.
  const [stored] = await remote.storeMemories(
    [{ role: memory.role ?? 'user', content: memory.memory }],
    { ...idsOf(memory), metadata, ...(expiresAt === null ? {} : { expiresAt }), signal },
  );
  return stored ? agreed(stored.id) : dropped(context, state, memory);
}

function idsOf({ userId, agentId, runId }: Identity): Identity {
  return {
    ...(userId === undefined ? {} : { userId }),
    ...(agentId === undefined ? {} : { agentId }),
    ...(runId === undefined ? {} : { runId }),
  };
}

/**
 * The remote made nothing of an add: it had the same words in the same place already. Then that is
 * the counterpart, as an equal memory here would have been; unless it is another's.
 */
async function dropped(
  context: Context,
  state: LocalState,
  memory: RetrievedMemory,
): Promise<Step> {
  const { id, version } = state;
  const { remote, scope, store } = context;
  const entity = entityFor(scope, memory) ?? {};
  const own = (await lookUp(context, entity, [id])).get(id);
  if (own) return toAgreed(own, state, noteOf(own, scope, memory));
  const alike =
    remote.api === 'platform'
      ? await list(context, entity, { filters: { memory: { contains: memory.memory } } })
      : await list(context, entity);
  const equal = alike.filter(
    (each) =>
      each.memory.memory === memory.memory &&
      (['userId', 'agentId', 'runId'] as const).every((key) => each.memory[key] === memory[key]),
  );
  if (equal.length === 0) {
    throw invalidArgument('memory', `must be what the remote keeps, but it made nothing of ${id}`);
  }
  const taken = new Set((await store.noted()).map(({ note }) => readNote(note)?.remoteId));
  const free = equal.find(({ remoteId }) => !taken.has(remoteId));
  if (!free) return { kind: 'note', id, version, note: '' };
  const note = noteOf(free, scope, memory);
  return free.content === contentOf(memory)
    ? toAgreed(free, state, note)
    : toTaken(free, state, note);
}

/** Both sides have what is there, unless they differ: that is to be looked at again. */
function toAgreed(there: Counterpart, { id, version, memory }: LocalState, note: string): Step {
  const isEqual = memory !== null && contentOf(memory) === there.content;
  return { kind: 'note', id, version: isEqual ? version : '', note };
}

/** Works on all, a few at once; once one fails, no more are begun, and those under way are waited for. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (failures.length === 0) {
      const item = items[next++];
      if (item === undefined) return;
      try {
        await work(item);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: mostAtOnce }, worker));
  if (failures.length > 0) throw failures[0];
}
