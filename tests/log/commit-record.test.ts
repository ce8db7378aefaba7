import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import { RecordCommitter } from '../../src/log/commit-record.ts';
import { commitFields } from '../../src/log/commitment.ts';
import { packedBytesMax, packRecord } from '../../src/log/packed-record.ts';
import { flattenRecord } from '../../src/log/record.ts';

const origin = 'example.com/default';
const seed = Uint8Array.from({ length: 32 }, (_, i) => i);

/** What the three files that say what a record is make of it. */
function bySpecification(record: JsonObject): { packed: Uint8Array; commitment: Uint8Array } {
  const fields = flattenRecord(record);
  const out = new Uint8Array(packedBytesMax(fields));
  const end = packRecord(out, 0, seed, fields);
  return { packed: out.slice(0, end), commitment: commitFields(origin, fields, seed) };
}

function byCommitter(committer: RecordCommitter, record: JsonObject): { packed: Uint8Array; commitment: Uint8Array } {
  const commitment = new Uint8Array(40);
  committer.reset();
  committer.commit(record, seed, 0, commitment, 8);
  committer.flush();
  return { packed: committer.packed.slice(), commitment: commitment.slice(8) };
}

const name = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 5 }),
  fc.constantFrom('a', 'b', 'a/b', 'a~b', '__proto__', '', 'privacy', 'applied', '\uffff', '\u{1f600}', 'a-b', 'a.b', '0', '10', '2'),
);
const record = fc.object({
  key: name,
  maxDepth: 4,
  values: [
    fc.string({ unit: 'grapheme' }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.constantFrom('a"b', 'a\\b', '\n', 'é', '€', '\u007f', 'x'.repeat(5000)),
  ],
});

test('is, byte for byte, what flattening, committing and packing make', () => {
  const committer = new RecordCommitter(origin);
  fc.assert(
    fc.property(record, (value) => {
      expect(byCommitter(committer, value as JsonObject)).toEqual(bySpecification(value as JsonObject));
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ['the empty record', {}],
  ['/privacy/applied as one field', { privacy: { policy: 'p', applied: [{ pointer: '/a', kind: 'email', transform: 'redact' }, {}] } }],
  ['empty containers, and arrays that hold containers', { a: [], b: {}, c: [[]], d: [{ e: [] }, 1], f: [1, 'x', null] }],
  ['more fields than are sorted by insertion', Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`k${(i * 7919) % 200}`, i]))],
  ['values of 100 kB', { a: 'x'.repeat(100_000), b: 'é'.repeat(50_000) }],
])('%s', (_, value) => {
  expect(byCommitter(new RecordCommitter(origin), value as JsonObject)).toEqual(bySpecification(value as JsonObject));
});

test('what was done is written again, and right, when it is nearly or wholly the same', () => {
  const committer = new RecordCommitter(origin);
  const one = { kind: 'email', pointer: '/a', transform: 'redact' };
  const two = { keyVersion: 1, kind: 'user', pointer: '/b', transform: 'hash' };
  const lists: JsonObject[][] = [
    [one, two],
    [{ ...one }, { ...two }],
    [{ ...one }],
    [{ ...two }],
    [{ ...two, keyVersion: 2 }],
    [{ kind: 'user', pointer: '/b', transform: 'hash' }],
    [{ transform: 'hash', pointer: '/b', kind: 'user' }],
    [{ ...two, more: null }],
    [{ ...two, more: ['x'] }],
    [{ ...two, more: ['x'] }],
    [{}],
    [{}],
    [],
    [one, two],
  ];
  const commitments = new Uint8Array(32 * lists.length);
  const records = lists.map((applied, i) => ({ n: i, privacy: { policy: 'p', applied } }));
  records.forEach((value, i) => committer.commit(value, seed, 0, commitments, 32 * i));
  committer.flush();
  const expected = records.map((value) => bySpecification(value));
  expect(Buffer.from(committer.packed)).toEqual(Buffer.concat(expected.map(({ packed }) => packed)));
  expect(Buffer.from(commitments)).toEqual(Buffer.concat(expected.map(({ commitment }) => commitment)));

  // The same list, changed since; and a list that was packed where something else stands now.
  one.pointer = '/changed';
  expect(byCommitter(committer, records[0] as JsonObject)).toEqual(bySpecification(records[0] as JsonObject));
  committer.reset();
  committer.commit({ x: 'y'.repeat(2000) }, seed, 0, new Uint8Array(32), 0);
  committer.commit({ privacy: { applied: [{ ...one }, { ...two }] } }, seed, 0, new Uint8Array(32), 0);
  const behind = bySpecification({ privacy: { applied: [{ ...one }, { ...two }] } }).packed;
  expect(Buffer.from(committer.packed.subarray(-behind.length))).toEqual(Buffer.from(behind));
});

test('a buffer that a large batch has made grow is not kept', () => {
  const committer = new RecordCommitter(origin);
  for (let i = 0; i < 6; i++) committer.commit({ a: 'x'.repeat(1_000_000) }, seed, 0, new Uint8Array(32), 0);
  expect(committer.packed.buffer.byteLength).toBeGreaterThan(6_000_000);
  committer.reset();
  expect(committer.packed.buffer.byteLength).toBeLessThan(1_000_000);
  expect(byCommitter(committer, { a: 1 })).toEqual(bySpecification({ a: 1 }));
});

test('records stand one behind the other, and a refused one leaves no trace', () => {
  const committer = new RecordCommitter(origin);
  const commitments = new Uint8Array(64);
  committer.commit({ a: 1 }, seed, 0, commitments, 0);
  expect(() => committer.commit({ a: 1, b: Number.NaN }, seed, 0, commitments, 32)).toThrow(expect.objectContaining({ code: 'not_canonical' }));
  committer.commit({ b: 2 }, seed, 0, commitments, 32);
  committer.flush();
  const [first, second] = [bySpecification({ a: 1 }), bySpecification({ b: 2 })];
  expect(Buffer.from(committer.packed)).toEqual(Buffer.concat([first.packed, second.packed]));
  expect(Buffer.from(commitments)).toEqual(Buffer.concat([first.commitment, second.commitment]));
});

test.each([
  ['no object', [], 'record_not_object'],
  ['too deep', Array.from({ length: 40 }).reduce<JsonObject>((inner) => ({ a: inner }), {}), 'record_too_deep'],
  ['half of a surrogate pair in a name', { '\ud800': 1 }, 'not_canonical'],
  ['half of a surrogate pair in a value', { a: '\ud800' }, 'not_canonical'],
  ['a pointer of 65,536 bytes', { ['x'.repeat(65_535)]: 1 }, 'pointer_too_long'],
])('refuses %s', (_, value, code) => {
  expect(() => new RecordCommitter(origin).commit(value as JsonObject, seed, 0, new Uint8Array(32), 0)).toThrow(expect.objectContaining({ code }));
});

test('refuses a seed or an origin of the wrong length', () => {
  expect(() => new RecordCommitter('')).toThrow(expect.objectContaining({ code: 'commitment_origin' }));
  expect(() => new RecordCommitter('x'.repeat(256))).toThrow(expect.objectContaining({ code: 'commitment_origin' }));
  expect(() => new RecordCommitter('x').commit({}, new Uint8Array(31), 0, new Uint8Array(32), 0)).toThrow(
    expect.objectContaining({ code: 'commitment_seed' }),
  );
});

test('paths are forgotten before they fill the memory, and records stay the same', () => {
  const committer = new RecordCommitter(origin);
  for (let i = 0; i < 300; i++) {
    const value = Object.fromEntries(Array.from({ length: 100 }, (_, k) => [`path-${i}-${k}`, k]));
    expect(byCommitter(committer, value).commitment).toEqual(bySpecification(value).commitment);
  }
});
