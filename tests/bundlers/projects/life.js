// What every bundle runs: the suite of tests/runtimes, with what it needs of the package and no more.
import { load, LocalProvider, MemoryContext, MemoryError, MemorySession } from 'agent-memory-wasm';
import { runSuite } from './suite.mjs';

const library = { load, MemoryContext, MemoryError, MemorySession };

/** Over IndexedDB, which is what a page's provider takes by itself. */
export const inPage = () =>
  runSuite({ library, open: () => LocalProvider.open({ name: 'bundled' }), persists: true });

/** Over `storage`, which keeps nothing. */
export const inMemory = (storage) =>
  runSuite({ library, open: () => LocalProvider.open({ storage }), persists: false });
