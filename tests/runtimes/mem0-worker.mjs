// Runs in workerd: a Mem0Provider of its own per request, with its module as workerd has it.
import { Mem0Provider } from 'agent-memory-wasm';

// Outside of a request nothing may be asked; making one does not.
const early = new Mem0Provider({ apiKey: 'm0-never-used' });

export default {
  async fetch(request) {
    const { searchParams } = new URL(request.url);
    const provider = new Mem0Provider({
      baseUrl: searchParams.get('url'),
      apiKey: searchParams.get('key'),
    });
    const user = { userId: 'ada' };
    const [stored] = await provider.storeMemories('I like green tea.', user);
    const [found] = await provider.retrieveMemories('green tea', user);
    const missing = await provider.getMemory('not-a-uuid');
    const refused = await provider.retrieveMemories('x').catch(({ code }) => code);
    await provider.deleteAllMemories(user);
    const left = await provider.getAllMemories(user);
    return Response.json({
      stored,
      found,
      missing,
      refused,
      left,
      isProvider: early instanceof Mem0Provider,
    });
  },
};
