import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { has, Survey, surveyText } from '../../src/privacy/survey.ts';
import { laneUnitsMax } from '../../src/privacy/survey-lanes.ts';

/** All that a survey tells of a text, lists cut to their lengths. */
function told(text: string, survey: Survey): object {
  surveyText(text, survey);
  const { units, digitRuns, digitRunCount, runs, runCount, capitals, capitalCount, colons, colonCount, equals, equalCount } = survey;
  return {
    units: Array.from(units.subarray(0, text.length + 1)),
    digits: [...digitRuns.subarray(0, 2 * digitRunCount)],
    runs: [...runs.subarray(0, 3 * runCount)],
    capitals: [...capitals.subarray(0, capitalCount)],
    colons: [...colons.subarray(0, colonCount)],
    equals: [...equals.subarray(0, equalCount)],
    flags: Object.fromEntries(settled.map((name) => [name, (survey.flags & has[name]) !== 0])),
  };
}

/** Flags that both ways settle; the others are only looked for in the lanes. */
const settled = [
  'at',
  'colon',
  'percent',
  'ampersand',
  'backslash',
  'equals',
  'space',
  'dot',
  'digit',
  'slash',
  'dash',
  'account',
  'nonAscii',
  'mail',
  'capitalPair',
  'run',
] as const;

/** What stands for each of the others. */
const sought = {
  bracket: /[[({](?:[.@:]|dot|punkt|punto|point|at)[\])}]/i,
  written: /dot /,
  folder: /\/(?:home|[Uu]sers|user|people|members|customers|employees|profiles?|accounts)\/|assumed-role\//,
  statement: /\).{0,3}(?:VALUES|values|Values)\s*\(|\)=\(/,
  login: / from |\(uid=|TTY=|\(to /,
  doubleColon: /::/,
  endTag: /<\//,
  urlMark: /:\/\//,
  newline: /\n/,
  dotPair: /[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}/i,
  outcome: /tok_|hash_v|sha256:|\*{8}|\[[A-Z]{2}/,
} as const;

const lane = new Survey(0);
const plain = new Survey();

const pieces = fc.oneof(
  fc.constantFrom(...Array.from('09afgozAFGOPZ/+-_ @:%&\\=.[]()<>{}"\'*,;\n\t`^~|é世😀\0\u007f\u0080')),
  fc.constantFrom(
    ' user ',
    'arn:user',
    ' from ',
    '(uid=0',
    'TTY=1',
    '/home/',
    '/profiles/',
    'assumed-role/',
    ' (to ',
    '=40',
    '=?',
    '[.]',
    '{D',
    '\\Users\\',
    '::1',
    '</a>',
    'https://',
    'a30f.84df.6a8f',
    'tok_',
    'hash_v1',
    'sha256:',
    '********',
    '[EMAIL]',
    ') VALUES (',
    ') values(',
    ')=(',
    ' dot ',
    '(at)',
    '[Punto]',
    '{DOT}',
  ),
  fc.stringMatching(/^[A-Za-z0-9/+_-]{1,40}$/),
);
const texts = fc.array(pieces, { maxLength: 60 }).map((parts) => parts.join(''));

describe('the survey of a text', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  it('is the same in lanes and unit by unit', () => {
    expect(lane.lane).toBeDefined();
    expect(plain.lane).toBeUndefined();
    fc.assert(
      fc.property(texts, (text) => {
        expect(told(text, lane)).toEqual(told(text, plain));
      }),
      { numRuns: 2000 },
    );
  });

  it('is the same around the ends of blocks and of the memory, and behind longer texts', () => {
    for (const size of [23, 24, 25, 63, 64, 65, 127, 128, 129, laneUnitsMax - 1, laneUnitsMax, laneUnitsMax + 1])
      for (const text of [
        '1'.repeat(size),
        'a'.repeat(size),
        'aA '.repeat(size).slice(0, size),
        `${' '.repeat(size - 1)}:`,
        `${'a='.repeat(size).slice(0, size - 8)}Abcdefg1`,
      ])
        expect(told(text, lane), `${text.slice(0, 8)}… of ${size}`).toEqual(told(text, plain));
  });

  it('never misses a mark that a detector waits for', () => {
    fc.assert(
      fc.property(texts, (text) => {
        for (const survey of [lane, plain]) {
          surveyText(text, survey);
          for (const [name, mark] of Object.entries(sought))
            if (mark.test(text)) expect(survey.flags & has[name as keyof typeof has], name).not.toBe(0);
        }
      }),
      { numRuns: 2000 },
    );
    surveyText('nothing of the kind is in this sentence', lane);
    for (const name of Object.keys(sought)) expect(lane.flags & has[name as keyof typeof has], name).toBe(0);
  });

  it('goes without WebAssembly, and without SIMD', async () => {
    const refuse = function Module(): never {
      throw new TypeError('no SIMD');
    };
    for (const host of [undefined, { Module: refuse }]) {
      vi.stubGlobal('WebAssembly', host);
      vi.resetModules();
      const fresh = await import('../../src/privacy/survey.ts');
      const survey = new fresh.Survey(0);
      expect(survey.lane).toBeUndefined();
      expect(told('user jane@example.com logged in from 8.8.4.4', survey)).toEqual(told('user jane@example.com logged in from 8.8.4.4', plain));
    }
  });
});
