/** Numbers of all countries: made-up values of each kind, and the checks beside an independent implementation (npm stdnum). */
import { stdnum } from 'stdnum';
import { describe, expect, test } from 'vitest';
import { compact } from '../../src/privacy/detectors/detector.ts';
import { numberKinds } from '../../src/privacy/detectors/vocabulary.ts';
import { engineOf, foundIn } from './engine-for-test.ts';
import { numberVectors } from './number-vectors.ts';

const engine = engineOf();

/** Is the value found, as whatever kind: labels are shared, and what fails one kind's check may be another's. */
function isFound(text: string, value: string): boolean {
  return engine
    .scanText(text)
    .some(({ start, end }) => text.slice(start, end).includes(value.replace(/\)$/, '')) || value.includes(text.slice(start, end)));
}

const kinds = [...new Set(numberKinds.map(({ spec }) => spec.kind))];

describe.each(kinds)('%s', (kind) => {
  const { label, good, bad } = numberVectors[kind] ?? { label: '', good: [], bad: [] };
  const own = numberKinds.filter(({ spec }) => spec.kind === kind);

  test('three numbers are found behind their label, as what they are', () => {
    expect(good).toHaveLength(3);
    for (const value of good) {
      expect(foundIn(engine, `${label}: ${value}.`), value).toEqual([`${kind}:${value}`]);
      expect(foundIn(engine, `{"${label}":"${value}","x":1}`), value).toEqual([`${kind}:${value}`]);
    }
  });

  test('with and without separators they are the same to canonical forms', () => {
    for (const value of good) expect(own[0]?.spec.canonical(value)).toBe(own[0]?.spec.canonical(compact(value)));
  });

  test('three numbers that fail the check are not found where nothing announces them', () => {
    for (const value of bad) {
      expect(
        own.some(({ shape, check }) => shape.test(compact(value)) && (!check || check(compact(value)))),
        value,
      ).toBe(false);
      expect(
        foundIn(engine, `item ${value} done`).filter((found) => found.startsWith(`${kind}:`)),
        value,
      ).toEqual([]);
    }
  });

  test('a number that fails the check is personal all the same where its label stands before it', () => {
    for (const value of bad) expect(isFound(`${label}: ${value}`, value), value).toBe(true);
  });
});

/** Numbers that firms and authorities publish as their own. */
const published = {
  eu_vat: [
    'ATU13585627',
    'BE0428759497',
    'DE136695976',
    'DK13585628',
    'FI20774740',
    'IT00743110157',
    'LU15027442',
    'PL8567346215',
    'PT501964843',
    'SE123456789701',
    'HR33392005961',
  ],
  sg_uen: ['00192200M', '197401143C', 'S16FC0121D', 'T01FC6132D'],
  cz_rodne_cislo: ['505212341'],
  sg_nric: ['S1234567D', 'T1234567J', 'F1234567N', 'G1234567X'],
  lv_personas_kods: ['32123456789'],
  in_pan: ['ABCFE1234G'],
};

describe.each(Object.entries(published))('%s, published', (kind, values) => {
  const passing = (value: string): boolean =>
    numberKinds.some(({ spec, shape, check }) => spec.kind === kind && shape.test(value) && (!check || check(value)));

  test.each(values)('%s', (value) => {
    expect(passing(value)).toBe(true);
    // One digit off, in a place that the check is about.
    const at = kind === 'eu_vat' ? 7 : 3;
    if (kind !== 'lv_personas_kods' && kind !== 'in_pan' && value !== '505212341') {
      const other = String((Number(value[at]) + 1) % 10);
      if (/\d/.test(value[at] as string)) expect(passing(value.slice(0, at) + other + value.slice(at + 1))).toBe(false);
    }
  });
});

test('dates within numbers have to be days', () => {
  const passing = (kind: string, value: string): boolean =>
    numberKinds.some(({ spec, shape, check }) => spec.kind === kind && shape.test(value) && (check?.(value) ?? true));
  expect(passing('cz_rodne_cislo', '501312341')).toBe(false);
  expect(passing('cz_rodne_cislo', '605212341')).toBe(false);
  expect(passing('eu_vat', 'XX123456789')).toBe(false);
  // Countries without a check of ours count by their format.
  expect(passing('eu_vat', 'NL123456789B01')).toBe(true);
});

test('a digit too few or too many behind a label of one kind is a typing error', () => {
  for (const [text, found] of [
    ['NHS: 94347659190', 'uk_nhs:94347659190'],
    ['NHS number 943476591 on file', 'uk_nhs:943476591'],
    ['CPF 39053344705123', undefined],
    ['NHS: 2024-01-15', undefined],
    ['NHS: 0000000000', undefined],
  ] as const)
    expect(foundIn(engine, text)[0], text).toBe(found);
});

/** Kinds and the validator of stdnum that knows them; where it wants separators, how to write them. */
const oracles: Readonly<Record<string, readonly [country: string, name: string, format?: (value: string) => string]>> = {
  us_ein: ['US', 'ein'],
  ca_sin: ['CA', 'sin'],
  uk_nino: ['GB', 'nino'],
  uk_utr: ['GB', 'utr'],
  ie_pps: ['IE', 'pps'],
  de_tax_id: ['DE', 'idnr'],
  de_svnr: ['DE', 'svnr'],
  at_svnr: ['AT', 'vnr'],
  ch_ahv: ['CH', 'ssn'],
  nl_bsn: ['NL', 'bsn'],
  be_nrn: ['BE', 'nn'],
  fr_nir: ['FR', 'nir'],
  fr_tax_id: ['FR', 'nif'],
  es_dni: ['ES', 'nif'],
  es_nuss: ['ES', 'nss'],
  it_codice_fiscale: ['IT', 'codicefiscale'],
  pt_nif: ['PT', 'nif'],
  gr_afm: ['GR', 'vat'],
  gr_amka: ['GR', 'amka'],
  se_personnummer: ['SE', 'personnummer', (value) => `${value.slice(0, -4)}-${value.slice(-4)}`],
  no_fodselsnummer: ['NO', 'fodselsnummer'],
  dk_cpr: ['DK', 'cpr'],
  fi_hetu: ['FI', 'hetu', (value) => `${value.slice(0, 6)}-${value.slice(6)}`],
  is_kennitala: ['IS', 'kennitala'],
  ee_isikukood: ['EE', 'ik'],
  lt_asmens_kodas: ['LT', 'asmens'],
  lv_personas_kods: ['LV', 'pvn'],
  pl_pesel: ['PL', 'pesel'],
  pl_nip: ['PL', 'nip'],
  cz_rodne_cislo: ['CZ', 'rc'],
  ro_cnp: ['RO', 'cnp'],
  bg_egn: ['BG', 'egn'],
  si_emso: ['SI', 'emso'],
  hr_oib: ['HR', 'oib'],
  in_aadhaar: ['IN', 'aadhaar'],
  in_gstin: ['IN', 'gstin'],
  au_tfn: ['AU', 'tfn'],
  au_abn: ['AU', 'abn'],
  au_acn: ['AU', 'acn'],
  nz_ird: ['NZ', 'ird'],
  sg_uen: ['SG', 'uen'],
  cn_id: ['CN', 'ric'],
  hk_id: ['HK', 'hkid'],
  tw_id: ['TW', 'natid'],
  kr_rrn: ['KR', 'rrn'],
  th_id: ['TH', 'idnr'],
  tr_tckn: ['TR', 'tckimlik'],
  il_id: ['IL', 'idnr'],
  my_nric: ['MY', 'nric'],
  za_id: ['ZA', 'idnr'],
  br_cpf: ['BR', 'cpf'],
  br_cnpj: ['BR', 'cnpj'],
  ar_cuit: ['AR', 'cuit'],
  cl_rut: ['CL', 'rut'],
  mx_curp: ['MX', 'curp'],
};

/** stdnum does not look at the date, the prefix or the first digit of these: what it passes may fail here. */
const stricterHere = new Set([
  'at_svnr',
  'bg_egn',
  'cn_id',
  'de_svnr',
  'de_tax_id',
  'ee_isikukood',
  'fr_nir',
  'is_kennitala',
  'lt_asmens_kodas',
  'lv_personas_kods',
  'si_emso',
  'ar_cuit',
  'es_nuss',
  'be_nrn',
]);

/** A year that the other refuses as being in the future; a first digit that becomes zero; a remainder of ten after 1985. */
const looserHere = new Set(['be_nrn', 'au_abn', 'es_nuss', 'cz_rodne_cislo']);

describe('the checks are those of an independent implementation', () => {
  type Validate = (value: string) => { isValid: boolean; error?: Error };
  const countries = stdnum as unknown as Readonly<Record<string, Readonly<Record<string, { validate: Validate }>>>>;

  test.each(Object.entries(oracles))('%s', (kind, [country, name, format]) => {
    const validate = countries[country]?.[name]?.validate as Validate;
    const number = numberKinds.find(({ spec }) => spec.kind === kind) as (typeof numberKinds)[number];
    const checksumOnlyHere: string[] = [];
    const onlyThere: string[] = [];
    let both = 0;
    for (const value of neighbours((numberVectors[kind]?.good ?? []).map(compact))) {
      const here = number.shape.test(value) && (!number.check || number.check(value));
      const there = validate(format ? format(value) : value);
      if (here && there.isValid) both++;
      // It also refuses dates, places and letters that were never given out: those are found here, as what somebody mistyped.
      else if (here && there.error?.name === 'InvalidChecksum') checksumOnlyHere.push(value);
      else if (!here && there.isValid) onlyThere.push(value);
    }
    expect(both).toBeGreaterThan(2);
    if (!looserHere.has(kind)) expect(checksumOnlyHere, checksumOnlyHere.slice(0, 3).join()).toEqual([]);
    if (!stricterHere.has(kind)) expect(onlyThere, onlyThere.slice(0, 3).join()).toEqual([]);
  });
});

/** The values, with each place replaced by some others, and with the last place changed along with it. */
function neighbours(values: readonly string[]): string[] {
  const out = [...values];
  for (const value of values) {
    for (let at = 0; at < value.length; at++) {
      for (const place of others(value, at, [1, 3, 7])) {
        const one = value.slice(0, at) + place + value.slice(at + 1);
        out.push(one);
        // The last place is mostly the check: with every change, the right check once.
        if (at < value.length - 1)
          for (const last of others(
            value,
            value.length - 1,
            Array.from({ length: 26 }, (_, i) => i),
          ))
            out.push(one.slice(0, -1) + last);
      }
    }
  }
  return out;
}

function others(value: string, at: number, steps: readonly number[]): string[] {
  const alphabet = isLetter(value[at]) ? letters : '0123456789';
  return [...new Set(steps.map((step) => alphabet[(alphabet.indexOf(value[at] as string) + step) % alphabet.length] as string))];
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

function isLetter(place: string | undefined): boolean {
  return place !== undefined && letters.includes(place);
}
