// Projects with the packed package in them, and the programs that bundle them.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';

import { makeProject as makeEmptyProject } from '../runtimes/project.mjs';
import { capabilities } from '../runtimes/suite.mjs';

const run = promisify(execFile);
export const root = path.resolve(import.meta.dirname, '../..');
export const manifest = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));

/** Where `scripts/setup --test` installed what tools/package.json names, once for all checkouts. */
export const tools = process.env.AGENT_MEMORY_BUNDLERS;
if (tools === undefined)
  throw new Error('run scripts/setup --test, and this under scripts/with-toolchain');

/**
 * A new project below `tools`, where it finds the bundlers: with the packed package installed, the suite, and copies of
 * the folders `from`. It is deleted when the process ends. Resolves with its `folder` and the package's `tarball`.
 */
export async function makeProject(...from) {
  const within = path.join(tools, 'projects');
  await mkdir(within, { recursive: true });
  const { folder, tarball } = await makeEmptyProject({ within });
  process.once('exit', () => rmSync(path.dirname(folder), { recursive: true, force: true }));
  for (const each of from)
    await cp(each, folder, { recursive: true, filter: (file) => !file.includes('node_modules') });
  await cp(projectNamed('life.js'), path.join(folder, 'life.js'));
  await cp(path.join(root, 'tests/runtimes/suite.mjs'), path.join(folder, 'suite.mjs'));
  return { folder, tarball };
}

/** What the suite sees where all is well. */
export const allIsWell = ({ persists }) =>
  Object.fromEntries(
    capabilities.map((name) => [name, name === 'reopen' && !persists ? 'none' : 'ok']),
  );

/** The folder of one of this folder's projects. */
export const projectNamed = (name) => path.join(import.meta.dirname, 'projects', name);

const environment = (folder) => ({
  ...process.env,
  NODE_ENV: undefined, // the bundlers' own
  NEXT_TELEMETRY_DISABLED: '1',
  WRANGLER_SEND_METRICS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  XDG_CONFIG_HOME: path.join(folder, '.config'),
});

const binary = (name) => path.join(tools, 'node_modules/.bin', name);

/** Runs an installed program in `folder`; rejects with all it said where it fails. */
export async function runTool(folder, name, args, { node } = {}) {
  const [program, ...rest] = node ? [node, binary(name), ...args] : [binary(name), ...args];
  const options = { cwd: folder, env: environment(folder), maxBuffer: 1 << 26 };
  return run(program, rest, options).catch((error) => {
    throw new Error(`${name} ${args.join(' ')}\n${error.stdout}\n${error.stderr}`);
  });
}

/** Runs a script in `folder` with Node and resolves with what it printed, as JSON. */
export async function runScript(folder, script, args = []) {
  const { stdout } = await run(process.execPath, [script, ...args], {
    cwd: folder,
    env: environment(folder),
    maxBuffer: 1 << 26,
  });
  return JSON.parse(stdout);
}

/** Starts an installed server in `folder` and waits until it answers at `origin`; `stop()` ends it. */
export async function startTool(folder, name, argsFor) {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const child = spawn(binary(name), argsFor(port), {
    cwd: folder,
    env: environment(folder),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a group of its own: it may have children
  });
  let words = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (words += text));
  const ended = once(child, 'exit');
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
    await ended;
  };
  for (const deadline = Date.now() + 60_000; ;) {
    const answer = await fetch(origin).catch(() => undefined);
    if (answer) return { origin, stop };
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`${name} does not answer: ${words}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
