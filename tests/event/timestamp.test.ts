import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTimestamp, parseLooseTimestamp, parseTimestamp } from '../../src/event/timestamp.ts';

describe('parseTimestamp', () => {
  it.each([
    ['2026-11-22T06:07:08Z', '2026-11-22T06:07:08.000Z', 1_795_327_628_000],
    ['2026-11-22t06:07:08.5z', '2026-11-22T06:07:08.500Z', 1_795_327_628_500],
    ['2026-11-22T06:07:08.123456789Z', '2026-11-22T06:07:08.123456789Z', 1_795_327_628_123],
    ['2026-11-22T06:07:08.1230000Z', '2026-11-22T06:07:08.123Z', 1_795_327_628_123],
    ['2026-11-22T06:07:08+05:30', '2026-11-22T00:37:08.000Z', 1_795_307_828_000],
    ['2026-11-22T23:07:08-01:00', '2026-11-23T00:07:08.000Z', 1_795_392_428_000],
    ['2026-11-22T06:07:08-00:00', '2026-11-22T06:07:08.000Z', 1_795_327_628_000],
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z', -62_167_219_200_000],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z', 253_402_300_799_999],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z', 1_709_164_800_000],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z', 951_782_400_000],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:60.000Z', 1_483_228_800_000],
    ['2017-01-01T00:59:60+01:00', '2016-12-31T23:59:60.000Z', 1_483_228_800_000],
  ])('reads %s', (text, canonical, ms) => {
    expect(parseTimestamp(text)).toMatchObject({ canonical, ms });
  });

  it.each([
    ['no time', '2026-11-22'],
    ['no offset', '2026-11-22T06:07:08'],
    ['a space', '2026-11-22 06:07:08Z'],
    ['month 13', '2026-13-22T06:07:08Z'],
    ['month 0', '2026-00-22T06:07:08Z'],
    ['day 0', '2026-11-00T06:07:08Z'],
    ['31 November', '2026-11-31T06:07:08Z'],
    ['29 February 1900', '1900-02-29T00:00:00Z'],
    ['29 February 2023', '2023-02-29T00:00:00Z'],
    ['hour 24', '2026-11-22T24:00:00Z'],
    ['minute 60', '2026-11-22T06:60:00Z'],
    ['second 61', '2026-11-22T06:07:61Z'],
    ['a leap second at noon', '2016-12-31T12:00:60Z'],
    ['a leap second mid-month', '2016-12-30T23:59:60Z'],
    ['a leap second by local time only', '2016-12-31T23:59:60+01:00'],
    ['an empty fraction', '2026-11-22T06:07:08.Z'],
    ['a comma', '2026-11-22T06:07:08,5Z'],
    ['offset 24:00', '2026-11-22T06:07:08+24:00'],
    ['offset minutes 60', '2026-11-22T06:07:08+01:60'],
    ['an offset without its colon', '2026-11-22T06:07:08+0100'],
    ['a year of five digits', '99999-01-01T00:00:00Z'],
    ['a signed year', '+02026-01-01T00:00:00Z'],
    ['before the year 0000', '0000-01-01T00:00:00+00:01'],
    ['after the year 9999', '9999-12-31T23:59:59-00:01'],
    ['something behind it', '2026-11-22T06:07:08Z '],
    ['other digits', '２026-11-22T06:07:08Z'],
    ['slashes', '2026/11/22T06:07:08Z'],
    ['dots for colons', '2026-11-22T06.07.08Z'],
    ['an endless fraction', `2026-11-22T06:07:08.${'1'.repeat(60)}Z`],
  ])('refuses %s', (_name, text) => {
    expect(parseTimestamp(text)).toBeUndefined();
  });

  it('knows whether the text was in UTC', () => {
    expect(parseTimestamp('2026-11-22T06:07:08Z')?.utc).toBe(true);
    expect(parseTimestamp('2026-11-22T06:07:08+00:00')?.utc).toBe(true);
    expect(parseTimestamp('2026-11-22T06:07:08+01:00')?.utc).toBe(false);
  });

  it('agrees with Date over all years, and reads back what formatTimestamp prints', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }), (ms) => {
        const text = formatTimestamp(ms) as string;
        expect(text).toBe(new Date(ms).toISOString());
        expect(parseTimestamp(text)).toEqual({ ms, canonical: text, utc: true });
      }),
    );
  });

  it('gives a canonical text that is its own canonical text and the same instant, whatever the offset', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4e12 }),
        fc.integer({ min: -1439, max: 1439 }),
        fc.stringMatching(/^\d{1,12}$/),
        (ms, offset, fraction) => {
          const local = new Date(ms + offset * 60_000).toISOString().slice(0, 19);
          const minutes = Math.abs(offset);
          const two = (value: number): string => String(value).padStart(2, '0');
          const text = `${local}.${fraction}${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
          const read = parseTimestamp(text);
          expect(read?.ms).toBe(Date.parse(`${new Date(ms).toISOString().slice(0, 19)}.${fraction.slice(0, 3).padEnd(3, '0')}Z`));
          expect(parseTimestamp(read?.canonical ?? '')).toMatchObject({ ms: read?.ms, canonical: read?.canonical });
        },
      ),
    );
  });
});

describe('formatTimestamp', () => {
  it('prints nothing outside the years 0000 to 9999', () => {
    expect(formatTimestamp(253_402_300_800_000)).toBeUndefined();
    expect(formatTimestamp(-62_167_219_200_001)).toBeUndefined();
    expect(formatTimestamp(Number.NaN)).toBeUndefined();
  });
});

describe('parseLooseTimestamp', () => {
  it('reads a space, and a missing offset as UTC, and says so', () => {
    expect(parseLooseTimestamp('2022-11-29 00:09:04.38')).toEqual({
      ms: 1_669_680_544_380,
      canonical: '2022-11-29T00:09:04.380Z',
      utc: true,
      assumed: true,
    });
    expect(parseLooseTimestamp('2022-11-29 00:09:04Z')).toMatchObject({ assumed: false });
    expect(parseLooseTimestamp('yesterday at noon, or so')).toBeUndefined();
  });
});
