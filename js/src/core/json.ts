// SPDX-License-Identifier: MIT
//
// JavaScript values as they cross the boundary: as JSON would have them. Options are checked by the
// core, which names field and bound; what JSON would lose on the way is caught here.

import { invalidArgument } from '../errors.js';
import type { WriteArguments } from './bridge.js';
import { isPlain, NestingError } from './values.js';
import type { Writer } from './values.js';

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
  if (!isPlainObject(value)) throw invalidArgument(field, `must be JSON, got ${kindOf(value)}`);
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) requireJson(member, `${field}.${key}`, inside);
  }
}

/** Of any realm; no array, and of no class. */
function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

type Replacer = (this: Record<string, unknown>, key: string, value: unknown) => unknown;

/** `value` as it comes back from JSON; undefined where JSON leaves it out. */
function asJson(value: unknown, field: string, replacer: Replacer): unknown {
  try {
    const json = JSON.stringify(value, replacer) as string | undefined;
    return json === undefined ? undefined : JSON.parse(json);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw invalidArgument(field, `must be JSON: ${reason}`);
  }
}

/** An object that JSON takes as it is, its members apart: what most messages are. */
function isRecord(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return false;
  return isPlainObject(value);
}

function write(writer: Writer, value: unknown, field: string): void {
  try {
    writer.value(value);
  } catch (error) {
    throw error instanceof NestingError ? invalidArgument(field, error.message) : error;
  }
}

const keepTagged: Replacer = (_key, member) => tagged(member);

/** A query or an id: whatever it is, the core says what is wrong with it. */
export function writeValue(writer: Writer, value: unknown, field: string): void {
  write(writer, isPlain(value) ? value : asJson(value, field, keepTagged), field);
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
export function writeOptions(writer: Writer, options: unknown = {}): void {
  requireOptions(options);
  for (const field of ['metadata', 'filters'] as const) {
    const member = memberOf(options, field);
    if (member !== undefined) requireJson(member, field);
  }
  const metadata = memberOf(memberOf(options, 'config'), 'metadata');
  if (metadata !== undefined) requireJson(metadata, 'metadata');
  const object = writer.object();
  let count = 0;
  for (const key of Object.keys(options)) {
    if (key === 'signal' || key === 'storage' || key === 'embedder') continue;
    const given = memberOf(options, key);
    const member = isPlain(given) ? given : asJson(given, 'options', keepTagged);
    if (member === undefined) continue;
    count++;
    writer.key(key);
    write(writer, member, 'options');
  }
  writer.end(object, count);
}

/**
 * Messages. Chat code keeps all sorts of things in them: bytes of images and files become null, as
 * does what JSON has no form for; none of it is text that a memory could hold.
 */
export function writeMessages(writer: Writer, messages: unknown): void {
  if (!Array.isArray(messages)) {
    writeValue(writer, messages, 'messages');
    return;
  }
  const { length } = messages;
  writer.array(length);
  for (let index = 0; index < length; index++) {
    const each: unknown = messages[index];
    // Of most messages JSON would be a detour.
    if (isRecord(each) && writer.record(each)) continue;
    // One by one, so that an error names the message.
    write(writer, messageAsJson(each, `messages[${index}]`), 'messages');
  }
}

/** One message, or a part of one, as the core sees it; see {@link writeMessages}. */
export function messageAsJson(message: unknown, field: string): unknown {
  if (isPlain(message)) return message;
  return (
    asJson(message, field, function (key, member) {
      const original = this[key];
      if (ArrayBuffer.isView(original) || original instanceof ArrayBuffer) return null;
      if (typeof member === 'bigint') return String(member);
      return member;
    }) ?? null
  );
}

// ------------------------------------------------------------------------------------ arguments
//
// What operations take that several kinds of objects have; the other side decodes them alike.

/** Of a search: a query and options. */
export const searchArguments =
  (query: unknown, options: unknown): WriteArguments =>
  (writer) => {
    writer.array(2);
    writeValue(writer, query, 'query');
    writeOptions(writer, options);
  };

/** Of an add: messages and options. */
export const addArguments =
  (messages: unknown, options: unknown): WriteArguments =>
  (writer) => {
    writer.array(2);
    writeMessages(writer, messages);
    writeOptions(writer, options);
  };

/** Of whatever takes messages alone. */
export const messagesArguments =
  (messages: unknown): WriteArguments =>
  (writer) => {
    writer.array(1);
    writeMessages(writer, messages);
  };

/** Of whatever takes options alone: a list, an identity. */
export const optionsArguments =
  (options: unknown): WriteArguments =>
  (writer) => {
    writer.array(1);
    writeOptions(writer, options);
  };

/** Of whatever is about one memory: its id. */
export const memoryArguments =
  (memoryId: unknown): WriteArguments =>
  (writer) => {
    writer.array(1);
    writeValue(writer, memoryId, 'memoryId');
  };

/** Of a change of one memory. */
export const changeArguments =
  (memoryId: unknown, change: unknown): WriteArguments =>
  (writer) => {
    writer.array(2);
    writeValue(writer, memoryId, 'memoryId');
    writeOptions(writer, change);
  };
