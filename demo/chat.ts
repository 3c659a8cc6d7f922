// SPDX-License-Identifier: MIT
//
// The chat column: messages, the box to write them in, and under each what was remembered or saved.

import type {
  LocalProvider,
  MemoryError,
  RetrievalStrategy,
  RetrievedMemory,
} from 'agent-memory-wasm';
import { AgentError, type Agent, type AgentRequest } from './agent.js';
import { keptNote, usedNote } from './chat-notes.js';
import { Conversation } from './conversation.js';
import { button, byId, element } from './dom.js';
import { count, dayInWords } from './format.js';
import type { User } from './users.js';

export interface ChatOptions {
  readonly provider: LocalProvider;
  readonly agent: () => Agent;
  readonly strategy: () => RetrievalStrategy;
  /** These memories went into the last answer. */
  readonly onUsed: (memories: readonly RetrievedMemory[]) => void;
  /** The visitor wants to see this memory in the list. */
  readonly onReveal: (memoryId: string) => void;
}

interface Thread {
  readonly conversation: Conversation;
  /** All that is shown of it. Only the current user's is in the page. */
  readonly list: HTMLOListElement;
}

const firstSteps = [
  'I’m allergic to peanuts',
  'My sister Mia lives in Lisbon',
  'What am I allergic to?',
];
const nextSteps = ['What do you remember about me?'];

export class Chat {
  private readonly log = byId('log', HTMLElement);
  private readonly input = byId('chat-input', HTMLTextAreaElement);
  private readonly sendButton = byId('send', HTMLButtonElement);
  private readonly stopButton = byId('stop', HTMLButtonElement);
  private readonly threads = new Map<string, Thread>();
  private current: Thread | undefined;
  private running: AbortController | undefined;

  constructor(private readonly options: ChatOptions) {
    byId('composer', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      this.sendInput();
    });
    this.input.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.sendInput();
    });
    this.input.addEventListener('input', () => {
      this.update();
    });
    this.stopButton.addEventListener('click', () => {
      this.stop();
    });
    this.input.disabled = false;
    this.update();
  }

  /** Shows this user's chat, and nothing of anybody else's. */
  async show(user: User): Promise<void> {
    this.stop();
    const known = this.threads.get(user.id);
    const thread = known ?? this.start(user);
    this.current = thread;
    this.log.replaceChildren(thread.list);
    this.log.scrollTop = this.log.scrollHeight;
    if (!known) await this.greet(thread);
  }

  stop(): void {
    this.running?.abort();
    this.running = undefined;
    this.update();
  }

  private start(user: User): Thread {
    const list = element('ol', { class: 'messages' });
    const onTrouble = (error: MemoryError): void => {
      this.notice(list, `The memory had a problem: ${error.message}`);
    };
    const thread = { list, conversation: new Conversation(this.options.provider, user, onTrouble) };
    this.threads.set(user.id, thread);
    return thread;
  }

  private async greet({ list, conversation: { user } }: Thread): Promise<void> {
    const memories = await this.options.provider
      .getAllMemories({ userId: user.id })
      .catch(() => []);
    const last = memories[0];
    const text = last
      ? `Welcome back, ${user.name}. I remember ${memories.length === 1 ? 'one thing' : `${count(memories.length)} things`}` +
        ` from you; the last one${last.createdAt ? `, from ${dayInWords(new Date(last.createdAt), new Date()).replace(/^on /, '')}` : ''}: “${shorten(last.memory)}”`
      : `Hello ${user.name}. ${this.options.agent().leavesBrowser ? '' : 'I am a small scripted agent, not a language model. '}Tell me something worth remembering, then ask me about it: now, after a reload, or next week.`;
    this.add(list, 'agent', text, 'greeting');
    this.suggest(list, last ? nextSteps : firstSteps);
  }

  /** What one may say with a click; what is left of it stays until something else is said. */
  private suggest(list: HTMLElement, suggestions: readonly string[]): void {
    list.querySelector('.suggestions')?.remove();
    if (suggestions.length === 0) return;
    const take = async (suggestion: string): Promise<void> => {
      await this.send(suggestion);
      this.suggest(
        list,
        suggestions.filter((other) => other !== suggestion),
      );
    };
    const buttons = suggestions.map((text) =>
      button({ class: 'suggestion' }, () => void take(text), text),
    );
    list.append(element('li', { class: 'suggestions' }, ...buttons));
    this.scroll();
  }

  private sendInput(): void {
    const text = this.input.value.trim();
    if (text === '' || this.running) return;
    this.input.value = '';
    void this.send(text);
    this.input.focus();
  }

  private async send(text: string): Promise<void> {
    const thread = this.current;
    if (!thread || this.running) return;
    const { conversation, list } = thread;
    const strategy = this.options.strategy();
    const running = (this.running = new AbortController());
    list.querySelector('.suggestions')?.remove();
    const asked = this.add(list, 'user', text, 'message-user');
    this.update();
    this.scroll(true);
    try {
      const recalled = await conversation.recall(text, strategy);
      if (thread === this.current) this.options.onUsed(recalled.memories);
      const reply = await this.answer(list, { ...recalled, text, signal: running.signal });
      asked.append(keptNote(text, await conversation.keep(text, reply), this.options.onReveal));
    } catch (error) {
      this.notice(list, `The memory had a problem: ${String(error)}`);
    } finally {
      if (this.running === running) this.running = undefined;
      this.update();
      this.scroll();
    }
  }

  /** What the agent says, as far as it got. Where it fails, the chat says why. */
  private async answer(
    list: HTMLElement,
    request: Omit<AgentRequest, 'onPartialReply'>,
  ): Promise<string | undefined> {
    const { memories, signal } = request;
    const item = this.add(list, 'agent', '', 'message-agent');
    const bubble = item.querySelector('.bubble') ?? item;
    bubble.classList.add('waiting');
    list.setAttribute('aria-busy', 'true'); // read out whole, not word by word
    let reply: string | undefined;
    const show = (text: string): void => {
      bubble.classList.remove('waiting');
      bubble.textContent = reply = text;
      this.scroll();
    };
    try {
      show(await this.options.agent().reply({ ...request, onPartialReply: show }));
    } catch (error) {
      const reason =
        error instanceof AgentError ? error.message : `The agent failed: ${String(error)}`;
      this.notice(list, signal.aborted ? 'Stopped.' : reason, !signal.aborted);
    }
    list.removeAttribute('aria-busy');
    if (reply === undefined) item.remove();
    else if (memories.length > 0) item.append(usedNote(memories));
    return reply;
  }

  private add(list: HTMLElement, who: 'user' | 'agent', text: string, testId: string): HTMLElement {
    const item = element(
      'li',
      { class: `message ${who}` },
      element('span', { class: 'visually-hidden' }, who === 'user' ? 'You: ' : 'Agent: '),
      element('div', { class: 'bubble', 'data-testid': testId }, text),
    );
    list.append(item);
    return item;
  }

  private notice(list: HTMLElement, text: string, isError = true): void {
    const kind = isError ? 'notice error' : 'notice';
    list.append(
      element('li', { class: kind, 'data-testid': isError ? 'chat-error' : 'chat-notice' }, text),
    );
    this.scroll();
  }

  private update(): void {
    const stoppable = this.running !== undefined && this.options.agent().leavesBrowser;
    this.sendButton.hidden = stoppable;
    this.stopButton.hidden = !stoppable;
    this.sendButton.disabled = this.running !== undefined || this.input.value.trim() === '';
    // Where `field-sizing: content` is not known, the box is made to fit by hand.
    if (!CSS.supports('field-sizing', 'content')) {
      this.input.style.blockSize = 'auto';
      this.input.style.blockSize = `${this.input.scrollHeight}px`;
    }
  }

  /** To the newest message; `always`, or only where the end was in sight. */
  private scroll(always = false): void {
    const { scrollHeight, scrollTop, clientHeight } = this.log;
    if (always || scrollHeight - scrollTop - clientHeight < 240) this.log.scrollTop = scrollHeight;
  }
}

function shorten(text: string): string {
  return text.length > 140 ? `${text.slice(0, 139).trimEnd()}…` : text;
}
