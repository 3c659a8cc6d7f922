// SPDX-License-Identifier: MIT
//
// Writes the benchmark's messages and questions for bench/index_bench.cpp, one a line:
//
//   node bench/corpus-file.mjs SIZE [CONVERSATIONS] > corpus.tsv
//
//   message<TAB>time in ms<TAB>speaker<TAB>text
//   query<TAB><TAB><TAB>text
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { readConversations } from '../scripts/evaluation.mjs';
import { makeCorpus } from './corpus.mjs';

const [
  size = '10000',
  file = path.resolve(import.meta.dirname, '../tests/data/conversations.json'),
] = process.argv.slice(2);
const conversations = readConversations(JSON.parse(await readFile(file, 'utf8')));
const { messages, queries } = makeCorpus(conversations, { size: Number(size) });
const line = (...fields) =>
  `${fields.map((field) => String(field).replaceAll(/[\t\n\r]/g, ' ')).join('\t')}\n`;
for (const { timestamp, name, text } of messages) {
  process.stdout.write(line('message', timestamp, name, text));
}
for (const query of queries) process.stdout.write(line('query', '', '', query));
