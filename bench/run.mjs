// SPDX-License-Identifier: MIT
//
// npm run bench -- [options]: this package and others on the same messages and the same questions, and on Mem0, in one
// run.
//
//   --sizes 10000,100000      how many messages; at more than 200,000 ours alone
//   --libraries a,b           which others: minisearch, flexsearch, orama, sqlite
//   --rounds 3                how often each is measured
//   --conversations FILE      what the messages are made of, in our format or LoCoMo's, instead of tests/data
//   --node-only, --chromium-only, --mem0-only, --durability-only
//
// Needs the built package (npm run build), and for all but the first part scripts/setup --test: a browser, and Mem0's
// official client.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { hasMem0Client } from '../tests/peers/mem0-client.mjs';
import { readConversations } from '../scripts/evaluation.mjs';
import { runInChromium } from './chromium.mjs';
import { downloadBytes } from './download.mjs';
import { durabilityReport, measureDurability } from './durability.mjs';
import { heapBytes } from './heap.mjs';
import { libraries } from './libraries/index.mjs';
import { nodeHost } from './node.mjs';
import { run } from './plan.mjs';
import { runMem0 } from './mem0.mjs';
import { header, mem0Report, report } from './report.mjs';

const root = path.resolve(import.meta.dirname, '..');
const known = libraries.map(({ name }) => name);

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10000,100000' },
    libraries: { type: 'string', default: known.slice(1).join() },
    rounds: { type: 'string', default: '3' },
    conversations: { type: 'string', default: path.join(root, 'tests/data/conversations.json') },
    'node-only': { type: 'boolean', default: false },
    'chromium-only': { type: 'boolean', default: false },
    'mem0-only': { type: 'boolean', default: false },
    'durability-only': { type: 'boolean', default: false },
  },
});

function fail(message) {
  console.error(`bench: ${message}`);
  process.exit(1);
}

function countOf(name, text) {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) fail(`${name} must be at least 1, got ${text}`);
  return count;
}

function namesOf(text) {
  const names = text.split(',').filter(Boolean);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown) fail(`--libraries must be of ${known.slice(1).join()}, got ${unknown}`);
  return known.filter((name, index) => index === 0 || names.includes(name));
}

const plan = {
  sizes: options.sizes.split(',').map((size) => countOf('--sizes', size)),
  names: namesOf(options.libraries),
  rounds: countOf('--rounds', options.rounds),
  conversations: readConversations(JSON.parse(await readFile(options.conversations, 'utf8'))),
};

const only = ['node', 'chromium', 'mem0', 'durability'].filter((part) => options[`${part}-only`]);
if (only.length > 1) fail(`--${only.join('-only and --')}-only exclude each other`);
const runs = (part) => only.length === 0 || only[0] === part;
if (runs('mem0') && !hasMem0Client)
  fail("Mem0's official client is missing; run scripts/setup --test");

if (only[0] !== 'mem0') console.log(header(path.relative(root, options.conversations), plan));
if (runs('node')) {
  const sizes = await run(plan, nodeHost);
  for (const each of sizes) each.heapBytes = await heapBytes(plan.conversations, each.size);
  console.log(
    report({
      runtime: `Node ${process.versions.node}`,
      sizes,
      downloadBytes: await downloadBytes(plan.names),
    }),
  );
}
if (runs('chromium')) console.log(report(await runInChromium(plan)));
if (runs('durability')) console.log(durabilityReport(await measureDurability(plan)));
if (runs('mem0')) console.log(mem0Report(await runMem0(plan, nodeHost)));
