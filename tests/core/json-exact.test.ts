/**
 * The usual way to read JSON decides by counting what the strict parser decides by reading. Whatever a sender writes, both must say the same:
 * here each text is read both ways, among them texts in which what one trick makes longer another makes shorter.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareToText } from '../../src/core/json-exact.ts';
import { parseJson, type JsonValue, type ParsedJson } from '../../src/core/json.ts';
import { limits } from '../../src/core/limits.ts';

type Read = { code: string } | { names: string; parsed: ParsedJson };

function outcomeOf(read: () => ParsedJson): Read {
  try {
    const parsed = read();
    return { names: JSON.stringify(parsed.value), parsed }; // with the members in their order
  } catch (error) {
    return { code: (error as { code: string }).code };
  }
}

/** Texts longer than `nodesMax` take the strict parser; no text holds more values than it has units, and one that is missing. */
function readStrictly(text: string): ParsedJson {
  return parseJson(`${text}  `, { depthMax: limits.depthMax, nodesMax: text.length + 1 });
}

function expectSame(text: string): void {
  const usual = outcomeOf(() => parseJson(text));
  const strict = outcomeOf(() => readStrictly(text));
  if ('code' in usual || 'code' in strict) {
    expect(usual, text).toEqual(strict);
    return;
  }
  const { value, notes, printed } = usual.parsed;
  expect({ notes, names: usual.names }, text).toEqual({ notes: strict.parsed.notes, names: strict.names });
  expect(isDeepStrictEqual(value, strict.parsed.value), text).toBe(true); // -0 is another number than 0
  if (printed) expect(JSON.stringify(value), text).toBe(text);
}

const space = fc.oneof({ weight: 6, arbitrary: fc.constant('') }, fc.constantFrom(' ', '  ', '   ', '\n', '\t', '\r', '     '));
const numbers = fc.constantFrom(
  ...'0 -0 0.0 1 1.0 -1 1e0 1e1 10 1e2 1E2 200 2e2 1000 1e3 1e5 12e3 12000 1e15 1e20 1e21 -12 -100 -1e2 -2e3 0.1 0.10 1e-1'.split(' '),
  ...'100000000000000000000 999999999999999 9007199254740993 0.30000000000000004 0.30000000000000005 1e400 5e-324 1e-400'.split(' '),
  ...'123456789.5 1700000000000 1700000000123 9.9999999999999999 99999999999999.99'.split(' '),
);
const strings = fc.constantFrom(
  ...'"" "a" "b" "1" "0" "__proto__" ":" "," "{" "[1e3]" "toString" "constructor" "ü" "😀" "\u2028"'.split(' '),
  ...String.raw`"\"" "\\" "\\\"" "\u0061" "\u0022" "\n" "\/" "\u00e9" "\ud83d\ude00" "\ud800" "\uDC00x"`.split(' '),
  '" "',
  '":"',
  '"\ud800"',
);

/** JSON as nobody should write it: names twice, white space anywhere, numbers and strings in all their spellings. */
const { text: hostile } = fc.letrec<{ text: string; list: string; object: string; member: string }>((tie) => ({
  text: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(numbers, strings, fc.constantFrom('true', 'false', 'null')),
    tie('object'),
    tie('list'),
  ),
  list: fc.tuple(space, fc.array(tie('text'), { maxLength: 4 }), space).map(([a, items, b]) => `[${a}${items.join(`,${b}`)}${b}]`),
  member: fc.tuple(space, strings, space, tie('text'), space).map(([a, name, b, value, c]) => `${a}${name}${b}:${value}${c}`),
  object: fc.array(tie('member'), { maxLength: 5 }).map((members) => `{${members.join(',')}}`),
}));

describe('reading by counting', () => {
  test('says what the strict parser says, of whatever valid text', () => {
    fc.assert(fc.property(hostile, expectSame), { numRuns: 6_000 });
  });

  test('says what the strict parser says, of a text with a piece put in, taken out or doubled', () => {
    const piece = fc.oneof(numbers, strings, fc.constantFrom(' ', ',', ':', '"', '{', '}', '[', ']', '"a":1,', '"a":1e5,', '\\', 'e', '0', '.'));
    fc.assert(
      fc.property(hostile, fc.nat(), fc.nat(), piece, (text, at, count, put) => {
        const from = at % (text.length + 1);
        expectSame(text.slice(0, from) + put + text.slice(from + (count % 4)));
        expectSame(text.slice(0, from) + text.slice(Math.max(0, from - (count % 12)), from) + text.slice(from));
      }),
      { numRuns: 5_000 },
    );
  });

  test('any value, printed in any way, is read whole', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6, stringUnit: 'grapheme' }), fc.constantFrom(undefined, 1, 2, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expectSame(text);
        expectSame(text.replaceAll(/[^ -~]/gu, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`));
      }),
      { numRuns: 1_000 },
    );
  });

  // Each is as long as what it would be mistaken for, had one thing not been thought of.
  test.each([
    ['a lost member hidden by a short number', '{"a":1e9,"a":1e9}'],
    ['a lost member hidden by many short numbers', '{"b":[1e9,1e9,1e9,1e9],"a":1,"a":1}'],
    ['a lost member, and a string that looks like a name', '{"a":":","a" :1}'],
    ['white space that is in a string', '{"a":"      ","b":1e6}'],
    ['an escaped quote before white space', '{"a":"\\" ","b":1, "b":1}'],
    ['a backslash before the closing quote', '{"a":"\\\\","a" :"\\\\"}'],
    ['a surrogate that is written plainly', '{"a":"\ud800"}'],
    ['a surrogate in a name', '{"\udc00":1}'],
    ['digits beyond a double', '{"a":9007199254740993}'],
    ['digits beyond a double, as long as it prints', '[0.30000000000000005]'],
    ['zero', '[-0]'],
    ['names that JSON.parse puts in another order', '{"b":1,"1":2,"0":3}'],
    ['names twice by escape', '{"a":1,"\\u0061":2}'],
    ['names twice, deep down', '{"x":[{"y":{"a":1,"b":2,"a":3}}]}'],
    ['a name that V8 13.6 reads as a backslash', '{"\\n":0,"\\"":1}'],
    ['a name that V8 13.6 reads as a backslash, spaced', '{"\\"" : 0, "\\u00e9" : 1}'],
    ['__proto__ twice', '{"__proto__":{"a":1},"__proto__":{"b":2}}'],
    ['33 deep', `${'['.repeat(33)}${']'.repeat(33)}`],
    ['33 deep beside a number that is not told', `[1.5,${'['.repeat(32)}${']'.repeat(32)}]`],
    ['32 deep', `${'['.repeat(32)}${']'.repeat(32)}`],
  ])('%s', (_, text) => {
    expectSame(text);
  });

  test('decides the usual texts itself, compact, spaced or escaped', () => {
    const usual = {
      id: 'e-1',
      actor: { type: 'user', roles: ['a', 'b'] },
      status: 404,
      ok: true,
      none: null,
      empty: [{}, []],
      at: 1_700_000_000_123,
    };
    const relation = (text: string): string | undefined => compareToText(JSON.parse(text) as JsonValue, text, 32);
    expect(relation(JSON.stringify(usual))).toBe('same');
    expect(relation(JSON.stringify(usual).replaceAll(/[:,](?=[^0-9])/g, '$& '))).toBe('exact');
    expect(relation(JSON.stringify(usual, null, 2))).toBe('exact');
    expect(relation('{"message":"Zo\\u00eb said \\"hi\\"\\n"}')).toBe('exact');
    expect(relation('{"status":200}')).toBe('exact');
    expect(relation('{"a":1,"a":2}')).toBeUndefined();
    expect(relation('{"a":1e5,   "b":1}')).toBeUndefined();
  });

  test('a text it is sure of prints the same', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const value = JSON.parse(text) as JsonValue;
        if (compareToText(value, text, 32) === 'same') expect(JSON.stringify(value)).toBe(text);
      }),
      { numRuns: 5_000 },
    );
  });
});
