// Runs in a page of any browser: a worker of it stores and deletes without end, and is ended at a random moment, again
// and again, while the page writes to the same store; the page says what it finds and what it was told.
import { LocalProvider } from '/dist/inline.js';

const rounds = 8;
const options = { name: 'terminated' };
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const post = (path, value) => fetch(path, { method: 'POST', body: JSON.stringify(value) });

async function work(round) {
  const provider = await LocalProvider.open(options);
  for (let turn = 0; ; turn++) {
    const kept = `kept ${turn} of round ${round}`;
    const [, { id }] = await provider.storeMemories([kept, `dropped ${turn} of round ${round}`]);
    self.postMessage({ stored: kept });
    await provider.deleteMemory(id);
    self.postMessage({ deleted: `dropped ${turn} of round ${round}` });
  }
}

async function runRound(round, told) {
  const worker = new Worker(import.meta.url, { type: 'module' });
  await new Promise((resolve, reject) => {
    let acknowledged = 0;
    worker.onerror = (event) => reject(new Error(`the worker failed: ${event.message}`));
    worker.onmessage = ({ data }) => {
      for (const [kind, text] of Object.entries(data)) told[kind].push(text);
      if (++acknowledged === 6) setTimeout(resolve, Math.random() * 60);
    };
    worker.postMessage(round);
  });
  worker.terminate();
}

if (typeof document === 'undefined') {
  self.onmessage = ({ data }) => work(data);
} else {
  try {
    const provider = await LocalProvider.open(options);
    const told = { stored: [], deleted: [] };
    for (let round = 0; round < rounds; round++) {
      await runRound(round, told);
      // What the worker held, others have again.
      const text = `the page's ${round}`;
      await Promise.race([
        provider.storeMemories(text),
        pause(20_000).then(() => Promise.reject(new Error(`the page waits, round ${round}`))),
      ]);
      told.stored.push(text);
    }
    await provider.close();
    const again = await LocalProvider.open(options);
    const events = [];
    again.subscribe(({ type, error }) => events.push(`${type}: ${error?.message}`));
    await pause(50);
    const found = (await again.getAllMemories({ limit: 1e6 })).map(({ memory }) => memory);
    await post('/result', { rounds, ...told, found, events });
  } catch (error) {
    await post('/result', { error: `${error}\n${error.stack}` });
  }
}
