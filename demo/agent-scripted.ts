// SPDX-License-Identifier: MIT
//
// The built-in agent: rules, no language model, no network. It knows nothing but what is passed in,
// so whatever it "remembers" came out of the memory.

import type { RetrievedMemory } from 'agent-memory-wasm';
import type { Agent, ChatMessage } from './agent.js';
import { dayInWords } from './format.js';
import { kindOf } from './utterance.js';

export const scriptedAgent: Agent = {
  note: 'Built-in scripted agent, not a language model: it answers from what it remembers.',
  privacy: 'Everything stays in this browser.',
  leavesBrowser: false,
  reply: ({ text, memories, history }) =>
    Promise.resolve(scriptedReply(text, memories, history, new Date())),
};

/** How many memories are quoted; more than that reads like a list. */
const mostQuotes = 3;
/** A memory that scores less than this share of the best one is not worth a sentence. */
const worthMentioning = 0.4;
/** A best memory that scores less may be about something else. */
const sure = 0.1;

const asksYesOrNo =
  /^(do|does|did|am|is|are|was|were|have|has|had|can|should|will) (i|you|we|he|she|it|they|my|our|the)\b/i;

/** What to ask after a statement, by what it is about. The first match counts. */
const followUps: readonly (readonly [RegExp, string])[] = [
  [/\ballerg|\bintoleran|\bvegetarian|\bvegan/i, 'Is there anything else you avoid?'],
  [/\b(birthday|anniversary)\b/i, 'How do you like to celebrate it?'],
  [
    /\b(remind|appointment|deadline|meeting|due)\b/i,
    'I cannot ring a bell, but ask me and I will know. What else is coming up?',
  ],
  [/\b(dog|cat|pet|puppy|kitten|rabbit|parrot|horse|hamster)s?\b/i, 'What are they like?'],
  [
    /\b(sister|brother|mother|father|mum|mom|dad|son|daughter|wife|husband|partner|friend|cousin|aunt|uncle)s?\b/i,
    'What else should I know about them?',
  ],
  [/\b(trip|travel\w*|flight|flying|holiday|vacation|visit\w*)\b/i, 'Are you going alone?'],
  [/\b(live|lives|living|moved|moving|grew up|born)\b/i, 'What do you like about it there?'],
  [/\b(work\w*|job|office|company|team|project)\b/i, 'Which part of it do you enjoy most?'],
  [/\b(learn\w*|study\w*|reading|read|book|course)\b/i, 'How far have you come?'],
  [/\b(hate|dislike|can['’]?t stand|don['’]?t like)\b/i, 'What would you rather have?'],
  [/\b(love|like|enjoy|favou?rite|prefer|adore)s?\b/i, 'Has that always been so?'],
];

/**
 * The reply to `text`, given what was remembered for it and what was said before. Same input, same
 * reply.
 */
export function scriptedReply(
  text: string,
  memories: readonly RetrievedMemory[],
  history: readonly ChatMessage[],
  now: Date,
): string {
  const pick = picker(text, history.length);
  switch (kindOf(text)) {
    case 'greeting':
      return pick(
        'Hello! Tell me something, or ask me about something you told me.',
        'Hi! What is new?',
      );
    case 'thanks':
      return pick('You’re welcome.', 'Any time.', 'Gladly.');
    case 'about-agent':
      return 'I am a small script in this page, not a language model. I look for what you told me earlier that fits your words, and say what I found. Questions I do not keep.';
    case 'forget':
      return 'That is in your hands: find it under Memories and delete it there. Once deleted, I cannot recall it.';
    case 'overview':
      return memories.length === 0
        ? 'Nothing yet. Tell me something about yourself, and I will know it next time.'
        : `The latest I have from you:\n${memories.map((memory) => `• ${quote(memory)} (${when(memory, now)})`).join('\n')}`;
    case 'question':
      return answer(text, memories, now, pick);
    case 'statement':
      return acknowledge(text, memories, history, now, pick);
  }
}

function answer(text: string, memories: readonly RetrievedMemory[], now: Date, pick: Pick): string {
  const [best, ...others] = mentionable(memories);
  if (!best) {
    return pick(
      'I do not remember anything about that. Tell me, and I will know next time.',
      'Nothing I remember fits that. If you tell me, I will keep it.',
    );
  }
  const opening =
    best.score < sure
      ? 'I am not sure, but this comes closest. '
      : asksYesOrNo.test(text.trim())
        ? 'This may answer it. '
        : '';
  const rest = others.map((memory) => `\nAnd ${when(memory, now)}: ${quote(memory)}`).join('');
  return opening + sentence(best, now) + rest;
}

function acknowledge(
  text: string,
  memories: readonly RetrievedMemory[],
  history: readonly ChatMessage[],
  now: Date,
  pick: Pick,
): string {
  const known = memories.find((memory) => sameWords(memory.memory, text));
  if (known) return `I know: you told me ${when(known, now)}. It is still on my list.`;

  const related = mentionable(memories)[0];
  const noted = pick('Noted.', 'I will remember that.', 'Good to know, I will keep that.');
  if (related && related.score >= sure)
    return `${noted} It goes with what you told me ${when(related, now)}: ${quote(related)}`;

  // One question at a time: none after a reply that had asked already.
  const lastReply = history.filter(({ role }) => role === 'assistant').at(-1)?.content ?? '';
  if (lastReply.endsWith('?')) return noted;
  const followUp = followUps.find(([topic]) => topic.test(text))?.[1] ?? 'What else should I know?';
  return `${noted} ${followUp}`;
}

function mentionable(memories: readonly RetrievedMemory[]): RetrievedMemory[] {
  const best = memories[0]?.score ?? 0;
  return memories.filter((memory) => memory.score >= best * worthMentioning).slice(0, mostQuotes);
}

/** "You told me on 3 March: “…”" */
function sentence(memory: RetrievedMemory, now: Date): string {
  const speaker = memory.role === 'assistant' ? 'I said' : 'You told me';
  return `${speaker} ${when(memory, now)}: ${quote(memory)}`;
}

function when(memory: RetrievedMemory, now: Date): string {
  return memory.createdAt ? dayInWords(new Date(memory.createdAt), now) : 'once';
}

function quote(memory: RetrievedMemory): string {
  const text = memory.memory.replace(/\s+/g, ' ').trim();
  return `“${text.length > 200 ? `${text.slice(0, 199).trimEnd()}…` : text}”`;
}

function sameWords(one: string, other: string): boolean {
  const words = (text: string) =>
    text
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu)
      ?.join(' ') ?? '';
  return words(one) === words(other);
}

type Pick = (...choices: readonly [string, ...string[]]) => string;

/** Varies the wording from turn to turn without chance. */
function picker(text: string, turn: number): Pick {
  return (...choices) => choices[(text.length + turn) % choices.length] ?? choices[0];
}
