// LocalProvider.subscribe: what changes, here and elsewhere, and what fails without a call to say so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalProvider } from 'agent-memory-wasm';
import { memoryStorage } from 'agent-memory-wasm/storage/memory';
import { runModule } from './support/child.mjs';
import { recordsOf } from './support/faulty-storage.mjs';
import { nextEvent, openProvider, soon } from './support/open.mjs';

const isChange = ({ type }) => type === 'change';

test('a change here is told here, with its receipts', async (t) => {
  const provider = await openProvider(t);
  const events = [];
  provider.subscribe((event) => events.push(event));
  const stored = await provider.storeMemories(['one', 'two']);
  const updated = await provider.updateMemory(stored[0].id, { memory: 'first' });
  await provider.deleteMemory(stored[1].id);
  await soon();
  assert.deepEqual(events, [
    { type: 'change', stored, origin: 'here' },
    { type: 'change', stored: [updated], origin: 'here' },
    {
      type: 'change',
      stored: [{ ...stored[1], event: 'DELETE', memory: events[2].stored[0].memory }],
      origin: 'here',
    },
  ]);
});

test('who listens again is told what changes from then on, and nothing of what went before', async (t) => {
  const provider = await openProvider(t);
  const events = [];
  const stopFirst = provider.subscribe((event) => events.push(event));
  stopFirst();
  await provider.storeMemories('unheard');
  provider.subscribe((event) => events.push(event));
  const stored = await provider.storeMemories('heard');
  await soon();
  assert.deepEqual(events, [{ type: 'change', stored, origin: 'here' }]);
});

test('deleteAllMemories and importMemories are told as well', async (t) => {
  const provider = await openProvider(t);
  await provider.storeMemories(['one', 'two'], { userId: 'ada' });
  const file = await provider.exportMemories();
  const events = [];
  const stop = provider.subscribe((event) =>
    events.push(event.stored.map(({ event: what }) => what)),
  );
  await provider.deleteAllMemories({ userId: 'ada' });
  await provider.importMemories(file);
  await soon();
  stop();
  assert.deepEqual(events, [
    ['DELETE', 'DELETE'],
    ['ADD', 'ADD'],
  ]);
});

test('what changes nothing is not told', async (t) => {
  const provider = await openProvider(t);
  const [{ id }] = await provider.storeMemories('one');
  await soon();
  const events = [];
  const stop = provider.subscribe((event) => events.push(event));
  await provider.storeMemories('One');
  await provider.storeMemories([]);
  await provider.updateMemory(id, { memory: 'one' });
  await provider.deleteMemory('no-such');
  await provider.deleteAllMemories({ userId: 'nobody' });
  await provider.retrieveMemories('one');
  await provider.storeMemories('x', { metadata: [] }).catch(() => undefined);
  await soon();
  stop();
  assert.deepEqual(events, []);
});

test('a change of another provider over the same store is told as from elsewhere', async (t) => {
  const storage = memoryStorage();
  const here = await openProvider(t, { storage });
  const there = await openProvider(t, { storage });
  let told = nextEvent(there, isChange);
  const stored = await here.storeMemories(['one', 'two'], { userId: 'ada', metadata: { n: 1 } });
  assert.deepEqual(await told, { type: 'change', stored, origin: 'elsewhere' });
  assert.equal((await there.getAllMemories({ userId: 'ada' })).length, 2);

  told = nextEvent(here, isChange);
  const updated = await there.updateMemory(stored[0].id, { memory: 'first' });
  assert.deepEqual(await told, { type: 'change', stored: [updated], origin: 'elsewhere' });

  told = nextEvent(there, isChange);
  await here.deleteMemory(stored[1].id);
  const event = await told;
  assert.equal(event.origin, 'elsewhere');
  assert.deepEqual(
    event.stored.map(({ id, event: what }) => [id, what]),
    [[stored[1].id, 'DELETE']],
  );
});

test('what changes elsewhere is told without a timer: those of a hidden page fire late', async (t) => {
  const storage = memoryStorage();
  const here = await openProvider(t, { storage });
  const there = await openProvider(t, { storage });
  await soon();
  const { setTimeout } = globalThis;
  globalThis.setTimeout = () => 0; // so late that it never comes
  t.after(() => {
    globalThis.setTimeout = setTimeout;
  });
  const told = nextEvent(there, isChange);
  const stored = await here.storeMemories('one');
  assert.deepEqual(await told, { type: 'change', stored, origin: 'elsewhere' });
  globalThis.setTimeout = setTimeout;
});

test('an own change is told once, not again as from elsewhere', async (t) => {
  const storage = memoryStorage();
  const here = await openProvider(t, { storage });
  const there = await openProvider(t, { storage });
  const events = [];
  here.subscribe((event) => events.push(event.origin));
  const told = nextEvent(there, isChange);
  await here.storeMemories('one');
  await told;
  await soon();
  assert.deepEqual(events, ['here']);
});

test('the listeners that stay are told; the one that left is not, not even twice subscribed', async (t) => {
  const provider = await openProvider(t);
  const events = [];
  const listener = () => events.push('twice');
  const stopFirst = provider.subscribe(listener);
  provider.subscribe(listener);
  const stop = provider.subscribe(() => events.push('left'));
  stop();
  stop();
  await provider.storeMemories('one');
  await soon();
  assert.deepEqual(events, ['twice', 'twice']);
  stopFirst();
  await provider.storeMemories('two');
  await soon();
  assert.equal(events.length, 3);
});

test('a listener that throws is an uncaught error and disturbs nobody else', async () => {
  const { stdout } = await runModule(`
    import { LocalProvider } from 'agent-memory-wasm';
    process.on('uncaughtException', (error) => console.log('uncaught', error.message));
    const provider = await LocalProvider.open();
    provider.subscribe(() => { throw new Error('of the listener'); });
    provider.subscribe(({ type }) => console.log('told', type));
    await provider.storeMemories('one');
    await provider.storeMemories('two');
    console.log((await provider.getAllMemories()).length);
  `);
  assert.deepEqual(stdout.trim().split('\n').sort(), [
    '2',
    'told change',
    'told change',
    'uncaught of the listener',
    'uncaught of the listener',
  ]);
});

test('a listener may call the provider, also the one that stops it', async (t) => {
  const provider = await openProvider(t);
  const seen = new Promise((resolve, reject) => {
    const stop = provider.subscribe(() => {
      stop();
      provider.getAllMemories().then(resolve, reject);
    });
  });
  await provider.storeMemories('one');
  assert.equal((await seen).length, 1);
});

test('closing is told last', async () => {
  const provider = await LocalProvider.open({ storage: memoryStorage() });
  const events = [];
  provider.subscribe((event) => events.push(event));
  const storing = provider.storeMemories('one');
  await provider.close();
  await storing;
  await soon();
  assert.deepEqual(events.at(-1), { type: 'storage', state: 'closed' });
  assert.equal(events.length, 2);
});

test('a damaged record is told after opening, and the rest lives', async (t) => {
  const storage = memoryStorage();
  const first = await LocalProvider.open({ storage });
  await first.storeMemories('one');
  await first.storeMemories('two');
  await first.close();
  const [[key, value]] = await recordsOf(storage);
  value[Buffer.from(value).indexOf('one')] ^= 0xff;
  await storage.write({ put: [[key, value]] });
  const second = await openProvider(t, { storage });
  const event = await nextEvent(second);
  assert.equal(event.type, 'error');
  assert.equal(event.operation, 'open');
  assert.equal(event.error.code, 'corrupt');
  assert.equal(event.error.name, 'StorageError');
  assert.equal((await second.getAllMemories()).length, 1);
  await second.storeMemories('three');
  assert.equal((await second.getAllMemories()).length, 2);
});

test('the health of a store that tells of it is passed on', async (t) => {
  let tell;
  const inner = memoryStorage();
  const storage = Object.assign(Object.create(inner), {
    kind: 'mending',
    get: (key) => inner.get(key),
    write: (batch) => inner.write(batch),
    scan: (...args) => inner.scan(...args),
    close: () => inner.close(),
    watch: () => () => undefined,
    exclusively: (name, work) => work(),
    onHealth: (listener) => {
      tell = listener;
      return () => undefined;
    },
  });
  const provider = await openProvider(t, { storage });
  const trouble = new Error('lost');
  const told = nextEvent(provider);
  tell('degraded', trouble);
  assert.deepEqual(await told, { type: 'storage', state: 'degraded', error: trouble });
});

test('writes of one’s own that follow each other are read back once, not once each', async (t) => {
  const inner = memoryStorage();
  let scans = 0;
  const storage = {
    kind: 'counting',
    get: (key) => inner.get(key),
    write: (batch) => inner.write(batch),
    scan: (...args) => {
      scans++;
      return inner.scan(...args);
    },
    watch: (changed) => inner.watch(changed),
    close: () => inner.close(),
  };
  const provider = await openProvider(t, { storage });
  await soon();
  const scansOf = async (count) => {
    scans = 0;
    for (let index = 0; index < count; index++) await provider.storeMemories(`${count} ${index}`);
    await soon();
    return scans;
  };
  assert.equal(await scansOf(20), await scansOf(1));
});
