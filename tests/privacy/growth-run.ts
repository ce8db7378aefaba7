/**
 * Times hostile texts of 4 to 130 kB and fits the exponent of growth; prints a line of JSON for each part, `{"part","tooFast"}`. Run by
 * `growth.test.ts` in a process of its own: code that is counted for coverage is neither as fast nor as even as what is measured here. A quadratic
 * detector shows as 2; noise of a busy machine is kept out by taking the best of several tries at each size.
 */
import { detectors } from '../../src/privacy/detectors/all.ts';
import { NameIndex } from '../../src/privacy/names.ts';
import { hiddenTexts } from '../../src/privacy/runs.ts';
import { Survey, surveyText } from '../../src/privacy/survey.ts';
import { laneUnitsMax } from '../../src/privacy/survey-lanes.ts';
import { decodeViews } from '../../src/privacy/views.ts';
import { engineOf, tokenOf } from './engine-for-test.ts';

const exponentMax = 1.2;
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

function spent(work: (text: string) => void, text: string): number {
  // CPU time, not the clock's: other processes must not count.
  const started = process.cpuUsage();
  work(text);
  const { user, system } = process.cpuUsage(started);
  return Math.max(0.05, (user + system) / 1000);
}

/** The slope of log(time) over log(size): a line fitted through all sizes. */
function fittedSlope(sizes: readonly number[], times: readonly number[]): number {
  const points = times.map((time, i) => [Math.log(sizes[i] as number), Math.log(time)] as const);
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  return points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}

/** The exponent of growth; a first look at the smallest and largest size spares the rest where all is well. */
function exponentAmong(sizes: readonly number[], work: (text: string) => void, seed: string): number {
  // Whole seeds: a word that is cut may be another one, say a name, which is then looked for in all of the text.
  const textOf = (size: number): string => seed.repeat(Math.floor(size / seed.length));
  const [smallest, largest] = [textOf(sizes[0] as number), textOf(sizes.at(-1) as number)];
  const small = spent(work, smallest);
  const large = spent(work, largest);
  const glance = Math.log(large / Math.min(small, spent(work, smallest))) / Math.log(largest.length / smallest.length);
  if (large < negligibleMs || glance <= exponentMax) return large < negligibleMs ? 0 : glance;
  const texts = sizes.map(textOf);
  // The best of many at each size, gathered round by round so that a busy spell of the machine falls on all sizes alike.
  const best = texts.map(() => Number.POSITIVE_INFINITY);
  let slope = glance;
  for (let round = 0; round < 8 && (round < 2 || slope > exponentMax); round++) {
    for (const [i, text] of texts.entries()) best[i] = Math.min(best[i] as number, spent(work, text));
    slope = (best.at(-1) as number) < negligibleMs ? 0 : fittedSlope(sizes, best);
  }
  return slope;
}

/** Times that a seed is looked at before it counts as too fast: what grows does so each time, a collection of garbage comes when it likes. */
const looksMax = 5;

/** Names of the seeds that grow too fast. */
function tooFast(work: (text: string, seed: string) => void, ranges: readonly (readonly number[])[] = [withinLanes, beyondLanes]): string[] {
  return seeds.flatMap((seed) => {
    let exponent = Number.POSITIVE_INFINITY;
    for (let look = 0; look < looksMax && exponent > exponentMax; look++) {
      exponent = Math.min(exponent, Math.max(...ranges.map((sizes) => exponentAmong(sizes, (text) => work(text, seed), seed))));
    }
    return exponent > exponentMax ? [`${JSON.stringify(seed)}: ${exponent.toFixed(2)}`] : [];
  });
}

const survey = new Survey();

function say(part: string, tooFastOnes: readonly string[]): void {
  process.stdout.write(`${JSON.stringify({ part, tooFast: tooFastOnes })}\n`);
}

// The measure itself: `lastIndexOf` looks through all that stands before.
const quadratic = (text: string): void => {
  for (let at = 0; at < text.length; at += 20) text.lastIndexOf('#', at);
};
say('a quadratic search', exponentAmong(beyondLanes, quadratic, 'A') > 1.5 ? ['it is'] : []);

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
say(
  'a text through the whole engine',
  tooFast((text) => engine.scanText(text)),
);
say(
  'an event through plan and apply, the text as value and as name',
  tooFast((text, seed) => engine.apply(engine.plan({ a: { [seed.repeat(Math.ceil(text.length / 4 / seed.length))]: 1 }, b: text }), tokenOf)),
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
for (const [what, make] of Object.entries(shapes)) {
  const counts = [1000, 2000, 4000, 8000];
  const best = counts.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < 6; round++) {
    for (const [i, count] of counts.entries()) {
      const event = make(count);
      best[i] = Math.min(
        best[i] as number,
        spent(() => engine.apply(engine.plan(event), tokenOf), ''),
      );
    }
  }
  const exponent = (best[3] as number) < negligibleMs ? 0 : Math.log((best[3] as number) / (best[0] as number)) / Math.log(8);
  // What was done is sorted, and a heap that grows eightfold leaves the caches: more than the texts' own bound, far from quadratic.
  if (exponent > 1.4) slow.push(`${what}: ${exponent.toFixed(2)}`);
}
say('an event of many members, people and texts', slow);
