// Identity: whose memories a call sees. The rule is the one in the contract, checked for every combination of ids.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualClock, openProvider, textsOf } from './support/open.mjs';

const choices = [undefined, 'x', 'y'];
const identities = choices.flatMap((userId) =>
  choices.flatMap((agentId) => choices.map((runId) => given({ userId, agentId, runId }))),
);

function given(identity) {
  return Object.fromEntries(Object.entries(identity).filter(([, id]) => id !== undefined));
}

const nameOf = (identity) => JSON.stringify(identity);

/** The contract's rule, word for word. */
function isVisible(memory, call) {
  if (Object.keys(call).length === 0) return Object.keys(memory).length === 0;
  return (
    memory.userId === call.userId &&
    (call.agentId === undefined || call.agentId === memory.agentId) &&
    (call.runId === undefined || call.runId === memory.runId)
  );
}

async function everybody(t) {
  const provider = await openProvider(t);
  for (const identity of identities) {
    await provider.storeMemories(`bees of ${nameOf(identity)}`, identity);
  }
  return provider;
}

const expectedFor = (call) =>
  identities
    .filter((memory) => isVisible(memory, call))
    .map((memory) => `bees of ${nameOf(memory)}`)
    .sort();

for (const strategy of ['semantic_search', 'recency', 'hybrid']) {
  test(`retrieveMemories (${strategy}) sees what the rule says, for all 729 pairs of identities`, async (t) => {
    const provider = await everybody(t);
    for (const call of identities) {
      const found = await provider.retrieveMemories('bees', { ...call, topK: 100, strategy });
      assert.deepEqual(textsOf(found).sort(), expectedFor(call), nameOf(call));
      for (const { memory, score, metadata, id, createdAt, updatedAt, role, ...ids } of found) {
        assert.equal(memory, `bees of ${nameOf(ids)}`, 'it says whose it is');
        assert.ok(score && metadata && id && createdAt && updatedAt && role);
      }
    }
  });
}

test('getAllMemories and exportMemories see the same', async (t) => {
  const provider = await everybody(t);
  for (const call of identities) {
    assert.deepEqual(textsOf(await provider.getAllMemories(call)).sort(), expectedFor(call));
    const lines = (await provider.exportMemories(call)).trimEnd().split('\n').slice(1);
    assert.deepEqual(textsOf(lines.map((line) => JSON.parse(line))).sort(), expectedFor(call));
  }
});

test('exportMemories without an argument is everybody’s, with {} the global ones', async (t) => {
  const provider = await everybody(t);
  const count = async (...which) =>
    (await provider.exportMemories(...which)).trimEnd().split('\n').length - 1;
  assert.equal(await count(), identities.length);
  assert.equal(await count({}), 1);
});

test('deleteAllMemories deletes the same, and nothing else', async (t) => {
  for (const call of identities.filter((each) => Object.keys(each).length > 0)) {
    const provider = await everybody(t);
    const expected = expectedFor(call);
    assert.equal(await provider.deleteAllMemories(call), expected.length, nameOf(call));
    assert.deepEqual(await provider.getAllMemories(call), []);
    assert.equal((await provider.status()).memories, identities.length - expected.length);
  }
});

test('everything: true without an id is everybody’s; with one it stays within the walls', async (t) => {
  const provider = await everybody(t);
  const own = expectedFor({ userId: 'x' }).length;
  assert.equal(await provider.deleteAllMemories({ userId: 'x', everything: true }), own);
  assert.equal(await provider.deleteAllMemories({ everything: true }), identities.length - own);
  assert.equal((await provider.status()).memories, 0);
});

test('a user’s scores do not change with what other users store', async (t) => {
  const provider = await openProvider(t, { now: manualClock().now });
  await provider.storeMemories(['I keep bees in hives', 'The weather is fine', 'bees'], {
    userId: 'ada',
  });
  const search = () =>
    provider.retrieveMemories('bees hives', {
      userId: 'ada',
      explain: true,
      strategy: 'semantic_search',
    });
  const before = await search();
  await provider.storeMemories(
    Array.from({ length: 300 }, (_, n) => `bees ${n}`),
    { userId: 'ben' },
  );
  await provider.storeMemories(Array.from({ length: 300 }, (_, n) => `hives ${n}`));
  assert.deepEqual(await search(), before);
});

test('the same words of two users are two memories', async (t) => {
  const provider = await openProvider(t);
  const [ada] = await provider.storeMemories('I keep bees', { userId: 'ada' });
  const [ben] = await provider.storeMemories('I keep bees', { userId: 'ben' });
  assert.equal(ben.event, 'ADD');
  assert.notEqual(ben.id, ada.id);
});

test('ids that look alike are different: case, blanks, accents, lookalikes of separators', async (t) => {
  const provider = await openProvider(t);
  const ids = [
    'a',
    'A',
    ' a',
    'a ',
    'a/b',
    'a:b',
    'a\u0000b',
    'á',
    'a\u0301',
    '*',
    '1',
    '01',
    '__proto__',
    'null',
    'constructor',
  ];
  for (const userId of ids)
    await provider.storeMemories(`bees of ${JSON.stringify(userId)}`, { userId });
  for (const userId of ids) {
    assert.deepEqual(textsOf(await provider.retrieveMemories('bees', { userId, topK: 100 })), [
      `bees of ${JSON.stringify(userId)}`,
    ]);
  }
});

test('where one id ends and the next begins makes a difference', async (t) => {
  const provider = await openProvider(t);
  await provider.storeMemories('bees', { userId: 'ab', agentId: 'c' });
  const [other] = await provider.storeMemories('bees', { userId: 'a', agentId: 'bc' });
  assert.equal(other.event, 'ADD');
  assert.deepEqual(await provider.retrieveMemories('bees', { userId: 'a', agentId: 'c' }), []);
});
