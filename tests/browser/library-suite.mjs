// Runs in the browser, bundled, as a page's script: the package for the tests of library.test.mjs.
import * as library from 'agent-memory-wasm';
import { openRanked, rankedBy } from '../js/support/ranks.mjs';

/** The ranks of tests/cases/ranks.json, asked of a store that was written, closed and opened again. */
export async function ranks(name, cases) {
  const written = await openRanked(library.LocalProvider, cases, { name });
  await written.close();
  const now = () => Date.parse(cases.now);
  const provider = await library.LocalProvider.open({ name, now });
  const found = await rankedBy(provider, cases);
  await provider.close();
  return found;
}

globalThis.suite = { library, ranks };
