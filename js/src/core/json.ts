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

/**
 * What JSON has no form for, in one that says what it was: dropped, it would count as not given.
 * The core reads `$number` as a number.
 */
function tagged(value: unknown): unknown {
  const hasForm =
    typeof value === 'number'
      ? Number.isFinite(value)
      : typeof value !== 'bigint' && typeof value !== 'function' && typeof value !== 'symbol';
  return hasForm ? value : { [`$${typeof value}`]: String(value) };
}

function kindOf(value: unknown): string {
  if (typeof value === 'number' || value === undefined) return String(value);
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`;
  const { constructor } = value as { constructor?: unknown };
  return typeof constructor === 'function' && constructor.name !== ''
    ? `a ${constructor.name}`
    : 'an object';
}

// kMaxMetadataDepth in include/agent_memory/config.hpp; enough for filters as well.
const maxDepth = 64;

/** Refuses what is not JSON, naming where it stands. `undefined` members are left out, as ever. */
function requireJson(value: unknown, field: string, above: readonly object[] = []): void {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return;
  if (typeof value === 'number' && Number.isFinite(value)) return;
  if (typeof value !== 'object') throw invalidArgument(field, `must be JSON, got ${kindOf(value)}`);
  if (above.includes(value)) throw invalidArgument(field, 'must be JSON, got a cycle');
  if (above.length >= maxDepth) {
    const [root = field] = field.split(/[.[]/);
    throw invalidArgument(root, `must not nest deeper than ${maxDepth}`);
  }
  const inside = [...above, value];
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    const json: unknown = Reflect.apply(value.toJSON, value, [field]);
    if (json !== undefined) requireJson(json, field, inside);
    return;
  }
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

type Replacer = (this: Record<string, unknown>, key: string, value: unknown) => unknown;

function stringify(value: unknown, field: string, replacer: Replacer): string {
  try {
    const json = JSON.stringify(value, replacer) as string | undefined;
    return json === undefined ? 'null' : wellFormed(json);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw invalidArgument(field, `must be JSON: ${reason}`);
  }
}

/** A query or an id: whatever it is, the core says what is wrong with it. */
export function encodeValue(value: unknown, field: string): string {
  return stringify(value, field, (_key, member) => tagged(member));
}

/** A member of what may be no object. */
export function memberOf(value: unknown, member: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, member) : undefined;
}

/** Refuses options that are no object. */
export function requireOptions(options: unknown): asserts options is object {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return;
  const got = options === null ? 'null' : Array.isArray(options) ? 'an array' : kindOf(options);
  throw invalidArgument('options', `must be an object, got ${got}`);
}

/** Options, without the members that stay on this side. */
export function encodeOptions(options: unknown = {}): string {
  requireOptions(options);
  for (const field of ['metadata', 'filters'] as const) {
    const member = memberOf(options, field);
    if (member !== undefined) requireJson(member, field);
  }
  const metadata = memberOf(memberOf(options, 'config'), 'metadata');
  if (metadata !== undefined) requireJson(metadata, 'metadata');
  return stringify(options, 'options', function (key, member) {
    if (key === 'signal' || key === 'storage' || key === 'embedder') {
      if (this === options) return undefined;
    }
    return tagged(member);
  });
}

/**
 * Messages. Chat code keeps all sorts of things in them: bytes of images and files become null, as
 * does what JSON has no form for; none of it is text that a memory could hold.
 */
export function encodeMessages(messages: unknown): string {
  if (!Array.isArray(messages)) return encodeValue(messages, 'messages');
  // One by one, so that an error names the message.
  return `[${Array.from(messages, (each, index) => encodeMessage(each, `messages[${index}]`)).join()}]`;
}

/** One message, or a part of one; see {@link encodeMessages}. */
export function encodeMessage(message: unknown, field: string): string {
  return stringify(message, field, function (key, member) {
    const original = this[key];
    if (ArrayBuffer.isView(original) || original instanceof ArrayBuffer) return null;
    if (typeof member === 'bigint') return String(member);
    return member;
  });
}
