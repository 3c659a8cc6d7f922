// A proxy for Mem0's platform, for Cloudflare Workers and whatever else answers a Request with a Response. It holds the
// key, so that no page has it, and lets every user at that user's memories only:
//
//   new Mem0Provider({ baseUrl: '/api/mem0' })   // in a page of the same origin, without a key
//
// Secrets: MEM0_API_KEY, and SESSION_SECRET for `userOf`, which is for you to replace by how your users are known.

const prefix = '/api/mem0';
const maxBytes = 1 << 20;

export default {
  /** @param {Request} request */
  async fetch(request, env) {
    const url = new URL(request.url);
    if (!url.pathname.startsWith(`${prefix}/`)) return refuse(404, 'there is nothing here');
    // A page of another origin may send the cookie along, but not say that it is this one.
    const origin = request.headers.get('origin');
    if (origin !== null && origin !== url.origin) return refuse(403, 'of another origin');
    const user = await userOf(request, env);
    if (user === undefined) return refuse(401, 'sign in first');

    const text = await request.text();
    if (text.length > maxBytes) return refuse(413, 'too much at once');
    let body;
    try {
      body = text === '' ? undefined : JSON.parse(text);
    } catch {
      return refuse(400, 'the body is no JSON');
    }
    const path = url.pathname.slice(prefix.length);
    const call = `${request.method} ${path}`;
    const mem0 = (method, where, what) =>
      fetch(`${env.MEM0_URL ?? 'https://api.mem0.ai'}${where}`, {
        method,
        redirect: 'manual',
        headers: {
          authorization: `Token ${env.MEM0_API_KEY}`,
          ...(what && { 'content-type': 'application/json' }),
        },
        ...(what && { body: JSON.stringify(what) }),
      });

    if (call === 'POST /v3/memories/add/') {
      return pass(await mem0('POST', path, { ...body, user_id: user }));
    }
    if (call === 'POST /v3/memories/search/' || call === 'POST /v3/memories/') {
      // Whatever the filters say, they say it of this user's memories.
      const filters = { AND: [{ user_id: user }, ...(body?.filters ? [body.filters] : [])] };
      return pass(await mem0('POST', path + url.search, { ...body, filters }));
    }
    if (call === 'DELETE /v1/memories/') {
      return pass(await mem0('DELETE', `${path}?user_id=${encodeURIComponent(user)}`));
    }
    // An event has no owner, and an id that nobody guesses.
    if (/^GET \/v1\/event\/[\da-f-]{36}\/$/.test(call)) return pass(await mem0('GET', path));
    const [, id] =
      /^(?:GET|PUT|DELETE) \/v1\/memories\/([\da-f-]{36})\/(?:history\/)?$/.exec(call) ?? [];
    if (id === undefined) return refuse(403, 'not through this proxy');
    const memory = await mem0('GET', `/v1/memories/${id}/`);
    if (!memory.ok) return pass(memory);
    const { user_id: owner } = await memory.json();
    if (owner !== user) return Response.json({ error: 'Memory not found!' }, { status: 404 });
    return pass(await mem0(request.method, path, body));
  },
};

/** Who sends the request; undefined: nobody known. Here: a cookie `session=NAME.HMAC`, as `sessionOf` makes it. */
async function userOf(request, env) {
  const cookie = /(?:^|;\s*)session=([^;]*)/.exec(request.headers.get('cookie') ?? '')?.[1];
  const [name, mac] = decodeURIComponent(cookie ?? '').split(/\.(?=[^.]*$)/);
  if (!name || !/^[\da-f]{64}$/.test(mac ?? '')) return undefined;
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
