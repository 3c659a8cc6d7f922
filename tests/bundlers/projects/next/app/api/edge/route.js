import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { inMemory } from '../../../life.js';

export const runtime = 'edge';
export const dynamic = 'force-dynamic';

export async function GET() {
  return Response.json(await inMemory(memoryStorage()));
}
