import { DurableObject } from 'cloudflare:workers';
import {
  LocalProvider,
  MemoryError,
  type ListOptions,
  type MessageInput,
  type RetrieveOptions,
  type StoreOptions,
} from 'agent-memory-wasm';
import { durableObjectStorage } from 'agent-memory-wasm/storage/durable-object';
import { answer, refuse } from './answer';
import type { Env } from './worker';

const maxBodyBytes = 1 << 20;
const maxResults = 1000;
const defaultResults = 100;
/** All of a user's memories are in the object's RAM, which has 128 MB, while it runs. */
const defaultMaxStoreBytes = 32 << 20;

const statusOf: Partial<Record<MemoryError['code'], number>> = {
  invalid_argument: 400,
  not_found: 404,
  quota_exceeded: 507,
};

/** One user's memories. They lie in the object's own SQLite database: nobody else's are in reach. */
export class Memories extends DurableObject<Env> {
  #opening: Promise<LocalProvider> | undefined;

  /** Answers a `request` of `user`, whose object this is. */
  async handle(user: string, request: Request): Promise<Response> {
    try {
      return await this.#route(user, request);
    } catch (error) {
      if (error instanceof Refusal)
        return refuse(error.status, error.code, error.message, error.field);
      if (MemoryError.isInstance(error)) {
        const status = statusOf[error.code];
        if (status !== undefined) return refuse(status, error.code, error.message, error.field);
        // What failed within may work when it is opened again: all that was acknowledged is stored.
        if (error.code === 'internal') this.#opening = undefined;
      }
      console.error(error);
      return refuse(500, 'internal', 'something went wrong');
    }
  }

  async #route(user: string, request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const route = `${request.method} ${pathname}`;
    // The library checks what it is given, and its errors name what is wrong; so a body is taken for what it should be.
    if (route === 'POST /memories') {
      const { messages, ...options } = await bodyOf<StoreOptions & { messages: MessageInput }>(
        request,
        ['messages', 'metadata', 'timestamp', 'expiresAt', 'agentId', 'runId'],
      );
      const provider = await this.#provider();
      await this.#requireRoom(provider);
      const stored = await provider.storeMemories(messages, { ...options, userId: user });
      return answer(201, { stored });
    }
    if (route === 'POST /memories/search') {
      const { query, ...options } = await bodyOf<RetrieveOptions & { query: string }>(request, [
        'query',
        'topK',
        'filters',
        'metadata',
        'strategy',
        'minRelevanceScore',
        'explain',
        'agentId',
        'runId',
      ]);
      requireAtMost(maxResults, 'topK', options.topK);
      const provider = await this.#provider();
      const memories = await provider.retrieveMemories(query, { ...options, userId: user });
      return answer(200, { memories });
    }
    if (route === 'GET /memories') {
      const asked = only<Record<'limit' | 'offset' | 'agentId' | 'runId', string>>(
        Object.fromEntries(searchParams),
        ['limit', 'offset', 'agentId', 'runId'],
      );
      const { limit = defaultResults, offset = 0, ...ids } = asked;
      const options: ListOptions = { ...ids, limit: Number(limit), offset: Number(offset) };
      requireAtMost(maxResults, 'limit', options.limit);
      const provider = await this.#provider();
      const memories = await provider.getAllMemories({ ...options, userId: user });
      return answer(200, { memories });
    }
    const [, id] = /^DELETE \/memories\/([\w-]+)$/.exec(route) ?? [];
    if (id !== undefined) {
      const provider = await this.#provider();
      if (await provider.deleteMemory(id)) return new Response(null, { status: 204 });
      throw new Refusal(404, 'not_found', `there is no memory ${id}`);
    }
    throw new Refusal(404, 'not_found', `there is no ${route}`);
  }

  /** Opened at the first request that needs it, and then there for as long as the object is. */
  #provider(): Promise<LocalProvider> {
    this.#opening ??= LocalProvider.open({ storage: durableObjectStorage(this.ctx.storage) }).catch(
      (error: unknown) => {
        this.#opening = undefined;
        throw error;
      },
    );
    return this.#opening;
  }

  async #requireRoom(provider: LocalProvider): Promise<void> {
    const max = Number(this.env.MAX_STORE_BYTES ?? defaultMaxStoreBytes);
    const { bytes } = await provider.status();
    if (bytes < max) return;
    const message = `the memories must be at most ${max} bytes, and are ${bytes}; delete some`;
    throw new Refusal(507, 'quota_exceeded', message);
  }
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field?: string,
  ) {
    super(message);
  }
}

/** The body's JSON object, which may have the fields `known` and no others. */
async function bodyOf<T extends object>(
  request: Request,
  known: (keyof T)[],
): Promise<Partial<T> & T> {
  const text = await textOf(request);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Refusal(400, 'invalid_argument', 'the body must be JSON');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Refusal(400, 'invalid_argument', 'the body must be a JSON object');
  return only(body, known);
}

/** The request's text, of which no more is read than is allowed. */
async function textOf(request: Request): Promise<string> {
  // A length that is said is kept to. In pieces, a body costs a new process half a millisecond more.
  if (Number(request.headers.get('content-length') ?? Infinity) <= maxBodyBytes)
    return request.text();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes)
      throw new Refusal(413, 'invalid_argument', `the body must be at most ${maxBodyBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function only<T extends object>(given: object, known: (keyof T)[]): T {
  for (const field of Object.keys(given)) {
    if ((known as string[]).includes(field)) continue;
    const message =
      field === 'userId'
        ? 'userId must not be given: the token says whose memories these are'
        : `${field} is not known here; what may be given is ${known.join(', ')}`;
    throw new Refusal(400, 'invalid_argument', message, field);
  }
  return given as T;
}

function requireAtMost(max: number, field: string, value: unknown): void {
  if (typeof value === 'number' && value > max)
    throw new Refusal(
      400,
      'invalid_argument',
      `${field} must be at most ${max}, got ${value}`,
      field,
    );
}
