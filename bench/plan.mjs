// SPDX-License-Identifier: MIT
//
// The whole run in one runtime: each size after the other.
import { makeCorpus } from './corpus.mjs';
import { libraries } from './libraries/index.mjs';
import { measureLibraries, postingsOf } from './measure.mjs';

/** Peers are left out of larger sizes: some take minutes, and some gigabytes. */
const mostForPeers = 200_000;
const warmUpSize = 1000;

/**
 * @param {{ sizes: number[], names: string[], rounds: number, conversations: object[] }} plan - `names`: of libraries
 * @param {import('./measure.mjs').Host} host
 * @returns one entry a size: {size, words, vocabulary, textBytes, postings, libraries}; see measure.mjs and report.mjs
 */
export async function run({ sizes, names, rounds, conversations }, host) {
  const chosen = libraries.filter(({ name }) => names.includes(name));
  const quiet = { ...host, log() {} };
  // What is compiled as it runs gets compiled.
  await measureLibraries(chosen, makeCorpus(conversations, { size: warmUpSize }), {
    rounds: 1,
    host: quiet,
  });
  const results = [];
  for (const size of sizes) {
    host.log(`${size} messages`);
    const corpus = makeCorpus(conversations, { size });
    const measured = size > mostForPeers ? chosen.slice(0, 1) : chosen;
    results.push({
      size,
      words: corpus.words,
      vocabulary: corpus.vocabulary,
      textBytes: corpus.textBytes,
      postings: postingsOf(corpus),
      libraries: await measureLibraries(measured, corpus, { rounds, host }),
    });
  }
  return results;
}
