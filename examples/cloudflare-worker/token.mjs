// node token.mjs USER: prints a token that is good for a day. TOKEN_SECRET is taken from the environment, or .dev.vars.
import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

function fail(message) {
  console.error(message);
  process.exit(1);
}

const [user] = process.argv.slice(2);
if (!user) fail('usage: node token.mjs USER');
const variables = existsSync('.dev.vars') ? readFileSync('.dev.vars', 'utf8') : '';
const secret =
  process.env.TOKEN_SECRET ?? /^TOKEN_SECRET\s*=\s*"?([^"\n]*)/m.exec(variables)?.[1] ?? '';
if (secret.length < 32) fail('TOKEN_SECRET must have at least 32 characters');
const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const exp = Math.floor(Date.now() / 1000) + 24 * 60 * 60;
const signed = `${base64url({ alg: 'HS256', typ: 'JWT' })}.${base64url({ sub: user, exp })}`;
console.log(`${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`);
