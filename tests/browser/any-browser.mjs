// Any browser that opens an address: no driver, no debugging port. Its pages post what they find to the server that
// they came from (`onPost` of `serve`). So the same test runs in Chromium, Firefox and WebKit, and a killed browser is
// a killed browser.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { chromiumFlags, findChromium, onPath } from './support.mjs';

const firefoxPreferences = {
  'app.update.enabled': false,
  'browser.aboutwelcome.enabled': false,
  // For a picture of a page it loads the page a second time, in a container with a storage of its own.
  'browser.newtabpage.activity-stream.feeds.topsites': false,
  'browser.pagethumbnails.capturing_disabled': true,
  'browser.sessionstore.resume_from_crash': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,',
  'toolkit.startup.max_resumed_crashes': -1,
};

const webkitFolders = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].flatMap((machine) =>
  ['4.1', '4.0'].map((version) => `/usr/lib/${machine}/webkit2gtk-${version}`),
);

/** What each needs: `find()` its program, if there is one; `start(program, profile, addresses)`: what to run. */
const kinds = {
  chromium: {
    find: findChromium,
    start: async (program, profile, addresses) => ({
      command: [program, ...chromiumFlags, `--user-data-dir=${profile}`, ...addresses],
    }),
  },
  firefox: {
    find: () => process.env.FIREFOX ?? onPath('firefox-esr', 'firefox'),
    start: async (program, profile, addresses) => {
      await mkdir(profile, { recursive: true });
      const lines = Object.entries(firefoxPreferences).map(
        ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
      );
      await writeFile(path.join(profile, 'user.js'), lines.join(''));
      return {
        command: [program, '--headless', '--no-remote', '--profile', profile, ...addresses],
        env: { HOME: profile, MOZ_CRASHREPORTER_DISABLE: '1' },
      };
    },
  },
  webkit: {
    find: () =>
      onPath('xvfb-run') &&
      webkitFolders
        .map((folder) => path.join(folder, 'MiniBrowser'))
        .find((file) => existsSync(file)),
    start: async (program, profile, addresses) => ({
      command: [onPath('xvfb-run'), '-a', program, ...addresses],
      env: {
        HOME: profile,
        XDG_DATA_HOME: path.join(profile, 'data'),
        XDG_CACHE_HOME: path.join(profile, 'cache'),
        XDG_CONFIG_HOME: path.join(profile, 'config'),
        GDK_BACKEND: 'x11',
        WEBKIT_DISABLE_COMPOSITING_MODE: '1',
        WEBKIT_DISABLE_DMABUF_RENDERER: '1',
        WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1', // there is no sandbox within a container
      },
    }),
  },
};

/** The browsers of this machine: `chromium`, `firefox`, `webkit`. */
export const installed = Object.keys(kinds).filter((kind) => kinds[kind].find() !== undefined);

/** `outcome`, or a failure with what `browser` said of late where that takes longer than `milliseconds`. */
export function within(milliseconds, outcome, browser) {
  let timer;
  const late = new Promise((_, reject) => {
    const fail = () =>
      reject(new Error(`nothing in ${milliseconds} ms; it said: ${browser.words}`));
    timer = setTimeout(fail, milliseconds);
  });
  return Promise.race([outcome, late]).finally(() => clearTimeout(timer));
}

/** A browser on a profile of its own, which outlives `kill` and is deleted by `stop`. */
export class AnyBrowser {
  #kind;
  #profile;
  #process;
  #words = '';

  static async make(kind) {
    const browser = new AnyBrowser();
    browser.#kind = kind;
    browser.#profile = await mkdtemp(path.join(os.tmpdir(), `agent-memory-${kind}-`));
    return browser;
  }

  /** Starts it with a tab for each of `addresses`. */
  async start(...addresses) {
    const { find, start } = kinds[this.#kind];
    const { command, env } = await start(find(), this.#profile, addresses);
    const [program, ...args] = command;
    // A group of its own, so that none of its processes is left behind.
    const child = spawn(program, args, {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#words = (this.#words + text).slice(-4_000);
    });
    this.#process = child;
    process.once('exit', this.#killNow);
  }

  /** What it wrote to its standard error of late. */
  get words() {
    return this.#words;
  }

  /** SIGKILL, first for the browser's own process, at once after that for those that it started. */
  async kill() {
    const child = this.#process;
    if (!child) return;
    this.#process = undefined;
    process.off('exit', this.#killNow);
    const ended = child.exitCode !== null || child.signalCode !== null || once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    signalGroup(child.pid);
    // Until the last of them is gone, the profile is not free.
    while (signalGroup(child.pid, 0)) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** SIGKILL for those of its processes that are called `name`, which Linux cuts at 15 letters; how many they were. */
  async killProcess(name) {
    let count = 0;
    for (const pid of await readdir('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      const [, called, group] = /^\d+ \((.*)\) \S \d+ (\d+)/.exec(line) ?? [];
      if (called !== name || Number(group) !== this.#process?.pid) continue;
      process.kill(Number(pid), 'SIGKILL');
      count++;
    }
    return count;
  }

  async stop() {
    await this.kill();
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 10 });
  }

  #killNow = () => {
    if (this.#process) signalGroup(this.#process.pid);
  };
}

/** Whether there was anybody to send it to. */
function signalGroup(pid, signal = 'SIGKILL') {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}
