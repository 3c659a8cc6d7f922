import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { inMemory } from './life.js';

export default {
  async fetch() {
    return Response.json(await inMemory(memoryStorage()));
  },
};
