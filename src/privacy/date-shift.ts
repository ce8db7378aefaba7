/**
 * Shifting dates: all dates of one person move by the same number of days, so that what lies between them stays, and what lay on which day
 * does not. The number comes from the oldest pseudonym key and the person's identifier:
 *
 *     n = the first 6 bytes, big endian, of HMAC-SHA-256(key, 0x02 ‖ identifier, trimmed and in lower case) modulo 2·maxDays
 *     shift = n - maxDays if that is negative, else n - maxDays + 1                    never 0
 *
 * A shifted date cannot be told from any other, so shifting an event twice moves it twice: the only transform for which that is so.
 */
import { concatBytes, utf8 } from '../core/bytes.ts';
import { createMac } from '../core/sha256.ts';
import { lowerTrimmed } from './detectors/detector.ts';

export const shiftDaysDefault = 365;
const dayMs = 86_400_000;

/** Days to shift by, for a person. */
export type DayShift = (subject: string, maxDays: number) => number;

export function createDayShift(key: Uint8Array): DayShift {
  const mac = createMac(key);
  return (subject, maxDays) => {
    const digest = mac(concatBytes(Uint8Array.of(2), utf8(lowerTrimmed(subject))));
    let n = 0;
    for (let i = 0; i < 6; i++) n = n * 256 + (digest[i] as number);
    const days = (n % (2 * maxDays)) - maxDays;
    return days < 0 ? days : days + 1;
  };
}

/**
 * The date `days` later, in the form it was written: `2024-03-05`, with a time behind it, `2024/03/05`, `20240305`, `05.03.2024`, `3/5/2024`
 * (month first, unless it cannot be), seconds or milliseconds since 1970. Undefined for what is none of these.
 */
export function shiftDate(value: string, days: number): string | undefined {
  const text = value.trim();
  const iso = /^(\d{4})([-/]?)(\d\d)\2(\d\d)((?:[T ]\d\d?:?\d\d.{0,40})?)$/.exec(text);
  if (iso) {
    const [, year, joint, month, day, rest] = iso as unknown as [string, string, string, string, string, string];
    return format(Number(year), Number(month), Number(day), days, (y, m, d) => `${y}${joint}${m}${joint}${d}${rest}`);
  }
  const dotted = /^(\d\d?)([./-])(\d\d?)\2(\d{4})$/.exec(text);
  if (dotted) {
    const [, first, joint, second, year] = dotted as unknown as [string, string, string, string, string];
    const dayFirst = joint === '.' || Number(first) > 12;
    const [month, day] = dayFirst ? [second, first] : [first, second];
    return format(Number(year), Number(month), Number(day), days, (y, m, d) => (dayFirst ? [d, m, y] : [m, d, y]).join(joint));
  }
  if (/^\d{9,10}$/.test(text)) return String(Number(text) + (days * dayMs) / 1000);
  return /^\d{12,13}$/.test(text) ? String(Number(text) + days * dayMs) : undefined;
}

function format(
  year: number,
  month: number,
  day: number,
  days: number,
  write: (year: string, month: string, day: string) => string,
): string | undefined {
  const date = new Date(Date.UTC(2000, month - 1, day));
  date.setUTCFullYear(year);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  date.setTime(date.getTime() + days * dayMs);
  const shifted = date.getUTCFullYear();
  if (!(shifted >= 1 && shifted <= 9999)) return undefined;
  const two = (n: number): string => String(n).padStart(2, '0');
  return write(String(shifted).padStart(4, '0'), two(date.getUTCMonth() + 1), two(date.getUTCDate()));
}
