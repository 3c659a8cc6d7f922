// SPDX-License-Identifier: MIT
//
// The benchmark in a page: its clock, of 5 µs where the page is isolated. There is none for CPU time.
import { run } from './plan.mjs';

globalThis.bench = (plan) =>
  run(plan, {
    nowMs: () => performance.now(),
    collectGarbage: (all) => globalThis.gc(!all),
    log: globalThis.log,
  });
