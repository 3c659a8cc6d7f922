// The package as its users have it: packed, and installed into an empty project.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');

/**
 * Makes an empty project with the packed package installed in it, below `within`: the system's folder for temporary
 * files, or one whose node_modules it is to find.
 *
 * `version` is what the package says of itself in place of its own. Resolves with the project's `folder`, `installed`,
 * where the package is in it, its `tarball`, and `remove()`.
 */
export async function makeProject({ version, within = os.tmpdir() } = {}) {
  const parent = await mkdtemp(path.join(within, 'agent-memory-project-'));
  const pack = async (source) => {
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', parent];
    const { stdout } = await run('npm', args, { cwd: source });
    return path.join(parent, JSON.parse(stdout)[0].filename);
  };
  let tarball = await pack(root);
  if (version !== undefined) {
    await run('tar', ['-xzf', tarball, '-C', parent]);
    const source = path.join(parent, 'package');
    const file = path.join(source, 'package.json');
    const manifest = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...manifest, version }));
    tarball = await pack(source);
  }
  const folder = path.join(parent, 'project');
  await mkdir(folder);
  await writeFile(
    path.join(folder, 'package.json'),
    JSON.stringify({ name: 'project', private: true, type: 'module' }),
  );
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], { cwd: folder });
  return {
    folder,
    installed: path.join(folder, 'node_modules/agent-memory-wasm'),
    tarball,
    remove: () => rm(parent, { recursive: true, force: true }),
  };
}
