/** Which `kind:value` of a query asks for a real value. */
import { expect, it } from 'vitest';
import { asksForValues } from '../../src/app/search-by-value.ts';
import { defaultPolicyYaml } from '../../src/privacy/default-policy.ts';
import { parsePolicy } from '../../src/privacy/policy-file.ts';
import { soughtKinds } from '../../src/server/look-ups.ts';

const head = 'version: 1\nname: test\n';
const soughtBy = (yaml: string): Set<string> => soughtKinds(parsePolicy(yaml));

it('those that pseudonyms stand for, by a rule of today or of the default policy', () => {
  const usual = soughtBy(defaultPolicyYaml);
  expect(['email', 'person_name', 'aws_access_key'].every((kind) => usual.has(kind))).toBe(true);
  expect(['place', 'us_ssn', 'ip_address', 'hostname', 'url'].some((kind) => usual.has(kind))).toBe(false);
  const own = soughtBy(
    `${head}kinds: {email: redact, phone: keep, badge: hash}\nfields: [{path: a.b, transform: tokenize}, {path: c, kind: iban, transform: hash}]\ncustom: [{kind: badge, pattern: 'BDG-\\d{6}'}]\nlogs: {x: {kinds: {us_ssn: hash}}}\n`,
  );
  // Redacted now, and tokens of before are in the records.
  expect([...['email', 'badge', 'field', 'iban', 'us_ssn', 'username'].filter((kind) => !own.has(kind)), own.has('phone')]).toEqual([false]);
});

it.each([
  ['email:jane@example.com', true],
  ['action:login (email:"jane@example.com" OR x)', true],
  ['-email:jane@example.com', true],
  ['EMAIL:jane@example.com', true],
  [`email:tok_${'A'.repeat(27)}`, false],
  ['email:[REDACTED]', false],
  ['email:""', false],
  ['actor.email:jane@example.com', false],
  ['jane@example.com', false],
  ['hostname:web-1', false],
  ['', false],
])('in a query: %s', (query, asks) => {
  expect(asksForValues(query, soughtBy(defaultPolicyYaml))).toBe(asks);
});
