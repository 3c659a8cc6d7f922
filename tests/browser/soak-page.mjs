// Runs in the page, bundled: the cycles of soak.mjs over IndexedDB.
import * as library from 'agent-memory-wasm';
import { indexedDBStorage } from 'agent-memory-wasm/storage/indexeddb';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { allocatedBytes, catchMemory, cycleOf, leaks } from '../js/support/leaks.mjs';

const memoryOf = catchMemory();

const storageOf = () => indexedDBStorage({ name: 'soak' });
let cycles = 0;

globalThis.soak = {
  /** Runs `count` cycles more, each of which leaves behind `what` of `leaks`, if anything. */
  async run(count, what) {
    const cycle = cycleOf({ library, memoryStorage, storageOf, leave: leaks[what]?.leave });
    for (let n = 0; n < count; n++) await cycle(++cycles);
  },
  allocatedBytes: () => allocatedBytes(memoryOf()),
};
