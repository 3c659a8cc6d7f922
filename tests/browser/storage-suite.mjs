// Runs in the browser, as a page's script or as a worker: the storage contract over the browser's own IndexedDB.
import { indexedDBStorage } from '/dist/storage/indexeddb.js';
import { storageContract } from '/dist/testing/index.js';

/** Every test of the contract, one after the other: `{ name, error? }` each. */
export async function runContract(prefix) {
  const nameOf = new WeakMap();
  let databases = 0;
  const openNamed = (name) => {
    const store = indexedDBStorage({ name });
    nameOf.set(store, name);
    return store;
  };
  const tests = [];
  storageContract({
    test: (name, body) => tests.push({ name, body }),
    validates: true,
    afterClose: 'rejects',
    open: async () => openNamed(`${prefix}-${++databases}`),
    reopen: async (store) => openNamed(nameOf.get(store)),
    share: async (store) => openNamed(nameOf.get(store)),
  });
  const results = [];
  for (const { name, body } of tests) {
    try {
      await body();
      results.push({ name });
    } catch (error) {
      results.push({ name, error: `${error.message}\n${error.stack}` });
    }
  }
  return results;
}

if (typeof document === 'undefined') {
  self.onmessage = async ({ data: prefix }) => self.postMessage(await runContract(prefix));
} else {
  globalThis.suite = {
    runContract,
    indexedDBStorage,
    runContractInWorker: (prefix) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(import.meta.url, { type: 'module' });
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => reject(new Error(event.message));
        worker.postMessage(prefix);
      }),
  };
}
