/** What may stay is decided by the host that a value really names. */
import { expect, test } from 'vitest';
import { createAllowList } from '../../src/privacy/allow-list.ts';
import { canonicalOf } from '../../src/privacy/detectors/all.ts';
import type { AllowRule } from '../../src/privacy/policy-model.ts';

function allows(rule: AllowRule, kind: string, value: string): boolean {
  const list = createAllowList([rule], canonicalOf);
  return list?.(kind, value, canonicalOf(kind, value)) ?? false;
}

test('nothing allowed is nothing to ask', () => expect(createAllowList([], canonicalOf)).toBeUndefined());

test.each([
  ['a@example.com', true],
  ['a@mail.example.com', true],
  ['A@EXAMPLE.COM.', true],
  ['example.com', true],
  ['https://www.example.com:8443/path?q=1#f', true],
  ['https://example.com', true],
  ['a@example.com.evil.net', false],
  ['a@notexample.com', false],
  ['example.com@evil.net', false],
  // A name and a password before the host are no host, whatever they say.
  ['https://example.com@evil.net/', false],
  ['https://example.com:secret@example.com/', false],
  ['https://evil.net/example.com', false],
  ['https://evil.net#@example.com', false],
  ['https://evil.net?.example.com', false],
  ['Jane of example.com', false],
  ['', false],
])('domains: %s → %s', (value, expected) => expect(allows({ domains: ['example.com'] }, 'email', value)).toBe(expected));

test.each([
  ['10.1.2.3', true],
  ['::ffff:10.1.2.3', true],
  ['11.1.2.3', false],
  ['fd00::1', true],
  ['fe80::1', false],
  ['010.1.2.3.4', false],
  ['not an address', false],
])('networks: %s → %s', (value, expected) => expect(allows({ networks: ['10.0.0.0/8', 'fd00::/8'] }, 'ip_address', value)).toBe(expected));

test('networks are for addresses only, kinds for those that are named', () => {
  expect(allows({ networks: ['10.0.0.0/8'] }, 'phone', '10.1.2.3')).toBe(false);
  expect(allows({ values: ['+1 415 555 0132'], kinds: ['phone'] }, 'phone', '+1-415-555-0132')).toBe(true);
  expect(allows({ values: ['+1 415 555 0132'], kinds: ['phone'] }, 'us_ssn', '+1 415 555 0132')).toBe(false);
  expect(allows({ patterns: ['a{1,3}'] }, 'phone', 'aaaa')).toBe(false);
});
