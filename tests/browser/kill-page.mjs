// Runs in the browser, bundled: says all that it finds in the store, then writes without end and says each step before
// and after. The server (kill.mjs) holds the one against the other.
import { LocalProvider } from 'agent-memory-wasm';

const post = async (path, value) => {
  const answer = await fetch(path, { method: 'POST', body: JSON.stringify(value) });
  return answer.json();
};

const pick = (list) => list[Math.floor(Math.random() * list.length)];

/** One after the other: stores, changes and deletes of memories of its own. */
async function write(provider, writer) {
  const own = [];
  for (let turn = 0; ; turn++) {
    const kind = own.length > 3 ? pick(['store', 'store', 'talk', 'update', 'delete']) : 'store';
    const step = { writer, turn, kind };
    if (kind === 'store' || kind === 'talk') {
      // A talk is one write of three messages, a store of one.
      const count = kind === 'talk' ? 3 : 1;
      step.texts = Array.from(
        { length: count },
        (_, index) =>
          `${writer} turn ${turn} part ${index} of ${count}: ${'honey '.repeat(turn % 40)}`,
      );
    } else {
      step.id = pick(own);
      if (kind === 'update') step.texts = [`${writer} turn ${turn} changed ${step.id}`];
      else own.splice(own.indexOf(step.id), 1);
    }
    await post('/try', step);
    if (kind === 'delete') await provider.deleteMemory(step.id);
    else if (kind === 'update') await provider.updateMemory(step.id, { memory: step.texts[0] });
    else {
      const messages = step.texts.map((content) => ({ role: 'user', content }));
      const stored = await provider.storeMemories(messages);
      step.ids = stored.map(({ id }) => id);
      if (kind === 'store') own.push(...step.ids);
    }
    await post('/done', step);
  }
}

try {
  const query = new URLSearchParams(location.search);
  const provider = await LocalProvider.open({
    name: 'killed',
    durability: query.get('durability') ?? 'relaxed',
  });
  const problems = [];
  provider.subscribe((event) => {
    if (event.type === 'error' || event.type === 'storage')
      problems.push(`${event.type}: ${event.error?.message}`);
  });
  await new Promise((resolve) => setTimeout(resolve, 0));
  const memories = (await provider.getAllMemories({ limit: 1e6 })).map(({ id, memory }) => [
    id,
    memory,
  ]);
  const { writers } = await post('/found', { memories, problems });
  await Promise.all(writers.map((writer) => write(provider, writer)));
} catch (error) {
  await post('/failed', { message: `${error}\n${error.stack}` });
}
