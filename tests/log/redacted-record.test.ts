import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { concatBytes, fromHex, toHex } from '../../src/core/bytes.ts';
import { commitPackedMany } from '../../src/log/commit-many.ts';
import { commitFields, valueDigest } from '../../src/log/commitment.ts';
import { commitDisclosure, createDisclosure } from '../../src/log/disclosure.ts';
import { isRemoved, openRecord, recordOfFields, recordOfSealed } from '../../src/log/open-record.ts';
import { packedBytesMax, packRecord } from '../../src/log/packed-record.ts';
import { flattenRecord, type Field } from '../../src/log/record.ts';
import { commitRedacted, fieldsOf, isKept, packRedacted, redactRecord, unpackRedacted } from '../../src/log/redacted-record.ts';
import { refusalOf } from './refusal.ts';

const seed = Uint8Array.from({ length: 32 }, (_, i) => 7 * i);
const origin = 'redacted.example/log';
const record = { action: 'pay', card: { pin: '4711', type: 'debit' }, list: [{ a: 1 }, { a: 2 }], 'jane@example.com': true };

function pack(fields: readonly Field[]): Uint8Array {
  const out = new Uint8Array(packedBytesMax(fields));
  return out.slice(0, packRecord(out, 0, seed, fields));
}

const fields = flattenRecord(record);
const packed = pack(fields);
const commitment = commitFields(origin, fields, seed);

function redact(from: Uint8Array, pointers: string[], hidePointers = false, tombstone = 9): Uint8Array {
  return redactRecord(from, { pointers: new Set(pointers), hidePointers, tombstone }) as Uint8Array;
}

interface Vector {
  origin: string;
  form1: string;
  redactions: { pointers: string[]; hidePointers: boolean; tombstone: number }[];
  form2: string;
  commitment: string;
}

test('golden vectors', () => {
  const vectors = JSON.parse(readFileSync(new URL('../vectors/redacted-record.json', import.meta.url), 'utf8')) as Vector[];
  expect(vectors.length).toBeGreaterThan(1);
  for (const { origin: of, form1, redactions, form2, commitment: expected } of vectors) {
    let at = fromHex(form1);
    for (const { pointers, hidePointers, tombstone } of redactions) at = redact(at, pointers, hidePointers, tombstone);
    expect(toHex(at)).toBe(form2);
    expect(toHex(packRedacted(unpackRedacted(at)))).toBe(form2);
    expect(toHex(commitRedacted(of, at))).toBe(expected);
    const found = new Uint8Array(64);
    commitPackedMany(of, concatBytes(fromHex(form1), at), Uint32Array.of(0, form1.length / 2, (form1.length + form2.length) / 2), 0, 2, found);
    expect(toHex(found)).toBe(expected + expected);
  }
});

describe('a redacted record', () => {
  test('still opens its commitment, whatever is redacted of it, in however many steps', () => {
    const pointers = fields.map(({ pointer }) => pointer);
    fc.assert(
      fc.property(fc.array(fc.record({ some: fc.subarray(pointers), hide: fc.boolean() }), { maxLength: 4 }), (steps) => {
        let at = packed;
        for (const [i, { some, hide }] of steps.entries()) at = redactRecord(at, { pointers: new Set(some), hidePointers: hide, tombstone: i }) ?? at;
        if (at !== packed) expect(toHex(commitRedacted(origin, at))).toBe(toHex(commitment));
        const gone = new Set(steps.flatMap(({ some }) => some));
        expect(
          fieldsOf(at)
            .filter(isKept)
            .map(({ pointer }) => pointer),
        ).toEqual(pointers.filter((one) => !gone.has(one)));
      }),
    );
  });

  test('has neither the value, nor its salt, nor the seed; nor the pointer where that goes', () => {
    const salt = (fieldsOf(packed).find((field) => isKept(field) && field.pointer === '/card/pin') as { salt: Uint8Array }).salt;
    const bytes = Buffer.from(redact(redact(packed, ['/card/pin']), ['/jane@example.com'], true));
    for (const gone of [Buffer.from('4711'), Buffer.from(salt), Buffer.from(seed), Buffer.from('jane')]) expect(bytes.indexOf(gone)).toBe(-1);
    expect(Buffer.from(packed).indexOf('4711')).toBeGreaterThan(0);
  });

  test('a guess of the value cannot be checked any more; before, it could', () => {
    const tryAll = (bytes: Uint8Array): number => {
      const field = fieldsOf(bytes).find((one) => !('fieldDigest' in one) && one.pointer === '/card/pin');
      const salts = fieldsOf(bytes).flatMap((one) => (isKept(one) ? [one.salt] : []));
      const digest = field && 'valueDigest' in field ? field.valueDigest : undefined;
      let hits = 0;
      for (let pin = 0; pin < 10_000; pin++) {
        const value = JSON.stringify(String(pin).padStart(4, '0'));
        for (const salt of digest ? salts : [(field as { salt: Uint8Array }).salt])
          if (toHex(valueDigest(salt, value)) === toHex(digest ?? valueDigest((field as { salt: Uint8Array }).salt, '"4711"'))) hits++;
      }
      return hits;
    };
    expect(tryAll(packed)).toBe(1);
    expect(tryAll(redact(packed, ['/card/pin']))).toBe(0);
  });

  test('says where something was, and which leaf tells of it', () => {
    const once = redact(packed, ['/card/pin'], false, 12);
    expect(openRecord(once).redacted).toEqual([{ pointer: '/card/pin', tombstone: 12 }]);
    expect(recordOfFields(openRecord(once))).toEqual({ ...record, card: { pin: '[REDACTED leaf 12]', type: 'debit' } });
    const twice = redact(once, ['/list/0/a', '/card/pin'], true, 13);
    // What had gone before goes on naming its own tombstone.
    expect(openRecord(twice).redacted).toEqual([{ tombstone: 12 }, { tombstone: 13 }]);
    expect(recordOfFields(openRecord(twice))).toEqual({ ...record, card: { type: 'debit' }, list: ['[REDACTED]', { a: 2 }] });
    expect(
      recordOfFields(
        openRecord(
          redact(
            packed,
            fields.map(({ pointer }) => pointer),
            true,
          ),
        ),
      ),
    ).toEqual({});
    expect(recordOfFields(openRecord(packed))).toEqual(record);
    const all = redact(
      packed,
      fields.map(({ pointer }) => pointer),
      true,
    );
    for (const one of [packed, once, twice, all]) expect(recordOfSealed(openRecord(one))).toEqual(recordOfFields(openRecord(one)));
  });

  test('nothing that is gone already goes again', () => {
    const once = redact(packed, ['/card/pin']);
    expect(redactRecord(once, { pointers: new Set(['/card/pin']), hidePointers: false, tombstone: 10 })).toBeUndefined();
    expect(redactRecord(packed, { pointers: new Set(['/nothing']), hidePointers: true, tombstone: 10 })).toBeUndefined();
  });

  test('its disclosures verify, and those that were made before', () => {
    const receipt = 'not looked at here';
    const before = createDisclosure({ fields, seed, receipt }, new Set(['/action']));
    const after = createDisclosure(
      { redactable: fieldsOf(redact(redact(packed, ['/card/pin']), ['/card/type'], true)), receipt },
      new Set(['/action']),
    );
    expect(toHex(commitDisclosure(origin, before))).toBe(toHex(commitment));
    expect(toHex(commitDisclosure(origin, after))).toBe(toHex(commitment));
    expect(after.fields.filter((field) => 'fieldDigest' in field)).toHaveLength(1);
    expect(refusalOf(() => createDisclosure({ redactable: fieldsOf(redact(packed, ['/card/pin'])), receipt }, new Set(['/card/pin'])))).toBe(
      'disclosure_pointer',
    );
  });
});

test('refuses what it would not write', () => {
  const bytes = redact(redact(packed, ['/card/pin']), ['/action'], true);
  for (let end = 0; end < bytes.length; end++) expect(refusalOf(() => unpackRedacted(bytes.subarray(0, end)))).toBe('bad_record');
  expect(refusalOf(() => unpackRedacted(concatBytes(bytes, Uint8Array.of(0))))).toBe('bad_record');
  expect(refusalOf(() => unpackRedacted(packed))).toBe('bad_record');
  expect(refusalOf(() => unpackRedacted(bytes.with(5, 3)))).toBe('bad_record');
  expect(refusalOf(() => unpackRedacted(bytes.with(6, 0xff)))).toBe('bad_record'); // a tombstone beyond any leaf
  expect(refusalOf(() => unpackRedacted(Uint8Array.of(2, 0, 0, 0, 0)))).toBe('bad_record');
  const kept = fieldsOf(packed);
  expect(refusalOf(() => unpackRedacted(packRedacted(kept.toReversed())))).toBe('bad_record');
  expect(refusalOf(() => packRedacted([]))).toBe('commitment_fields');
  expect(refusalOf(() => packRedacted([{ pointer: `/${'x'.repeat(65_535)}`, value: '1', salt: seed.subarray(16) }]))).toBe('pointer_too_long');
  const found = new Uint8Array(32);
  const refused: string[] = [];
  commitPackedMany(origin, bytes.subarray(1), Uint32Array.of(0, bytes.length - 1), 0, 1, found, (_, { code }) => refused.push(code));
  commitPackedMany(origin, bytes, Uint32Array.of(0, bytes.length - 1), 0, 1, found, (_, { code }) => refused.push(code));
  expect(refused).toEqual(['bad_record', 'bad_record']);
});

test('an empty place is that of a removed record', () => {
  expect(isRemoved(new Uint8Array())).toBe(true);
  expect(isRemoved(packed)).toBe(false);
});
