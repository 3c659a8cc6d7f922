// Runs in the browser, bundled, as a page's script or as a worker: the package for the tests of library.test.mjs.
import * as library from 'agent-memory-wasm';
import { indexedDBStorage } from 'agent-memory-wasm/storage/indexeddb';
import { openRanked, rankedBy } from '../js/support/ranks.mjs';

/** Stores, searches, closes and opens again; what was seen on the way. */
export async function roundTrip(name) {
  const { LocalProvider, MemorySession } = library;
  const first = await LocalProvider.open({ name });
  const status = await first.status();
  const session = new MemorySession(first, { userId: 'ada' });
  await session.afterRun([{ role: 'user', content: 'I keep bees in blue hives' }]);
  await first.storeMemories('Ben keeps wasps', { userId: 'ben' });
  const before = await first.retrieveMemories('blue bees', {
    userId: 'ada',
    explain: true,
    strategy: 'semantic_search',
  });
  await first.close();
  const afterClose = await first.status().catch(({ code }) => code);

  const second = await LocalProvider.open({ storage: indexedDBStorage({ name }) });
  const after = await second.retrieveMemories('blue bees', {
    userId: 'ada',
    strategy: 'semantic_search',
  });
  const { messages } = await new MemorySession(second, { userId: 'ada' }).beforeModelRequest([
    { role: 'user', content: 'which bees?' },
  ]);
  const { memories } = await second.status();
  await second.close();
  return {
    status,
    before: before.map(({ id, memory, score }) => ({ id, memory, score })),
    terms: before[0]?.explanation.terms,
    after: after.map(({ id, memory, score }) => ({ id, memory, score })),
    system: messages[0].content,
    memories,
    afterClose,
  };
}

/** The ranks of tests/cases/ranks.json, asked of a store that was written, closed and opened again. */
export async function ranks(name, cases) {
  const written = await openRanked(library.LocalProvider, cases, { name });
  await written.close();
  const now = () => Date.parse(cases.now);
  const provider = await library.LocalProvider.open({ name, now });
  const found = await rankedBy(provider, cases);
  await provider.close();
  return found;
}

if (typeof document === 'undefined') {
  self.onmessage = async ({ data: name }) => {
    self.postMessage(await roundTrip(name).catch((error) => ({ error: `${error.stack}` })));
  };
} else {
  globalThis.suite = {
    library,
    indexedDBStorage,
    ranks,
    roundTrip,
    roundTripInWorker: (name) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(import.meta.url, { type: 'module' });
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => reject(new Error(event.message));
        worker.postMessage(name);
      }),
  };
}
