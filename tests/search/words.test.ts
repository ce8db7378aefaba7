import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eachOtherWord, eachWord, fold, standsIn, wordsOf } from '../../src/search/words.ts';
import { growthOf } from '../setup/cpu-time.ts';

const words = (text: string): string[] => {
  const found: string[] = [];
  const folded = fold(text);
  eachWord(folded, (start, end) => found.push(folded.slice(start, end)));
  return found;
};

const token = 'tok_AbCdEfGh-jKlMnOpQ_sTuVwXyZ0';

test.each([
  ['changed the PHONE number', ['changed', 'the', 'phone', 'number']],
  ['customer.update', ['customer', 'update']],
  ['x86_64 snake_case', ['x86', '64', 'snake', 'case']],
  ['arn:aws:iam::123837392027:user/benjamin', ['arn', 'aws', 'iam', '123837392027', 'user', 'benjamin']],
  ['ada@example.org', ['ada', 'example', 'org']],
  ['203.0.113.0/24', ['203.0.113.0', '24']],
  ['Boto3/1.26.165 rv:140.0', ['boto3', '1.26.165', 'rv', '140.0']],
  ['1.2.x', ['1.2', 'x']],
  ['1.2x', ['1', '2x']],
  ['1.', ['1']],
  [token, [token.toLowerCase()]],
  [`user=${token};`, ['user', token.toLowerCase()]],
  [`user-${token}-token`, ['user', token.toLowerCase(), 'token']],
  [`${token}x`, ['tok', 'abcdefgh', 'jklmnopq', 'stuvwxyz0x']],
  ['tok_short', ['tok', 'short']],
  ['toc_AbCdEfGhIjKlMnOpQrStUvWxYz0', ['toc', 'abcdefghijklmnopqrstuvwxyz0']],
  ['hash_v12_AbCdEfGh-jKlMnOpQ_sTuVwXyZ0', ['hash_v12_abcdefgh-jklmnopq_stuvwxyz0']],
  ['hosh_v1', ['hosh', 'v1']],
  ['0190A6B2-7c3e-7d4f-8a1b-2c3d4e5f6a7b', ['0190a6b2-7c3e-7d4f-8a1b-2c3d4e5f6a7b']],
  ['0190a6b2-7c3e', ['0190a6b2', '7c3e']],
  ['2026-03-14T09:26:53.589Z', ['2026-03-14']],
  ['2026-03-14t09:26:53+02:00 2026-03-15', ['2026-03-14', '2026-03-15']],
  ['2026-03-14T09:26:53.589Zulu', ['2026-03-14', '589zulu']],
  ['2026-03-14x', ['2026', '03', '14x']],
  ['2026-3-14', ['2026', '3', '14']],
  ['', []],
  ['--- ***', []],
])('%j has the words %j', (text, expected) => {
  expect(words(text)).toEqual(expected);
});

test('numbers with dots and tokens are what these expressions say', () => {
  const check = (text: string, expression: RegExp): void => {
    expect(words(text)).toEqual([...(text.match(expression) ?? [])]);
  };
  const dotted = fc.string({ unit: fc.constantFrom('1', '2', '.', '.', 'a', ' ', '-'), maxLength: 20 });
  fc.assert(
    fc.property(dotted, (text) => check(text, /\d+(?:\.\d+)+(?![a-z0-9])|[a-z0-9]+/g)),
    { numRuns: 1_000 },
  );
  const part = fc.constantFrom('-token', 'tok_', 'tok', 'a', '_', '-', '.', ' ', 'abcdefgh', 'x'.repeat(27), `tok_${'y-'.repeat(13)}z`);
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) =>
      check(parts.join(''), /tok_[a-z0-9_-]{27}(?=-token(?![a-z0-9_-])|(?![a-z0-9_-]))|[a-z0-9]+/g),
    ),
    { numRuns: 1_000 },
  );
});

test.each([
  ['Grüße aus KÖLN', ['grüße', 'aus', 'köln']],
  ['café', ['café']],
  ['e\u0301te\u0301', ['été']],
  ['ＡＢＣ１２', ['abc12']],
  ['登录失败 for u1', ['登', '录', '失', '败', 'for', 'u1']],
  ['Ωσ ΟΔΟΣ', ['ωσ', 'οδοσ']],
  ['x-é 203.0.113.0 2026-03-14T09:26:53Z', ['x', 'é', '203.0.113.0', '2026-03-14']],
  [`é ${token}`, ['é', token.toLowerCase()]],
  ['abcé', ['abcé']],
  ['𝔘𝔫𝔦 🎉 code', ['uni', 'code']],
])('%j beyond ASCII has the words %j', (text, expected) => {
  expect(words(text)).toEqual(expected);
});

const piece = fc.oneof(
  fc.stringMatching(/^[ -~]{0,12}$/),
  fc.constantFrom(
    'tok_',
    'hash_v1_',
    'tok_aaaaaaaaaaaaaaaaaaaaaaaaaaa',
    '2026-01-02',
    '2026-01-02t03:04:05.6z',
    '+02:00',
    '10.0.0.1',
    '.5',
    '-',
    '_',
    '.',
  ),
  fc.constant('0190a6b2-7c3e-7d4f-8a1b-2c3d4e5f6a7b'),
);

test('both ways of finding words agree on ASCII', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const folded = fold(pieces.join(''));
      const general: string[] = [];
      eachOtherWord(folded, 0, (start, end) => general.push(folded.slice(start, end)));
      expect(words(folded)).toEqual(general);
    }),
    { numRuns: 2_000 },
  );
});

test('a text beyond ASCII has the words of its parts', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 4 }), (pieces) => {
      const text = pieces.join('');
      expect(words(`${text} é`)).toEqual([...words(text), 'é']);
    }),
  );
});

test('folding twice is folding once', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(fold(fold(text))).toBe(fold(text));
    }),
    { numRuns: 1_000 },
  );
});

test.each([
  ['the login of c-12', 'c-12', true],
  ['the login of c-12', 'c-1', false],
  ['the login of c-12', '-12', true],
  ['the login of c-12', 'he login', false],
  ['c-12 c-1', 'c-1', true],
  ['c-12c-1', 'c-1', false],
  ['é c-1', 'c-1', true],
  ['éc-1', 'c-1', false],
  ['c-1é', 'c-1', false],
  ['c-1\u0301', 'c-1', false],
  ['用户登录失败', '登录', true],
  ['ab登录cd', '登录', true],
  ['ab登录cd', 'b登', false],
  ['x', 'y', false],
  [`${'-aa'.repeat(2_000)} a`, `${'-aa'.repeat(50)}-a`, true],
])('in %j stands %j: %s', (text, part, expected) => {
  expect(standsIn(fold(text), fold(part))).toBe(expected);
});

test.each(['tok_', '2026-01-01t1:', '1.', '1', 'a', 'é', '0190a6b2-', '-', '2026-', 'hash_v1_a', '１.'])('time is linear in a run of %j', (unit) => {
  const prepare = (length: number): (() => void) => {
    const text = fold(unit.repeat(length / unit.length));
    return () => void wordsOf(text);
  };
  expect(growthOf([100_000, 300_000, 1_000_000], prepare, { exponentMax: 1.5 })).toBeLessThanOrEqual(1.5);
});
