// Two devices, another program and one Mem0 server, in an order that a seed decides, with answers that get lost, servers
// that fail, networks that go and devices that are killed. When all is quiet, all have the same; what nobody deleted is
// there once, and what anybody deleted is gone. Environment: SYNC_SEEDS, how many (default 12 for each API);
// SYNC_FIRST_SEED; SYNC_TRACE=1 prints what happens.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Mem0Provider } from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { interceptedStorage } from './support/faulty-storage.mjs';
import { fault, hasOpenApi, startMem0 } from './support/mem0-server.mjs';
import { Random } from './support/random.mjs';
import { openDevice, plug } from './support/synced.mjs';

const skip = hasOpenApi ? false : 'the vendor’s OpenAPI does not lie beside the project';
const count = Number(process.env.SYNC_SEEDS ?? 12);
const first = Number(process.env.SYNC_FIRST_SEED ?? 1);
const start = Date.parse('2026-01-01T00:00:00Z');
const ada = { userId: 'ada' };

class World {
  constructor(api, seed) {
    this.api = api;
    this.random = new Random(seed);
    this.now = start;
    /** By the number that each memory has in its metadata: its texts so far, and whether somebody deleted it. */
    this.model = new Map();
    this.devices = [];
  }

  trace(what) {
    if (process.env.SYNC_TRACE) console.log(`  ${what}`);
  }

  async open() {
    this.server = Object.assign(await startMem0({ api: this.api }), { api: this.api });
    const { url: baseUrl, key: apiKey } = this.server;
    this.stranger = new Mem0Provider({ api: this.api, baseUrl, apiKey, infer: false });
    for (let i = 0; i < 2; i++) {
      this.devices.push({
        name: 'AB'[i],
        records: memoryStorage(),
        skew: this.random.below(40_000) - 20_000,
      });
      await this.#start(this.devices[i]);
    }
  }

  async #start(device) {
    // A store of its own over the same records: whoever is killed with a lock in hand keeps nobody.
    device.tie = { isCut: false };
    const { tie } = device;
    const storage = interceptedStorage(device.records, () =>
      tie.isCut ? () => new Promise(() => undefined) : undefined,
    );
    delete storage.exclusively;
    device.network = plug();
    device.open = await openDevice(undefined, this.server, {
      storage,
      network: device.network,
      now: () => this.now + device.skew,
    });
  }

  async close() {
    for (const { open, tie } of this.devices) if (!tie.isCut) await open.close();
    await this.server.close();
  }

  async step() {
    this.now += this.random.below(20_000);
    const device = this.random.pick(this.devices);
    switch (this.random.below(16)) {
      case 0:
      case 1:
      case 2:
        return this.#store(device);
      case 3:
      case 4:
        return this.#update(device);
      case 5:
        return this.#remove(device);
      case 6:
        return this.#meddle();
      case 7:
        device.network.isDown = !device.network.isDown;
        return this.trace(`${device.name} is ${device.network.isDown ? 'offline' : 'online'}`);
      case 8:
        return this.#restart(device);
      case 9:
      case 10:
        return this.#spoil();
      case 11:
        // Goes on while other things happen.
        this.trace(`${device.name} syncs meanwhile`);
        device.open.synced.sync().catch(() => undefined);
        return;
      default:
        this.trace(`${device.name} syncs`);
        return device.open.synced.sync({ all: this.random.onceIn(3) }).catch((error) => {
          if (!error.code || error.code === 'internal') throw error;
          this.trace(`${device.name} failed: ${error.message}`);
        });
    }
  }

  #text(n) {
    return `Memory ${n}, for the ${this.random.below(1e6)}th time.`;
  }

  async #store({ name, open }) {
    if (this.random.onceIn(4)) {
      const text = `Everybody says this: ${this.random.below(3)}.`;
      this.trace(`${name} stores ${text}`);
      await open.synced.storeMemories(text, ada);
      return;
    }
    const n = this.model.size;
    const text = this.#text(n);
    this.trace(`${name} stores ${text}`);
    this.model.set(n, { texts: [text], isDeleted: false });
    await open.synced.storeMemories(text, { ...ada, metadata: { n } });
  }

  /** One that the device knows and that has a number. */
  async #some(provider) {
    const all = (await provider.getAllMemories(ada)).filter(({ metadata }) => 'n' in metadata);
    return all.length > 0 ? this.random.pick(all) : undefined;
  }

  async #update({ name, open }) {
    const memory = await this.#some(open.local);
    if (!memory) return;
    const { n } = memory.metadata;
    const text = this.#text(n);
    this.trace(`${name} changes ${memory.memory} to ${text}`);
    this.model.get(n).texts.push(text);
    await open.synced.updateMemory(memory.id, { memory: text });
  }

  async #remove({ name, open }) {
    const memory = await this.#some(open.local);
    if (!memory) return;
    this.trace(`${name} deletes ${memory.memory}`);
    this.model.get(memory.metadata.n).isDeleted = true;
    await open.synced.deleteMemory(memory.id);
  }

  /** Another program does something there. */
  async #meddle() {
    const faults = this.server.faults.splice(0);
    const known = await this.#some(this.stranger);
    if (!known || this.random.onceIn(3)) {
      const n = this.model.size;
      const text = this.#text(n);
      this.trace(`the stranger stores ${text}`);
      this.model.set(n, { texts: [text], isDeleted: false });
      await this.stranger.storeMemories(text, { ...ada, metadata: { n } });
    } else if (this.random.onceIn(2)) {
      const text = this.#text(known.metadata.n);
      this.trace(`the stranger changes ${known.memory} to ${text}`);
      this.model.get(known.metadata.n).texts.push(text);
      await this.stranger.updateMemory(known.id, { memory: text }).catch(() => undefined);
    } else {
      this.trace(`the stranger deletes ${known.memory}`);
      this.model.get(known.metadata.n).isDeleted = true;
      await this.stranger.deleteMemory(known.id);
    }
    this.server.faults.push(...faults);
  }

  async #restart(device) {
    if (this.random.onceIn(2)) {
      this.trace(`${device.name} is killed`);
      // Nothing that it does reaches anything any more.
      device.tie.isCut = true;
      device.network.isDown = true;
      device.open.synced.close().catch(() => undefined);
    } else {
      this.trace(`${device.name} is closed`);
      await device.open.close();
    }
    await this.#start(device);
  }

  #spoil() {
    const kinds = ['lost', 'lost', 'busy', 'broken', 'cut', 'refused'];
    for (let i = this.random.below(4); i > 0; i--) {
      const kind = this.random.pick(kinds);
      this.trace(`a request is to be ${kind}`);
      for (let j = this.random.below(3); j > 0; j--) this.server.faults.push(undefined);
      this.server.faults.push(
        {
          lost: fault.lost(),
          busy: fault.status(429),
          broken: fault.status(503),
          cut: fault.cut(),
          refused: fault.status(400),
        }[kind],
      );
    }
  }

  async settle() {
    this.trace('all is quiet');
    this.server.faults.length = 0;
    for (const device of this.devices) device.network.isDown = false;
    for (let round = 0; round < 4; round++) {
      for (const { open } of this.devices) {
        await open.synced.retry();
        await open.synced.sync({ all: true });
      }
    }
  }

  async check() {
    const show = (memory, { n }) => (n === undefined ? memory : `${n}: ${memory}`);
    const there = [...this.server.memories.values()]
      .map(({ memory, metadata }) => show(memory, metadata))
      .sort();
    for (const { name, open } of this.devices) {
      const here = (await open.local.getAllMemories(ada)).map(({ memory, metadata }) =>
        show(memory, metadata),
      );
      assert.deepEqual(here.sort(), there, `${name} and the server`);
      assert.deepEqual(await open.synced.queue(), [], name);
      const told = open.told('error').map(({ error }) => error.message);
      assert.deepEqual(told, [], name);
    }
    for (const [n, { texts, isDeleted }] of this.model) {
      const found = there.filter((each) => each.startsWith(`${n}: `));
      assert.equal(found.length, isDeleted ? 0 : 1, `${n}: ${found.join()}`);
      for (const each of found)
        assert.ok(
          texts.some((text) => each === `${n}: ${text}`),
          each,
        );
    }
    assert.deepEqual(this.server.problems, []);
  }
}

for (const api of ['platform', 'self-hosted']) {
  test(
    `${api}: devices that work offline, fail and are killed come to have the same`,
    { skip },
    async (t) => {
      for (let seed = first; seed < first + count; seed++) {
        await t.test(`seed ${seed}`, async () => {
          const world = new World(api, seed);
          await world.open();
          try {
            for (let i = 0; i < 60; i++) await world.step();
            await world.settle();
            await world.check();
          } finally {
            await world.close();
          }
        });
      }
    },
  );
}
