// Tokens are JSON Web Tokens signed with HMAC-SHA-256 (`HS256`), as any library makes them: `sub` is the user and `exp`
// the end, in seconds since 1970. If your users are known in another way, `userOf` is the one function to replace.

const encoder = new TextEncoder();

/**
 * The user whose valid token `request` brings as `Authorization: Bearer …`, or undefined. Throws for a `secret` that is
 * too short: without one, anybody could sign.
 */
export async function userOf(request: Request, secret: string): Promise<string | undefined> {
  if (!(secret?.length >= 32)) throw new Error('TOKEN_SECRET must have at least 32 characters');
  const header = request.headers.get('authorization') ?? '';
  const [, head, claims, signature] = /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/i.exec(header) ?? [];
  if (head === undefined || claims === undefined || signature === undefined) return undefined;
  try {
    // The token may not choose how it is checked.
    if (JSON.parse(textOf(head)).alg !== 'HS256') return undefined;
    const key = await crypto.subtle.importKey(
      'raw',
      encoder.encode(secret),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['verify'],
    );
    // Compares in constant time.
    const signed = encoder.encode(`${head}.${claims}`);
    if (!(await crypto.subtle.verify('HMAC', key, bytesOf(signature), signed))) return undefined;
    const { sub, exp } = JSON.parse(textOf(claims));
    if (typeof sub !== 'string' || sub === '') return undefined;
    return typeof exp === 'number' && Date.now() < exp * 1000 ? sub : undefined;
  } catch {
    return undefined; // no base64, or no JSON
  }
}

/** The bytes of a text in base64url. */
function bytesOf(text: string): Uint8Array {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function textOf(text: string): string {
  return new TextDecoder().decode(bytesOf(text));
}
