// Values as bytes: what the writer writes is checked through the library's own eyes, what the reader reads against
// bytes put together here.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromSource } from './from-source.mjs';

const { NestingError, Reader, Writer } = await fromSource('core/values.ts');

/** The bytes of one value. */
function written(value) {
  const writer = new Writer();
  writer.value(value);
  return [...writer.take()];
}
const u32 = (number) => [...new Uint8Array(new Uint32Array([number]).buffer)];
const f64 = (number) => [...new Uint8Array(new Float64Array([number]).buffer)];
const utf8 = (text) => [...new TextEncoder().encode(text)];
const key = (text) => [...u32(utf8(text).length), ...utf8(text)];
const string = (text) => [4, ...key(text)];

test('each kind of value has its bytes', () => {
  assert.deepEqual(written(null), [0]);
  assert.deepEqual(written(undefined), [0]);
  assert.deepEqual(written(false), [1]);
  assert.deepEqual(written(true), [2]);
  assert.deepEqual(written(-1.5), [3, ...f64(-1.5)]);
  assert.deepEqual(written('bees'), string('bees'));
  assert.deepEqual(written([]), [5, ...u32(0)]);
  assert.deepEqual(written([true, 'a']), [5, ...u32(2), 2, ...string('a')]);
  assert.deepEqual(written({ a: {}, b: 1 }), [
    ...[6, ...u32(2)],
    ...[...key('a'), 6, ...u32(0)],
    ...[...key('b'), 3, ...f64(1)],
  ]);
});

test('strings of every length and script are UTF-8, lone surrogates U+FFFD', () => {
  for (const text of [
    '',
    'ä',
    'a'.repeat(64),
    'a'.repeat(65),
    'aä'.repeat(3000),
    '日本😀',
    'x\ud83d',
  ]) {
    assert.deepEqual(written(text), string(text), text.slice(0, 10));
  }
  assert.deepEqual(written({ ['\udc1d']: '' }), [6, ...u32(1), ...key('\ufffd'), ...string('')]);
});

test('nesting has a bound, after which the writer works on', () => {
  const nested = (depth) => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
  const writer = new Writer();
  writer.value(nested(128));
  assert.equal(writer.take().length, 5 * 128);
  assert.throws(() => writer.value(nested(129)), NestingError);
  writer.value(nested(128));
  assert.equal(writer.take().length, 5 * 128);
});

test('what another writer wrote can be passed on', () => {
  const [first, second] = [new Writer(), new Writer()];
  first.value(['a'.repeat(5000), 1]);
  const bytes = [...first.take()];
  second.raw(Uint8Array.from(bytes));
  assert.deepEqual([...second.take()], bytes);
});

/** What stands for a string, whose text is elsewhere. */
const mark = (text) => {
  const { length } = utf8(text);
  return u32(2 * length + (length === text.length ? 0 : 1));
};

/** Reads `values`, with the texts of its strings one after another. */
function read(values, text = '', pages = 1) {
  const memory = new WebAssembly.Memory({ initial: pages });
  const reader = new Reader(memory);
  reader.setKeys(['id', 'terms']);
  const bytes = utf8(text);
  new Uint8Array(memory.buffer).set([...values, ...bytes], 8);
  return reader.read(8, 8 + values.length, bytes.length);
}

test('each kind of value is read from its bytes', () => {
  assert.equal(read([0]), null);
  assert.equal(read([1]), false);
  assert.equal(read([2]), true);
  assert.equal(read([3, ...f64(0.1)]), 0.1);
  assert.equal(read([8, ...f64(0)]), '1970-01-01T00:00:00.000Z');
  assert.deepEqual(read([5, ...u32(2), 2, 5, ...u32(0)]), [true, []]);
  assert.deepEqual(read([6, 255]), {});
  const object = [6, 0, 4, ...mark('a'), 1, 5, ...u32(1), 4, ...mark('bc'), 255];
  assert.deepEqual(read(object, 'abc'), { id: 'a', terms: ['bc'] });
  assert.deepEqual(read([7, ...mark('{"a":1}')], '{"a":1}'), { a: 1 });
});

test('strings are cut apart whatever script they are in, a mark at the beginning included', () => {
  const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).join('');
  const strings = ['\ufeffä', '', ascii, '日😀', 'z', '\x7f\x80', '€', ascii];
  const values = [5, ...u32(strings.length), ...strings.flatMap((each) => [4, ...mark(each)])];
  assert.deepEqual(read(values, strings.join('')), strings);
});

test('a memory that grew is read where it is now', () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const reader = new Reader(memory);
  memory.grow(1);
  reader.bytes()[100] = 2;
  assert.equal(reader.read(100, 0, 0), true);
});
