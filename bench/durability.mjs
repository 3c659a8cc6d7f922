// SPDX-License-Identifier: MIT
//
// What durability costs, in Chromium: writes, opening and bytes beside IndexedDB alone with the same bytes, and how soon
// other tabs hear of a change.
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { bundledPage } from './chromium.mjs';
import { quantile } from './measure.mjs';
import { table } from './report.mjs';
import { Chromium, root, serve } from '../tests/browser/support.mjs';

const tabs = 4;

/** How long a page that draws 60 times a second has for everything. */
const frameMs = 1000 / 60;

const isolated = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** Measures all of it; see `durabilityReport`. `sizes`: of the stores that are opened. */
export async function measureDurability({ conversations, sizes, rounds }) {
  const profile = await mkdtemp(path.join(os.tmpdir(), 'agent-memory-bench-'));
  // An origin each for writes and for the rest: one has one database file, which is tidied up when the browser likes.
  const files = await bundledPage('bench/durability-page.mjs');
  const servers = [];
  for (let n = 0; n < 2; n++) servers.push(await serve(root, { files, headers: isolated }));
  const [writing, reading] = servers.map(({ origin }) => origin);
  const chromium = await Chromium.start({ profile });
  const log = (line) => process.stderr.write(`bench: Chromium, ${line}\n`);
  const openTab = async (origin = reading) => {
    const page = await chromium.open(`${origin}/page.html`);
    await page.waitForFunction(() => globalThis.durability !== undefined);
    return page;
  };
  const call = (page, method, argument) =>
    page.evaluate(([name, given]) => globalThis.durability[name](given), [method, argument]);
  try {
    const results = { writes: [], opens: [], folds: [], tabs };
    let page = await openTab(writing);
    for (const [each, count] of [
      [1, 300],
      [100, 60],
    ]) {
      log(`writes of ${each}`);
      const measured = await call(page, 'writes', {
        conversations,
        each,
        count: count * rounds,
        warmUp: count / 3,
        tag: String(each),
      });
      results.writes.push({ each, ...measured });
    }
    for (const size of sizes) {
      log(`a store of ${size} memories`);
      const before = await bytesOn(profile, chromium, reading);
      page = await openTab();
      const name = `opened ${size}`;
      const textBytes = await call(page, 'fill', { conversations, size, name });
      const after = await bytesOn(profile, chromium, reading);
      page = await openTab();
      const measured = await call(page, 'opens', { name, rounds: 5 * rounds });
      results.opens.push({ size, textBytes, diskBytes: after - before, ...measured });
      const folds = await call(page, 'folds', { conversations, size, name, rounds: 4 * rounds });
      results.folds.push({ size, ...folds });
    }
    log('telling other tabs');
    const pages = [page, await openTab(), await openTab(), await openTab()];
    for (const each of pages) await call(each, 'listen', 'told');
    const told = [];
    for (const [tab, each] of pages.entries()) {
      told.push(
        ...(await call(each, 'tell', { count: 50 * rounds, pauseMs: 5, tag: `tab ${tab}` })),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    const heard = [];
    for (const each of pages) heard.push(new Map(await call(each, 'heard')));
    results.toldMs = told.flatMap(([memory, at]) =>
      heard.filter((map) => map.has(memory)).map((map) => map.get(memory) - at),
    );
    results.unheard = told.length * (tabs - 1) - results.toldMs.length;
    return results;
  } finally {
    await chromium.stop();
    for (const server of servers) await server.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Bytes of all files in which the browser keeps an origin's IndexedDB, once it has been ended and started again. */
async function bytesOn(profile, chromium, origin) {
  await chromium.restart();
  const folders = path.join(profile, 'Default', 'IndexedDB');
  const named = origin.replace(/[:/]+/g, '_'); // http_127.0.0.1_8080.indexeddb.leveldb
  const files = (await readdir(folders, { recursive: true }).catch(() => [])).filter((file) =>
    file.startsWith(`${named}.`),
  );
  const sizes = await Promise.all(files.map((file) => stat(path.join(folders, file))));
  return sizes.reduce((sum, each) => sum + (each.isFile() ? each.size : 0), 0);
}

const verdict = (value, atMost) =>
  value <= atMost ? 'met' : `missed: ${(value / atMost).toFixed(2)} times too much`;

const ms = (value) => `${value.toFixed(value < 10 ? 2 : 1)} ms`;

/** What was measured: each ratio, then what is asked for and what it is made of. */
export function durabilityReport({ writes, opens, folds, toldMs, unheard }) {
  const rows = [];
  const add = (what, value, atMost, of) =>
    rows.push([what, `${value.toFixed(2)}x`, `(<= ${atMost}x)`, verdict(value, atMost), of]);
  const ratio = ({ ours, bare }) => quantile(ours, 0.5) / quantile(bare, 0.5);
  const both = ({ ours, bare }) => `${ms(quantile(ours, 0.5))} / ${ms(quantile(bare, 0.5))}`;
  for (const each of writes) {
    const parts = `the store's part ${ms(quantile(each.store, 0.5))}`;
    const of = `${both(each)}; ${parts}; the first look after it ${ms(quantile(each.look, 0.5))}`;
    add(`write of ${each.each}, to a put of its ${each.bytes} bytes`, ratio(each), 1.5, of);
  }
  for (const each of opens) {
    const size = each.size.toLocaleString('en-US');
    add(`open with ${size}, to a read of its bytes`, ratio(each), 2, both(each));
  }
  for (const { size, textBytes, diskBytes, bytes } of opens) {
    const mb = (value) => `${(value / 1e6).toFixed(1)} MB`;
    add(
      `bytes on disk with ${size.toLocaleString('en-US')}, to those of the texts`,
      diskBytes / textBytes,
      2.5,
      `${mb(diskBytes)} / ${mb(textBytes)}; values alone ${mb(bytes)}`,
    );
  }
  for (const { size, alone, folding } of folds) {
    const middle = quantile(folding, 0.5);
    const others = `without one for as long ${ms(quantile(alone, 0.5))} and ${ms(quantile(alone, 1))}`;
    rows.push([
      `the longest wait of a search while ${size.toLocaleString('en-US')} are folded`,
      ms(middle),
      '(< 16.7 ms)',
      verdict(middle, frameMs),
      `median of ${folding.length} folds, the worst ${ms(quantile(folding, 1))}; ${others}`,
    ]);
  }
  const p99 = quantile(toldMs, 0.99);
  rows.push([
    'a change, until another of 4 tabs is told',
    ms(p99),
    '(< 100 ms)',
    unheard > 0 ? `missed: ${unheard} were never told` : p99 < 100 ? 'met' : 'missed',
    `p50 ${ms(quantile(toldMs, 0.5))}, p90 ${ms(quantile(toldMs, 0.9))}, p99 ${ms(p99)}, of ${toldMs.length}`,
  ]);
  return ['\nChromium: durability\n', table([['', 'is', 'asked', '', 'of'], ...rows])].join('\n');
}
