// What needs a process of its own: how it ends, what it loads, what nobody caught.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../../..');

/**
 * Runs `code` as an ES module that imports the package, in a process of its own.
 *
 * Rejects where the process does not end by itself within `timeoutMs`, or (unless `mayFail`) ends with a failure.
 */
export async function runModule(code, { args = [], mayFail = false, timeoutMs = 20_000 } = {}) {
  const child = spawn(process.execPath, [...args, '--input-type=module', '--eval', code], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_TEST_CONTEXT: '', NODE_OPTIONS: '' },
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8');
    child[name].on('data', (chunk) => (texts[name] += chunk));
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const [status, signal] = await once(child, 'close');
  clearTimeout(timer);
  if (signal) throw new Error(`did not end within ${timeoutMs} ms\n${texts.stdout}${texts.stderr}`);
  if (status !== 0 && !mayFail)
    throw new Error(`ended with ${status}\n${texts.stdout}${texts.stderr}`);
  return { status, ...texts };
}
