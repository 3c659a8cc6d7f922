// Runs in a page of any browser: uses a store, has the site's data cleared under it, and says how it fared.
import { indexedDBStorage } from '/dist/storage/indexeddb.js';

const post = (path, value) => fetch(path, { method: 'POST', body: JSON.stringify(value) });
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const health = [];
const failures = [];
const store = indexedDBStorage({ name: 'evicted' });
store.onHealth((state, error) => health.push({ state, message: error.message }));
const keysOf = async () => (await store.scan('', undefined, 100)).map(([key]) => key);

try {
  await store.write({ put: [['before', Uint8Array.of(1)]] });
  await fetch('/clear');
  // It is done some time after the answer.
  let isCleared = false;
  for (let attempt = 0; attempt < 100 && !isCleared; attempt++) {
    await pause(100);
    await keysOf().then(
      (keys) => {
        isCleared = !keys.includes('before');
      },
      ({ code, isRetryable, message }) => failures.push({ code, isRetryable, message }),
    );
  }
  await store.write({ put: [['after', Uint8Array.of(1)]] });
  await post('/result', { isCleared, keys: await keysOf(), failures, health });
} catch (error) {
  await post('/result', { error: `${error}\n${error.stack}`, failures, health });
}
