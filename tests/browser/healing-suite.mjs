// Runs in a page: uses a store, lets the test kill the process behind it, says how the store fared, and loads itself
// anew to see what is there.
import { indexedDBStorage } from '/dist/storage/indexeddb.js';

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The process that is killed is the one that fetches, too. */
async function post(path, value) {
  for (let attempt = 0; ; attempt++) {
    try {
      const answer = await fetch(path, {
        method: 'POST',
        body: JSON.stringify(value),
        signal: AbortSignal.timeout(2_000),
      });
      return await answer.json();
    } catch (error) {
      if (attempt === 20) throw error;
      await pause(100);
    }
  }
}

const health = [];
const store = indexedDBStorage({ name: 'healing' });
store.onHealth((state, error) => health.push({ state, message: error.message }));
const keysOf = async () => (await store.scan('', undefined, 100)).map(([key]) => key);

if (location.search === '') {
  await store.write({ put: [['before', Uint8Array.of(1)]] });
  await post('/kill', {});
  await pause(500);
  const failures = [];
  const keys = [];
  for (const key of ['after', 'later']) {
    await store.write({ put: [[key, Uint8Array.of(1)]] }).then(
      () => keys.push(key),
      ({ code, isRetryable, message }) => failures.push({ code, isRetryable, message }),
    );
  }
  await post('/result', { failures, keys, health });
  location.search = '?again';
} else {
  await post('/again', { keys: await keysOf(), health });
}
