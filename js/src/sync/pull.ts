// SPDX-License-Identifier: MIT
//
// What is there comes here: what changed since the last time where the remote can say so, else all
// of it. Up to which time everything is known is noted in the store, by the remote's own clock.

import { InvalidArgumentError } from '../errors.js';
import type { MemoryError } from '../errors.js';
import type { Identity, RetrievedMemory } from '../types.js';
import { noteOf, shown, toTaken } from './outbox.js';
import { get, list } from './peer.js';
import type { ConflictEvent, Context } from './peer.js';
import {
  decide,
  fingerprint,
  isEmpty,
  isVisible,
  localIdOf,
  readNote,
  writeNote,
} from './reconcile.js';
import type { Counterpart, LocalState } from './reconcile.js';
import type { Step } from './store.js';

/** What a remote wrote shortly before may show only now: its writes end in another order. */
const overlapMs = 60_000;
/** Of memories that go into the store with one write. */
const batchSize = 200;
/** Of one memory that changes here whenever it is about to be changed. */
const mostTries = 5;

/** As many of those that wait are held against what comes. */
const mostWaiting = 10_000;

const newsPrefix = 'agent-memory/news/';

/** The ids of whom the store has memories that are at the remote, or for whom it was asked. */
export async function knownEntities({ store }: Pick<Context, 'store'>): Promise<Identity[]> {
  const noted = await store.noted();
  return noted.flatMap(({ id, version, note, memory }) => {
    if (memory) return [memory];
    if (version !== '' || !id.startsWith(newsPrefix)) return [];
    const [entity] = JSON.parse(note) as [Identity];
    return [entity];
  });
}

interface PullOptions {
  /** Whether to ask for everything: deletions are no news. */
  all: boolean;
  /** Told of what cannot be kept here, and is left out. */
  onUnfit: (error: MemoryError) => void;
}

/**
 * Takes what the remote has of `entity`, as far as the scope sees it. Of a platform that is what
 * changed since the last time, unless `all`; of others everything each time, deletions too.
 */
export async function pull(
  context: Context,
  entity: Identity,
  { all, onUnfit }: PullOptions,
): Promise<void> {
  const { remote, scope, store } = context;
  const markId = newsPrefix + fingerprint(JSON.stringify(entity));
  const [mark] = await store.states([markId]);
  const until = mark?.note ? (JSON.parse(mark.note) as [Identity, string])[1] : undefined;
  const isFull = all || remote.api !== 'platform' || until === undefined;

  // Known before the listing begins: what is sent meanwhile is not missed by it.
  const before = isFull ? await store.noted() : [];
  const since = until === undefined ? '' : new Date(Date.parse(until) - overlapMs).toISOString();
  const listed = await list(
    context,
    entity,
    isFull ? {} : { filters: { updated_at: { gte: since } } },
  );
  const wall = isEmpty(scope) ? entity : scope;
  const seen = listed.filter(({ memory }) => isVisible(memory, wall));
  const taking = new Taking(context, entity, onUnfit);
  await taking.take(seen);
  if (isFull) await taking.deleteMissing(before, listed, wall);

  const newest = listed
    .map(({ memory }) => memory.updatedAt ?? memory.createdAt ?? '')
    .reduce((a, b) => (Date.parse(b) > (Date.parse(a) || 0) ? b : a), until ?? '');
  if (newest === '' || newest === until) return;
  const note = JSON.stringify([entity, newest]);
  await store.settle([{ kind: 'note', id: markId, version: '', note }]);
}

class Taking {
  readonly #context: Context;
  readonly #entity: Identity;
  readonly #onUnfit: (error: MemoryError) => void;
  /** Local ids by those of their counterparts, once somebody asks. */
  #byRemoteId: Map<string, string> | undefined;
  /** Local ids of what waits without a counterpart, by what it says, once somebody asks. */
  #byWords: Map<string, string> | undefined;

  constructor(context: Context, entity: Identity, onUnfit: (error: MemoryError) => void) {
    this.#context = context;
    this.#entity = entity;
    this.#onUnfit = onUnfit;
  }

  async take(listed: readonly Counterpart[]): Promise<void> {
    let waiting = [...listed];
    const tries = new Map<Counterpart, number>();
    while (waiting.length > 0) {
      const again = await this.#takeBatch(waiting.splice(0, batchSize));
      waiting = waiting.concat(
        again.filter((each) => {
          const count = (tries.get(each) ?? 0) + 1;
          tries.set(each, count);
          return count < mostTries;
        }),
      );
    }
  }

  /** Those that are to be looked at again: what is here of them changed meanwhile. */
  async #takeBatch(batch: readonly Counterpart[]): Promise<Counterpart[]> {
    const { store, remote, scope, signal, tell } = this.#context;
    const ids = batch.flatMap(({ remoteId, claimedId }) =>
      claimedId === undefined ? [remoteId] : [remoteId, claimedId],
    );
    const states = new Map((await store.states([...new Set(ids)])).map((each) => [each.id, each]));
    const again: Counterpart[] = [];
    const steps = new Map<string, { step: Step; there: Counterpart; event?: ConflictEvent }>();
    for (const there of batch) {
      const located = await this.#locate(there, states);
      if (located === 'extra') {
        await remote.deleteMemory(there.remoteId, { signal });
        continue;
      }
      let state = states.get(located.id) ?? (await store.states([located.id]))[0];
      if (state?.version === '') state = (await this.#sameHere(there)) ?? state;
      if (!state) continue;
      // Two that are one here: one after the other.
      if (steps.has(state.id)) again.push(there);
      else {
        const made = stepFor(there, state, scope);
        if (made) steps.set(state.id, { ...made, there });
      }
    }
    const refused = await this.#settle([...steps.values()].map(({ step }) => step));
    for (const [id, { step, there, event }] of steps) {
      if (refused.has(id)) again.push(there);
      else {
        if (step.note !== '') this.#byRemoteId?.set(there.remoteId, id);
        if (event) tell(event);
      }
    }
    return again;
  }

  async #locate(
    there: Counterpart,
    states: ReadonlyMap<string, LocalState>,
  ): Promise<{ id: string } | 'extra'> {
    const { remoteId, claimedId } = there;
    const claimed = claimedId === undefined ? undefined : states.get(claimedId);
    for (const each of [claimed, states.get(remoteId)]) {
      if (each && readNote(each.note)?.remoteId === remoteId) return { id: each.id };
    }
    this.#byRemoteId ??= new Map(
      (await this.#context.store.noted()).flatMap(({ id, note }) => {
        const known = readNote(note)?.remoteId;
        return known ? [[known, id] as const] : [];
      }),
    );
    return localIdOf(there, claimed, this.#byRemoteId.get(remoteId));
  }

  /**
   * What waits here and says the same, where the same may be said but once: an add of it would be
   * dropped there, or make two of one.
   */
  async #sameHere({ memory }: Counterpart): Promise<LocalState | undefined> {
    const { store, scope } = this.#context;
    this.#byWords ??= new Map(
      (await store.unsettled(scope, mostWaiting)).flatMap((each) =>
        each.memory && !readNote(each.note)?.remoteId
          ? [[wordsOf(each.memory), each.id] as const]
          : [],
      ),
    );
    const id = this.#byWords.get(wordsOf(memory));
    if (id === undefined) return undefined;
    this.#byWords.delete(wordsOf(memory));
    return (await store.states([id]))[0];
  }

  async #settle(steps: readonly Step[]): Promise<Set<string>> {
    const { store } = this.#context;
    try {
      return await store.settle(steps);
    } catch (error) {
      if (!InvalidArgumentError.isInstance(error)) throw error;
      if (steps.length === 1) {
        this.#onUnfit(error);
        return new Set();
      }
    }
    // One of them cannot be kept; the others can.
    const refused = new Set<string>();
    for (const step of steps) {
      for (const id of await this.#settle([step])) refused.add(id);
    }
    return refused;
  }

  /** Deletes here what is not there any more: each is asked for, for a listing may miss some. */
  async deleteMissing(
    before: readonly LocalState[],
    listed: readonly Counterpart[],
    wall: Identity,
  ): Promise<void> {
    const { store } = this.#context;
    const there = new Set(listed.map(({ remoteId }) => remoteId));
    const candidates = before.filter(({ memory, note, isUnsettled }) => {
      const remoteId = readNote(note)?.remoteId;
      // What waits in the queue is looked at there.
      if (memory === null || !remoteId || isUnsettled || there.has(remoteId)) return false;
      return isVisible(memory, wall);
    });
    if (candidates.length === 0) return;
    const now = new Map(
      (await store.states(candidates.map(({ id }) => id))).map((each) => [each.id, each]),
    );
    const steps: Step[] = [];
    for (const { id, note } of candidates) {
      const state = now.get(id);
      // By now it may have another counterpart.
      if (state?.note !== note || state.isUnsettled) continue;
      const remoteId = readNote(note)?.remoteId ?? '';
      if (await get(this.#context, remoteId, this.#entity)) continue;
      steps.push({ kind: 'delete', id, version: state.version, note: '' });
    }
    await store.settle(steps);
  }
}

/** Who said what, and where. */
function wordsOf({ memory, userId, agentId, runId, role, name }: RetrievedMemory): string {
  return JSON.stringify([memory, userId, agentId, runId, role, name]);
}

/** What is to be written here because of what is there; undefined for nothing. */
function stepFor(
  there: Counterpart,
  state: LocalState,
  scope: Identity,
): { step: Step; event?: ConflictEvent } | undefined {
  const { id, version, memory } = state;
  const note = noteOf(there, scope, there.memory);
  const decision = decide(there, state);
  const step: Step = { kind: 'note', id, version, note };
  const conflict = (kept: ConflictEvent['kept']): { event?: ConflictEvent } =>
    memory
      ? { event: { type: 'conflict', memoryId: id, kept, local: memory, remote: shown(there, id) } }
      : {};
  switch (decision) {
    case 'nothing':
      return undefined;
    case 'agreed':
      return { step };
    case 'take':
      return { step: toTaken(there, state, note) };
    case 'send':
      return { step: { ...step, version: '', note: keepSending(note, state) } };
    case 'keep':
      return { step: { ...step, version: '' }, ...conflict('local') };
    case 'yield':
      return { step: toTaken(there, state, note), ...conflict('remote') };
  }
}

/** What is on its way may arrive yet. */
function keepSending(text: string, { note }: LocalState): string {
  const made = readNote(text);
  const sending = readNote(note)?.sending ?? '';
  return made ? writeNote({ ...made, sending }) : text;
}
