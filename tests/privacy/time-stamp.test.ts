import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detectors } from '../../src/privacy/detectors/all.ts';
import type { Candidate } from '../../src/privacy/finding.ts';
import { Survey, surveyText } from '../../src/privacy/survey.ts';
import { isTimeStamp } from '../../src/privacy/time-stamp.ts';
import { cleaned, engineOf } from './engine-for-test.ts';

const two = fc.integer({ min: 0, max: 99 }).map((n) => String(n).padStart(2, '0'));
const stamps = fc
  .tuple(
    fc.constantFrom('19', '20'),
    two,
    two,
    two,
    fc.constantFrom('T', ' '),
    two,
    two,
    two,
    fc.option(fc.stringMatching(/^\.\d{1,9}$/), { nil: '' }),
    fc.constantFrom('', 'Z', '+00:00', '-0530', '+09:45'),
  )
  .map(
    ([century, year, month, day, gap, hour, minute, second, part, zone]) =>
      `${century}${year}-${month}-${day}${gap}${hour}:${minute}:${second}${part}${zone}`,
  );

describe('time stamps', () => {
  it('are known, and no detector has any business with them, however unsure', () => {
    const survey = new Survey();
    fc.assert(
      fc.property(stamps, fc.constantFrom('', 'time', 'createdat', 'ip', 'version', 'value'), (text, field) => {
        expect(isTimeStamp(text)).toBe(true);
        const found: Candidate[] = [];
        surveyText(text, survey);
        for (const detector of detectors) detector.detect({ text, survey, field, found });
        expect(found).toEqual([]);
      }),
      { numRuns: 3000 },
    );
  });

  it('are nothing else', () => {
    const stamp = '2026-03-01T10:10:42.123Z';
    for (const other of [
      `${stamp} `,
      ` ${stamp}`,
      `${stamp}8.8.4.4`,
      stamp.replace('Z', '+1'),
      stamp.replace('Z', '+1:234'),
      stamp.replace('Z', '+01:2a'),
      stamp.replace('T', 'x'),
    ])
      expect(isTimeStamp(other), other).toBe(false);
    for (const other of [
      '0594-01-15 20:02:58+00:00',
      '2026-03-01',
      '2026-03-01T10:10:4',
      '2026-03-01T10:10:42.',
      '2026-03-01T10:10:42.1234567890',
      '2026-03-01T10:10:42z',
      '20a6-03-01T10:10:42',
    ])
      expect(isTimeStamp(other), other).toBe(false);
  });

  it('go where a field or a word says that they are a date of birth, and where a policy of its own knows them', () => {
    const text = '1983-12-04T00:00:00Z';
    const { event } = cleaned(engineOf(), { birthday: text, note: `born ${text}`, at: text });
    expect(event).toEqual({ birthday: '1983', note: expect.not.stringContaining('12-04'), at: text });
    const own = engineOf("version: 1\nname: own\nfields: []\ncustom: [{kind: founding, pattern: '1983-12-04'}]\nkinds: {founding: redact}\n");
    expect(JSON.stringify(cleaned(own, { at: text }).event)).not.toContain('1983');
  });
});
