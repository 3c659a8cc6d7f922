// SPDX-License-Identifier: MIT
//
// The two enumerations of the public surface, as plain strings: what goes over a wire or into a
// config file is exactly what a program compares with.

/**
 * Which ids hold for a session's operations.
 *
 * - `USER`: `userId` for retrieving, with `agentId` and `runId` noted when storing.
 * - `RUN`: `runId`, and `userId` if there is one.
 * - `AGENT`: `agentId` alone, knowledge that all its users share.
 * - `GLOBAL`: none; a partition of its own, not "everything".
 */
export const MemoryScope = {
  USER: 'user',
  AGENT: 'agent',
  RUN: 'run',
  GLOBAL: 'global',
} as const;

/** One of the values of {@link (MemoryScope:variable)}: `'user' | 'agent' | 'run' | 'global'`. */
export type MemoryScope = (typeof MemoryScope)[keyof typeof MemoryScope];

/**
 * How memories are ranked.
 *
 * - `SEMANTIC_SEARCH`: by relevance to the query.
 * - `RECENCY`: newest first, whatever the query says.
 * - `HYBRID`: relevance first, the newer of equally relevant memories before the older.
 */
export const RetrievalStrategy = {
  SEMANTIC_SEARCH: 'semantic_search',
  RECENCY: 'recency',
  HYBRID: 'hybrid',
} as const;

/** One of the values of {@link (RetrievalStrategy:variable)}. */
export type RetrievalStrategy = (typeof RetrievalStrategy)[keyof typeof RetrievalStrategy];
