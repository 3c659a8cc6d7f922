// A module that trapped cannot be trusted: everything that waits fails, nothing calls into it again, and the next call
// makes a new one. The bridge is tested with a module that traps when told to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromSource } from './from-source.mjs';
import { refused } from './support/refused.mjs';

const { Bridge } = await fromSource('core/bridge.ts');

function trapping() {
  const told = [];
  const bridge = new Bridge(() => told.push('trapped'));
  const module = {
    calls: 0,
    settle() {
      this.calls++;
      throw new WebAssembly.RuntimeError('unreachable');
    },
    abortOperation() {
      this.calls++;
      throw new WebAssembly.RuntimeError('unreachable');
    },
  };
  bridge.attach(module);
  return { bridge, module, told };
}

const dropped = { code: 'internal', message: /the memory module failed and was dropped/ };

test('an operation that traps fails, with all that were waiting, and the owner is told once', async () => {
  const { bridge, told } = trapping();
  const waiting = [bridge.invoke(() => undefined), bridge.invoke(() => undefined)];
  const trap = new WebAssembly.RuntimeError('unreachable');
  const trapped = bridge.invoke(() => {
    throw trap;
  });
  for (const each of [...waiting, trapped]) await refused(each, { ...dropped, cause: trap });
  await refused(() => bridge.invoke(() => assert.fail('it is gone')), dropped);
  assert.deepEqual(told, ['trapped']);
});

test('a port that answers when the module is gone is not passed on', async () => {
  const { bridge, module, told } = trapping();
  const waiting = bridge.invoke(() => undefined);
  let answer;
  bridge.addStorage(1, { get: () => new Promise((resolve) => (answer = resolve)) }, Date.now);
  const key = new TextEncoder().encode('key');
  bridge.call(7, 0, 1, 0, key);
  const first = answer;
  bridge.call(8, 0, 1, 0, key);
  first(undefined);
  await refused(waiting, dropped);
  answer(undefined);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(module.calls, 1);
  assert.deepEqual(told, ['trapped']);
});

test('aborting, and freeing what was of the module, does not call into it any more', async () => {
  const { bridge, module } = trapping();
  const controller = new AbortController();
  const waiting = bridge.invoke(() => undefined, { signal: controller.signal });
  controller.abort();
  await refused(waiting, dropped);
  bridge.free({ delete: () => assert.fail('its memory is gone') });
  assert.equal(module.calls, 1);
});

test('an error that is no trap is the caller’s alone', async () => {
  const { bridge, told } = trapping();
  const waiting = bridge.invoke(() => undefined);
  const mistake = new TypeError('not a trap');
  await assert.rejects(
    bridge.invoke(() => {
      throw mistake;
    }),
    (error) => error === mistake,
  );
  const outcome = await Promise.race([waiting, Promise.resolve('still waits')]);
  assert.equal(outcome, 'still waits');
  assert.deepEqual(told, []);
});
