// SPDX-License-Identifier: MIT
//
// For tests of one's own: the contract that every store must keep, a clock that stands still, and a
// provider that answers what it is told to.

export { fakeClock } from './fake-clock.js';
export type { FakeClock } from './fake-clock.js';
export { fakeProvider } from './fake-provider.js';
export type { FakeAnswers, FakeProvider, RecordedCall } from './fake-provider.js';
export { storageContract } from './storage-contract.js';
export type { StorageContractOptions } from './storage-contract.js';
