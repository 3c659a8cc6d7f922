// SPDX-License-Identifier: MIT

import { AgentHandle } from './core/agent-handle.js';
import { memberOf, messageAsJson, messagesArguments } from './core/json.js';
import { Operation } from './core/module.js';
import type {
  MemoryContextOptions,
  MemoryProvider,
  PreparedRequest,
  RetrievedMemory,
  StoredMemory,
} from './types.js';

/** One change to a list of messages: a message to insert, or a field to set. */
interface MessageEdit {
  index: number;
  field?: string;
  value: unknown;
}

/**
 * The agent's loop: makes every field of MemoryConfig do what it says.
 *
 * `config.scope` decides which ids hold. USER: `userId` for retrieving, with `agentId` and `runId`
 * noted when storing; RUN: `runId`, and `userId` if there is one; AGENT: `agentId` alone, knowledge
 * that all its users share; GLOBAL: none. A missing id is `invalid_argument`.
 *
 * A failing provider never breaks the agent's run (unless `failOpen` is false): the messages come
 * back unchanged, what could not be stored waits for the next turn, and `onError` is told. Nothing
 * to close.
 */
export class MemorySession {
  readonly #agent: AgentHandle;

  /** Throws `invalid_argument` where `provider` has not the four methods of one. */
  constructor(provider: MemoryProvider, options: MemoryContextOptions = {}) {
    this.#agent = new AgentHandle(Operation.makeSession, provider, options);
  }

  /**
   * Before each model request: the same messages, in the same shape, with what was remembered put
   * into the system prompt (or as a message of its own where `memorySummaryInSystem` is false). The
   * input is not changed, and messages that need no change are passed on as they are.
   *
   * Searches for what the last user message says. Memories are delimited and escaped, said to be
   * data and not instructions, and bounded in size; those of an earlier turn are taken out.
   */
  async beforeModelRequest<M>(messages: readonly M[]): Promise<PreparedRequest<M>> {
    const { edits, memories, prompt } = await this.#agent.invoke<{
      edits: MessageEdit[];
      memories: RetrievedMemory[];
      prompt: string;
    }>(Operation.beforeModelRequest, messagesArguments(messages));
    // An inserted message has the shape that the others have.
    return { messages: applyEdits(messages, edits) as M[], memories, prompt };
  }

  /**
   * After each run: counts a turn and, every `storeAfterTurns` turns, stores what is new. Takes the
   * whole history or only its new messages. Never stores what was injected.
   */
  afterRun(messages: readonly unknown[]): Promise<StoredMemory[]> {
    return this.#agent.invoke(Operation.afterRun, messagesArguments(messages));
  }

  /** Stores what is still waiting for `storeAfterTurns`. */
  flush(): Promise<StoredMemory[]> {
    return this.#agent.invoke(Operation.flush, (writer) => {
      writer.array(0);
    });
  }
}

function applyEdits(messages: readonly unknown[], edits: readonly MessageEdit[]): unknown[] {
  const edited = [...messages];
  for (const { index, field, value } of edits) {
    if (field === undefined) edited.splice(index, 0, insertedAmong(messages, value));
    else edited[index] = withField(edited[index], field, value);
  }
  return edited;
}

/** LangChain's message objects say what they are made of as `kwargs` when they become JSON. */
function isMessageObject(message: unknown): message is object {
  return typeof message === 'object' && message !== null && 'lc_kwargs' in message;
}

/** A copy, of the same class, with one field changed. */
function withField(message: unknown, field: string, value: unknown): unknown {
  if (typeof message !== 'object' || message === null) return message;
  if (isMessageObject(message) && field === 'kwargs') {
    return withField(message, 'content', memberOf(value, 'content'));
  }
  const prototype = Object.getPrototypeOf(message) as object | null;
  const copy = Object.assign(Object.create(prototype) as object, message);
  // Defined, not assigned: the class may have no more than a getter for it.
  return Object.defineProperty(copy, field, {
    value: keepOwn(memberOf(message, field), value),
    configurable: true,
    enumerable: true,
    writable: true,
  });
}

/** Whether `own` looks like `edited` to the core. */
function isUnedited(own: unknown, edited: unknown): boolean {
  return JSON.stringify(messageAsJson(own, 'message')) === JSON.stringify(edited);
}

/**
 * `edited`, with the caller's own parts wherever they were only passed on: on the way to the core
 * and back, bytes are lost, and so is what JSON has no form for.
 */
function keepOwn(own: unknown, edited: unknown): unknown {
  if (typeof own !== 'object' || own === null || typeof edited !== 'object' || edited === null) {
    return edited;
  }
  if (isUnedited(own, edited)) return own;
  if (!Array.isArray(own) || !Array.isArray(edited)) {
    const members = Object.entries(edited).map(([key, member]: [string, unknown]) => [
      key,
      keepOwn(memberOf(own, key), member),
    ]);
    return Object.fromEntries(members) as unknown;
  }
  if (own.length === edited.length) {
    return edited.map((part, index) => keepOwn(own[index], part));
  }
  // Parts were inserted or taken out; those that stayed are in the order in which they were.
  let next = 0;
  return edited.map((part: unknown) => {
    const at = own.findIndex((each, index) => index >= next && isUnedited(each, part));
    if (at < 0) return part;
    next = at + 1;
    return own[at] as unknown;
  });
}

/** Among message objects, which cannot be made here, a message in the form that LangChain coerces. */
function insertedAmong(messages: readonly unknown[], message: unknown): unknown {
  if (!messages.some(isMessageObject)) return message;
  const content = memberOf(memberOf(message, 'kwargs'), 'content');
  const id = memberOf(message, 'id');
  const isSystem = Array.isArray(id) && id.at(-1) === 'SystemMessage';
  return { role: isSystem ? 'system' : 'user', content };
}
