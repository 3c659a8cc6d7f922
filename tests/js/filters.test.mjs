// Random filters, through every method that takes one, against a naive reading of them.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { importAll, openProvider } from './support/open.mjs';
import { Random } from './support/random.mjs';

const file = path.join(import.meta.dirname, '../cases/filters.json');
const { memories, cases } = JSON.parse(await readFile(file, 'utf8'));

// ------------------------------------------------------------------------------------ the reading

const fields = {
  user_id: 'userId',
  agent_id: 'agentId',
  run_id: 'runId',
  created_at: 'createdAt',
  updated_at: 'updatedAt',
};
const own = ['id', 'memory', 'role', 'name', ...Object.values(fields)];

const same = (left, right) =>
  left === right ||
  (typeof left === 'object' &&
    typeof right === 'object' &&
    left !== null &&
    right !== null &&
    Array.isArray(left) === Array.isArray(right) &&
    Object.keys(left).length === Object.keys(right).length &&
    Object.keys(left).every((key) => Object.hasOwn(right, key) && same(left[key], right[key])));
const bytes = (text) => new TextEncoder().encode(text);
const order = (left, right) => {
  if (typeof left === 'number' && typeof right === 'number') return Math.sign(left - right);
  if (typeof left !== 'string' || typeof right !== 'string') return NaN;
  return Buffer.compare(bytes(left), bytes(right));
};
const hasPart = (value, part, fold) =>
  typeof value === 'string' && typeof part === 'string' && fold(value).includes(fold(part));
const contains = (value, part, fold = (text) => text) =>
  Array.isArray(value)
    ? value.some((element) => hasPart(element, part, fold) || same(element, part))
    : hasPart(value, part, fold);

const operators = {
  eq: (value, operand) => same(value ?? null, operand),
  ne: (value, operand) => !operators.eq(value, operand),
  gt: (value, operand) => order(value, operand) > 0,
  gte: (value, operand) => order(value, operand) >= 0,
  lt: (value, operand) => order(value, operand) < 0,
  lte: (value, operand) => order(value, operand) <= 0,
  in: (value, operands) =>
    operands.some(
      (operand) =>
        operators.eq(value, operand) ||
        (Array.isArray(value) && value.some((element) => same(element, operand))),
    ),
  nin: (value, operands) => !operators.in(value, operands),
  contains: (value, part) => contains(value, part),
  icontains: (value, part) => contains(value, part, (text) => text.toLowerCase()),
};

function holds(value, condition, read = (operand) => operand) {
  if (condition === '*') return value !== undefined && value !== null;
  if (Array.isArray(condition)) return operators.in(value, condition.map(read));
  if (typeof condition !== 'object' || condition === null)
    return operators.eq(value, read(condition));
  return Object.entries(condition).every(([name, operand]) =>
    operators[name](value, Array.isArray(operand) ? operand.map(read) : read(operand)),
  );
}

const toTime = (operand) => (typeof operand === 'string' ? Date.parse(operand) : operand);

const member = (object, key) => (Object.hasOwn(object, key) ? object[key] : undefined);

function matches(filter, memory) {
  return Object.entries(filter).every(([key, value]) => {
    if (key === 'AND') return value.every((each) => matches(each, memory));
    if (key === 'OR') return value.some((each) => matches(each, memory));
    if (key === 'NOT') return ![value].flat().some((each) => matches(each, memory));
    if (key === 'metadata') {
      return Object.entries(value).every(([name, each]) =>
        holds(member(memory.metadata, name), each),
      );
    }
    const field = fields[key] ?? key;
    if (!own.includes(field)) return holds(member(memory.metadata, key), value);
    if (field === 'createdAt') return holds(Date.parse(memory.createdAt), value, toTime);
    if (field === 'updatedAt') {
      return holds(Date.parse(memory.updatedAt ?? memory.createdAt), value, toTime);
    }
    return holds(memory[field], value);
  });
}

// ------------------------------------------------------------------------------------ the filters

const keys = ['topic', 'stars', 'done', 'none', 'tags', 'place', 'when', 'categories', 'missing'];
keys.push('id', 'memory', 'user_id', 'agent_id', 'runId', 'role', 'name');
const texts = ['Travel', 'travel', 'oo', '4', '', 'a', 'ann', 'bot', 'r1', 'user', 'm01', 'red'];
const scalars = [...texts, '*', 'green TEA', 4, 4.5, 0, -1, 7, 1e300, true, false];
const values = [...scalars, null, [], ['red', 'Blue', 7], { city: 'Lisbon' }];
const times = ['2026-01-10T12:00:00Z', '2026-01-31', '2026-02-01', 0, -1e11, 1769904000000];
times.push('2026-02-15T01:00:00+01:00', '2026-03-01T08:30:00.000Z');

function randomCondition(random, isTime) {
  const pool = isTime ? times : values;
  if (random.onceIn(6)) return '*';
  if (random.onceIn(6)) return random.some(pool, 3);
  const condition = {};
  for (let i = random.below(2); i >= 0; i--) {
    const name = random.pick(Object.keys(operators).slice(0, isTime ? 8 : undefined));
    if (name === 'in' || name === 'nin') condition[name] = random.some(pool, 3);
    else if (name === 'icontains') condition[name] = random.pick(texts);
    else if (name === 'contains') condition[name] = random.pick(scalars);
    else if (/^[gl]/.test(name)) condition[name] = random.pick(isTime ? times : [...texts, 4, 0]);
    else condition[name] = random.pick(pool);
  }
  return condition;
}

function randomFilter(random, depth) {
  const filter = {};
  const inner = () => randomFilter(random, depth - 1);
  for (let i = random.below(3); i >= 0; i--) {
    const key = random.pick(['AND', 'OR', 'NOT']);
    if (depth > 0 && random.onceIn(2)) {
      filter[key] =
        key === 'NOT' && random.onceIn(2)
          ? inner()
          : Array.from({ length: random.below(4) }, () => inner());
    } else if (random.onceIn(3)) {
      filter[random.pick(['created_at', 'updatedAt'])] = randomCondition(random, true);
    } else if (random.onceIn(8)) {
      filter.metadata = { [random.pick(keys)]: randomCondition(random, false) };
    } else {
      filter[random.pick(keys)] = randomCondition(random, false);
    }
  }
  return filter;
}

// -------------------------------------------------------------------------------------- the tests

const everybody = [{ userId: 'ann' }, { userId: 'bob' }, { agentId: 'bot' }, {}];
const idsOf = (found) => found.map(({ id }) => id).sort();

test('the naive reading agrees with the shared cases', () => {
  for (const { name, filter, matches: expected } of cases.filter(({ error }) => !error)) {
    assert.deepEqual(idsOf(memories.filter((memory) => matches(filter, memory))), expected, name);
  }
});

test('random filters match in lists, searches and deletions what they say', async (t) => {
  const random = new Random(20260203);
  const provider = await openProvider(t);
  await importAll(provider, memories);
  let matched = 0;
  const count = 500;
  for (let i = 0; i < count; i++) {
    const filters = randomFilter(random, i % 4);
    const expected = idsOf(memories.filter((memory) => matches(filters, memory)));
    const text = JSON.stringify(filters);
    matched += expected.length;
    const listed = [];
    const found = [];
    for (const identity of everybody) {
      listed.push(...(await provider.getAllMemories({ ...identity, filters })));
      found.push(...(await provider.retrieveMemories('note', { ...identity, filters, topK: 100 })));
    }
    assert.deepEqual(idsOf(listed), expected, `listed: ${text}`);
    assert.deepEqual(idsOf(found), expected, `found: ${text}`);
    if (i % 10 !== 0) continue;
    const copy = await openProvider(t);
    await importAll(copy, memories);
    const deleted = await copy.deleteAllMemories({ everything: true, filters });
    assert.equal(deleted, expected.length, `deleted: ${text}`);
    const left = (await copy.exportMemories()).trim().split('\n').slice(1);
    assert.deepEqual(
      idsOf(left.map((line) => JSON.parse(line))),
      idsOf(memories).filter((id) => !expected.includes(id)),
      `left: ${text}`,
    );
    await copy.close();
  }
  // Filters that match all or nothing would prove little.
  assert.ok(matched > (count * memories.length) / 8, `${matched} matched`);
  assert.ok(matched < (count * memories.length * 7) / 8, `${matched} matched`);
});
