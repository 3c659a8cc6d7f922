// Runs in workerd, bundled: the suite in a plain Worker, at /worker, and in a Durable Object over its own storage.
import { DurableObject } from 'cloudflare:workers';
import * as library from 'agent-memory-wasm';
import { loadLanguages } from 'agent-memory-wasm/languages';
import { durableObjectStorage } from 'agent-memory-wasm/storage/durable-object';
import { runSuite } from './suite.mjs';

const loadMore = () => Promise.all([library.loadMem0(), loadLanguages()]);

export class Suite extends DurableObject {
  async fetch(request) {
    const storage = () => durableObjectStorage(this.ctx.storage);
    const results = await runSuite({
      library,
      open: () => library.LocalProvider.open({ storage: storage() }),
      persists: true,
      isAgain: request.url.endsWith('again'),
      loadMore,
    });
    return Response.json(results);
  }
}

export default {
  async fetch(request, { Suite: objects }) {
    if (new URL(request.url).pathname === '/worker') {
      const open = () => library.LocalProvider.open();
      return Response.json(await runSuite({ library, open, persists: false, loadMore }));
    }
    return objects.get(objects.idFromName('suite')).fetch(request);
  },
};
