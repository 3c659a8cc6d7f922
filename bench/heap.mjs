// SPDX-License-Identifier: MIT
//
// How much WebAssembly memory the package takes. That memory never shrinks, so each figure is one of a module of its
// own, in a thread of its own: one that stores the messages, and one that opens what the first one stored.
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

/** Runs `job` of this file in a new thread. */
function inThread(workerData) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

/** @returns bytes of WebAssembly memory {built, opened}: after storing, and after opening what was stored */
export async function heapBytes(conversations, size) {
  const built = await inThread({ job: 'build', conversations, size });
  const opened = await inThread({ job: 'open', records: built.records, query: built.query });
  return { built: built.bytes, opened: opened.bytes };
}

if (!isMainThread) parentPort.postMessage(await { build, open }[workerData.job](workerData));

async function build({ conversations, size }) {
  const memory = catchMemory();
  const { makeCorpus } = await import('./corpus.mjs');
  const { default: agentMemory } = await import('./libraries/agent-memory.mjs');
  const { messages, queries } = makeCorpus(conversations, { size });
  const store = await agentMemory.build(messages);
  await store.search(queries[0]);
  const { bytes } = memory();
  await agentMemory.settle();
  const storage = await store.save();
  return { bytes, records: await storage.scan('', undefined, Infinity), query: queries[0] };
}

async function open({ records, query }) {
  const memory = catchMemory();
  const { memoryStorage } = await import('agent-memory-wasm/storage/memory');
  const { default: agentMemory } = await import('./libraries/agent-memory.mjs');
  const storage = memoryStorage();
  await storage.write({ put: records });
  const store = await agentMemory.load(storage);
  await store.search(query);
  return memory();
}

/** Notes the memory of the module that is instantiated next; the result says how large it is. */
function catchMemory() {
  const { instantiate } = WebAssembly;
  let memory;
  WebAssembly.instantiate = async (module, imports) => {
    const instance = await instantiate(module, imports);
    memory = Object.values(instance.exports).find((each) => each instanceof WebAssembly.Memory);
    return instance;
  };
  return () => ({ bytes: memory.buffer.byteLength });
}
