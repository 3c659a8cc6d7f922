// SPDX-License-Identifier: MIT
//
// Measures libraries against each other, in Node and in a page alike: the same messages, the same questions, taking
// turns, so that whatever else the machine does falls upon all of them.
//
// A time is the wall time, or the CPU time of the process where the host has a clock for it (Node) and that is less:
// what an operation takes when nobody else wants the processor. Everything is measured several times, and the median
// counts.
import { lineOf, termsOf } from './libraries/english.mjs';

/**
 * @typedef {{ nowMs: () => number, cpuMs?: () => number, collectGarbage: (all: boolean) => unknown, log: (line: string) => void }} Host
 *   `cpuMs`: CPU time of all threads of this process so far; `collectGarbage`: all of it, or only what is young
 */

/** What one library may spend on one round of searches, of loading or of one kind of change, in ms; but it makes `least` of them. */
const roundMs = 1500;
const least = 20;
/** Between rounds: time enough for what a library does by itself, and to forget what it was asked just now. */
const restMs = 100;
/** Builds are repeated until they took so long altogether. */
const buildMs = 4000;

export const median = (values) => quantile(values, 0.5);

/** The smallest value that at least `share` of the values do not exceed. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** For each query how many postings its terms have: what a search has to look at, whoever does it. */
export function postingsOf({ messages, queries }) {
  const wanted = new Map();
  const termsOfQueries = queries.map((query) => [...new Set(termsOf(query))]);
  for (const term of termsOfQueries.flat()) wanted.set(term, 0);
  for (const message of messages) {
    for (const term of new Set(termsOf(lineOf(message)))) {
      const count = wanted.get(term);
      if (count !== undefined) wanted.set(term, count + 1);
    }
  }
  return termsOfQueries.map((terms) => terms.reduce((sum, term) => sum + wanted.get(term), 0));
}

/**
 * Measures each library on one corpus.
 *
 * @returns by library's name: buildMs; queryMs (for each query its median, or null where it was not asked); addUs,
 *   deleteUs; addVisibleUs, deleteVisibleUs (with what it adds to the search after it); saveMs, savedBytes, loadMs (with
 *   the first search)
 */
export async function measureLibraries(libraries, corpus, { rounds, host }) {
  const runs = libraries.map((library) => ({ library, samples: newSamples(corpus) }));
  const { log } = host;

  log('build');
  for (let round = 0; round < rounds; round++) {
    for (const run of turns(runs, round)) {
      if (round > 0 && sum(run.samples.buildMs) >= buildMs) continue;
      await run.store?.close();
      run.store = undefined;
      await measureBuild(run, corpus, host);
    }
  }
  for (const { library } of runs) await library.settle?.();

  log('warm-up');
  await host.collectGarbage(true);
  for (const { store } of runs) await searchSome(store, corpus, 0, host);

  log('search');
  for (let round = 0; round < rounds; round++) {
    for (const run of turns(runs, round)) await measureSearches(run, corpus, host);
  }

  log('add and delete');
  for (let round = 0; round < rounds; round++) {
    const planted = shareOf(corpus.planted, round, rounds);
    for (const run of turns(runs, round)) await measureChanges(run, planted, host);
  }

  log('save and load');
  await host.collectGarbage(true);
  for (const run of runs) await measureSave(run, host);
  for (let round = 0; round < rounds; round++) {
    for (const run of turns(runs, round)) await measureLoad(run, corpus, host);
  }
  return Object.fromEntries(runs.map(({ library, samples }) => [library.name, summarize(samples)]));
}

const newSamples = ({ queries }) => ({
  buildMs: [],
  queryMs: queries.map(() => []),
  addUs: [],
  addVisibleUs: [],
  deleteUs: [],
  deleteVisibleUs: [],
  saveMs: [],
  savedBytes: [],
  loadMs: [],
});

function summarize({ queryMs, ...samples }) {
  const medianOf = (values) => (values.length > 0 ? median(values) : null);
  return {
    ...Object.fromEntries(Object.entries(samples).map(([key, values]) => [key, medianOf(values)])),
    queryMs: queryMs.map(medianOf),
  };
}

/** The list, each round beginning with another. */
const turns = (list, round) => list.map((_, index) => list[(index + round) % list.length]);

/** The part of `list` that belongs to one round; each has others. */
const shareOf = (list, round, rounds) =>
  list.slice((round * list.length) / rounds, ((round + 1) * list.length) / rounds);

const sum = (values) => values.reduce((total, value) => total + value, 0);

async function rest(host) {
  await new Promise((resolve) => setTimeout(resolve, restMs));
  await host.collectGarbage(false);
}

/** Starts the clocks; the result is to be called once, and says how many ms have passed. */
function stopwatch({ nowMs, cpuMs }) {
  const cpu = cpuMs?.();
  const now = nowMs();
  return () => {
    const wall = nowMs() - now;
    return cpu === undefined ? wall : Math.min(wall, cpuMs() - cpu);
  };
}

// ------------------------------------------------------------------------------------- the steps

async function measureBuild(run, { messages }, host) {
  await rest(host);
  const elapsed = stopwatch(host);
  run.store = await run.library.build(messages);
  run.samples.buildMs.push(elapsed());
}

/** Asks queries from the `first` on for as long as a round lasts; `tell` gets each query's number and its ms. */
async function searchSome(store, { queries }, first, host, tell = () => {}) {
  const begin = host.nowMs();
  let asked = 0;
  for (; asked < queries.length; asked++) {
    if (asked >= least && host.nowMs() - begin > roundMs) break;
    const index = (first + asked) % queries.length;
    const elapsed = stopwatch(host);
    await store.search(queries[index]);
    tell(index, elapsed());
  }
  return asked;
}

async function measureSearches(run, corpus, host) {
  const { samples, store } = run;
  await rest(host);
  const from = run.nextQuery ?? 0;
  const asked = await searchSome(store, corpus, from, host, (index, ms) =>
    samples.queryMs[index].push(ms),
  );
  // Where there is not the time for all of them, the next round goes on from here.
  run.nextQuery = (from + asked) % corpus.queries.length;
}

/**
 * Adds messages one at a time, one half of them searching for each at once; then deletes them likewise. What searches
 * cost by themselves is taken off. They are many, for what is compiled as it runs is slow at first; who is slow all the
 * same is asked for fewer, and may keep some of them.
 */
async function measureChanges({ library, samples, store }, planted, host) {
  const half = Math.ceil(planted.length / 2);
  const [followed, plain] = [planted.slice(0, half), planted.slice(half)];
  const ids = new Map();
  const add = async ({ message, marker }) => ids.set(marker, await store.add(message));
  const remove = ({ marker }) => store.remove(ids.get(marker));
  const firstOf = async ({ marker }) => {
    const [first] = await store.search(marker);
    return first === undefined ? undefined : store.idOf(first);
  };
  const expect = async (each) => {
    const [found, id] = [await firstOf(each), ids.get(each.marker)];
    if (found !== id)
      throw new Error(`${library.name} finds ${found} for ${each.marker}, not ${id}`);
  };
  // Something else may look like it.
  const expectGone = async (each) => {
    const found = await firstOf(each);
    if (found !== undefined && found === ids.get(each.marker))
      throw new Error(`${library.name} finds ${found}, which was deleted`);
  };
  const usOfEach = async (list, operation) => {
    await rest(host);
    const begin = host.nowMs();
    const elapsed = stopwatch(host);
    let count = 0;
    for (; count < list.length; count++) {
      if (count >= least && host.nowMs() - begin > roundMs) break;
      await operation(list[count]);
    }
    return { us: (elapsed() * 1000) / count, done: list.slice(0, count) };
  };

  const added = await usOfEach(plain, add);
  const addedAndFound = await usOfEach(followed, async (each) => {
    await add(each);
    await expect(each);
  });
  const found = await usOfEach(addedAndFound.done, expect);
  samples.addUs.push(added.us);
  samples.addVisibleUs.push(addedAndFound.us - found.us);

  const removed = await usOfEach(added.done, remove);
  const removedAndMissed = await usOfEach(addedAndFound.done, async (each) => {
    await remove(each);
    await expectGone(each);
  });
  const missed = await usOfEach(removedAndMissed.done, expectGone);
  samples.deleteUs.push(removed.us);
  samples.deleteVisibleUs.push(removedAndMissed.us - missed.us);
}

async function measureSave(run, host) {
  await rest(host);
  const elapsed = stopwatch(host);
  run.saved = await run.store.save();
  run.samples.saveMs.push(elapsed());
  run.samples.savedBytes.push(await run.library.savedBytes(run.saved));
}

async function measureLoad({ library, samples, saved }, { queries }, host) {
  const begin = host.nowMs();
  for (let count = 0; count < 3 && (count === 0 || host.nowMs() - begin < roundMs); count++) {
    await rest(host);
    const elapsed = stopwatch(host);
    const store = await library.load(saved);
    await store.search(queries[count]);
    samples.loadMs.push(elapsed());
    await store.close();
  }
}
