/** Numbers of Germany, Austria, Switzerland, the Low Countries, France, Iberia, Italy, Greece. */
import { digitAt, isDay, passes731, passesLuhn, passesMod1110, passesVerhoeff, remainder, twoAt, weightedSum } from './checksums.ts';
import { type NumberKind, numberKind } from './number-kind.ts';

/** Of the first ten digits one occurs twice or three times, all others at most once. */
export function passesGermanTaxId(number: string): boolean {
  const counts = new Uint8Array(10);
  for (let i = 0; i < 10; i++) counts[digitAt(number, i)] = (counts[digitAt(number, i)] as number) + 1;
  const repeated = counts.filter((count) => count > 1);
  return repeated.length === 1 && (repeated[0] as number) <= 3 && passesMod1110(number);
}

function digitSum(number: number): number {
  return Math.floor(number / 10) + (number % 10);
}

/** Sum of the digit sums of digits times weights. */
function crossSum(digits: string, weights: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += digitSum(digitAt(digits, i) * (weights[i] as number));
  return sum;
}

function twoDigits(letter: string): string {
  return String(letter.charCodeAt(0) - 64).padStart(2, '0');
}

export function passesGermanPension(number: string): boolean {
  const digits = number.slice(0, 8) + twoDigits(number[8] as string) + number.slice(9, 11);
  return isDay(twoAt(number, 4), twoAt(number, 2)) && crossSum(digits, [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]) % 10 === digitAt(number, 11);
}

export function passesGermanHealth(number: string): boolean {
  return crossSum(twoDigits(number[0] as string) + number.slice(1, 9), [1, 2, 1, 2, 1, 2, 1, 2, 1, 2]) % 10 === digitAt(number, 9);
}

export function passesAustrianInsurance(number: string): boolean {
  const sum = weightedSum(number, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]);
  return isDay(((twoAt(number, 6) - 1) % 12) + 1, twoAt(number, 4)) && sum % 11 === digitAt(number, 3);
}

/** EAN-13. */
export function passesEan(number: string): boolean {
  return weightedSum(number, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]) % 10 === 0;
}

export function passesElevenProof(number: string): boolean {
  const nine = number.padStart(9, '0');
  return number !== '000000000' && (weightedSum(nine, [9, 8, 7, 6, 5, 4, 3, 2]) - digitAt(nine, 8)) % 11 === 0;
}

/** 97 less the first nine digits modulo 97; those born from 2000 on have a 2 before them. Foreigners' months are 20 or 40 higher. */
export function passesBelgian(number: string): boolean {
  const check = twoAt(number, 9);
  const month = twoAt(number, 2) % 20;
  if (month > 12 || twoAt(number, 4) > 31) return false;
  const first = number.slice(0, 9);
  return 97 - remainder(first, 97) === check || 97 - remainder(`2${first}`, 97) === check;
}

/** Sex, year, month, place, rank and the key that 97 less the number modulo 97 makes. Corsica's departments count as 19 and 18. */
export function passesFrench(number: string): boolean {
  const month = twoAt(number, 3);
  if (month === 0 || (month > 12 && month < 20) || (month > 42 && month < 50)) return false;
  const digits = number.slice(0, 13).replace('2A', '19').replace('2B', '18');
  return 97 - remainder(digits, 97) === Number(number.slice(13));
}

export function passesSpanishDni(number: string): boolean {
  const digits = number.slice(0, -1).replace('X', '0').replace('Y', '1').replace('Z', '2');
  return 'TRWAGMYFPDXBNJZSQVHLCKE'[Number(digits) % 23] === number.at(-1);
}

/** Province, serial and the key modulo 97; sources differ on whether a short serial keeps its leading zeros. */
export function passesSpanishInsurance(number: string): boolean {
  const serial = Number(number.slice(2, 10));
  const joined = serial + Number(number.slice(0, 2)) * 10_000_000;
  const key = twoAt(number, 10);
  return Number(number.slice(0, 10)) % 97 === key || (serial < 10_000_000 && joined % 97 === key);
}

const oddValues = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

/** Odd places by a table, even ones by their rank; the sum modulo 26 is the last letter. */
export function passesItalian(code: string): boolean {
  let sum = 0;
  for (let i = 0; i < 15; i++) {
    const unit = code.charCodeAt(i);
    const rank = unit <= 57 ? unit - 48 : unit - 65;
    sum += i % 2 === 0 ? (oddValues[rank] as number) : rank;
  }
  return sum % 26 === code.charCodeAt(15) - 65;
}

export function passesPortuguese(number: string): boolean {
  const rest = weightedSum(number, [9, 8, 7, 6, 5, 4, 3, 2]) % 11;
  return (rest < 2 ? 0 : 11 - rest) === digitAt(number, 8);
}

export function passesGreekTax(number: string): boolean {
  return (weightedSum(number, [256, 128, 64, 32, 16, 8, 4, 2]) % 11) % 10 === digitAt(number, 8);
}

const nationalIdWords =
  'national id, national identity, national identification, national id card, identity card, id card, citizen id, government id';

export const westernNumbers: readonly NumberKind[] = [
  numberKind({
    kind: 'de_tax_id',
    what: 'German tax identification number: eleven digits of which one repeats, ISO 7064 mod 11,10, a word that says so or 2-3-3-3',
    example: 'Steuer-ID 86 095 742 719',
    shape: /^[1-9]\d{10}$/,
    check: passesGermanTaxId,
    proof: 'strong',
    grouped: '99 999 999 999',
    labels:
      'steuer id, steuer identifikationsnummer, steueridentifikationsnummer, steuerid, idnr, steuer idnr, steuerliche identifikationsnummer, german tax id, tax id, tax identification, tax number, !tin',
  }),
  numberKind({
    kind: 'de_svnr',
    what: 'German pension insurance number: area, date of birth, letter, serial, check digit',
    example: '15 070649 C 103',
    shape: /^\d{8}[A-Z]\d{3}$/,
    check: passesGermanPension,
    proof: 'strong',
    distinct: '99999999A999|99 999999 A 999|99 999999 A999',
    labels:
      'sozialversicherungsnummer, rentenversicherungsnummer, sv nummer, svnr, rvnr, versicherungsnummer, german social security, pension insurance number',
  }),
  numberKind({
    kind: 'de_kvnr',
    what: 'German health insurance number: a letter, nine digits, the last of which is a check, a word that says so',
    example: 'KVNR A123456780',
    shape: /^[A-Z]\d{9}$/,
    check: passesGermanHealth,
    grouped: 'A999999999|A999 999 999',
    labels:
      'kvnr, krankenversichertennummer, krankenversicherungsnummer, krankenkassennummer, egk nummer, versichertennummer, health insurance number',
  }),
  numberKind({
    kind: 'de_id_card',
    what: 'German identity card or passport: nine or ten places, check 7-3-1, a word that says so',
    example: 'Personalausweis L01X00T471',
    shape: /^[CFGHJKLMNPRTVWXYZ0-9]{9}\d?$/,
    check: (number) => number.length === 10 && passes731(number),
    labels: `personalausweis, personalausweisnummer, ausweisnummer, reisepass, reisepassnummer, passnummer, ausweis nr, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'at_svnr',
    what: 'Austrian insurance number: serial with check digit modulo 11, date of birth',
    example: '1237 010180',
    shape: /^[1-9]\d{9}$/,
    check: passesAustrianInsurance,
    proof: 'strong',
    grouped: '9999 999999|9999-999999',
    labels: 'sozialversicherungsnummer, sv nummer, svnr, vsnr, versicherungsnummer, austrian social security',
  }),
  numberKind({
    kind: 'ch_ahv',
    what: 'Swiss insurance number: 756 and ten digits, EAN-13 check',
    example: '756.9217.0769.85',
    shape: /^756\d{10}$/,
    check: passesEan,
    proof: 'certain',
    distinct: '999.9999.9999.99',
    labels: 'ahv, ahv nummer, avs, numero avs, navs, nss, oasi, sozialversicherungsnummer',
  }),
  numberKind({
    kind: 'nl_bsn',
    what: 'Dutch citizen service number: eight or nine digits, eleven-proof, a word that says so',
    example: 'BSN 111222333',
    shape: /^\d{8,9}$/,
    check: passesElevenProof,
    grouped: '9999.99.999',
    labels: 'bsn, burgerservicenummer, sofinummer, sofi nummer, citizen service number',
  }),
  numberKind({
    kind: 'be_nrn',
    what: 'Belgian national register number: date of birth, serial, key modulo 97',
    example: '85.07.30-033.28',
    shape: /^\d{11}$/,
    check: passesBelgian,
    proof: 'strong',
    distinct: '99.99.99-999.99|99.99.99 999.99|99.99.99.999.99',
    grouped: '999999-999-99|999999-999.99|999999 999 99',
    labels:
      'rijksregisternummer, rijksregister, insz, numero national, numero de registre national, registre national, niss, nrn, national register, national number, nationalregisternummer',
  }),
  numberKind({
    kind: 'fr_nir',
    what: 'French social security number: sex, year, month, place, rank, key modulo 97',
    example: '1 85 05 78 006 084 91',
    shape: /^[1-478]\d{4}(?:\d\d|2[AB])\d{8}$/,
    check: passesFrench,
    proof: 'certain',
    distinct: '9 99 99 99 999 999 99|9 99 99 99 999 999|9 99 99 9A 999 999 99|99999 9A9 999 999',
    lengths: [15],
    labels:
      'securite sociale, numero de securite sociale, no de securite sociale, nir, insee, numero insee, num secu, nss, french social security, carte vitale',
  }),
  numberKind({
    kind: 'fr_tax_id',
    what: 'French tax number (SPI): thirteen digits, the last three of which are the first ten modulo 511, a word that says so',
    example: 'numéro fiscal 30 23 217 600 053',
    shape: /^[0-3]\d{12}$/,
    check: (number) => Number(number.slice(0, 10)) % 511 === Number(number.slice(10)),
    proof: 'strong',
    grouped: '99 99 999 999 999',
    labels:
      'numero fiscal, numero spi, spi, nif, identifiant fiscal, numero d identification fiscale, french tax id, tax id, tax number, tax identification',
  }),
  numberKind({
    kind: 'es_dni',
    what: 'Spanish identity number: eight digits (or X, Y, Z and seven) and a letter modulo 23',
    example: '12345678-Z',
    shape: /^(?:\d{8}|[XYZ]\d{7})[A-Z]$/,
    check: passesSpanishDni,
    distinct: 'A9999999A|99999999-A|A-9999999-A|99.999.999-A|A9999999-A',
    grouped: '99999999A|99999999 A',
    labels: `dni, !nie, !nif, documento nacional de identidad, documento de identidad, numero de identidad, numero de identificacion fiscal, numero de identidad de extranjero, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'es_nuss',
    what: 'Spanish social security number: province, serial, key modulo 97',
    example: '28/12345678/40',
    shape: /^\d{12}$/,
    check: passesSpanishInsurance,
    proof: 'strong',
    distinct: '99/99999999/99|99-99999999-99',
    grouped: '99 99999999 99|99 9999999999',
    labels: 'nuss, seguridad social, numero de seguridad social, numero de afiliacion, naf, nss, spanish social security',
  }),
  numberKind({
    kind: 'it_codice_fiscale',
    what: 'Italian tax code: letters of the name, date and place of birth, check letter modulo 26',
    example: 'RSSMRA85T10A562S',
    shape: /^[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]$/,
    check: passesItalian,
    proof: 'strong',
    distinct: 'AAA AAA 99A99 A999A',
    lengths: [16],
    labels: 'codice fiscale, cod fiscale, cod fisc, italian tax code, fiscal code',
  }),
  numberKind({
    kind: 'pt_nif',
    what: 'Portuguese tax number: nine digits, weighted modulo 11, a word that says so',
    example: 'NIF 123456789',
    shape: /^[1-9]\d{8}$/,
    check: passesPortuguese,
    grouped: '999 999 999|999.999.999',
    labels: '!nif, contribuinte, numero de contribuinte, numero de identificacao fiscal, numero fiscal, nipc, tax id, tax number',
  }),
  numberKind({
    kind: 'gr_afm',
    what: 'Greek tax number: nine digits, powers of two modulo 11, a word that says so',
    example: 'AFM 094259216',
    shape: /^\d{9}$/,
    check: (number) => number !== '000000000' && passesGreekTax(number),
    labels: 'afm, a.f.m., arithmos forologikou mitroou, greek tax, tax id, tax number, !tin',
  }),
  numberKind({
    kind: 'gr_amka',
    what: 'Greek social security number: date of birth, serial, Luhn, a word that says so',
    example: 'AMKA 01013099997',
    shape: /^\d{11}$/,
    check: (number) => isDay(twoAt(number, 2), twoAt(number, 0)) && passesLuhn(number),
    proof: 'strong',
    labels: 'amka, a.m.k.a., greek social security',
  }),
  numberKind({
    kind: 'lu_nin',
    what: 'Luxembourg national number: date of birth, serial, Luhn and Verhoeff check digits, a word that says so',
    example: 'matricule 1893120105732',
    shape: /^(?:18|19|20)\d{11}$/,
    check: passesLuxembourg,
    proof: 'certain',
    labels: 'matricule, numero d identification national, luxembourg national, identifiant national, matricule nationale, cns, nationale nummer',
  }),
];

function passesLuxembourg(number: string): boolean {
  const first = number.slice(0, 11);
  return isDay(twoAt(number, 4), twoAt(number, 6)) && passesLuhn(number.slice(0, 12)) && passesVerhoeff(first + number.slice(12));
}
