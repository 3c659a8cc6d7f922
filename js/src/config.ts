// SPDX-License-Identifier: MIT

import { writeOptions } from './core/json.js';
import { bridge } from './core/load.js';
import { Operation } from './core/module.js';
import { Writer } from './core/values.js';
import type { MemoryConfig } from './types.js';

/**
 * A whole MemoryConfig: `init` with the defaults for all that it leaves out.
 *
 * Rejects with `invalid_argument` on the first field that is of the wrong type or outside its
 * bounds: `topK must be at least 1, got 0`.
 */
export async function memoryConfig(init: Partial<MemoryConfig> = {}): Promise<MemoryConfig> {
  const writer = new Writer();
  writer.array(1);
  writeOptions(writer, init);
  const core = await bridge();
  return core.ask(Operation.completeConfig, 0, (to) => {
    to.raw(writer.take());
  });
}
