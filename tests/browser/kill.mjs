// A browser is killed (SIGKILL) at random moments while a page of it stores, changes and deletes, and started again on
// the same profile: what was acknowledged is held against what is found.
//
//   node tests/browser/kill.mjs                  50 rounds in Chromium, 20 in Firefox
//   node tests/browser/kill.mjs firefox 5        5 rounds in Firefox
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AnyBrowser, installed } from './any-browser.mjs';
import { bundleOf, pageWith, root, serve } from './support.mjs';

/** All that pages said they tried and got done, over all rounds. */
class Ledger {
  /** Acknowledged and not deleted since: id to text. */
  #memories = new Map();
  #deleted = new Set();
  /** Steps that were begun and not acknowledged when the browser was killed. */
  #open = new Map();
  acknowledged = 0;

  try(step) {
    this.#open.set(step.writer, step);
  }

  done(step) {
    this.#open.delete(step.writer);
    this.acknowledged++;
    this.#take(step);
  }

  #take({ kind, id, ids, texts }) {
    if (kind === 'delete') {
      this.#memories.delete(id);
      this.#deleted.add(id);
    } else if (kind === 'update') {
      this.#memories.set(id, texts[0]);
    } else {
      for (const [index, each] of ids.entries()) this.#memories.set(each, texts[index]);
    }
  }

  /** Throws unless `found`, pairs of id and text, is what was acknowledged, with open steps done wholly or not at all. */
  check(found) {
    const store = new Map(found);
    for (const step of this.#open.values()) {
      const { kind, id, texts } = step;
      if (kind === 'delete') {
        if (!store.has(id)) this.#take(step);
      } else if (kind === 'update') {
        if (store.get(id) === texts[0]) this.#take(step);
      } else {
        const ids = texts.map((text) => found.find(([, memory]) => memory === text)?.[0]);
        const count = ids.filter((each) => each !== undefined).length;
        assert.ok(
          count === 0 || count === texts.length,
          `${count} of ${texts.length} of one write`,
        );
        if (count > 0) this.#take({ ...step, ids });
      }
    }
    this.#open.clear();
    for (const [id, text] of this.#memories) {
      assert.equal(store.get(id), text, `the acknowledged memory ${id}`);
    }
    for (const id of this.#deleted) assert.ok(!store.has(id), `${id} was deleted and is back`);
    assert.equal(store.size, this.#memories.size, 'there is more than was ever written');
  }
}

/** Kills `kind` `rounds` times; resolves with how many steps were acknowledged and how many memories there are. */
export async function kills(kind, rounds, { durability = 'relaxed', log = () => undefined } = {}) {
  const script = await bundleOf('kill-page');
  const ledger = new Ledger();
  let round = 0;
  let steps = 0;
  let memories = 0;
  let settle;
  const server = await serve(root, {
    files: {
      '/kill.html': pageWith(`/app/kill-page.js`),
      '/app/kill-page.js': script,
      '/app/agent-memory.wasm': await readFile(path.join(root, 'dist/agent-memory.wasm')),
    },
    onPost(pathname, body) {
      if (pathname === '/failed') settle(new Error(body.message));
      if (pathname === '/try') ledger.try(body);
      if (pathname === '/done') {
        ledger.done(body);
        if (++steps === 5) settle();
      }
      if (pathname !== '/found') return undefined;
      try {
        ledger.check(body.memories);
        assert.deepEqual(body.problems, []);
        memories = body.memories.length;
      } catch (error) {
        settle(error);
      }
      // The last round only looks.
      if (round > rounds) settle();
      return { writers: round > rounds ? [] : [`r${round}a`, `r${round}b`] };
    },
  });
  const browser = await AnyBrowser.make(kind);
  try {
    for (round = 1; round <= rounds + 1; round++) {
      steps = 0;
      const isWriting = new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`${kind} wrote nothing within 60 s; it said: ${browser.words}`)),
          60_000,
        );
        settle = (error) => {
          clearTimeout(timer);
          if (error) reject(error);
          else resolve();
        };
      });
      await browser.start(`${server.origin}/kill.html?durability=${durability}`);
      await isWriting;
      if (round <= rounds) await new Promise((resolve) => setTimeout(resolve, Math.random() * 400));
      await browser.kill();
      log(`${kind}: round ${round}, ${ledger.acknowledged} acknowledged, ${memories} memories`);
    }
  } finally {
    await browser.stop();
    await server.close();
  }
  return { acknowledged: ledger.acknowledged, memories };
}

if (process.argv[1] === import.meta.filename) {
  const [, , kind, count] = process.argv;
  const plan = kind ? [[kind, Number(count ?? 20)]] : Object.entries({ chromium: 50, firefox: 20 });
  for (const [each, rounds] of plan) {
    assert.ok(installed.includes(each), `there is no ${each}; installed: ${installed.join(', ')}`);
    const { acknowledged, memories } = await kills(each, rounds, { log: console.log });
    console.log(
      `${each}: killed ${rounds} times, ${acknowledged} acknowledged, ${memories} memories, none lost`,
    );
  }
}
