// tests/cases/ranks.json: memories, and what searches among them find. It is what every runtime is held to; here is
// how JavaScript asks, in Node and in browsers alike. scripts/record-ranks.mjs writes the file.

/** Digits of a score that must be the same everywhere. */
const digits = 9;

/** What the searches of `cases` find in `provider`, which has its memories: [id, score] of each hit, best first. */
export async function rankedBy(provider, cases) {
  const ranks = [];
  for (const { query, options } of cases.queries) {
    const found = await provider.retrieveMemories(query, { topK: 10, ...options });
    ranks.push(found.map(({ id, score }) => [id, Number(score.toFixed(digits))]));
  }
  return ranks;
}

/** A provider with the memories of `cases`, whose clock stands where theirs does. */
export async function openRanked(LocalProvider, cases, options) {
  const provider = await LocalProvider.open({ now: () => Date.parse(cases.now), ...options });
  const header = { format: 'agent-memory', version: 1, memories: cases.memories.length };
  await provider.importMemories(
    [header, ...cases.memories].map((line) => JSON.stringify(line)).join('\n'),
  );
  return provider;
}
