// SPDX-License-Identifier: MIT
//
// Messages and questions for the benchmark, made of real conversations: the same from the same seed, on every machine.
//
// A message is as many turns as make 25 words on average. Of its longer words some are swapped: for a coined word as
// long as there are fewer distinct words than V(T) = 10 T^0.58 wants of T words (Heaps' law, with figures usual for
// English), else for a word that was swapped before, so that coined words are as unevenly frequent as real ones.
// No two messages are equal. Speakers get other names, some of them in many runs and most in few.
import { isStopWord } from './libraries/english.mjs';

/**
 * @typedef {{ role: 'user' | 'assistant', name: string, text: string, timestamp: number }} Message
 * @typedef {{ message: Message, marker: string }} Planted - a message with a word of its own
 * @typedef {{ messages: Message[], planted: Planted[], queries: string[], words: number, vocabulary: number,
 *   textBytes: number }} Corpus - `words` and `vocabulary` (distinct words) and `textBytes` (UTF-8) are of `messages`
 */

const wordsPerMessage = 25;
const messagesPerRun = 20;
const swapShare = 0.3;
const nameCount = 20;
const minuteMs = 60_000;
/** When the last message was said. */
const endMs = Date.parse('2026-01-01T00:00:00Z');

/** How many distinct words a text of `words` words has. */
export const vocabularyOf = (words) => 10 * words ** 0.58;

/**
 * @param {import('../scripts/evaluation.mjs').Conversation[]} conversations
 * @returns {Corpus}
 */
export function makeCorpus(conversations, { size, queries = 500, planted = 2400, seed = 1 }) {
  const random = randomNumbers(seed);
  const names = makeNames(seed);
  const nextName = () => pickName(names, random);
  const vocabulary = new Vocabulary(random);
  const threads = conversations.flatMap((conversation) => {
    const speakers = speakersOf(conversation);
    return conversation.sessions.map((session) =>
      session.turns.map((turn) => ({ ...turn, pieces: cut(turn.text, speakers) })),
    );
  });

  const messages = [];
  const texts = new Set();
  let turnWords = 0;
  let clockMs = 0;
  const writeRun = (count) => {
    const turns = pick(threads, random);
    const nameOf = renaming(nextName);
    clockMs += (60 + 120 * random()) * minuteMs;
    let at = Math.floor(random() * turns.length);
    for (let index = 0; index < count; index++) {
      clockMs += (5 + 55 * random()) * 1000;
      const { speaker, role } = turns[at];
      let text = '';
      do {
        const { pieces } = turns[at];
        text += (text && ' ') + write(pieces, nameOf, vocabulary);
        turnWords += pieces.length - 1;
        at = (at + 1) % turns.length;
      } while (
        texts.has(text) ||
        turnWords + (turns[at].pieces.length - 1) / 2 < wordsPerMessage * (messages.length + 1)
      );
      texts.add(text);
      messages.push({ role, name: nameOf(speaker.split(' ')[0]), text, timestamp: clockMs });
    }
  };
  while (messages.length < size) writeRun(Math.min(messagesPerRun, size - messages.length));
  const words = vocabulary.words;
  const distinct = vocabulary.distinct.size;
  writeRun(planted);

  const startMs = Math.round(endMs - clockMs);
  for (const message of messages) message.timestamp = startMs + Math.round(message.timestamp);
  const extra = messages.splice(size);
  return {
    messages,
    planted: extra.map((message, index) => {
      const marker = markerWord(index);
      return { marker, message: { ...message, text: `${message.text} ${marker}` } };
    }),
    queries: makeQueries(conversations, queries, names, seed),
    words,
    vocabulary: distinct,
    textBytes: messages.reduce((sum, { text }) => sum + utf8Length(text), 0),
  };
}

/** As many questions as are wanted, with other names; they are the same for every size. */
function makeQueries(conversations, count, names, seed) {
  const random = randomNumbers(seed);
  const questions = conversations.flatMap((conversation) => {
    const speakers = speakersOf(conversation);
    return conversation.questions.map(({ question }) => cut(question, speakers));
  });
  shuffle(questions, random);
  return Array.from({ length: count }, (_, index) =>
    write(
      questions[index % questions.length],
      renaming(() => pickName(names, random)),
    ),
  );
}

/** Words that no stemmer changes and that hardly look like each other, so that each finds its own message. */
function markerWord(index) {
  const random = randomNumbers(index);
  return `q${Array.from({ length: 9 }, () => pick('bcdfghjkmn', random)).join('')}k`;
}

// ------------------------------------------------------------------------------------- texts in pieces

const Kind = { plain: 0, swappable: 1, name: 2 };

/** First names of a conversation's speakers, but for "Assistant". */
function speakersOf({ sessions }) {
  const speakers = sessions.flatMap(({ turns }) =>
    turns.map(({ speaker }) => speaker.split(' ')[0]),
  );
  return new Set(speakers.filter((name) => name !== 'Assistant'));
}

/** A text as words, each with what stands before it; the last piece is what stands behind the last word. */
function cut(text, speakers) {
  const pieces = [];
  let end = 0;
  for (const { 0: word, index } of text.matchAll(/[\p{L}\p{N}]+/gu)) {
    const kind = speakers.has(word)
      ? Kind.name
      : word.length >= 4 && !isStopWord(word.toLowerCase())
        ? Kind.swappable
        : Kind.plain;
    pieces.push({ before: text.slice(end, index), word, folded: word.toLowerCase(), kind });
    end = index + word.length;
  }
  pieces.push({ before: text.slice(end), word: '' });
  return pieces;
}

function write(pieces, nameOf, vocabulary) {
  let text = '';
  for (const { before, word, folded, kind } of pieces) {
    text += before;
    if (word === '') continue;
    if (kind === Kind.name) {
      const name = nameOf(word);
      vocabulary?.say(name.toLowerCase());
      text += name;
    } else if (vocabulary === undefined) {
      text += word;
    } else {
      const said = kind === Kind.swappable ? vocabulary.swap(folded) : folded;
      vocabulary.say(said);
      text += said === folded ? word : said;
    }
  }
  return text;
}

// ------------------------------------------------------------------------------------- words and names

/** What was said so far, and which word comes in the place of another. */
class Vocabulary {
  words = 0;
  distinct = new Set();
  #swapped = [];
  #random;

  constructor(random) {
    this.#random = random;
  }

  say(word) {
    this.words++;
    this.distinct.add(word);
  }

  swap(word) {
    if (this.#random() >= swapShare) return word;
    const isPoor = this.distinct.size < vocabularyOf(this.words);
    const other =
      isPoor || this.#swapped.length === 0 ? this.#coin() : pick(this.#swapped, this.#random);
    this.#swapped.push(other);
    return other;
  }

  #coin() {
    for (;;) {
      const word = coinWord(this.#random, 2 + Math.floor(2 * this.#random()));
      if (!this.distinct.has(word)) return word;
    }
  }
}

const onsets = 'b c d f g h k l m n p r s t v w br cl dr fl gr pl sh st th tr'.split(' ');
const vowels = 'a e i o u ai ea ou'.split(' ');
const codas = ['', '', '', 'l', 'm', 'n', 'r', 's', 't', 'ck', 'nd', 'ng', 'st'];

function coinWord(random, syllables) {
  let word = '';
  for (let index = 0; index < syllables; index++)
    word += pick(onsets, random) + pick(vowels, random);
  return word + pick(codas, random);
}

function makeNames(seed) {
  const random = randomNumbers(seed);
  return Array.from({ length: nameCount }, () => {
    const name = coinWord(random, 2);
    return name[0].toUpperCase() + name.slice(1);
  });
}

/** The n-th name with a probability in proportion to 1 / n, nearly. */
const pickName = (names, random) => names[Math.floor(names.length ** random()) - 1];

/** A function from a speaker's name to another: always the same for the same speaker. */
function renaming(nextName) {
  const chosen = new Map([['Assistant', 'Assistant']]);
  return (name) => {
    if (!chosen.has(name)) chosen.set(name, nextName());
    return chosen.get(name);
  };
}

// ------------------------------------------------------------------------------------- numbers

/** mulberry32: numbers from 0 to below 1, the same for the same seed. */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pick = (list, random) => list[Math.floor(random() * list.length)];

function shuffle(list, random) {
  for (let index = list.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [list[index], list[other]] = [list[other], list[index]];
  }
}

function utf8Length(text) {
  let length = 0;
  for (const character of text) {
    const code = character.codePointAt(0);
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return length;
}
