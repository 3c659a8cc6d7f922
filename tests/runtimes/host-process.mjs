// Runs in Node, Deno and Bun, inside a project that has the package installed: the suite over files in a folder.
//
//   node host-process.mjs FOLDER [again]
import * as library from 'agent-memory-wasm';
import { loadLanguages } from 'agent-memory-wasm/languages';
import { fileStorage } from 'agent-memory-wasm/storage/file';
import { runSuite } from './suite.mjs';

const loadMore = () => Promise.all([library.loadMem0(), loadLanguages()]);

const [folder, again] = process.argv.slice(2);
const results = await runSuite({
  library,
  open: () => library.LocalProvider.open({ storage: fileStorage(folder) }),
  persists: true,
  isAgain: again !== undefined,
  loadMore,
});
// A store that is left open keeps no process from its end.
await library.LocalProvider.open({ storage: fileStorage(folder) });
console.log(JSON.stringify(results));
