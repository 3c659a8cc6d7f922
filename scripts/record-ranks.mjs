#!/usr/bin/env node
// Writes tests/cases/ranks.json: memories that are the same each time, searches, and what the package in dist finds.
// Run it after a change that is meant to change ranks or scores (scripts/build first), and look at the difference:
// the C++ tests, Node and Chromium must then find the same.
//
//   node scripts/record-ranks.mjs
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LocalProvider } from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { Random } from '../tests/js/support/random.mjs';
import { openRanked, rankedBy } from '../tests/js/support/ranks.mjs';

const file = path.resolve(import.meta.dirname, '../tests/cases/ranks.json');
const random = new Random(20260302);
const now = '2026-03-02T09:00:00.000Z';
const minute = 60_000;
const day = 1440 * minute;

// ------------------------------------------------------------------------------------ conversations

const subjects = ['my sister', 'my brother', 'Ida', 'our neighbour', 'the dentist', 'Grandma'];
const things = ['a red bicycle', 'green tea', 'the old piano', 'two kittens', 'a pottery class'];
things.push('the blue tent', 'sourdough bread', 'a used camera', 'the marathon', 'watercolours');
const places = ['Lisbon', 'Oslo', 'Porto', 'the lake', 'the mountains', 'Kyoto', 'a small museum'];
const days = ['yesterday', 'last week', 'on Sunday', 'in May', 'two days ago', 'last summer'];
const statements = [
  (pick) => `I bought ${pick(things)} for ${pick(subjects)} ${pick(days)}.`,
  (pick) => `${pick(subjects)} moved to ${pick(places)} and misses ${pick(things)}.`,
  (pick) => `We went to ${pick(places)} ${pick(days)}; it rained, but ${pick(things)} helped!`,
  (pick) =>
    `Honestly, ${pick(things)} was the best idea. I've been thinking about ${pick(places)} since.`,
  (pick) => `Going to ${pick(places)} again, this time with ${pick(subjects)}.`,
];
const questions = [
  (pick) => `Did ${pick(subjects)} like ${pick(places)}?`,
  (pick) => `What happened to ${pick(things)}?`,
  (pick) => `How was ${pick(places)} ${pick(days)}?`,
];
const answers = [
  (pick) => `Yes, very much: ${pick(things)} and ${pick(places)}.`,
  (pick) => `Not at all, ${pick(subjects)} said.`,
  () => `Wow, that's great.`,
];
const pick = (values) => random.pick(values);

const memories = [];
function remember(memory, time, more = {}) {
  const id = `m${String(memories.length + 1).padStart(3, '0')}`;
  memories.push({ id, memory, metadata: {}, ...more, createdAt: new Date(time).toISOString() });
}

for (let run = 1; run <= 7; run++) {
  let time = Date.parse(now) - random.below(400) * day - random.below(1440) * minute;
  let asked = false;
  for (let turn = 0; turn < 10; turn++) {
    const asks = !asked && random.onceIn(3);
    const text = pick(asked ? answers : asks ? questions : statements)(pick);
    const [name, role] = turn % 2 === 0 ? ['Ann', 'user'] : ['Bob', 'assistant'];
    remember(text, time, { userId: 'ann', runId: `run-${run}`, name, role });
    asked = asks;
    time += (1 + random.below(40)) * 5000;
  }
}

// -------------------------------------------------------------------------------------------- notes

const notes = [
  'Ich wohne seit drei Jahren in München und lerne Klavier.',
  'Die Straßenbahnhaltestelle ist gleich um die Ecke.',
  "J'habite à Lyon et j'adore l'eau pétillante.",
  'Mi hermana vive en Sevilla y cocina muy bien.',
  'Я переехал в Москву и купил велосипед.',
  '東京に住んでいて、緑茶が好きです。',
  '我搬到北京了，喜欢喝绿茶。',
  '서울에서 피아노를 배우고 있어요.',
  'ฉันอาศัยอยู่ในกรุงเทพและชอบชาเขียว',
  'أعيش في القاهرة وأحب الشاي الأخضر',
  'İstanbul’da yaşıyorum ve çay içiyorum.',
  'Allergic to peanuts 🥜, carries an EpiPen since 2019.',
  'Passport number ends in 4471; it expires on 8th June 2027.',
  'GPT-4 and v2.5 of the importer crashed at 7pm.',
  'Flight TP1234 to Lisbon leaves on 2026-05-14 at 06:45.',
  "The neighbours' dogs don't like the mail carrier's bicycle.",
  'tea',
  'tea tea tea',
  'Green tea, green tent, green everything.',
  'I do not drink coffee any more.',
];
for (const text of notes)
  remember(text, Date.parse(now) - random.below(700) * day, { userId: 'ann' });
for (let n = 0; n < 25; n++) {
  const time = Date.parse(now) - n * 9 * day - random.below(1440) * minute;
  const agent = random.onceIn(3) ? { agentId: 'bot' } : {};
  const metadata = { topic: pick(['travel', 'food', 'home']), stars: random.below(6) };
  remember(pick(statements)(pick), time, { userId: 'ben', ...agent, role: 'user', metadata });
}
for (let n = 0; n < 6; n++) {
  const time = Date.parse(now) - n * 30 * day;
  remember(pick(statements)(pick), time, n % 2 === 0 ? { agentId: 'bot' } : {});
}

// ----------------------------------------------------------------------------------------- searches

const ann = { userId: 'ann' };
const ben = { userId: 'ben' };
const queries = [
  ...['tea', 'green tea', '"green tea"', 'who drinks tea?', 'bicycle', 'the old piano'].map(
    (query) => ({ query, options: ann }),
  ),
  ...['What did Ann buy for Ida?', 'Did Bob like Lisbon?', 'when did we go to the lake?'].map(
    (query) => ({ query, options: ann }),
  ),
  ...['last May', 'two weeks ago', 'what happened in 2025?', 'on 14 May 2026'].map((query) => ({
    query,
    options: ann,
  })),
  ...[
    'wohnen in Muenchen',
    'Straßenbahn',
    'habiter à Lyon',
    'hermanas',
    'велосипеды',
    '緑茶',
    '北京',
  ].map((query) => ({ query, options: ann })),
  ...['피아노', 'ชาเขียว', 'الشاي', 'çay', '🥜', 'peanut allergy', 'gpt4', 'passport'].map(
    (query) => ({ query, options: ann }),
  ),
  ...['bycicle', 'pottery clas', 'neighbor', 'moving', 'is it not?', 'xyzzy'].map((query) => ({
    query,
    options: ann,
  })),
  { query: 'the mountains', options: { ...ann, runId: 'run-3' } },
  { query: 'bicycle for Ida', options: { ...ann, topK: 3, minRelevanceScore: 0.2 } },
  { query: 'a trip to the mountains with Grandma', options: { ...ann, strategy: 'hybrid' } },
  { query: 'tea', options: { ...ann, strategy: 'hybrid' } },
  { query: 'whatever', options: { ...ann, strategy: 'recency' } },
  { query: 'kittens', options: { ...ben, strategy: 'hybrid', topK: 20 } },
  { query: 'camera', options: { ...ben, agentId: 'bot' } },
  { query: 'museum', options: { ...ben, metadata: { topic: 'travel' } } },
  { query: 'Porto', options: { ...ben, filters: { stars: { gte: 2 } } } },
  { query: 'piano', options: { agentId: 'bot' } },
  { query: 'tea in Lisbon, Oslo, Kyoto, Porto or a museum', options: {} },
];

// ------------------------------------------------------------------------------------------ record

const cases = { now, memories, queries };
const provider = await openRanked(LocalProvider, cases, { storage: memoryStorage() });
const ranks = await rankedBy(provider, cases);
await provider.close();

const lines = (values) => values.map((value) => `    ${JSON.stringify(value)}`).join(',\n');
const recorded = `{
  "now": ${JSON.stringify(now)},
  "memories": [
${lines(memories)}
  ],
  "queries": [
${lines(queries.map((each, i) => ({ ...each, expected: ranks[i] })))}
  ]
}
`;
const before = await readFile(file, 'utf8').catch(() => '');
await writeFile(file, recorded);
console.log(before === recorded ? 'ranks.json is as it was' : 'ranks.json has changed');
