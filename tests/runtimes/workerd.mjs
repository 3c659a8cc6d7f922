// workerd, the program that Cloudflare runs: bundles a Worker as wrangler does, and serves it on loopback.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { programOf } from './tools.mjs';

const root = path.resolve(import.meta.dirname, '../..');

/** Its program; undefined: there is none here. */
export const workerd = programOf('workerd');

function configOf({ modules, objects, bindings, compatibilityDate, compatibilityFlags }) {
  const quoted = JSON.stringify;
  const embedded = modules.map((name) => {
    const kind = name.endsWith('.wasm') ? 'wasm' : 'esModule';
    return `(name = ${quoted(name)}, ${kind} = embed ${quoted(name)})`;
  });
  const classes = Array.isArray(objects)
    ? objects.map((name) => [name, name])
    : Object.entries(objects);
  const namespaces = classes.map(
    ([name]) => `(className = ${quoted(name)}, uniqueKey = ${quoted(name)}, enableSql = true)`,
  );
  const bound = [
    ...classes.map(
      ([name, as]) => `(name = ${quoted(as)}, durableObjectNamespace = ${quoted(name)})`,
    ),
    ...Object.entries(bindings).map(
      ([name, text]) => `(name = ${quoted(name)}, text = ${quoted(text)})`,
    ),
  ];
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "disk", disk = (path = "disk", writable = true)),
    (name = "internet", network = (allow = ["private", "local"]))
  ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = "main") ]
);
const worker :Workerd.Worker = (
  modules = [ ${embedded.join(', ')} ],
  compatibilityDate = ${quoted(compatibilityDate)},
  compatibilityFlags = ${quoted(compatibilityFlags)},
  durableObjectNamespaces = [ ${namespaces.join(', ')} ],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [ ${bound.join(', ')} ]
);
`;
}

/** Bundles `entry` as wrangler would, into `folder`; the names of the modules, the main one first. */
async function bundle(entry, packageFolder, folder) {
  const wasm = (await readdir(packageFolder)).filter((name) => name.endsWith('.wasm'));
  for (const name of wasm) await copyFile(path.join(packageFolder, name), path.join(folder, name));
  const here = {}; // marks what this plugin asks for itself
  await build({
    entryPoints: [entry],
    outfile: path.join(folder, 'worker.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:workers', '*.wasm'],
    plugins: [
      {
        name: 'package-at-hand',
        setup(esbuild) {
          // Also for who has a package.json of their own, as the examples do: the package knows itself.
          esbuild.onResolve(
            { filter: /^agent-memory-wasm\b/ },
            ({ path: name, kind, pluginData }) =>
              pluginData === here
                ? undefined
                : esbuild.resolve(name, { kind, resolveDir: packageFolder, pluginData: here }),
          );
        },
      },
    ],
    logLevel: 'warning',
    // A chunk that two entries share may have nothing that this one needs.
    logOverride: { 'ignored-bare-import': 'silent' },
  });
  return ['worker.mjs', ...wasm];
}

/** The same for what `wrangler deploy --dry-run --outdir` made. */
async function copyBundle(bundleFolder, folder) {
  const names = (await readdir(bundleFolder)).filter((name) => /\.(js|wasm)$/.test(name));
  for (const name of names) await copyFile(path.join(bundleFolder, name), path.join(folder, name));
  return names.sort((a, b) => a.endsWith('.wasm') - b.endsWith('.wasm'));
}

/** A Worker that runs. Make it with `Workerd.start(...)`; end it with `stop()`. */
export class Workerd {
  /** `http://127.0.0.1:…`; another one after `restart`. */
  origin;
  /** What it has complained of since it was started. */
  words = '';
  #folder;
  #child;

  /**
   * Bundles the module `entry`, with the package whose .wasm files are in `packageFolder`, and runs it; or runs what
   * wrangler made of one, which is in `bundleFolder`. `objects` are classes of Durable Objects, whose storage is a disk
   * that outlives `restart`: a list, each bound by its own name, or an object that says by which. `bindings` are texts by
   * their names.
   */
  static async start({
    entry,
    packageFolder = path.join(root, 'dist'),
    bundleFolder,
    objects = [],
    bindings = {},
    compatibilityDate = '2026-04-01',
    compatibilityFlags = [],
  }) {
    const worker = new Workerd();
    const folder = await mkdtemp(path.join(os.tmpdir(), 'agent-memory-workerd-'));
    worker.#folder = folder;
    await mkdir(path.join(folder, 'disk'));
    const modules = bundleFolder
      ? await copyBundle(bundleFolder, folder)
      : await bundle(entry, packageFolder, folder);
    const config = configOf({
      modules,
      objects,
      bindings,
      compatibilityDate,
      compatibilityFlags,
    });
    await writeFile(path.join(folder, 'config.capnp'), config);
    await worker.#launch();
    return worker;
  }

  get pid() {
    return this.#child.pid;
  }

  /** The JSON that it answers at `where`, a path. */
  async ask(where) {
    return (await fetch(`${this.origin}/${where}`)).json();
  }

  /** SIGKILL. */
  async kill() {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** SIGKILL, and anew over the same disk. */
  async restart() {
    await this.kill();
    await this.#launch();
  }

  async stop() {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #launch() {
    const child = spawn(workerd, ['serve', 'config.capnp', '--control-fd=3'], {
      cwd: this.#folder,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const killNow = () => child.kill('SIGKILL');
    process.once('exit', killNow);
    child.once('exit', () => process.off('exit', killNow));
    this.words = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (this.words += text));
    const port = await new Promise((resolve, reject) => {
      let said = '';
      child.stdio[3].setEncoding('utf8').on('data', (text) => {
        said += text;
        const match = /"port":(\d+)/.exec(said);
        if (match) resolve(match[1]);
      });
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`workerd ended: ${this.words}`)));
    });
    this.origin = `http://127.0.0.1:${port}`;
  }
}
