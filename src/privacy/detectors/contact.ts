/** Email addresses and phone numbers. */
import { sharedMailboxes } from '../lexicon.ts';
import { has, isDigit, isLetter, isWord, isWordBeyondAscii } from '../survey.ts';
import { may, numberStarts } from './number-starts.ts';
import { isAccountName } from './account-names.ts';
import { before, type Detector, type KindSpec, lowerTrimmed, type ScanContext } from './detector.ts';

const email: KindSpec = {
  kind: 'email',
  family: 'contact',
  example: 'jane.doe@example.com',
  check: 'local part, @, domain of two labels or more with an alphabetic or xn-- top level; internationalised forms included',
  floor: 0.5,
  // `+tag` stays: whether it is the same person is the mail server's secret.
  canonical: canonicalEmail,
};

const phone: KindSpec = {
  kind: 'phone',
  family: 'contact',
  example: '+1 (458) 665-7205',
  check: 'E.164 with +, or a North American 3-3-4 shape, or groups behind a trunk zero, or 7 to 15 digits after a word such as phone or mobile',
  floor: 0.5,
  canonical: canonicalPhone,
};

/** `Jane Doe <JANE@example.com>` and `mailto:jane@example.com` are `jane@example.com`. */
export function canonicalEmail(value: string): string {
  const plain = lowerTrimmed(value);
  if (plain.endsWith('>')) return plain.slice(plain.lastIndexOf('<') + 1, -1).trim();
  return plain.startsWith('mailto:') ? plain.slice(7) : plain;
}

const localMarks = new Set(Array.from("._%+-'~!#$*^", (mark) => mark.charCodeAt(0)));
const localMax = 256;
const domainMax = 255;

function isLocal(unit: number): boolean {
  return isLetter(unit) || isDigit(unit) || (unit < 128 ? localMarks.has(unit) : isWordBeyondAscii(unit));
}

function detectEmail({ text, found }: ScanContext): void {
  let floor = 0;
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    let start = at;
    const stop = Math.max(floor, at - localMax);
    while (start > stop && isLocal(text.charCodeAt(start - 1))) start--;
    while (start < at && !isWord(text.charCodeAt(start)) && text.charCodeAt(start) !== 95) start++;
    floor = at + 1;
    if (start === at) start = quotedLocalStart(text, at, stop);
    if (start === at) pushSpaced(text, at, stop, found);
    if (start === at || text.charCodeAt(at - 1) === 46) continue;
    const end = domainEnd(text, at + 1);
    if (end < 0) {
      pushHostUser(text, start, at, found);
      continue;
    }
    floor = end;
    // `git@github.com:org/repo.git` is everybody's.
    if (at - start === 3 && text.charCodeAt(end) === 58 && text.startsWith('git', start)) continue;
    if (!isPassword(text, start) && !isCrawlerContact(text, start, at, end)) found.push({ kind: 'email', start, end, confidence: 0.95 });
  }
}

/** `postgres://app:s3cret@db.example.com`: what stands before the @ is a secret, and what follows it a host. */
function isPassword(text: string, start: number): boolean {
  return text.charCodeAt(start - 1) === 58 && /:\/\/[^\s/@"'<>]{0,128}:$/.test(before(text, start, 160));
}

/** `jane.doe @ example.com`: one space on either side, and a local part that is no plain word. */
function pushSpaced(text: string, at: number, stop: number, found: ScanContext['found']): void {
  if (text.charCodeAt(at - 1) !== 32 || text.charCodeAt(at + 1) !== 32) return;
  let start = at - 1;
  while (start > stop && isLocal(text.charCodeAt(start - 1))) start--;
  const local = text.slice(start, at - 1);
  if (!/^\p{L}[\p{L}\p{N}]*[._\d][\p{L}\p{N}._-]*$/u.test(local)) return;
  const end = domainEnd(text, at + 2);
  if (end < 0) return;
  const value = `${local}@${text.slice(at + 2, end)}`;
  found.push({ kind: 'email', start, end, confidence: 0.7, value, canonical: canonicalEmail(value) });
}

/** `jane@8.8.4.4`, `jane@localhost`: an account on a machine. */
function pushHostUser(text: string, start: number, at: number, found: ScanContext['found']): void {
  const isNumber = isDigit(text.charCodeAt(at + 1));
  if (!isNumber && !text.startsWith('localhost', at + 1)) return;
  if (isNumber && !/^\d{1,3}(?:\.\d{1,3}){3}(?![\w.])/.test(text.slice(at + 1, at + 18))) return;
  if (isAccountName(text.slice(start, at))) found.push({ kind: 'username', start, end: at, confidence: 0.7 });
}

/** The address at which a crawler's makers want to hear of it (`Mozilla/5.0 (compatible; Ezooms/1.0; help@…)`): a mailbox of a function, nobody's. */
function isCrawlerContact(text: string, start: number, at: number, end: number): boolean {
  if (at - start > 32 || !sharedMailboxes.has(text.slice(start, at).toLowerCase().split(/[._-]/, 1)[0] as string)) return false;
  const head = before(text, start, 120);
  if (/(?:compatible;|bot\b|crawler|spider|slurp|archiver)[^"\n]{0,80}$/.test(head)) return true;
  const closed = /^[;)"]/.test(text.slice(end, end + 1));
  return (
    closed &&
    (head.endsWith(' +') || (/[(;] ?$/.test(head) && (/https?:[^"\n]{0,60}$/.test(head) || /^; [^"\n]{0,20}https?:/.test(text.slice(end, end + 30)))))
  );
}

/** The start of `"quoted local"@`, or `at` if it is none. */
function quotedLocalStart(text: string, at: number, stop: number): number {
  if (text.charCodeAt(at - 1) !== 34) return at;
  let open = at - 2;
  while (open >= stop && at - open <= 66 && text.charCodeAt(open) !== 34) open--;
  return open >= stop && at - open <= 66 && open < at - 2 && /^[\w.@ +-]+$/.test(text.slice(open + 1, at - 1)) ? open : at;
}

/** The end of the domain that starts at `from`, or -1. */
function domainEnd(text: string, from: number): number {
  const limit = Math.min(text.length, from + domainMax);
  if (text.charCodeAt(from) === 91) return literalEnd(text, from, limit);
  let end = from;
  while (end < limit) {
    const unit = text.charCodeAt(end);
    if (!isWord(unit) && unit !== 45 && unit !== 46) break;
    if (unit === 46 && text.charCodeAt(end - 1) === 46) break;
    end++;
  }
  while (end > from && !isWord(text.charCodeAt(end - 1))) end--;
  // Text may run on after the domain without a space ("jane@example.com.Then"): only the last label has to look like a top level.
  let dot = end - 1;
  while (dot > from && text.charCodeAt(dot) !== 46) dot--;
  // `jane@example.com123-45-6789`: something else hangs on a well-known top level.
  if (dot > from && !isTopLevel(text, dot + 1, end)) {
    const known = knownTop.exec(text.slice(dot + 1, dot + 6));
    if (known) end = dot + 1 + (known[1] as string).length;
  }
  if (dot <= from || !isTopLevel(text, dot + 1, end)) return -1;
  return /^\d+x\.(?:png|jpe?g|gif|svg|webp)$/i.test(text.slice(from, end)) ? -1 : end;
}

const knownTop = /^(com|org|net|edu|gov|info|biz|io|co|ai|de|uk|fr|es|it|nl|pl|eu|us|ca|au|in|jp|cn|br|ru|ch|at|be|se|dk|fi|ie|pt|mx)\d/i;

function literalEnd(text: string, from: number, limit: number): number {
  const match = /^\[(?:IPv6:)?[0-9a-fA-F:.]+\]/.exec(text.slice(from, Math.min(limit, from + 64)));
  return match ? from + match[0].length : -1;
}

function isTopLevel(text: string, start: number, end: number): boolean {
  if (end - start < 2 || end - start > 63) return false;
  if (text.startsWith('xn--', start)) return true;
  for (let i = start; i < end; i++) {
    const unit = text.charCodeAt(i);
    if (!isLetter(unit) && !(unit >= 128 && isWordBeyondAscii(unit))) return false;
  }
  return true;
}

/** Digits with a leading + where there is one; ten digits of North America get +1 so that both spellings correlate. */
function canonicalPhone(value: string): string {
  const trunk = value.replace(/\(0\)/g, '').replace(/(?:ext\.?|x|#)\s*\d{1,6}$/i, '');
  const digits = trunk.replace(/\D+/g, '');
  if (trunk.trimStart().startsWith('+')) return `+${digits}`;
  if (trunk.trimStart().startsWith('00') && digits.length > 8) return `+${digits.slice(2)}`;
  if (digits.length === 10 && /^[2-9]/.test(digits)) return `+1${digits}`;
  if (digits.length === 11 && digits.startsWith('1')) return `+${digits}`;
  return digits;
}

const phoneWord =
  /(?:phone|mobile|cell|tel|telephone|fax|call(?:ed|ing)?|dial(?:l?ed|l?ing)?|sms|whatsapp|signal|contact|callback|msisdn|handy|handynummer|rufnummer|mobilnummer|mobil|telefon|telefonnummer|telefono|telefone|telefoon|celular|cellulare|komórka|gsm|numéro|móvil|teléfono|portable|desk|(?:land|hot|direct |phone )line)(?:\s*(?:number|no|nr|num|#))?\.?["'\s:=#(]*(?:(?:at|is|on|to|me|us|him|her|them|back|was|under|via)["'\s:=#(]+){0,3}$|(?:answer(?:ing|ed|s)?|reach(?:ed|able|ing)?(?: out)?(?: (?:me|us|him|her|them))?|ring(?: (?:me|us|him|her|them))?|texts?(?:ed|ing)?(?: (?:me|us|him|her|them))?|messages?|messaging|voicemail|sms|whatsapp) (?:at|on|to|from) $|registered (?:number |mobile |phone )?$|(?:my|your|his|her|their|our)(?: new| old| home| work| direct)? number(?: is|:)? $/;

/** Does a word such as `phone:` stand before `at`? */
function followsPhoneWord(text: string, at: number): boolean {
  let end = at;
  while (end > 0 && at - end < 6 && isPhoneLead(text.charCodeAt(end - 1))) end--;
  return end > 0 && isWord(text.charCodeAt(end - 1)) && !isDigit(text.charCodeAt(end - 1)) && phoneWord.test(before(text, at, 40));
}

function isPhoneLead(unit: number): boolean {
  return unit === 32 || unit === 58 || unit === 61 || unit === 35 || unit === 34 || unit === 39 || unit === 40 || unit === 46 || unit === 10;
}

/** Is a separator that may stand between the digit groups of one phone number? */
function isPhoneSeparator(unit: number): boolean {
  return (
    unit === 32 || unit === 45 || unit === 46 || unit === 40 || unit === 41 || unit === 47 || unit === 0xa0 || unit === 0x2011 || unit === 0x2010
  );
}

function detectPhone({ text, survey, found }: ScanContext): void {
  const { digitRuns, digitRunCount } = survey;
  const { list, count, sorts, any } = numberStarts.of(survey);
  if ((any & may.bePhone) === 0) return;
  let done = 0;
  for (let n = 0; n < 2 * count; n += 2) {
    if (((sorts[n >> 1] as number) & may.bePhone) === 0) continue;
    const i = list[n] as number;
    if ((digitRuns[2 * i] as number) < done) continue;
    let last = i;
    let digits = 0;
    let groups = 0;
    const start = digitRuns[2 * i] as number;
    if (isDotted(survey, i)) continue;
    // Gather groups that at most three separators divide, until there are too many digits for a phone number.
    for (let j = i; j < digitRunCount && groups < 8; j++) {
      const from = digitRuns[2 * j] as number;
      const size = (digitRuns[2 * j + 1] as number) - from;
      if (j > i && !onlySeparators(text, digitRuns[2 * j - 1] as number, from)) break;
      if (digits + size > 15) {
        if (j === i) digits = 99;
        break;
      }
      digits += size;
      groups++;
      last = j;
    }
    if (digits < 7 || digits > 15) continue;
    const end = trimmedPhone(text, survey, i, last, digits);
    if (end > 0) {
      const opening = phoneStart(text, start);
      const tail = /^ ?(?:ext\.?|x|#) ?\d{1,6}(?!\w)/i.exec(text.slice(end, end + 14));
      found.push({ kind: 'phone', start: opening, end: end + (tail ? tail[0].length : 0), confidence: text.charCodeAt(opening) === 43 ? 0.9 : 0.7 });
      done = end;
    }
  }
}

/** Up to three digits, a dot, up to three, a dot, up to three: an address or a version, not `415.555.2671`. */
function isDotted({ digitRuns, digitRunCount, units }: ScanContext['survey'], i: number): boolean {
  if (i + 2 >= digitRunCount) return false;
  const end = digitRuns[2 * i + 1] as number;
  const third = digitRuns[2 * i + 4] as number;
  // `03.93.92.16.85`: five pairs, the first with a zero.
  if (units[digitRuns[2 * i] as number] === 48 && i + 4 < digitRunCount && (digitRuns[2 * i + 9] as number) - (digitRuns[2 * i] as number) === 14)
    return false;
  return (
    end - (digitRuns[2 * i] as number) <= 3 &&
    (digitRuns[2 * i + 2] as number) - end === 1 &&
    units[end] === 46 &&
    (digitRuns[2 * i + 5] as number) - third <= 3 &&
    units[third - 1] === 46
  );
}

function onlySeparators(text: string, from: number, to: number): boolean {
  if (to - from > 3 || to === from) return false;
  for (let i = from; i < to; i++) if (!isPhoneSeparator(text.charCodeAt(i))) return false;
  return true;
}

/** Takes in a `(` and a `+` before the first digit. */
function phoneStart(text: string, start: number): number {
  let at = start;
  if (text.charCodeAt(at - 1) === 40) at--;
  if (text.charCodeAt(at - 1) === 43) at--;
  return at;
}

/**
 * Decides whether the digit groups i…last are a phone number, dropping groups from the end until one of the known shapes fits.
 * @returns the end of the number, or -1
 */
function trimmedPhone(text: string, survey: ScanContext['survey'], i: number, last: number, digitCount: number): number {
  const { digitRuns } = survey;
  const start = digitRuns[2 * i] as number;
  const opening = phoneStart(text, start);
  const previous = opening > 0 ? text.charCodeAt(opening - 1) : 32;
  const plus = text.charCodeAt(opening) === 43;
  // A plus begins a number even where another one ends.
  if ((isWord(previous) && !(plus && isDigit(previous) && digitCount >= 10)) || previous === 95 || previous === 46) return -1;
  // Behind a dash or slash that hangs on a word it is a piece of some identifier.
  if (!plus && (previous === 45 || previous === 47) && opening > 1 && isWord(text.charCodeAt(opening - 2))) return -1;
  const bracket = start > 0 && text.charCodeAt(start - 1) === 40;
  const announced = !plus && followsPhoneWord(text, opening);
  // Written as countries do without a word before it, it has three groups, a bracket or a trunk zero.
  if (!plus && !announced && !bracket && last - i < 2 && text.charCodeAt(start) !== 48) return -1;
  let digits = digitCount;
  for (let j = last; j >= i && digits >= 7; j--) {
    const end = digitRuns[2 * j + 1] as number;
    const size = end - (digitRuns[2 * j] as number);
    if (isPhoneEnd(text, end, plus)) {
      if (plus) {
        if (digits >= 8 && text.charCodeAt(opening + 1) !== 48) return end;
      } else if (announced ? !looksLikeDate(text.slice(start, end)) : digits >= 9 && digits <= 15 && isNational(text.slice(start, end), bracket))
        return end;
    }
    digits -= size;
  }
  return -1;
}

/** May a number end here? Not before a letter (but an extension), nor in the middle of something that goes on. */
function isPhoneEnd(text: string, end: number, plus: boolean): boolean {
  if (end >= text.length) return true;
  const next = text.charCodeAt(end);
  if (next === 95 || (isWord(next) && !/^x\d{1,6}(?!\w)/.test(text.slice(end, end + 8)))) return false;
  const after = end + 1 < text.length ? text.charCodeAt(end + 1) : 32;
  return (plus || !(next === 45 && isWord(after))) && !(next === 46 && isDigit(after));
}

/** Written the way a country writes its own numbers: North America's 3-3-4, or groups behind a trunk zero. */
function isNational(number: string, bracket: boolean): boolean {
  // `(415) 555-2671`, and Brazil's `(11) 91234-5678`.
  if (bracket) return /^[2-9]\d\d\) ?[-.]?\d{3}[-. ]\d{4}$|^[1-9]\d\) ?9?\d{4}-\d{4}$/.test(number);
  return /^(?:1[-. ])?(?:[2-9]\d\d([-.])\d{3}\1\d{4}|\([2-9]\d\d\) ?\d{3}[-. ]\d{4})$/.test(number) || isTrunkNumber(number) || isDialled(number);
}

/** `056 590 36 33`, `(0)78 8098 1119`: a trunk zero, then groups of two or more digits, nine to eleven digits in all. */
function isTrunkNumber(number: string): boolean {
  if (
    !/^0[1-9]\d{0,3}(?:[ -]\d{2,4}){2,4}$|^0[1-9]\d{3} \d{6}$|^06[- ]\d{8}$|^0[1-9](?:([. ])\d\d)(?:\1\d\d){3}$|^0[1-9]\d{1,3}[-/]\d{6,8}$/.test(
      number,
    )
  )
    return false;
  const digits = number.replace(/\D+/g, '').length;
  return digits >= 9 && digits <= 11;
}

/** `0044 20 7946 0958`, `001 415 555 2671`: as it is dialled from abroad, in groups. Russia's `8 (916) 123-45-67`. */
function isDialled(number: string): boolean {
  if (/^8[ -]?\(\d{3}\)[ -]?\d{3}[- ]\d\d[- ]\d\d$/.test(number)) return true;
  const groups = /^00 ?(?:1[ -]\d{3}[ -]\d{3}[ -]\d{4}|[2-9]\d{1,2}(?:[ -](?:\(0\) ?)?\d{1,5}){2,6})$/.test(number);
  return groups && number.replace(/\D+/g, '').length >= 11;
}

function looksLikeDate(number: string): boolean {
  return /^(?:\d{4}([-./])\d\d?\1\d\d?|\d\d?([-./])\d\d?\2\d{4})(?: |$)/.test(number);
}

export const emailDetector: Detector = { kinds: [email], gate: has.at, detect: detectEmail };
export const phoneDetector: Detector = { kinds: [phone], gate: has.digit, starts: may.bePhone, detect: detectPhone };
