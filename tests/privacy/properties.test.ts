import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import { applyPlan } from '../../src/privacy/apply.ts';
import { cleaned, engineOf, tokenOf } from './engine-for-test.ts';

const engine = engineOf();
const runs = { numRuns: 300 };

/** Pieces that detectors react to, so that random events are not all harmless. */
const spicy = fc.constantFrom(
  'z@example.com',
  '8.8.4.4',
  '536-22-1845',
  '4111111111111111',
  '+14586657205',
  'user Zed Quux logged in',
  'password=hunter2',
  'a3:0f:84:df:6a:8f',
  '%40',
  '\\u0040',
  '&#64;',
  '@',
  '{"a":',
  '[1',
  'tok_',
  'hash_v1_',
  '[REDACTED]',
  '********',
  'eyJ',
  '-----BEGIN PRIVATE KEY-----',
  '://a:b@c',
  '::',
  '2a02::1',
  'Doe, Jane',
  '洁 周',
  '\ud800',
  '\u200b',
  '/home/zed/',
  ':user/zed',
  'DE89370400440532013000',
  'Bearer abcdef0123456789abcdef',
);
const text = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.array(fc.oneof(spicy, fc.string({ maxLength: 4 })), { maxLength: 6 }).map((parts) => parts.join('')),
);
/** As text is: pieces with something between them. What is glued together may come apart, and be found, only when its neighbour is gone. */
const spaced = fc.array(fc.oneof(spicy, fc.string({ maxLength: 6 })), { maxLength: 6 }).map((parts) => parts.join(' | '));
const name = fc.oneof(text, fc.constantFrom('__proto__', 'name', 'actor', 'email', 'type', 'id', 'userName', 'password', 'ssn', 'a.b', ''));

const eventsOf = (words: fc.Arbitrary<string>, name: fc.Arbitrary<string>): fc.Arbitrary<JsonObject> =>
  fc.letrec<{ value: JsonValue; object: JsonObject }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      words,
      fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(4111111111111111)),
      fc.constantFrom(null, true, false),
      fc.array(tie('value'), { maxLength: 4 }),
      tie('object'),
      tie('value').map((value) => JSON.stringify(value) as string),
    ),
    object: fc
      .array(fc.tuple(name, tie('value')), { maxLength: 5 })
      .map((members) => JSON.parse(`{${members.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`) as JsonObject),
  })).object;
const anyEvent = eventsOf(text, name);
const tidyEvent = eventsOf(
  spaced,
  fc.oneof(spaced, fc.constantFrom('__proto__', 'name', 'actor', 'email', 'type', 'id', 'userName', 'password', 'ssn', 'a.b', '')),
);

function clean(event: JsonObject): { event: JsonObject; applied: unknown[] } {
  return engine.apply(engine.plan(JSON.parse(JSON.stringify(event)) as JsonObject), tokenOf);
}

describe('any event', () => {
  test('is planned and cleaned without an error, and what was done is sorted and names no value', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const { applied } = clean(event);
        const pointers = (applied as { pointer: string }[]).map(({ pointer }) => pointer);
        expect(pointers.every((pointer) => pointer.startsWith('/'))).toBe(true);
        expect(new Set(applied.map((one) => JSON.stringify(one))).size).toBe(applied.length);
      }),
      runs,
    );
  });

  test('cleaned twice is as cleaned once', () => {
    fc.assert(
      fc.property(tidyEvent, (event) => {
        const once = clean(event).event;
        const before = JSON.stringify(once);
        expect(JSON.stringify(clean(once).event)).toBe(before);
      }),
      runs,
    );
  });

  test('keeps its number of members and elements', () => {
    const count = (value: JsonValue): number =>
      typeof value === 'object' && value !== null ? Object.values(value).reduce<number>((sum, one) => sum + 1 + count(one), 0) : 0;
    fc.assert(
      fc.property(anyEvent, (event) => count(clean(event).event) === count(event)),
      runs,
    );
  });

  test('findings of a text are in order, apart and within it', () => {
    fc.assert(
      fc.property(text, (value) => {
        let at = 0;
        for (const { start, end, confidence } of engine.scanText(value)) {
          expect(start).toBeGreaterThanOrEqual(at);
          expect(end).toBeGreaterThan(start);
          expect(confidence).toBeGreaterThan(0);
          at = end;
        }
        expect(at).toBeLessThanOrEqual(value.length);
      }),
      runs,
    );
  });
});

/** Values made up here, one maker a kind, and how each may be written. */
const planted: Record<string, fc.Arbitrary<string>> = {
  email: fc
    .tuple(fc.stringMatching(/^[a-z]{4,8}\.[a-z]{4,8}$/), fc.stringMatching(/^[a-z]{5,9}$/))
    .map(([local, domain]) => `${local}@${domain}.org`),
  ip_address: fc
    .tuple(fc.integer({ min: 11, max: 99 }), fc.integer({ min: 1, max: 254 }), fc.integer({ min: 1, max: 254 }), fc.integer({ min: 1, max: 254 }))
    .map((octets) => octets.join('.')),
  us_ssn: fc
    .tuple(fc.integer({ min: 100, max: 599 }), fc.integer({ min: 10, max: 99 }), fc.integer({ min: 1000, max: 9999 }))
    .map((parts) => parts.join('-')),
  credit_card: fc.stringMatching(/^[0-9]{15}$/).map((digits) => withLuhn(`4${digits.slice(1)}`)),
  iban: fc.stringMatching(/^[0-9]{18}$/).map(withIbanCheck),
  phone: fc.stringMatching(/^[2-9][0-9]{9}$/).map((digits) => `+1${digits}`),
  mac_address: fc.stringMatching(/^[1-9a-f]{12}$/).map((hex) => (hex.match(/../g) as string[]).join(':')),
  aws_access_key: fc.stringMatching(/^[A-Z2-7]{16}$/).map((rest) => `AKIA${rest}`),
  github_token: fc.stringMatching(/^[A-Za-z0-9]{36}$/).map((rest) => `ghp_${rest}`),
};

function withLuhn(digits: string): string {
  for (let check = 0; ; check++) {
    const sum = Array.from(`${digits}${check}`)
      .toReversed()
      .reduce((total, digit, i) => total + (i % 2 === 0 ? Number(digit) : Number(digit) > 4 ? Number(digit) * 2 - 9 : Number(digit) * 2), 0);
    if (sum % 10 === 0) return `${digits}${check}`;
  }
}

function withIbanCheck(account: string): string {
  const rest = Number(BigInt(`${account}131400`) % 97n); // D = 13, E = 14
  return `DE${String(98 - rest).padStart(2, '0')}${account}`;
}

const encodings: Record<string, (value: string) => string> = {
  plain: (value) => value,
  'percent-encoded': (value) =>
    Array.from(value)
      .map((c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
      .join(''),
  'percent-encoded twice': (value) =>
    encodeURIComponent(
      Array.from(value)
        .map((c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
        .join(''),
    ),
  base64: (value) => Buffer.from(value).toString('base64'),
  'base64url within a path': (value) => `/x/${Buffer.from(value).toString('base64url')}`,
  'base64 of UTF-16': (value) => Buffer.from(value, 'utf16le').toString('base64'),
  hex: (value) => Buffer.from(value).toString('hex'),
  'HTML entities': (value) =>
    Array.from(value)
      .map((c) => `&#${c.charCodeAt(0)};`)
      .join(''),
  'backslash escapes': (value) =>
    Array.from(value)
      .map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  'full width': (value) =>
    Array.from(value)
      .map((c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0))
      .join(''),
  'zero width': (value) => Array.from(value).join('\u200b'),
  'JSON in a string': (value) => JSON.stringify({ note: [value] }),
  'JSON in a string in a string': (value) => JSON.stringify({ note: JSON.stringify([value]) }),
  'base64 of JSON': (value) => Buffer.from(JSON.stringify({ a: value })).toString('base64'),
  'URL query': (value) => `https://example.org/find?q=${encodeURIComponent(value)}&page=2`,
};

const positions: Record<string, (value: string) => JsonObject> = {
  'a value': (value) => ({ note: value }),
  'within a sentence': (value) => ({ note: `seen: ${value}, twice` }),
  'within brackets': (value) => ({ note: `(${value})` }),
  'deep below': (value) => ({ a: [{ b: [[{ c: value }]] }] }),
  'the name of a member': (value) => ({ m: { [value]: true } }),
};

describe('a planted value never survives', () => {
  for (const [kind, maker] of Object.entries(planted)) {
    test(`${kind}, in every encoding and position`, () => {
      fc.assert(
        fc.property(maker, (value) => {
          for (const [encoding, encode] of Object.entries(encodings)) {
            for (const [position, place] of Object.entries(positions)) {
              const written = encode(value);
              const out = JSON.stringify(cleaned(engine, place(written)).event);
              const needle = JSON.stringify(written).slice(1, -1);
              expect(out.includes(needle) || out.includes(value), `${encoding} as ${position}: ${out}`).toBe(false);
            }
          }
        }),
        { numRuns: 12 },
      );
    });
  }

  test('a card as a JSON number', () => {
    fc.assert(
      fc.property(planted['credit_card'] as fc.Arbitrary<string>, (value) => {
        fc.pre(Number.isSafeInteger(Number(value)));
        expect(cleaned(engine, { any: Number(value), list: [Number(value)] }).event).toEqual({ any: '[REDACTED]', list: ['[REDACTED]'] });
      }),
    );
  });

  test('a number in a field that says what it is', () => {
    expect(cleaned(engine, { ssn: 536221845, phone: 4586657205, cardNumber: 4111111111111112 }).event).toMatchObject({
      ssn: '[US_SSN]',
      cardNumber: '[REDACTED]',
      phone: tokenOf({ kind: 'phone', canonical: '+14586657205', value: '' }),
    });
  });
});

test('the token maker is asked for needs of the plan only, and its word is taken as it is', () => {
  const plan = engine.plan({ a: 'z@example.com', b: 'y@example.com z@example.com' });
  const asked = new Set<string>();
  const { event } = applyPlan(plan, (need) => {
    expect(plan.tokens).toContain(need);
    asked.add(need.canonical);
    return `T${need.canonical.length}${need.canonical[0]}`;
  });
  expect(event).toEqual({ a: 'T13z', b: 'T13y T13z' });
  expect(asked.size).toBe(2);
});
