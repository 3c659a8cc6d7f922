// SPDX-License-Identifier: MIT
//
// The libraries, ours first. Each is an object of this shape:
//
//   name                 string
//   build(messages)      a store that holds the messages
//   settle()             where there is one: what a library does by itself after a build is done when it resolves
//   load(saved)          a store as it was saved, ready to be searched
//   savedBytes(saved)    its size
//
// and a store has add(message), which returns an id; search(query), the ten best; idOf(result); remove(id); save(),
// what load takes; and close(). All may return promises; whoever measures awaits them.
import agentMemory from './agent-memory.mjs';
import flexsearch from './flexsearch.mjs';
import minisearch from './minisearch.mjs';
import orama from './orama.mjs';
import sqlite from './sqlite.mjs';

export const libraries = [agentMemory, minisearch, flexsearch, orama, sqlite];
