// Bundled into the page of mem0.test.mjs.
import * as library from 'agent-memory-wasm';

globalThis.suite = { library };
