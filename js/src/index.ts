// SPDX-License-Identifier: MIT
//
// The public surface. Importing it does no work.

export { memoryConfig } from './config.js';
export { MemoryContext } from './context.js';
export { loadMem0 } from './core/mem0.js';
export { MemoryScope, RetrievalStrategy } from './enums.js';
export {
  AbortedError,
  ClosedError,
  InternalError,
  InvalidArgumentError,
  MemoryError,
  NotFoundError,
  NotImplementedError,
  ProviderError,
  StorageError,
} from './errors.js';
export type { MemoryErrorCode } from './errors.js';
export { load } from './load.js';
export { LocalProvider } from './local-provider.js';
export { Mem0Provider } from './mem0-provider.js';
export type { CallOptions } from './mem0-provider.js';
export { BaseMemoryProvider } from './provider.js';
export { MemorySession } from './session.js';
export type * from './types.js';
