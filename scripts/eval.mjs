// npm run eval -- FILE [--strategy NAME]: how much of each question's evidence is found, through the public API.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { evaluate, formatReliability, formatTable, readConversations } from './evaluation.mjs';

const { values, positionals } = parseArgs({
  options: { strategy: { type: 'string' } },
  allowPositionals: true,
});
const file = positionals[0] ?? 'tests/data/conversations.json';

const conversations = readConversations(JSON.parse(await readFile(file, 'utf8')));
const rows = await evaluate(conversations, values);
// LoCoMo's adversarial questions have no answer in the conversation; their evidence is what misleads.
const counted = rows.filter((row) => row.kind !== 'adversarial');
const kinds = [...new Set(rows.map((row) => row.kind))];
const names = [...new Set(rows.map((row) => row.conversation))];

const turns = conversations.flatMap(({ sessions }) => sessions.flatMap((session) => session.turns));
console.log(
  `${conversations.length} conversations, ${turns.length} turns, one message each; default options\n`,
);
console.log(
  formatTable([
    ['all', counted],
    ...kinds.map((kind) => [`  ${kind}`, rows.filter((row) => row.kind === kind)]),
    ...names.map((name) => [name, counted.filter((row) => row.conversation === name)]),
  ]),
);
console.log(`\nwhat scores mean, over the first ten hits of ${counted.length} questions\n`);
console.log(formatReliability(counted));
