// SPDX-License-Identifier: MIT
//
// Lets the page open without a network: puts the files it is made of into a cache that sw.js
// answers from when the network does not.

export async function keepForOffline(): Promise<void> {
  if (!('serviceWorker' in navigator) || !('caches' in globalThis)) return;
  try {
    await navigator.serviceWorker.register('sw.js');
    const loaded = performance.getEntriesByType('resource').map(({ name }) => name);
    const own = loaded.filter((address) => address.startsWith(`${location.origin}/`));
    const cache = await caches.open('agent-memory-demo');
    await cache.addAll(new Set([location.origin + location.pathname, ...own]));
  } catch {
    // Then the page needs the network to open. Nothing else depends on this.
  }
}
