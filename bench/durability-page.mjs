// SPDX-License-Identifier: MIT
//
// What durability costs, measured in a page: this package, and beside it IndexedDB alone with the same bytes. The two
// take turns, so that whatever else the machine does falls upon both.
import { LocalProvider } from 'agent-memory-wasm';
import { indexedDBStorage } from 'agent-memory-wasm/storage/indexeddb';
import { makeCorpus } from './corpus.mjs';
import { median } from './measure.mjs';

const userId = 'ada';
const storeName = 'records';

// ------------------------------------------------------------------------------------- IndexedDB alone

function openDatabase(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(storeName);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Resolves when the transaction has completed. */
function put(database, pairs) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(storeName, 'readwrite', { durability: 'relaxed' });
    const store = transaction.objectStore(storeName);
    for (const [key, value] of pairs) store.put(value, key);
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

/** Every value of the database, in one request. */
async function readAll(name) {
  const database = await openDatabase(name);
  const values = await new Promise((resolve, reject) => {
    const request = database.transaction(storeName).objectStore(storeName).getAll();
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  database.close();
  return values;
}

// ------------------------------------------------------------------------------------- writes

const said = ({ role, name, text, timestamp }) => ({ role, name, content: text, timestamp });

/** A store in IndexedDB that hands what is written to `note`, too, with the ms that it took. */
function noting(name, note) {
  const inner = indexedDBStorage({ name });
  const noted = (write) => async (batch) => {
    const ms = await msOf(() => write.call(inner, batch));
    note(batch.put ?? [], ms);
  };
  return {
    kind: inner.kind,
    get: inner.get.bind(inner),
    scan: inner.scan.bind(inner),
    close: inner.close.bind(inner),
    watch: inner.watch.bind(inner),
    exclusively: inner.exclusively.bind(inner),
    // Marked like the one in whose place it is.
    write: Object.assign(noted(inner.write), { given: noted(inner.write.given) }),
  };
}

async function msOf(work) {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/** Resolves when what is due by now has been done. */
const quiet = () => new Promise((resolve) => setTimeout(resolve, 5));

/**
 * Acknowledged writes of `each` messages, and bare puts of the bytes that they were. What a write leaves to whoever
 * looks first is done, and timed, before the bare put's turn, and so is what either leaves to the event loop.
 *
 * @returns {{ ours: number[], store: number[], look: number[], bare: number[], bytes: number }} ms of each write, of what
 *   of it the store took, and of the first look at what it stored; bytes of one
 */
async function writes({ conversations, each, count, warmUp, tag }) {
  const { messages } = makeCorpus(conversations, { size: each * (count + warmUp), seed: 7 });
  let pairs;
  let storeMs;
  const storage = noting(`writes ${tag}`, (put, ms) => ([pairs, storeMs] = [put, ms]));
  const provider = await LocalProvider.open({ storage });
  const database = await openDatabase(`bare writes ${tag}`);
  const samples = { ours: [], store: [], look: [], bare: [], bytes: [] };
  for (let turn = 0; turn < count + warmUp; turn++) {
    const batch = messages.slice(turn * each, (turn + 1) * each).map(said);
    let stored;
    const ours = await msOf(async () => {
      stored = await provider.storeMemories(batch, { userId, runId: `run-${turn}` });
    });
    const look = await msOf(() => provider.getMemory(stored[0].id));
    const written = pairs.map(([key, value]) => [key, value.slice()]);
    await quiet();
    const bare = await msOf(() => put(database, written));
    await quiet();
    if (turn < warmUp) continue;
    samples.ours.push(ours);
    samples.store.push(storeMs);
    samples.look.push(look);
    samples.bare.push(bare);
    samples.bytes.push(written.reduce((sum, [, value]) => sum + value.length, 0));
  }
  await provider.close();
  database.close();
  return { ...samples, bytes: median(samples.bytes) };
}

// ------------------------------------------------------------------------------------- opening

/** Fills the store `name` with `size` messages, folded; resolves with the bytes of their texts. */
async function fill({ conversations, size, name }) {
  const { messages, textBytes } = makeCorpus(conversations, { size });
  const provider = await LocalProvider.open({ name });
  for (let from = 0; from < messages.length; from += 1000) {
    const batch = messages.slice(from, from + 1000).map(said);
    await provider.storeMemories(batch, { userId, runId: `run-${from / 1000}` });
  }
  await provider.close();
  return textBytes;
}

/** Opening the store `name`, and a bare read of all its bytes: ms of each, and how many bytes. */
async function opens({ name, rounds }) {
  const samples = { ours: [], bare: [] };
  let bytes;
  for (let round = -1; round < rounds; round++) {
    let provider;
    const ours = await msOf(async () => {
      provider = await LocalProvider.open({ name });
    });
    await provider.close();
    let values;
    const bare = await msOf(async () => {
      values = await readAll(name);
    });
    bytes = values.reduce((sum, value) => sum + value.length, 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (round < 0) continue; // to warm up
    samples.ours.push(ours);
    samples.bare.push(bare);
  }
  return { ...samples, bytes };
}

// ------------------------------------------------------------------------------------- folding

/** Resolves in a task of its own, as soon as the thread has time for one. */
const nextTask = () =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });

/**
 * Searches of the store `name`, one after the other and asked for at any moment: while the store is folded, which
 * deletions make it, and for as long while nothing else goes on.
 *
 * @returns {{ folding: number[], alone: number[] }} of each round the longest, in ms from the moment of asking to the
 *   answer
 */
async function folds({ conversations, size, name, rounds }) {
  const { queries } = makeCorpus(conversations, { size });
  let isFolding = false;
  const storage = noting(name, (put) => {
    if (put.some(([key]) => key.startsWith('head/'))) isFolding = false;
  });
  const provider = await LocalProvider.open({ storage });
  let turn = 0;
  const longestWhile = async (goesOn) => {
    let longest = 0;
    while (goesOn()) {
      const wait = await msOf(async () => {
        await nextTask();
        await provider.retrieveMemories(queries[turn++ % queries.length], { userId });
      });
      longest = Math.max(longest, wait);
    }
    return longest;
  };
  const longest = { folding: [], alone: [] };
  for (let round = 0; round < rounds; round++) {
    const doomed = await provider.getAllMemories({ userId, limit: 300 });
    await Promise.all(doomed.map(({ id }) => provider.deleteMemory(id)));
    isFolding = true;
    const begin = performance.now();
    longest.folding.push(await longestWhile(() => isFolding));
    await quiet();
    const end = 2 * performance.now() - begin;
    longest.alone.push(await longestWhile(() => performance.now() < end));
  }
  await provider.close();
  return longest;
}

// ------------------------------------------------------------------------------------- telling

const clock = () => performance.timeOrigin + performance.now();

/** Opens the store `name` and notes when it hears of what another tab stored. */
async function listen(name) {
  const provider = await LocalProvider.open({ name });
  const heard = new Map();
  provider.subscribe((event) => {
    if (event.type !== 'change' || event.origin !== 'elsewhere') return;
    for (const { memory } of event.stored) heard.set(memory, clock());
  });
  globalThis.listening = { provider, heard };
}

/** Stores `count` memories, one after the other; by text, when each was asked for. */
async function tell({ count, pauseMs, tag }) {
  const { provider } = globalThis.listening;
  const told = [];
  for (let n = 0; n < count; n++) {
    const memory = `${tag} says its sentence number ${n}`;
    told.push([memory, clock()]);
    await provider.storeMemories(memory, { userId });
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return told;
}

/** By text, when it was heard. */
const heard = () => [...globalThis.listening.heard];

globalThis.durability = { writes, fill, opens, folds, listen, tell, heard };
