/**
 * Points in time as text: RFC 3339, strictly, years 0000–9999.
 *
 * The canonical form is UTC with a capital T and Z and at least three digits of fraction (as `Date.prototype.toISOString` prints them); more
 * digits are kept as sent, without zeros at the end. A leap second (`:60`) is accepted where there can be one, 23:59 UTC on the last day of
 * a month; its milliseconds are those of the second that follows, its canonical text keeps the 60.
 */

export interface Timestamp {
  /** Milliseconds since 1970-01-01T00:00:00Z, negative before; finer digits are cut off. */
  ms: number;
  canonical: string;
  /** False when the text bore an offset other than zero, which the canonical form does not show. */
  utc: boolean;
}

// Units are compared as numbers: `text[4]` would make a string of each.
const [space, plus, hyphen, point, colon, upperT, lowerT, upperZ, lowerZ] = [0x20, 0x2b, 0x2d, 0x2e, 0x3a, 0x54, 0x74, 0x5a, 0x7a] as const;

const msPerDay = 86_400_000;
const minMs = -62_167_219_200_000; // 0000-01-01T00:00:00Z
const maxMs = 253_402_300_799_999; // 9999-12-31T23:59:59.999Z
/** Longer than any clock's digits; keeps a hostile fraction from being carried along. */
const textLengthMax = 64;

/** Reads RFC 3339; `undefined` for everything else. */
export function parseTimestamp(text: string): Timestamp | undefined {
  return parse(text, false);
}

/**
 * Reads what logs write besides RFC 3339: a space for the T, and no offset, which is read as UTC. `assumed` says that the latter was done.
 */
export function parseLooseTimestamp(text: string): (Timestamp & { assumed: boolean }) | undefined {
  const strict = parse(text, true);
  if (strict) return { ...strict, assumed: false };
  const utc = parse(`${text}Z`, true);
  return utc && { ...utc, assumed: true };
}

/** The canonical text of milliseconds; `undefined` outside the years 0000–9999. */
export function formatTimestamp(ms: number): string | undefined {
  if (!(ms >= minMs && ms <= maxMs)) return undefined;
  return new Date(ms).toISOString();
}

function parse(text: string, loose: boolean): Timestamp | undefined {
  const { length } = text;
  if (length < 20 || length > textLengthMax) return undefined;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 7);
  const day = digits(text, 8, 10);
  const hour = digits(text, 11, 13);
  const minute = digits(text, 14, 16);
  const second = digits(text, 17, 19);
  if (year < 0 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
    return undefined;
  if (!isAt(text, 4, hyphen) || !isAt(text, 7, hyphen) || !isAt(text, 13, colon) || !isAt(text, 16, colon)) return undefined;
  const between = text.charCodeAt(10);
  if (between !== upperT && between !== lowerT && !(loose && between === space)) return undefined;
  if (day > daysInMonth(year, month)) return undefined;

  let at = 19;
  if (isAt(text, at, point)) {
    at++;
    while (isDigit(text.charCodeAt(at))) at++;
    if (at === 20) return undefined;
  }
  const offset = offsetMinutes(text, at);
  if (offset === undefined) return undefined;

  const minuteMs = daysFromCivil(year, month, day) * msPerDay + (hour * 60 + minute - offset) * 60_000;
  const ms = minuteMs + second * 1000 + fractionMs(text, at);
  // The minute decides: a leap second in the last minute of 9999 would otherwise be the year 10000.
  if (minuteMs < minMs || minuteMs > maxMs || (second === 60 && !mayLeap(minuteMs))) return undefined;
  // Nearly every sender writes the canonical form already.
  if (length === 24 && at === 23 && isAt(text, 23, upperZ) && between === upperT) return { ms, canonical: text, utc: true };
  const minuteText = offset === 0 ? `${text.slice(0, 10)}T${text.slice(11, 16)}` : new Date(minuteMs).toISOString().slice(0, 16);
  return { ms, canonical: `${minuteText}:${text.slice(17, 19)}.${canonicalFraction(text.slice(20, at))}Z`, utc: offset === 0 };
}

/** Milliseconds of the fraction that ends before `end`; finer digits are cut off. */
function fractionMs(text: string, end: number): number {
  let ms = 0;
  for (let at = 20; at < 23; at++) ms = 10 * ms + (at < end ? text.charCodeAt(at) - 0x30 : 0);
  return ms;
}

function canonicalFraction(fraction: string): string {
  let end = fraction.length;
  while (end > 3 && fraction.charCodeAt(end - 1) === 0x30) end--;
  return fraction.slice(0, end).padEnd(3, '0');
}

/** Minutes east of UTC of the offset that fills the text from `at`. */
function offsetMinutes(text: string, at: number): number | undefined {
  const sign = text.charCodeAt(at);
  if (sign === upperZ || sign === lowerZ) return text.length === at + 1 ? 0 : undefined;
  if ((sign !== plus && sign !== hyphen) || text.length !== at + 6 || !isAt(text, at + 3, colon)) return undefined;
  const hours = digits(text, at + 1, at + 3);
  const minutes = digits(text, at + 4, at + 6);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return undefined;
  return (sign === plus ? 1 : -1) * (hours * 60 + minutes);
}

function mayLeap(minuteMs: number): boolean {
  const after = new Date(minuteMs + 60_000);
  return after.getUTCDate() === 1 && after.getUTCHours() === 0 && after.getUTCMinutes() === 0;
}

/** The number the digits from `from` to `to` stand for; -1 when one of them is none. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) {
    const unit = text.charCodeAt(at);
    if (!isDigit(unit)) return -1;
    value = value * 10 + unit - 0x30;
  }
  return value;
}

function isAt(text: string, at: number, unit: number): boolean {
  return text.charCodeAt(at) === unit;
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar (`Date.UTC` reads the years 0–99 as 1900–1999). */
function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468;
}
