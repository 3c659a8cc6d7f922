// Bundled into the page of synced.test.mjs.
import { LocalProvider, Mem0Provider, MemorySession } from 'agent-memory-wasm';
import { SyncedProvider } from 'agent-memory-wasm/synced';

globalThis.suite = {
  /** Opens the store `name`, which loads the core. */
  async open(name) {
    globalThis.device = { local: await LocalProvider.open({ name }), states: [] };
  },
  /** Keeps it in step with the Mem0 of these options. */
  start(mem0, options = {}) {
    const { local, states } = globalThis.device;
    const remote = new Mem0Provider({ ...mem0, infer: false, maxRetries: 0 });
    const synced = new SyncedProvider({ local, remote, userId: 'ada', ...options });
    synced.subscribe((event) => {
      if (event.type === 'sync') states.push(event.state);
    });
    globalThis.device.synced = synced;
  },
  /** As an agent's loop does. */
  async talk(turns) {
    const session = new MemorySession(globalThis.device.synced, { userId: 'ada', failOpen: false });
    const messages = [];
    for (const content of turns) {
      messages.push({ role: 'user', content });
      await session.afterRun(messages);
    }
  },
  waiting: async () => (await globalThis.device.synced.queue()).length,
  known: async () =>
    (await globalThis.device.local.getAllMemories({ userId: 'ada' })).map(({ memory }) => memory),
};
