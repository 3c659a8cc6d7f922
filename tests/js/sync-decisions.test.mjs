// What is decided about a memory and its counterpart at a remote: pure functions, held against tables and rules.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromSource } from './from-source.mjs';
import { Random } from './support/random.mjs';

const {
  compare,
  contentOf,
  decide,
  entityOf,
  failureOf,
  fingerprint,
  isVisible,
  localIdOf,
  operationOf,
  pauseAfter,
  readNote,
  remoteMetadata,
  toCounterpart,
  writeNote,
} = await fromSource('sync/reconcile.ts');

const early = '2026-03-01T00:00:00.000Z';
const late = '2026-03-02T00:00:00.000Z';

const memoryOf = (text, { id = 'here', updatedAt = early, metadata = {}, ...ids } = {}) => ({
  id,
  memory: text,
  score: 1,
  metadata,
  createdAt: early,
  updatedAt,
  userId: 'ada',
  ...ids,
});
const there = (text, more = {}) =>
  toCounterpart(memoryOf(text, { id: 'R1', ...more }), { userId: 'ada' });
const content = (text) => contentOf({ memory: text, metadata: {} });
const noteTo = (remoteId, base, sending = '') =>
  writeNote({
    remoteId,
    base: base && content(base),
    sending: sending && content(sending),
    owner: 'o',
  });
const here = (
  text,
  { note = '', isUnsettled = true, version = 'v', updatedAt, id = 'here' } = {},
) => ({
  id,
  version,
  note,
  isUnsettled,
  memory: text === null ? null : memoryOf(text, { updatedAt, id }),
  expiresAt: null,
});

test('a note comes back as it went, and what is none is none', () => {
  const note = { remoteId: 'R "1"', base: 'b', sending: '', owner: 'o', entity: { userId: 'ada' } };
  assert.deepEqual(readNote(writeNote(note)), note);
  assert.equal(writeNote({ remoteId: '', base: 'b', sending: '', owner: 'o' }), '');
  for (const text of ['', 'x', '{}', '[]', '[1,2,3,4]', 'null'])
    assert.equal(readNote(text), undefined, text);
});

test('fingerprints of different texts differ, those of equal ones do not', () => {
  const random = new Random(7);
  const seen = new Map();
  for (let i = 0; i < 20_000; i++) {
    const text = `${random.below(50_000)} ${'ä'.repeat(random.below(3))}`;
    const mark = fingerprint(text);
    assert.equal(seen.get(mark) ?? text, text);
    seen.set(mark, text);
  }
});

test('the order of metadata is no part of the content, but all of its values are', () => {
  const of = (metadata) => contentOf({ memory: 'x', metadata });
  assert.equal(of({ a: 1, b: { c: 2, d: [1, 2] } }), of({ b: { d: [1, 2], c: 2 }, a: 1 }));
  const different = [
    {},
    { a: 1 },
    { a: '1' },
    { a: [1] },
    { a: { 0: 1 } },
    { a: [['0', 1]] },
    { b: 1 },
  ];
  assert.equal(new Set(different.map(of)).size, different.length);
});

test('what a remote has no place for goes there and comes back', () => {
  const memory = {
    ...memoryOf('Tea.', { metadata: { topic: 'drinks' } }),
    role: 'assistant',
    name: 'Ida',
  };
  const metadata = remoteMetadata(memory, late);
  assert.ok(
    Object.values(metadata).every((each) => typeof each === 'string'),
    'flat',
  );
  const back = toCounterpart(
    { id: 'R1', memory: 'Tea.', score: 0.5, metadata, createdAt: late, updatedAt: late },
    { userId: 'ada' },
  );
  assert.equal(back.claimedId, 'here');
  assert.equal(back.expiresAt, late);
  assert.equal(back.content, contentOf(memory));
  assert.deepEqual(back.memory, { ...memory, id: 'R1', updatedAt: late });
});

test('of metadata that lies nothing is believed', () => {
  const odd = toCounterpart(
    {
      ...memoryOf('x', { id: 'R1' }),
      metadata: {
        agent_memory_id: 'i'.repeat(5_000),
        agent_memory_role: 'system',
        agent_memory_created_at: 'yesterday',
        agent_memory_expires_at: 3,
        agent_memory_name: ['x'],
      },
    },
    { userId: 'ada' },
  );
  assert.equal(odd.claimedId, undefined);
  assert.equal(odd.expiresAt, null);
  assert.deepEqual(odd.memory, memoryOf('x', { id: 'R1' }));
});

test('ids are walls', () => {
  const ids = [undefined, 'a', 'b'];
  for (const userId of ids)
    for (const agentId of ids)
      for (const runId of ids) {
        const memory = { userId, agentId, runId };
        assert.equal(isVisible(memory, {}), !userId && !agentId && !runId);
        assert.equal(isVisible(memory, { userId: 'a' }), userId === 'a');
        assert.equal(isVisible(memory, { agentId: 'a' }), !userId && agentId === 'a');
        assert.equal(
          isVisible(memory, { userId: 'a', runId: 'b' }),
          userId === 'a' && runId === 'b',
        );
        const entity = entityOf(memory);
        assert.equal(entity === undefined, isVisible(memory, {}));
        if (entity) assert.equal(Object.keys(entity).length, 1);
      }
});

test('a memory compares with its counterpart by what they had when they last agreed', () => {
  const cases = [
    // here, there, base, sending, changed here, updated here, updated there -> what
    ['a', 'a', 'x', '', true, early, early, 'equal'],
    ['a', 'a', '', '', false, early, early, 'equal'],
    ['b', 'a', 'a', '', true, early, late, 'ours'],
    ['c', 'b', 'a', 'b', true, early, late, 'ours'],
    ['a', 'b', 'a', '', false, late, early, 'theirs'],
    ['b', 'c', 'a', '', true, late, early, 'keep'],
    ['b', 'c', 'a', '', true, early, late, 'yield'],
    ['b', 'c', 'a', '', true, late, late, 'yield'],
    ['b', 'c', '', '', true, late, early, 'keep'],
  ];
  for (const [ours, theirs, base, sending, isUnsettled, atHere, atThere, expected] of cases) {
    const state = here(ours, { note: noteTo('R1', base, sending), isUnsettled, updatedAt: atHere });
    const found = compare(there(theirs, { updatedAt: atThere }), state.memory, state);
    assert.equal(found, expected, [ours, theirs, base, sending].join());
  }
});

test('what a listing shows is taken, noted, sent or left, and nothing deleted comes back', () => {
  const cases = [
    ['never seen', here(null, { version: '', isUnsettled: false }), 'take'],
    ['deleted here, and noted', here(null, { note: noteTo('R1', 'a') }), 'nothing'],
    ['deleted here before it was known', here(null, { isUnsettled: false }), 'send'],
    ['deleted here while on its way', here(null, { note: noteTo('', '', 'a') }), 'nothing'],
    ['agreed', here('a', { note: noteTo('R1', 'a'), isUnsettled: false }), 'nothing'],
    ['changed there', here('z', { note: noteTo('R1', 'z'), isUnsettled: false }), 'take'],
    ['changed here', here('b', { note: noteTo('R1', 'a') }), 'nothing'],
    ['changed here after an add that arrived', here('b', { note: noteTo('', '', 'a') }), 'send'],
    ['an add that arrived', here('a', { note: noteTo('', '', 'a') }), 'agreed'],
    ['of an import', here('a'), 'agreed'],
    ['not wanted there', here('b', { note: noteTo('R1', 'a'), isUnsettled: false }), 'nothing'],
    ['changed on both sides', here('b', { note: noteTo('R1', 'z'), updatedAt: late }), 'keep'],
    [
      'the same, and newer there',
      here('b', { note: noteTo('R1', 'z'), updatedAt: early }),
      'yield',
    ],
  ];
  for (const [name, state, expected] of cases)
    assert.equal(decide(there('a'), state), expected, name);
});

test('a counterpart is here under the id that is noted, or that it claims, if it may', () => {
  const claims = (id, more) =>
    toCounterpart(
      { ...memoryOf('a', { id: 'R2', ...more }), metadata: { agent_memory_id: id } },
      { userId: 'ada' },
    );
  const cases = [
    ['noted', claims('x'), here('a'), 'known', { id: 'known' }],
    ['claims nothing', there('a'), undefined, undefined, { id: 'R1' }],
    [
      'claims what never was',
      claims('here'),
      here(null, { version: '' }),
      undefined,
      { id: 'here' },
    ],
    ['claims what has none', claims('here'), here('b'), undefined, { id: 'here' }],
    [
      'claims another user’s',
      claims('here', { userId: 'bob' }),
      here('a'),
      undefined,
      { id: 'R2' },
    ],
    ['claims another run’s', claims('here', { runId: 'r' }), here('a'), undefined, { id: 'R2' }],
    [
      'a lesser copy',
      claims('here'),
      here('a', { note: noteTo('R3', 'a') }),
      undefined,
      { id: 'here' },
    ],
    ['a greater copy', claims('here'), here('a', { note: noteTo('R1', 'a') }), undefined, 'extra'],
    [
      'a copy of before',
      claims('here'),
      here('z', { note: noteTo('R1', 'a') }),
      undefined,
      'extra',
    ],
    ['no copy', claims('here'), here('z', { note: noteTo('R1', 'z') }), undefined, { id: 'R2' }],
  ];
  for (const [name, counterpart, claimed, known, expected] of cases)
    assert.deepEqual(localIdOf(counterpart, claimed, known), expected, name);
});

test('two devices that noted different copies of one memory come to note the same', () => {
  // Each looks at both copies, in any order, as often as it likes.
  for (const order of ['R1 R2', 'R2 R1', 'R1 R2 R1', 'R2 R1 R2']) {
    const remaining = new Set(['R1', 'R2']);
    const notes = { a: 'R1', b: 'R2' };
    for (const device of ['a', 'b', 'a']) {
      for (const remoteId of order.split(' ')) {
        if (!remaining.has(remoteId) || notes[device] === remoteId) continue;
        const copy = toCounterpart(
          { ...memoryOf('a', { id: remoteId }), metadata: { agent_memory_id: 'here' } },
          { userId: 'ada' },
        );
        const located = localIdOf(copy, here('a', { note: noteTo(notes[device], 'a') }), undefined);
        if (located === 'extra') remaining.delete(remoteId);
        else notes[device] = remoteId;
      }
    }
    assert.deepEqual([[...remaining], notes], [['R1'], { a: 'R1', b: 'R1' }], order);
  }
});

test('what waits is an add, a change or a deletion', () => {
  assert.equal(operationOf(here('a')), 'add');
  assert.equal(operationOf(here('a', { note: noteTo('', '', 'a') })), 'add');
  assert.equal(operationOf(here('a', { note: noteTo('R1', 'z') })), 'update');
  assert.equal(operationOf(here(null, { note: noteTo('R1', 'z') })), 'delete');
});

test('of failures some are one memory’s, some may pass, and some stop all', () => {
  const of = (code, status) => failureOf({ code, status });
  assert.equal(of('invalid_argument'), 'refused');
  for (const status of [400, 409, 413, 422])
    assert.equal(of('provider', status), 'refused', status);
  for (const status of [500, 502, 503]) assert.equal(of('provider', status), 'failed', status);
  assert.equal(of('not_found'), 'failed');
  for (const status of [200, 302, 404, 408])
    assert.equal(of('provider', status), 'stopped', status);
  assert.equal(of('unauthorized', 401), 'stopped');
  assert.equal(of('rate_limited', 429), 'stopped');
  assert.equal(of('timeout'), 'stopped');
  assert.equal(of('provider'), 'stopped');
});

test('pauses grow to their bound, and lie anywhere below it', () => {
  const limits = { firstMs: 1_000, mostMs: 300_000 };
  assert.equal(pauseAfter(1, limits, 1), 1_000);
  assert.equal(pauseAfter(4, limits, 1), 8_000);
  assert.equal(pauseAfter(4, limits, 0.25), 2_000);
  assert.equal(pauseAfter(50, limits, 1), 300_000);
  assert.equal(pauseAfter(1e9, limits, 0), 0);
});
