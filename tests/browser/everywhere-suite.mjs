// Runs in a page of any browser, and in a worker of it: the storage contract over IndexedDB, plain and encrypted.
import { encryptedStorage } from '/dist/storage/encrypted.js';
import { indexedDBStorage } from '/dist/storage/indexeddb.js';
import { storageContract } from '/dist/testing/index.js';

async function runContract(title, wrap) {
  const nameOf = new WeakMap();
  const prefix = `${title} ${Date.now()}`;
  let databases = 0;
  const openNamed = (name) => {
    const store = wrap(indexedDBStorage({ name }));
    nameOf.set(store, name);
    return store;
  };
  const tests = [];
  storageContract({
    test: (name, body) => tests.push({ name: `${title}: ${name}`, body }),
    validates: true,
    afterClose: 'rejects',
    open: async () => openNamed(`${prefix} ${++databases}`),
    reopen: async (store) => openNamed(nameOf.get(store)),
    share: async (store) => openNamed(nameOf.get(store)),
  });
  const results = [];
  for (const { name, body } of tests) {
    try {
      await within(20_000, body());
      results.push({ name });
    } catch (error) {
      results.push({ name, error: `${error.message}\n${error.stack}` });
    }
  }
  return results;
}

function within(milliseconds, outcome) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done in ${milliseconds} ms`)), milliseconds);
  });
  return Promise.race([outcome, late]).finally(() => clearTimeout(timer));
}

async function runAll(where) {
  const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
    'encrypt',
    'decrypt',
  ]);
  return [
    ...(await runContract(`${where}, plain`, (store) => store)),
    ...(await runContract(`${where}, encrypted`, (store) => encryptedStorage(store, key))),
  ];
}

const post = (path, value) => fetch(path, { method: 'POST', body: JSON.stringify(value) });

if (typeof document === 'undefined') {
  self.postMessage(await runAll('worker'));
} else {
  try {
    const inPage = await runAll('page');
    const inWorker = await new Promise((resolve, reject) => {
      const worker = new Worker(import.meta.url, { type: 'module' });
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(`the worker failed: ${event.message}`));
    });
    await post('/result', [...inPage, ...inWorker]);
  } catch (error) {
    await post('/result', [{ name: 'the suite ran', error: `${error}\n${error.stack}` }]);
  }
}
