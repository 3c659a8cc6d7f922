// The benchmark: what it measures on, what it says of what it measured, and that it runs. Times are not looked at.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, test } from 'node:test';
import { makeCorpus, vocabularyOf } from '../../bench/corpus.mjs';
import { libraries } from '../../bench/libraries/index.mjs';
import { measureLibraries, median, postingsOf, quantile } from '../../bench/measure.mjs';
import { runMem0 } from '../../bench/mem0.mjs';
import { nodeHost } from '../../bench/node.mjs';
import { mem0Report, report, rowsOf, verdict } from '../../bench/report.mjs';
import { readConversations } from '../../scripts/evaluation.mjs';
import { hasMem0Client } from '../peers/mem0-client.mjs';

let conversations;

before(async () => {
  const file = new URL('../data/conversations.json', import.meta.url);
  conversations = readConversations(JSON.parse(await readFile(file, 'utf8')));
});

const isNear = (value, expected, share) => Math.abs(value - expected) <= share * expected;

// ------------------------------------------------------------------------------------- the corpus

test('the same seed makes the same messages and questions; another makes others', () => {
  const one = makeCorpus(conversations, { size: 300 });
  assert.deepEqual(makeCorpus(conversations, { size: 300 }), one);
  assert.notDeepEqual(makeCorpus(conversations, { size: 300, seed: 2 }).messages, one.messages);
});

test('messages are as long, and words as various, as is promised', () => {
  const { messages, words, vocabulary, textBytes } = makeCorpus(conversations, { size: 10_000 });
  assert.equal(messages.length, 10_000);
  const characters = messages.reduce((sum, { text }) => sum + text.length, 0);
  assert.ok(isNear(words / 10_000, 25, 0.02), `${words / 10_000} words a message`);
  assert.ok(isNear(characters / 10_000, 144, 0.05), `${characters / 10_000} characters a message`);
  assert.ok(isNear(vocabulary, vocabularyOf(words), 0.02), `${vocabulary} distinct words`);
  assert.equal(textBytes, Buffer.byteLength(messages.map(({ text }) => text).join('')));
});

test('no two messages are equal, and each is some seconds or hours after the one before', () => {
  const { messages } = makeCorpus(conversations, { size: 2000 });
  assert.equal(new Set(messages.map(({ text }) => text)).size, 2000);
  const gaps = messages
    .slice(1)
    .map(({ timestamp }, index) => timestamp - messages[index].timestamp);
  assert.equal(gaps.filter((gap) => gap > 3_600_000).length, 2000 / 20 - 1);
  assert.ok(gaps.every((gap) => gap >= 5000));
});

test('the questions are the same at every size, and there are as many as are wanted', () => {
  const [small, large] = [100, 1000].map((size) =>
    makeCorpus(conversations, { size, queries: 250 }),
  );
  assert.deepEqual(small.queries, large.queries);
  assert.equal(small.queries.length, 250);
});

test('the postings of a question are those of each of its terms', () => {
  const messages = ['The cats slept.', 'A cat and a dog.', 'Nothing.'].map((text) => ({
    name: 'Ada',
    text,
  }));
  assert.deepEqual(
    postingsOf({ messages, queries: ['Does the cat like cats or dogs?', 'Ada?', 'Who?'] }),
    [3, 3, 0],
  );
});

// ------------------------------------------------------------------------------------- what is said of it

test('quantiles are values that were measured', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(quantile([1, 2, 3, 4], 0.5), 2);
  assert.equal(quantile([5], 0.99), 5);
});

const measured = (ms, queryMs) => ({
  buildMs: ms,
  queryMs,
  addUs: ms,
  addVisibleUs: ms,
  deleteUs: ms,
  deleteVisibleUs: ms,
  saveMs: ms,
  savedBytes: 1,
  loadMs: ms,
});

const results = {
  runtime: 'a test',
  downloadBytes: { 'agent-memory': 90_000, minisearch: 1000 },
  sizes: [
    {
      size: 10_000,
      words: 1000,
      vocabulary: 50,
      textBytes: 100,
      heapBytes: { built: 200 },
      postings: [10, 10],
      libraries: { 'agent-memory': measured(1, [1, 1]), minisearch: measured(20, [null, 30]) },
    },
    {
      size: 100_000,
      words: 1000,
      vocabulary: 50,
      textBytes: 100,
      heapBytes: { built: 300 },
      postings: [20, 20],
      libraries: {
        'agent-memory': measured(100, [4, 20]),
        minisearch: measured(1000, [440, null]),
      },
    },
  ],
};

const rowOf = (measure, size, peer) =>
  rowsOf(results).find((row) => row.measure === measure && row.size === size && row.peer === peer);

test('a ratio is of the queries that both were asked, and is held against what is asked for', () => {
  const small = rowOf('search p50', 10_000, 'minisearch');
  assert.equal(small.value, 30);
  assert.equal(verdict(small), 'missed: 1.33 times more is asked');
  const large = rowOf('search p50', 100_000, 'minisearch');
  assert.equal(large.value, 110);
  assert.equal(verdict(large), 'met');
  assert.equal(verdict(rowOf('build', 100_000, 'minisearch')), 'met');
});

test('what is to be little is held against what it may be at most', () => {
  assert.equal(verdict(rowOf('add, visible', 10_000)), 'met');
  assert.equal(verdict(rowOf('add, visible', 100_000)), 'missed: 2.00 times too much');
  assert.equal(verdict(rowOf('download, gzip')), 'missed: 1.13 times too much');
  assert.equal(rowOf('heap / text', 10_000).target, undefined);
  assert.equal(verdict(rowOf('heap / text', 100_000)), 'missed: 1.20 times too much');
});

test('the cost of a search may grow as its postings do', () => {
  assert.equal(rowOf('mean search / postings', 10_000), undefined);
  assert.equal(rowOf('mean search / postings', 100_000).value, 12 / 2);
});

test('the report begins with ratios', () => {
  const text = report(results);
  assert.match(text, /search p50 +10,000 +minisearch +30\.0x +>= 40\.0x +missed/);
  assert.ok(text.indexOf('divided by ours') < text.indexOf('times\n'));
});

test('of Mem0’s clients, too, the report begins with ratios: theirs divided by ours', () => {
  const text = mem0Report({
    rounds: 3,
    calls: 50,
    callMs: {
      'agent-memory': { search: { wall: 2, cpu: 1 } },
      mem0ai: { search: { wall: 3, cpu: 4 } },
    },
    downloadBytes: { 'agent-memory': 56_000, mem0ai: 28_000 },
  });
  const lines = text.split('\n').filter(Boolean);
  assert.match(lines[0], /mem0ai divided by ours; 3 rounds of 50 calls each/);
  assert.match(lines[2], /^search +4\.00x +1\.50x$/);
  assert.match(lines[3], /^download, gzip +0\.500x$/);
  assert.match(text, /search +1\.00 +2\.00 +4\.00 +3\.00\n/);
  assert.match(text, /mem0ai +28\.0$/);
});

// ------------------------------------------------------------------------------------- that it runs

test('every library finds each message that was just added, and no longer when it was deleted', async () => {
  const corpus = makeCorpus(conversations, { size: 200, queries: 20, planted: 10 });
  const host = { nowMs: () => performance.now(), collectGarbage() {}, log() {} };
  const found = await measureLibraries(libraries, corpus, { rounds: 1, host });
  assert.deepEqual(
    Object.keys(found),
    libraries.map(({ name }) => name),
  );
  for (const [name, { queryMs, savedBytes }] of Object.entries(found)) {
    assert.ok(
      queryMs.every((ms) => ms !== null),
      name,
    );
    assert.ok(savedBytes > 0, name);
  }
});

test(
  'both of Mem0’s clients do every call, and what they download is counted',
  { skip: !hasMem0Client && 'the official client is not installed: scripts/setup --test' },
  async () => {
    const { callMs, downloadBytes } = await runMem0(
      { rounds: 1, calls: 2 },
      { ...nodeHost, log() {} },
    );
    const kinds = ['add', 'search', 'list', 'get', 'update', 'history', 'delete'];
    assert.deepEqual(Object.keys(callMs), ['agent-memory', 'mem0ai']);
    for (const each of Object.values(callMs)) assert.deepEqual(Object.keys(each), kinds);
    assert.ok(downloadBytes.mem0ai > 20_000 && downloadBytes['agent-memory'] > 20_000);
  },
);
