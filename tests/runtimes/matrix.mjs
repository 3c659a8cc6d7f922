// npm run test:runtimes: the packed package in every runtime of this machine, and what of it works there, as a table.
//
//   node tests/runtimes/matrix.mjs [NAME...]     only runtimes whose name has one of these in it
//
// Needs the built package (npm run build) and the runtimes (scripts/setup --test).
import { execFile } from 'node:child_process';
import { copyFile, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { AnyBrowser, installed, within } from '../browser/any-browser.mjs';
import { pageWith, root, serve } from '../browser/support.mjs';
import { makeProject } from './project.mjs';
import { capabilities } from './suite.mjs';
import { importTool, programOf } from './tools.mjs';
import { workerd, Workerd } from './workerd.mjs';

const here = import.meta.dirname;

/**
 * A row is `{ name, cells, seconds }`, or `{ name, missing }` where the machine does not have the runtime. `cells` are
 * what runSuite resolves with. A runtime that keeps memories is run twice, the second time after it was ended, and the
 * row is about both.
 */
function rowOf(name, seconds, ...runs) {
  const cells = Object.fromEntries(
    capabilities.map((each) => [
      each,
      runs.map((cellsOfRun) => cellsOfRun[each] ?? 'none').find((cell) => cell !== 'ok') ?? 'ok',
    ]),
  );
  return { name, cells, seconds };
}

const timed = async (work) => {
  const start = performance.now();
  const value = await work();
  return [value, (performance.now() - start) / 1000];
};

// ------------------------------------------------------------------------------------- Node, Deno, Bun

const programs = {
  [`Node ${process.versions.node.split('.')[0]}`]: [process.execPath],
  'Node 22': [programOf('node-22')],
  'Node 24': [programOf('node-24')],
  Deno: [programOf('deno'), 'run', '--allow-all', '--no-lock'],
  Bun: [programOf('bun')],
};

async function runProcess(name, { folder }) {
  const [program, ...args] = programs[name];
  if (!program) return [{ name, missing: true }];
  const store = path.join(folder, `store of ${name}`);
  const run = async (...more) => {
    const all = [...args, 'host-process.mjs', store, ...more];
    const { stdout } = await promisify(execFile)(program, all, { cwd: folder, timeout: 25_000 });
    return JSON.parse(stdout);
  };
  const [runs, seconds] = await timed(async () => [await run(), await run('again')]);
  return [rowOf(name, seconds, ...runs)];
}

// ------------------------------------------------------------------------------------- Cloudflare, Vercel

async function runWorkerd(name, { folder, installed: packed }) {
  const names = [`${name}, a Worker`, `${name}, a Durable Object`];
  if (!workerd) return names.map((each) => ({ name: each, missing: true }));
  const worker = await Workerd.start({
    entry: path.join(folder, 'host-workerd.mjs'),
    packageFolder: path.join(packed, 'dist'),
    objects: ['Suite'],
    // With it, workerd looks like Node; tests/runtimes/durable-object.test.mjs is without.
    compatibilityFlags: ['nodejs_compat'],
  });
  try {
    const [plain, plainSeconds] = await timed(() => worker.ask('worker'));
    const [runs, seconds] = await timed(async () => {
      const first = await worker.ask('object');
      await worker.restart();
      return [first, await worker.ask('object/again')];
    });
    return [rowOf(names[0], plainSeconds, plain), rowOf(names[1], seconds, ...runs)];
  } finally {
    await worker.stop();
  }
}

async function runEdge(name, { folder, installed: packed }) {
  const edge = await importTool('edge-runtime');
  if (!edge) return [{ name, missing: true }];
  const modules = {};
  const { outputFiles } = await build({
    entryPoints: [path.join(folder, 'host-edge.mjs')],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'neutral',
    conditions: ['edge-light', 'worker', 'browser'],
    logLevel: 'warning',
    plugins: [
      {
        // As Vercel's bundlers do it: the file is compiled beforehand, and lies in a global variable.
        name: 'compiled-wasm',
        setup(bundle) {
          bundle.onResolve({ filter: /\.wasm\?module$/ }, ({ path: file }) => ({
            path: path.basename(file, '?module'),
            namespace: 'compiled-wasm',
          }));
          bundle.onLoad({ filter: /./, namespace: 'compiled-wasm' }, async ({ path: file }) => {
            const bytes = await readFile(path.join(packed, 'dist', file));
            modules[`compiled ${file}`] = await WebAssembly.compile(bytes);
            return { contents: `export default globalThis['compiled ${file}'];` };
          });
        },
      },
    ],
  });
  const runtime = new edge.EdgeRuntime({
    initialCode: outputFiles[0].text,
    extend: (context) => Object.assign(context, modules),
  });
  const [cells, seconds] = await timed(async () => {
    const response = await runtime.dispatchFetch('http://localhost/');
    return response.json();
  });
  return [rowOf(name, seconds, cells)];
}

// ------------------------------------------------------------------------------------- browsers

const policy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'; " +
  "require-trusted-types-for 'script'; trusted-types suite";
const policyWithoutWasm = "default-src 'none'; script-src 'self'; connect-src 'self'";

/** host-browser.mjs and its .wasm files, bundled in `project`, below `prefix`. */
async function bundleOf({ folder, installed: packed }, prefix) {
  const { outputFiles } = await build({
    entryPoints: [path.join(folder, 'host-browser.mjs')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    logLevel: 'warning',
  });
  const files = { [`${prefix}/host-browser.js`]: outputFiles[0].contents };
  for (const name of (await readdir(path.join(packed, 'dist'))).filter((each) =>
    each.endsWith('.wasm'),
  ))
    files[`${prefix}/${name}`] = await readFile(path.join(packed, 'dist', name));
  return files;
}

/** The package's own scripts, as they are, below `prefix`. */
async function scriptsOf({ installed: packed }, prefix) {
  const folder = path.join(packed, 'dist');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.js'));
  const entries = names.map(async (name) => [
    `${prefix}/${name}`,
    await readFile(path.join(folder, name)),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

const browserNames = { Chromium: 'chromium', Firefox: 'firefox', WebKit: 'webkit' };

async function runBrowser(name, project, otherProject) {
  const kind = browserNames[name];
  if (!installed.includes(kind)) return [{ name, missing: true }];
  const app = await bundleOf(project, '/app');
  const files = {
    ...app,
    ...(await bundleOf(otherProject, '/other')),
    ...(await scriptsOf(project, '/packed')),
    '/app/page.html': pageWith('/tests/runtimes/page.mjs'),
    '/app/script.js': 'not a module',
    '/app/broken.wasm': 'not a module either',
    '/app/typeless.bin': app['/app/agent-memory-mem0.wasm'],
    '/app/refused.html': pageWith('/tests/runtimes/refused.mjs'),
  };
  let isAgain = false;
  let deliver;
  let result;
  const onPost = (pathname, body) => {
    if (pathname === '/result') result = body;
    if (pathname === '/refused') deliver({ ...result, refused: body });
  };
  const refusing = await serve(root, { csp: policyWithoutWasm, files, onPost });
  const plan = () => JSON.stringify({ isAgain, refused: `${refusing.origin}/app/refused.html` });
  const server = await serve(root, { csp: policy, files: { ...files, '/plan': plan }, onPost });
  const browser = await AnyBrowser.make(kind);
  const run = async () => {
    const delivered = new Promise((resolve) => (deliver = resolve));
    await browser.start(`${server.origin}/app/page.html`);
    try {
      return await within(120_000, delivered, browser);
    } finally {
      await browser.kill();
    }
  };
  try {
    const first = await run();
    isAgain = true;
    const second = await run();
    const rows = first.rows.map(({ place, cells, seconds }, index) => {
      const { cells: cellsAgain, seconds: more } = second.rows[index];
      return rowOf(`${name}, ${place}`, seconds + more, cells, cellsAgain);
    });
    rows[0].details = [first, second];
    return rows;
  } finally {
    await browser.stop();
    await server.close();
    await refusing.close();
  }
}

// ------------------------------------------------------------------------------------- all of them

/** By name, what makes the rows: `(name, project, otherProject)`. */
const runtimes = {
  ...Object.fromEntries(Object.keys(browserNames).map((name) => [name, runBrowser])),
  workerd: runWorkerd,
  "Vercel's edge runtime": runEdge,
  ...Object.fromEntries(Object.keys(programs).map((name) => [name, runProcess])),
};

export const runtimeNames = Object.keys(runtimes);

/** The two projects that the runs take place in, one with another version of the package; `remove()` deletes them. */
export async function makeProjects() {
  const projects = [await makeProject(), await makeProject({ version: '0.0.0-other' })];
  for (const { folder } of projects) {
    for (const host of ['process', 'workerd', 'edge', 'browser']) {
      const name = `host-${host}.mjs`;
      await copyFile(path.join(here, name), path.join(folder, name));
    }
    await copyFile(path.join(here, 'suite.mjs'), path.join(folder, 'suite.mjs'));
  }
  return { projects, remove: () => Promise.all(projects.map((project) => project.remove())) };
}

/** The rows of the runtime `name`; one that could not be run at all is one row, which failed at loading. */
export async function run(name, [project, other]) {
  try {
    return await runtimes[name](name, project, other);
  } catch (error) {
    return [rowOf(name, 0, { load: `${error.stack}\n${error.stderr ?? ''}` })];
  }
}

/** The rows as a table in Markdown; with `seconds`, how long each took. */
export function tableOf(rows, { seconds: hasSeconds = false } = {}) {
  const head = ['', ...capabilities, ...(hasSeconds ? ['seconds'] : [])];
  const lines = rows.map(({ name, missing, cells, seconds }) => [
    name,
    ...capabilities.map((each) => {
      if (missing) return '?';
      return { ok: 'ok', none: '–' }[cells[each]] ?? 'FAILED';
    }),
    ...(hasSeconds ? [missing ? '' : seconds.toFixed(1)] : []),
  ]);
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...lines].map((line) => line[column].length)),
  );
  const written = (line) =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [written(head), rule, ...lines.map(written)].join('\n');
}

/** A row for each runtime in place of one for each of its places: README's table. */
export function summaryOf(rows) {
  const groups = new Map();
  for (const row of rows) {
    const [runtime, place] = row.name.split(', ');
    const group = groups.get(runtime) ?? { places: [], rows: [] };
    groups.set(runtime, group);
    if (place) group.places.push(place);
    group.rows.push(row);
  }
  return [...groups].flatMap(([runtime, { places, rows: of }]) => {
    if (of.some(({ missing }) => missing)) return [{ name: runtime, missing: true }];
    // Places that differ keep rows of their own.
    const isOne = of.every(({ cells }) =>
      capabilities.every((each) => cells[each] === of[0].cells[each]),
    );
    if (!isOne) return of;
    const name = places.length > 0 ? `${runtime}: ${places.join(', ')}` : runtime;
    return [{ ...of[0], name }];
  });
}

if (process.argv[1] === import.meta.filename) {
  const wanted = process.argv.slice(2);
  const names = runtimeNames.filter(
    (name) =>
      wanted.length === 0 || wanted.some((part) => name.toLowerCase().includes(part.toLowerCase())),
  );
  const { projects, remove } = await makeProjects();
  const rows = [];
  try {
    for (const name of names) rows.push(...(await run(name, projects)));
  } finally {
    await remove();
  }
  for (const { name, cells } of rows) {
    for (const [capability, cell] of Object.entries(cells ?? {})) {
      if (cell === 'ok' || cell === 'none') continue;
      console.error(`${name}: ${capability}: ${cell}`);
      process.exitCode = 1;
    }
  }
  console.log(tableOf(rows, { seconds: true }));
}
