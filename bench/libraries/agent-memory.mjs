// SPDX-License-Identifier: MIT
//
// This package, as an application uses it: its public API with default options.
import { LocalProvider } from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';

const userId = 'ada';
const batchSize = 1000;
/** Longer than the provider waits for a quiet moment to write its checkpoint. */
const quietMs = 1500;

class Store {
  constructor(provider, storage) {
    this.provider = provider;
    this.storage = storage;
  }

  async add(message) {
    const [stored] = await this.provider.storeMemories([said(message)], { userId, runId: 'more' });
    return stored.id;
  }

  search(query) {
    return this.provider.retrieveMemories(query, { userId, topK: 10 });
  }

  idOf(result) {
    return result.id;
  }

  remove(id) {
    return this.provider.deleteMemory(id);
  }

  /** What was stored is kept already; this is the rest, if there is one. */
  async save() {
    await this.provider.close();
    return this.storage;
  }

  close() {
    return this.provider.close();
  }
}

const said = ({ role, name, text, timestamp }) => ({ role, name, content: text, timestamp });

async function open(storage) {
  return new Store(await LocalProvider.open({ storage }), storage);
}

export default {
  name: 'agent-memory',

  async build(messages) {
    const store = await open(memoryStorage());
    for (let from = 0; from < messages.length; from += batchSize) {
      const batch = messages.slice(from, from + batchSize).map(said);
      await store.provider.storeMemories(batch, { userId, runId: `run-${from / batchSize}` });
    }
    return store;
  },

  /** Resolves when what a provider does in a quiet moment is done. */
  settle: () => new Promise((resolve) => setTimeout(resolve, quietMs)),

  load: open,

  async savedBytes(storage) {
    let bytes = 0;
    for (let after; ;) {
      const pairs = await storage.scan('', after, 100);
      if (pairs.length === 0) return bytes;
      for (const [, value] of pairs) bytes += value.length;
      after = pairs.at(-1)[0];
    }
  },
};
