/** The first look at digit runs: what begins with one must never be overlooked, and lines of logs must not keep the detectors busy. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isIban } from '../../src/privacy/detectors/money.ts';
import { may, NumberStarts } from '../../src/privacy/detectors/number-starts.ts';
import { createPrivacyEngine } from '../../src/privacy/engine.ts';
import { defaultPolicyYaml, parsePolicy } from '../../src/privacy/policy.ts';
import { Survey, surveyText } from '../../src/privacy/survey.ts';

const starts = new NumberStarts();

function sortsOf(text: string, survey = new Survey()): string[] {
  surveyText(text, survey);
  const { any } = starts.of(survey);
  return Object.keys(may).filter((sort) => (any & may[sort as keyof typeof may]) !== 0);
}

describe('the first look at digit runs', () => {
  it.each([
    ['536-22-1845', 'beSsn'],
    ['536221845', 'beSsn'],
    ['536\u201122\u20111845', 'beSsn'],
    ['+1 458 665 7205', 'bePhone'],
    ['(415) 555-2671', 'bePhone'],
    ['call 5552671', 'bePhone'],
    ['4111 1111 1111 1111', 'beCard'],
    ['4111111111111111', 'beCard'],
    ['/cards/4111-1111-1111-1111', 'beCard'],
    ['3782 822463 10005', 'beCard'],
    ['DE89 3704 0044 0532 0130 00', 'beIban'],
    ['a 34-year-old', 'beAge'],
    ['45 Jahre alt', 'beAge'],
    ['1600 Pennsylvania Avenue', 'bePostal'],
    ['"12 Oak Street"', 'bePostal'],
    ['Via Roma 131', 'bePostal'],
    ['/ssn/536221845', 'beIdentifier'],
    ['tax id 12-3456789', 'beIdentifier'],
    ['SSN (0)123', 'beIdentifier'],
    ['POL-2434569', 'beIdentifier'],
    ['$185,000', 'beIdentifier'],
    ['756.9217.0769.85', 'beIdentifier'],
    ['44051401359', 'beIdentifier'],
    ['@52.520008,13.404954', 'beDegree'],
    ['+52.52+013.40/', 'beDegree'],
  ])('%s: %s', (text, sort) => {
    for (const whole of [text, ` ${text} `, `it was ${text}, and so on to the end of a line that is long enough for vectors`])
      for (const survey of [new Survey(), new Survey(0)]) expect(sortsOf(whole, survey)).toContain(sort);
  });

  it('passes over nearly all that a line of a web server has, in lanes', () => {
    const line =
      '83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /logs-2013/b3.png HTTP/1.1" 200 203023 "-" "Mozilla/5.0 (X11; WOW64; rv:24.0; Windows NT 6.1) Chrome/32.0.1700.77"';
    expect(sortsOf(line, new Survey(0))).toEqual([]);
    expect(sortsOf(line)).not.toEqual([]);
  });

  it('passes over what a line of a web server has', () => {
    const line =
      '83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /a-2013/b3.png HTTP/1.1" 200 203023 "-" "Mozilla/5.0 (KHTML) Chrome/32.0.1700.77"';
    for (const sort of ['beSsn', 'beCard', 'beIban', 'beDegree']) expect(sortsOf(line)).not.toContain(sort);
  });

  it('lets detectors find the same in lanes and unit by unit', () => {
    const policy = parsePolicy(defaultPolicyYaml);
    const pseudonymKey = { version: 1, key: new Uint8Array(32) };
    const inLanes = createPrivacyEngine(policy, { pseudonymKey });
    // Somebody else's code may scan, so it gets no lanes.
    const byUnits = createPrivacyEngine(policy, { pseudonymKey, recognizers: [() => []] });
    const digits = fc.oneof(fc.stringMatching(/^[0-9]{1,5}$/), fc.stringMatching(/^[0-9]{6,19}$/));
    const marks = fc.constantFrom(...Array.from(' -./:,(=#"_)[]\'\n\t$€é–\u00a0\u2019+'));
    const words = fc.constantFrom(
      ...'SSN|tax id|tax-id|userID|MRNs|NHS number|no.|number is|passport|PESEL|Steuer-ID|policy|POL|id|zip|DE|GB|X|NT |May |th|card |iban |lat '.split(
        '|',
      ),
      ...'phone |call |tel: |(415) |+1 |-year-old| ans|corner of | Oak Street|Via Roma|/ssn/|/bsn/|Mozilla/|rv:|DE89|536-22-1845'.split('|'),
      ...'415-555-2671|756.9217.0769.85|4111 1111 1111 1111'.split('|'),
    );
    const texts = fc.array(fc.oneof(digits, marks, words), { minLength: 4, maxLength: 24 }).map((parts) => parts.join(''));
    let found = 0;
    fc.assert(
      fc.property(texts, (text) => {
        const all = inLanes.scanText(text);
        found += all.length;
        expect(all).toEqual(byUnits.scanText(text));
      }),
      { numRuns: 3000 },
    );
    expect(found).toBeGreaterThan(100);
  });

  it('is of the text that was surveyed last, however many numbers that has', () => {
    expect(sortsOf('1.1.1 '.repeat(500))).not.toContain('beSsn');
    expect(sortsOf(`${'1.1.1 '.repeat(500)}536-22-1845`)).toContain('beSsn');
    expect(sortsOf('none')).toEqual([]);
  });

  it('takes no UUID for an IBAN, and an IBAN with dashes for one', () => {
    const engine = createPrivacyEngine(parsePolicy(defaultPolicyYaml), { pseudonymKey: { version: 1, key: new Uint8Array(32) } });
    const kindsIn = (text: string): string[] => engine.scanText(text).map(({ kind }) => kind);
    // Its first twenty digits are an IBAN of Bosnia by length and check digits.
    expect(isIban('BA970B45D80DD3ED1499')).toBe(true);
    expect(kindsIn('request ba970b45-d80d-d3ed-1499-0a1b2c3d4e5f is done')).toEqual([]);
    expect(kindsIn('pay ba97-0b45-d80d-d3ed-1499 today')).toEqual(['iban']);
    expect(kindsIn('pay DE89-3704-0044-0532-0130-00')).toEqual(['iban']);
    // What goes on behind an IBAN does not hide it.
    for (const behind of [' 0532 0130 00-x', '-0532-0130-00-EUR', '-0532-0130-00-0a1b2c3d4e5f'])
      expect(kindsIn(`pay DE89-3704-0044${behind}`)).toEqual(['iban']);
    // Nor is one found that begins with a later group: BA20 from the third on, AD24 from the second.
    for (const [country, size] of [
      ['ba', 16],
      ['ad', 20],
    ] as const) {
      const rest = Array.from({ length: size }, (_, i) => (i * 7) % 10).join('');
      const digits = Array.from({ length: 100 }, (_, n) => `${country}${String(n).padStart(2, '0')}${rest}`).find((text) =>
        isIban(text.toUpperCase()),
      );
      const all = (size === 16 ? '4fca53f0e1b2' : '4fca53f0') + (digits as string);
      const text = [all.slice(0, 8), all.slice(8, 12), all.slice(12, 16), all.slice(16, 20), all.slice(20)].join('-');
      expect(kindsIn(`request ${text} is done`), text).toEqual([]);
    }
  });

  it('lets every number through, wherever it stands', () => {
    const engine = createPrivacyEngine(parsePolicy(defaultPolicyYaml), { pseudonymKey: { version: 1, key: new Uint8Array(32) } });
    const numbers = [
      ['us_ssn', '536-22-1845'],
      ['phone', '+1 458 665 7205'],
      ['credit_card', '4111 1111 1111 1111'],
      ['credit_card', '4111111111111111'],
      ['iban', 'DE89 3704 0044 0532 0130 00'],
      ['postal_address', '1600 Pennsylvania Avenue NW'],
    ] as const;
    const around = ['', '"', "'", '(', '=', ': ', ', ', '\n', '|', '\t', '>', '\u00a0', 'é '];
    for (const [kind, number] of numbers)
      for (const before of around) {
        const text = `value${before}${before === '' ? ' ' : ''}${number}, 7 of 12`;
        const start = text.indexOf(number);
        // A no-break space and a letter beyond ASCII are no opening of an address.
        if (kind === 'postal_address' && /[\u00a0(]/.test(before)) continue;
        expect(
          engine.scanText(text).filter((one) => one.start <= start && one.end >= start + number.length && one.kind === kind),
          JSON.stringify(text),
        ).toHaveLength(1);
      }
  });
});
