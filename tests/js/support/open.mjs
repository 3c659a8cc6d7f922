// A LocalProvider over memory, closed when the test ends.
import { LocalProvider } from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';

/** Opens one for the test `t`; a fresh memoryStorage unless `options` bring another store. */
export async function openProvider(t, options = {}) {
  const provider = await LocalProvider.open({ storage: memoryStorage(), ...options });
  t.after(() => provider.close());
  return provider;
}

/** Puts memories with ids and times of their own into `provider`. */
export async function importAll(provider, memories) {
  const header = { format: 'agent-memory', version: 1, memories: memories.length };
  await provider.importMemories(
    [header, ...memories].map((line) => JSON.stringify(line)).join('\n'),
  );
}

/** A clock that stands still until it is set: `clock.now` is what to hand over as the option. */
export function manualClock(start = '2026-03-01T12:00:00.000Z') {
  const clock = {
    time: Date.parse(start),
    now: () => clock.time,
    advance(ms) {
      clock.time += ms;
    },
  };
  return clock;
}

export const day = 24 * 60 * 60 * 1000;

/** The texts of memories, in their order. */
export const textsOf = (memories) => memories.map(({ memory }) => memory);

/** The next event of `provider` that `matches`; subscribes at once. */
export function nextEvent(provider, matches = () => true) {
  return new Promise((resolve) => {
    const stop = provider.subscribe((event) => {
      if (!matches(event)) return;
      stop();
      resolve(event);
    });
  });
}

/** The macrotask after this one: whatever was on its way in microtasks has arrived. */
export const soon = () => new Promise((resolve) => setTimeout(resolve, 0));
