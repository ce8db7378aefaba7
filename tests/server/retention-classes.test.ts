import { expect, test } from 'vitest';
import { keptClass, parseRetention } from '../../src/app/retention-table.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { defaultClass } from '../../src/ledger/compact.ts';
import { packedBytesMax, packRecord } from '../../src/log/packed-record.ts';
import { flattenRecord } from '../../src/log/record.ts';
import { redactRecord } from '../../src/log/redacted-record.ts';
import { createRetentionClasses } from '../../src/server/retention-classes.ts';
import { isClassName } from '../../src/storage/segment-store.ts';

function pack(record: JsonObject): Uint8Array {
  const fields = flattenRecord(record);
  const out = new Uint8Array(packedBytesMax(fields));
  return out.slice(0, packRecord(out, 0, new Uint8Array(32).fill(7), fields));
}

const table = parseRetention(`version: 1
rules:
  - {name: logins, category: authentication, keep: 90 days, basis: a law}
  - {name: payments-7, log: payments, keep: 7 years, basis: a law}
  - {name: books, log: books, keep: forever, basis: a law}
`);

test('records are of the class of the first rule that fits them', () => {
  const classes = createRetentionClasses(table);
  const login = pack({ action: 'session.start', category: 'authentication' });
  expect(classes.classOf('default', login)).toBe('logins');
  expect(classes.classOf('default', pack({ action: 'x', category: 'access' }))).toBe(keptClass);
  expect(classes.classOf('payments', pack({ action: 'x' }))).toBe('payments-7');
  expect(classes.classOf('books', pack({ action: 'x' }))).toBe(keptClass);
  // What accounts for a removal is kept, and a value that was redacted decides nothing else.
  expect(classes.classOf('payments', pack({ action: 'removal.expire', tombstone: { operation: 'expire' } }))).toBe(keptClass);
  const redacted = redactRecord(login, { pointers: new Set(['/action']), hidePointers: false, tombstone: 9 }) as Uint8Array;
  expect(classes.classOf('default', redacted)).toBe('logins');
});

test('without rules all records are of one class', () => {
  expect(createRetentionClasses({ rules: [] }).classOf('payments', pack({ action: 'x' }))).toBe(defaultClass);
});

test('every name of a rule may name a class', () => {
  for (const { name } of table.rules) expect(isClassName(name)).toBe(true);
  for (const name of [keptClass, defaultClass]) expect(isClassName(name)).toBe(true);
  for (const name of ['', '..', 'a/b', 'A', '-a', 'a'.repeat(65)]) expect(isClassName(name)).toBe(false);
});
