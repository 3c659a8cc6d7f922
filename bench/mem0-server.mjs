// SPDX-License-Identifier: MIT
//
// A server for bench/mem0.mjs, in a process of its own, so that what it costs is not the clients'. Started by fork; sends
// {url, key}, and ends with its parent.
import { startMem0 } from '../tests/js/support/mem0-server.mjs';

const { url, key } = await startMem0({ isChecked: false });
process.on('disconnect', () => process.exit());
process.send({ url, key });
