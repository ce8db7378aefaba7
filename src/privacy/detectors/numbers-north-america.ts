/** Numbers of the United States and Canada. (The social security number has a detector of its own: government.ts.) */
import { digitAt, passesLuhn } from './checksums.ts';
import { type NumberKind, numberKind } from './number-kind.ts';

const itinGroup = /^9\d\d(?:5\d|6[0-5]|7\d|8[0-8]|9[0-2]|9[4-9])\d{4}$/;
/** Prefixes that the IRS has assigned to no campus. */
const einPrefix = /^(?!00|07|08|09|17|18|19|28|29|49|69|70|78|79|89|96|97)\d{9}$/;

/** The DEA number's check: first, third and fifth digit, and twice the others, end in the last. */
export function passesDea(number: string): boolean {
  const d = (i: number): number => digitAt(number, 2 + i);
  return (d(0) + d(2) + d(4) + 2 * (d(1) + d(3) + d(5))) % 10 === d(6);
}

/** 49 CFR 565, table III: letters count 1 … 9 as on an old keyboard; I, O and Q are not used. */
const vinLetters = 'ABCDEFGHJKLMNPRSTUVWXYZ';
const vinDigits = '12345678123457923456789';
const vinWeights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];

function vinValue(vin: string, i: number): number {
  const letter = vinLetters.indexOf(vin[i] as string);
  return letter < 0 ? digitAt(vin, i) : digitAt(vinDigits, letter);
}

/** The vehicle identification number's check (49 CFR 565): weighted sum modulo 11 in the ninth place, X for ten. */
export function passesVin(vin: string): boolean {
  let sum = 0;
  for (let i = 0; i < 17; i++) sum += vinValue(vin, i) * (vinWeights[i] as number);
  return vin[8] === (sum % 11 === 10 ? 'X' : String(sum % 11));
}

export const northAmericanNumbers: readonly NumberKind[] = [
  // In usual spellings it is found by a detector of its own, which knows the ranges; this is for all others behind a label.
  numberKind({
    kind: 'us_ssn',
    what: '',
    example: '536-22-1845',
    shape: /^\d{9}$/,
    check: (number) => number !== '000000000',
    proof: 'none',
    labels: 'ssn, s.s.n., social security, soc sec, social security no, us social security',
  }),
  numberKind({
    kind: 'us_itin',
    what: 'US individual taxpayer identification number: nine digits from 900 on, groups 50–65, 70–88, 90–92, 94–99',
    example: '912-78-1234',
    shape: itinGroup,
    check: (number) => itinGroup.test(number),
    distinct: '999-99-9999',
    labels: 'itin, individual taxpayer identification, individual tax id',
  }),
  numberKind({
    kind: 'us_ein',
    what: 'US employer identification number: two and seven digits, an assigned prefix, a word that says so',
    example: 'EIN 12-3456789',
    shape: /^\d{9}$/,
    check: (number) => einPrefix.test(number),
    proof: 'none',
    grouped: '99-9999999',
    labels:
      '!ein, fein, employer identification, employer id number, federal tax id, federal employer identification, employer tax id, !tin, tax id, tax identification, taxpayer id',
  }),
  numberKind({
    kind: 'us_npi',
    what: 'US national provider identifier: ten digits, Luhn behind 80840, a word that says so',
    example: 'NPI 1234567893',
    shape: /^[12]\d{9}$/,
    check: (number) => passesLuhn(`80840${number}`),
    labels: 'npi, national provider identifier, national provider id, provider identifier',
  }),
  numberKind({
    kind: 'us_dea',
    what: 'US DEA registration: two letters, seven digits, check digit, a word that says so',
    example: 'DEA AB1234563',
    shape: /^[A-HJ-NPR-UX][A-Z9]\d{7}$/,
    check: passesDea,
    labels: 'dea, dea registration, dea license, dea licence',
  }),
  numberKind({
    kind: 'us_mbi',
    what: 'US Medicare beneficiary identifier: eleven places of fixed type, without S, L, O, I, B, Z',
    example: '1EG4-TE5-MK73',
    shape: /^[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d[AC-HJKMNP-RT-Y]{2}\d{2}$/,
    check: () => true,
    proof: 'strong',
    distinct: '9AA9-AA9-AA99|9A99-AA9-AA99|9AA9-A99-AA99|9A99-A99-AA99',
    lengths: [11],
    labels: 'mbi, medicare, medicare id, medicare beneficiary, medicare beneficiary identifier',
  }),
  numberKind({
    kind: 'us_aba_routing',
    what: 'US bank routing number: nine digits, 3-7-1 check, an assigned district, a word that says so',
    example: 'routing number 021000021',
    shape: /^(?:0\d|1[0-2]|2[1-9]|3[0-2]|6[1-9]|7[0-2]|80)\d{7}$/,
    check: passesAba,
    labels: 'routing, routing transit, aba, aba routing, rtn, bank routing, transit routing',
    family: 'money',
  }),
  numberKind({
    kind: 'vin',
    what: 'vehicle identification number: 17 letters and digits without I, O, Q, ending in four digits, check in the ninth place',
    example: '1HGBH41JXMN109186',
    shape: /^(?=.*[A-Z])[A-HJ-NPR-Z0-9]{13}\d{4}$/,
    check: passesVin,
    proof: 'strong',
    lengths: [17],
    labels: 'vin, vehicle identification, vehicle id, chassis, fahrgestellnummer, fahrzeugidentifizierungsnummer',
  }),
  numberKind({
    kind: 'ca_sin',
    what: 'Canadian social insurance number: nine digits, Luhn, in threes with dashes or a word that says so',
    example: '346-354-236',
    shape: /^\d{9}$/,
    check: passesLuhn,
    distinct: '999-999-999',
    grouped: '999 999 999',
    labels: '!sin, social insurance, social insurance number, numero d assurance sociale, assurance sociale, !nas',
  }),
];

/** Weights 3, 7, 1 over nine digits make a multiple of ten. */
export function passesAba(number: string): boolean {
  let sum = 0;
  for (let i = 0; i < 9; i++) sum += digitAt(number, i) * ([3, 7, 1][i % 3] as number);
  return sum % 10 === 0;
}
