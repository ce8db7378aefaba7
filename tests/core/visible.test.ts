import fc from 'fast-check';
import { expect, it } from 'vitest';
import { quoted, visible, visibleJson, visibleLine } from '../../src/core/visible.ts';

it('marks what shows nothing, looks like a space, turns the order round or moves a cursor', () => {
  const unseen = {
    controls: [0x00, 0x07, 0x0d, 0x1b, 0x7f, 0x9b, 0x85],
    formats: [0xad, 0x61c, 0x200b, 0x200d, 0x200e, 0x202a, 0x202e, 0x2066, 0x2069, 0xfeff, 0xe0041],
    otherSpaces: [0xa0, 0x1680, 0x2003, 0x2028, 0x2029, 0x202f, 0x3000],
    ignoredByDefault: [0x34f, 0x115f, 0x1160, 0x17b4, 0x180b, 0x3164, 0xfe0f, 0xffa0, 0xe0100],
    blank: [0x2800, 0x1d159],
    privateOrNothing: [0xe000, 0xd800, 0xffff, 0x10ffff],
  };
  for (const code of Object.values(unseen).flat()) expect(visible(`a${String.fromCodePoint(code)}b`)).toBe(`a\\u{${code.toString(16)}}b`);
});

it('leaves alone what is seen', () => {
  for (const text of ['', 'plain words,\n\tin lines', 'čeština 漢字 עברית हिन्दी 😀 “” … ›', '\\u{9b}']) expect(visible(text)).toBe(text);
});

it('keeps a line one line', () => {
  expect(visibleLine('a\n\tb\r\u001b[2K c')).toBe('a\\u{a}\\u{9}b\\u{d}\\u{1b}[2K c');
});

const text = fc.string({
  unit: fc.oneof(fc.constantFrom('"', '\\', 'u', '{', '9', 'b', '}', '\u009b', '\u202e', ' '), fc.string({ unit: 'binary', maxLength: 1 })),
});

it('quotes different texts differently, on one line, and marks nothing twice', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(quoted(a) === quoted(b)).toBe(a === b);
      expect(quoted(a)).not.toMatch(/[\p{C}\p{Default_Ignorable_Code_Point}]|[^\P{Z} ]/u);
      expect(visible(quoted(a))).toBe(quoted(a));
    }),
  );
  expect(quoted('\u009b')).not.toBe(quoted('\\u{9b}'));
});

it('JSON stays the same value, and shows everything', () => {
  const hostile = {
    'a\u202eb': 'x\u0085\u009b31m\u2066\u{e0041}\u{1d159}\u3164 y\u007f\ufeff',
    plain: 'é 漢 👍 — "quoted"\n\t\\',
    n: [1, null, true],
  };
  const text = visibleJson(hostile);
  expect(JSON.parse(text)).toEqual(hostile);
  expect(text).toMatch(/^[^\p{C}\u3164\u{1d159}]*$/u);
  for (const escape of ['\\u202e', '\\u0085', '\\u009b', '\\u2066', '\\udb40\\udc41', '\\ud834\\udd59', '\\u3164', '\\u007f', '\\ufeff'])
    expect(text).toContain(escape);
  expect(text).toContain('é 漢 👍 — \\"quoted\\"\\n\\t\\\\');
  expect(visibleJson('\ud800')).toBe('"\\ud800"');
});
