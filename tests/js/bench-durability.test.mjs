// What the benchmark says of what durability costs. What it measures is measured in a browser: `npm run bench`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durabilityReport } from '../../bench/durability.mjs';

const results = {
  writes: [
    { each: 1, bytes: 250, ours: [1.3, 1.2, 9], store: [1, 1, 8], look: [0.1], bare: [1, 1, 1] },
    { each: 100, bytes: 17_000, ours: [4, 4, 4], store: [1, 1, 1], look: [3], bare: [2, 2, 2] },
  ],
  opens: [
    {
      size: 10_000,
      textBytes: 2_000_000,
      diskBytes: 3_000_000,
      bytes: 4_000_000,
      ours: [30, 30, 30],
      bare: [10, 10, 10],
    },
  ],
  folds: [{ size: 10_000, alone: [2, 1, 3], folding: [12, 11, 40] }],
  toldMs: [...Array.from({ length: 99 }, () => 2), 150],
  unheard: 0,
};

const lineOf = (report, start) => report.split('\n').find((line) => line.startsWith(start));

test('each ratio is of medians, stands beside what is asked for, and says whether it is met', () => {
  const report = durabilityReport(results);
  assert.match(
    lineOf(report, 'write of 1,'),
    /250 bytes +1\.30x +\(<= 1\.5x\) +met +1\.30 ms \/ 1\.00 ms; the store's part 1\.00 ms; the first look after it 0\.10 ms/,
  );
  assert.match(
    lineOf(report, 'write of 100,'),
    /2\.00x +\(<= 1\.5x\) +missed: 1\.33 times too much/,
  );
  assert.match(
    lineOf(report, 'open with 10,000'),
    /3\.00x +\(<= 2x\) +missed: 1\.50 times too much/,
  );
  assert.match(
    lineOf(report, 'bytes on disk with 10,000'),
    /1\.50x +\(<= 2\.5x\) +met +3\.0 MB \/ 2\.0 MB; values alone 4\.0 MB/,
  );
});

test('of the waits while a store is folded the longest of each fold counts', () => {
  const waits = (folds) => lineOf(durabilityReport({ ...results, folds }), 'the longest wait');
  assert.match(
    waits(results.folds),
    /10,000 are folded +12\.0 ms +\(< 16\.7 ms\) +met +median of 3 folds, the worst 40\.0 ms; without one for as long 2\.00 ms and 3\.00 ms/,
  );
  assert.match(
    waits([{ size: 10_000, alone: [1], folding: [25] }]),
    /25\.0 ms +\(< 16\.7 ms\) +missed: 1\.50 times too much/,
  );
});

test('of the time until others are told the 99th percentile counts, and nobody may be forgotten', () => {
  const told = (changes) => lineOf(durabilityReport({ ...results, ...changes }), 'a change,');
  assert.match(told({}), /2\.00 ms +\(< 100 ms\) +met .*p50 2\.00 ms/);
  assert.match(told({ toldMs: [1, 2, 150] }), /150\.0 ms +\(< 100 ms\) +missed /);
  assert.match(told({ unheard: 3 }), /missed: 3 were never told/);
});
