// Runs in workerd, bundled: the suite in a plain Worker, at /worker, and in a Durable Object over its own storage.
import { DurableObject } from 'cloudflare:workers';
import * as library from 'agent-memory-wasm';
import { durableObjectStorage } from 'agent-memory-wasm/storage/durable-object';
import { runSuite } from './suite.mjs';

export class Suite extends DurableObject {
  async fetch(request) {
    const storage = () => durableObjectStorage(this.ctx.storage);
    const results = await runSuite({
      library,
      open: () => library.LocalProvider.open({ storage: storage() }),
      persists: true,
      isAgain: request.url.endsWith('again'),
    });
    return Response.json(results);
  }
}

export default {
  async fetch(request, { Suite: objects }) {
    if (new URL(request.url).pathname === '/worker') {
      const open = () => library.LocalProvider.open();
      return Response.json(await runSuite({ library, open, persists: false }));
    }
    return objects.get(objects.idFromName('suite')).fetch(request);
  },
};
