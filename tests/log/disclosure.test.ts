import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { encodeBase64 } from '../../src/core/base64.ts';
import { utf8 } from '../../src/core/bytes.ts';
import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import {
  commitDisclosure,
  createDisclosure,
  deriveSalts,
  type Disclosure,
  type DisclosedField,
  fieldDigest,
  flattenRecord,
  formatDisclosure,
  isNamed,
  isRedacted,
  isShown,
  parseDisclosure,
  valueDigest,
} from '../../src/log/index.ts';
import { refusalOf } from './refusal.ts';
import { commitment, fields, origin, receipt, seed } from './sample-log.ts';

const golden = readFileSync(new URL('../vectors/disclosure.json', import.meta.url), 'utf8');
const shown = new Set(['/actor/roles', '/changes', '/privacy/applied']);
const made = createDisclosure({ fields, seed, receipt }, shown);
/** Field 1 redacted with its pointer, as in the golden file. */
const redacted: Disclosure = { ...made, fields: made.fields.with(1, { fieldDigest: digestOf(made.fields[1] as DisclosedField) }) };

function digestOf(field: DisclosedField): Uint8Array {
  if (isRedacted(field)) return field.fieldDigest;
  return fieldDigest(field.pointer, isShown(field) ? valueDigest(field.salt, field.value) : field.valueDigest);
}

describe('a disclosure', () => {
  test('golden: made by Python, the same here', () => {
    expect(formatDisclosure(redacted)).toBe(golden);
    expect(parseDisclosure(golden)).toEqual(redacted);
    expect(parseDisclosure(utf8(golden))).toEqual(redacted);
  });

  test('opens the commitment, whatever is shown', () => {
    for (const disclosure of [made, redacted, createDisclosure({ fields, seed, receipt }, new Set())]) {
      expect(commitDisclosure(origin, disclosure)).toEqual(commitment);
      expect(commitDisclosure(origin, parseDisclosure(formatDisclosure(disclosure)))).toEqual(commitment);
    }
  });

  test('has every pointer, the values chosen, and nothing of the others', () => {
    const text = formatDisclosure(made);
    for (const { pointer } of fields) expect(text).toContain(`"${pointer}"`);
    for (const hidden of ['object.read', 'tok_4b1d', 'success']) expect(text).not.toContain(hidden);
    expect(text).toContain('auditor');
    const salts = deriveSalts(seed, fields.length);
    made.fields.forEach((field, i) => {
      const salt = encodeBase64(salts.slice(16 * i, 16 * i + 16));
      expect(text.includes(salt)).toBe(isShown(field));
      expect(isNamed(field)).toBe(true);
    });
    expect(text).not.toContain(encodeBase64(seed));
  });

  test('of any record, showing anything, comes back', () => {
    const name = fc.oneof(fc.constantFrom('__proto__', 'a', '0', '1', '/', '~', 'é'), fc.string({ maxLength: 3 }));
    const scalar = fc.oneof(fc.constantFrom<JsonValue>(null, true, 1.5, -7, '', '"\\'), fc.string());
    const json: fc.Memo<JsonValue> = fc.memo((depth) => {
      if (depth <= 1) return scalar;
      return fc.oneof(scalar, fc.array(json(depth - 1), { maxLength: 3 }), objectOf(json(depth - 1)));
    });
    const objectOf = (value: fc.Arbitrary<JsonValue>): fc.Arbitrary<JsonObject> =>
      fc.array(fc.tuple(name, value), { maxLength: 4 }).map((members) => Object.fromEntries(members) as JsonObject);
    fc.assert(
      fc.property(objectOf(json(3)), fc.nat(), fc.nat(), (record, mask, hole) => {
        const all = flattenRecord(record);
        const some = new Set(all.filter((_, i) => (mask >> (i % 31)) % 2 === 1).map(({ pointer }) => pointer));
        const whole = createDisclosure({ fields: all, seed, receipt }, some);
        const at = hole % all.length;
        const holed = { ...whole, fields: whole.fields.with(at, { fieldDigest: digestOf(whole.fields[at] as DisclosedField) }) };
        for (const disclosure of [whole, holed]) {
          expect(parseDisclosure(formatDisclosure(disclosure))).toEqual(disclosure);
          expect(commitDisclosure(origin, disclosure)).toEqual(commitDisclosure(origin, whole));
        }
      }),
    );
  });

  test('of a field that the record has not is refused', () => {
    expect(refusalOf(() => createDisclosure({ fields, seed, receipt }, new Set(['/action', '/nothing'])))).toBe('disclosure_pointer');
    expect(refusalOf(() => createDisclosure({ fields, seed: seed.subarray(1), receipt }, shown))).toBe('commitment_seed');
  });
});

const salt = encodeBase64(new Uint8Array(16));
const digest = encodeBase64(new Uint8Array(32));
const show = (pointer: string, value: JsonValue): JsonObject => ({ pointer, value, salt });
const hide = (pointer: string): JsonObject => ({ pointer, valueDigest: digest });
const hole: JsonObject = { fieldDigest: digest };
const textOf = (...list: JsonValue[]): string => JSON.stringify({ format: 'veiltrail.disclosure/v1', fields: list, receipt });
const refusalOfFields = (...list: JsonValue[]): string => refusalOf(() => parseDisclosure(textOf(...list)));

describe('parseDisclosure refuses', () => {
  const parsed = JSON.parse(golden) as Record<string, JsonValue>;
  test.each([
    ['nothing', '', 'json_syntax'],
    ['an array', '[]', 'disclosure_syntax'],
    ['another version', { ...parsed, format: 'veiltrail.disclosure/v2' }, 'disclosure_syntax'],
    ['no format', { ...parsed, format: undefined }, 'disclosure_syntax'],
    ['a member too many', { ...parsed, note: 1 }, 'disclosure_syntax'],
    ['__proto__ as a member', golden.replace('{', '{"__proto__":1,'), 'disclosure_syntax'],
    ['a member twice', golden.replace('{', '{"receipt":"",'), 'json_duplicate_name'],
    ['no fields', { ...parsed, fields: [] }, 'disclosure_syntax'],
    ['fields that are no array', { ...parsed, fields: {} }, 'disclosure_syntax'],
    ['a receipt that is no text', { ...parsed, receipt: 1 }, 'disclosure_syntax'],
    ['a receipt that is none', { ...parsed, receipt: 'x' }, 'proof_syntax'],
    ['text behind', `${golden}x`, 'json_syntax'],
    ['eight megabytes', ' '.repeat(8 * 1_048_576 + 1), 'disclosure_syntax'],
    ['a hundred thousand brackets', '['.repeat(100_000), 'json_too_deep'],
  ])('%s', (_, bad, code) => {
    expect(refusalOf(() => parseDisclosure(typeof bad === 'string' ? bad : JSON.stringify(bad)))).toBe(code);
  });

  test.each<[string, JsonValue]>([
    ['no object', 1],
    ['null', null],
    ['no members', {}],
    ['a pointer alone', { pointer: '/a' }],
    ['a value without its salt', { pointer: '/a', value: 1 }],
    ['a salt without its value', { pointer: '/a', salt }],
    ['a value and a digest', { pointer: '/a', value: 1, salt, valueDigest: digest }],
    ['a digest of the field and its pointer', { pointer: '/a', fieldDigest: digest }],
    ['a pointer that is no text', { pointer: 1, valueDigest: digest }],
    ['a salt that is no text', { pointer: '/a', value: 1, salt: 1 }],
    ['a salt of 15 bytes', { pointer: '/a', value: 1, salt: encodeBase64(new Uint8Array(15)) }],
    ['a digest of 31 bytes', { pointer: '/a', valueDigest: encodeBase64(new Uint8Array(31)) }],
    ['a digest that is no text', { fieldDigest: [] }],
    ['an unknown member', { ...show('/a', 1), note: '' }],
  ])('a field with %s', (_, field) => {
    expect(refusalOfFields(field)).toBe('disclosure_syntax');
  });

  test.each<[string, string, JsonValue[]]>([
    ['out of order', 'fields_order', [show('/b', 1), show('/a', 1)]],
    ['twice', 'fields_order', [hide('/a'), show('/a', 1)]],
    ['out of order around a hole', 'fields_order', [show('/b', 1), hole, show('/a', 1)]],
    ['with a pointer that is none', 'fields_pointer', [hide('a')]],
    ['nested too deeply', 'fields_pointer', [hide('/a'.repeat(34))]],
    ['with an object as a value', 'fields_value', [show('/a', { b: 1 })]],
    ['with an array of arrays as a value', 'fields_value', [show('/a', [[]])]],
    ['below a text', 'fields_parent', [show('/a', 'x'), hide('/a/0')]],
    ['below an empty object', 'fields_parent', [show('/a', {}), hide('/a/b')]],
    ['below the root', 'fields_parent', [hide(''), hide('/a')]],
    ['below /privacy/applied', 'fields_parent', [hide('/privacy/applied'), hide('/privacy/applied/0')]],
    ['beside the root', 'fields_parent', [hide(''), hole]],
    ['of a root that is no empty object', 'fields_parent', [show('', [])]],
    ['more than an array says', 'fields_length', [show('/a', 1), hide('/a/0/b'), hide('/a/1')]],
    ['fewer than an array says', 'fields_length', [show('/a', 2), hide('/a/0/b')]],
    ['behind an array’s end, whatever was redacted', 'fields_length', [show('/a', 1), hole, hide('/a/1/b')]],
    ['of an array, by a name', 'fields_length', [hide('/a'), hide('/a/b')]],
    ['of an array, with a leading zero', 'fields_length', [hide('/a'), hide('/a/00')]],
    ['of an array, with a gap', 'fields_length', [hide('/a'), hide('/a/0'), hide('/a/2')]],
    ['of an array of half an element', 'fields_length', [show('/a', 0.5), hide('/a/0')]],
  ])('fields %s', (_, code, list) => {
    expect(refusalOfFields(...list)).toBe(code);
  });

  test('a number that is not exact', () => {
    for (const number of ['1e400', '9007199254740993', '0.1000000000000000055']) {
      expect(refusalOf(() => parseDisclosure(textOf(show('/a', 7)).replace('"value":7', `"value":${number}`)))).toBe('disclosure_syntax');
    }
  });

  test('but takes what a record with redacted fields can be', () => {
    for (const list of [
      [hole],
      [hide('')],
      [show('', {})],
      [show('/a', 3), hole, hide('/a/2/b')],
      [hide('/a'), hole, hide('/a/7')],
      [hide('/a'), hide('/a/0/b'), hide('/a/1')],
    ]) {
      expect(refusalOfFields(...list)).toBe('accepted');
    }
  });

  test('to format what it would not parse', () => {
    expect(refusalOf(() => formatDisclosure({ ...made, receipt: '' }))).toBe('proof_syntax');
    expect(refusalOf(() => formatDisclosure({ ...made, fields: [] }))).toBe('disclosure_syntax');
    expect(refusalOf(() => formatDisclosure({ ...made, fields: made.fields.toReversed() }))).toBe('fields_order');
    expect(refusalOf(() => formatDisclosure({ ...made, fields: [{ pointer: '/a', value: ' 1', salt: new Uint8Array(16) }] }))).toBe('fields_value');
  });
});
