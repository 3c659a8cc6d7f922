// SPDX-License-Identifier: MIT
//
// Any OpenAI-compatible endpoint: POST {base}/chat/completions, streamed where the server does that.
// The key lives in the closure below and nowhere else.

import { AgentError, type Agent, type AgentRequest } from './agent.js';

export interface Endpoint {
  readonly baseUrl: string;
  readonly model: string;
  readonly apiKey: string;
}

/** The endpoint's address, or undefined where that is none. */
export function parseBaseUrl(text: string): URL | undefined {
  if (!URL.canParse(text.trim())) return undefined;
  const url = new URL(text.trim());
  if (!['http:', 'https:'].includes(url.protocol) || url.username || url.password) return undefined;
  url.search = url.hash = '';
  url.pathname = url.pathname.replace(/\/+$/, '').replace(/\/chat\/completions$/, '');
  return url;
}

/** Whether what is sent there can be read on the way. */
export function isInsecure(url: URL): boolean {
  return url.protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
}

export function openAiAgent({ baseUrl, model, apiKey }: Endpoint): Agent {
  const url = parseBaseUrl(baseUrl);
  if (!url) throw new AgentError('That base URL is not an http or https address.');
  const address = `${url.href.replace(/\/$/, '')}/chat/completions`;

  return {
    note: `${model} at ${url.host}, with what was remembered in its instructions.`,
    privacy: `Memories stay in this browser; messages, and the memories found for them, go to ${url.host}.`,
    leavesBrowser: true,
    async reply({ messages, signal, onPartialReply }) {
      try {
        const response = await request(address, { model, messages, stream: true }, apiKey, signal);
        if (!response.ok)
          throw new AgentError(
            `${url.host} answered ${response.status}: ${await problem(response)}`,
          );
        const reply = await readReply(response, onPartialReply);
        if (!reply) throw new AgentError(`${url.host} sent no text.`);
        return reply;
      } catch (error) {
        if (signal.aborted) throw error;
        const reason =
          error instanceof AgentError
            ? error.message
            : `${url.host} could not be reached, or the connection broke. Is it running, and does it allow calls from this page (CORS)?`;
        throw new AgentError(apiKey ? reason.replaceAll(apiKey, '•••') : reason);
      }
    },
  };
}

async function readReply(
  response: Response,
  onPartialReply: AgentRequest['onPartialReply'],
): Promise<string> {
  if (response.body && response.headers.get('content-type')?.includes('text/event-stream')) {
    return readStream(response.body, onPartialReply);
  }
  return contentOf(parse(await response.text()), 'message');
}

function request(
  address: string,
  body: object,
  apiKey: string,
  signal: AbortSignal,
): Promise<Response> {
  return fetch(address, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(apiKey && { authorization: `Bearer ${apiKey}` }),
    },
    body: JSON.stringify(body),
    signal,
    cache: 'no-store',
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
  });
}

/** Server-sent events: lines "data: {…}", the last one "data: [DONE]". */
async function readStream(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  onPartialReply: AgentRequest['onPartialReply'],
): Promise<string> {
  let reply = '';
  let rest = '';
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (rest + (value ?? '')).split(/\r?\n/);
    rest = done ? '' : (lines.pop() ?? '');
    for (const line of lines) {
      if (!line.startsWith('data:')) continue;
      const event = parse(line.slice('data:'.length));
      if (field(event, 'error')) throw new AgentError(`The reply broke off: ${errorIn(event)}`);
      const more = contentOf(event, 'delta');
      if (!more) continue;
      reply += more;
      onPartialReply(reply);
    }
    if (done) return reply;
  }
}

/** choices[0].message.content, or the same of a delta. */
function contentOf(answer: unknown, part: 'message' | 'delta'): string {
  const choices = field(answer, 'choices');
  const content = field(field(Array.isArray(choices) ? choices[0] : undefined, part), 'content');
  return typeof content === 'string' ? content : '';
}

async function problem(response: Response): Promise<string> {
  const text = await response.text().catch(() => '');
  return (
    (errorIn(parse(text)) || text).trim().slice(0, 300) || response.statusText || 'no reason given'
  );
}

function errorIn(answer: unknown): string {
  const error = field(answer, 'error');
  const message = typeof error === 'string' ? error : field(error, 'message');
  return typeof message === 'string' ? message : '';
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
