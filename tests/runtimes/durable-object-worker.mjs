// Runs in workerd, bundled: a Worker that passes every request on to a Durable Object, named by the path's first part,
// which keeps memories and runs the storage contract.
import { DurableObject } from 'cloudflare:workers';
import { LocalProvider } from 'agent-memory-wasm';
import { durableObjectStorage } from 'agent-memory-wasm/storage/durable-object';
import { encryptedStorage } from 'agent-memory-wasm/storage/encrypted';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { storageContract } from 'agent-memory-wasm/testing';

async function runContract(title, open) {
  const tests = [];
  storageContract({
    test: (name, body) => tests.push({ name: `${title}: ${name}`, body }),
    open: () => open(true),
    reopen: () => open(false),
    share: () => open(false),
    validates: true,
    afterClose: 'rejects',
  });
  const results = [];
  for (const { name, body } of tests) {
    try {
      await body();
      results.push({ name });
    } catch (error) {
      results.push({ name, error: `${error.message}\n${error.stack}` });
    }
  }
  return results;
}

export class Memories extends DurableObject {
  #provider;

  async fetch(request) {
    const { storage } = this.ctx;
    const [, , operation, text] = new URL(request.url).pathname.split('/').map(decodeURIComponent);
    try {
      return Response.json(await this.#answer(storage, operation, text));
    } catch (error) {
      return Response.json({ error: `${error}\n${error.stack}`, code: error.code });
    }
  }

  async #answer(storage, operation, text) {
    if (operation === 'contract') {
      const empty = () => storage.sql.exec('DROP TABLE IF EXISTS agent_memory_records');
      const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
        'encrypt',
        'decrypt',
      ]);
      const plain = (isNew) => {
        if (isNew) empty();
        return durableObjectStorage(storage);
      };
      return [
        ...(await runContract('plain', plain)),
        ...(await runContract('encrypted', (isNew) => encryptedStorage(plain(isNew), key))),
      ];
    }
    if (operation === 'rows') {
      const store = durableObjectStorage(storage);
      await store.write({ put: [['large', new Uint8Array(5 << 20).fill(7)]] });
      return [...storage.sql.exec('SELECT length(value) FROM agent_memory_records').raw()];
    }
    if (operation === 'scans') {
      // In one part and in several, full and not.
      const sizes = [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 2 << 20, 5, 3 << 20];
      const put = sizes.map((size, n) => [`a/${n}`, new Uint8Array(size).fill(n + 1)]);
      put.push(['a', Uint8Array.of(1)], ['b/', Uint8Array.of(2)]);
      const [store, oracle] = [durableObjectStorage(storage), memoryStorage()];
      for (const each of [store, oracle]) await each.write({ put });
      const said = (pairs) => pairs.map(([key, value]) => `${key} ${value.length} ${value.at(-1)}`);
      let scans = 0;
      const wrong = [];
      for (const prefix of ['a/', 'a', '']) {
        for (const after of [undefined, 'A', ...put.map(([key]) => key)]) {
          for (let limit = 0; limit <= put.length + 1; limit++, scans++) {
            const [is, shouldBe] = await Promise.all(
              [store, oracle].map(async (each) => said(await each.scan(prefix, after, limit))),
            );
            if (is.join() !== shouldBe.join()) wrong.push({ prefix, after, limit, is, shouldBe });
          }
        }
      }
      return { scans, wrong };
    }
    if (operation === 'atomic') {
      const store = durableObjectStorage(storage);
      await store.write({ put: [['kept', Uint8Array.of(1)]] });
      const failing = durableObjectStorage({
        transactionSync: (work) => storage.transactionSync(work),
        sql: {
          exec(query, ...bindings) {
            if (bindings[1] === 1) throw new Error('the second part failed');
            return storage.sql.exec(query, ...bindings);
          },
        },
      });
      const put = ['kept', 'more'].map((key) => [key, new Uint8Array(3 << 19).fill(2)]);
      const failure = await failing
        .write({ put })
        .catch(({ code, message }) => ({ code, message }));
      const left = (await store.scan('', undefined, 9)).map(([key, value]) => [key, [...value]]);
      return { failure, left };
    }
    if (operation === 'released') {
      const given = [];
      const recorded = {
        transactionSync: (work) => storage.transactionSync(work),
        sql: {
          exec(query, ...bindings) {
            const rows = [...storage.sql.exec(query, ...bindings).raw()];
            const values = rows.flat().filter((value) => value instanceof ArrayBuffer);
            given.push(...values.map((value) => ({ value, bytes: value.byteLength })));
            return { raw: () => rows };
          },
        },
      };
      const open = () => LocalProvider.open({ storage: durableObjectStorage(recorded) });
      const said = Array.from({ length: 50 }, (_, n) => `${n}: ${'I keep bees. '.repeat(n)}`);
      const writer = await open();
      await writer.storeMemories(said);
      given.length = 0;
      const scanned = await durableObjectStorage(recorded).scan('log/', undefined, 9);
      const own = scanned.reduce((sum, [, value]) => sum + value.length, 0);
      given.length = 0;
      const reader = await open();
      const found = (await reader.getAllMemories({ limit: 99 })).length;
      const large = given.filter(({ bytes }) => bytes > 4096);
      return {
        own,
        found,
        large: large.length,
        kept: large.filter(({ value }) => value.byteLength > 0).length,
      };
    }
    this.#provider ??= LocalProvider.open({ storage: durableObjectStorage(storage) });
    const provider = await this.#provider;
    if (operation === 'store') return provider.storeMemories(text);
    if (operation === 'list') {
      return (await provider.getAllMemories({ limit: 1e6 })).map(({ memory }) => memory);
    }
    if (operation === 'search') return provider.retrieveMemories(text);
    throw new Error(`no operation '${operation}'`);
  }
}

export default {
  fetch(request, { Memories: objects }) {
    const [, name] = new URL(request.url).pathname.split('/');
    return objects.get(objects.idFromName(name)).fetch(request);
  },
};
