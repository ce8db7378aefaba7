/** Numbers of Scandinavia, Finland, the Baltic states, Central and Eastern Europe, and VAT numbers of the Union. */
import { digitAt, isDay, passesLuhn, passesMod1110, remainder, twoAt, weightedSum } from './checksums.ts';
import { type NumberKind, numberKind } from './number-kind.ts';

/** Year and month with the century added to the month in steps of 20. */
function hasCenturyMonth(number: string): boolean {
  return isDay(twoAt(number, 2) % 20, twoAt(number, 4));
}

export function passesPesel(number: string): boolean {
  return hasCenturyMonth(number) && weightedSum(number, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 === 0;
}

export function passesNip(number: string): boolean {
  return weightedSum(number, [6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 === digitAt(number, 9);
}

/** Months of women are 50 higher; from 2004 on, 20 more where a day's numbers ran out. Nine digits, before 1954, have no check. */
export function passesCzech(number: string): boolean {
  const month = (twoAt(number, 2) % 50) % 20;
  if (!isDay(month, twoAt(number, 4))) return false;
  if (number.length === 9) return twoAt(number, 0) < 54;
  const rest = Number(number.slice(0, 9)) % 11;
  return (rest === 10 ? 0 : rest) === digitAt(number, 9);
}

export function passesRomanian(number: string): boolean {
  const rest = weightedSum(number, [2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
  return isDay(twoAt(number, 3), twoAt(number, 5)) && (rest === 10 ? 1 : rest) === digitAt(number, 12);
}

export function passesBulgarian(number: string): boolean {
  return hasCenturyMonth(number) && (weightedSum(number, [2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11) % 10 === digitAt(number, 9);
}

/** The former Yugoslavia's number: date of birth with three digits of the year, region, serial, check modulo 11. */
export function passesJmbg(number: string): boolean {
  const check = (11 - (weightedSum(number, [7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11;
  return isDay(twoAt(number, 2), twoAt(number, 0)) && check === digitAt(number, 12);
}

export function passesHetu(number: string): boolean {
  const digits = Number(number.slice(0, 6) + number.slice(-4, -1));
  return isDay(twoAt(number, 2), twoAt(number, 0)) && '0123456789ABCDEFHJKLMNPRSTUVWXY'[digits % 31] === number.at(-1);
}

/** Ten digits, or twelve with the century; days of coordination numbers are 60 higher. */
export function passesPersonnummer(number: string): boolean {
  const ten = number.slice(-10);
  return isDay(twoAt(ten, 2), twoAt(ten, 4) % 60) && passesLuhn(ten);
}

function hasDanishDate(number: string): boolean {
  return isDay(twoAt(number, 2), twoAt(number, 0) % 60);
}

/** Two check digits modulo 11. Days of D-numbers are 40 higher, months of H-numbers too. */
export function passesNorwegian(number: string): boolean {
  const first = (11 - (weightedSum(number, [3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11)) % 11;
  const second = (11 - (weightedSum(number, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11;
  return isDay(twoAt(number, 2) % 40, twoAt(number, 0) % 40) && first === digitAt(number, 9) && second === digitAt(number, 10);
}

export function passesIcelandic(number: string): boolean {
  const check = (11 - (weightedSum(number, [3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11;
  return isDay(twoAt(number, 2), twoAt(number, 0) % 40) && check === digitAt(number, 8) && /[089]$/.test(number);
}

/** Estonia and Lithuania: two rounds of weights, the second where the first leaves ten. */
export function passesBaltic(number: string): boolean {
  let rest = weightedSum(number, [1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
  if (rest === 10) rest = (weightedSum(number, [3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11) % 10;
  return isDay(twoAt(number, 3), twoAt(number, 5)) && rest === digitAt(number, 10);
}

export function passesLatvian(number: string): boolean {
  const check = ((1101 - weightedSum(number, [1, 6, 3, 7, 9, 10, 5, 8, 4, 2])) % 11) % 10;
  return isDay(twoAt(number, 2), twoAt(number, 0)) && check === digitAt(number, 10);
}

/** Checks of the VAT numbers that have a simple one, by country; the rest count by their format. */
const vatChecks: Readonly<Record<string, (number: string) => boolean>> = {
  AT: (n) => (10 - ((crossSum(n.slice(1, 8)) + 4) % 10)) % 10 === digitAt(n, 8),
  BE: (n) => 97 - remainder(n.slice(0, 8), 97) === twoAt(n, 8),
  DE: passesMod1110,
  DK: (n) => weightedSum(n, [2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0,
  FI: (n) => weightedSum(n, [7, 9, 10, 5, 8, 4, 2, 1]) % 11 === 0,
  HR: passesMod1110,
  IT: passesLuhn,
  LU: (n) => Number(n.slice(0, 6)) % 89 === twoAt(n, 6),
  PL: passesNip,
  PT: (n) => [0, (11 - (weightedSum(n, [9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11].includes(digitAt(n, 8)),
  SE: (n) => passesLuhn(n.slice(0, 10)),
};

function crossSum(digits: string): number {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const product = digitAt(digits, i) * (i % 2 === 0 ? 1 : 2);
    sum += product > 9 ? product - 9 : product;
  }
  return sum;
}

export function passesVat(number: string): boolean {
  return vatChecks[number.slice(0, 2)]?.(number.slice(2)) ?? true;
}

const nationalIdWords =
  'national id, national identity, national identification, personal id, personal number, identity number, personal code, personal identity code';

export const northernEasternNumbers: readonly NumberKind[] = [
  numberKind({
    kind: 'se_personnummer',
    what: 'Swedish personal number: date of birth, serial, Luhn',
    example: '811228-9874',
    shape: /^(?:(?:18|19|20)\d{10}|\d{10})$/,
    check: passesPersonnummer,
    proof: 'strong',
    grouped: '999999-9999|99999999-9999|999999+9999',
    labels: `personnummer, personnr, samordningsnummer, swedish personal number, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'no_fodselsnummer',
    what: 'Norwegian birth number: date of birth, serial, two check digits modulo 11',
    example: '010170 34037',
    shape: /^\d{11}$/,
    check: passesNorwegian,
    proof: 'strong',
    grouped: '999999 99999|999999-99999',
    labels: `fodselsnummer, fodselsnr, personnummer, d nummer, norwegian national, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'dk_cpr',
    what: 'Danish CPR number: date of birth and four digits, a word that says so',
    example: 'CPR 070761-4285',
    shape: /^\d{10}$/,
    check: hasDanishDate,
    grouped: '999999-9999|999999 9999',
    labels: `cpr, cpr nummer, cpr nr, personnummer, cpr number, danish personal, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'fi_hetu',
    what: 'Finnish identity code: date of birth, century sign, serial, check modulo 31',
    example: '131052-308T',
    shape: /^\d{6}[A-FU-Y]?\d{3}[0-9A-FHJ-NPR-Y]$/,
    check: passesHetu,
    proof: 'strong',
    distinct: '999999-999A|999999-9999|999999+999A|999999A999A|999999A9999',
    labels: `hetu, henkilotunnus, sotu, henkilotunnuksen, finnish personal, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'is_kennitala',
    what: 'Icelandic kennitala: date of birth, serial, check modulo 11, century',
    example: 'kennitala 120174-3399',
    shape: /^\d{10}$/,
    check: passesIcelandic,
    proof: 'strong',
    grouped: '999999-9999',
    labels: `kennitala, icelandic id, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'ee_isikukood',
    what: 'Estonian personal code: century and sex, date of birth, serial, check modulo 11, a word that says so',
    example: 'isikukood 37605030299',
    shape: /^[1-8]\d{10}$/,
    check: passesBaltic,
    proof: 'strong',
    labels: `isikukood, estonian id, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'lt_asmens_kodas',
    what: 'Lithuanian personal code: century and sex, date of birth, serial, check modulo 11, a word that says so',
    example: 'asmens kodas 38703181745',
    shape: /^[1-6]\d{10}$/,
    check: passesBaltic,
    proof: 'strong',
    labels: `asmens kodas, lithuanian id, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'lv_personas_kods',
    what: 'Latvian personal code: date of birth and serial with a check, or 32 and nine digits',
    example: '161175-19997',
    shape: /^(?!32)\d{11}$/,
    check: passesLatvian,
    proof: 'strong',
    grouped: '999999-99999',
    labels: `personas kods, latvian id, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'lv_personas_kods',
    what: '',
    example: '321234-56789',
    shape: /^32\d{9}$/,
    labels: 'personas kods, latvian id',
  }),
  numberKind({
    kind: 'pl_pesel',
    what: 'Polish PESEL: date of birth, serial, weighted modulo 10, a word that says so',
    example: 'PESEL 44051401359',
    shape: /^\d{11}$/,
    check: passesPesel,
    proof: 'strong',
    labels: 'pesel, numer pesel, nr pesel, polish id, numer ewidencyjny',
  }),
  numberKind({
    kind: 'pl_nip',
    what: 'Polish tax number: ten digits, weighted modulo 11, 3-3-2-2 or a word that says so',
    example: '526-104-08-28',
    shape: /^\d{10}$/,
    check: passesNip,
    distinct: '999-999-99-99|999-99-99-999',
    labels: 'nip, numer nip, numer identyfikacji podatkowej, polish tax, tax id, tax number, !tin',
  }),
  numberKind({
    kind: 'cz_rodne_cislo',
    what: 'Czech and Slovak birth number: date of birth, serial, modulo 11',
    example: '710319/2745',
    shape: /^\d{9,10}$/,
    check: passesCzech,
    proof: 'strong',
    grouped: '999999/9999',
    labels: 'rodne cislo, rodneho cisla, rodnym cislem, birth number, r.c.:, czech id, slovak id',
  }),
  numberKind({
    kind: 'ro_cnp',
    what: 'Romanian personal code: sex and century, date of birth, county, check modulo 11, a word that says so',
    example: 'CNP 1630615123457',
    shape: /^[1-9]\d{12}$/,
    check: passesRomanian,
    proof: 'strong',
    labels: `cnp, cod numeric personal, codul numeric personal, romanian id, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'bg_egn',
    what: 'Bulgarian civil number: date of birth, serial, weighted modulo 11, a word that says so',
    example: 'EGN 7523169263',
    shape: /^\d{10}$/,
    check: passesBulgarian,
    proof: 'strong',
    labels: `egn, e.g.n., uniform civil number, edinen grazhdanski nomer, bulgarian id, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'hu_tin',
    what: 'Hungarian tax number: ten digits beginning with 8, weighted modulo 11, a word that says so',
    example: 'adóazonosító jel 8071592153',
    shape: /^8\d{9}$/,
    check: (number) => weightedSum(number, [1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 === digitAt(number, 9),
    labels: 'adoazonosito, adoazonosito jel, adoszam, hungarian tax, tax id, tax number, !tin',
  }),
  numberKind({
    kind: 'si_emso',
    what: 'Slovenian EMŠO and JMBG of former Yugoslavia: date of birth, region, serial, modulo 11, a word that says so',
    example: 'EMŠO 0101006500006',
    shape: /^[0-3]\d{12}$/,
    check: passesJmbg,
    proof: 'strong',
    labels: `emso, jmbg, maticni broj, enotna maticna stevilka, jedinstveni maticni broj, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'hr_oib',
    what: 'Croatian OIB: eleven digits, ISO 7064 mod 11,10, a word that says so',
    example: 'OIB 33392005961',
    shape: /^\d{11}$/,
    check: passesMod1110,
    labels: 'oib, osobni identifikacijski broj, croatian id, tax id, tax number',
  }),
  numberKind({
    kind: 'eu_vat',
    what: 'VAT number of a member state: country, format and check of the country, a word that says so',
    example: 'VAT DE136695976',
    shape:
      /^(?:ATU\d{8}|BE[01]?\d{9}|BG\d{9,10}|CY\d{8}[A-Z]|CZ\d{8,10}|DE\d{9}|DK\d{8}|EE\d{9}|EL\d{9}|ES[A-Z0-9]\d{7}[A-Z0-9]|FI\d{8}|FR[A-Z0-9]{2}\d{9}|GB(?:\d{9}|\d{12})|HR\d{11}|HU\d{8}|IE\d[A-Z0-9]\d{5}[A-Z]{1,2}|IT\d{11}|LT(?:\d{9}|\d{12})|LU\d{8}|LV\d{11}|MT\d{8}|NL\d{9}B\d\d|PL\d{10}|PT\d{9}|RO\d{2,10}|SE\d{12}|SI\d{8}|SK\d{10}|CHE\d{9})$/,
    check: passesVat,
    labels:
      'vat, vat id, vat number, vat reg, vat registration, vatin, ust id, ustidnr, ust idnr, umsatzsteuer id, umsatzsteuer identifikationsnummer, mwst, tva, numero de tva, tva intracommunautaire, partita iva, p iva, p.iva, btw, btw nummer, iva, nif iva, nip ue, moms, tax id',
  }),
];
