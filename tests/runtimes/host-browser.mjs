// Runs in a browser, bundled: the suite over IndexedDB. As a dedicated, shared or service worker it does so at the
// first message, and answers with the results; a page imports it.
import * as library from 'agent-memory-wasm';
import { loadLanguages } from 'agent-memory-wasm/languages';
import { runSuite } from './suite.mjs';

const loadMore = () => Promise.all([library.loadMem0(), loadLanguages()]);

export { library, runSuite };

/** The suite over the database `name`. */
export const runIn = (name, isAgain) =>
  runSuite({
    library,
    open: () => library.LocalProvider.open({ name }),
    persists: true,
    isAgain,
    loadMore,
  });

const answer = ({ data: { name, isAgain }, target, ports }) => {
  const port = ports[0] ?? target;
  return runIn(name, isAgain).then((results) => port.postMessage(results));
};

if (typeof document === 'undefined') {
  self.addEventListener('install', () => self.skipWaiting());
  self.addEventListener('message', (event) => {
    const answered = answer(event);
    event.waitUntil?.(answered);
  });
  self.addEventListener('connect', ({ ports: [port] }) => {
    port.onmessage = answer;
  });
}
