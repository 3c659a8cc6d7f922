// Prints what the suite saw.
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { inMemory } from './life.js';

console.log(JSON.stringify(await inMemory(memoryStorage())));
