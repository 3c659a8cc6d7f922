// SPDX-License-Identifier: MIT
//
// The benchmark in Node: its clocks.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

/** @type {import('./measure.mjs').Host} */
export const nodeHost = {
  nowMs: () => performance.now(),
  cpuMs() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  collectGarbage: (all) => collect(!all),
  log: (line) => process.stderr.write(`bench: Node, ${line}\n`),
};
