// SPDX-License-Identifier: MIT
//
// The WebAssembly module as this side sees it: what src/wasm/bindings.cpp binds, and what
// src/wasm/host.cpp calls. Whatever is in flight is a number.

/** The number under which an operation, or a call to a port, is awaited. */
export type Ticket = number;
/** The number under which a storage, provider, context or session is known on both sides. */
export type ObjectId = number;

/** Memory on the other side, freed by `delete`. */
export interface Handle {
  delete(): void;
}

/** A provider as contexts and sessions take it. */
export type ProviderHandle = Handle;

/** Every method delivers its result under `ticket`. */
export interface LocalProviderHandle extends ProviderHandle {
  open(ticket: Ticket, id: ObjectId, kind: string, optionsJson: string): void;
  retrieveMemories(ticket: Ticket, queryJson: string, optionsJson: string): void;
  storeMemories(ticket: Ticket, messagesJson: string, optionsJson: string): void;
  getAllMemories(ticket: Ticket, optionsJson: string): void;
  deleteMemory(ticket: Ticket, idJson: string): void;
  getMemory(ticket: Ticket, idJson: string): void;
  updateMemory(ticket: Ticket, idJson: string, changeJson: string): void;
  history(ticket: Ticket, idJson: string): void;
  deleteAllMemories(ticket: Ticket, optionsJson: string): void;
  exportMemories(ticket: Ticket, identityJson: string): void;
  importMemories(ticket: Ticket, jsonLines: string): void;
  status(ticket: Ticket): void;
  maintain(ticket: Ticket): void;
  isMaintenanceDue(): boolean;
  close(ticket: Ticket): void;
}

export interface MemoryContextHandle extends Handle {
  search(ticket: Ticket, queryJson: string, optionsJson: string): void;
  add(ticket: Ticket, messagesJson: string, optionsJson: string): void;
  getAll(ticket: Ticket, optionsJson: string): void;
  delete_(ticket: Ticket, idJson: string): void;
  retrievedSince(from: number): string;
  storedSince(from: number): string;
}

export interface MemorySessionHandle extends Handle {
  beforeModelRequest(ticket: Ticket, messagesJson: string): void;
  afterRun(ticket: Ticket, messagesJson: string): void;
  flush(ticket: Ticket): void;
}

export interface WasmModule {
  LocalProvider: new () => LocalProviderHandle;
  HostProvider: new (id: ObjectId) => ProviderHandle;
  MemoryContext: new (
    provider: ProviderHandle,
    owner: ObjectId,
    optionsJson: string,
  ) => MemoryContextHandle;
  MemorySession: new (
    provider: ProviderHandle,
    owner: ObjectId,
    optionsJson: string,
  ) => MemorySessionHandle;
  completeConfig(ticket: Ticket, configJson: string): void;
  /** Answers a call to a port: its bytes, or an error's JSON. */
  settle(ticket: Ticket, ok: boolean, answer: Uint8Array | string): void;
  /** Whether the operation will change nothing, so that nobody need wait for it. */
  abortOperation(ticket: Ticket): boolean;
  storageChanged(id: ObjectId): void;
  /** The names of all error codes, comma-separated. */
  errorCodes(): string;
  /** The enumerators under their public names. */
  MemoryScope: object;
  RetrievalStrategy: object;
}

/** What the module calls; `Module.host` in src/wasm/host.cpp. Bytes are valid during the call. */
export interface Host {
  call(ticket: Ticket, target: number, id: ObjectId, method: number, bytes: Uint8Array): void;
  deliver(ticket: Ticket, ok: boolean, json: Uint8Array): void;
  notify(owner: ObjectId, json: Uint8Array): void;
  progress(ticket: Ticket, done: number, total: number): void;
  now(owner: ObjectId): number;
  random(): number;
}

export interface ModuleArguments {
  instantiateWasm(
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
  ): object;
  host: Host;
}
