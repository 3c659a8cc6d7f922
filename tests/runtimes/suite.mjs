// What a program does with the package, one capability after the other: the same in every runtime, with nothing but
// what each of them has.

/** In this order; each goes on with what the one before it left. */
export const capabilities = [
  'load',
  'store',
  'search',
  'delete',
  'reopen',
  'concurrent',
  'errors',
  'close',
];

function equal(actual, expected, what) {
  const [is, should] = [actual, expected].map((value) => JSON.stringify(value));
  if (is !== should) throw new Error(`${what}: ${is}, and not ${should}`);
}

/** The failure of `promise`, which must be a MemoryError of `library`. */
async function failureOf(library, promise, code) {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  if (!library.MemoryError.isInstance(error)) throw new Error(`failed with ${error}`);
  equal(error.code, code, error.message);
  return error;
}

const ada = { userId: 'ada' };
const textsOf = (memories) => memories.map(({ memory }) => memory);

/** Waits until `provider` knows of `count` memories; other writers' are told to it sooner or later. */
async function untilItHas(provider, count) {
  for (let attempt = 0; ; attempt++) {
    const { memories } = await provider.status();
    if (memories === count) return;
    if (attempt === 500) throw new Error(`has ${memories} memories, and not ${count}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The copies of the package that are loaded in this realm. */
const loaded = new WeakSet();

/**
 * Runs all of it and resolves with `{ [capability]: 'ok' | 'none' | what failed }`: 'none' for what the runtime does
 * not have, and for what was not reached.
 *
 * `open()` opens a provider, each time over the same store if `persists`, which is empty unless an earlier run
 * `isAgain`. `loadMore()` loads what else there is to load.
 */
export async function runSuite({ library, open, persists, isAgain = false, loadMore }) {
  const { load, MemoryContext, MemorySession } = library;
  let provider;
  let bees;

  const steps = {
    async load() {
      if (!loaded.has(library)) {
        // A failed load can be tried again.
        const error = await failureOf(library, load({ wasm: Uint8Array.of(1, 2, 3) }), 'internal');
        if (!/could not be loaded: .+\. .+\.$/.test(error.message)) throw error;
      }
      await Promise.all([load(), load()]);
      loaded.add(library);
      // What comes later is ignored.
      await load({ wasm: Promise.reject(new Error('ignored')) });
      await loadMore?.();
    },

    async store() {
      provider = await open();
      if (isAgain) {
        equal(
          textsOf(await provider.getAllMemories({ userId: 'next' })),
          ['for the next run'],
          'left',
        );
        await provider.deleteAllMemories(ada);
      }
      const stored = await provider.storeMemories(
        [
          { role: 'user', content: 'I keep bees in blue hives.' },
          { role: 'assistant', content: 'Bees like blue.' },
          { role: 'user', content: 'My sister grows tulips.' },
        ],
        { ...ada, metadata: { topic: 'garden' } },
      );
      equal(
        stored.map(({ event }) => event),
        ['ADD', 'ADD', 'ADD'],
        'events',
      );
      await provider.storeMemories('Ben keeps wasps.', { userId: 'ben' });
      equal((await provider.getAllMemories(ada)).length, 3, 'of ada');
    },

    async search() {
      const found = await provider.retrieveMemories('blue hives', { ...ada, explain: true });
      [bees] = found;
      equal(bees.memory, 'I keep bees in blue hives.', 'the first');
      equal(bees.explanation.terms, ['blue', 'hives'], 'terms');
      equal(bees.score > 0 && bees.score <= 1, true, 'score');
      equal(await provider.retrieveMemories('wasps', ada), [], 'of another user');
      const filters = { topic: 'garden', role: 'assistant' };
      const filtered = await provider.retrieveMemories('bees', { ...ada, filters });
      equal(textsOf(filtered), ['Bees like blue.'], 'filtered');
      const session = new MemorySession(provider, ada);
      const { prompt } = await session.beforeModelRequest([{ role: 'user', content: 'tulips?' }]);
      equal(prompt.includes('My sister grows tulips.'), true, 'in the prompt');
    },

    async delete() {
      const [, , tulips] = (await provider.getAllMemories(ada)).sort((a, b) =>
        a.memory < b.memory ? -1 : 1,
      );
      equal(await provider.deleteMemory(tulips.id), true, 'deleted');
      equal(await provider.deleteMemory(tulips.id), false, 'deleted again');
      equal(await provider.getMemory(tulips.id), null, 'afterwards');
      equal(await provider.retrieveMemories('tulips', ada), [], 'found');
    },

    async reopen() {
      if (!persists) return 'none';
      const before = await provider.retrieveMemories('blue hives', {
        ...ada,
        strategy: 'semantic_search',
      });
      equal((await provider.status()).persistent, true, 'persistent');
      await provider.close();
      provider = await open();
      const after = await provider.retrieveMemories('blue hives', {
        ...ada,
        strategy: 'semantic_search',
      });
      equal(after, before, 'found');
      equal((await provider.getMemory(bees.id)).memory, bees.memory, 'by its id');
      await provider.storeMemories('for the next run', { userId: 'next' });
      return undefined;
    },

    async concurrent() {
      const user = { userId: 'many' };
      await provider.deleteAllMemories(user);
      const { memories: before } = await provider.status();
      const other = persists ? await open() : provider;
      const numbers = Array.from({ length: 40 }, (_, number) => number);
      const ids = await Promise.all(
        numbers.map(async (number) => {
          const writer = number % 2 ? provider : other;
          const [{ id }] = await writer.storeMemories(`number ${number}`, user);
          await writer.retrieveMemories(`number ${number}`, user);
          // Each fourth is deleted again, in the midst of the others.
          if (number % 4 === 0) await writer.deleteMemory(id);
          return id;
        }),
      );
      equal(new Set(ids).size, 40, 'ids');
      for (const each of [provider, other]) {
        await untilItHas(each, before + 30);
        const all = textsOf(await each.getAllMemories({ ...user, limit: 100 }));
        const expected = numbers.filter((number) => number % 4).map((number) => `number ${number}`);
        equal(all.sort(), expected.sort(), 'stored');
      }
      if (other !== provider) await other.close();
    },

    async errors() {
      const wrong = await failureOf(
        library,
        provider.retrieveMemories('x', { topK: 0 }),
        'invalid_argument',
      );
      equal([wrong.field, wrong.message], ['topK', 'topK must be at least 1, got 0'], 'topK');
      const controller = new AbortController();
      controller.abort();
      const { signal } = controller;
      await failureOf(library, provider.retrieveMemories('x', { signal }), 'aborted');
      const unknown = '00000000-0000-4000-8000-000000000000';
      await failureOf(library, provider.updateMemory(unknown, { memory: 'x' }), 'not_found');
      const failing = Object.fromEntries(
        ['retrieveMemories', 'storeMemories', 'getAllMemories', 'deleteMemory'].map((name) => [
          name,
          () => Promise.reject(new Error('away')),
        ]),
      );
      const heard = [];
      const context = new MemoryContext(failing, { ...ada, onError: (error) => heard.push(error) });
      equal(await context.search('bees'), [], 'of a failing provider');
      equal(heard.length, 1, 'heard');
      equal((await provider.getAllMemories(ada)).length, 2, 'unchanged');
    },

    async close() {
      await Promise.all([provider.close(), provider.close()]);
      await failureOf(library, provider.getAllMemories(ada), 'closed');
    },
  };

  const results = Object.fromEntries(capabilities.map((name) => [name, 'none']));
  for (const name of capabilities) {
    try {
      results[name] = (await steps[name]()) ?? 'ok';
    } catch (error) {
      results[name] = `${error}\n${error?.stack}`;
      break;
    }
  }
  return results;
}
