// SPDX-License-Identifier: MIT
//
// The WebAssembly module as this side sees it: what src/wasm/bindings.cpp binds, and what
// src/wasm/host.cpp calls. Whatever is in flight is a number.

/** The number under which an operation, or a call to a port, is awaited. */
export type Ticket = number;
/** The number under which a storage, provider, context or session is known on both sides. */
export type ObjectId = number;

/** `Request` in src/wasm/bindings.cpp; from `operation` on, the operations. */
export const Request = {
  reserve: 0,
  settle: 1,
  abort: 2,
  changed: 3,
  hear: 4,
  operation: 5,
} as const;

/** The operations, in the order of `kOperations` in src/wasm/bindings.cpp, which has their arguments. */
export const Operation = {
  names: 0,
  completeConfig: 1,
  makeProvider: 2,
  makeContext: 3,
  makeSession: 4,
  free: 5,
  open: 6,
  retrieveMemories: 7,
  storeMemories: 8,
  getAllMemories: 9,
  deleteMemory: 10,
  getMemory: 11,
  updateMemory: 12,
  history: 13,
  deleteAllMemories: 14,
  exportMemories: 15,
  importMemories: 16,
  status: 17,
  maintain: 18,
  isMaintenanceDue: 19,
  close: 20,
  search: 21,
  add: 22,
  getAll: 23,
  remove: 24,
  retrievedSince: 25,
  storedSince: 26,
  beforeModelRequest: 27,
  afterRun: 28,
  flush: 29,
  refresh: 30,
  syncStates: 31,
  settle: 32,
} as const;
export type OperationNumber = (typeof Operation)[keyof typeof Operation];

export interface WasmModule {
  /** The one crossing; what comes back depends on `what`. */
  request(what: number, id: ObjectId, ticket: Ticket, argument: number): number;
}

/** What the module calls; `Module.host` in src/wasm/host.cpp. Pointers are valid during the call. */
export interface Host {
  call(
    ticket: Ticket,
    target: number,
    id: ObjectId,
    method: number,
    values: number,
    size: number,
    text: number,
    textSize: number,
  ): void;
  deliver(ticket: Ticket, delivery: number, values: number, text: number, textSize: number): void;
  notify(owner: ObjectId, values: number, text: number, textSize: number): void;
  progress(ticket: Ticket, done: number, total: number): void;
  /** Reads JSON: 1 with the value handed over, 0 where it is none, -1 where it nests too deeply. */
  parse(text: number, size: number): number;
  now(owner: ObjectId): number;
  random(owner: ObjectId): number;
  /** Stems the first `size` of the 64 bytes at `word`, in their place; how long the stem is. */
  stem(owner: ObjectId, number: number, word: number, size: number): number;
}

export interface ModuleArguments {
  instantiateWasm(
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
  ): object;
  host: Host;
}
