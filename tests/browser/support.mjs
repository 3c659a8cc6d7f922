// What tests in a real browser need: Chromium that can be stopped, killed and started again on the same profile, and
// a folder served under a strict Content-Security-Policy.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { chromium as driver } from 'playwright-core';

/** The repository. */
export const root = path.resolve(import.meta.dirname, '../..');

/** What the README promises to work under. */
export const strictCsp =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'";

/** What Chromium is started with. */
export const chromiumFlags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-port=0', // without it, headless opens one address and ends
];

/** The first program on PATH that has one of `names`, or undefined. */
export function onPath(...names) {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  return names
    .flatMap((name) => folders.map((folder) => path.join(folder, name)))
    .find((file) => existsSync(file));
}

/** The browser's program: $CHROMIUM, or the first on PATH; undefined if there is none. */
export function findChromium() {
  return (
    process.env.CHROMIUM ??
    onPath('chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome')
  );
}

/** One browser on one profile. Make it with `Chromium.start()`; end it with `stop()`. */
export class Chromium {
  /** Playwright's BrowserContext of the profile; a new one after `restart`. */
  context;
  #profile;
  #ownsProfile;
  #flags;
  #process;
  #browser;

  /** Starts on `profile`, a folder; without one, on a new profile that `stop` deletes. `flags`: more of them. */
  static async start({ profile, flags: more = [] } = {}) {
    const chromium = new Chromium();
    chromium.#flags = [...chromiumFlags, ...more];
    chromium.#ownsProfile = profile === undefined;
    chromium.#profile =
      profile ?? (await mkdtemp(path.join(os.tmpdir(), 'agent-memory-chromium-')));
    await chromium.#launch();
    return chromium;
  }

  /** A new tab, at `url` if there is one; `problems` collects what it complains about, violations of the CSP included. */
  async open(url, problems) {
    const page = await this.context.newPage();
    if (problems) {
      page.on('pageerror', (error) => problems.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error') problems.push(message.text());
      });
    }
    if (url !== undefined) await page.goto(url);
    return page;
  }

  /** Ends the browser and starts it on the same profile; `crash: true` ends it with SIGKILL, as a power cut would. */
  async restart({ crash = false } = {}) {
    await this.#end(crash);
    await this.#launch();
  }

  async stop() {
    await this.#end(false);
    if (this.#ownsProfile) await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  async #launch() {
    const program = findChromium();
    if (!program) throw new Error('there is no Chromium on PATH; install one, or set CHROMIUM');
    const portFile = path.join(this.#profile, 'DevToolsActivePort');
    await rm(portFile, { force: true });
    const child = spawn(
      program,
      [...this.#flags, `--user-data-dir=${this.#profile}`, 'about:blank'],
      {
        stdio: 'ignore',
      },
    );
    this.#process = child;
    process.once('exit', killNow);
    child.once('exit', () => process.off('exit', killNow));
    function killNow() {
      child.kill('SIGKILL');
    }
    const port = await readPort(portFile, child);
    this.#browser = await driver.connectOverCDP(`http://127.0.0.1:${port}`);
    [this.context] = this.#browser.contexts();
  }

  async #end(crash) {
    const child = this.#process;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    if (crash) {
      child.kill('SIGKILL');
    } else {
      const session = await this.#browser.newBrowserCDPSession();
      // The answer may get lost, as the browser ends.
      await session.send('Browser.close').catch(() => undefined);
    }
    await ended;
    await this.#browser.close().catch(() => undefined);
  }
}

async function readPort(file, child) {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    if (child.exitCode !== null) throw new Error(`Chromium ended with ${child.exitCode}`);
    const [port] = (await readFile(file, 'utf8').catch(() => '')).split('\n');
    if (port) return port;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill('SIGKILL');
  throw new Error('Chromium did not open its debugging port within 30 s');
}

const types = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.map': 'application/json',
  '.mjs': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/**
 * Serves `folder` on 127.0.0.1, every answer with `csp`.
 *
 * `headers` are more of them, or a function that gives those of an answer by its path. `onPost(pathname, body)` is called with what pages post, parsed as JSON, and its result is answered as JSON. `files` are answers that lie in no folder, by path: `{ '/page.html': '<!doctype html>…' }`; a function gives another each time. `port` 0 is any.
 * Returns `origin` (`http://127.0.0.1:…`), `requests` (the paths asked for so far) and `close()`.
 */
export async function serve(
  folder,
  { csp = strictCsp, files = {}, headers = {}, port = 0, onPost } = {},
) {
  const requests = [];
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://127.0.0.1');
    requests.push(pathname);
    const answer = (status, type, body) => {
      response.writeHead(status, {
        'content-security-policy': csp,
        'content-type': type,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        ...(typeof headers === 'function' ? headers(pathname) : headers),
      });
      response.end(body);
    };
    try {
      if (request.method === 'POST' && onPost) {
        let body = '';
        for await (const chunk of request.setEncoding('utf8')) body += chunk;
        const result = await onPost(pathname, JSON.parse(body));
        return answer(200, 'application/json', JSON.stringify(result ?? null));
      }
      const type = types[path.extname(pathname)] ?? 'application/octet-stream';
      if (Object.hasOwn(files, pathname)) {
        const body = files[pathname];
        return answer(200, type, typeof body === 'function' ? body() : body);
      }
      if (pathname === '/favicon.ico') return answer(204, 'image/x-icon');
      const file = path.join(folder, path.normalize(decodeURIComponent(pathname)));
      if (!(await stat(file)).isFile()) throw new Error('not a file');
      return answer(200, type, await readFile(file));
    } catch {
      return answer(404, 'text/plain', `there is no ${pathname}`);
    }
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    requests,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** tests/browser/`name`.mjs with all that it imports, as a page's script. */
export async function bundleOf(name) {
  const { outputFiles } = await build({
    entryPoints: [path.join(root, `tests/browser/${name}.mjs`)],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    logLevel: 'silent',
  });
  return outputFiles[0].contents;
}

/** A page that runs the module script at `url`: under a strict CSP a page may not hold any script itself. */
export function pageWith(url) {
  return `<!doctype html><meta charset="utf-8"><title>test</title><script type="module" src="${url}"></script>`;
}
