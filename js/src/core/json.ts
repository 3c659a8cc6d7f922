// SPDX-License-Identifier: MIT
//
// JavaScript values as the JSON that crosses the boundary. Options are checked by the core, which
// names field and bound; what JSON.stringify would lose on the way is caught here.

import { invalidArgument } from '../errors.js';

/** Lone surrogates, which are no text, become U+FFFD; JSON.stringify leaves them as escapes. */
function wellFormed(json: string): string {
  if (!json.includes('\\ud')) return json;
  return json.replace(/\\(?:u[0-9a-f]{4}|.)/g, (escape) =>
    /^\\ud[89a-f]/.test(escape) ? '\\ufffd' : escape,
  );
}

/** A number that JSON does not have, in a form that the core reads as a number. */
function numberForJson(value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? { $number: String(value) } : value;
}

function kindOf(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`;
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === 'string' && name !== '' ? `a ${name}` : 'an object';
}

/** Refuses what is not JSON, naming where it stands. `undefined` members are left out, as ever. */
function requireJson(value: unknown, field: string, above: readonly object[] = []): void {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return;
  if (typeof value === 'number' && Number.isFinite(value)) return;
  if (typeof value !== 'object') throw invalidArgument(field, `must be JSON, got ${kindOf(value)}`);
  if (above.includes(value)) throw invalidArgument(field, 'must be JSON, got a cycle');
  if (above.length >= 100) throw invalidArgument(field, 'must not nest deeper than 100');
  if ('toJSON' in value && typeof value.toJSON === 'function') return;
  const inside = [...above, value];
  if (Array.isArray(value)) {
    value.forEach((item: unknown, index) => {
      requireJson(item, `${field}[${index}]`, inside);
    });
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw invalidArgument(field, `must be JSON, got ${kindOf(value)}`);
  }
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) requireJson(member, `${field}.${key}`, inside);
  }
}

function stringify(
  value: unknown,
  field: string,
  replacer: (this: Record<string, unknown>, key: string, value: unknown) => unknown,
): string {
  try {
    const json: string | undefined = JSON.stringify(value, replacer);
    return json === undefined ? 'null' : wellFormed(json);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw invalidArgument(field, `must be JSON: ${reason}`);
  }
}

/** A query or an id: whatever it is, the core says what is wrong with it. */
export function encodeValue(value: unknown, field: string): string {
  return stringify(value, field, (_key, member) =>
    typeof member === 'bigint' ? `${member}n` : numberForJson(member),
  );
}

/** Options, without the members that stay on this side. */
export function encodeOptions(options: unknown): string {
  if (typeof options !== 'object' || options === null) return encodeValue(options ?? {}, 'options');
  for (const field of ['metadata', 'filters'] as const) {
    const member: unknown = Reflect.get(options, field);
    if (member !== undefined) requireJson(member, field);
  }
  const config: unknown = Reflect.get(options, 'config');
  if (typeof config === 'object' && config !== null) {
    const metadata: unknown = Reflect.get(config, 'metadata');
    if (metadata !== undefined) requireJson(metadata, 'metadata');
  }
  return stringify(options, 'options', function (key, member) {
    if (key === 'signal' || key === 'storage' || key === 'embedder') {
      if (this === options) return undefined;
    }
    return typeof member === 'bigint' ? `${member}n` : numberForJson(member);
  });
}

/**
 * Messages. Chat code keeps all sorts of things in them: bytes of images and files become null, as
 * does what JSON has no form for; none of it is text that a memory could hold.
 */
export function encodeMessages(messages: unknown): string {
  return stringify(messages, 'messages', function (key, member) {
    const original = this[key];
    if (ArrayBuffer.isView(original) || original instanceof ArrayBuffer) return null;
    if (typeof member === 'bigint') return String(member);
    return member;
  });
}
