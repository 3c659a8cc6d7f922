// Runs in Vercel's edge runtime, bundled: the suite, as the answer to a request.
import * as library from 'agent-memory-wasm';
import { loadLanguages } from 'agent-memory-wasm/languages';
import { runSuite } from './suite.mjs';

const loadMore = () => Promise.all([library.loadMem0(), loadLanguages()]);

addEventListener('fetch', (event) => {
  const open = () => library.LocalProvider.open();
  const results = runSuite({ library, open, persists: false, loadMore });
  event.respondWith(results.then((value) => Response.json(value)));
});
