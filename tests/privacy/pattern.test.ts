/** Expressions of a policy: what they may be, that they mean what JavaScript means by them, and that none costs more than was counted. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import { compileCustomKinds } from '../../src/privacy/custom-kinds.ts';
import type { Candidate } from '../../src/privacy/finding.ts';
import { compilePattern, stepsMax } from '../../src/privacy/pattern.ts';
import { openRepeatMax } from '../../src/privacy/pattern-syntax.ts';
import { Survey, surveyText } from '../../src/privacy/survey.ts';
import { cpuMs, growthOf, leastCpuMs } from '../setup/cpu-time.ts';

const seed = Number(process.env['VEILTRAIL_SEED'] ?? 20_261_122);

function refusal(pattern: string): string {
  try {
    compilePattern(pattern);
  } catch (error) {
    expect(error).toBeInstanceOf(VeiltrailError);
    expect((error as VeiltrailError).code).toBe('pattern_refused');
    return (error as Error).message;
  }
  return 'accepted';
}

/** Spans that a kind with this pattern finds. */
function found(pattern: string, text: string, ignoreCase = false): string[] {
  const out: Candidate[] = [];
  const survey = new Survey();
  surveyText(text, survey);
  for (const detector of compileCustomKinds([{ kind: 'own', pattern: [pattern], ignoreCase }]))
    detector.detect({ text, survey, field: '', found: out });
  return out.map(({ start, end }) => text.slice(start, end));
}

describe('accepted', () => {
  const accepted: [string, number][] = [
    ['EMP-\\d{6}', 11],
    ['EMP-\\d+', 261],
    ['\\bPRJ-(?:ALPHA|ALBA|ALB)\\d{1,4}\\b', 20],
    ['(?<![A-Z])[A-Z]\\d{8}(?!\\d)', 10],
    ['[A-Z]{2}\\d{2}(?:[ ]?[A-Z0-9]{4}){3,7}', 47],
    ['\\p{Lu}\\p{Ll}+ \\p{Lu}\\p{Ll}+', 771],
    ['😀+', 257],
  ];
  test.each(accepted)('%s costs at most %d steps a character', (pattern, steps) => expect(compilePattern(pattern).steps).toBe(steps));

  test('escapes, classes and marks mean what they mean in JavaScript', () => {
    expect(found('\\-x\\_\\@', '-x_@')).toEqual(['-x_@']);
    expect(found('[\\w\\-.]{3}\\.', 'a-b.')).toEqual(['a-b.']);
    expect(found('[^\\]a]b', ']b ab xb')).toEqual(['xb']);
    expect(found('[[]x', '[x')).toEqual(['[x']);
    expect(found('\\x41\\u0042\\u{43}\\t', 'ABC\t')).toEqual(['ABC\t']);
    expect(found('[\\x41-\\x43\\n]{2}', 'AB')).toEqual(['AB']);
    expect(found('^ab|cd$', 'ab x cd')).toEqual(['ab', 'cd']);
    expect(found('a{2}?b', 'aab')).toEqual(['aab']);
    expect(found('a}]', 'a}]')).toEqual(['a}]']);
    expect(found('\\0x', '\0x')).toEqual(['\0x']);
    expect(found('emp-(\\d{2})', 'EMP-12', true)).toEqual(['EMP-12']);
    expect(found('emp-(\\d{2})', 'EMP-12')).toEqual([]);
  });

  test('a value that goes on behind the limit of an open repeat is found whole, and once', () => {
    const long = `EMP-${'7'.repeat(3 * openRepeatMax)}`;
    expect(found('EMP-\\d+', `x ${long} y EMP-1`)).toEqual([long, 'EMP-1']);
  });
});

describe('refused, with what to write instead', () => {
  const refused: [string, string][] = [
    ['(a+)+$', 'a group needs one, such as {0,8}'],
    ['(x+x+)+y', 'a group needs one'],
    ['(\\w+\\s?)*$', 'a group needs one'],
    ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a group needs one'],
    ['(a|a){30}', 'steps'],
    ['(a|aa){1,20}', 'steps'],
    ['(?:a?){30}', 'repeated that may be empty'],
    ['\\w{1,64}\\d{1,64}', 'more than 2,000 steps'],
    ['a{0,100}a{0,100}b', 'steps'],
    ['[\\w.]+@[\\w.]+\\.\\w+', 'more than 2,000 steps'],
    ['(a)\\1', 'looks back'],
    ['\\k<a>', 'looks back'],
    ['(?=a.*)b', 'one character or class only'],
    ['(?<=ab)c', 'one character or class only'],
    ['(?<name>a)', 'no names here'],
    ['(?i:a)', 'begins a group'],
    ['a||b', 'nothing at all'],
    ['(a?|b?)c', 'more than one alternative'],
    ['a?b?', 'nothing at all'],
    ['', 'nothing at all'],
    ['x{5000}', 'unfolds to more than'],
    ['x{300,}', 'a repeat is at most'],
    ['x{3,2}', 'less than its own least'],
    ['x{,3}', 'write \\{'],
    ['x**', 'a repeat is repeated'],
    ['*x', 'nothing before "*"'],
    ['(x', 'is not closed'],
    ['x)', 'has no "("'],
    ['[x', 'is not closed'],
    ['[]x', 'is empty'],
    ['[b-a]', 'not a class'],
    ['\\p{Nonsense}', 'not a class'],
    ['[\\q]', 'means nothing'],
    ['\\q', 'means nothing'],
    ['\\x4', 'not followed by what it needs'],
    ['x\\', 'ends with'],
    [`${'('.repeat(30)}x${')'.repeat(30)}`, 'nest at most'],
    ['x'.repeat(1_001), 'at most 1000 characters'],
  ];
  test.each(refused)('%s', (pattern, why) => expect(refusal(pattern)).toContain(why));
});

/** Patterns of the kinds people write, and some they should not. */
const pieces = fc.constantFrom('a', 'b', '\\d', '[ab]', '[^a]', '\\w', '.', '1', '-');
const repeats = fc.constantFrom('', '', '?', '{2}', '{1,3}', '{0,4}', '+', '*');
const patterns: fc.Arbitrary<string> = fc.letrec<{ part: string; group: string }>((tie) => ({
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.tuple(pieces, repeats).map((parts) => parts.join('')),
    fc.tuple(tie('group'), fc.constantFrom('', '?', '{1,2}', '{0,3}')).map(([group, times]) => `(?:${group})${times}`),
  ),
  group: fc
    .array(
      fc.array(tie('part'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('')),
      { minLength: 1, maxLength: 2 },
    )
    .map((ways) => ways.join('|')),
})).group;

test(`any pattern is refused, or finds what JavaScript finds (seed ${seed})`, () => {
  let count = 0;
  fc.assert(
    fc.property(patterns, fc.string({ unit: fc.constantFrom('a', 'b', '1', '-', 'é'), maxLength: 60 }), (pattern, text) => {
      fc.pre(refusal(pattern) === 'accepted');
      count++;
      expect(found(pattern, text)).toEqual([...text.matchAll(new RegExp(pattern, 'gu'))].map(([match]) => match));
    }),
    { seed, numRuns: 300 },
  );
  expect(count).toBeGreaterThan(200);
});

test(`no text costs more than was counted (seed ${seed})`, () => {
  const size = 4_000;
  // Of one that costs what was counted, on this machine.
  const plain = '.{0,200}x';
  const plainText = 'y'.repeat(100_000);
  const plainMs = Math.min(...[1, 2, 3, 4, 5].map(() => cpuMs(() => found(plain, plainText))));
  // A step is a few nanoseconds; ten times that leave room for a busy machine, and little for a pattern that costs more than its count.
  const stepNs = Math.max(50, (10 * 1e6 * plainMs) / (plainText.length * compilePattern(plain).steps));
  fc.assert(
    fc.property(patterns, fc.string({ unit: fc.constantFrom('a', 'b', '1', '-'), minLength: 1, maxLength: 8 }), (pattern, unit) => {
      fc.pre(refusal(pattern) === 'accepted');
      const { steps } = compilePattern(pattern);
      expect(steps).toBeLessThanOrEqual(stepsMax);
      const text = unit.repeat(Math.ceil(size / unit.length));
      const allowedMs = 20 + (text.length * steps * stepNs) / 1e6;
      expect(
        leastCpuMs(() => found(pattern, text), allowedMs),
        `${pattern} on ${unit}`,
      ).toBeLessThan(allowedMs);
    }),
    { seed, numRuns: 150 },
  );
});

test('twice the text takes twice the time, on texts made for each pattern', () => {
  const hostile: [string, string][] = [
    ['EMP-\\d+', 'EMP-1'],
    ['\\d+-\\d+', '1'],
    ['.*foo', 'f'],
    ['[A-Z]{2}\\d{2}(?:[ ]?[A-Z0-9]{4}){3,7}', 'AB12'],
    ['\\p{Lu}\\p{Ll}+ \\p{Lu}\\p{Ll}+', 'Aaa '],
    ['.{0,200}x', 'y'],
  ];
  for (const [pattern, unit] of hostile) {
    const prepare = (size: number): (() => void) => {
      const text = unit.repeat(size / unit.length);
      return () => void found(pattern, text);
    };
    expect(growthOf([20_000, 40_000, 80_000, 160_000], prepare, { exponentMax: 1.2, negligibleMs: 1 }), pattern).toBeLessThanOrEqual(1.2);
  }
});
