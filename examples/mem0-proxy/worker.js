// A proxy for Mem0's platform, for Cloudflare Workers and whatever else answers a Request with a Response. It holds the
// key, so that no page has it, and lets every user at that user's memories only:
//
//   new Mem0Provider({ baseUrl: '/api/mem0' })   // in a page of the same origin, without a key
//
// Secrets: MEM0_API_KEY, and SESSION_SECRET for `userOf`, which is for you to replace by how your users are known.

const prefix = '/api/mem0';
/** More than a Mem0Provider ever sends at once. */
const maxBytes = 2 << 20;

// What of a body goes on: what a Mem0Provider sends.
const fields = {
  add: 'messages agent_id run_id metadata infer timestamp expiration_date',
  search: 'query filters top_k threshold metadata',
  list: 'filters',
  change: 'text metadata',
};

export default {
  /** @param {Request} request */
  async fetch(request, env) {
    const url = new URL(request.url);
    if (!url.pathname.startsWith(`${prefix}/`)) return refuse(404, 'there is nothing here');
    for (const secret of ['MEM0_API_KEY', 'SESSION_SECRET']) {
      if (!env[secret]) return refuse(501, `the proxy has no ${secret}`);
    }
    // A page of another origin may send the cookie along, but not say that it is this one.
    const origin = request.headers.get('origin');
    if (origin !== null && origin !== url.origin) return refuse(403, 'of another origin');
    const user = await userOf(request, env);
    // Mem0 takes '*' for everybody.
    if (user === undefined || user === '*') return refuse(401, 'sign in first');

    const text = await textOf(request);
    if (text === undefined) return refuse(413, `more than ${maxBytes} bytes at once`);
    let body;
    try {
      body = text === '' ? undefined : JSON.parse(text);
    } catch {
      return refuse(400, 'the body is no JSON');
    }
    try {
      return await answer(request.method, url, body, user, env);
    } catch {
      return refuse(502, 'Mem0 gave no answer that could be used');
    }
  },
};

async function answer(method, { pathname, searchParams }, body, user, env) {
  const path = pathname.slice(prefix.length);
  const mem0 = (verb, where, what) =>
    fetch(`${env.MEM0_URL ?? 'https://api.mem0.ai'}${where}`, {
      method: verb,
      redirect: 'manual',
      headers: {
        authorization: `Token ${env.MEM0_API_KEY}`,
        ...(what && { 'content-type': 'application/json' }),
      },
      ...(what && { body: JSON.stringify(what) }),
    });
  // Whatever the filters say, they say it of this user's memories.
  const own = { AND: [{ user_id: user }, ...(body?.filters ? [body.filters] : [])] };

  switch (`${method} ${path}`) {
    case 'POST /v3/memories/add/':
      return pass(await mem0(method, path, { ...only(fields.add, body), user_id: user }));
    case 'POST /v3/memories/search/':
      return pass(await mem0(method, path, { ...only(fields.search, body), filters: own }));
    case 'POST /v3/memories/': {
      const page = new URLSearchParams(only('page page_size', Object.fromEntries(searchParams)));
      const query = page.size > 0 ? `?${page}` : '';
      return pass(await mem0(method, path + query, { ...only(fields.list, body), filters: own }));
    }
    case 'DELETE /v1/memories/':
      return pass(await mem0(method, `${path}?user_id=${encodeURIComponent(user)}`));
  }
  // An event has no owner, and an id that nobody guesses.
  if (method === 'GET' && /^\/v1\/event\/[\da-f-]{36}\/$/.test(path)) {
    return pass(await mem0(method, path));
  }
  const [, id, history] = /^\/v1\/memories\/([\da-f-]{36})\/(history\/)?$/.exec(path) ?? [];
  const methods = history ? ['GET'] : ['GET', 'PUT', 'DELETE'];
  if (id === undefined || !methods.includes(method)) return refuse(403, 'not through this proxy');
  const memory = await mem0('GET', `/v1/memories/${id}/`);
  if (!memory.ok) return pass(memory);
  const { user_id: owner } = await memory.json();
  if (owner !== user) return Response.json({ error: 'Memory not found!' }, { status: 404 });
  return pass(await mem0(method, path, method === 'PUT' ? only(fields.change, body) : undefined));
}

/** The members of `object` that are named, and there. */
function only(names, object) {
  const members = names.split(' ').map((name) => [name, object?.[name]]);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

/** The body; undefined where it is too long, of which no more than that is read. */
async function textOf(request) {
  const parts = [];
  let size = 0;
  for await (const part of request.body ?? []) {
    size += part.length;
    if (size > maxBytes) return undefined;
    parts.push(part);
  }
  return new Blob(parts).text();
}

/** Who sends the request; undefined: nobody known. Here: a cookie `session=NAME.HMAC`, as `sessionOf` makes it. */
async function userOf(request, env) {
  const cookie = /(?:^|;\s*)session=([^;]*)/.exec(request.headers.get('cookie') ?? '')?.[1];
  let session;
  try {
    session = decodeURIComponent(cookie ?? '');
  } catch {
    return undefined;
  }
  const [, name, mac] = /^(.+)\.([\da-f]{64})$/s.exec(session) ?? [];
  if (name === undefined) return undefined;
  const bytes = Uint8Array.from(mac.match(/../g), (pair) => parseInt(pair, 16));
  const valid = await crypto.subtle.verify(
    'HMAC',
    await keyOf(env),
    bytes,
    new TextEncoder().encode(name),
  );
  return valid ? name : undefined;
}

/** The cookie of a user who has signed in. */
export async function sessionOf(name, env) {
  const mac = await crypto.subtle.sign('HMAC', await keyOf(env), new TextEncoder().encode(name));
  const hex = Array.from(new Uint8Array(mac), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );
  return `session=${encodeURIComponent(`${name}.${hex}`)}; HttpOnly; Secure; SameSite=Strict; Path=/`;
}

function keyOf(env) {
  const secret = new TextEncoder().encode(env.SESSION_SECRET);
  return crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
    'verify',
  ]);
}

/** An answer of Mem0's, with what a Mem0Provider looks at. */
function pass(answer) {
  const headers = new Headers({ 'cache-control': 'no-store' });
  for (const name of ['content-type', 'retry-after']) {
    const value = answer.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response(answer.body, { status: answer.status, headers });
}

function refuse(status, detail) {
  return Response.json({ detail }, { status });
}
