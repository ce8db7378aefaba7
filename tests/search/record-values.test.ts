import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packedBytesMax, packRecord } from '../../src/log/packed-record.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { eventTimeMs } from '../../src/search/event-time.ts';
import { eachField, eachFieldAt, eachValue, eachValueAt } from '../../src/search/record-values.ts';
import { refusalOf } from '../log/refusal.ts';
import { pack } from './records.ts';

/** `path=text` of every value; `path:text` where it has no words. */
function valuesOf(record: JsonObject): string[] {
  return read(pack(record));
}

function read(packed: Uint8Array): string[] {
  const values: string[] = [];
  eachValue(packed, ({ dotted, name }, text, hasWords) => {
    expect(dotted === name || dotted.endsWith(`.${name}`)).toBe(true);
    values.push(`${dotted}${hasWords ? '=' : ':'}${text}`);
  });
  return values;
}

test('a value stands under its dotted path, folded', () => {
  expect(valuesOf({ actor: { displayName: 'Ada BYRON', type: 'User' }, action: 'x' })).toEqual([
    'action=x',
    'actor.displayname=ada byron',
    'actor.type=user',
  ]);
});

test('positions in arrays are not part of a path', () => {
  expect(valuesOf({ targets: [{ id: 'a' }, { id: 'b' }], metadata: { 404: { x: 'y' }, 'k8s.io/1.2': 'z' } })).toEqual([
    'metadata.x=y',
    'metadata.k8s.io/1=z',
    'targets.id=a',
    'targets.id=b',
  ]);
});

test('numbers have words, true, false and null do not', () => {
  expect(valuesOf({ a: 12, b: -1.5, c: true, d: false, e: null, f: 0 })).toEqual(['a=12', 'b=-1.5', 'c:true', 'd:false', 'e:null', 'f=0']);
});

test('an array of scalars is a value an element', () => {
  expect(valuesOf({ roles: ['Admin', 7, true, null, 'a"b'] })).toEqual(['roles=admin', 'roles=7', 'roles:true', 'roles:null', 'roles=a"b']);
});

test('the length of an array and empty containers are no values', () => {
  expect(valuesOf({ 'a-b': 1, a: [{ x: 1 }], 'a b': 3, e: {}, f: [], g: 1, 'g/h': 2 })).toEqual(['a b=3', 'a-b=1', 'a.x=1', 'g=1', 'g/h=2']);
});

test('what was done to a record is found by kind and transform', () => {
  const applied = [
    { pointer: '/a"kind":"no"/b', kind: 'email_address', transform: 'tokenize' },
    { pointer: '/c', kind: 'ip_address', transform: 'hash', keyVersion: 1 },
  ];
  expect(valuesOf({ privacy: { applied, policy: 'default@1 ABC' } })).toEqual([
    'privacy.applied.kind:email_address',
    'privacy.applied.transform:tokenize',
    'privacy.applied.kind:ip_address',
    'privacy.applied.transform:hash',
    'privacy.policy:default@1 abc',
  ]);
});

test('escapes and text beyond ASCII are read', () => {
  const long = 'ü'.repeat(200);
  expect(valuesOf({ a: 'tab\tquote"\u0001', Ünter: { straße: 'Füße' }, long, z: 'plain', '~/': 'x' })).toEqual([
    'a=tab\tquote"\u0001',
    `long=${long}`,
    'z=plain',
    '~/=x',
    'ünter.straße=füße',
  ]);
});

test('more pointers than are remembered', () => {
  for (let i = 0; i < 40; i++) {
    const record = Object.fromEntries(Array.from({ length: 500 }, (_, k) => [`n${i}x${k}`, 'v']));
    expect(valuesOf(record).length).toBe(500);
  }
});

test('an event happened at its own time, else when it was received', () => {
  expect(eventTimeMs(pack({ time: '2026-01-01T00:00:00.000Z', receivedAt: '2026-02-01T00:00:00.000Z' }), 5)).toBe(Date.UTC(2026, 0, 1));
  expect(eventTimeMs(pack({ receivedAt: '2026-02-01T00:00:00.000Z' }), 5)).toBe(Date.UTC(2026, 1, 1));
  expect(eventTimeMs(pack({ time: 'yesterday', receivedAt: '2026-02-01T00:00:00.000Z' }), 5)).toBe(Date.UTC(2026, 1, 1));
  expect(eventTimeMs(pack({ metadata: { time: '2026-01-01T00:00:00.000Z' } }), 5)).toBe(5);
});

test('bytes that are no record are refused wherever they are cut, and never read beyond', () => {
  const fields = [
    { pointer: '/a', value: '"b"' },
    { pointer: '/n', value: '1' },
    { pointer: '/n0', value: '"é"' },
  ];
  const out = new Uint8Array(packedBytesMax(fields));
  const packed = out.slice(0, packRecord(out, 0, new Uint8Array(32), fields));
  expect(read(packed).length).toBe(3);
  const ends = new Set([37, 37 + 2 + 2 + 4 + 3, 37 + 11 + 2 + 2 + 4 + 1]);
  for (let length = 0; length < packed.length; length++) {
    expect([length, refusalOf(() => eachField(packed.slice(0, length), () => undefined))]).toEqual([
      length,
      ends.has(length) ? 'accepted' : 'bad_record',
    ]);
  }
  expect(refusalOf(() => read(new Uint8Array([2, ...packed.subarray(1)])))).toBe('bad_record');
});

test('JSON that is none is refused as a record', () => {
  for (const value of ['[1,', '"\\x"']) {
    const fields = [{ pointer: '/a', value }];
    const out = new Uint8Array(packedBytesMax(fields));
    expect(refusalOf(() => read(out.slice(0, packRecord(out, 0, new Uint8Array(32), fields))))).toBe('bad_record');
  }
});

test('an array of containers is told from a number also behind other fields, up to some', () => {
  const fields = [
    { pointer: '/a', value: '1' },
    ...Array.from({ length: 20 }, (_, i) => ({ pointer: `/a!${String.fromCharCode(65 + i)}`, value: '"x"' })),
    { pointer: '/a/0/b', value: '"y"' },
  ];
  const pathsOf = (list: typeof fields): string[] => {
    const out = new Uint8Array(packedBytesMax(list));
    return read(out.slice(0, packRecord(out, 0, new Uint8Array(32), list)));
  };
  expect(pathsOf(fields)).toContain('a=1');
  expect(pathsOf(fields.toSpliced(1, 10))).not.toContain('a=1');
});

test('values read from bytes are those read from the text', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.string(),
    fc.constantFrom('TOK_A', 'É', 'a"b', '\\', '', 'x'.repeat(2_000), 'İ', 'K'),
  );
  const value = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(text, { maxLength: 3 }));
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('a', 'B', 'é', 'x/y'), value), value, (record, policy) => {
      const packed = pack({ ...record, privacy: { policy, applied: [{ pointer: '/a', kind: 'email', transform: 'mask' }] } } as JsonObject);
      const byText: unknown[] = [];
      const byBytes: unknown[] = [];
      eachValue(packed, (...found) => byText.push(found));
      const pointers: string[] = [];
      eachField(packed, (pointer) => pointers.push(pointer));
      eachFieldAt(packed, (_, __, jsonAt, end) => eachValueAt(pointers.shift() as string, packed, jsonAt, end, (...found) => byBytes.push(found)));
      expect(byBytes).toEqual(byText);
    }),
  );
});
