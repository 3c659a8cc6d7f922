// LocalProvider.retrieveMemories: what is found, in which order, with which score.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { day, manualClock, openProvider, textsOf } from './support/open.mjs';

const ada = { userId: 'ada' };

test('what is found has its text, its score, its ids, its times and who said it', async (t) => {
  const clock = manualClock();
  const provider = await openProvider(t, { now: clock.now });
  const [{ id }] = await provider.storeMemories(
    [{ role: 'assistant', name: 'Bot', content: 'The bees like lavender' }],
    { userId: 'ada', agentId: 'bot', runId: 'r1', metadata: { topic: 'bees' } },
  );
  const [found, ...others] = await provider.retrieveMemories('lavender', ada);
  const { score, ...rest } = found;
  assert.deepEqual(rest, {
    id,
    memory: 'The bees like lavender',
    metadata: { topic: 'bees' },
    createdAt: '2026-03-01T12:00:00.000Z',
    updatedAt: '2026-03-01T12:00:00.000Z',
    userId: 'ada',
    agentId: 'bot',
    runId: 'r1',
    role: 'assistant',
    name: 'Bot',
  });
  assert.ok(score > 0 && score <= 1);
  assert.deepEqual(others, []);
});

test('what has no id and no name has no such member', async (t) => {
  const provider = await openProvider(t);
  await provider.storeMemories('I keep bees');
  const [found] = await provider.retrieveMemories('bees');
  assert.deepEqual(Object.keys(found).sort(), [
    'createdAt',
    'id',
    'memory',
    'metadata',
    'role',
    'score',
    'updatedAt',
  ]);
});

test('a memory is a plain object that belongs to the caller', async (t) => {
  const provider = await openProvider(t);
  await provider.storeMemories('I keep bees', { metadata: { list: [1] } });
  const [found] = await provider.retrieveMemories('bees');
  assert.equal(Object.getPrototypeOf(found), Object.prototype);
  found.memory = 'changed';
  found.metadata.list.push(2);
  const [again] = await provider.retrieveMemories('bees');
  assert.equal(again.memory, 'I keep bees');
  assert.deepEqual(again.metadata, { list: [1] });
});

test('the best comes first, and every score is between 0 and 1', async (t) => {
  const provider = await openProvider(t);
  await provider.storeMemories([
    'The weather is fine',
    'I keep bees',
    'I keep bees in three blue hives behind the house',
    'Bees, bees, bees: all I think of is bees and blue hives',
  ]);
  const found = await provider.retrieveMemories('blue hives of bees');
  assert.ok(found.length >= 3);
  const scores = found.map(({ score }) => score);
  assert.deepEqual(
    scores,
    [...scores].sort((a, b) => b - a),
  );
  for (const score of scores) assert.ok(score > 0 && score <= 1, String(score));
  assert.ok(!textsOf(found).includes('The weather is fine'));
});

test('topK is how many at most; 5 if not given', async (t) => {
  const provider = await openProvider(t);
  await provider.storeMemories(Array.from({ length: 12 }, (_, index) => `bees number ${index}`));
  for (const [topK, expected] of [
    [undefined, 5],
    [1, 1],
    [5, 5],
    [12, 12],
    [1000, 12],
    [Number.MAX_SAFE_INTEGER, 12],
  ]) {
    assert.equal((await provider.retrieveMemories('bees', { topK })).length, expected, `${topK}`);
  }
});

test('topK does not wrap around at 2^32', async (t) => {
  const provider = await openProvider(t);
  await provider.storeMemories(['bees one', 'bees two']);
  for (const topK of [2 ** 32, 2 ** 32 + 1, 2 ** 40]) {
    assert.equal((await provider.retrieveMemories('bees', { topK })).length, 2, `${topK}`);
  }
});

test('words are found in other forms, cases and accents', async (t) => {
  const provider = await openProvider(t);
  await provider.storeMemories([
    'I was running in the cafés of Málaga',
    'Ο σκύλος μου λέγεται Άργος',
    'Моя сестра живёт в Москве',
    '私は京都でお茶を飲みました',
    'ผมชอบชาเขียว',
  ]);
  for (const [query, start] of [
    ['run', 'I was'],
    ['CAFE', 'I was'],
    ['malaga', 'I was'],
    ['αργος', 'Ο σκύλος'],
    ['МОСКВЕ', 'Моя'],
    ['京都', '私は'],
    ['お茶', '私は'],
  ]) {
    const [found] = await provider.retrieveMemories(query);
    assert.ok(found?.memory.startsWith(start), `${query} found ${found?.memory}`);
  }
});

test('the speaker’s name can be searched for', async (t) => {
  const provider = await openProvider(t);
  await provider.storeMemories([
    { role: 'user', name: 'Marguerite', content: 'I moved to Lisbon' },
    { role: 'user', name: 'Ben', content: 'I moved to Porto' },
  ]);
  assert.deepEqual(textsOf(await provider.retrieveMemories('Marguerite')), ['I moved to Lisbon']);
});

test('a query that matches nothing finds nothing', async (t) => {
  const provider = await openProvider(t);
  await provider.storeMemories('I keep bees');
  for (const query of ['submarine', '?!', 'the of and', '🐝', '\u200b \u00a0x']) {
    assert.deepEqual(await provider.retrieveMemories(query), [], JSON.stringify(query));
  }
});

test('an emoji is a word', async (t) => {
  const provider = await openProvider(t);
  await provider.storeMemories(['I love 🍣', 'I love pasta']);
  assert.deepEqual(textsOf(await provider.retrieveMemories('🍣')), ['I love 🍣']);
});

test('ties break by time, the newer first, then by id, and are the same every time', async (t) => {
  const clock = manualClock();
  const provider = await openProvider(t, { now: clock.now });
  for (const when of ['2026-01-02', '2026-01-03', '2026-01-01']) {
    await provider.storeMemories(`bees ${when}`, { timestamp: when });
  }
  const names = (found) => textsOf(found).map((text) => text.slice(5));
  assert.deepEqual(names(await provider.retrieveMemories('bees')), [
    '2026-01-03',
    '2026-01-02',
    '2026-01-01',
  ]);
  const ids = [];
  for (const runId of ['r1', 'r2', 'r3']) {
    // In runs of their own: neighbours in one would lend each other relevance.
    const [{ id }] = await provider.storeMemories('wasps', { ...ada, runId, timestamp: 0 });
    ids.push(id);
  }
  const found = await provider.retrieveMemories('wasps', ada);
  assert.deepEqual(
    found.map(({ id }) => id),
    ids.sort().reverse(),
  );
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(await provider.retrieveMemories('wasps', ada), found);
  }
});

test('RECENCY is newest first whatever the query says, within the walls', async (t) => {
  const clock = manualClock();
  const provider = await openProvider(t, { now: clock.now });
  for (const text of ['I keep bees', 'The weather is fine', 'I like pasta']) {
    clock.advance(day);
    await provider.storeMemories(text, ada);
  }
  await provider.storeMemories('Ben was here', { userId: 'ben' });
  const found = await provider.retrieveMemories('bees', { ...ada, strategy: 'recency', topK: 2 });
  assert.deepEqual(textsOf(found), ['I like pasta', 'The weather is fine']);
  assert.ok(found[0].score > found[1].score && found[0].score <= 1);
});

test('HYBRID ranks the newer of two equally relevant memories first, and relevance before age', async (t) => {
  const clock = manualClock();
  const provider = await openProvider(t, { now: clock.now, halfLifeMs: day });
  await provider.storeMemories('bees and hives, old', { timestamp: clock.time - 60 * day });
  await provider.storeMemories('bees and hives, new', { timestamp: clock.time });
  await provider.storeMemories('the weather, newest of all', { timestamp: clock.time + 1 });
  const hybrid = await provider.retrieveMemories('bees hives', { strategy: 'hybrid' });
  assert.deepEqual(textsOf(hybrid).slice(0, 2), ['bees and hives, new', 'bees and hives, old']);
  assert.ok(hybrid[0].score > hybrid[1].score);
});

test('minRelevanceScore leaves out what scores less, and keeps what scores as much', async (t) => {
  const provider = await openProvider(t);
  await provider.storeMemories([
    'bees',
    'bees and a hundred other things that matter to nobody',
    'honey of bees',
  ]);
  const all = await provider.retrieveMemories('bees honey');
  assert.ok(all.length >= 2);
  for (const { score } of all) {
    const kept = await provider.retrieveMemories('bees honey', { minRelevanceScore: score });
    assert.deepEqual(
      kept.map(({ id }) => id),
      all.filter((each) => each.score >= score).map(({ id }) => id),
    );
  }
  assert.deepEqual(await provider.retrieveMemories('bees', { minRelevanceScore: 1 }), []);
});

test('metadata keeps only memories that hold all of it', async (t) => {
  const provider = await openProvider(t);
  const things = [
    { kind: 'fact', n: 1, tags: ['a', 'b'], at: { city: 'Lisbon', zip: 1 } },
    { kind: 'fact', n: 2, tags: ['a'] },
    { kind: 'plan', n: 1, done: false, nothing: null },
  ];
  for (const [index, metadata] of things.entries()) {
    await provider.storeMemories(`bees ${index}`, { metadata });
  }
  for (const [metadata, expected] of [
    [{}, '012'],
    [{ kind: 'fact' }, '01'],
    [{ kind: 'fact', n: 1 }, '0'],
    [{ n: '1' }, ''],
    [{ tags: ['a', 'b'] }, '0'],
    [{ at: { zip: 1, city: 'Lisbon' } }, '0'],
    [{ done: false }, '2'],
    [{ nothing: null }, '2'],
    [{ missing: null }, ''],
  ]) {
    const found = await provider.retrieveMemories('bees', { metadata });
    const numbers = textsOf(found)
      .map((text) => text.slice(-1))
      .sort()
      .join('');
    assert.equal(numbers, expected, JSON.stringify(metadata));
  }
});

test('filters are applied before topK, not after', async (t) => {
  const provider = await openProvider(t);
  for (let index = 0; index < 50; index++) {
    await provider.storeMemories(`bees ${index}`, { metadata: { n: index } });
  }
  const found = await provider.retrieveMemories('bees', { topK: 3, filters: { n: { lt: 3 } } });
  assert.deepEqual(found.map(({ metadata }) => metadata.n).sort(), [0, 1, 2]);
});

test('the filter grammar: every operator, the connectives, and the fields a memory has', async (t) => {
  const provider = await openProvider(t);
  const stored = [];
  for (const [index, [text, options]] of [
    ['bees alpha', { userId: 'ada', metadata: { n: 1, city: 'Lisbon', tags: ['x', 'y'] } }],
    ['bees beta', { userId: 'ada', runId: 'r1', metadata: { n: 2, city: 'Porto' } }],
    ['bees gamma', { userId: 'ada', agentId: 'bot', metadata: { n: 3, city: null } }],
  ].entries()) {
    const timestamp = `2026-01-0${index + 1}`;
    stored.push(...(await provider.storeMemories(text, { ...options, timestamp })));
  }
  for (const [filters, expected] of [
    [{ n: 2 }, 'b'],
    [{ n: { eq: 2 } }, 'b'],
    [{ n: { ne: 2 } }, 'ag'],
    [{ n: { gt: 2 } }, 'g'],
    [{ n: { gte: 2 } }, 'bg'],
    [{ n: { lt: 2 } }, 'a'],
    [{ n: { lte: 2 } }, 'ab'],
    [{ n: { gt: 1, lt: 3 } }, 'b'],
    [{ n: { in: [1, 3] } }, 'ag'],
    [{ n: { nin: [1, 3] } }, 'b'],
    [{ n: [1, 2] }, 'ab'],
    [{ city: { contains: 'isb' } }, 'a'],
    [{ city: { contains: 'ISB' } }, ''],
    [{ city: { icontains: 'ISB' } }, 'a'],
    [{ city: '*' }, 'ab'],
    [{ missing: '*' }, ''],
    [{ AND: [{ n: { gt: 1 } }, { city: 'Porto' }] }, 'b'],
    [{ OR: [{ n: 1 }, { n: 3 }] }, 'ag'],
    [{ NOT: [{ n: 1 }] }, 'bg'],
    [{ OR: [{ AND: [{ n: 1 }, { city: 'Porto' }] }, { NOT: [{ n: { lte: 2 } }] }] }, 'g'],
    [{ metadata: { n: 2 } }, 'b'],
    [{ run_id: 'r1' }, 'b'],
    [{ runId: 'r1' }, 'b'],
    [{ agent_id: 'bot' }, 'g'],
    [{ memory: { icontains: 'GAM' } }, 'g'],
    [{ role: 'user' }, 'abg'],
    [{ id: stored[0].id }, 'a'],
    [{ created_at: { gte: '2026-01-02T00:00:00Z' } }, 'bg'],
    [{ createdAt: { lt: Date.parse('2026-01-02') } }, 'a'],
    [{}, 'abg'],
    [{ user_id: 'ben' }, ''],
  ]) {
    const found = await provider.retrieveMemories('bees', { userId: 'ada', filters });
    const letters = textsOf(found)
      .map((text) => text[5])
      .sort()
      .join('');
    assert.equal(letters, expected, JSON.stringify(filters));
    const listed = await provider.getAllMemories({ userId: 'ada', filters });
    assert.equal(
      textsOf(listed)
        .map((text) => text[5])
        .sort()
        .join(''),
      expected,
      'getAllMemories',
    );
  }
});

test('explain says why: each part of the score and the terms that matched', async (t) => {
  const provider = await openProvider(t);
  await provider.storeMemories(['I keep bees in blue hives', 'My hive is green']);
  for (const strategy of ['semantic_search', 'hybrid', 'recency']) {
    const found = await provider.retrieveMemories('blue bees hive', { explain: true, strategy });
    assert.equal(found.length, 2);
    for (const { explanation } of found) {
      assert.ok(explanation.keyword >= 0 && explanation.keyword <= 1, strategy);
      assert.ok(explanation.recency >= 0 && explanation.recency <= 1, strategy);
    }
  }
  const [best] = await provider.retrieveMemories('blue bees hive', { explain: true });
  assert.equal(best.explanation.terms.length, 3);
  for (const term of best.explanation.terms) assert.ok('blue bees hives'.includes(term), term);
});

test('no explanation where none was asked for', async (t) => {
  const provider = await openProvider(t);
  await provider.storeMemories('I keep bees');
  for (const options of [{}, { explain: false }]) {
    const [found] = await provider.retrieveMemories('bees', options);
    assert.ok(!('explanation' in found));
  }
});

test('what has expired is not found, listed, counted, exported or a duplicate', async (t) => {
  const clock = manualClock();
  const provider = await openProvider(t, { now: clock.now });
  const [{ id }] = await provider.storeMemories('I keep bees', { expiresAt: clock.time + 1000 });
  assert.equal((await provider.retrieveMemories('bees')).length, 1);
  clock.advance(1000);
  assert.deepEqual(await provider.retrieveMemories('bees'), []);
  assert.deepEqual(await provider.retrieveMemories('bees', { strategy: 'recency' }), []);
  assert.deepEqual(await provider.getAllMemories(), []);
  assert.equal(await provider.getMemory(id), null);
  assert.equal((await provider.status()).memories, 0);
  assert.ok(!(await provider.exportMemories()).includes('bees'));
  assert.equal(await provider.deleteMemory(id), false);
  const [again] = await provider.storeMemories('I keep bees');
  assert.equal(again.event, 'ADD');
});

test('an expired memory does not take a place among the best', async (t) => {
  const clock = manualClock();
  const provider = await openProvider(t, { now: clock.now });
  await provider.storeMemories(['bees a', 'bees b', 'bees c'], { expiresAt: clock.time + 1000 });
  await provider.storeMemories('bees and many other things that I could say');
  clock.advance(2000);
  assert.equal((await provider.retrieveMemories('bees', { topK: 1 })).length, 1);
});

test('a deleted or changed memory is found by its new words only', async (t) => {
  const provider = await openProvider(t);
  const [one, two] = await provider.storeMemories(['I keep bees', 'I keep wasps']);
  await provider.deleteMemory(one.id);
  await provider.updateMemory(two.id, { memory: 'I keep hornets' });
  assert.deepEqual(await provider.retrieveMemories('bees'), []);
  assert.deepEqual(await provider.retrieveMemories('wasps'), []);
  assert.deepEqual(textsOf(await provider.retrieveMemories('hornets')), ['I keep hornets']);
});
