// Memories over HTTP: who asks is known by a token, and every user has a Durable Object of their own.
//
//   POST   /memories          {messages, metadata?, timestamp?, expiresAt?, agentId?, runId?}   201 {stored}
//   POST   /memories/search   {query, topK?, filters?, metadata?, strategy?, minRelevanceScore?, explain?,
//                              agentId?, runId?}                                                 200 {memories}
//   GET    /memories          ?limit= &offset= &agentId= &runId=                                 200 {memories}
//   DELETE /memories/ID                                                                          204
//
// Every other answer is {error: {code, message, field?}}, with the status that says the same.
import { load } from 'agent-memory-wasm';
import { durableObjectRehearsal } from 'agent-memory-wasm/storage/durable-object';
import { refuse } from './answer';
import type { Memories } from './memories';
import { userOf } from './token';

export { Memories } from './memories';

// Where a Worker starts it has a second of CPU that is no request's: here the code is compiled, and run until it is quick.
await load({ warmUp: durableObjectRehearsal() });

export interface Env {
  MEMORIES: DurableObjectNamespace<Memories>;
  /** Signs the tokens: `wrangler secret put TOKEN_SECRET`, at least 32 characters. */
  TOKEN_SECRET: string;
  /** How much one user may keep. Default: 32 MiB. */
  MAX_STORE_BYTES?: string;
}

export default {
  async fetch(request, env) {
    try {
      const user = await userOf(request, env.TOKEN_SECRET);
      if (user === undefined) return refuse(401, 'unauthorized', 'the request has no valid token');
      // The token alone says whose memories these are: nothing in the request's address or body does.
      return await env.MEMORIES.getByName(user).handle(user, request);
    } catch (error) {
      console.error(error);
      // An object that was just moved, or has too much to do.
      const isPassing = Object(error).retryable === true || Object(error).overloaded === true;
      return isPassing
        ? refuse(503, 'unavailable', 'try again in a second')
        : refuse(500, 'internal', 'something went wrong');
    }
  },
} satisfies ExportedHandler<Env>;
