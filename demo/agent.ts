// SPDX-License-Identifier: MIT
//
// What the chat needs of whoever answers.

import type { RetrievedMemory } from 'agent-memory-wasm';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface AgentRequest {
  /** What the user just said. */
  readonly text: string;
  /** What was said before that in this chat. */
  readonly history: readonly ChatMessage[];
  /** What the session found for it, best first. */
  readonly memories: readonly RetrievedMemory[];
  /** All of it as a model wants it: the session has put the memories into the system message. */
  readonly messages: readonly ChatMessage[];
  readonly signal: AbortSignal;
  /** May be called with the reply so far, while it grows. */
  readonly onPartialReply: (reply: string) => void;
}

export interface Agent {
  /** For the line above the chat. */
  readonly note: string;
  /** For the line under the message box. */
  readonly privacy: string;
  readonly leavesBrowser: boolean;
  reply(request: AgentRequest): Promise<string>;
}

/** Why there is no reply, in words for the user. Never carries a key. */
export class AgentError extends Error {}
