/** Usual cases that are decided sooner come out as all others do. */
import { expect, it } from 'vitest';
import { canonicalOf, kindSpecs } from '../../src/privacy/detectors/all.ts';
import { deedBehind, isBodyBehind } from '../../src/privacy/detectors/person-cues.ts';
import { mergeCandidates } from '../../src/privacy/finding.ts';
import { generalize } from '../../src/privacy/generalize.ts';
import { isWholeValue, looksPersonal } from '../../src/privacy/rules.ts';
import { systemAccounts } from '../../src/privacy/lexicon.ts';
import { bodies, companyForms } from '../../src/privacy/name-words.ts';
import { createHasher, isTransformed, mask, plainSha256, redact, tokenShape } from '../../src/privacy/transforms.ts';
import { cleaned, engineOf, pseudonymKey } from './engine-for-test.ts';

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

it('accounts of machines, with blanks around or without', () => {
  const rule = { path: ['**.userName'], kind: 'username' };
  const accounts = ['system:node:a', 'EKS:one', 'arn:aws:iam::1:user/jane@example.com', '0b1c2d3e-4f5a-4b7c-8d9e-0f1a2b3c4d5e', ...systemAccounts];
  for (const account of accounts.flatMap((one) => [one, one.toUpperCase(), ` ${one}`, `${one}\u00a0`]))
    expect(isWholeValue(rule, account), account).toBe(false);
  for (const name of ['jdoe', 'Jane Doe', 'root@example.com', 'root user', 'user', 'é'].filter((one) => !systemAccounts.has(one)))
    expect(isWholeValue(rule, name), name).toBe(true);
});

it('members in the order of the event before, and in any other', () => {
  const members = Object.entries({
    email: 'jane@example.com',
    id: 'x-1',
    phone: '+1 458 665 7205',
    status: 'on',
    'a.b': 1,
    ip: '8.8.4.4',
    name: 'x',
  });
  const expected = JSON.stringify(cleaned(engineOf(), Object.fromEntries(members)).event);
  const engine = engineOf();
  for (let i = 0; i < 40; i++) {
    const turned = [...members.slice(i % 7), ...members.slice(0, i % 7)];
    const { event } = cleaned(engine, Object.fromEntries(i % 3 === 0 ? turned.toReversed() : turned));
    expect(event).toEqual(JSON.parse(expected));
  }
  const wide = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`field ${i}`, `${i}@example.com`]));
  for (let i = 0; i < 3; i++) expect(JSON.stringify(cleaned(engine, wide).event)).not.toContain('@');
});

it('words behind a name', () => {
  for (const form of companyForms) expect(isBodyBehind(`Jane ${form} x`, 4), form).toBe(true);
  for (const body of bodies) {
    expect(isBodyBehind(`Jane ${body[0]?.toUpperCase()}${body.slice(1)}`, 4), body).toBe(true);
    expect(isBodyBehind(`Jane, ${body}`, 4), body).toBe(companyForms.has(body));
  }
  for (const other of ['used', 'Used', 'as', 'É', '']) expect(isBodyBehind(`Jane ${other}`, 4), other).toBe(false);
  for (const word of ['from', 'via', 'at', 'on', 'as', 'in']) {
    expect(deedBehind(`Jane ${word} `, 4)).toBe('place');
    expect(deedBehind(`Jane  (${word}`, 4)).toBe('place');
    expect(deedBehind(`Jane ${word}x`, 4)).toBe('');
    expect(deedBehind(`Jane <${word}@`, 4)).toBe('deed');
    expect(deedBehind(`Jane (user)${word}`, 4)).toBe('deed');
  }
  for (const word of ['signed', 'is', 'logs', 'attempts', 'born', 'aged']) expect(deedBehind(`Jane ${word}`, 4), word).toBe('deed');
  expect(deedBehind("Jane's", 4)).toBe('genitive');
  expect(deedBehind('Jane.', 4)).toBe('');
});

it('findings within others, few of them or many', () => {
  for (const count of [2, 17, 18, 40]) {
    const within = Array.from({ length: count }, (_, i) => ({ kind: 'phone', start: 2 + i, end: 3 + i, confidence: 0.6 }));
    const around = { kind: 'email', start: 0, end: 3 + count, confidence: 0.9 };
    expect(mergeCandidates([...within, around])).toEqual([around]);
  }
});
