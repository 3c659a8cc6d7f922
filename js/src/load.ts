// SPDX-License-Identifier: MIT

import type { Bridge } from './core/bridge.js';
import { addArguments, memberOf, memoryArguments } from './core/json.js';
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
 * With `warmUp` it also runs what opening and searching a store run, some 50 ms of CPU: engines
 * compile at the first call, and what runs often they compile better; memory is had from the system
 * when it is first touched. Where a program starts this costs no request, as in the global scope of
 * a Worker; it needs no timer and no random numbers. It happens once, too.
 *
 * Rejects with `internal` where the module cannot be fetched or compiled; the message says what
 * helps. It is not retryable where the runtime or its policy stands in the way. Rejects with
 * `invalid_argument` where `warmUp` opens no store, or one that holds something, which stays as it is.
 */
export async function load(options: LoadOptions = {}): Promise<void> {
  const { warmUp = false } = options;
  if (typeof warmUp !== 'boolean' && typeof warmUp !== 'function') throw wrongWarmUp();
  const core = await bridge(options.wasm);
  if (warmUp === false) return;
  const warming = rehearsals.get(core) ?? rehearse(core, warmUp === true ? inMemory() : warmUp);
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

function wrongWarmUp(): Error {
  return invalidArgument('warmUp', 'must be true, false or a function that opens an empty store');
}

function inMemory(): () => StoragePort {
  const storage = memoryStorage();
  return () => storage;
}

/**
 * A short life of a store: written, folded, and some times opened again from its checkpoint and
 * searched.
 */
async function rehearse(core: Bridge, openStorage: () => StoragePort): Promise<void> {
  const open = (storage: StoragePort): Promise<LocalProvider> => {
    core.rehearsal = storage;
    return LocalProvider.open({ storage, now: () => 0 });
  };
  const storage = openStorage();
  if (typeof memberOf(storage, 'scan') !== 'function') throw wrongWarmUp();
  if ((await storage.scan('', undefined, 1)).length > 0) throw wrongWarmUp();
  const scope = { userId: 'ada', runId: '1' };
  try {
    const first = await open(bare(storage));
    const id = nativeOf(first) ?? 0;
    // By the core alone: a provider sets timers for what is left to do after a change.
    await core.invoke(Operation.storeMemories, id, addArguments(rehearsed(), scope));
    const [gone] = await first.getAllMemories(scope);
    await core.invoke(Operation.deleteMemory, id, memoryArguments(gone?.id ?? ''));
    await core.invoke(Operation.maintain, id, (writer) => {
      writer.array(0);
    });
    await first.close();
    // All at a time, for the memory of those to come.
    const opened: LocalProvider[] = [];
    for (let n = 0; n < 5; n++) {
      const next = await open(openStorage());
      opened.push(next);
      await next.retrieveMemories('When did my sister travel by train?', { userId: 'ada' });
    }
    for (const each of opened) await each.close();
  } finally {
    core.rehearsal = undefined;
  }
}

/** Enough for a checkpoint like a user's, with a thousand different words. */
function rehearsed(): { role: string; content: string }[] {
  const word = (n: number, words: number): string => ((n * 7919) % words).toString(36);
  return Array.from({ length: 200 }, (_, n) => ({
    role: n % 2 ? 'assistant' : 'user',
    content: `In May I travelled to ${word(n, 997)}ton, by train ${n}, to see my sister ${word(n, 499)}ing and ${word(n, 3989)}ed it${n % 4 ? '.' : '?'}`,
  }));
}

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
