// SPDX-License-Identifier: MIT

import { encodeOptions } from './core/json.js';
import { bridge } from './core/load.js';
import type { MemoryConfig } from './types.js';

/**
 * A whole MemoryConfig: `init` with the defaults for all that it leaves out.
 *
 * Rejects with `invalid_argument` on the first field that is of the wrong type or outside its
 * bounds: `topK must be at least 1, got 0`.
 */
export async function memoryConfig(init: Partial<MemoryConfig> = {}): Promise<MemoryConfig> {
  const json = encodeOptions(init);
  const core = await bridge();
  return core.invoke((module, ticket) => {
    module.completeConfig(ticket, json);
  });
}
