const statusHeaders: Record<number, HeadersInit> = {
  401: { 'www-authenticate': 'Bearer' },
  503: { 'retry-after': '1' },
};

/** An answer in JSON that nobody on the way keeps. */
export function answer(status: number, body: unknown): Response {
  const headers = new Headers({ 'cache-control': 'no-store', ...statusHeaders[status] });
  return Response.json(body, { status, headers });
}

/** What is answered instead of what was asked for. `field` is the argument at fault. */
export function refuse(status: number, code: string, message: string, field?: string): Response {
  return answer(status, { error: { code, message, field } });
}
