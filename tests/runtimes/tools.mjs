// The runtimes that npm has, pinned in tools/package.json; scripts/setup --test installs them once for all
// checkouts. Import this under scripts/with-toolchain.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = process.env.AGENT_MEMORY_RUNTIMES;

function fileOf(...parts) {
  const file = folder && path.join(folder, 'node_modules', ...parts);
  return file && existsSync(file) ? file : undefined;
}

/** Where each has its program: not at `.bin`, where some have a script that starts it and outlives a kill. */
const programs = {
  bun: [`@oven/bun-linux-${process.arch}/bin/bun`, 'bun/bin/bun.exe'],
  deno: [`@deno/linux-${process.arch}-glibc/deno`],
  'node-22': ['node-22/bin/node'],
  'node-24': ['node-24/bin/node'],
  workerd: [
    `@cloudflare/workerd-linux-${process.arch === 'x64' ? '64' : process.arch}/bin/workerd`,
  ],
};

/** The program `name`, one of those above, or undefined where it is not installed. */
export function programOf(name) {
  return programs[name].map((file) => fileOf(file)).find(Boolean);
}

/** The exports of the package `name`, or undefined where it is not installed. */
export async function importTool(name) {
  if (!fileOf(name)) return undefined;
  const require = createRequire(path.join(folder, 'package.json'));
  return import(pathToFileURL(require.resolve(name)).href);
}
