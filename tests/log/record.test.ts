import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareUtf8 } from '../../src/core/bytes.ts';
import { canonicalJson } from '../../src/core/canonical-json.ts';
import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import {
  checkFieldOrder,
  escapePointer,
  type Field,
  flattenRecord,
  isPointer,
  parseFieldValue,
  sortFields,
  unflattenRecord,
  unflattenSealed,
} from '../../src/log/record.ts';
import vectors from '../vectors/commitment.json' with { type: 'json' };
import { refusalOf } from './refusal.ts';

/** Names that break naive code, among ordinary ones. */
const name = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'toString', '', '0', '1', '01', '~', '/', '~1', 'a/b', 'privacy', 'applied', 'é', '\ufb33', '😀'),
  fc.string({ maxLength: 6, unit: 'grapheme' }),
);

/** Objects made without assignment, so that `__proto__` is a name like any other. */
const objectOf = (value: fc.Arbitrary<JsonValue>): fc.Arbitrary<JsonObject> =>
  fc.array(fc.tuple(name, value), { maxLength: 6 }).map((members) => Object.fromEntries(members) as JsonObject);

const json: fc.Memo<JsonValue> = fc.memo((depth) => {
  const scalar = fc.oneof(
    fc.constantFrom<JsonValue>(null, true, false, '', 0, -1, 1e21, 2 ** 53),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string(),
  );
  if (depth <= 1) return scalar;
  return fc.oneof({ weight: 2, arbitrary: scalar }, fc.array(json(depth - 1), { maxLength: 4 }), objectOf(json(depth - 1)));
});
const record = objectOf(json(4));

function fieldsOf(...pairs: [string, string][]): Field[] {
  return pairs.map(([pointer, value]) => ({ pointer, value }));
}

describe('flattenRecord', () => {
  test.each(vectors.cases)('golden: $name', ({ record: input, fields }) => {
    const expected = fields.map(({ pointer, value }) => ({ pointer, value }));
    expect(flattenRecord(input as unknown as JsonObject)).toEqual(expected);
    expect(canonicalJson(unflattenRecord(expected))).toBe(canonicalJson(input as unknown as JsonObject));
  });

  test('comes back the same, in strictly ascending order', () => {
    fc.assert(
      fc.property(record, (input) => {
        const fields = flattenRecord(input);
        checkFieldOrder(fields);
        for (let i = 1; i < fields.length; i++) expect(compareUtf8((fields[i - 1] as Field).pointer, (fields[i] as Field).pointer)).toBeLessThan(0);
        const back = unflattenRecord(fields);
        expect(canonicalJson(back)).toBe(canonicalJson(input));
        expect(flattenRecord(back)).toEqual(fields);
        expect(canonicalJson(unflattenSealed(fields))).toBe(canonicalJson(input));
      }),
      { numRuns: 400 },
    );
  });

  test('orders as Buffer compares, however many fields there are', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 4 }), { maxLength: 200 }), (names) => {
        const fields = names.filter((text) => text.isWellFormed()).map((text) => ({ pointer: `/${text}` }));
        const expected = fields.map(({ pointer }) => pointer).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(sortFields(fields).map(({ pointer }) => pointer)).toEqual(expected);
      }),
    );
  });

  test('__proto__ is a name like any other, and changes no prototype', () => {
    const input = JSON.parse('{"__proto__":{"polluted":1},"a":{"__proto__":[{"b":2}]}}') as JsonObject;
    const fields = flattenRecord(input);
    expect(fields).toEqual(fieldsOf(['/__proto__/polluted', '1'], ['/a/__proto__', '1'], ['/a/__proto__/0/b', '2']));
    const back = unflattenRecord(fields);
    expect(unflattenSealed(fields)).toEqual(back);
    expect(Object.getPrototypeOf(unflattenSealed(fields))).toBe(Object.prototype);
    expect(() => unflattenSealed(fieldsOf(['/a', '{']))).toThrow(expect.objectContaining({ code: 'fields_value' }));
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect(Object.keys(back)).toEqual(['__proto__', 'a']);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test('/privacy/applied is one field, whatever it holds', () => {
    for (const applied of [null, 'x', [], {}, [1], [{ pointer: '/a' }], { a: [[]] }] as JsonValue[]) {
      const fields = flattenRecord({ privacy: { applied } });
      expect(fields).toEqual(fieldsOf(['/privacy/applied', canonicalJson(applied)]));
      expect(unflattenRecord(fields)).toEqual({ privacy: { applied } });
    }
    expect(flattenRecord({ other: { applied: [{ a: 1 }] } })).toHaveLength(2);
  });

  test('refuses what is no record', () => {
    for (const bad of [null, 1, 'x', [], [1]]) expect(refusalOf(() => flattenRecord(bad as unknown as JsonObject))).toBe('record_not_object');
    expect(refusalOf(() => flattenRecord({ a: NaN }))).toBe('not_canonical');
    expect(refusalOf(() => flattenRecord({ a: '\ud800' }))).toBe('not_canonical');
    expect(refusalOf(() => flattenRecord({ '\ud800': 1 }))).toBe('not_canonical');
    expect(refusalOf(() => flattenRecord({ a: undefined } as unknown as JsonObject))).toBe('not_canonical');
  });

  test('a pointer may have 65,535 bytes, not one more', () => {
    const longest = 'x'.repeat(65_534);
    expect(unflattenRecord(flattenRecord({ [longest]: 1 }))).toEqual({ [longest]: 1 });
    expect(refusalOf(() => flattenRecord({ [`${longest}x`]: 1 }))).toBe('pointer_too_long');
    expect(refusalOf(() => flattenRecord({ ['é'.repeat(32_768)]: 1 }))).toBe('pointer_too_long');
    expect(flattenRecord({ ['é'.repeat(32_767)]: 1 })).toHaveLength(1);
  });

  test('nests as deep as an event may, not deeper', () => {
    const nested = (depth: number): JsonObject => (depth === 0 ? {} : { a: nested(depth - 1) });
    expect(unflattenRecord(flattenRecord(nested(32)))).toEqual(nested(32));
    expect(refusalOf(() => flattenRecord(nested(33)))).toBe('record_too_deep');
  });
});

describe('unflattenRecord refuses', () => {
  const cases: [string, string, Field[]][] = [
    ['no fields', 'fields_empty', []],
    ['fields out of order', 'fields_order', fieldsOf(['/b', '1'], ['/a', '1'])],
    ['a field twice', 'fields_order', fieldsOf(['/a', '1'], ['/a', '1'])],
    ['the order of UTF-16', 'fields_order', fieldsOf(['/😀', '1'], ['/\ufb33', '1'])],
    ['a pointer without a slash', 'fields_pointer', fieldsOf(['a', '1'])],
    ['a tilde alone', 'fields_pointer', fieldsOf(['/a~', '1'])],
    ['a tilde and another digit', 'fields_pointer', fieldsOf(['/a~2', '1'])],
    ['half of a surrogate pair', 'fields_pointer', fieldsOf(['/\ud800', '1'])],
    ['a pointer of 65,536 bytes', 'fields_pointer', fieldsOf([`/${'x'.repeat(65_535)}`, '1'])],
    ['a pointer nested too deeply', 'fields_pointer', fieldsOf(['/a'.repeat(34), '1'])],
    ['a scalar as a parent', 'fields_parent', fieldsOf(['/a', '"x"'], ['/a/b', '1'])],
    ['an array of scalars as a parent', 'fields_parent', fieldsOf(['/a', '[1]'], ['/a/0', '1'])],
    ['the root beside others', 'fields_parent', fieldsOf(['', '{}'], ['/a', '1'])],
    ['a root that is no empty object', 'fields_parent', fieldsOf(['', '[]'])],
    ['fields below /privacy/applied', 'fields_parent', fieldsOf(['/privacy/applied', '1'], ['/privacy/applied/0/a', '1'])],
    ['fields below /privacy/applied without its own', 'fields_parent', fieldsOf(['/privacy/applied/0', '1'])],
    ['fewer elements than it says', 'fields_length', fieldsOf(['/a', '2'], ['/a/0/b', '1'])],
    ['more elements than it says', 'fields_length', fieldsOf(['/a', '1'], ['/a/0/b', '1'], ['/a/1', '1'])],
    ['an element by another name', 'fields_length', fieldsOf(['/a', '1'], ['/a/00/b', '1'])],
    ['an element that is none', 'fields_length', fieldsOf(['/a', '1'], ['/a/b', '{}'])],
    ['a length that is none', 'fields_length', fieldsOf(['/a', '1.5'], ['/a/0/b', '1'])],
    ['an array of scalars, element by element', 'fields_value', fieldsOf(['/a', '1'], ['/a/0', '7'])],
    ['an object as a value', 'fields_value', fieldsOf(['/a', '{"b":1}'])],
    ['an array of containers as a value', 'fields_value', fieldsOf(['/a', '[[]]'])],
    ['white space', 'fields_value', fieldsOf(['/a', ' 1'])],
    ['a number written otherwise', 'fields_value', fieldsOf(['/a', '1.0'])],
    ['a number that no double holds', 'fields_value', fieldsOf(['/a', '9007199254740993'])],
    ['a number beyond all doubles', 'fields_value', fieldsOf(['/a', '1e400'])],
    ['minus zero', 'fields_value', fieldsOf(['/a', '-0'])],
    ['an escape that is not needed', 'fields_value', fieldsOf(['/a', '"\\u0041"'])],
    ['half of a surrogate pair, escaped', 'fields_value', fieldsOf(['/a', '"\\ud800"'])],
    ['a name twice', 'fields_value', fieldsOf(['/privacy/applied', '{"a":1,"a":1}'])],
    ['names out of order', 'fields_value', fieldsOf(['/privacy/applied', '{"b":1,"a":1}'])],
    ['no JSON', 'fields_value', fieldsOf(['/a', 'NaN'])],
    ['nothing', 'fields_value', fieldsOf(['/a', ''])],
  ];
  test.each(cases)('%s', (_, code, fields) => {
    expect(refusalOf(() => unflattenRecord(fields))).toBe(code);
  });

  test('and whatever it takes, flattening gives back', () => {
    // Fields from a small world, so that parents and children meet.
    const pointer = fc
      .array(fc.constantFrom('a', '0', '1', 'privacy', 'applied'), { minLength: 1, maxLength: 3 })
      .map((steps) => `/${steps.join('/')}`);
    const value = fc.constantFrom('1', '2', '"x"', '[]', '{}', '[1,2]', '[[]]', 'null');
    let taken = 0;
    fc.assert(
      fc.property(fc.uniqueArray(fc.record({ pointer, value }), { maxLength: 4, selector: (field) => field.pointer }), (fields) => {
        sortFields(fields);
        if (refusalOf(() => unflattenRecord(fields)) !== 'accepted') return;
        taken++;
        expect(flattenRecord(unflattenRecord(fields))).toEqual(fields);
      }),
      { numRuns: 3000 },
    );
    expect(taken).toBeGreaterThan(100);
  });
});

test('isPointer, escapePointer and parseFieldValue', () => {
  expect(['', '/', '/a~0b~1', '/é'].every(isPointer)).toBe(true);
  expect(escapePointer('a')).toBe('a');
  expect(escapePointer('~/')).toBe('~0~1');
  expect(parseFieldValue('/a', '[1,"x"]')).toEqual([1, 'x']);
  expect(refusalOf(() => parseFieldValue('/a', '[{}]'))).toBe('fields_value');
});
