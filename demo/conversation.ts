// SPDX-License-Identifier: MIT
//
// One user's chat with the agent, and the memory around it. This is how a product would use the
// library: recall before the agent answers, keep afterwards.

import {
  MemoryScope,
  MemorySession,
  RetrievalStrategy,
  type LocalProvider,
  type MemoryError,
  type RetrievedMemory,
  type StoredMemory,
} from 'agent-memory-wasm';
import type { ChatMessage } from './agent.js';
import type { User } from './users.js';
import { isWorthKeeping, kindOf } from './utterance.js';

const instructions: ChatMessage = {
  role: 'system',
  content:
    'You are a friendly, brief assistant in a demo of agent memory. Use what is remembered about the user where it helps.',
};
/** How many memories a reply may draw on. */
const topK = 5;
/** How many earlier messages an endpoint gets to see. */
const historyLength = 20;

export interface Recalled {
  readonly memories: readonly RetrievedMemory[];
  readonly messages: readonly ChatMessage[];
  readonly history: readonly ChatMessage[];
}

export class Conversation {
  private readonly messages: ChatMessage[] = [];
  private readonly worthKeeping: ChatMessage[] = [];
  private readonly sessions = new Map<RetrievalStrategy, MemorySession>();

  constructor(
    private readonly provider: LocalProvider,
    readonly user: User,
    private readonly onTrouble: (error: MemoryError) => void,
  ) {}

  /** Before the agent answers: what is remembered that fits `text`. */
  async recall(text: string, strategy: RetrievalStrategy): Promise<Recalled> {
    // "What do you know about me?" names no topic to look for: the latest is the best answer.
    const suited = kindOf(text) === 'overview' ? RetrievalStrategy.RECENCY : strategy;
    const history = this.messages.slice(-historyLength);
    const [{ memories, messages }, reasons] = await Promise.all([
      this.session(suited).beforeModelRequest([instructions, ...history, said('user', text)]),
      this.reasons(text, suited),
    ]);
    const explained = memories.map((memory) => ({ ...memory, ...reasons.get(memory.id) }));
    return { memories: explained, messages, history };
  }

  /** After the agent answered, if it did: the turn becomes part of the chat, and what the user told is kept. */
  async keep(text: string, reply: string | undefined): Promise<StoredMemory[]> {
    const turn = [said('user', text), ...(reply ? [said('assistant', reply)] : [])];
    this.messages.push(...turn);
    if (!isWorthKeeping(text)) return [];
    // The session is shown all there is to keep, always the same one: so it knows what it kept already.
    this.worthKeeping.push(...turn);
    return this.session(RetrievalStrategy.SEMANTIC_SEARCH).afterRun(this.worthKeeping);
  }

  private session(strategy: RetrievalStrategy): MemorySession {
    const session =
      this.sessions.get(strategy) ??
      new MemorySession(this.provider, {
        userId: this.user.id,
        config: { scope: MemoryScope.USER, topK, retrievalStrategy: strategy },
        onError: this.onTrouble,
      });
    this.sessions.set(strategy, session);
    return session;
  }

  /** Why each memory is found: the page shows it, the agent has no use for it. */
  private async reasons(
    query: string,
    strategy: RetrievalStrategy,
  ): Promise<Map<string, Pick<RetrievedMemory, 'explanation'>>> {
    const options = { userId: this.user.id, topK, strategy, explain: true };
    const found = await this.provider.retrieveMemories(query, options).catch(() => []);
    return new Map(found.map(({ id, explanation }) => [id, explanation ? { explanation } : {}]));
  }
}

function said(role: ChatMessage['role'], content: string): ChatMessage {
  return { role, content };
}
