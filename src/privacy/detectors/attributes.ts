/** What a person is, was born as, earns and suffers from. Fields and labels say so; the value by itself says nothing. */
import { commonWords } from '../lexicon.ts';
import { has, isIdentifier, isLetter, made } from '../survey.ts';
import { compact, type Detector, type KindSpec, lowerTrimmed, type ScanContext } from './detector.ts';
import { LabelSet } from './labels.ts';
import { may, numberStarts } from './number-starts.ts';
import { isSpokenSecret } from './secret-words.ts';
import { announce } from './vocabulary.ts';

function attribute(kind: string, example: string, check: string, family: KindSpec['family'] = 'person', canonical = lowerTrimmed): KindSpec {
  return { kind, family, example, check, floor: 0.5, canonical };
}

export const attributeKinds: readonly KindSpec[] = [
  attribute('date_of_birth', 'DOB: 1983-12-04', 'a date in any usual form after a word that says so, or the field', 'person', (value) =>
    value.trim(),
  ),
  attribute('age', 'age: 34', 'a number to 129 without a unit of time after a word that says so, or before `years old` and the like; or the field'),
  attribute('salary', 'salary: $87,000', 'an amount after a word that says so, or the field', 'money', compact),
  attribute('location', 'lat: 52.52000, lon: 13.40500', 'degrees after latitude, longitude, coordinates or GPS, or the field', 'contact', (value) =>
    value.trim(),
  ),
  attribute('gender', 'gender: female', 'a word for a gender after a word that says so, or the field'),
  attribute('nationality', 'nationality: Portuguese', 'words after a word that says so, or the field'),
  attribute('religion', 'religion: Buddhist', 'words after a word that says so, or the field'),
  attribute('ethnicity', 'ethnicity: Sámi', 'words after a word that says so, or the field'),
  attribute('political_view', 'political affiliation: Green', 'words after a word that says so, or the field'),
  attribute('sexual_orientation', 'sexual orientation: bisexual', 'words after a word that says so, or the field'),
  attribute('health_condition', 'Diagnosis: Migraine', 'words after a word that says so, or the field'),
  attribute(
    'license_plate',
    'license plate: B-MW 1234',
    'number plate of a vehicle: one to four groups of capitals and digits after a word that says so and a mark, or the field',
    'government',
    compact,
  ),
  attribute('bic', 'SWIFT: DEUTDEFF500', 'eight or eleven capitals and digits with a country in their middle, a word that says so', 'money', compact),
  attribute('postal_code', 'ZIP 94105-1234', 'a postcode after a word that says so, or behind the state of an address', 'contact', compact),
];

announce(
  'date',
  'date_of_birth',
  'dob, d.o.b., date of birth, birth date, birthdate, birthday, bday, born, born on, born in, birth, geburtsdatum, geboren am, geboren, geb:, geb datum, gebdat, date de naissance, ne le, nee le, naissance, fecha de nacimiento, nacido el, nacida el, nacimiento, data di nascita, nato il, nata il, nato a:, nascita, geboortedatum, geboren op, dogum tarihi, dogum gunu, fodselsdato, fodselsdag, fodt, fodd, fodelsedatum, syntymaaika, syntynyt, datum narozeni, narozen, narozena, datum rodenja, datum rojstva, szuletesi datum, szuletett, data nasterii, nascut, ngay sinh, tanggal lahir, tgl lahir, gimimo data, dzimsanas datums, sunniaeg, data de nascimento, nascido em, nascida em, nascimento, data urodzenia, urodzony, urodzona, ur:, birth year, year of birth',
);
announce(
  'age',
  'age',
  'age, aged, just turned, turned, patient age, customer age, age in years, alter:, lebensalter, edad, eta:, leeftijd, idade, wiek',
);
announce(
  'money',
  'salary',
  'salary, base salary, annual salary, monthly salary, gross salary, net salary, current salary, salary of, wage, wages, annual income, monthly income, household income, gross income, income:, base pay, gross pay, net pay, annual compensation, total compensation, compensation:, bonus:, earnings:, gehalt, jahresgehalt, monatsgehalt, bruttogehalt, lohn, einkommen, salaire, salaire annuel, salaire brut, salaire net, revenu annuel, remuneration, salario, sueldo, ingresos anuales, stipendio, retribuzione, reddito annuo, salaris, loon:, inkomen, vencimento:, ordenado, pensja, wynagrodzenie, zarobki',
);
announce(
  'coordinate',
  'location',
  'lat, latitude, lng, long:, lon, longitude, coordinates, coords, coord, gps, gps coordinates, gps location, geo location, geolocation, latlng, latlon, lat lng, lat long, geo:, koordinaten, breitengrad, langengrad, coordonnees, coordenadas, coordinate, latitud, longitud, latitudine, longitudine',
);
announce(
  'code',
  'secret',
  'cvv, cvc, cvv2, cvc2, card security code, card verification code, card verification value, pin:, otp, one time password, one time code, one time passcode, verification code, security code:, mfa code, 2fa code, login code, sms code, totp code, bestatigungscode, code de verification, codigo de verificacion, codice di verifica, verificatiecode',
);
announce(
  'postcode',
  'postal_code',
  'zip, zips, zip code, zipcode, zip postal code, postal code, postalcode, postcode, post code, plz, postleitzahl, code postal, codigo postal, cap:, codice postale, postcode nl, kod pocztowy, codigo de endereco postal, cep, pin code, pincode',
);

/** Labels of values that are words. They stand before a mark, an element's content, or `diagnosed with`. */
export const wordLabels = new LabelSet<{ readonly kind: string; readonly values?: ReadonlySet<string> }>();

const genders = new Set(
  (
    'male,female,man,woman,m,f,x,d,w,non-binary,nonbinary,non binary,other,diverse,divers,transgender,trans,intersex,agender,genderfluid,genderqueer,männlich,weiblich,mann,frau,homme,femme,masculin,féminin,' +
    'hombre,mujer,masculino,femenino,varón,hembra,uomo,donna,maschio,femmina,vrouw,mannelijk,vrouwelijk,homem,mulher,feminino,mężczyzna,kobieta'
  ).split(','),
);
wordLabels.add('gender, sex, gender identity, geschlecht, sexe, sexo, sesso, geslacht, genero, genre, plec', { kind: 'gender', values: genders });
wordLabels.add(
  'nationality, citizenship, country of birth, place of birth, birthplace, staatsangehorigkeit, nationalitat, geburtsort, nationalite, lieu de naissance, nacionalidad, lugar de nacimiento, nazionalita, cittadinanza, luogo di nascita, nationaliteit, geboorteplaats, nacionalidade, naturalidade, obywatelstwo, narodowosc, miejsce urodzenia',
  { kind: 'nationality' },
);
wordLabels.add(
  'religion, religious belief, religious beliefs, religious affiliation, faith, konfession, religionszugehorigkeit, religione, godsdienst, religiao, wyznanie, religia',
  { kind: 'religion' },
);
wordLabels.add(
  'ethnicity, ethnic group, ethnic origin, ethnic background, race ethnicity, racial origin, ethnische herkunft, ethnie, origine ethnique, etnia, origen etnico, etniciteit, pochodzenie etniczne',
  { kind: 'ethnicity' },
);
wordLabels.add(
  'political view, political views, political opinion, political opinions, political affiliation, political party, party affiliation, party membership, parteizugehorigkeit, politische meinung, opinion politique, opinions politiques, afiliacion politica, opinion politica, opinione politica, politieke voorkeur, opiniao politica, poglady polityczne',
  { kind: 'political_view' },
);
wordLabels.add(
  'sexual orientation, sexuelle orientierung, orientation sexuelle, orientacion sexual, orientamento sessuale, seksuele geaardheid, orientacao sexual, orientacja seksualna',
  { kind: 'sexual_orientation' },
);
wordLabels.add(
  'diagnosis, diagnoses, primary diagnosis, diagnosed with, medical condition, medical conditions, health condition, health conditions, health status, medical history, chronic condition, disease, illness, disability, disabilities, allergies, allergy, known allergies, medication, medications, current medication, blood type, blood group, diagnose, vorerkrankung, krankheit, blutgruppe, diagnostic:, maladie, groupe sanguin, diagnostico, enfermedad, grupo sanguineo, diagnosi, malattia, gruppo sanguigno, ziekte, bloedgroep, doenca, rozpoznanie, choroba, grupa krwi',
  { kind: 'health_condition' },
);
wordLabels.add(
  'first name, firstname, fname, forename, middle name, last name, lname, surname, given name, family name, maiden name, full name, cardholder, cardholder name, name on card, account holder, account holder name, ' +
    'customer name, patient name, employee name, contact name, recipient name, beneficiary name, vorname, nachname, familienname, kontoinhaber, prenom, nom de famille, nom complet, apellido, apellidos, ' +
    'nombre completo, nombre y apellidos, titular, cognome, intestatario, voornaam, achternaam, sobrenome, nome completo, imie, nazwisko, imie i nazwisko',
  { kind: 'person_name' },
);
wordLabels.add(
  'mot de passe, mdp, contrasena, clave de acceso, wachtwoord, haslo, senha, palavra passe, parola, lozinka, geslo, heslo, jelszo, salasana, losenord, passord, adgangskode, sifre, mat khau, kata sandi, parole, slaptazodis, parool',
  { kind: 'secret' },
);
wordLabels.add(
  'license plate, licence plate, plate number, number plate, numberplate, plate, plate no, registration plate, vehicle registration, vehicle reg, reg plate, kennzeichen, kfz kennzeichen, autokennzeichen, immatriculation, plaque d immatriculation, matricula, targa, placa, kenteken, tablica rejestracyjna, numer rejestracyjny, nummerplade, registreringsnummer, rekisterinumero, plaka',
  { kind: 'license_plate' },
);
wordLabels.add('swift, swift code, swift bic, bic, bic code, bic swift, swift number, bank identifier code', { kind: 'bic' });

const wordsMax = 80;
/** What stands where nothing is known. */
const unknown =
  /^(?:null|none|nil|n\/?a|unknown|undefined|unspecified|not specified|not provided|not disclosed|redacted|true|false|yes|no|string|any|all|empty|pending|required|optional)$/i;
const words = /[\p{L}][\p{L}\p{M}\p{N} '’()/+&.-]{0,79}/uy;
/** A word in any case; more words as names are written. */
const personWords =
  /(?:\p{L}\.|\p{L}(?:(?:['’-]|'')?[\p{L}\p{M}]){0,39})(?:(?: |\+)(?:\p{Lu}\.|(?:(?:d|l|D|L)(?:['’]|'')|[ae]l-)?\p{Lu}(?:(?:['’-]|'')?[\p{L}\p{M}]){0,39}|(?:de|da|do|dos|del|della|di|du|la|le|van|von|der|den|ter|ten|zu|bin|ibn|bint|al|el|y)(?![\p{L}\p{M}]))){0,5}/uy;
/** One to three groups of capitals and digits. */
const plate = /[A-Z0-9]{1,8}(?:[ -][A-Z0-9]{1,5}){0,3}(?![A-Za-z0-9_./])/y;
const secretWord = /[^\s"'<>]{4,64}(?<![.,;:!?)])/y;
const bic = /[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?(?![A-Za-z0-9_])/y;
/** Where the words of a diagnosis end in a sentence. */
const sentenceGoesOn = /(?:,| (?:on|in|at|after|and was|since|by|during|who|which|for|as of|when|but|last|this)\b|\. |[.]$).*$/su;

function detectWords({ text, survey, found }: ScanContext): void {
  const { flags } = survey;
  if ((flags & has.endTag) !== 0) for (let at = text.indexOf('</'); at >= 0; at = text.indexOf('</', at + 2)) readElement(text, at, found);
  if ((flags & has.run) !== 0) readRuns(text, survey, found);
  if ((flags & has.digit) !== 0) detectYearsOld(text, survey, found);
}

/** Both lines of a passport, or the first of an identity card, as machines read them (ICAO 9303). */
const machineZone =
  /(?<![A-Z0-9])(?:[PIACV][A-Z0-9<][A-Z<]{3}[A-Z0-9<]{2,38}<<[A-Z<]{1,38}|[A-Z0-9<]{9}\d[A-Z<]{3}\d{7}[MFX<]\d{7}[A-Z0-9<]{2,20})(?![A-Za-z0-9])/;
const zoneMax = 48;

/** The line that the run [start, end) of capitals, which a `<` follows, is part of. */
function readMachineZone(text: string, start: number, end: number, found: ScanContext['found']): void {
  const from = Math.max(0, start - 4);
  const match = machineZone.exec(text.slice(from, end + zoneMax));
  if (match) found.push({ kind: 'passport', start: from + match.index, end: from + match.index + match[0].length, confidence: 0.8 });
}

/** Reads the value at `start` that a field of this name (lower case, letters only) announces. */
export function readField(text: string, start: number, field: string, found: ScanContext['found']): void {
  const label = wordLabels.ofField(field)?.values[0];
  if (label) pushWords(text, start, label.kind, label.values, false, found);
}

/** Reads the value behind the mark at `at`, if a label stands before it: `Diagnosis: …`. (Called where assignments are judged.) */
export function readBehind(text: string, at: number, found: ScanContext['found']): void {
  let end = at;
  while (end > 0 && at - end < 3 && isQuoteOrBlank(text.charCodeAt(end - 1))) end--;
  const last = text.charCodeAt(end - 1);
  if (last < 128 && (!isLetter(last) || !wordLabels.mayEndWith(text.charCodeAt(end - 2), last))) return;
  const label = wordLabels.endingAt(text, end)?.values[0];
  if (!label) return;
  let start = at + 1;
  // `"surname"=>"Quux"`, as Ruby writes it.
  if (text.charCodeAt(start) === 62) start++;
  while (start - at < 8 && isQuoteOrBlank(text.charCodeAt(start))) start++;
  pushWords(text, start, label.kind, label.values, false, found);
}

const elementMax = 96;

/** `<diagnosis>Migraine</diagnosis>`: the end tag at `at` says where to look. */
function readElement(text: string, at: number, found: ScanContext['found']): void {
  let start = at;
  while (start > 0 && at - start < elementMax && text.charCodeAt(start - 1) !== 62) start--;
  if (start === at || text.charCodeAt(start - 1) !== 62) return;
  const label = wordLabels.endingAt(text, start - 1)?.values[0];
  if (label) pushWords(text, start, label.kind, label.values, false, found);
}

function isQuoteOrBlank(unit: number): boolean {
  return unit === 32 || unit === 34 || unit === 39 || unit === 92 || unit === 42;
}

function pushWords(
  text: string,
  start: number,
  kind: string,
  values: ReadonlySet<string> | undefined,
  inSentence: boolean,
  found: ScanContext['found'],
): void {
  if (kind === 'bic') {
    bic.lastIndex = start;
    const match = bic.exec(text);
    if (match) found.push({ kind, start, end: start + match[0].length, confidence: 0.85 });
    return;
  }
  if (kind === 'person_name') {
    pushPerson(text, start, found);
    return;
  }
  if (kind === 'license_plate') {
    plate.lastIndex = start;
    const value = plate.exec(text)?.[0] ?? '';
    if (/\d/.test(value) && /[A-Z]/i.test(value)) found.push({ kind, start, end: start + value.length, confidence: 0.7 });
    return;
  }
  if (kind === 'secret') {
    secretWord.lastIndex = start;
    const value = secretWord.exec(text)?.[0] ?? '';
    if (isSpokenSecret(value)) found.push({ kind, start, end: start + value.length, confidence: 0.75 });
    return;
  }
  words.lastIndex = start;
  let value = words.exec(text)?.[0] ?? '';
  value = inSentence ? value.replace(sentenceGoesOn, '') : value.replace(/\. .*$/su, '');
  value = value.replace(/[ .'’(/+&-]+$/u, '');
  // `status=healthy&disease=x`: the next assignment is no part of this one.
  if (text.charCodeAt(start + value.length) === 61) value = value.replace(/[ &][^ &]*$/, '');
  if (value.length < (values ? 1 : 2) || value.length > wordsMax || unknown.test(value)) return;
  if (values && !values.has(value.toLowerCase())) return;
  found.push({ kind, start, end: start + value.length, confidence: values ? 0.8 : 0.7 });
}

function pushPerson(text: string, start: number, found: ScanContext['found']): void {
  personWords.lastIndex = start;
  let value = personWords.exec(text)?.[0] ?? '';
  // `first_name=Zed LAST_NAME=Quux`: the next label is no part of the name.
  if (/[=:_]/.test(text[start + value.length] ?? '')) value = value.slice(0, Math.max(0, value.search(/[ +][^ +]*$/)));
  value = value.replace(/(?:[ +]\p{Ll}+)+$/u, '');
  const next = text.charCodeAt(start + value.length);
  // `full_name: "org/repo"`, `last name: string(40)`, `surname: foo_bar`.
  if (value.length < 2 || unknown.test(value) || isIdentifier(next) || next === 47 || next === 92 || next === 40) return;
  if (value === value.toLowerCase() && commonWords.has(value)) return;
  found.push({ kind: 'person_name', start, end: start + value.length, confidence: 0.7 });
}

const yearsOld =
  /(?:[ -]years?[ -]olds?|[ -]?yrs?[ .-]{1,2}old| ?y\/o| ?y\.o\.| yo| Jahre alt| Jahre jung| ans(?= |,|\.|$)| años(?: de edad)?| anni| jaar oud| anos de idade| lat)(?![\p{L}\p{N}])/uy;
/** These also count what is no age, and need a word for a person before. */
const alsoDurations = /^ (?:ans|años|anni|lat)$/u;
const aged = /(?:âgée? de|tiene|avec|ha|aged|alt|mam|ma|miał[ao]?) $/u;

/** `a 34-year-old`, `58 y/o`, `45 Jahre alt`. */
function detectYearsOld(text: string, survey: ScanContext['survey'], found: ScanContext['found']): void {
  const { digitRuns, units } = survey;
  const { list, count, sorts, any } = numberStarts.of(survey);
  if ((any & may.beAge) === 0) return;
  for (let n = 0; n < 2 * count; n += 2) {
    if (((sorts[n >> 1] as number) & may.beAge) === 0) continue;
    const start = digitRuns[2 * (list[n] as number)] as number;
    const end = digitRuns[2 * (list[n] as number) + 1] as number;
    const next = units[end] as number;
    const letter = next === 32 || next === 45 ? (units[end + 1] as number) : next;
    if (letter !== 121 && letter !== 74 && letter !== 97 && letter !== 106 && letter !== 108) continue;
    yearsOld.lastIndex = end;
    const match = yearsOld.exec(text);
    if (!match || Number(text.slice(start, end)) > ageMax) continue;
    if (alsoDurations.test(match[0]) && !aged.test(text.slice(Math.max(0, start - 12), start))) continue;
    found.push({ kind: 'age', start, end, confidence: 0.7 });
  }
}

const ageMax = 129;

/** `BIC DEUTDEFF`: a run of capitals of the right length behind a word that says so; `diagnosed with …`. */
function readRuns(text: string, { units, runs, runCount }: ScanContext['survey'], found: ScanContext['found']): void {
  for (let i = 0; i < 3 * runCount; i += 3) {
    const start = runs[i] as number;
    const end = runs[i + 1] as number;
    const size = end - start;
    if (units[end] === 60 && size < zoneMax && ((runs[i + 2] as number) & (made.ofLower | made.ofLowerHex)) === 0)
      readMachineZone(text, start, end, found);
    if (units[end] === 32 && units[end - 1] === 100 && size >= 9) {
      if (text.startsWith('diagnosed with ', end - 9)) pushWords(text, end + 6, 'health_condition', undefined, true, found);
    } else if ((size === 8 || size === 11) && ((runs[i + 2] as number) & notBic) === 0 && text.charCodeAt(start - 1) === 32) {
      if (wordLabels.endingAt(text, start - 1)?.values[0]?.kind === 'bic') pushWords(text, start, 'bic', undefined, false, found);
    }
  }
}

const notBic = made.ofLower | made.ofLowerHex | made.ofDashes | made.ofSlashes;

export const attributeDetector: Detector = {
  kinds: attributeKinds,
  gate: has.endTag | has.run | has.digit,
  detect: detectWords,
};
