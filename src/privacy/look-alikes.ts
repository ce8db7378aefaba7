/** Characters that readers take for others, and characters that nobody sees: what stands for them in a decoded view. */
import { isDigit, isLetter } from './survey.ts';

/** What stands at `at` in plain characters, or undefined if it already is plain. `size` is how many units that takes the place of. */
export interface Plain {
  readonly text: string;
  readonly size: 1 | 2;
}

const mathematical = 0xd835;
const reach = 3;

/** Where the ten digits of a script begin: Arabic, Persian, N'Ko, those of India, Thai, Lao, Tibetan, Burmese, Khmer … (Unicode, general category Nd). */
const zeros =
  '660 6f0 7c0 966 9e6 a66 ae6 b66 be6 c66 ce6 d66 de6 e50 ed0 f20 1040 1090 17e0 1810 1946 19d0 1a80 1a90 1b50 1bb0 1c40 1c50 a620 a8d0 a900 a9d0 a9f0 aa50 abf0 104a0 10d30 11066 1e140 1e2f0 1e950';
const foreignDigits: ReadonlyMap<number, string> = new Map(
  zeros.split(' ').flatMap((zero) => Array.from({ length: 10 }, (_, digit) => [Number.parseInt(zero, 16) + digit, String(digit)] as const)),
);

/** The plain form of the unit at `at` of a text: full-width and mathematical letters, digits of other scripts, look-alikes among Latin letters. */
export function plainAt(text: string, at: number): Plain | undefined {
  const unit = text.charCodeAt(at);
  if (unit === mathematical) return folded(text.slice(at, at + 2), 2);
  if (unit >= 0xd801 && unit < 0xdc00) {
    const digit = foreignDigits.get(text.codePointAt(at) as number);
    return digit === undefined ? undefined : { text: digit, size: 2 };
  }
  const plain = plainOf(unit);
  if (plain !== undefined) return { text: plain, size: 1 };
  if (isCompatible(unit)) return folded(text[at] as string, 1);
  const twin = unit >= 0x370 && unit < 0x560 ? twins.get(unit) : undefined;
  return twin !== undefined && isAmongLatin(text, at) ? { text: twin, size: 1 } : undefined;
}

/** Circled, superscript and letter-like forms. */
function isCompatible(unit: number): boolean {
  return (unit >= 0x2070 && unit <= 0x209c) || (unit >= 0x2100 && unit <= 0x214f) || (unit >= 0x2460 && unit <= 0x24ff);
}

function folded(text: string, size: 1 | 2): Plain | undefined {
  const plain = text.normalize('NFKC');
  return plain !== text && /^[!-~]{1,4}$/.test(plain) ? { text: plain, size } : undefined;
}

/** Full-width forms, foreign digits, dots, dashes and spaces as ASCII; what cannot be seen as nothing. */
function plainOf(unit: number): string | undefined {
  if (unit >= 0xff01 && unit <= 0xff5e) return String.fromCharCode(unit - 0xfee0);
  if (isInvisible(unit)) return '';
  if (unit >= 0x0660 && unit < 0xac00 && (unit < 0x2000 || unit >= 0xa620)) return foreignDigits.get(unit);
  if (unit === 0xa0 || unit === 0x3000 || (unit >= 0x2000 && unit <= 0x200a) || unit === 0x202f) return ' ';
  if ((unit >= 0x2010 && unit <= 0x2015) || unit === 0x2212 || unit === 0xfe63) return '-';
  if (unit === 0x3002 || unit === 0xff61 || unit === 0x2024) return '.';
  return unit === 0xfe6b ? '@' : undefined;
}

function isInvisible(unit: number): boolean {
  return (
    unit === 0xad ||
    unit === 0x034f ||
    unit === 0x061c ||
    unit === 0x180e ||
    (unit >= 0x200b && unit <= 0x200f) ||
    (unit >= 0x202a && unit <= 0x202e) ||
    (unit >= 0x2060 && unit <= 0x2064) ||
    (unit >= 0x2066 && unit <= 0x2069) ||
    unit === 0xfeff
  );
}

/** Cyrillic and Greek letters and the Latin ones that they cannot be told from. */
const twins: ReadonlyMap<number, string> = new Map(
  [
    'аa',
    'еe',
    'оo',
    'рp',
    'сc',
    'хx',
    'уy',
    'іi',
    'ѕs',
    'јj',
    'һh',
    'ԁd',
    'ѵv',
    'АA',
    'ВB',
    'ЕE',
    'КK',
    'МM',
    'НH',
    'ОO',
    'РP',
    'СC',
    'ТT',
    'ХX',
    'УY',
    'ІI',
    'ЅS',
    'ЈJ',
  ]
    .concat(['οo', 'νv', 'ιi', 'ΑA', 'ΒB', 'ΕE', 'ΖZ', 'ΗH', 'ΙI', 'ΚK', 'ΜM', 'ΝN', 'ΟO', 'ΡP', 'ΤT', 'ΥY', 'ΧX'])
    .map((pair) => [pair.charCodeAt(0), pair[1] as string]),
);

/** Is a Latin letter or digit near by in the same word? */
function isAmongLatin(text: string, at: number): boolean {
  return isLatinTowards(text, at, 1) || isLatinTowards(text, at, -1);
}

function isLatinTowards(text: string, at: number, step: 1 | -1): boolean {
  for (let i = 1; i <= reach; i++) {
    const unit = text.charCodeAt(at + i * step);
    if (isLetter(unit) || isDigit(unit)) return true;
    if (!twins.has(unit)) return false;
  }
  return false;
}
