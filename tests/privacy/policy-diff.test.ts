/** What changed between two policies: every rule, whether less is protected by it, and no value. */
import { expect, test } from 'vitest';
import { defaultPolicyYaml, parsePolicy } from '../../src/privacy/policy.ts';
import { diffPolicies, groupChanges } from '../../src/privacy/policy-diff.ts';
import { policyDigest, policyLabel } from '../../src/privacy/policy-digest.ts';

const head = 'version: 1\nname: x\n';

/** `effect rule: before → after` of each change. */
function diff(before: string, after: string): string[] {
  return diffPolicies(parsePolicy(head + before), parsePolicy(head + after)).map(
    (one) => `${one.effect} ${one.rule}: ${one.before ?? '–'} → ${one.after ?? '–'}`,
  );
}

test('nothing changed', () => {
  const policy = parsePolicy(defaultPolicyYaml);
  expect(diffPolicies(policy, parsePolicy(`${defaultPolicyYaml}\n# a comment\n`))).toEqual([]);
  expect(diff('kinds: {email: {transform: redact, options: {label: kind}}}', 'kinds: {email: {options: {label: kind}, transform: redact}}')).toEqual(
    [],
  );
});

test('facts about the policy', () => {
  const after = parsePolicy('version: 2\nname: y\nowner: o\nkinds: {}\n');
  expect(diffPolicies(parsePolicy(`${head}approver: a\nkinds: {}\n`), after).map(({ rule }) => rule)).toEqual([
    'name',
    'version',
    'owner',
    'approver',
  ]);
});

test.each([
  ['redact', 'tokenize', 'weaker'],
  ['tokenize', 'redact', 'stronger'],
  ['tokenize', 'hash', 'other'],
  ['drop', 'redact', 'other'],
  ['hash', '{transform: sha256}', 'weaker'],
  ['{transform: mask, options: {keepLast: 2}}', 'mask', 'weaker'],
  ['{transform: generalize, options: {date: year}}', '{transform: generalize, options: {date: month}}', 'weaker'],
  ['{transform: shift, options: {maxDays: 10}}', 'shift', 'stronger'],
  ['{transform: redact, floor: 0.5}', '{transform: redact, floor: 0.9}', 'weaker'],
  ['{transform: redact, floor: 0.9}', 'redact', 'stronger'],
  ['{transform: redact, why: a}', '{transform: redact, why: b}', 'other'],
])('kind from %s to %s is %s', (before, after, effect) => {
  expect(diff(`kinds: {email: ${before}}`, `kinds: {email: ${after}}`)).toEqual([expect.stringMatching(new RegExp(`^${effect} kinds.email: `))]);
});

test('kinds that come and go are compared with what happens without a rule', () => {
  expect(diff('kinds: {}', 'kinds: {email: keep, phone: redact}')).toEqual(['weaker kinds.email: – → keep', 'other kinds.phone: – → redact']);
  expect(diff('kinds: {email: keep}', 'kinds: {}')).toEqual(['stronger kinds.email: keep → –']);
});

test('fields by path, with conditions, reasons and order', () => {
  const kinds = 'kinds: {email: tokenize}\n';
  const fields = (list: string): string => `fields: [${list}]\n${kinds}`;
  expect(diff(fields('{path: [a, b], kind: email}'), fields('{path: a, kind: email}, {path: b, kind: email, transform: redact}'))).toEqual([
    'stronger fields.b: as its kind (email) → redact (email)',
  ]);
  expect(diff(kinds, fields('{path: a}'))).toEqual(['stronger fields.a: – → redact']);
  expect(diff(fields('{path: a}'), kinds)).toEqual(['weaker fields.a: redact → –']);
  expect(diff(fields('{path: a}'), fields('{path: a, when: looks-personal, unless: {type: [b, c, d, e]}}'))).toEqual([
    'weaker fields.a: redact → redact, when it looks personal, unless type is b, c, d or 1 more',
  ]);
  expect(diff(fields('{path: a, when: looks-personal}'), fields('{path: a, when: looks-personal}, {path: a, transform: keep}'))).toEqual([
    'other fields.a: redact, when it looks personal → redact, when it looks personal; keep',
  ]);
  expect(diff(fields('{path: a, why: x}'), fields('{path: a, why: y}'))).toEqual(['other fields.a: why → why, in other words']);
  expect(diff(fields('{path: a}, {path: b}'), fields('{path: b}, {path: a}'))).toEqual([expect.stringContaining('fields (order)')]);
});

test('keys, custom kinds, unknown fields', () => {
  expect(diff('kinds: {}', 'keys: [{match: a*, kind: email}]\nkinds: {}')).toEqual(['stronger keys.a* (name): – → as its kind (email)']);
  expect(diff('kinds: {}\nunknown: redact', 'kinds: {}\nunknown: quarantine')).toEqual(['weaker unknown: redact → quarantine']);
  const own = (more: string): string => `custom: [{kind: own, pattern: 'x\\d'${more}}]\nkinds: {own: keep}`;
  expect(diff('kinds: {}', own(', keywords: [a], check: luhn'))).toEqual([
    'stronger custom.own: – → 1 expression, 1 keyword, luhn',
    'other kinds.own: – → keep',
  ]);
  expect(diff(own(''), own(', keywords: [a, b]'))).toEqual(['other custom.own: 1 expression → 1 expression, 2 keywords; changed: keywords']);
  expect(diff(own(''), own(', dictionary: {salt: AAAAAAAAAAAAAAAAAAAAAA, words: 1, hashes: [AAAAAAAAAAAAAAAA]}'))).toEqual([
    'other custom.own: 1 expression → 1 expression, a dictionary of 1; changed: dictionary',
  ]);
  expect(diff(own(''), 'kinds: {}')).toContain('weaker custom.own: 1 expression → –');
});

test('what is allowed is counted and never said', () => {
  const before = 'kinds: {}\nallow: [{values: [secret1@example.com, secret2@example.com]}]';
  const after = 'kinds: {}\nallow: [{values: [secret2@example.com], kinds: [email]}, {values: [secret1@example.com]}, {networks: [10.0.0.0/8]}]';
  expect(diff(before, after)).toEqual(['weaker allow: 2 that stay → 3 that stay: 2 added, 1 removed']);
  expect(diff(after, 'kinds: {}')).toEqual(['stronger allow: 3 that stay → 0 that stay: 0 added, 3 removed']);
  expect(JSON.stringify(diff(before, after))).not.toContain('secret');
});

test('single logs, where they differ from the rest', () => {
  const logs = (own: string): string => `kinds: {email: redact}\nlogs: {a: {${own}}}`;
  expect(diff('kinds: {email: redact}', logs('unknown: redact, kinds: {email: keep}'))).toEqual([
    'stronger logs.a.unknown: scan → redact',
    'weaker logs.a.kinds.email: redact → keep',
  ]);
  // What changes everywhere is told once.
  expect(diff('kinds: {email: redact}\nlogs: {a: {}}', 'kinds: {email: keep}\nlogs: {a: {}}')).toEqual(['weaker kinds.email: redact → keep']);
});

test('changes that say the same are one for people', () => {
  const changes = diffPolicies(
    parsePolicy(`${head}kinds: {}`),
    parsePolicy(`${head}fields: [{path: [a, b, c]}, {path: d, transform: mask}]\nkinds: {}`),
  );
  expect(groupChanges(changes).map(({ rules, after }) => [rules, after])).toEqual([
    [['fields.a', 'fields.b', 'fields.c'], 'redact'],
    [['fields.d'], 'mask'],
  ]);
});

test('the digest is that of the text, and the label shows its beginning', () => {
  expect(policyDigest('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  expect(policyLabel(parsePolicy(`${head}kinds: {}`), 'abc')).toBe('x@1#ba7816bf8f01');
});
