// A device (a store, a LocalProvider, a Mem0Provider, a SyncedProvider) before a Mem0 server on loopback.
import { LocalProvider, Mem0Provider } from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { SyncedProvider } from 'agent-memory-wasm/synced';

/** A network that can be unplugged: `isDown: true` and every fetch fails as it does without one. */
export function plug() {
  const network = {
    isDown: false,
    attempts: 0,
    fetch: (...args) => {
      network.attempts++;
      return network.isDown ? Promise.reject(new TypeError('fetch failed')) : fetch(...args);
    },
  };
  return network;
}

/**
 * Opens a device that has synced once, if there is a network and it `begins`. `events` collects what it tells from then on. After a
 * failure it does nothing by itself for as long as any test takes, unless `options` say otherwise: tests call `sync`.
 */
export async function openDevice(
  t,
  server,
  { storage = memoryStorage(), network = plug(), begins = true, now, local, mem0, ...options } = {},
) {
  const provider = await LocalProvider.open({ storage, ...(now && { now }), ...local });
  const remote = new Mem0Provider({
    api: server.api,
    baseUrl: server.url,
    apiKey: server.key,
    infer: false,
    maxRetries: 0,
    timeoutMs: 2_000,
    fetch: network.fetch,
    ...mem0,
  });
  const synced = new SyncedProvider({
    local: provider,
    remote,
    userId: 'ada',
    retryDelayMs: 3_600_000,
    pullIntervalMs: Infinity,
    ...options,
  });
  if (begins) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    await synced.sync().catch(() => undefined);
  }
  const events = [];
  synced.subscribe((event) => events.push(event));
  const device = {
    storage,
    network,
    local: provider,
    remote,
    synced,
    events,
    told: (type) => events.filter((event) => event.type === type),
    async texts(ids = { userId: 'ada' }) {
      return (await provider.getAllMemories(ids)).map(({ memory }) => memory).sort();
    },
    /** Does `work` without a network; nothing is under way when it resolves. */
    async offline(work) {
      network.isDown = true;
      const result = await work();
      await synced.sync().then(
        () => undefined,
        () => undefined,
      );
      network.isDown = false;
      return result;
    },
    async close() {
      await synced.close();
      await provider.close();
    },
  };
  t?.after(() => device.close());
  return device;
}

/** Lets the next request that `matches` meet `fault`; those before it are answered. */
export function faultOn(server, matches, fault) {
  const meet = (context) => {
    if (matches(context.request)) return fault(context);
    server.faults.unshift(meet);
    return context.act();
  };
  server.faults.push(meet);
}

/** What the server has of a user, as texts. */
export const textsAt = (server, userId = 'ada') =>
  [...server.memories.values()]
    .filter((each) => each.user_id === userId)
    .map(({ memory }) => memory)
    .sort();

/** Resolves once `condition` holds; rejects where it does not within ten seconds. */
export async function until(condition, what = 'it') {
  for (const deadline = Date.now() + 10_000; !(await condition());) {
    if (Date.now() > deadline) throw new Error(`${what} did not come about within 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
