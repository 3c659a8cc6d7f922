// Mem0 on loopback, with state: its hosted platform, every request and answer held against the vendor's OpenAPI, or a
// self-hosted server with the behaviour that was measured. Both can be told to fail.
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';

const shared = path.resolve(import.meta.dirname, '../../../../shared/mem0');
/** Whether the vendor's OpenAPI lies beside the project. */
export const hasOpenApi = existsSync(path.join(shared, 'openapi.json'));
const openapi = hasOpenApi
  ? JSON.parse(await readFile(path.join(shared, 'openapi.json'), 'utf8'))
  : undefined;

// ------------------------------------------------------------------------------------- the schema

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What of `value` is not as `schema` has it. With `strict`, members that it does not name are wrong. */
export function violations(schema, value, where, strict = false) {
  if (schema.$ref) {
    const target = schema.$ref
      .slice(2)
      .split('/')
      .reduce((at, key) => at[key], openapi);
    return violations(target, value, where, strict);
  }
  if (value === null && schema.nullable) return [];
  if (schema.oneOf) {
    const each = schema.oneOf.map((one) => violations(one, value, where, strict));
    return each.some((found) => found.length === 0) ? [] : each.flat();
  }
  const is = {
    object: typeof value === 'object' && value !== null && !Array.isArray(value),
    array: Array.isArray(value),
    string: typeof value === 'string',
    integer: Number.isInteger(value),
    number: typeof value === 'number',
    boolean: typeof value === 'boolean',
  };
  if (schema.type && !is[schema.type])
    return [`${where} must be of type ${schema.type}, is ${JSON.stringify(value)}`];
  const found = [];
  if (schema.enum && !schema.enum.includes(value))
    found.push(`${where} must be one of ${schema.enum}`);
  if (is.number && value < schema.minimum) found.push(`${where} is below ${schema.minimum}`);
  if (is.number && value > schema.maximum) found.push(`${where} is above ${schema.maximum}`);
  if (is.string && value.length < schema.minLength) found.push(`${where} is too short`);
  if (is.string && schema.format === 'uuid' && !uuid.test(value)) found.push(`${where} is no UUID`);
  if (is.string && schema.format === 'date' && !/^\d{4}-\d\d-\d\d$/.test(value))
    found.push(`${where} is no date`);
  if (is.array && value.length > schema.maxItems) found.push(`${where} has too many items`);
  if (is.array && schema.items)
    value.forEach((item, i) =>
      found.push(...violations(schema.items, item, `${where}[${i}]`, strict)),
    );
  if (is.object) {
    for (const key of schema.required ?? [])
      if (!(key in value)) found.push(`${where} has no ${key}`);
    for (const [key, member] of Object.entries(value)) {
      const known = schema.properties?.[key];
      if (known) found.push(...violations(known, member, `${where}.${key}`, strict));
      else if (strict && schema.properties && !schema.additionalProperties)
        found.push(`${where}.${key} is not in the schema`);
    }
  }
  return found;
}

/** The operation of the OpenAPI for a request, with the parameters of its path; of two, that with fewer. */
function operationFor(method, pathname) {
  const parametersOf = (template) => template.split('{').length;
  return Object.entries(openapi.paths)
    .sort(([a], [b]) => parametersOf(a) - parametersOf(b))
    .map(([template, operations]) => {
      const pattern = new RegExp(`^${template.replaceAll(/\{\w+\}/g, '([^/]+)')}$`);
      const match = pattern.exec(pathname);
      const operation = match && operations[method.toLowerCase()];
      return operation && { operation, parameters: match.slice(1).map(decodeURIComponent) };
    })
    .find(Boolean);
}

function violationsOfRequest(operation, { query, body, headers }) {
  const found = [];
  const known = new Map((operation.parameters ?? []).map((each) => [each.name, each]));
  for (const [name, value] of query) {
    const parameter = known.get(name);
    if (!parameter || parameter.in !== 'query') {
      found.push(`the query has an unknown ${name}`);
      continue;
    }
    const { schema } = parameter;
    found.push(...violations(schema, schema.type === 'integer' ? Number(value) : value, name));
  }
  const schema = operation.requestBody?.content['application/json'].schema;
  if (schema && body === undefined) found.push('there is no body');
  if (!schema && body !== undefined) found.push('there is a body, but none is wanted');
  if (schema && body !== undefined) {
    found.push(...violations(schema, body, 'body', true));
    if (headers['content-type'] !== 'application/json') found.push('the body is not called JSON');
  }
  if (!/^Token \S+$/.test(headers.authorization ?? '')) found.push('there is no token');
  return found;
}

// ------------------------------------------------------------------------------------- filters

const rootKeys = new Set(
  'AND OR NOT user_id agent_id app_id run_id created_at updated_at timestamp expiration_date text categories metadata keywords_search memory_ids keywords'.split(
    ' ',
  ),
);

function compare(value, condition, isTime = false) {
  const of = (each) => (isTime ? Date.parse(each) : each);
  if (condition === '*') return value !== null && value !== undefined;
  if (typeof condition !== 'object') return of(value) === of(condition);
  return Object.entries(condition).every(([op, operand]) => {
    switch (op) {
      case 'eq':
        return of(value) === of(operand);
      case 'ne':
        return of(value) !== of(operand);
      case 'in':
        return operand.map(of).includes(of(value));
      case 'nin':
        return !operand.map(of).includes(of(value));
      case 'gt':
        return of(value) > of(operand);
      case 'gte':
        return of(value) >= of(operand);
      case 'lt':
        return of(value) < of(operand);
      case 'lte':
        return of(value) <= of(operand);
      case 'contains':
        return String(value ?? '').includes(operand);
      case 'icontains':
        return String(value ?? '')
          .toLowerCase()
          .includes(operand.toLowerCase());
      default:
        throw new Refusal(400, { error: `unknown operator ${op}` });
    }
  });
}

function platformMatches(filter, memory) {
  for (const key of Object.keys(filter)) {
    if (!rootKeys.has(key))
      throw new Refusal(400, { filters: [`Top-level key must be an allowed field, got ${key}`] });
  }
  return Object.entries(filter).every(([key, value]) => {
    switch (key) {
      case 'AND':
        return value.every((each) => platformMatches(each, memory));
      case 'OR':
        return 'AND' in filter || value.some((each) => platformMatches(each, memory)); // dropped beside an AND
      case 'NOT':
        return !value.some((each) => platformMatches(each, memory));
      case 'metadata':
        return Object.entries(value).every(([name, condition]) => {
          if (
            typeof condition === 'object' &&
            !Object.keys(condition).every((op) => /^(ne|contains)$/.test(op))
          )
            throw new Refusal(400, { error: 'metadata has only ne and contains' });
          return compare(memory.metadata?.[name], condition);
        });
      case 'memory_ids':
        return value.includes(memory.id);
      case 'keywords':
        return compare(memory.memory, value);
      case 'created_at':
      case 'updated_at':
        return compare(memory[key], value, true);
      default:
        return compare(memory[key], value);
    }
  });
}

const namesEntity = (filter) =>
  Object.entries(filter).some(([key, value]) => {
    if (/^(user|agent|app|run)_id$/.test(key)) return value !== '*' && value?.ne === undefined;
    if (key === 'AND') return value.some(namesEntity);
    return key === 'OR' && value.every(namesEntity);
  });

/** As a self-hosted server makes one flat filter of all: what comes later wins. */
function selfHostedMatches(filter, memory) {
  const flat = {};
  const groups = {};
  const take = ([key, value]) => {
    if (key === 'AND') value.flatMap(Object.entries).forEach(take);
    else if (key === 'OR' || key === 'NOT') groups[key] = value;
    else
      flat[key] =
        typeof flat[key] === 'object' && typeof value === 'object'
          ? { ...flat[key], ...value }
          : value;
  };
  Object.entries(filter).forEach(take);
  const of = (key) => memory[key] ?? memory.metadata?.[key];
  const all = (each) => Object.entries(each).every(([key, value]) => compare(of(key), value));
  return all(flat) && (groups.OR?.some(all) ?? true) && !(groups.NOT?.some(all) ?? false);
}

// ------------------------------------------------------------------------------------- the server

class Refusal extends Error {
  constructor(status, body) {
    super(JSON.stringify(body));
    this.status = status;
    this.body = body;
  }
}

/** How relevant: the share of the query's words that the text has. */
function scoreOf(query, text) {
  const words = query.toLowerCase().match(/\w+/g) ?? [];
  const there = new Set(text.toLowerCase().match(/\w+/g));
  return words.filter((word) => there.has(word)).length / Math.max(1, words.length);
}

/**
 * A server. `faults` are used up one a request, each a function of the response (true: it has answered); `requests` and
 * `problems` tell what came and what of it the OpenAPI does not have.
 *
 * @param options - `api`; `pendingPolls`: how often an add is still pending; `allow`: the one origin that CORS allows;
 *   `isChecked`: whether it holds requests and answers against the OpenAPI, and keeps them: not where it is timed.
 */
export async function startMem0({
  api = 'platform',
  key = 'm0-test-key',
  pendingPolls = 0,
  allow,
  isChecked = true,
} = {}) {
  const isPlatform = api === 'platform';
  const state = {
    memories: new Map(),
    events: new Map(),
    history: new Map(),
    requests: [],
    problems: [],
    faults: [],
    preflights: [],
    inFlight: 0,
    mostInFlight: 0,
  };
  let clock = Date.parse('2026-01-01T00:00:00Z');

  const note = (memory, event, before) => {
    const entries = state.history.get(memory.id) ?? [];
    entries.push({
      id: randomUUID(),
      memory_id: memory.id,
      input: [],
      old_memory: before ?? null,
      new_memory: event === 'DELETE' ? (isPlatform ? '' : null) : memory.memory,
      user_id: memory.user_id ?? '',
      event,
      created_at: isPlatform ? new Date(clock).toISOString() : memory.created_at,
      updated_at: new Date(clock).toISOString(),
    });
    state.history.set(memory.id, entries);
  };

  const store = (body, content, role) => {
    clock += 1000;
    const now = new Date(
      body.timestamp === undefined ? clock : body.timestamp * 1000,
    ).toISOString();
    const memory = {
      id: randomUUID(),
      memory: content,
      user_id: body.user_id ?? null,
      agent_id: body.agent_id ?? null,
      run_id: body.run_id ?? null,
      metadata: body.metadata ?? null,
      expiration_date: body.expiration_date ?? null,
      created_at: now,
      updated_at: now,
      ...(isPlatform ? { app_id: null, categories: [] } : { role, hash: 'x' }),
    };
    // What is there already is dropped, in one scope and as it is.
    const same = [...state.memories.values()].find(
      (each) =>
        isPlatform &&
        body.infer === false &&
        ['memory', 'user_id', 'agent_id', 'run_id'].every((field) => each[field] === memory[field]),
    );
    if (same) return undefined;
    state.memories.set(memory.id, memory);
    note(memory, 'ADD');
    return memory;
  };
  const add = (body) => {
    const kept =
      body.infer === false ? body.messages : body.messages.filter(({ role }) => role === 'user');
    return kept
      .map(({ content, role }) =>
        store(body, body.infer === false ? content : `Fact: ${content}`, role),
      )
      .filter(Boolean);
  };

  const newest = () =>
    [...state.memories.values()].sort((a, b) => b.created_at.localeCompare(a.created_at));
  const required = (id) => {
    const memory = state.memories.get(id);
    if (memory) return memory;
    throw new Refusal(
      404,
      isPlatform ? { error: 'Memory not found!' } : { detail: `Memory with id ${id} not found` },
    );
  };
  const remove = (memory) => {
    state.memories.delete(memory.id);
    clock += 1000;
    note(memory, 'DELETE', memory.memory);
  };
  const update = (memory, { text, metadata }) => {
    const before = memory.memory;
    clock += 1000;
    if (text !== undefined) memory.memory = text;
    if (metadata !== undefined) memory.metadata = metadata;
    memory.updated_at = new Date(clock).toISOString();
    note(memory, 'UPDATE', before);
  };
  const asListed = ({ run_id: session_id, ...memory }) => ({ ...memory, session_id });
  const filtered = (filters, matches) => newest().filter((each) => matches(filters, each));
  const searched = (memories, { query, top_k = 10, threshold = 0.1 }) =>
    memories
      .map((each) => ({ ...each, score: scoreOf(query, each.memory) }))
      .filter(({ score }) => score >= threshold)
      .sort((a, b) => b.score - a.score)
      .slice(0, top_k);

  const platform = {
    // What the official client asks as it is made.
    'GET /v1/ping/': () => ({
      status: 'ok',
      org_id: 'org',
      project_id: 'project',
      user_email: 'ada@example.com',
    }),
    'POST /v3/memories/add/': ({ body }) => {
      if (!body.user_id && !body.agent_id && !body.run_id && !body.app_id)
        throw new Refusal(400, { error: 'At least one entity ID is required' });
      const event_id = randomUUID();
      const results = (made) =>
        made.map(({ id, memory }) => ({ id, data: { memory }, event: 'ADD' }));
      if (body.infer === false || pendingPolls === 0)
        return {
          message: 'Memories stored successfully',
          status: 'SUCCEEDED',
          event_id,
          results: results(add(body)),
        };
      state.events.set(event_id, { left: pendingPolls, done: () => results(add(body)) });
      return { status: 'PENDING', event_id, message: 'Memory processing has been queued' };
    },
    'POST /v3/memories/search/': ({ body }) => {
      if (!namesEntity(body.filters))
        throw new Refusal(400, { error: 'filters must name an entity' });
      const all = filtered(body.filters, platformMatches).filter((each) =>
        Object.entries(body.metadata ?? {}).every(
          ([name, value]) => each.metadata?.[name] === value,
        ),
      );
      return {
        results: searched(all, body).map((each) => ({
          ...each,
          score_breakdown: { semantic: each.score, bm25: each.score / 2, entity: 0 },
        })),
      };
    },
    'POST /v3/memories/': ({ body, query }) => {
      if (!namesEntity(body.filters))
        throw new Refusal(400, { error: 'filters must name an entity' });
      const page = Number(query.get('page') ?? 1);
      const size = Number(query.get('page_size') ?? 100);
      const all = filtered(body.filters, platformMatches);
      const results = all.slice((page - 1) * size, page * size).map(asListed);
      if (page > 1 && results.length === 0) throw new Refusal(404, { detail: 'Invalid page.' });
      const next = page * size < all.length ? `${server.url}/v3/memories/?page=${page + 1}` : null;
      return { count: all.length, next, previous: null, results };
    },
    'GET /v1/memories/{}/': ({ id }) => asListed(required(id)),
    'PUT /v1/memories/{}/': ({ id, body }) => (update(required(id), body), asListed(required(id))),
    'DELETE /v1/memories/{}/': ({ id }) => (
      remove(required(id)),
      { message: 'Memory deleted successfully!' }
    ),
    'GET /v1/memories/{}/history/': ({ id }) => state.history.get(id) ?? [],
    'DELETE /v1/memories/': ({ query }) => {
      const [[field, value] = []] = query;
      if (!field) throw new Refusal(400, { error: 'One of the filters is required!' });
      // Of several only one is looked at.
      for (const each of newest()) if (value === '*' || each[field] === value) remove(each);
      const event_id = randomUUID();
      state.events.set(event_id, { left: pendingPolls, done: () => [] });
      return { message: 'Delete in progress. This may take some time.', event_id };
    },
    'DELETE /v1/batch/': ({ body }) => {
      for (const { memory_id } of body.memories) remove(required(memory_id));
      return { message: `Successfully deleted ${body.memories.length} memories` };
    },
    'GET /v1/event/{}/': ({ id }) => {
      const event = state.events.get(id);
      if (!event) throw new Refusal(404, { error: 'Event not found' });
      if (event.fails)
        return { id, event_type: 'ADD', status: 'FAILED', results: [], error: event.fails };
      if (event.left-- > 0) return { id, event_type: 'ADD', status: 'PENDING', results: [] };
      event.results ??= event.done();
      return { id, event_type: 'ADD', status: 'SUCCEEDED', results: event.results };
    },
  };
  const selfHosted = {
    'POST /memories': ({ body }) => {
      if (!body.user_id && !body.agent_id && !body.run_id)
        throw new Refusal(400, {
          detail: 'At least one identifier (user_id, agent_id, run_id) is required.',
        });
      if (body.messages.some(({ content }) => typeof content !== 'string'))
        throw new Refusal(422, {
          detail: [
            {
              type: 'string_type',
              loc: ['body', 'messages', 0, 'content'],
              msg: 'Input should be a valid string',
            },
          ],
        });
      return { results: add(body).map(({ id, memory }) => ({ id, memory, event: 'ADD' })) };
    },
    'POST /search': ({ body }) => ({
      results: searched(filtered(body.filters, selfHostedMatches), { top_k: 20, ...body }).map(
        (each) =>
          body.explain
            ? { ...each, score_details: { semantic_score: each.score, bm25_score: 0 } }
            : each,
      ),
    }),
    'GET /memories': ({ query }) => {
      const most = Number(query.get('top_k') ?? 20);
      if (most > 1000)
        throw new Refusal(422, { detail: [{ loc: ['query', 'top_k'], msg: 'too many' }] });
      query.delete('top_k');
      const results = newest()
        .reverse()
        .filter((each) => [...query].every(([field, value]) => each[field] === value));
      return { results: results.slice(0, most) };
    },
    'GET /memories/{}': ({ id }) => (requireUuid(id), state.memories.get(id) ?? null),
    'PUT /memories/{}': ({ id, body }) => (
      update(required(id), body),
      { message: 'Memory updated successfully!' }
    ),
    'DELETE /memories/{}': ({ id }) => (
      requireUuid(id),
      remove(required(id)),
      { message: 'Memory deleted successfully' }
    ),
    'GET /memories/{}/history': ({ id }) => state.history.get(id) ?? [],
    'DELETE /memories': ({ query }) => {
      if ([...query].length === 0)
        throw new Refusal(400, { detail: 'At least one identifier is required.' });
      for (const each of newest())
        if ([...query].every(([field, value]) => each[field] === value)) remove(each);
      return { message: 'All relevant memories deleted' };
    },
  };
  function requireUuid(id) {
    if (!uuid.test(id))
      throw new Refusal(502, {
        detail: 'Upstream provider error.',
        code: 'unknown',
        request_id: 'x',
      });
  }
  const routes = Object.entries(isPlatform ? platform : selfHosted).map(([route, answer]) => {
    const [method, template] = route.split(' ');
    return { method, pattern: new RegExp(`^${template.replace('{}', '([^/]+)')}$`), answer };
  });

  function answer(request) {
    const { method, pathname, headers, body } = request;
    const wanted = isPlatform
      ? headers.authorization === `Token ${key}`
      : headers['x-api-key'] === key;
    if (!wanted)
      throw new Refusal(401, {
        detail: `Invalid API key: ${headers.authorization ?? headers['x-api-key']}`,
      });
    let schema;
    if (isPlatform && isChecked) {
      const found = operationFor(method, pathname);
      // The official client sends it, and the platform takes it; the OpenAPI does not have it.
      const { output_format, ...known } = body ?? {};
      const isTolerated = output_format !== undefined && 'x-mem0-client' in headers;
      const wrong = found
        ? violationsOfRequest(found.operation, { ...request, body: isTolerated ? known : body })
        : [`no ${method} ${pathname}`];
      if (wrong.length > 0) {
        state.problems.push(...wrong);
        throw new Refusal(400, { error: wrong.join('; ') });
      }
      for (const name of ['user_id', 'agent_id', 'run_id']) {
        if (body && name in body && pathname !== '/v3/memories/add/')
          throw new Refusal(400, { error: `${name} is not supported at the top level` });
      }
      if (/^\/v1\/(memories|event)\/[^/]+\//.test(pathname) && !uuid.test(found.parameters[0]))
        throw new Refusal(400, { error: 'memory_id should be a valid UUID' });
      schema = found.operation.responses['200']?.content?.['application/json']?.schema;
    }
    for (const { method: known, pattern, answer: respond } of routes) {
      const match = known === method && pattern.exec(pathname);
      if (!match) continue;
      const result = respond({ ...request, id: match[1] && decodeURIComponent(match[1]) });
      if (schema) state.problems.push(...violations(schema, result, 'the answer'));
      return result;
    }
    throw new Refusal(404, { detail: 'Not Found' });
  }

  async function handle(incoming, response) {
    const { pathname, searchParams } = new URL(incoming.url, 'http://loopback');
    const cors = allow ? { 'access-control-allow-origin': allow, vary: 'Origin' } : {};
    if (incoming.method === 'OPTIONS') {
      state.preflights.push(incoming.headers['access-control-request-headers'] ?? '');
      response.writeHead(allow ? 200 : 400, {
        ...cors,
        // As little as may be: the official client fails on it.
        'access-control-allow-headers': isPlatform
          ? 'authorization,content-type'
          : 'x-api-key,content-type',
        'access-control-allow-methods': 'GET,POST,PUT,DELETE',
      });
      return response.end();
    }
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const request = {
      method: incoming.method,
      pathname,
      query: searchParams,
      headers: incoming.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
    if (isChecked) state.requests.push(request);
    const send = (status, body, headers = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...cors, ...headers });
      response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
    };
    const act = () => {
      try {
        send(200, answer(request));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        send(error.status, error.body);
      }
    };
    const fault = state.faults.shift();
    if (fault) return fault({ response, send, act, request, cors });
    return act();
  }

  const server = createServer((incoming, response) => {
    state.mostInFlight = Math.max(state.mostInFlight, ++state.inFlight);
    response.once('close', () => state.inFlight--);
    handle(incoming, response).catch((error) => {
      state.problems.push(String(error?.stack ?? error));
      response.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  server.url = `http://127.0.0.1:${server.address().port}`;
  return {
    ...state,
    get mostInFlight() {
      return state.mostInFlight;
    },
    url: server.url,
    key,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Faults, for `faults.push(...)`. */
export const fault = {
  status:
    (status, body = { detail: 'as told' }, headers = {}) =>
    ({ send }) =>
      send(status, body, headers),
  /** Answers after the client has given up. */
  mute: () => () => undefined,
  /** Does what is asked, and loses the answer. */
  lost:
    () =>
    ({ response, act }) => {
      const { end } = response;
      response.writeHead = () => response;
      response.end = () => response;
      act();
      response.end = end;
      response.destroy();
    },
  /** Breaks off in the middle of the body. */
  cut:
    () =>
    ({ response, cors }) => {
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': '1000',
        ...cors,
      });
      response.write('{"results":[{"id":');
      setTimeout(() => response.destroy(), 20);
    },
  html:
    () =>
    ({ send }) =>
      send(200, '<!doctype html><title>Sign in</title>', { 'content-type': 'text/html' }),
  invalidUtf8:
    () =>
    ({ send }) =>
      send(200, Buffer.from([0x22, 0xff, 0xfe, 0x22])),
  /** More than anybody should have to hold. */
  huge:
    () =>
    ({ response, cors }) => {
      response.writeHead(200, { 'content-type': 'application/json', ...cors });
      const part = Buffer.alloc(1 << 20, ' ');
      const more = () => {
        while (!response.destroyed && response.write(part));
      };
      response.on('drain', more);
      response.on('error', () => undefined);
      more();
    },
};
