// SPDX-License-Identifier: MIT
//
// What is to be done about a memory and its counterpart at a remote: notes, contents and decisions.
// Pure: nothing here waits, asks or knows the time.

import type { MemoryError } from '../errors.js';
import type { Identity, Metadata, RetrievedMemory } from '../types.js';

// ------------------------------------------------------------------------------------------ notes

/** What is noted of a memory's counterpart, beside the memory, in the log. */
export interface Note {
  /** The counterpart's id; empty while it is not known whether there is one. */
  readonly remoteId: string;
  /** The fingerprint of what both sides had when they last agreed; empty if they never did. */
  readonly base: string;
  /** The fingerprint of what is on its way there, and may have arrived; empty for nothing. */
  readonly sending: string;
  /** The fingerprint of the user whose it is: a deleted memory does not say. */
  readonly owner: string;
  /** Where to look for it, while it is not known whether it arrived. */
  readonly entity?: Identity;
}

/** A note as it is stored. What has no counterpart has none: an empty text. */
export function writeNote({ remoteId, base, sending, owner, entity }: Note): string {
  if (remoteId === '' && sending === '') return '';
  return JSON.stringify([remoteId, base, sending, owner, ...(entity ? [entity] : [])]);
}

/** Undefined where there is none, or what is stored is none. */
export function readNote(text: string): Note | undefined {
  if (text === '') return undefined;
  try {
    const [remoteId, base, sending, owner, entity] = JSON.parse(text) as unknown[];
    if (![remoteId, base, sending, owner].every((each) => typeof each === 'string')) {
      return undefined;
    }
    const note = { remoteId, base, sending, owner } as Note;
    return typeof entity === 'object' && entity !== null ? { ...note, entity } : note;
  } catch {
    return undefined;
  }
}

/** 53 bits of a text, in base 36 (cyrb53). Tells changes apart; keeps no secret. */
export function fingerprint(text: string): string {
  let left = 0xdeadbeef;
  let right = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    left = Math.imul(left ^ unit, 2_654_435_761);
    right = Math.imul(right ^ unit, 1_597_334_677);
  }
  left = Math.imul(left ^ (left >>> 16), 2_246_822_507);
  left ^= Math.imul(right ^ (right >>> 13), 3_266_489_909);
  right = Math.imul(right ^ (right >>> 16), 2_246_822_507);
  right ^= Math.imul(left ^ (left >>> 13), 3_266_489_909);
  return (4_294_967_296 * (2_097_151 & right) + (left >>> 0)).toString(36);
}

export function ownerOf({ userId = '' }: Identity): string {
  return fingerprint(userId);
}

/** Of what a memory says: its text, and its metadata in whatever order. */
export function contentOf({
  memory,
  metadata,
}: Pick<RetrievedMemory, 'memory' | 'metadata'>): string {
  return fingerprint(JSON.stringify([memory, sorted(metadata)]));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return { members: members.map(([key, member]) => [key, sorted(member)]) };
}

// ------------------------------------------------------------------------------------- identities

/** The rule of {@link Identity}. */
export function isVisible(memory: Identity, call: Identity): boolean {
  if (isEmpty(call)) return isEmpty(memory);
  return (
    memory.userId === call.userId &&
    (call.agentId === undefined || memory.agentId === call.agentId) &&
    (call.runId === undefined || memory.runId === call.runId)
  );
}

export function isEmpty({ userId, agentId, runId }: Identity): boolean {
  return userId === undefined && agentId === undefined && runId === undefined;
}

/**
 * The one id by which a remote is asked for it: several at once find less than one would think.
 * Undefined where there is none.
 */
export function entityOf({ userId, agentId, runId }: Identity): Identity | undefined {
  if (userId !== undefined) return { userId };
  if (agentId !== undefined) return { agentId };
  return runId === undefined ? undefined : { runId };
}

// ------------------------------------------------------------------------------ what is sent there

/** A memory here, as the core tells of it. */
export interface LocalState {
  readonly id: string;
  /** Empty where nothing was ever written under the id. */
  readonly version: string;
  readonly note: string;
  /** Whether it was written since what the note accounts for. */
  readonly isUnsettled: boolean;
  /** Null where it is deleted, or never was. */
  readonly memory: RetrievedMemory | null;
  readonly expiresAt: string | null;
}

/** The metadata by which a remote keeps what it has no other place for. Flat: some keep no more. */
export const RemoteKey = {
  id: 'agent_memory_id',
  role: 'agent_memory_role',
  name: 'agent_memory_name',
  createdAt: 'agent_memory_created_at',
  expiresAt: 'agent_memory_expires_at',
} as const;

const remoteKeys: ReadonlySet<string> = new Set(Object.values(RemoteKey));

/** The metadata to send with a memory. */
export function remoteMetadata(memory: RetrievedMemory, expiresAt: string | null): Metadata {
  const { id, metadata, role, name, createdAt } = memory;
  return {
    ...metadata,
    [RemoteKey.id]: id,
    ...(role === undefined ? {} : { [RemoteKey.role]: role }),
    ...(name === undefined ? {} : { [RemoteKey.name]: name }),
    ...(createdAt === null ? {} : { [RemoteKey.createdAt]: createdAt }),
    ...(expiresAt === null ? {} : { [RemoteKey.expiresAt]: expiresAt }),
  };
}

/** A memory at the remote, as it would be here. */
export interface Counterpart {
  readonly remoteId: string;
  /** The id that it has here, by its own word; undefined where it says none that could be one. */
  readonly claimedId: string | undefined;
  readonly content: string;
  /** With the remote's id. */
  readonly memory: RetrievedMemory;
  readonly expiresAt: string | null;
}

// kMaxIdBytes in include/agent_memory/config.hpp, for ids of any letters.
const maxIdUnits = 1024 / 3;

/** @param entity - What the remote was asked for: ids that an answer leaves out are these. */
export function toCounterpart(found: RetrievedMemory, entity: Identity): Counterpart {
  const { metadata: all } = found;
  const metadata = Object.fromEntries(Object.entries(all).filter(([key]) => !remoteKeys.has(key)));
  const text = (key: string): string | undefined => {
    const value = all[key];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const time = (key: string): string | undefined => {
    const value = text(key);
    return value === undefined || Number.isNaN(Date.parse(value)) ? undefined : value;
  };
  const claimed = text(RemoteKey.id);
  const role = text(RemoteKey.role);
  const name = text(RemoteKey.name);
  const memory: RetrievedMemory = {
    ...entity,
    ...found,
    score: 1,
    metadata,
    createdAt: time(RemoteKey.createdAt) ?? found.createdAt,
    ...(role === 'user' || role === 'assistant' ? { role } : {}),
    ...(name === undefined ? {} : { name }),
  };
  return {
    remoteId: found.id,
    claimedId: claimed !== undefined && claimed.length <= maxIdUnits ? claimed : undefined,
    content: contentOf(memory),
    memory,
    expiresAt: time(RemoteKey.expiresAt) ?? null,
  };
}

// --------------------------------------------------------------------------------------- decisions

/**
 * Under which id a counterpart is here.
 *
 * `extra`: it is a second copy of one that has a counterpart already, from an add that arrived
 * although it was taken for lost; of two the one with the lesser id stays, so that all devices keep
 * the same one.
 *
 * @param claimed - The memory under the id that it claims.
 * @param known - The id of the memory that is noted as its counterpart, if one is.
 */
export function localIdOf(
  { remoteId, claimedId, content, memory }: Counterpart,
  claimed: LocalState | undefined,
  known: string | undefined,
): { id: string } | 'extra' {
  if (known !== undefined) return { id: known };
  if (claimedId === undefined || claimed === undefined) return { id: remoteId };
  const there = claimed.memory;
  if (there === null) return { id: claimedId };
  const isOurs = (['userId', 'agentId', 'runId'] as const).every((id) => memory[id] === there[id]);
  if (!isOurs) return { id: remoteId };
  const note = readNote(claimed.note);
  if (note === undefined || note.remoteId === '' || note.remoteId === remoteId) {
    return { id: claimedId };
  }
  if (content !== note.base && content !== contentOf(there)) return { id: remoteId };
  return remoteId < note.remoteId ? { id: claimedId } : 'extra';
}

/**
 * How a live memory and its counterpart compare: they are `equal`; only `ours` is new, or only
 * `theirs`; both are, and the one here is newer (`keep`), or the one there is newer or as new
 * (`yield`).
 */
export type Comparison = 'equal' | 'ours' | 'theirs' | 'keep' | 'yield';

export function compare(
  there: Counterpart,
  here: RetrievedMemory,
  { note, isUnsettled }: LocalState,
): Comparison {
  if (there.content === contentOf(here)) return 'equal';
  const known = readNote(note);
  // What was on its way there is ours, too: whether it arrived was not known.
  if (there.content === known?.base || there.content === known?.sending) return 'ours';
  if (!isUnsettled) return 'theirs';
  return timeOf(there.memory) >= timeOf(here) ? 'yield' : 'keep';
}

/**
 * What a counterpart that a listing shows means for what is here: that they agree is to be noted,
 * the memory is to be taken, it is to be sent (noted, and left to the queue), or one of two that
 * changed stays.
 */
export type Decision = 'nothing' | 'agreed' | 'take' | 'send' | 'keep' | 'yield';

/** `here` is the state under the id that `localIdOf` gave. */
export function decide(there: Counterpart, here: LocalState): Decision {
  if (here.version === '') return 'take';
  const note = readNote(here.note);
  // What was deleted stays deleted; of what has a note the queue knows.
  if (here.memory === null) return note === undefined ? 'send' : 'nothing';
  const isNoted = note?.remoteId === there.remoteId && note.base === there.content;
  const comparison = compare(there, here.memory, here);
  switch (comparison) {
    case 'equal':
      return isNoted && !here.isUnsettled ? 'nothing' : 'agreed';
    case 'ours':
      return isNoted ? 'nothing' : 'send';
    case 'theirs':
      return 'take';
    case 'keep':
    case 'yield':
      return comparison;
  }
}

/** When it became what it is, by its own side's clock. */
function timeOf({ updatedAt, createdAt }: RetrievedMemory): number {
  return Date.parse(updatedAt ?? createdAt ?? '') || 0;
}

/** What is to become of a memory in the queue. */
export function operationOf({ memory, note }: LocalState): 'add' | 'update' | 'delete' {
  if (memory === null) return 'delete';
  return readNote(note)?.remoteId ? 'update' : 'add';
}

// ---------------------------------------------------------------------------------------- failures

/**
 * What a failed request means: `refused` is the memory's own, and for good; `stopped` would meet
 * all of them; `failed` may be its own or not, and may pass.
 */
export function failureOf({ code, status }: MemoryError): 'refused' | 'failed' | 'stopped' {
  if (code === 'invalid_argument' || code === 'not_implemented') return 'refused';
  if (code === 'not_found') return 'failed'; // it went meanwhile
  if (status === undefined) return 'stopped';
  if (status >= 500) return 'failed';
  // Keys, quotas, addresses and impatience are no matter of one memory, nor are pages of a login.
  const isOfAll = status < 400 || [401, 402, 403, 404, 407, 408, 425, 429].includes(status);
  return isOfAll ? 'stopped' : 'refused';
}

/**
 * How long to wait after so many failures in a row: between nothing and the bound, which doubles
 * (full jitter).
 *
 * @param random - 0 to 1.
 */
export function pauseAfter(
  failures: number,
  { firstMs, mostMs }: { firstMs: number; mostMs: number },
  random: number,
): number {
  return random * Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30));
}
