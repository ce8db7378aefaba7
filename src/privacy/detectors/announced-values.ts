/** Values that are no identifiers but are known by the label before them: dates of birth, ages, pay, postcodes, coordinates. */
import { isDigit, isIdentifier } from '../survey.ts';
import { isDay } from './checksums.ts';
import type { Announcement, Reads } from './vocabulary.ts';

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The value of this sort at `start`, which holds a digit run, or undefined. */
export function readAnnounced(reads: Reads, text: string, start: number, { marked, start: labelStart }: Announcement): Span | undefined {
  switch (reads) {
    case 'date':
      return readDate(text, start);
    case 'age':
      // `max-age`
      return text.charCodeAt(labelStart - 1) === 45 ? undefined : readAge(text, start);
    case 'money':
      return readMoney(text, start);
    case 'postcode':
      return readPostcode(text, start, marked);
    case 'code':
      return readCode(text, start);
    case 'coordinate':
      return readCoordinate(text, start);
    default:
      return undefined;
  }
}

const monthNames =
  'jan(?:uary|uar|vier)?|janvier|januari|gennaio|enero|janeiro|stycznia|feb(?:ruary|ruar)?|fevrier|février|febrero|febbraio|fevereiro|februari|lutego|mar(?:ch|s|zo|ço|co)?|maart|märz|maerz|marca|apr(?:il|ile)?|avril|abril|kwietnia|may|mai|mayo|maggio|maio|mei|maja|june?|juni|juin|junio|giugno|junho|czerwca|july?|juli|juillet|julio|luglio|julho|lipca|aug(?:ust|ustus)?|août|aout|agosto|sierpnia|sept?(?:ember|embre|tembre|iembre)?|settembre|setembro|września|oct(?:ober|obre|ubre)?|okt(?:ober)?|ottobre|outubro|października|nov(?:ember|embre|iembre|embro)?|listopada|dec(?:ember)?|dez(?:ember|embro)?|décembre|decembre|diciembre|dicembre|grudnia';
const dates = new RegExp(
  [
    String.raw`(?<y>\d{4})[-/.](?<m>\d{1,2})[-/.](?<d>\d{1,2})(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?`,
    String.raw`(?<a>\d{1,2})(?:\s?[-/.]\s?|\s)(?<b>\d{1,2})(?:\s?[-/.]\s?|\s)(?<z>\d{4}|\d{2})`,
    String.raw`\d{1,2}(?:st|nd|rd|th|er|º|\.)?[\s-](?:of |de |d')?(?:${monthNames})\b\.?,?[\s-](?:de |del )?\d{2,4}`,
    String.raw`(?:${monthNames})\b\.?[\s-]\d{1,2}(?:st|nd|rd|th)?(?:,?\s\d{4})?`,
    String.raw`\d{1,2}(?:st|nd|rd|th|\.)?[\s-](?:of |de )?(?:${monthNames})\b`,
    String.raw`\d{4}年\d{1,2}月\d{1,2}日`,
    String.raw`(?<c>(?:19|20)\d\d)(?<e>\d\d)(?<f>\d\d)`,
    String.raw`(?<g>\d\d)(?<h>\d\d)(?:19|20)\d\d`,
    String.raw`(?:19|20)\d\d`,
  ]
    .map((form) => `(?:${form})`)
    .join('|'),
  'iy',
);

/** A day in any usual form; a year alone too. */
export function readDate(text: string, from: number): Span | undefined {
  const start = monthStart(text, from);
  dates.lastIndex = start;
  const match = dates.exec(text);
  if (!match) return undefined;
  const end = start + match[0].length;
  if (isIdentifier(text.charCodeAt(end))) return undefined;
  const { y, m, d, a, b, c, e, f, g, h } = match.groups ?? {};
  if (y !== undefined && !isDay(Number(m), Number(d)) && !isDay(Number(d), Number(m))) return undefined;
  if (a !== undefined && !isDay(Number(a), Number(b)) && !isDay(Number(b), Number(a))) return undefined;
  if (c !== undefined && !isDay(Number(e), Number(f))) return undefined;
  if (g !== undefined && !isDay(Number(g), Number(h)) && !isDay(Number(h), Number(g))) return undefined;
  return { start, end };
}

const monthBefore = new RegExp(`(?:${monthNames})\\.? $`, 'i');

/** `May 4, 1983` begins before its digits. */
export function monthStart(text: string, start: number): number {
  if (text.charCodeAt(start - 1) !== 32 || !isDigit(text.charCodeAt(start))) return start;
  const match = monthBefore.exec(text.slice(Math.max(0, start - 14), start));
  return match ? start - match[0].length : start;
}

const age = /(?:1[0-2]\d|\d{1,2})(?![\d.,:%/-]\d|\.\.\d|[\w%])(?! ?(?:ms|s|secs?|seconds?|m|min|minutes?|h|hrs?|hours?|d|days?|w|weeks?)\b)/y;

function readAge(text: string, start: number): Span | undefined {
  age.lastIndex = start;
  const match = age.exec(text);
  return match ? { start, end: start + match[0].length } : undefined;
}

const money =
  /(?:[$€£¥₹]|[A-Z]{3} ?|[A-Z]{1,2}\$)?\s?\d{1,3}(?:[,. '’\u00a0\u202f]\d{3}){0,4}\d*(?:[.,]\d{1,2})?(?:\s?(?:[kKmM]\b|[$€£¥₹]|(?:USD|EUR|GBP|CHF|PLN|SEK|NOK|DKK|CAD|AUD|INR|JPY|BRL|MXN|zł|kr|euros?|dollars?|pounds?)\b))*/y;

function readMoney(text: string, start: number): Span | undefined {
  money.lastIndex = start;
  const match = money.exec(text);
  if (!match || !/\d{3}|\d ?[kK]/.test(match[0])) return undefined;
  const end = start + match[0].trimEnd().length;
  return text.charCodeAt(end) === 37 ? undefined : { start, end };
}

/** After a mark: letters and digits in one or two groups. After a bare word: what is a postcode in large countries. */
const markedPostcode = /(?:[A-Z]{1,2}-)?[A-Z0-9]{2,8}(?:[ -][A-Z0-9]{2,4})?(?![A-Za-z0-9])/y;
const barePostcode =
  /(?:\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z0-9]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{4} ?[A-Z]{2}|\d{3} \d{2}|\d{2}-\d{3})(?![A-Za-z0-9]|-[A-Za-z0-9])/y;
/** A sentence about the form of postcodes, not about anybody's. */
const denied = /^['"]? (?:is|was|are) (?:not|an? (?:in)?valid|invalid)\b|^ (?:not|invalid)\b/;

function readPostcode(text: string, start: number, marked: boolean): Span | undefined {
  for (const form of marked ? [barePostcode, markedPostcode] : [barePostcode]) {
    form.lastIndex = start;
    const match = form.exec(text);
    if (!match) continue;
    const end = start + match[0].length;
    return denied.test(text.slice(end, end + 20)) ? undefined : { start, end };
  }
  return undefined;
}

const coordinate = /-?\d{1,3}(?:\.\d{2,12})?°?(?:\s?[NSEW]\b)?(?:\s?[,;/]\s?-?\d{1,3}\.\d{2,12}°?(?:\s?[NSEW]\b)?)?/y;

/** Three to eight digits that stand alone. */
function readCode(text: string, start: number): Span | undefined {
  const digits = /^\d{3,8}(?![\w.:%-])|^\d{3,8}(?=\.(?:\s|$))/.exec(text.slice(start, start + 10))?.[0];
  return digits === undefined ? undefined : { start, end: start + digits.length };
}

/** One number of degrees, or two. */
function readCoordinate(text: string, from: number): Span | undefined {
  const start = text.charCodeAt(from - 1) === 45 ? from - 1 : from;
  coordinate.lastIndex = start;
  const match = coordinate.exec(text);
  if (!match || !match[0].includes('.') || Math.abs(Number.parseFloat(match[0])) > 180 || isIdentifier(text.charCodeAt(start + match[0].length)))
    return undefined;
  return { start, end: start + match[0].length };
}
