// Runs in a page of any browser: uses a store, has the site's data cleared under it, and says how it fared.
import { LocalProvider } from '/dist/inline.js';
import { indexedDBStorage } from '/dist/storage/indexeddb.js';

const post = (path, value) => fetch(path, { method: 'POST', body: JSON.stringify(value) });
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const health = [];
const failures = [];
const store = indexedDBStorage({ name: 'evicted' });
store.onHealth((state, error) => health.push({ state, message: error.message }));
const keysOf = async () => (await store.scan('', undefined, 100)).map(([key]) => key);

try {
  const provider = await LocalProvider.open({ name: 'evicted memories' });
  await provider.storeMemories(['the secret is out', 'nobody knows']);
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
  const keys = await keysOf();

  // What the provider still knows it does not write back with its next fold.
  await provider.storeMemories('the first of now');
  const [{ id }] = await provider.storeMemories('a reason to fold');
  await provider.deleteMemory(id);
  await provider.close();
  const again = await LocalProvider.open({ name: 'evicted memories' });
  const memories = (await again.getAllMemories()).map(({ memory }) => memory);
  await again.close();
  const raw = indexedDBStorage({ name: 'evicted memories' });
  const text = (await raw.scan('', undefined, 100))
    .map(([, value]) => new TextDecoder().decode(value))
    .join();
  const isSecretLeft = /secret|nobody/.test(text);
  await post('/result', { isCleared, keys, memories, isSecretLeft, failures, health });
} catch (error) {
  await post('/result', { error: `${error}\n${error.stack}`, failures, health });
}
