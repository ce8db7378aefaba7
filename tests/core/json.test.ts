import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isJsonObject, parseJson, type JsonValue } from '../../src/core/json.ts';
import { growthOf } from '../setup/cpu-time.ts';

function codeOf(text: string): string | undefined {
  try {
    parseJson(text);
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('parseJson', () => {
  test('reads what JSON.parse reads, compact or spaced', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6, stringUnit: 'grapheme' }), (value) => {
        const expected = JSON.parse(JSON.stringify(value)) as JsonValue;
        expect(parseJson(JSON.stringify(value)).value).toEqual(expected);
        expect(parseJson(JSON.stringify(value, null, 2)).value).toEqual(expected);
      }),
    );
  });

  test('refuses what JSON.parse refuses, and never anything else than JSON', () => {
    const alphabet = fc.constantFrom('{', '}', '[', ']', '"', ':', ',', 'a', '1', '0', '-', '.', 'e', '\\', 'u', ' ', 'true', 'null', '\n');
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 14 }), (parts) => {
        const text = parts.join('');
        let native = true;
        try {
          JSON.parse(text);
        } catch {
          native = false;
        }
        const code = codeOf(text);
        if (!native) expect(code).toBe('json_syntax');
        else expect([undefined, 'json_duplicate_name', 'json_lone_surrogate']).toContain(code);
      }),
      { numRuns: 20_000 },
    );
  });

  test.each([
    ['{"a":1,"a":2}', 'json_duplicate_name'],
    ['{"a":{"b":1,"\\u0062":2}}', 'json_duplicate_name'],
    ['{"__proto__":1,"__proto__":2}', 'json_duplicate_name'],
    ['"\\ud800"', 'json_lone_surrogate'],
    ['{"\\udc00x":1}', 'json_lone_surrogate'],
    ['"\ud800"', 'json_lone_surrogate'],
    ['NaN', 'json_syntax'],
    ['Infinity', 'json_syntax'],
    ['01', 'json_syntax'],
    ['1.', 'json_syntax'],
    ['"a\nb"', 'json_syntax'],
    ['"open', 'json_syntax'],
    ['', 'json_syntax'],
    ['{} {}', 'json_syntax'],
    ['\ufeff{}', 'json_syntax'],
    ['['.repeat(33), 'json_too_deep'],
    ['['.repeat(10_000_000), 'json_too_deep'],
    [`[${'1,'.repeat(10_000)}1]`, 'json_too_large'],
  ])('refuses %#', (text, code) => {
    expect(codeOf(text)).toBe(code);
  });

  test('an error names the offset and repeats nothing', () => {
    expect(() => parseJson('{"secret":"hunter2", oops}')).toThrow(/^not JSON, at offset 21$/);
  });

  test('a number that a double cannot hold as written stays a string, and is noted', () => {
    const { value, notes } = parseJson(
      '{"a": [1e400, 9007199254740993, 0.1, 1.0, 1E2, 0.10, -0, 3.14159265358979323846, 123456789012345680000, 5e-324, 1e-400]}',
    );
    expect(value).toEqual({
      a: ['1e400', '9007199254740993', 0.1, 1, 100, 0.1, 0, '3.14159265358979323846', 123456789012345680000, 5e-324, '1e-400'],
    });
    expect(notes.map((note) => note.pointer)).toEqual(['/a/0', '/a/1', '/a/7', '/a/10']);
  });

  test('a pointer in a note is escaped (RFC 6901)', () => {
    expect(parseJson('{"a/b~c": 1e999}').notes[0]?.pointer).toBe('/a~1b~0c');
  });

  test('__proto__ is a name like any other', () => {
    for (const text of ['{"__proto__":{"admin":true}}', '{ "__proto__" : {"admin":true}}']) {
      const { value } = parseJson(text);
      expect(Object.hasOwn(value as object, '__proto__')).toBe(true);
      expect((value as { admin?: boolean }).admin).toBeUndefined();
    }
  });

  test('time grows linearly with hostile numbers', () => {
    const prepare = (length: number): (() => void) => {
      const text = `[1${'0'.repeat(length)}1]`;
      return () => void parseJson(text);
    };
    expect(growthOf([250_000, 500_000, 1_000_000, 2_000_000], prepare, { exponentMax: 1.5 })).toBeLessThanOrEqual(1.5);
  });

  test('isJsonObject', () => {
    expect([{}, [], null, 'x', 1].map(isJsonObject)).toEqual([true, false, false, false, false]);
  });
});
