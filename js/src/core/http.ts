// SPDX-License-Identifier: MIT
//
// The core's HTTP and its timer, over `fetch`. The other side is src/wasm/mem0_bindings.cpp.

import { InternalError } from '../errors.js';
import type { Port } from './bridge.js';
import { Packed, packText, packU32, Reader } from './packing.js';

// Kept in step with HttpMethod in src/wasm/host.hpp, and Outcome in src/wasm/mem0_bindings.cpp.
const Method = { send: 0, sleep: 1 } as const;
const Outcome = { answered: 0, unreachable: 1, timeout: 2, aborted: 3, tooLong: 4 } as const;
type OutcomeNumber = (typeof Outcome)[keyof typeof Outcome];

type Fetch = typeof globalThis.fetch;

/**
 * Requests are sent with `given`, or with the `fetch` that the runtime has when they are. No
 * redirect is followed: some runtimes take headers of the caller's along to wherever it leads.
 */
export function httpPort(given?: Fetch): Port {
  return (method, bytes, signal) => {
    const reader = new Reader(bytes);
    switch (method) {
      case Method.send:
        return send(given, reader, signal);
      case Method.sleep:
        return sleep(reader.u32(), signal);
      default:
        return Promise.reject(
          new InternalError({ code: 'internal', message: `no HTTP method ${method}` }),
        );
    }
  };
}

async function send(
  given: Fetch | undefined,
  reader: Reader,
  signal?: AbortSignal,
): Promise<Packed> {
  const timeoutMs = reader.u32();
  const maxBytes = reader.u32();
  const method = reader.text();
  const url = reader.text();
  const headers = Array.from({ length: reader.u32() }, (): [string, string] => [
    reader.text(),
    reader.text(),
  ]);
  const hasBody = reader.u32() === 1;
  const body = reader.bytes();

  const controller = new AbortController();
  let ended = Outcome.unreachable as OutcomeNumber;
  // For a fetch that takes no notice of its signal, too.
  const giveUp = new Promise<never>((_resolve, reject) => {
    controller.signal.addEventListener('abort', () => {
      reject(new Error('given up'));
    });
  });
  giveUp.catch(() => undefined);
  const end = (outcome: OutcomeNumber): void => {
    ended = outcome;
    controller.abort();
  };
  const timer = setTimeout(end, timeoutMs, Outcome.timeout);
  const onAbort = (): void => {
    end(Outcome.aborted);
  };
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted) onAbort();

  const exchange = async (): Promise<Packed> => {
    const fetch = given ?? globalThis.fetch;
    const response = await fetch(url, {
      method,
      headers,
      ...(hasBody ? { body: body as Uint8Array<ArrayBuffer> } : {}),
      redirect: 'manual',
      signal: controller.signal,
    });
    const received = await readBody(response, maxBytes, () => {
      end(Outcome.tooLong);
    });
    return new Packed([
      packU32(Outcome.answered),
      // A page does not get to see where a redirect leads, nor that it is a 302.
      packU32(response.type === 'opaqueredirect' ? 302 : response.status),
      ...packText(response.headers.get('content-type') ?? ''),
      ...packText(response.headers.get('retry-after') ?? ''),
      packU32(received.reduce((sum, part) => sum + part.length, 0)),
      ...received,
    ]);
  };
  try {
    return await Promise.race([exchange(), giveUp]);
  } catch (error) {
    const reason = ended === Outcome.unreachable ? `${reasonOf(error)}${hint(url, error)}` : '';
    return new Packed([packU32(ended), ...packText(reason)]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** The body, in parts; where it is longer than that, `tooLong` ends the request. */
async function readBody(
  response: Response,
  maxBytes: number,
  tooLong: () => void,
): Promise<Uint8Array[]> {
  // Some have none, and some one of their own kind.
  const stream = response.body as Partial<ReadableStream<Uint8Array>> | null | undefined;
  if (typeof stream?.getReader !== 'function') {
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (bytes.length <= maxBytes) return [bytes];
    tooLong();
    throw new Error('too long');
  }
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = (stream as ReadableStream<Uint8Array>).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return parts;
    size += value.length;
    if (size > maxBytes) {
      tooLong();
      throw new Error('too long');
    }
    parts.push(value);
  }
}

/** What a fetch says, with what Node says beneath it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  const code: unknown = Reflect.get(cause, 'code');
  return `${error.message}: ${typeof code === 'string' ? code : cause.message}`;
}

/** Where CORS may be what is wrong: a page is not told. */
function hint(url: string, error: unknown): string {
  const page = (globalThis as { location?: { href: string; origin: string } }).location;
  if (!page || !(error instanceof TypeError) || page.origin === 'null') return '';
  try {
    if (new URL(url, page.href).origin === page.origin) return '';
  } catch {
    return '';
  }
  return ' (a server that does not allow this origin looks the same)';
}

function sleep(durationMs: number, signal?: AbortSignal): Promise<Packed> {
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', wake);
      resolve(new Packed([]));
    };
    const timer = setTimeout(wake, durationMs);
    signal?.addEventListener('abort', wake);
    if (signal?.aborted) wake();
  });
}
