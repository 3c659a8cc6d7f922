// Whether anything is left behind by each of many cycles: the cycle, what is put in to prove that it would be found, and
// the detector. Runs in Node and, bundled, in a page.

// ------------------------------------------------------------------------------------- the detector

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** The slope of points [x, y]: the median of those between any two of them (Theil and Sen), so that no outlier counts. */
export function slopeOf(points) {
  return median(
    points.flatMap(([x, y], index) =>
      points.slice(index + 1).map(([x2, y2]) => (y2 - y) / (x2 - x)),
    ),
  );
}

/** How many bytes a cycle may leave behind, by heap. The module's are counted exactly; a collector is not so exact. */
export const allowedBytes = { wasm: 4, js: 128 };

/** What of the cycles is to warm up: caches fill, code is compiled. */
const warmUpShare = 1 / 3;

/**
 * The heaps that grow with the cycles, as sentences.
 *
 * @param samples - [{ cycle, wasm, js }], live bytes after so many cycles
 */
export function leaksIn(samples) {
  const rest = samples.slice(Math.ceil(samples.length * warmUpShare));
  if (rest.length < 8) throw new RangeError(`8 samples at least are needed, got ${rest.length}`);
  return Object.entries(allowedBytes).flatMap(([heap, allowed]) => {
    const slope = slopeOf(rest.map((sample) => [sample.cycle, sample[heap]]));
    if (slope <= allowed) return [];
    return [`${heap}: each cycle leaves ${Math.round(slope)} bytes, ${allowed} are allowed`];
  });
}

/**
 * Runs `count` cycles, `sampleCount` times stopping to look.
 *
 * @param cycle - (n) => Promise
 * @param measure - () => Promise<{ wasm, js }>, after garbage was collected
 */
export async function sampled({ count, sampleCount, cycle, measure }) {
  const samples = [];
  for (let n = 1; n <= count; n++) {
    await cycle(n);
    if (n % Math.floor(count / sampleCount) === 0) samples.push({ cycle: n, ...(await measure()) });
  }
  return samples;
}

// ------------------------------------------------------------------------------------- the module's heap

/**
 * The bytes that are allocated in the module's memory, to the byte: the heap of Emscripten's emmalloc, region by region,
 * from its end. A region begins and ends with its size; where it is free the lowest bit of the second is set. The first
 * one says where the heap ends, the last one is the last that was ever written to.
 */
export function allocatedBytes(memory) {
  const words = new Uint32Array(memory.buffer);
  let end = words.length;
  while (words[end - 1] === 0) end--;
  let bytes = 0;
  for (let at = end; at > 0;) {
    const size = words[at - 1] & ~1;
    const begin = at - size / 4;
    if (size < 16 || begin < 0 || words[begin] !== size) break;
    if (words[begin + 1] === 0 && words[begin + 2] === end * 4) return bytes;
    if (words[at - 1] === size) bytes += size;
    at = begin;
  }
  throw new Error('the memory holds no heap of emmalloc; has CMakeLists.txt another allocator?');
}

/** Notes the memory of the module that is instantiated next; the result gives it. */
export function catchMemory() {
  const { instantiate } = WebAssembly;
  let memory;
  WebAssembly.instantiate = async (...args) => {
    const instance = await instantiate.apply(WebAssembly, args);
    memory ??= Object.values(instance.exports).find((each) => each instanceof WebAssembly.Memory);
    return instance;
  };
  return () => memory;
}

// ------------------------------------------------------------------------------------- the cycle

const dayMs = 24 * 60 * 60 * 1000;
const startMs = Date.parse('2026-01-01T00:00:00Z');

const kept = [];
const listeners = new Set();

/** What may be left behind, to see that it is found: by name, what keeps it and in which heap it is found. */
export const leaks = {
  'a provider that is never closed': {
    heap: 'wasm',
    leave: async ({ library, memoryStorage }) =>
      kept.push(await library.LocalProvider.open({ storage: memoryStorage() })),
  },
  'a context that somebody holds': {
    heap: 'wasm',
    leave: ({ context }) => kept.push(context),
  },
  'a session that somebody holds': {
    heap: 'wasm',
    leave: ({ session }) => kept.push(session),
  },
  'an array of a hundred numbers': {
    heap: 'js',
    leave: ({ n }) => kept.push(Array.from({ length: 100 }, (_, index) => index + n / 3)),
  },
  'a buffer of a kilobyte': {
    heap: 'js',
    leave: () => kept.push(new Uint8Array(1024)),
  },
  'a listener that is never removed': {
    heap: 'js',
    leave: ({ heard }) => listeners.add(() => heard.length),
  },
};

/**
 * A cycle over one store: open, write, search, change, delete, fold, close. A day passes with each, so that what is kept
 * for some time (tombstones) is kept of the last ones only.
 *
 * @param library - the package
 * @param memoryStorage - from the package
 * @param storageOf - () => a StoragePort over the same store each time
 * @param leave - see `leaks`
 */
export function cycleOf({ library, memoryStorage, storageOf, leave = () => undefined }) {
  const { LocalProvider, MemoryContext, MemorySession } = library;
  return async (n) => {
    const heard = [];
    const fail = (error) => {
      throw error;
    };
    const ids = { userId: 'ada', runId: `run ${n % 7}` };
    const provider = await LocalProvider.open({
      storage: storageOf(),
      now: () => startMs + n * dayMs,
    });
    const stop = provider.subscribe((event) => heard.push(event));
    const [counter] = await provider.getAllMemories({ userId: 'counter' });
    if (counter) await provider.updateMemory(counter.id, { memory: `There were ${n} cycles` });
    else await provider.storeMemories('There was one cycle', { userId: 'counter' });

    const context = new MemoryContext(provider, { ...ids, onError: fail });
    const stored = await context.add([
      { role: 'user', content: `I keep ${n} bees in blue hives` },
      { role: 'assistant', content: `That is as many as the year has days, and ${n % 13} more` },
    ]);
    const found = await context.search('who keeps bees in hives?');
    if (found[0]?.id !== stored[0].id) throw new Error(`cycle ${n}: its memory was not found`);
    const session = new MemorySession(provider, { ...ids, onError: fail });
    await session.beforeModelRequest([{ role: 'user', content: 'which hives?' }]);
    await session.afterRun([{ role: 'user', content: `The hives of day ${n} are painted` }]);

    await provider.deleteAllMemories({ userId: 'ada' });
    const { memories } = await provider.status();
    if (memories !== 1) throw new Error(`cycle ${n}: ${memories} memories are left`);
    if (heard.length < 4) throw new Error(`cycle ${n}: ${heard.length} events were heard`);
    stop();
    await provider.close();
    await leave({ n, library, memoryStorage, context, session, heard });
  };
}
