/** Payment cards and IBANs. */
import { has, isDigit, isIdentifier, isLetter, isWord } from '../survey.ts';
import { passesLuhn } from './checksums.ts';
import { ibanLengths } from './iban-lengths.ts';
import { behindSlash, may, numberStarts } from './number-starts.ts';
import { before, compact, type Detector, digitsOf, type KindSpec, type ScanContext } from './detector.ts';

const card: KindSpec = {
  kind: 'credit_card',
  family: 'money',
  example: '4111 1111 1111 1111',
  check: 'issuer prefix, length and Luhn, between identifier boundaries; 12 to 19 digits in any state after a word such as card',
  floor: 0.5,
  canonical: digitsOf,
};

const iban: KindSpec = {
  kind: 'iban',
  family: 'money',
  example: 'DE89 3704 0044 0532 0130 00',
  check: 'country length and ISO 7064 mod 97; 15 to 34 letters and digits in any state after the word IBAN',
  floor: 0.5,
  canonical: compact,
};

/** Does an issuer give out cards with this prefix and length? Visa, Mastercard, Amex, Discover, Diners, JCB, UnionPay, Maestro, Mir. */
export function isIssuedCard(digits: string): boolean {
  const two = Number(digits.slice(0, 2));
  const four = Number(digits.slice(0, 4));
  switch (digits.length) {
    case 14:
      return two === 36 || two === 38 || two === 39 || (four >= 3000 && four <= 3059) || four === 3095;
    case 15:
      return two === 34 || two === 37;
    case 16:
      return (
        digits[0] === '4' ||
        (two >= 51 && two <= 55) ||
        (four >= 2221 && four <= 2720) ||
        four === 6011 ||
        two === 65 ||
        (four >= 6440 && four <= 6499) ||
        (four >= 3528 && four <= 3589) ||
        two === 62 ||
        two === 81 ||
        (four >= 2200 && four <= 2204) ||
        four === 6759 ||
        four === 6763 ||
        two === 50
      );
    case 19:
      return digits[0] === '4' || two === 62 || two === 63 || two === 67 || two === 81;
    default:
      return (digits.length === 17 || digits.length === 18) && (two === 62 || two === 81 || two === 67);
  }
}

const cardWord =
  /(?:card|credit|debit|visa|mastercard|amex|american express|discover|maestro|jcb|diners|unionpay|pan|cc|kreditkarte|karte|carte|tarjeta|carta)(?:["'\s:=#_.|(-]|numbers?|number|num|nr|no|is|was|ending|details|info|payment)*$/;
const cardDigitsMax = 19;

/** `/cards/4111…` */
const cardPath = /\/(?:credit|debit|payment)?[_-]?(?:cards?|cc|pan)[_-]?(?:numbers?|no)?\/$/;

function detectCard({ text, survey, found }: ScanContext): void {
  const { digitRuns, digitRunCount, units } = survey;
  const { list, count, sorts, any } = numberStarts.of(survey);
  if ((any & may.beCard) === 0) return;
  let done = 0;
  for (let n = 0; n < 2 * count; n += 2) {
    const i = list[n] as number;
    const inPath = list[n + 1] === behindSlash;
    // Either all in one, or groups of which the first has four digits or six.
    if (((sorts[n >> 1] as number) & may.beCard) === 0 || (digitRuns[2 * i] as number) < done) continue;
    const start = digitRuns[2 * i] as number;
    const size = (digitRuns[2 * i + 1] as number) - start;
    if (inPath ? !cardPath.test(before(text, start, 24)) : !isOpen(text, start, start > 0 ? (units[start - 1] as number) : 32)) continue;
    let digits = 0;
    let end = -1;
    let separator = 0;
    for (let j = i; j < digitRunCount && j - i < 6; j++) {
      const from = digitRuns[2 * j] as number;
      const to = digitRuns[2 * j + 1] as number;
      if (j > i) {
        const between = text.charCodeAt(from - 1);
        if (
          from - (digitRuns[2 * j - 1] as number) !== 1 ||
          (between !== 32 && between !== 45 && between !== 0xa0 && between !== 46) ||
          // Four by four, the separators may differ.
          (separator !== 0 && between !== separator && (size !== 4 || (digitRuns[2 * j - 1] as number) - (digitRuns[2 * j - 2] as number) !== 4))
        )
          break;
        separator = between;
      }
      digits += to - from;
      if (digits > cardDigitsMax) break;
      if (digits >= 12 && isShut(text, to) && judgeCard(text, start, to, j > i)) end = to;
    }
    if (end < 0) continue;
    found.push({ kind: 'credit_card', start, end, confidence: 0.9 });
    done = end;
  }
}

function judgeCard(text: string, start: number, end: number, grouped: boolean): boolean {
  const digits = digitsOf(text.slice(start, end));
  if (isIssuedCard(digits) && passesLuhn(digits) && (!grouped || isCardGrouping(text.slice(start, end)))) return true;
  return cardWord.test(before(text, start, 40));
}

/** 4-4-4-4(-3), 4-6-5, 4-6-4. */
function isCardGrouping(number: string): boolean {
  return /^\d{4}(?:[^\d]\d{4}){3}(?:[^\d]\d{3})?$|^\d{4}[^\d]\d{6}[^\d]\d{4,5}$|^\d{6}[^\d]\d{13}$/.test(number);
}

function isOpen(text: string, start: number, before: number): boolean {
  if (before < 128 && (isWord(before) || before === 95)) return false;
  const previous = text.charCodeAt(start - 1);
  if (isWord(previous)) return false;
  return !((previous === 45 || previous === 46 || previous === 47) && isIdentifier(text.charCodeAt(start - 2)));
}

function isShut(text: string, end: number): boolean {
  const next = text.charCodeAt(end);
  if (isWord(next) || next === 95) return false;
  return !((next === 45 || next === 46) && isIdentifier(text.charCodeAt(end + 1)) && isDigit(text.charCodeAt(end + 1)));
}

/** Is the compact, upper-case text an IBAN: length of its country, ISO 7064 mod 97-10? */
export function isIban(value: string): boolean {
  if (value.length !== ibanLengths[value.slice(0, 2)]) return false;
  let rest = 0;
  for (const letter of value.slice(4) + value.slice(0, 4)) {
    const number = Number.parseInt(letter, 36);
    if (Number.isNaN(number)) return false;
    rest = (number > 9 ? rest * 100 + number : rest * 10 + number) % 97;
  }
  return rest === 1;
}

const ibanWord = /iban[^.;\n]{0,20}$/;

/** Two letters, two digits, then groups: anchored on the digit run that is the check number or begins with it. */
function detectIban({ text, survey, found }: ScanContext): void {
  const { digitRuns, units } = survey;
  const { list, count, sorts, any } = numberStarts.of(survey);
  if ((any & may.beIban) === 0) return;
  for (let n = 0; n < 2 * count; n += 2) {
    if (((sorts[n >> 1] as number) & may.beIban) === 0) continue;
    const digit = digitRuns[2 * (list[n] as number)] as number;
    const start = digit - 2;
    if (start < 0 || !isLetter(units[start] as number)) continue;
    if (isWord(text.charCodeAt(start - 1)) || text.charCodeAt(start - 1) === 95) continue;
    const length = ibanLengths[text.slice(start, digit).toUpperCase()];
    if (length === undefined) continue;
    const end = ibanEnd(text, start, length);
    if (end > 0 && isIban(compact(text.slice(start, end))) && !standsInUuid(text, start)) found.push({ kind: 'iban', start, end, confidence: 0.95 });
    else if (ibanWord.test(before(text, start, 24))) {
      const loose = looseIbanEnd(text, start);
      if (loose > 0) found.push({ kind: 'iban', start, end: loose, confidence: 0.7 });
    }
  }
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-z])/i;
/** Where the groups of a UUID begin that an IBAN may begin with. */
const uuidGroups = [0, 9, 14, 19];

/** Some groups of one UUID in 30,000 pass for an IBAN of Andorra, Bosnia, Belgium or Estonia. */
function standsInUuid(text: string, start: number): boolean {
  return uuidGroups.some(
    (group) => group <= start && uuid.test(text.slice(start - group, start - group + 37)) && !isWord(text.charCodeAt(start - group - 1)),
  );
}

/** The end of `length` letters and digits with at most one space or dash between them, or -1. */
function ibanEnd(text: string, start: number, length: number): number {
  let count = 0;
  for (let at = start; at < text.length && at - start < length * 2; at++) {
    const unit = text.charCodeAt(at);
    if (isLetter(unit) || isDigit(unit)) {
      if (++count === length) return isWord(text.charCodeAt(at + 1)) ? -1 : at + 1;
    } else if ((unit !== 32 && unit !== 45 && unit !== 0xa0) || !isIdentifier(text.charCodeAt(at + 1))) return -1;
  }
  return -1;
}

/** After the word IBAN: one run of 15 to 34, or groups of four. */
function looseIbanEnd(text: string, start: number): number {
  const match = /^[A-Za-z]{2}\d{2}(?:[0-9A-Za-z]{10,30}|(?:[ -][0-9A-Za-z]{4}){2,7}(?:[ -][0-9A-Za-z]{1,3})?)(?![0-9A-Za-z])/.exec(
    text.slice(start, start + 48),
  );
  return match ? start + match[0].length : -1;
}

export const cardDetector: Detector = { kinds: [card], gate: has.digit, starts: may.beCard, detect: detectCard };
export const ibanDetector: Detector = { kinds: [iban], gate: has.digit, starts: may.beIban, detect: detectIban };
