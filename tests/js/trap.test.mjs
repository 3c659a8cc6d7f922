// A module that trapped cannot be trusted: everything that waits fails, nothing calls into it again, and the next call
// makes a new one. The bridge is tested with a module that traps when told to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromSource } from './from-source.mjs';
import { refused } from './support/refused.mjs';

const { Bridge } = await fromSource('core/bridge.ts');
const { Operation, Request } = await fromSource('core/module.ts');

function trapping() {
  const told = [];
  const bridge = new Bridge(() => told.push('trapped'));
  const trap = new WebAssembly.RuntimeError('unreachable');
  /** Room is given; what is in `traps` traps, and other requests are left waiting. */
  const module = {
    calls: 0,
    traps: new Set([Request.settle, Request.abort, Request.changed]),
    throws: trap,
    request(what) {
      if (what === Request.reserve) return 0;
      this.calls++;
      if (this.traps.has(what)) throw this.throws;
      return 0;
    },
  };
  bridge.attach(module, new WebAssembly.Memory({ initial: 1 }));
  const invoke = (options) =>
    bridge.invoke(Operation.status, 0, (writer) => writer.array(0), options);
  /** From now on operations trap. */
  const failOperations = (error = trap) => {
    module.traps.add(Request.operation + Operation.status);
    module.throws = error;
  };
  return { bridge, module, told, trap, invoke, failOperations };
}

const dropped = { code: 'internal', message: /the memory module failed and was dropped/ };

test('an operation that traps fails, with all that were waiting, and the owner is told once', async () => {
  const { module, told, trap, invoke, failOperations } = trapping();
  const waiting = [invoke(), invoke()];
  failOperations();
  const trapped = invoke();
  for (const each of [...waiting, trapped]) await refused(each, { ...dropped, cause: trap });
  await refused(invoke, dropped);
  assert.equal(module.calls, 3, 'it is gone');
  assert.deepEqual(told, ['trapped']);
});

test('a port that answers when the module is gone is not passed on', async () => {
  const { bridge, module, told, invoke } = trapping();
  const waiting = invoke();
  let answer;
  bridge.addStorage(1, { get: () => new Promise((resolve) => (answer = resolve)) }, Date.now);
  bridge.call(7, 0, 1, 0, 0, 3, 0, 0);
  const first = answer;
  bridge.call(8, 0, 1, 0, 0, 3, 0, 0);
  first(undefined);
  await refused(waiting, dropped);
  answer(undefined);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(module.calls, 2, 'the operation and one answer');
  assert.deepEqual(told, ['trapped']);
});

test('aborting, and freeing what was of the module, does not call into it any more', async () => {
  const { bridge, module, invoke } = trapping();
  const controller = new AbortController();
  const waiting = invoke({ signal: controller.signal });
  controller.abort();
  await refused(waiting, dropped);
  bridge.free(7);
  assert.equal(module.calls, 2, 'the operation and the abort');
});

test('an error that is no trap is the caller’s alone', async () => {
  const { told, invoke, failOperations } = trapping();
  const waiting = invoke();
  const mistake = new TypeError('not a trap');
  failOperations(mistake);
  await assert.rejects(invoke(), (error) => error === mistake);
  const outcome = await Promise.race([waiting, Promise.resolve('still waits')]);
  assert.equal(outcome, 'still waits');
  assert.deepEqual(told, []);
});
