// SPDX-License-Identifier: MIT
//
// `agent-memory-wasm/inline`: all that `agent-memory-wasm` has, with the modules in base64 within
// the scripts, for where there is no bundler and no file to fetch or read. In workerd and Vercel's
// edge runtime, which compile nothing from bytes, it is the plain entry.

export * from './index.js';
