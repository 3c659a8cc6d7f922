// A provider that notes what it is called with: what a MemoryContext or MemorySession asks for can be read off it.

/** `answers` may hold, by method, a value, an Error to reject with, or a function of the arguments. */
export function recordingProvider(answers = {}) {
  const calls = [];
  const method = (name, fallback) =>
    async function (...args) {
      calls.push({ name, args, options: args.at(-1) });
      const answer = name in answers ? answers[name] : fallback;
      if (answer instanceof Error) throw answer;
      return typeof answer === 'function' ? answer(...args) : answer;
    };
  return {
    calls,
    retrieveMemories: method('retrieveMemories', []),
    storeMemories: method('storeMemories', []),
    getAllMemories: method('getAllMemories', []),
    deleteMemory: method('deleteMemory', false),
  };
}
