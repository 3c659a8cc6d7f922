// SPDX-License-Identifier: MIT
//
// Notes to try a large memory with. The same ones every time, made in the page, as an export file:
// a header, then one memory a line.

const people = [
  'Mia',
  'Jonas',
  'Priya',
  'Tomás',
  'Aiko',
  'Leila',
  'Sam',
  'Ingrid',
  'Kofi',
  'Nadia',
  'Pavel',
  'Rosa',
];
const places = [
  'Lisbon',
  'Kyoto',
  'Ghent',
  'Oaxaca',
  'Tartu',
  'Bergen',
  'Porto',
  'Graz',
  'Leeds',
  'Turin',
  'Cork',
  'Izmir',
];
const dishes = [
  'lentil soup',
  'mushroom risotto',
  'apple crumble',
  'green curry',
  'pierogi',
  'falafel',
  'okonomiyaki',
  'shakshuka',
  'leek pie',
  'gazpacho',
];
const tasks = [
  'renew the passport',
  'water the tomatoes',
  'call the plumber',
  'return the library books',
  'fix the bicycle',
  'book the dentist',
  'back up the photos',
  'sharpen the knives',
  'pay the rent',
  'repot the fern',
];
const topics = [
  'glaciers',
  'bread baking',
  'the history of maps',
  'birdsong',
  'sailing knots',
  'old radios',
  'moss',
  'typography',
  'tidal power',
  'chess endings',
  'lighthouses',
  'beekeeping',
];
const moods = [
  'lovely',
  'too long',
  'rather cold',
  'surprisingly good',
  'noisy',
  'worth repeating',
  'a bit dull',
  'the best in months',
];
const things = [
  'umbrella',
  'camera',
  'blue notebook',
  'spare key',
  'tent',
  'violin',
  'sewing machine',
  'headphones',
  'thermos',
  'ladder',
];

type Pick = (from: readonly string[]) => string;

const templates: readonly ((pick: Pick, number: number) => string)[] = [
  (pick) =>
    `Had dinner with ${pick(people)} in ${pick(places)}. We ate ${pick(dishes)}, and the evening was ${pick(moods)}.`,
  (pick) =>
    `${pick(people)} recommended a book about ${pick(topics)}. Must remember to ${pick(tasks)} as well.`,
  (pick) => `Lent my ${pick(things)} to ${pick(people)}, who is moving to ${pick(places)}.`,
  (pick, number) =>
    `The train from ${pick(places)} to ${pick(places)} took ${2 + (number % 9)} hours and was ${pick(moods)}.`,
  (pick) => `${pick(people)} and ${pick(people)} are learning about ${pick(topics)} together.`,
  (pick, number) =>
    `Paid ${12 + (number % 180)} euros for the ${pick(things)} at the market in ${pick(places)}.`,
  (pick) =>
    `Need to ${pick(tasks)} before ${pick(people)} visits. ${pick(people)} offered to cook ${pick(dishes)}.`,
  (pick) => `The talk on ${pick(topics)} in ${pick(places)} was ${pick(moods)}.`,
  (pick, number) =>
    `Tried ${pick(dishes)} from ${pick(people)}’s recipe: ${15 + (number % 60)} minutes, and ${pick(moods)}.`,
  (pick) => `${pick(people)}’s ${pick(things)} is still here; bring it along to ${pick(places)}.`,
];

const firstDay = Date.UTC(2024, 0, 1, 8);
const msBetween = 3.5 * 60 * 60 * 1000;

export function sampleNotes(count: number, userId: string): string {
  const pick = seeded();
  const lines = [JSON.stringify({ format: 'agent-memory', version: 1, memories: count })];
  const texts = new Set<string>();
  for (let number = 0; texts.size < count; number++) {
    const text = templates[number % templates.length]?.(pick, number) ?? '';
    if (texts.has(text)) continue;
    const createdAt = new Date(firstDay + texts.size * msBetween).toISOString();
    texts.add(text);
    lines.push(
      JSON.stringify({
        id: `sample-${texts.size}-${userId}`,
        memory: text,
        metadata: { source: 'sample' },
        userId,
        role: 'user',
        createdAt,
      }),
    );
  }
  return `${lines.join('\n')}\n`;
}

/** A linear congruential generator: random enough for notes, and the same on every machine. */
function seeded(): Pick {
  let state = 2026;
  return (from) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return from[Math.floor((state / 2 ** 32) * from.length)] ?? '';
  };
}
