/** Numbers of Asia, Oceania, Africa, the Middle East and Latin America. */
import { digitAt, isDay, passesLuhn, passesMod112, passesVerhoeff, twoAt, weightedSum } from './checksums.ts';
import { type NumberKind, numberKind } from './number-kind.ts';

const base36 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Factors 1 and 2 over places in base 36, quotient and remainder added up; the sum modulo 36. */
export function passesGstin(number: string): boolean {
  let sum = 0;
  for (let i = 0; i < 14; i++) {
    const product = base36.indexOf(number[i] as string) * (i % 2 === 0 ? 1 : 2);
    sum += Math.floor(product / 36) + (product % 36);
  }
  return base36[(36 - (sum % 36)) % 36] === number[14];
}

export function passesTfn(number: string): boolean {
  return weightedSum(number, number.length === 8 ? [10, 7, 8, 4, 6, 3, 5, 1] : [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0;
}

export function passesAbn(number: string): boolean {
  return (weightedSum(number, [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) - 10) % 89 === 0;
}

export function passesAcn(number: string): boolean {
  return (10 - (weightedSum(number, [8, 7, 6, 5, 4, 3, 2, 1]) % 10)) % 10 === digitAt(number, 8);
}

export function passesAustralianMedicare(number: string): boolean {
  return weightedSum(number, [1, 3, 7, 9, 1, 3, 7, 9]) % 10 === digitAt(number, 8);
}

export function passesNric(number: string): boolean {
  const series = number[0] as string;
  const sum = weightedSum(number.slice(1), [2, 7, 6, 5, 4, 3, 2]) + ('TG'.includes(series) ? 4 : series === 'M' ? 3 : 0);
  const letters = 'ST'.includes(series) ? 'JZIHGFEDCBA' : 'FG'.includes(series) ? 'XWUTRQPNMLK' : 'XWUTRQPNJLK';
  return letters[sum % 11] === number[8];
}

const uenAlphabet = 'ABCDEFGHJKLMNPQRSTUVWX0123456789';

/** Businesses, local companies, and other entities each have their own weights and letters. */
export function passesUen(number: string): boolean {
  if (number.length === 9) return 'XMKECAWLJDB'[weightedSum(number, [10, 4, 9, 3, 8, 2, 7, 1]) % 11] === number[8];
  if (/^\d/.test(number)) return 'ZKCMDNERGWH'[weightedSum(number, [10, 8, 6, 4, 9, 7, 5, 3, 1]) % 11] === number[9];
  let sum = 0;
  for (const [i, weight] of [4, 3, 5, 3, 10, 2, 2, 5, 7].entries()) sum += uenAlphabet.indexOf(number[i] as string) * weight;
  return uenAlphabet[(((sum - 5) % 11) + 11) % 11] === number[9];
}

export function passesChineseId(number: string): boolean {
  return isDay(twoAt(number, 10), twoAt(number, 12)) && passesMod112(number);
}

export function passesKorean(number: string): boolean {
  return (
    isDay(twoAt(number, 2), twoAt(number, 4)) && (11 - (weightedSum(number, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11)) % 10 === digitAt(number, 12)
  );
}

export function passesThai(number: string): boolean {
  return (11 - (weightedSum(number, [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 10 === digitAt(number, 12);
}

export function passesTurkish(number: string): boolean {
  const odd = weightedSum(number, [1, 0, 1, 0, 1, 0, 1, 0, 1]);
  const even = weightedSum(number, [0, 1, 0, 1, 0, 1, 0, 1]);
  const tenth = (((odd * 7 - even) % 10) + 10) % 10;
  return tenth === digitAt(number, 9) && (odd + even + tenth) % 10 === digitAt(number, 10);
}

export function passesSouthAfrican(number: string): boolean {
  return isDay(twoAt(number, 2), twoAt(number, 4)) && passesLuhn(number);
}

function elevenCheck(rest: number): number {
  return rest < 2 ? 0 : 11 - rest;
}

export function passesCpf(number: string): boolean {
  if (/^(\d)\1+$/.test(number)) return false;
  const first = elevenCheck(weightedSum(number, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11);
  const second = elevenCheck(weightedSum(number, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11);
  return first === digitAt(number, 9) && second === digitAt(number, 10);
}

/** Since 2026 with letters, which count as their ASCII code less 48. */
export function passesCnpj(number: string): boolean {
  if (/^(\d)\1+$/.test(number)) return false;
  const sum = (weights: readonly number[]): number => weights.reduce((total, weight, i) => total + (number.charCodeAt(i) - 48) * weight, 0);
  const first = elevenCheck(sum([5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) % 11);
  const second = elevenCheck(sum([6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) % 11);
  return first === digitAt(number, 12) && second === digitAt(number, 13);
}

export function passesMyNumber(number: string): boolean {
  return elevenCheck(weightedSum(number, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) === digitAt(number, 11);
}

export function passesCuit(number: string): boolean {
  const check = 11 - (weightedSum(number, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11);
  return (check === 11 ? 0 : check === 10 ? 9 : check) === digitAt(number, 10);
}

export function passesRut(number: string): boolean {
  let sum = 0;
  for (let i = number.length - 2, weight = 2; i >= 0; i--, weight = weight === 7 ? 2 : weight + 1) sum += digitAt(number, i) * weight;
  return '0K987654321'[sum % 11] === number.at(-1);
}

const curpAlphabet = '0123456789ABCDEFGHIJKLMN?OPQRSTUVWXYZ';

export function passesCurp(code: string): boolean {
  let sum = 0;
  for (let i = 0; i < 17; i++) sum += curpAlphabet.indexOf(code[i] as string) * (18 - i);
  return isDay(twoAt(code, 6), twoAt(code, 8)) && (10 - (sum % 10)) % 10 === digitAt(code, 17);
}

export function passesHongKong(number: string): boolean {
  const padded = number.padStart(9, ' ');
  let sum = 0;
  for (let i = 0; i < 8; i++) sum += (padded[i] === ' ' ? 36 : base36.indexOf(padded[i] as string)) * (9 - i);
  return '0123456789A'[(11 - (sum % 11)) % 11] === number.at(-1);
}

export function passesTaiwan(number: string): boolean {
  const rank = 'ABCDEFGHJKLMNPQRSTUVXYWZIO'.indexOf(number[0] as string) + 10;
  return (Math.floor(rank / 10) + (rank % 10) * 9 + weightedSum(number.slice(1), [8, 7, 6, 5, 4, 3, 2, 1, 1])) % 10 === 0;
}

export function passesSnils(number: string): boolean {
  const rest = weightedSum(number, [9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101;
  return (rest === 100 ? 0 : rest) === twoAt(number, 9);
}

const nationalIdWords = 'national id, national identity, national identification, id number, identity number, id card, identity card, citizen id';

export const worldNumbers: readonly NumberKind[] = [
  numberKind({
    kind: 'in_aadhaar',
    what: 'Indian Aadhaar: twelve digits from 2 on, Verhoeff, in fours or a word that says so',
    example: '2341 2341 2346',
    shape: /^[2-9]\d{11}$/,
    check: passesVerhoeff,
    distinct: '9999 9999 9999|9999-9999-9999',
    labels: 'aadhaar, aadhar, adhaar, uidai, aadhaar card, uid number',
  }),
  numberKind({
    kind: 'in_pan',
    what: 'Indian permanent account number: five letters (the fourth is P for a person, or a word says what it is), four digits, a letter',
    example: 'ABCPE1234F',
    shape: /^[A-Z]{3}P[A-Z]\d{4}[A-Z]$/,
    check: () => true,
    distinct: 'AAAAA9999A',
    labels: '!pan, pan card, pan number, pan no, permanent account',
  }),
  numberKind({
    kind: 'in_pan',
    what: '',
    example: 'ABCFE1234G',
    shape: /^[A-Z]{3}[ABCFGHJLT][A-Z]\d{4}[A-Z]$/,
    labels: '!pan, pan card, pan number, pan no, permanent account',
  }),
  numberKind({
    kind: 'in_gstin',
    what: 'Indian GST number: state, PAN, entity, Z, check modulo 36',
    example: '27AAPFU0939F1ZV',
    shape: /^\d\d[A-Z]{5}\d{4}[A-Z][1-9A-Z][Z1-9A-J][0-9A-Z]$/,
    check: passesGstin,
    proof: 'strong',
    lengths: [15],
    labels: 'gstin, gst, gst number',
  }),
  numberKind({
    kind: 'au_tfn',
    what: 'Australian tax file number: eight or nine digits, weighted modulo 11, a word that says so',
    example: 'TFN 123 456 782',
    shape: /^\d{8,9}$/,
    check: passesTfn,
    grouped: '999 999 999|999-999-999',
    labels: 'tfn, tax file, tax file number',
  }),
  numberKind({
    kind: 'au_abn',
    what: 'Australian business number: eleven digits, modulo 89',
    example: '51 824 753 556',
    shape: /^[1-9]\d{10}$/,
    check: passesAbn,
    proof: 'strong',
    grouped: '99 999 999 999',
    labels: 'abn, australian business',
  }),
  numberKind({
    kind: 'au_acn',
    what: 'Australian company number: nine digits, weighted modulo 10, a word that says so',
    example: 'ACN 004 085 616',
    shape: /^\d{9}$/,
    check: passesAcn,
    grouped: '999 999 999',
    labels: 'acn, australian company',
  }),
  numberKind({
    kind: 'au_medicare',
    what: 'Australian Medicare card: ten or eleven digits, weighted modulo 10',
    example: '2123 45670 1',
    shape: /^[2-6]\d{9,10}$/,
    check: passesAustralianMedicare,
    distinct: '9999 99999 9|9999-99999-9',
    labels: 'medicare, medicare card, medicare number',
  }),
  numberKind({
    kind: 'nz_ird',
    what: 'New Zealand IRD number: eight or nine digits, a word that says so',
    example: 'IRD 49-091-850',
    shape: /^\d{8,9}$/,
    check: passesIrd,
    grouped: '99-999-999|999-999-999',
    labels: 'ird, ird number, inland revenue',
  }),
  numberKind({
    kind: 'sg_nric',
    what: 'Singapore NRIC and FIN: series, seven digits, check letter',
    example: 'S1234567D',
    shape: /^[STFGM]\d{7}[A-Z]$/,
    check: passesNric,
    distinct: 'A9999999A',
    labels: `nric, !fin, singapore id, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'sg_uen',
    what: 'Singapore entity number: three formats with check letters, a word that says so',
    example: 'UEN 00192200M',
    shape: /^(?:\d{8}|(?:18|19|20)\d{7}|[TSR]\d\d[A-Z]{2}\d{4})[A-Z]$/,
    check: passesUen,
    labels: 'uen, unique entity, unique entity number',
  }),
  numberKind({
    kind: 'cn_id',
    what: 'Chinese resident identity number: region, date of birth, serial, ISO 7064 mod 11-2',
    example: '11010519491231002X',
    shape: /^[1-9]\d{5}(?:19|20)\d{9}[0-9X]$/,
    check: passesChineseId,
    proof: 'certain',
    distinct: '99999999999999999A',
    lengths: [18],
    labels: `resident identity, shenfenzheng, chinese id, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'hk_id',
    what: 'Hong Kong identity card: one or two letters, six digits, check in brackets',
    example: 'G123456(A)',
    shape: /^[A-Z]{1,2}\d{6}[0-9A]$/,
    check: passesHongKong,
    distinct: 'A999999(9)|A999999(A)|AA999999(9)|AA999999(A)',
    labels: `hkid, hong kong id, hong kong identity card, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'tw_id',
    what: 'Taiwanese identity number: a letter, nine digits, weighted modulo 10, a word that says so',
    example: 'identity card A123456789',
    shape: /^[A-Z][1289]\d{8}$/,
    check: passesTaiwan,
    labels: `taiwan id, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'kr_rrn',
    what: 'Korean resident registration number: date of birth, sex, serial, weighted modulo 11',
    example: '971013-9019902',
    shape: /^\d{6}[0-9]\d{6}$/,
    check: passesKorean,
    proof: 'strong',
    grouped: '999999-9999999',
    labels: `rrn, resident registration, jumin, korean id, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'jp_my_number',
    what: 'Japanese My Number: twelve digits, weighted modulo 11, a word that says so or fours',
    example: 'My Number 1234 5678 9018',
    shape: /^\d{12}$/,
    check: passesMyNumber,
    grouped: '9999 9999 9999|9999-9999-9999',
    labels: 'my number, mynumber, individual number, kojin bango, japanese id',
  }),
  numberKind({
    kind: 'th_id',
    what: 'Thai identity number: thirteen digits, weighted modulo 11, 1-4-5-2-1 or a word that says so',
    example: '3-1005-01234-55-5',
    shape: /^[1-8]\d{12}$/,
    check: passesThai,
    distinct: '9-9999-99999-99-9|9 9999 99999 99 9',
    labels: `thai id, thai national id, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'ph_id',
    what: 'Philippine TIN, SSS, UMID or PhilSys number: a word that says so',
    example: 'PhilSys 1234-5678-9012-3456',
    shape: /^(?:\d{9}|\d{10}|\d{12}|\d{16})$/,
    grouped: '99-9999999-9|9999-9999999-9',
    labels: 'philsys, philhealth, sss number, umid, crn:, pag ibig, philippine id',
  }),
  numberKind({
    kind: 'tr_tckn',
    what: 'Turkish identity number: eleven digits, two check digits, a word that says so',
    example: 'TCKN 10000000146',
    shape: /^[1-9]\d{10}$/,
    check: passesTurkish,
    proof: 'strong',
    labels: `tckn, tc kimlik, tc kimlik no, kimlik no, kimlik numarasi, t.c. kimlik, turkish id, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'il_id',
    what: 'Israeli identity number: nine digits, Luhn, a word that says so',
    example: 'teudat zehut 039337423',
    shape: /^\d{9}$/,
    check: passesLuhn,
    labels: 'teudat zehut, mispar zehut, israeli id, israeli national',
  }),
  numberKind({
    kind: 'ae_id',
    what: 'Emirates ID: 784, year of birth, seven digits, Luhn',
    example: '784-1984-1234567-4',
    shape: /^784(?:19|20)\d{10}$/,
    check: passesLuhn,
    proof: 'certain',
    distinct: '999-9999-9999999-9',
    labels: 'emirates id, eid number, uae id',
  }),
  numberKind({
    kind: 'pk_cnic',
    what: 'Pakistani identity card: 5-7-1 digits',
    example: '42201-0397640-8',
    shape: /^[1-7]\d{12}$/,
    check: () => true,
    distinct: '99999-9999999-9',
    labels: 'cnic, nicop, pakistani id',
  }),
  numberKind({
    kind: 'my_nric',
    what: 'Malaysian identity card: date of birth, place, serial',
    example: '770305-02-1234',
    shape: /^\d{12}$/,
    check: (number) => isDay(twoAt(number, 2), twoAt(number, 4)),
    distinct: '999999-99-9999',
    labels: 'mykad, my kad, malaysian id, no kad pengenalan, kad pengenalan',
  }),
  numberKind({
    kind: 'id_nik',
    what: 'Indonesian NIK: region, date of birth (women 40 days later), serial, a word that says so',
    example: 'NIK 3171011708450001',
    shape: /^[1-9]\d{15}$/,
    check: (number) => isDay(twoAt(number, 8), twoAt(number, 6) % 40),
    proof: 'weak',
    labels: 'nik, nomor induk kependudukan, ktp, no ktp, indonesian id',
  }),
  numberKind({
    kind: 'za_id',
    what: 'South African identity number: date of birth, serial, Luhn, a word that says so',
    example: 'South African id 8001015009087',
    shape: /^\d{10}[01]\d\d$/,
    check: passesSouthAfrican,
    proof: 'strong',
    grouped: '999999 9999 999|999999 9999 99 9',
    labels: `sa id, rsa id, south african id, ${nationalIdWords}`,
  }),
  numberKind({
    kind: 'ng_nin',
    what: 'Nigerian national identity number or bank verification number: eleven digits, a word that says so',
    example: 'NIN 12345678901',
    shape: /^[1-9]\d{10}$/,
    labels: '!nin, nimc, national identification number, bvn, bank verification',
  }),
  numberKind({
    kind: 'br_cpf',
    what: 'Brazilian CPF: eleven digits, two check digits modulo 11',
    example: '390.533.447-05',
    shape: /^\d{11}$/,
    check: passesCpf,
    proof: 'strong',
    distinct: '999.999.999-99|999.999.999.99|999999999-99|999.999.999/99',
    labels: 'cpf, cadastro de pessoas fisicas',
  }),
  numberKind({
    kind: 'br_cnpj',
    what: 'Brazilian CNPJ: fourteen places, two check digits modulo 11',
    example: '16.727.230/0001-97',
    shape: /^[0-9A-Z]{12}\d\d$/,
    check: passesCnpj,
    proof: 'strong',
    distinct: '99.999.999/9999-99',
    labels: 'cnpj, cadastro nacional da pessoa juridica',
  }),
  numberKind({
    kind: 'ar_cuit',
    what: 'Argentine CUIT and CUIL: eleven digits, weighted modulo 11',
    example: '20-26756539-3',
    shape: /^(?:2[03-7]|3[034]|5[015])\d{9}$/,
    check: passesCuit,
    distinct: '99-99999999-9',
    labels: 'cuit, cuil',
  }),
  numberKind({
    kind: 'cl_rut',
    what: 'Chilean RUT: seven or eight digits, check modulo 11',
    example: '12.531.909-2',
    shape: /^\d{7,8}[0-9K]$/,
    check: passesRut,
    distinct: '99.999.999-9|99.999.999-A|9.999.999-9|9.999.999-A',
    grouped: '99999999-9|99999999-A',
    labels: 'rut, run chileno, numero de run, rol unico tributario, rol unico nacional',
  }),
  numberKind({
    kind: 'mx_curp',
    what: 'Mexican CURP: letters of the name, date of birth, sex, state, check modulo 10',
    example: 'BOXW310820HNERXN09',
    shape: /^[A-Z]{4}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d$/,
    check: passesCurp,
    proof: 'strong',
    distinct: 'AAAA999999AAAAAA99|AAAA999999AAAAAAA9',
    labels: 'curp, clave unica de registro',
  }),
  numberKind({
    kind: 'mx_rfc',
    what: 'Mexican tax code: letters of the name, date, three places',
    example: 'GODE561231GR8',
    shape: /^[A-Z&]{4}\d{6}[0-9A-Z]{2}[0-9A]$/,
    check: (code) => isDay(twoAt(code, 6), twoAt(code, 8)),
    lengths: [13],
    labels: 'rfc:, registro federal de contribuyentes',
  }),
  numberKind({
    kind: 'ru_snils',
    what: 'Russian SNILS: eleven digits, weighted modulo 101',
    example: '112-233-445 95',
    shape: /^\d{11}$/,
    check: passesSnils,
    proof: 'strong',
    distinct: '999-999-999 99|999-999-999-99',
    labels: 'snils, russian insurance',
  }),
];

export function passesIrd(number: string): boolean {
  const nine = number.padStart(9, '0');
  const weigh = (weights: readonly number[]): number => (11 - (weightedSum(nine, weights) % 11)) % 11;
  const first = weigh([3, 2, 7, 6, 5, 4, 3, 2]);
  return (first === 10 ? weigh([7, 4, 3, 2, 5, 2, 7, 6]) : first) === digitAt(nine, 8);
}
