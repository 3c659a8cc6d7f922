// SPDX-License-Identifier: MIT
//
// English for the libraries that leave it to their users, and for counting postings.
import { stemmer } from '@orama/stemmers/english';
import { stopwords } from '@orama/stopwords/english';

const stopWordSet = new Set(stopwords);
const stems = new Map();

export const stopWords = stopwords;
export const isStopWord = (word) => stopWordSet.has(word);

/** The stem of a word in lower case (Porter); each word is stemmed once, so that nobody waits for the stemmer. */
export function stem(word) {
  let found = stems.get(word);
  if (found === undefined) {
    found = stemmer(word);
    stems.set(word, found);
  }
  return found;
}

export const wordsOf = (text) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** The words of a text as they are indexed: in lower case, no stop words, stems. */
export const termsOf = (text) =>
  wordsOf(text)
    .filter((word) => !isStopWord(word))
    .map(stem);

/** A message as one text, speaker first: what a library indexes that has no field for the speaker. */
export const lineOf = ({ name, text }) => `${name}: ${text}`;
