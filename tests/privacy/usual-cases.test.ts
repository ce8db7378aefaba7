/** Usual cases that are decided sooner come out as all others do. */
import { expect, it } from 'vitest';
import { canonicalOf, kindSpecs } from '../../src/privacy/detectors/all.ts';
import { generalize } from '../../src/privacy/generalize.ts';
import { looksPersonal } from '../../src/privacy/rules.ts';
import { createHasher, isTransformed, mask, plainSha256, redact, tokenShape } from '../../src/privacy/transforms.ts';
import { pseudonymKey } from './engine-for-test.ts';

it('networks of addresses, with leading zeros or without, of any length', () => {
  const octets = [0, 1, 9, 10, 99, 100, 127, 200, 255];
  for (let i = 0; i < 2000; i++) {
    const four = [i % 9, (i * 7) % 9, (i * 5 + (i >> 3)) % 9, (i >> 4) % 9].map((at) => octets[at] as number);
    const ipv4 = i % 33;
    const bits = four.map((octet) => octet.toString(2).padStart(8, '0')).join('');
    const kept = bits.slice(0, ipv4).padEnd(32, '0');
    const expected = `${[0, 8, 16, 24].map((at) => Number.parseInt(kept.slice(at, at + 8), 2)).join('.')}/${ipv4}`;
    expect(generalize('ip_address', four.join('.'), { ipv4 })).toBe(expected);
    expect(generalize('ip_address', four.map((octet) => String(octet).padStart(3, '0')).join('.'), { ipv4 })).toBe(expected);
  }
});

it('names of two words', () => {
  expect(canonicalOf('person_name', 'Jane DOE')).toBe('jane doe');
  expect(canonicalOf('person_name', 'Cher')).toBe('cher');
  expect(canonicalOf('person_name', 'Doe,Jane')).toBe('jane doe');
  expect(canonicalOf('person_name', 'Doe, Jane')).toBe('jane doe');
  expect(canonicalOf('person_name', 'Ms. Jane Doe')).toBe('jane doe');
  expect(canonicalOf('person_name', 'Mr Doe')).toBe('mr doe');
  expect(canonicalOf('person_name', 'Jane  Doe')).toBe('jane doe');
  expect(canonicalOf('person_name', ' Jane Doe')).toBe('jane doe');
  expect(canonicalOf('person_name', 'ＪＡＮＥ Doe')).toBe('jane doe');
});

it('identifiers that are numbered', () => {
  for (const id of ['u-1', 'cust_42', 'ABC-0007', 'usr_98765', '4711', 'u-12a', '-12', 'u--1x']) expect(looksPersonal(id, {}), id).toBe(false);
  for (const name of ['jane-doe', 'jane_doe42', 'jdoe', 'doe-jane-7', 'Ümit']) expect(looksPersonal(name, {}), name).toBe(true);
  // A letter beyond ASCII takes the longer way to the same.
  expect(looksPersonal('é-12', {})).toBe(false);
});

it('what transforms leave behind is told from what only begins like it', () => {
  const { text: hash } = createHasher([pseudonymKey])('email', 'jane@example.com');
  const token = `tok_${'A'.repeat(27)}`;
  const outcomes = [hash, token, plainSha256('x'), mask('4111111111111111'), mask('x'), '10..20', '-5..0, 1..2', '[REDACTED]', `custom:${token}`];
  for (const kind of kindSpecs.keys()) {
    outcomes.push(redact(kind, { label: 'kind' }));
    for (const shape of ['kind', 'readable'] as const) {
      const { before, behind } = tokenShape(kind, shape) ?? { before: '', behind: '' };
      outcomes.push(before + token + behind);
    }
  }
  for (const one of outcomes) expect(isTransformed(one), one).toBe(true);
  for (const other of ['', 'Jane', 'jane', 'Étok_', 'tok_', 'sha256:', `${hash}x`, `X${token}`, 'hash', '10..', '[Redacted]', `é${token}`])
    expect(isTransformed(other), other).toBe(false);
});
