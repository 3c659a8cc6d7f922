// Runs in Vercel's edge runtime, bundled: the suite, as the answer to a request.
import * as library from 'agent-memory-wasm';
import { runSuite } from './suite.mjs';

addEventListener('fetch', (event) => {
  const open = () => library.LocalProvider.open();
  const results = runSuite({ library, open, persists: false });
  event.respondWith(results.then((value) => Response.json(value)));
});
