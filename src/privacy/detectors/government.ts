/** The US social security number. Other numbers: identifiers.ts. */
import { has, isDigit, isIdentifier, isWord } from '../survey.ts';
import { may, numberStarts } from './number-starts.ts';
import { before, type Detector, digitsOf, type KindSpec, type ScanContext } from './detector.ts';

const ssn: KindSpec = {
  kind: 'us_ssn',
  family: 'government',
  example: '536-22-1845',
  check: 'three, two and four digits divided by dashes in an issued range; in any range, with other separators or none, after a word that says so',
  floor: 0.5,
  canonical: digitsOf,
};

const ssnWord = /(?:ssn|s\.s\.n\.?|social[\s_-]*(?:security|sec)?|itin|tax(?:payer)?[\s_-]*id|tin)(?:["'\s:=#_.|,()-]|number|num|nr|no|is|was)*$/;

/** A number that was never given out, of which the text itself says that it is none. */
const denied = /(?:invalid|bad|malformed|bogus|not an?)\s+(?:us |u\.s\. )?$/;
const deniedSsn = /(?:invalid|bad|malformed|bogus|not an?)\s+(?:us |u\.s\. )?(?:ssn|social security number)s?\s*$/;

/** Does the text before the label at `start` say that what follows is no such number? */
export function isDenied(text: string, start: number): boolean {
  return denied.test(before(text, start, 20));
}

function detectSsn({ text, survey, found }: ScanContext): void {
  const { digitRuns, digitRunCount } = survey;
  const { list, count, sorts, any } = numberStarts.of(survey);
  if ((any & may.beSsn) === 0) return;
  for (let n = 0; n < 2 * count; n += 2) {
    if (((sorts[n >> 1] as number) & may.beSsn) === 0) continue;
    const i = list[n] as number;
    const start = digitRuns[2 * i] as number;
    const size = (digitRuns[2 * i + 1] as number) - start;
    if (size === 9) {
      const end = start + 9;
      if (isLoose(text, start, end) && ssnWord.test(before(text, start, 40))) found.push({ kind: 'us_ssn', start, end, confidence: 0.8 });
    } else if (size === 3 && i + 2 < digitRunCount) judgeSsn(text, digitRuns, i, found);
  }
}

function judgeSsn(text: string, runs: Int32Array, i: number, found: ScanContext['found']): void {
  const start = runs[2 * i] as number;
  const end = runs[2 * i + 5] as number;
  if (
    end - start !== 11 ||
    (runs[2 * i + 2] as number) !== start + 4 ||
    (runs[2 * i + 4] as number) !== start + 7 ||
    (runs[2 * i + 3] as number) !== start + 6
  )
    return;
  const separator = text.charCodeAt(start + 3);
  if (
    separator !== text.charCodeAt(start + 6) ||
    !(isLoose(text, start, end) || found.some((other) => other.end === start && other.kind === 'email'))
  )
    return;
  const dashed = separator === 45 || separator === 0x2010 || separator === 0x2011 || separator === 0x2013;
  if (text.startsWith('000', start) && text.endsWith('0000', end)) return;
  const issued = issuedConfidence(text.slice(start, start + 3), text.slice(start + 4, start + 6), text.slice(start + 7, end));
  if (dashed && issued > 0 && !isPiece(text, start)) {
    // From 900 on, in groups that the IRS uses, it is a taxpayer's.
    found.push({ kind: issued > 0.8 && text.charCodeAt(start) === 57 ? 'us_itin' : 'us_ssn', start, end, confidence: issued });
  } else if (
    (dashed || separator === 32 || separator === 46) &&
    ssnWord.test(before(text, start, 40)) &&
    !(issued === 0 && deniedSsn.test(before(text, start, 40)))
  )
    found.push({ kind: 'us_ssn', start, end, confidence: 0.7 });
}

/** Nothing of an identifier or number hangs on it. */
function isLoose(text: string, start: number, end: number): boolean {
  const previous = text.charCodeAt(start - 1);
  const next = text.charCodeAt(end);
  if (isWord(previous) || isWord(next) || next === 95) return false;
  if ((next === 45 || next === 46) && isDigit(text.charCodeAt(end + 1))) return false;
  return !((previous === 45 || previous === 46) && isDigit(text.charCodeAt(start - 2)));
}

/** `order-123-45-6789`: a piece of an identifier, unless a keyword says otherwise. */
function isPiece(text: string, start: number): boolean {
  return text.charCodeAt(start - 1) === 45 && isIdentifier(text.charCodeAt(start - 2)) && !ssnWord.test(before(text, start, 24));
}

/**
 * How sure the ranges make it: 0.85 for those the SSA issues and the IRS uses for ITINs, 0.6 for the rest of 900–999 (never issued, but
 * nothing else is written like this), 0 for 000 and 666 areas, 00 groups and 0000 serials.
 */
export function issuedConfidence(area: string, group: string, serial: string): number {
  if (area === '000' || area === '666' || group === '00' || serial === '0000') return 0;
  if (area[0] !== '9') return 0.85;
  const g = Number(group);
  return (g >= 50 && g <= 65) || (g >= 70 && g <= 88) || (g >= 90 && g <= 92) || (g >= 94 && g <= 99) ? 0.85 : 0.6;
}

export const ssnDetector: Detector = { kinds: [ssn], gate: has.digit, starts: may.beSsn, detect: detectSsn };
