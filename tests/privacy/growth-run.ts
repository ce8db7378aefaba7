/**
 * Times hostile texts of 4 to 130 kB and fits the exponent of growth; prints a line of JSON for each part, `{"part","tooFast"}`. Run by
 * `growth.test.ts` in a process of its own: code that is counted for coverage is neither as fast nor as even as what is measured here. How it is kept
 * from depending on what else the machine does stands in `setup/cpu-time.ts`.
 */
import { detectors } from '../../src/privacy/detectors/all.ts';
import { NameIndex } from '../../src/privacy/names.ts';
import { hiddenTexts } from '../../src/privacy/runs.ts';
import { Survey, surveyText } from '../../src/privacy/survey.ts';
import { laneUnitsMax } from '../../src/privacy/survey-lanes.ts';
import { decodeViews } from '../../src/privacy/views.ts';
import { growthOf, type GrowthOptions } from '../setup/cpu-time.ts';
import { engineOf, tokenOf } from './engine-for-test.ts';

const exponentMax = 1.1;
/** Below this many milliseconds at the largest size, there is nothing to measure, and nothing to fear. */
const negligibleMs = 10;
/**
 * Texts that are surveyed in lanes, and longer ones, which are surveyed unit by unit: what grows from the one to the other is the cost of a unit, many
 * times so where coverage is taken, and says nothing about either.
 */
const withinLanes = [4_000, 8_000, 16_000, laneUnitsMax - 1];
/** The first by more than a seed, for texts are of whole ones. */
const beyondLanes = [laneUnitsMax + 100, 50_000, 80_000, 130_000];

const seeds = [
  'A',
  '@',
  '1',
  '1-',
  'a.',
  ':',
  '%40',
  'eyJ',
  '[',
  '{',
  '"',
  '\\',
  ' ',
  '/',
  '-',
  '_',
  '+',
  '=',
  '&',
  ';',
  '&#',
  '\n',
  '\u200b',
  '洁',
  'é ',
  '\ud800',
  '(',
  'a@',
  'a@b',
  'a@b.co ',
  '@[',
  '"@',
  'x"@',
  '1.',
  '1.1.1.1',
  '8.8.8.8 ',
  '8.8.8.8.',
  '::',
  'a:',
  '1:2:',
  'aa:',
  'aa-',
  '2a02::1 ',
  '536-22-1845 ',
  '536-22-',
  '123456789',
  '4111 ',
  '4111-',
  'DE89',
  'DE89 3704 ',
  'iban DE89 ',
  '+1 ',
  '+',
  '(415) ',
  '0 12 ',
  'tel ',
  'tel 1',
  'eyJ-',
  'eyJ.',
  'eyJhbGciOiJIUzI1NiJ9.',
  'AKIA',
  'sk-',
  'sk-ant-',
  'xoxb-',
  'ghp_',
  '-----BEGIN ',
  '-----BEGIN PRIVATE KEY-----',
  '://',
  '://a:',
  '://a:b@',
  'Bearer ',
  'basic YTpi ',
  'password=',
  'password: ',
  'token=a',
  'password="',
  'user ',
  'user a.b ',
  ':user/',
  '/home/',
  '/home/a',
  'Aa ',
  'Aa Bb ',
  'jane smith ',
  'Doe, Jane in Paris ',
  '姓名：王伟',
  'Aa Bb logged ',
  'for ',
  "o'",
  'Aa-',
  'A. ',
  'tok_',
  'hash_v1_',
  '[REDACTED]',
  'tok_abcdefghijklmnopqrstuvwxyz0 a@b.co ',
  'SSN 1 ',
  'ssn is no of the ',
  'national id number ',
  'my nhs number ',
  'DOB: 1 ',
  'May 4, 1983 ',
  '1 Oak ',
  'Aa 1 ',
  'Rua Aa ',
  '12 Aa Aa St ',
  'Apt. 1, ',
  'Aa, CA 1',
  'corner of a ',
  'name,ssn\n1,2\n',
  '|name|dob\n',
  '""',
  'diagnosed with ',
  'sex: ',
  'sex:a',
  '</',
  '<sex>a</',
  'Cookie: a=',
  'Cookie: ',
  '1 1 ',
  '11-',
  '1/1/',
  'A1 ',
  '(1) ',
  '1 (',
  '0x5a',
  '1Boat',
  'bc1q',
  'Q~',
  'hooks.slack.com/services/',
  '12345678:',
  'SWIFT ABCDEFGH ',
  'YWFh',
  'YWFh/',
  'Lw',
  'Ly8v',
  '6161',
  '%25',
  '%2525',
  '%c3%a9',
  '\\u0040',
  '\\\\',
  '&#64;',
  '&amp;',
  '&;',
  'Jane Doe ',
  'jane.doe@example.com Jane Doe ',
  '\uff11',
  '[.]',
  '(at)',
  'a=40b',
  '=C3=A9',
  '=\n',
  '=?utf-8?B?YWFh?= ',
  '=?utf-8?Q?a',
  '/users/aa.bb',
  'assumed-role/a/',
  '\\Users\\A ',
  'ACME\\nora ',
  '(to a) a on ',
  'VALUES (',
  "(ssn) VALUES ('a'),",
  "(ssn) values ('",
  '(ssn)=(a, ',
  'aа',
  '𝐦',
  '王',
  'by 김 ',
  'Jane,Doe,',
  "'Jane Doe',",
  '{"a":',
  '[1,',
  '{}',
  'form-data; name="a"\n\n',
  'пароль ',
  '港区六1丁目',
  'P<UTOAAAAAA<<',
  '@1.234,1.234 ',
  'jane-doe-',
  '/Jane Doe',
  // Names by themselves are found or not by how many stand there, and what is found costs more: these are always, and never, found.
  'নাম রহমান, ',
  'লগইন ',
];

/** The exponent of growth on texts of these lengths, as many whole seeds as there is room for: a word that is cut may be another one, say a name. */
function exponentAmong(sizes: readonly number[], work: (text: string) => void, seed: string, options: Partial<GrowthOptions> = {}): number {
  const textOf = (size: number): string => seed.repeat(Math.floor(size / seed.length));
  const prepare = (size: number): (() => void) => {
    const text = textOf(size);
    return () => work(text);
  };
  return growthOf(
    sizes.map((size) => textOf(size).length),
    prepare,
    { exponentMax, negligibleMs, ...options },
  );
}

type Ranges = readonly (readonly number[])[];
const allRanges: Ranges = [withinLanes, beyondLanes];

/** Names of the seeds that grow too fast: twice, since a busy spell can outlast one look. */
function tooFast(work: (text: string, seed: string) => void, ranges = allRanges, limitOf: (seed: string) => number = () => exponentMax): string[] {
  return seeds.flatMap((seed) => {
    const limit = limitOf(seed);
    const look = (sizes: readonly number[]): number => exponentAmong(sizes, (text) => work(text, seed), seed, { exponentMax: limit });
    const exponent = Math.max(
      ...ranges.map((sizes) => {
        const first = look(sizes);
        return first > limit ? Math.min(first, look(sizes)) : first;
      }),
    );
    return exponent > limit ? [`${JSON.stringify(seed)}: ${exponent.toFixed(3)}`] : [];
  });
}

const survey = new Survey();

function say(part: string, tooFastOnes: readonly string[]): void {
  process.stdout.write(`${JSON.stringify({ part, tooFast: tooFastOnes })}\n`);
}

// The measure itself, with work that is quick however often it is done: `lastIndexOf` looks through all that stands before.
const planted: Record<string, (text: string) => void> = {
  'a quadratic search': (text) => {
    for (let at = 0; at < text.length; at += 100) text.lastIndexOf('#', at);
  },
  'growth by 1.25': (text) => {
    let sum = 0;
    for (let steps = 2 * text.length ** 1.25, at = 0; steps > 0; steps--, at = at + 1 < text.length ? at + 1 : 0)
      sum = (sum + text.charCodeAt(at)) | 0;
    if (sum === 0) throw new Error('nothing was summed up');
  },
};
for (const [what, work] of Object.entries(planted)) {
  // Compiled by then, as detectors are that have seen some seeds.
  for (let i = 0; i < 200; i++) work('A'.repeat(4_000));
  // Beside a busy machine one look misses growth by 1.25 over a fourfold range now and then; some hundred seeds are as many looks, here it is five.
  const isSeen = (sizes: readonly number[]): boolean => exponentAmong(sizes, work, 'A', { negligibleMs: 0.05 }) > exponentMax;
  say(
    what,
    allRanges.map((sizes) => ([1, 2, 3, 4, 5].some(() => isSeen(sizes)) ? 'it is' : 'it is not')),
  );
}

say(
  'the survey',
  tooFast((text) => surveyText(text, survey)),
);

for (const detector of detectors) {
  const detect = (text: string): void => {
    surveyText(text, survey);
    detector.detect({ text, survey, field: '', found: [] });
  };
  say(detector.detect.name, tooFast(detect, [withinLanes]));
}

say(
  'decoding',
  tooFast((text) => {
    surveyText(text, survey);
    decodeViews(text, survey);
    for (let i = 0; i < 3 * survey.runCount; i += 3)
      hiddenTexts(survey.units, survey.runs[i] as number, survey.runs[i + 1] as number, survey.runs[i + 2] as number);
  }),
);

const people = new NameIndex();
for (const name of ['Aa Bb', 'Aa Bb Cc', 'Jane Doe', '洁 周', 'tok tok', 'Aa Aa Aa Aa Aa']) people.meet('person_name', name);
say(
  'the search for known people',
  tooFast((text) => people.find(text, [])),
);

const engine = engineOf();
/**
 * Where each seed is a value that is found, or a text within the text, thousands of what is made of them leave the caches between 33 and 130 kB: of
 * `/Jane Doe` 1.00 to 1.15 were measured, of encoded words 1.00 to 1.11, of `a@b.co ` up to 1.10.
 */
const limitThroughEngine = (seed: string): number => {
  const isFound = seed.startsWith('=?') || engine.scanText(seed.repeat(100)).length >= 90;
  return isFound ? 1.2 : exponentMax;
};

say(
  'a text through the whole engine',
  tooFast((text) => engine.scanText(text), allRanges, limitThroughEngine),
);
say(
  'an event through plan and apply, the text as value and as name',
  tooFast(
    (text, seed) => engine.apply(engine.plan({ a: { [seed.repeat(Math.ceil(text.length / 4 / seed.length))]: 1 }, b: text }), tokenOf),
    allRanges,
    limitThroughEngine,
  ),
);

const shapes: Record<string, (n: number) => Parameters<typeof engine.plan>[0]> = {
  'personal names of members': (n) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`z${i}@example.com`, i])),
  'colliding names': (n) =>
    Object.fromEntries(Array.from({ length: n }, (_, i) => [`${100 + (i % 400)}-${10 + (i % 89)}-${1000 + (i % 8999)} ${' '.repeat(i % 7)}`, i])),
  people: (n) => ({
    list: Array.from({ length: n }, (_, i) => ({ userName: `zed${i}`, fullName: `Zed Quux${i}`, note: `zed${i} and Quux${i} Zed` })),
  }),
  nesting: (n) => ({ a: Array.from({ length: n }).reduce<object>((inner) => ({ a: inner }), {}) as never }),
  'JSON texts': (n) => ({ list: Array.from({ length: n }, (_, i) => `{"userName":"zed${i}"}`) }),
};
const slow: string[] = [];
// What was done is sorted, and a heap that grows eightfold leaves the caches: more than the texts' own bound, far from quadratic.
const shapeExponentMax = 1.3;
for (const [what, make] of Object.entries(shapes)) {
  const prepare = (count: number): (() => void) => {
    const event = make(count);
    return () => engine.apply(engine.plan(event), tokenOf);
  };
  const exponent = growthOf([1000, 2000, 4000, 8000], prepare, { exponentMax: shapeExponentMax, negligibleMs });
  if (exponent > shapeExponentMax) slow.push(`${what}: ${exponent.toFixed(2)}`);
}
say('an event of many members, people and texts', slow);
