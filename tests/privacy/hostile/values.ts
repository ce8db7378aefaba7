/** Personal values by rule: every kind with the check digits of its own, written here anew and not with the validators that the engine uses. */
import type { Random } from './random.ts';
import { personOf } from './people.ts';

export interface Value {
  readonly kind: string;
  readonly text: string;
  /** None of these may be left of it. */
  readonly parts: readonly string[];
  /** The field that a program would keep it in. */
  readonly field: string;
  /** What a sentence would say before it. */
  readonly label: string;
  /** Does it need its label to be told from other numbers and words? */
  readonly needsLabel: boolean;
}

function digit(text: string, at: number): number {
  return text.charCodeAt(at) - 48;
}

function luhn(body: string): string {
  let sum = 0;
  for (let i = body.length - 1, double = true; i >= 0; i--, double = !double) {
    const value = digit(body, i) * (double ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return `${body}${(10 - (sum % 10)) % 10}`;
}

function modulo(text: string, divisor: number): number {
  let rest = 0;
  for (const unit of text) rest = (rest * 10 + Number(unit)) % divisor;
  return rest;
}

function weighted(text: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, i) => sum + weight * digit(text, i), 0);
}

/** Tries bodies until the rule gives a check of one digit. */
function until(random: Random, make: (random: Random) => string | undefined): string {
  for (;;) {
    const made = make(random);
    if (made !== undefined) return made;
  }
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function ibanOf(country: string, bban: string): string {
  const letters = `${bban}${country}00`.replace(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55));
  return `${country}${two(98 - modulo(letters, 97))}${bban}`;
}

function iso7064(body: string): string {
  let product = 10;
  for (const unit of body) {
    const sum = (Number(unit) + product) % 10 || 10;
    product = (sum * 2) % 11;
  }
  return `${body}${(11 - product) % 10}`;
}

const verhoeffD = '0123456789123406789523401789563401289567401239567859876043216598710432765982104387659321049876543210';
const verhoeffP = ['0123456789', '1576283094', '5803796142', '8916043527', '9453126870', '4286573901', '2793806415', '7046913258'];

function verhoeff(body: string): string {
  let check = 0;
  for (let i = 0; i < body.length; i++)
    check = Number(verhoeffD[check * 10 + Number((verhoeffP[(i + 1) % 8] as string)[digit(body, body.length - 1 - i)])]);
  return `${body}${['0', '4', '3', '2', '1', '5', '6', '7', '8', '9'][check] as string}`;
}

const odd = '1 0 5 7 9 13 15 17 19 21 2 4 18 20 11 3 6 8 12 14 16 10 22 25 24 23'.split(' ').map(Number);

function codiceFiscale(random: Random): string {
  const letters = 'BCDFGLMNPRSTVZ';
  const body = `${Array.from({ length: 6 }, () => random.pick(Array.from(letters))).join('')}${two(random.below(90) + 10)}${random.pick(Array.from('ABCDEHLMPRST'))}${two(random.below(28) + 1)}${random.pick(Array.from('ABCDEFGHIL'))}${random.digits(3)}`;
  let sum = 0;
  for (let i = 0; i < 15; i++) {
    const unit = body.charCodeAt(i);
    const value = unit < 58 ? unit - 48 : unit - 65;
    sum += i % 2 === 0 ? (odd[value] as number) : value;
  }
  return `${body}${String.fromCharCode(65 + (sum % 26))}`;
}

type Maker = (random: Random, language: string) => Omit<Value, 'kind'>;

function simple(field: string, label: string, needsLabel: boolean, make: (random: Random) => string): Maker {
  return (random) => {
    const text = make(random);
    return { text, parts: [text], field, label, needsLabel };
  };
}

/** By language: the word for a telephone number, an address, a date of birth. */
const phoneLabels: Record<string, string> = {
  english: 'phone',
  german: 'Telefon',
  french: 'téléphone',
  spanish: 'teléfono',
  italian: 'telefono',
  dutch: 'telefoon',
  portuguese: 'telefone',
  polish: 'telefon',
};
const birthLabels: Record<string, string> = {
  english: 'date of birth',
  german: 'Geburtsdatum',
  french: 'date de naissance',
  spanish: 'fecha de nacimiento',
  italian: 'data di nascita',
  dutch: 'geboortedatum',
  portuguese: 'data de nascimento',
  polish: 'data urodzenia',
};
const streets: Record<string, (random: Random) => string> = {
  english: (random) =>
    `${random.below(9000) + 12} ${random.pick(['Hollow Creek', 'Maple', 'Winding Hill', 'Cedar'])} ${random.pick(['Road', 'Street', 'Avenue', 'Lane'])}`,
  german: (random) => `${random.pick(['Lindenstraße', 'Am Alten Markt', 'Gartenweg', 'Bahnhofstr.'])} ${random.below(180) + 1}`,
  french: (random) => `${random.below(180) + 1} ${random.pick(['rue de la Paix', 'avenue Victor Hugo', 'boulevard Saint-Michel'])}`,
  spanish: (random) => `${random.pick(['Calle de Alcalá', 'Avenida del Puerto', 'Paseo de Gracia'])} ${random.below(180) + 1}`,
  italian: (random) => `${random.pick(['Via Garibaldi', 'Corso Vittorio Emanuele', 'Piazza Navona'])} ${random.below(180) + 1}`,
  dutch: (random) => `${random.pick(['Prinsengracht', 'Kerkstraat', 'Beethovenlaan'])} ${random.below(180) + 1}`,
  portuguese: (random) => `${random.pick(['Rua Augusta', 'Avenida da Liberdade', 'Travessa do Carmo'])} ${random.below(180) + 1}`,
  polish: (random) => `${random.pick(['ul. Marszałkowska', 'ul. Długa', 'al. Jerozolimskie'])} ${random.below(180) + 1}`,
};

export const languages = Object.keys(phoneLabels);

const makers: Readonly<Record<string, Maker>> = {
  email: (random, language) => {
    const { account } = personOf(language, random);
    const local = random.pick([account, account.replace('.', '_'), account.replace(/^(.)[^.]*\./, '$1'), `${account}${random.below(90) + 10}`]);
    return {
      text: `${local}@${random.pick(['corp-mail', 'northwind', 'brightfield', 'umbra'])}.${random.pick(['com', 'org', 'de', 'co.uk', 'io', 'com.br', 'pl'])}`,
      parts: [local],
      field: 'email',
      label: 'email',
      needsLabel: false,
    };
  },
  phone: (random, language) => {
    const [code, groups] = random.pick([
      ['+49', [3, 3, 4]],
      ['+33', [1, 2, 2, 2, 2]],
      ['+34', [3, 3, 3]],
      ['+39', [3, 3, 4]],
      ['+48', [3, 3, 3]],
      ['+1', [3, 3, 4]],
      ['+44', [4, 3, 3]],
    ] as const);
    const numbers = groups.map((size) => `${random.below(8) + 2}${random.digits(size - 1)}`);
    const text = `${code}${random.pick([' ', '-', ''])}${numbers.join(random.pick([' ', '-', '']))}`;
    return {
      text,
      parts: [text, numbers.slice(-2).join(' '), numbers.slice(-2).join('-')],
      field: 'phone',
      label: phoneLabels[language] ?? 'phone',
      needsLabel: false,
    };
  },
  ip_address: simple(
    'ip',
    'client',
    false,
    (random) => `${random.pick([23, 62, 81, 93, 145, 188])}.${random.below(200) + 10}.${random.below(200) + 10}.${random.below(200) + 10}`,
  ),
  ipv6: simple('ip', 'client', false, (random) => {
    const group = (): string => (random.below(60_000) + 4096).toString(16);
    return `2a02:${group()}:${group()}:${group()}::${group()}`;
  }),
  mac_address: simple('mac', 'mac', false, (random) =>
    Array.from({ length: 6 }, () => (random.below(240) + 10).toString(16).padStart(2, '0')).join(random.pick([':', '-'])),
  ),
  person_name: (random, language) => {
    const { full, given, family } = personOf(language, random);
    const parts = [full, ...family.split(/[\s'’-]/), given].filter((part) => /^.{4,}|^[^\p{Script=Latin}]{2,}/u.test(part));
    return { text: full, parts, field: 'fullName', label: 'user', needsLabel: true };
  },
  username: (random, language) => {
    const { account } = personOf(language, random);
    return { text: account, parts: [account], field: 'username', label: 'user', needsLabel: true };
  },
  us_ssn: simple(
    'ssn',
    'SSN',
    false,
    (random) => `${random.pick([219, 321, 457, 512, 601])}-${two(random.below(90) + 10)}-${random.below(9000) + 1000}`,
  ),
  credit_card: simple('cardNumber', 'card', false, (random) =>
    luhn(`${random.pick(['453201', '512345', '411773', '552433'])}${random.digits(9)}`).replace(/(.{4})(?=.)/g, random.pick(['$1', '$1 ', '$1-'])),
  ),
  iban: simple('iban', 'IBAN', false, (random) => {
    const made = random.pick([
      () => ibanOf('DE', random.digits(18)),
      () => ibanOf('FR', `${random.digits(10)}${random.digits(11)}${random.digits(2)}`),
      () => ibanOf('NL', `ABNA${random.digits(10)}`),
      () => ibanOf('PL', random.digits(24)),
      () => ibanOf('ES', random.digits(20)),
    ])();
    return random.below(2) === 0 ? made : made.replace(/(.{4})(?=.)/g, '$1 ');
  }),
  date_of_birth: (random, language) => {
    const [year, month, day] = [random.below(50) + 1950, random.below(12) + 1, random.below(28) + 1];
    const text = random.pick([`${year}-${two(month)}-${two(day)}`, `${two(day)}.${two(month)}.${year}`, `${two(day)}/${two(month)}/${year}`]);
    return { text, parts: [text], field: 'dateOfBirth', label: birthLabels[language] ?? 'date of birth', needsLabel: true };
  },
  postal_address: (random, language) => {
    const text = (streets[language] ?? (streets['english'] as (random: Random) => string))(random);
    return { text, parts: [text], field: 'streetAddress', label: 'address', needsLabel: false };
  },
  location: simple('latitude', 'latitude', true, (random) => `${random.below(60) + 10}.${random.digits(5)}1`),
  uk_nino: simple(
    'nino',
    'National Insurance',
    false,
    (random) =>
      `${random.pick(['AB', 'CE', 'HK', 'JM'])} ${two(random.below(99))} ${two(random.below(99))} ${two(random.below(99))} ${random.pick(Array.from('ABCD'))}`,
  ),
  uk_nhs: simple('nhsNumber', 'NHS number', true, (random) =>
    until(random, () => {
      const body = `${random.below(5) + 4}${random.digits(8)}`;
      const check = 11 - (weighted(body, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11);
      return check === 10 ? undefined : `${body}${check % 11}`.replace(/^(...)(...)/, '$1 $2 ');
    }),
  ),
  de_tax_id: simple('steuerId', 'Steuer-ID', true, (random) => {
    const order = Array.from('0123456789').sort(() => random.below(3) - 1);
    const body = order.join('').replace(/^0(.)/, '$10').slice(0, 9);
    return iso7064(`${body}${body[4] as string}`);
  }),
  fr_nir: simple('nir', 'numéro de sécurité sociale', false, (random) => {
    const body = `${random.below(2) + 1}${two(random.below(90) + 10)}${two(random.below(12) + 1)}${two(random.below(80) + 10)}${String(random.below(800) + 100)}${String(random.below(800) + 100)}`;
    return `${body}${two(97 - modulo(body, 97))}`;
  }),
  es_dni: simple('dni', 'DNI', true, (random) => {
    const body = `${random.below(8) + 1}${random.digits(7)}`;
    return `${body}${'TRWAGMYFPDXBNJZSQVHLCKE'[Number(body) % 23] as string}`;
  }),
  it_codice_fiscale: simple('codiceFiscale', 'codice fiscale', false, codiceFiscale),
  nl_bsn: simple('bsn', 'BSN', true, (random) =>
    until(random, () => {
      const body = `${random.below(9) + 1}${random.digits(7)}`;
      const check = weighted(body, [9, 8, 7, 6, 5, 4, 3, 2]) % 11;
      return check === 10 ? undefined : `${body}${check}`;
    }),
  ),
  pt_nif: simple('nif', 'NIF', true, (random) => {
    const body = `${random.pick([1, 2])}${random.digits(7)}`;
    const check = 11 - (weighted(body, [9, 8, 7, 6, 5, 4, 3, 2]) % 11);
    return `${body}${check > 9 ? 0 : check}`;
  }),
  pl_pesel: simple('pesel', 'PESEL', true, (random) => {
    const body = `${two(random.below(90) + 10)}${two(random.below(12) + 1)}${two(random.below(28) + 1)}${random.digits(4)}`;
    return `${body}${(10 - (weighted(body, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10}`;
  }),
  br_cpf: simple('cpf', 'CPF', false, (random) => {
    const body = random.digits(9);
    const first = ((weighted(body, [10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10) % 11) % 10;
    const second = ((weighted(`${body}${first}`, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10) % 11) % 10;
    return `${body}${first}${second}`.replace(/^(...)(...)(...)/, '$1.$2.$3-');
  }),
  in_aadhaar: simple('aadhaar', 'Aadhaar', false, (random) => verhoeff(`${random.below(8) + 2}${random.digits(10)}`).replace(/(.{4})(?=.)/g, '$1 ')),
  passport: simple('passportNumber', 'passport number', true, (random) => `${random.pick(['C', 'X', 'K'])}${random.digits(8)}`),
  aws_access_key: simple(
    'key',
    'key',
    false,
    (random) => `AKIA${Array.from({ length: 16 }, () => random.pick(Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'))).join('')}`,
  ),
  jwt: simple(
    'jwt',
    'jwt',
    false,
    (random) =>
      `${Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')}.${Buffer.from(`{"sub":"${random.digits(8)}"}`).toString('base64url')}.${Buffer.from(random.digits(32)).toString('base64url')}`,
  ),
  secret: simple(
    'password',
    'password',
    true,
    (random) => `${random.pick(['Tr0ub', 'Zebra', 'quartz'])}${random.pick(['!', '#', '-'])}${random.digits(4)}x`,
  ),
};

export const kindNames = Object.keys(makers);

/** A value of the kind, as somebody of the language (a culture, for names) would have it. */
export function valueOf(kind: string, language: string, random: Random): Value {
  return { kind, ...(makers[kind] as Maker)(random, language) };
}
