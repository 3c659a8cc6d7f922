// Runs as a service worker, bundled: stores what a page asks it to, and says what it has and heard.
import { LocalProvider } from 'agent-memory-wasm';

let provider;
const heard = [];

self.addEventListener('install', () => self.skipWaiting());

self.addEventListener('message', (event) => {
  const [port] = event.ports;
  const { name, store } = event.data;
  const work = async () => {
    provider ??= LocalProvider.open({ name }).then((opened) => {
      opened.subscribe((told) => heard.push(`${told.type} ${told.origin}`));
      return opened;
    });
    const memories = await provider;
    if (store) await memories.storeMemories(store);
    const texts = (await memories.getAllMemories({ limit: 1e6 })).map(({ memory }) => memory);
    return { texts, heard };
  };
  event.waitUntil(
    work().then(
      (value) => port.postMessage(value),
      (error) => port.postMessage({ error: `${error}` }),
    ),
  );
});
