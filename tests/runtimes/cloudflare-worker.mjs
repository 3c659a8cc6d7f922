// examples/cloudflare-worker in workerd: for its tests, and for the benchmark of its cold path.
import { createHmac } from 'node:crypto';
import path from 'node:path';
import { Workerd } from './workerd.mjs';

export const exampleEntry = path.resolve(
  import.meta.dirname,
  '../../examples/cloudflare-worker/src/worker.ts',
);

export const secret = 'the secret of the tests, which is long enough';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token as others make them: not with the example's own code. Everything about it can be made wrong. */
export function tokenOf(
  user,
  { key = secret, algorithm = 'HS256', hash = 'sha256', claims = {} } = {},
) {
  const exp = Math.floor(Date.now() / 1000) + 60;
  const signed = `${encode({ alg: algorithm, typ: 'JWT' })}.${encode({ sub: user, exp, ...claims })}`;
  return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`;
}

/** Starts the example, or another `entry` like it, or what wrangler made of it in `bundleFolder`. */
export const startExample = ({ bundleFolder, bindings, entry = exampleEntry } = {}) =>
  Workerd.start({
    entry,
    bundleFolder,
    objects: { Memories: 'MEMORIES' },
    bindings: { TOKEN_SECRET: secret, ...bindings },
  });

/** Asks `worker` as `user`; the answer as {status, body}. A `body` that is a text is sent as it is. */
export async function ask(worker, user, method, where, body) {
  const answer = await fetch(worker.origin + where, {
    method,
    headers: { authorization: `Bearer ${tokenOf(user)}` },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
}
