// SPDX-License-Identifier: MIT

import type { Bridge } from './core/bridge.js';
import { addArguments, memoryArguments } from './core/json.js';
import { bridge } from './core/load.js';
import { Operation } from './core/module.js';
import { nativeOf } from './core/provider-handle.js';
import { invalidArgument } from './errors.js';
import { LocalProvider } from './local-provider.js';
import { memoryStorage } from './storage/memory.js';
import type { LoadOptions, StoragePort } from './types.js';

/**
 * Loads the module ahead of use, or from a source of the caller's own.
 *
 * Idempotent: the first source wins, later ones are ignored. A failed load can be tried again.
 * With `warmUp` it also runs what opening and searching a store run, which engines compile at the
 * first call: where a program starts this costs no request, as in the global scope of a Worker; it
 * needs no timer and no random numbers. It happens once, too.
 *
 * Rejects with `internal` where the module cannot be fetched or compiled; the message says what
 * helps. It is not retryable where the runtime or its policy stands in the way.
 */
export async function load(options: LoadOptions = {}): Promise<void> {
  const { warmUp = false } = options;
  if (typeof warmUp !== 'boolean') throw invalidArgument('warmUp', 'must be true or false');
  const core = await bridge(options.wasm);
  if (!warmUp) return;
  const warming = rehearsals.get(core) ?? rehearse(core);
  rehearsals.set(core, warming);
  try {
    await warming;
  } catch (error) {
    rehearsals.delete(core);
    throw error;
  }
}

/** Of each module one: what was compiled stays. */
const rehearsals = /* @__PURE__ */ new WeakMap<Bridge, Promise<void>>();

/** A short life of a store: written, folded, opened again from its checkpoint, and searched. */
async function rehearse(core: Bridge): Promise<void> {
  const storage = bare(memoryStorage());
  const now = () => 0;
  const scope = { userId: 'ada', runId: '1' };
  core.rehearsal = storage;
  try {
    const first = await LocalProvider.open({ storage, now });
    const id = nativeOf(first) ?? 0;
    // By the core alone: a provider sets timers for what is left to do after a change.
    await core.invoke(Operation.storeMemories, id, addArguments(rehearsed, scope));
    const [gone] = await first.getAllMemories(scope);
    await core.invoke(Operation.deleteMemory, id, memoryArguments(gone?.id ?? ''));
    await core.invoke(Operation.maintain, id, (writer) => {
      writer.array(0);
    });
    await first.close();
    const second = await LocalProvider.open({ storage, now });
    await second.retrieveMemories('When does Ada travel to Lisbon?', { userId: 'ada' });
    await second.close();
  } finally {
    core.rehearsal = undefined;
  }
}

const rehearsed = [
  { role: 'user', content: 'I travel to Lisbon in May, by train.' },
  { role: 'assistant', content: 'Where will you stay?' },
  { role: 'user', content: 'With my sister: she moved there last year.' },
  { role: 'assistant', content: 'Enjoy it!' },
];

/** Without what tells of changes, which takes timers. */
function bare(storage: StoragePort): StoragePort {
  return {
    kind: storage.kind,
    get: (key) => storage.get(key),
    write: (batch) => storage.write(batch),
    scan: (prefix, after, limit) => storage.scan(prefix, after, limit),
    close: () => storage.close(),
  };
}
