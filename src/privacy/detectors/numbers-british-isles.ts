/** Numbers of the United Kingdom and Ireland. */
import { digitAt, isDay, twoAt, weightedSum } from './checksums.ts';
import { type NumberKind, numberKind } from './number-kind.ts';

export function passesNhs(number: string): boolean {
  const check = (11 - (weightedSum(number, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11;
  return check === digitAt(number, 9);
}

export function passesUtr(number: string): boolean {
  return '21987654321'[weightedSum(number.slice(1), [6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11] === number[0];
}

/** The PPS number's letter: weights 8 … 2, and 9 for a second letter, modulo 23. */
export function passesPps(number: string): boolean {
  const second = number.length === 9 && (number[8] as string) <= 'I' ? number.charCodeAt(8) - 64 : 0;
  return 'WABCDEFGHIJKLMNOPQRSTUV'[(weightedSum(number, [8, 7, 6, 5, 4, 3, 2]) + 9 * second) % 23] === number[7];
}

/** Five places of the name, then the date of birth: decade, month (+50 for women), day, year. */
function hasLicenceDate(number: string): boolean {
  const month = twoAt(number, 6);
  return isDay(month > 50 ? month - 50 : month, twoAt(number, 8));
}

export const britishNumbers: readonly NumberKind[] = [
  numberKind({
    kind: 'uk_nhs',
    what: 'NHS number: ten digits, weighted modulo 11, a word that says so',
    example: 'NHS 943 476 5919',
    shape: /^\d{10}$/,
    check: passesNhs,
    grouped: '999 999 9999|999-999-9999',
    labels: 'nhs, nhs number, nhs id, national health service',
  }),
  numberKind({
    kind: 'uk_nino',
    what: 'UK national insurance number: an issued prefix, six digits, A to D',
    example: 'AB 12 34 56 C',
    shape: /^(?!BG|GB|NK|KN|NT|TN|ZZ|[DFIQUV]|.[DFIOQUV])[A-Z]{2}\d{6}[A-D]$/,
    check: () => true,
    distinct: 'AA 99 99 99 A|AA999999A|AA-99-99-99-A|AA 999999 A|AA999999 A',
    labels: 'nino, ni number, national insurance, national insurance number',
  }),
  numberKind({
    kind: 'uk_utr',
    what: 'UK unique taxpayer reference: ten digits, check digit first, a word that says so',
    example: 'UTR 1955839661',
    shape: /^\d{10}$/,
    check: passesUtr,
    grouped: '99999 99999',
    labels: 'utr, unique taxpayer reference, taxpayer reference, tax reference',
  }),
  numberKind({
    kind: 'uk_driving_licence',
    what: 'UK driving licence: name, date of birth and initials in 16 places',
    example: 'MORGA657054SM9IJ',
    shape: /^[A-Z]{1,5}9{0,4}\d(?:[05][1-9]|[16][0-2])(?:0[1-9]|[12]\d|3[01])\d(?:[A-Z][A-Z9]|99)[A-Z2-9][A-Z]{2}$/,
    check: (number) => number.length === 16 && hasLicenceDate(number),
    proof: 'strong',
    distinct: 'AAAAA 999999 AA9AA|AAAAA999999AA9AA',
    lengths: [16],
    labels: 'driving licence, driving license, drivers licence, dvla',
  }),
  numberKind({
    kind: 'ie_pps',
    what: 'Irish personal public service number: seven digits and a check letter modulo 23, a word that says so',
    example: 'PPS 1234567FA',
    shape: /^\d{7}[A-W][A-ITWX]?$/,
    check: passesPps,
    proof: 'weak',
    grouped: '9999999A|9999999AA',
    labels: 'pps, ppsn, pps number, personal public service, rsi number',
  }),
];
