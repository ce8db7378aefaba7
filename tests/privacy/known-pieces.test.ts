import { beforeEach, describe, expect, it } from 'vitest';
import { createPrivacyEngine } from '../../src/privacy/engine.ts';
import { forgetLooks, lookBack, noteLook, wasJudgedBy } from '../../src/privacy/far-looks.ts';
import { defaultPolicyYaml, parsePolicy } from '../../src/privacy/policy.ts';
import { Survey, surveyText } from '../../src/privacy/survey.ts';
import { surveyLane } from '../../src/privacy/survey-lanes.ts';
import { pieceMax } from '../../src/privacy/pieces-code.ts';
import { createSeeded } from '../../bench/events.ts';

const policy = parsePolicy(defaultPolicyYaml);
const pseudonymKey = { version: 1, key: new Uint8Array(32) };
let knowing = createPrivacyEngine(policy, { pseudonymKey });
const forgetful = createPrivacyEngine(policy, { pseudonymKey, knowsPieces: false });
const { pieces } = surveyLane(0, ' ') ?? {};
const survey = new Survey(0);

/** How many pieces of the text are known by now. */
function known(text: string): number {
  surveyText(text, survey, true);
  return survey.knownPieces;
}

const digests = (): number => (pieces?.table ?? new Int32Array(0)).reduce((sum, word, i) => sum + (i % 4 === 0 && word !== 0 ? 1 : 0), 0);

beforeEach(() => {
  pieces?.table.fill(0);
  knowing = createPrivacyEngine(policy, { pseudonymKey });
});

const agent = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/32.0.1700.77 Safari/537.36';
const line = (n: number, piece = agent): string =>
  `83.149.9.${n % 250} - - [17/May/2015:10:05:${10 + (n % 50)} +0000] "GET /images/kibana.png HTTP/1.1" 200 ${20_000 + n} "http://example.org/blog/${n % 3}" "${piece}"`;

describe('pieces of texts', () => {
  it('are known when they come again, and the rest of the text is looked through as before', () => {
    expect(known(line(1))).toBe(0);
    const first = knowing.scanText(line(1));
    expect(known(line(2))).toBe(2);
    expect(known(line(31))).toBe(3);
    expect(knowing.scanText(line(31))).toEqual(forgetful.scanText(line(31)));
    expect(first).toMatchObject([{ kind: 'ip_address', start: 0 }]);
  });

  it('are left as they were in the units, whatever their size and place', () => {
    for (let size = 1; size < pieceMax + 40; size += 1 + (size >> 5)) {
      for (const behind of ['', ' ', ' - '.repeat(20)]) {
        const text = `${'-'.repeat(size % 67)} "${'/ab.cd:x'.repeat(80).slice(0, size)}"${behind}`;
        knowing = createPrivacyEngine(policy, { pseudonymKey });
        knowing.scanText(text);
        const isFit = size + 1 >= 16 && size + 1 <= pieceMax && text.length >= 24;
        expect(known(text), `${size}`).toBe(isFit ? 1 : 0);
        expect(String.fromCharCode(...survey.units.subarray(0, text.length + 1))).toBe(`${text}\0`);
        if (isFit) expect(survey.colonCount, 'nothing of a piece that is known').toBe(0);
      }
    }
  });

  it('are told apart by every unit, and by what stands around them', () => {
    const text = '- 200 12 "abcdefghijklmnopqrstuvwxyz, abcdefghijklmnop" 304 -       ';
    knowing.scanText(text);
    expect(known(text)).toBe(1);
    // Digits around it are all the same.
    expect(known(text.replace('200 12', '304 99').replace('304 -', '200 -'))).toBe(1);
    const [open, close] = [text.indexOf('"'), text.lastIndexOf('"')];
    for (let i = Math.max(0, open - 16); i <= Math.min(text.length - 1, close + 16); i++) {
      if (i === open || i === close) continue;
      expect(known(`${text.slice(0, i)}~${text.slice(i + 1)}`), `unit ${i}`).toBe(0);
    }
    expect(known(`${text.slice(0, open)}"a${text.slice(open + 1)}`)).toBe(0);
    expect(known(text.replace('klm', 'kLm'))).toBe(0);
  });

  it('are told apart by the end of a piece before them that is known', () => {
    const pair = (end: string): string => `- 1 "all is well in the state of ${end}" "and nobody knows why it is" - - -`;
    knowing.scanText(pair('denmark'));
    expect(known(pair('denmark'))).toBe(2);
    knowing.scanText('- 1 "all is well in the state of grace" "and nobody knows where" - - -');
    expect(known(pair('grace'))).toBe(1);
    knowing.scanText(pair('grace'));
    expect(known(pair('grace'))).toBe(2);
  });

  it.each([
    ['something is found in them', 'mailed "the statement of jane.doe@example.com today" - - -'],
    ['something is found beside them', '"the office of the chair" 8.8.4.4 was told of it'],
    ['they give a meaning to what follows', '- 1 "updated profile,  Diagnosis: " Migraine since May -'],
    ['a number may go on in them', 'it is +49 30 "901820 and so on, and so on" -'],
    ['something in the text is encoded', 'GET "/all/that/is/here/and/there" %41%42 - - -'],
    ['the text has lines', 'name,phone\n"a long and windy road to it",x -'],
    ['a row of a table is written', 'insert into t (a) values ("a long and windy road") - -'],
    ['an element ends', '<a>"a long and windy road to it"</a> - - -'],
    ['other scripts are in the text', 'Straße "a long and windy road to it" - - -'],
    ['they hide text', '- 200 - "bm90aGluZyBvZiB0aGUga2luZCBpbiBoZXJl" - - -'],
    ['what is far off decides', '- - - driver license number is now the new "kx7 of all the others that were there" -'],
  ])('are not remembered if %s', (_, text) => {
    knowing.scanText(text);
    expect(digests()).toBe(0);
  });

  it('are not remembered by who must not, nor of fields that say something', () => {
    forgetful.scanText(line(1));
    knowing.plan({ taxNumber: line(1), details: [line(1)] });
    expect(digests()).toBe(0);
    knowing.plan({ message: line(1) });
    expect(digests()).toBe(3);
  });

  it('are asked for now and then only where none comes again', () => {
    const letters = (n: number): string => n.toString(2).replaceAll('0', 'q').replaceAll('1', 'x');
    for (let n = 0; n < 1000; n++) knowing.scanText(`- 200 12 "${letters(n)} and all that comes with it" - - - -`);
    expect(digests()).toBeGreaterThan(256);
    expect(digests()).toBeLessThan(350);
    for (let n = 0; n < 40; n++) knowing.scanText(line(n));
    expect(known(line(1))).toBe(3);
    const before = digests();
    for (let n = 0; n < 100; n++) knowing.scanText(line(n, `${letters(n)} and all that comes with it`));
    expect(digests()).toBeGreaterThan(before + 90);
  });

  it('leave nothing but digests in memory', () => {
    for (let n = 0; n < 50; n++) knowing.scanText(line(n, `${agent} made-up-${n}`));
    expect(digests()).toBeGreaterThan(50);
    const kept = Buffer.from(pieces?.table.buffer as ArrayBuffer, pieces?.table.byteOffset, pieces?.table.byteLength).toString('latin1');
    for (const part of ['Mozilla', 'kibana', 'example', 'made-up']) expect(kept).not.toContain(part);
  });

  it('take up no more room the more there are', () => {
    const room = pieces?.table.byteLength;
    for (let n = 0; n < 20_000; n++) knowing.scanText(`- - - "piece ${n.toString(36).replaceAll(/\d/g, 'q')} of a long row" - - -`);
    expect(pieces?.table.byteLength).toBe(room);
    expect(room).toBe(131_072);
  });

  /** What announces something a little farther off than a digest reaches, what may lie between, and what is announced. */
  const announced = [
    ...'ssn,passport number,driver license number,user,username:,password,Dear,name:,my name is,call me at,iban,card number,bank account,address:'.split(
      ',',
    ),
    ...'lives at 12 Main Street;approved by;mac;host;version;DOB;born on;coordinates:;mysql -u root;employee Jane;zip;P.O. Box;+1 212;(555)'.split(
      ';',
    ),
    'zq',
    '- - 1',
  ];
  const between = [
    ' is the number  ',
    '                ',
    ' 200 203023 "-" ',
    '=              :',
    '. It is her own ',
    ' (0) (1) (2) (3) ',
    ' is set to the  ',
  ];
  const within = [
    'AB 123456 of all',
    'kx7 of all the others',
    'Mary Lee was here today',
    '4111 1111 1111 1112 is it',
    'the 555 0123 4567 is none',
    'at 12 Rose of the winds',
    'Secret words, no more',
    'updated it, Diagnosis: ',
    'a30f84df6a8f for certain',
    agent,
  ];
  const behind = [
    '',
    ' 200 203023 "http',
    ' was the one who ',
    ' Street, Springfield 12345',
    ', 12345 Berlin was it',
    ' years old, and has a passport',
  ];

  it('are found in what they are found in, wherever they were before', () => {
    const random = createSeeded(7);
    const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)] as string;
    let hits = 0;
    for (let i = 0; i < 1500; i++) {
      const text = `${between[i % between.length] as string}"${pick(['', 'So ', 'x, '])}${pick(within)}"${pick(behind)}`;
      for (const far of ['zq', '-', pick(announced), pick(announced), pick(announced)]) {
        hits += known(far + text);
        expect(knowing.scanText(far + text), far + text).toEqual(forgetful.scanText(far + text));
      }
    }
    expect(hits).toBeGreaterThan(1000);
  });
});

describe('far looks', () => {
  it('count where something is judged that begins in the piece', () => {
    forgetLooks();
    expect(lookBack('0123456789', 8, 4)).toBe('4567');
    expect(lookBack('0123456789', 3, 16)).toBe('012');
    expect(wasJudgedBy(4, 5, 10, 10)).toBe(true);
    expect(wasJudgedBy(5, 5, 10, 10)).toBe(false);
    expect(wasJudgedBy(-4, 2, 4, 4)).toBe(false);
    noteLook(20, 20, 40);
    expect(wasJudgedBy(20, 20, 30, 39)).toBe(false);
    expect(wasJudgedBy(20, 20, 30, 40)).toBe(true);
  });

  it('are too many to tell at some point', () => {
    forgetLooks();
    for (let i = 0; i < 200; i++) noteLook(i, i, i);
    expect(wasJudgedBy(500, 510, 520, 530)).toBe(false);
    forgetLooks();
    expect(wasJudgedBy(500, 510, 520, 530)).toBe(true);
  });
});
