// Searches after random adds, updates, deletions and reopenings: as if the store had been built from scratch, and,
// where the ranking comes down to it, as BM25 worked out by hand has it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalProvider } from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { manualClock } from './support/open.mjs';
import { Random } from './support/random.mjs';

const minute = 60_000;
const day = 1440 * minute;

/** A provider whose memories change at random; `memories` is what must be in it, by id. */
class World {
  constructor(seed) {
    this.random = new Random(seed);
    this.clock = manualClock();
    this.storage = memoryStorage();
    this.memories = new Map();
  }

  async open() {
    this.provider = await LocalProvider.open({ storage: this.storage, now: this.clock.now });
  }

  async reopen() {
    await this.provider.close();
    await this.open();
  }

  async add(messages, options) {
    for (const { id, event, memory } of await this.provider.storeMemories(messages, options)) {
      if (event === 'ADD') this.memories.set(id, memory);
    }
  }

  /** Changes or deletes one memory, if there is any. */
  async change(text) {
    if (this.memories.size === 0) return;
    const id = this.random.pick([...this.memories.keys()]);
    if (this.random.onceIn(2)) {
      await this.provider.updateMemory(id, { memory: text });
      this.memories.set(id, text);
    } else {
      assert.equal(await this.provider.deleteMemory(id), true);
      this.memories.delete(id);
    }
  }

  /** A provider of its own with what was exported from this one. */
  async rebuilt() {
    const copy = await LocalProvider.open({ storage: memoryStorage(), now: this.clock.now });
    await copy.importMemories(await this.provider.exportMemories());
    return copy;
  }
}

// ------------------------------------------------------------------------------ as built from scratch

const words = ['tea', 'green', 'bicycle', 'Lisbon', 'moved', 'moving', 'piano', 'sister', 'Ida'];
words.push('what', 'is', 'the', 'kittens', '東京', '緑茶', 'Straße', 'велосипед', 'May', '2025');
const people = ['Ann', 'Bob', undefined];
const users = [{ userId: 'ann' }, { userId: 'ben' }, { agentId: 'bot' }, {}];

const sentence = (random) =>
  [random.pick(words), ...random.some(words, 8)].join(' ') + random.pick(['.', '?', '']);

async function randomStep(world) {
  const { random } = world;
  const kind = random.below(20);
  if (kind === 0) return world.reopen();
  if (kind < 7) return world.change(sentence(random));
  const user = random.pick(users);
  const run = random.onceIn(3) ? {} : { runId: `run-${random.below(4)}` };
  const start = world.clock.time - random.below(90) * day - random.below(1440) * minute;
  const messages = Array.from({ length: 1 + random.below(4) }, (_, turn) => ({
    role: turn % 2 === 0 ? 'user' : 'assistant',
    name: random.pick(people),
    content: sentence(random),
    timestamp: start + turn * 20_000,
  }));
  return world.add(messages, { ...user, ...run });
}

async function answersOf(provider, seed) {
  const random = new Random(seed);
  const answers = [];
  for (let i = 0; i < 24; i++) {
    const query = sentence(random);
    const options = {
      ...random.pick(users),
      strategy: random.pick(['semantic_search', 'semantic_search', 'hybrid', 'recency']),
      topK: random.pick([1, 5, 50]),
      minRelevanceScore: random.pick([0, 0, 0.3]),
      ...(random.onceIn(4) ? { runId: `run-${random.below(4)}` } : {}),
    };
    const found = await provider.retrieveMemories(query, options);
    const ranks = found.map(({ id, score }) => `${id} ${score}`);
    answers.push({ query, options: JSON.stringify(options), ranks });
  }
  return answers;
}

test('whatever was added, changed and deleted, searches answer as in a store built from scratch', async (t) => {
  for (const seed of [1, 2, 3]) {
    const world = new World(seed);
    await world.open();
    let hits = 0;
    for (let step = 1; step <= 240; step++) {
      await randomStep(world);
      if (step % 40 !== 0) continue;
      const copy = await world.rebuilt();
      assert.equal((await copy.status()).memories, world.memories.size);
      const answers = await answersOf(world.provider, step);
      const what = `seed ${seed}, step ${step}`;
      assert.deepEqual(answers, await answersOf(copy, step), what);
      hits += answers.reduce((sum, { ranks }) => sum + ranks.length, 0);
      await copy.close();
      // Also from the checkpoint or the log, wherever it comes from.
      await world.reopen();
      assert.deepEqual(await answersOf(world.provider, step), answers, `${what}, reopened`);
    }
    assert.ok(hits > 500, `${hits} hits prove something`);
    await world.provider.close();
  }
  t.diagnostic('3 seeds of 240 steps');
});

// ------------------------------------------------------------------------------------ as BM25 has it

// Words that no stemmer touches, that no text in any language has, and that do not look alike.
const terms = [
  'zorp',
  'quixl',
  'brumph',
  'vawk',
  'jyndo',
  'flebm',
  'grunx',
  'tiplo',
  'mezqu',
  'oxdar',
];
const k1 = 0.9;
const b = 0.4;

/** The memories with `term`, best first: [id, score], the score up to a factor. */
function bm25(memories, term) {
  const documents = [...memories].map(([id, text]) => ({ id, words: text.split(' ') }));
  const total = documents.reduce((sum, each) => sum + each.words.length, 0);
  const average = total / documents.length;
  return documents
    .map(({ id, words: all }) => {
      const frequency = all.filter((word) => word === term).length;
      return [id, frequency / (frequency + k1 * (1 - b + (b * all.length) / average))];
    })
    .filter(([, score]) => score > 0)
    .sort(([, left], [, right]) => right - left);
}

test('notes of one word each in common rank as BM25 has it', async () => {
  for (const seed of [4, 5]) {
    const world = new World(seed);
    const { random } = world;
    await world.open();
    const note = () => [random.pick(terms), ...random.some(terms, 12)].join(' ');
    const times = new Map();
    let compared = 0;
    for (let step = 1; step <= 200; step++) {
      if (random.onceIn(3)) await world.change(note());
      else {
        // Days apart and without a run: no note has neighbours.
        const timestamp = world.clock.time - step * 3 * day;
        await world.add(note(), { timestamp, userId: 'ann' });
        for (const id of world.memories.keys()) if (!times.has(id)) times.set(id, timestamp);
      }
      if (random.onceIn(30)) await world.reopen();
      if (step % 20 !== 0) continue;
      for (const term of terms) {
        const expected = new Map(bm25(world.memories, term));
        const found = await world.provider.retrieveMemories(term, { userId: 'ann', topK: 500 });
        const what = `seed ${seed}, step ${step}, ${term}`;
        assert.deepEqual(found.map(({ id }) => id).sort(), [...expected.keys()].sort(), what);
        for (const [i, { id, score }] of found.entries()) {
          assert.ok(score > 0 && score <= 1, what);
          const before = found[i - 1];
          if (!before) continue;
          compared += 1;
          const step = expected.get(before.id) - expected.get(id);
          assert.ok(step > -1e-6, `${what}: ${before.id} before ${id}`);
          assert.ok(before.score >= score, what);
          if (step === 0) assert.ok(times.get(before.id) > times.get(id), `${what}: newest first`);
          if (step > 1e-4) assert.ok(before.score > score, `${what}: better is more`);
        }
      }
    }
    assert.ok(compared > 2000, `${compared} pairs prove something`);
    await world.provider.close();
  }
});
