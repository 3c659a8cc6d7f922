// The official client of Mem0's platform, kept on loopback. It has no option that turns its telemetry off, only a variable
// that it reads as it is loaded. Whatever it would send elsewhere is refused, and remembered.
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Whether it is installed: scripts/setup --test does that. */
export const hasMem0Client = existsSync(path.join(import.meta.dirname, 'node_modules/mem0ai'));

/** Addresses that were asked for and are not on loopback. */
export const refusedAddresses = [];

const { fetch } = globalThis;
globalThis.fetch = (url, init) => {
  const address = String(url?.url ?? url);
  if (address.startsWith('http://127.0.0.1:')) return fetch(url, init);
  refusedAddresses.push(address);
  return Promise.reject(new TypeError(`${address} is not on loopback`));
};

/** Makes one for a server of ours. It pings as it is made: here that is waited for. */
export async function makeMem0Client({ key: apiKey, url: host }) {
  process.env.MEM0_TELEMETRY = 'false';
  // Where it would keep an id of this machine; with telemetry off it does not.
  process.env.MEM0_DIR = path.join(os.tmpdir(), 'agent-memory-no-mem0');
  const { MemoryClient } = await import('mem0ai');
  const client = new MemoryClient({ apiKey, host });
  await client.initialized;
  return client;
}
