// SPDX-License-Identifier: MIT
//
// What was measured, as tables: first ratios, which say the same on a slow and on a fast machine, each beside what is
// asked for; then times. Pure.
import { mean, quantile } from './measure.mjs';

const us = 'agent-memory';

/**
 * What is asked for, as the project's issue on retrieval has it. `size` undefined: at each size that was measured;
 * `peer` undefined: of ours alone. Ratios to a peer are its time divided by ours.
 */
export const targets = [
  { measure: 'search p50', peer: 'minisearch', size: 10_000, atLeast: 40 },
  { measure: 'search p50', peer: 'flexsearch', size: 10_000, atLeast: 8 },
  { measure: 'search p50', peer: 'minisearch', size: 100_000, atLeast: 100 },
  { measure: 'search p50', peer: 'flexsearch', size: 100_000, atLeast: 15 },
  { measure: 'search p99 / p50', atMost: 10 },
  { measure: 'build', peer: 'minisearch', atLeast: 10 },
  { measure: 'add, visible', unit: 'µs', atMost: 50 },
  { measure: 'delete, visible', unit: 'µs', atMost: 50 },
  { measure: 'load + search', peer: 'minisearch', size: 10_000, atLeast: 30 },
  { measure: 'load + search', peer: 'minisearch', size: 100_000, atLeast: 50 },
  { measure: 'load + search', peer: 'sqlite', atLeast: 1 },
  { measure: 'heap / text', size: 100_000, atMost: 2.5 },
  { measure: 'mean search / postings', atMost: 1 },
  { measure: 'download, gzip', unit: 'kB', atMost: 80 },
];

/** The ratios that are printed for every peer, with a target or without. */
const ratios = {
  build: ({ buildMs }) => buildMs,
  'search p50': ({ queryMs }) => quantile(queryMs, 0.5),
  'search p99': ({ queryMs }) => quantile(queryMs, 0.99),
  'search mean': ({ queryMs }) => mean(queryMs),
  'add, visible': ({ addVisibleUs }) => addVisibleUs,
  'delete, visible': ({ deleteVisibleUs }) => deleteVisibleUs,
  'load + search': ({ loadMs }) => loadMs,
};

/** What is said of ours alone. */
const figures = {
  'search p99 / p50': ({ queryMs }) => quantile(queryMs, 0.99) / quantile(queryMs, 0.5),
  'add, visible': ({ addVisibleUs }) => addVisibleUs,
  'delete, visible': ({ deleteVisibleUs }) => deleteVisibleUs,
};

/** Two measurements, each with only the queries that both were asked. */
function onSameQueries(left, right) {
  const isAsked = (_, index) => left.queryMs[index] !== null && right.queryMs[index] !== null;
  const only = (measured) => ({ ...measured, queryMs: measured.queryMs.filter(isAsked) });
  return [only(left), only(right)];
}

/**
 * Rows {measure, size, peer, unit, value, target} in the order of the measures.
 *
 * @param results - { sizes: [{ size, textBytes, postings, libraries, heapBytes }], downloadBytes }; see run.mjs
 */
export function rowsOf({ sizes, downloadBytes }) {
  const rows = [];
  const add = (row) => rows.push({ ...row, target: targetOf(row) });
  for (const { size, libraries } of sizes) {
    const { [us]: ours, ...peers } = libraries;
    for (const [measure, of] of Object.entries(ratios)) {
      for (const [peer, theirs] of Object.entries(peers)) {
        const [their, our] = onSameQueries(theirs, ours).map(of);
        add({ measure, size, peer, value: their / our });
      }
    }
    for (const [measure, of] of Object.entries(figures)) {
      const [own] = onSameQueries(ours, ours);
      const unit = targets.find((target) => target.measure === measure)?.unit;
      add({ measure, size, unit, value: of(own) });
    }
  }
  for (const { size, textBytes, heapBytes = {} } of sizes) {
    for (const [when, bytes] of Object.entries(heapBytes)) {
      add({ measure: 'heap / text', size, note: when, value: bytes / textBytes });
    }
  }
  for (const [index, { size, ...larger }] of sizes.entries()) {
    if (index === 0) continue;
    add({ measure: 'mean search / postings', size, value: growth(sizes[index - 1], larger) });
  }
  if (downloadBytes) {
    add({ measure: 'download, gzip', unit: 'kB', value: downloadBytes[us] / 1000 });
  }
  return rows.sort((a, b) => order(a) - order(b));
}

const order = ({ measure }) =>
  Object.keys(ratios).concat(Object.keys(figures)).indexOf(measure) >>> 0;

/** How many times longer the mean search takes at the larger size, divided by how many times more postings it has. */
function growth(smaller, larger) {
  const [after, before] = onSameQueries(larger.libraries[us], smaller.libraries[us]).map(
    ({ queryMs }) => mean(queryMs),
  );
  return after / before / (mean(larger.postings) / mean(smaller.postings));
}

function targetOf({ measure, peer, size }) {
  return targets.find(
    (target) =>
      target.measure === measure &&
      target.peer === peer &&
      (target.size === undefined || target.size === size),
  );
}

/** 'met', 'missed' with what is lacking, or '' where nothing is asked for. */
export function verdict({ value, target }) {
  if (target === undefined) return '';
  const { atLeast, atMost } = target;
  if (atLeast !== undefined) {
    return value >= atLeast ? 'met' : `missed: ${(atLeast / value).toFixed(2)} times more is asked`;
  }
  return value <= atMost ? 'met' : `missed: ${(value / atMost).toFixed(2)} times too much`;
}

/** What is measured, in one line each. */
export const header = (file, { sizes, names, rounds }) =>
  [
    `messages: made of ${file}; ${sizes.map(count).join(' and ')}; one user, 500 questions, top 10`,
    `libraries: ${names.join(', ')}; ${rounds} rounds`,
  ].join('\n');

/** All tables as one text. */
export function report(results) {
  const rows = rowsOf(results);
  const asked = rows.filter(({ target }) => target !== undefined);
  return [
    title(`${results.runtime}: against what is asked`),
    table([
      ['', 'messages', 'against', 'is', 'asked', ''],
      ...asked.map((row) => [
        row.measure,
        row.size === undefined ? '' : count(row.size),
        row.peer ?? row.note ?? '',
        withUnit(row, row.value),
        row.target.atLeast === undefined
          ? `<= ${withUnit(row, row.target.atMost)}`
          : `>= ${withUnit(row, row.target.atLeast)}`,
        verdict(row),
      ]),
    ]),
    title(`${results.runtime}: their time divided by ours`),
    ratioTable(rows, results),
    title(`${results.runtime}: ours alone`),
    oursTable(rows, results),
    title(`${results.runtime}: times`),
    timeTable(results),
    ...(results.downloadBytes ? [title('What a page downloads'), downloadTable(results)] : []),
  ].join('\n');
}

function ratioTable(rows, { sizes }) {
  const peers = Object.keys(sizes[0].libraries).filter((name) => name !== us);
  if (peers.length === 0) return 'no peers were measured';
  const lines = sizes.flatMap(({ size }) =>
    Object.keys(ratios).map((measure) => [
      measure,
      count(size),
      ...peers.map((peer) => {
        const row = rows.find(
          (each) => each.measure === measure && each.size === size && each.peer === peer,
        );
        return row === undefined ? '' : withUnit(row, row.value);
      }),
    ]),
  );
  return table([['', 'messages', ...peers], ...lines]);
}

function oursTable(rows, { sizes }) {
  const lines = sizes.map(({ size, words, vocabulary, textBytes, postings }) => {
    const of = (measure, note) =>
      number(
        rows.find((row) => row.measure === measure && row.size === size && row.note === note)
          ?.value,
      );
    return [
      count(size),
      number(words / size),
      count(vocabulary),
      number(textBytes / 1e6),
      number(mean(postings)),
      of('search p99 / p50'),
      of('mean search / postings'),
      of('heap / text', 'built'),
      of('heap / text', 'opened'),
    ];
  });
  const head = [
    'messages',
    'words each',
    'distinct',
    'text MB',
    'postings a query',
    'p99 / p50',
  ].concat(['growth: search / postings', 'heap / text, built', 'opened']);
  return table([head, ...lines]);
}

function timeTable({ sizes }) {
  const head = [
    '',
    'messages',
    'build ms',
    'p50 ms',
    'p99 ms',
    'mean ms',
    'asked',
    'add µs',
  ].concat(['visible µs', 'delete µs', 'visible µs', 'save ms', 'saved MB', 'load ms']);
  const lines = sizes.flatMap(({ size, libraries }) =>
    Object.entries(libraries).map(([name, measured]) => {
      const times = measured.queryMs.filter((ms) => ms !== null);
      return [
        name,
        count(size),
        number(measured.buildMs),
        number(quantile(times, 0.5)),
        number(quantile(times, 0.99)),
        number(mean(times)),
        String(times.length),
        number(measured.addUs),
        number(measured.addVisibleUs),
        number(measured.deleteUs),
        number(measured.deleteVisibleUs),
        number(measured.saveMs),
        number(measured.savedBytes / 1e6),
        number(measured.loadMs),
      ];
    }),
  );
  return table([head, ...lines]);
}

const downloadTable = ({ downloadBytes }) =>
  table([
    ['', 'kB gzip'],
    ...Object.entries(downloadBytes).map(([name, bytes]) => [name, (bytes / 1000).toFixed(1)]),
  ]);

/** What runMem0() in mem0.mjs measured, as text: ratios first. */
export function mem0Report({ rounds, calls, callMs, downloadBytes }) {
  const { [us]: ours, ...peers } = callMs;
  const [[peer, theirs]] = Object.entries(peers);
  const kinds = Object.keys(ours);
  const ratio = (their, our) => `${number(their / our)}x`;
  return [
    title(`Mem0's clients: ${peer} divided by ours; ${rounds} rounds of ${calls} calls each`),
    table([
      ['', 'CPU', 'wall'],
      ...kinds.map((kind) => [
        kind,
        ratio(theirs[kind].cpu, ours[kind].cpu),
        ratio(theirs[kind].wall, ours[kind].wall),
      ]),
      ['download, gzip', ratio(downloadBytes[peer], downloadBytes[us]), ''],
    ]),
    title("Mem0's clients: ms a call"),
    table([
      ['', `${us} CPU`, 'wall', `${peer} CPU`, 'wall'],
      ...kinds.map((kind) => [
        kind,
        ...[ours, theirs].flatMap((each) => [number(each[kind].cpu), number(each[kind].wall)]),
      ]),
    ]),
    title("Mem0's clients: what a page downloads"),
    downloadTable({ downloadBytes }),
  ].join('\n');
}

const title = (text) => `\n${text}\n`;

const count = (size) => size.toLocaleString('en-US');

const withUnit = ({ peer, unit }, value) =>
  `${number(value)}${peer === undefined ? (unit ? ` ${unit}` : '') : 'x'}`;

/** Three digits, more where there are more before the point. */
function number(value) {
  if (value === null || value === undefined) return '';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(value), 1e-3))));
  return value.toFixed(Math.min(digits, 4));
}

/** Columns as wide as they need be: the first to the left, figures to the right, remarks to the left. */
export function table(lines) {
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const isFigure = (column) => lines.slice(1).some((line) => /^[<>=\d-]/.test(line[column]));
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          isFigure(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column]),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
