/**
 * Postal addresses: a house number beside words, of which one is a kind of street (`Main Street`, `Rua Diadema`, `Loorenstrasse`), or a flat,
 * a cue (`lives at`, `ship to`) or a city with its postcode stands by. Anchored on digit runs; evidence adds up as for numbers.
 */
import { commonWords } from '../lexicon.ts';
import { has, isDigit, isIdentifier, isLetter, isWord } from '../survey.ts';
import { may, numberStarts } from './number-starts.ts';
import { compact, type Detector, type KindSpec, type ScanContext } from './detector.ts';

const address: KindSpec = {
  kind: 'postal_address',
  family: 'contact',
  example: '1600 Pennsylvania Avenue NW',
  check:
    'a house number beside the name of a street, a post box, a military post office; city, state and postcode behind it are taken in; or the field',
  floor: 0.5,
  canonical: compact,
};

/** Words that a street's name ends with, as words of their own. Abbreviations may have a full stop. */
const streetEnds =
  'street|st|avenue|ave|av|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|way|terrace|ter|circle|cir|square|sq|trail|trl|parkway|pkwy|highway|hwy|close|crescent|cres|grove|gardens|gdns|mews|row|walk|alley|plaza|turnpike|expressway|freeway|loop|pike|ridge|heights|hts|hill|run|crossing|xing|broadway|esplanade|parade|quay|wharf|utca|u|útja|ut|körút|tér|tee|tie|katu|straße|strasse|str|weg|platz|allee|gasse|ring|damm|ufer|laan|straat|plein|gracht|gate|gata|gatan|vej|väg|vägen|veien|ulice|třída|náměstí|sokak|caddesi|cesta|trg|ulica';
/** Words that a street's name begins with. */
const streetStarts =
  'c\\/|carrera|cra|rue|avenue|av|avda|boulevard|bd\\.|chemin|allée|allee|place|quai|impasse|route|cours|via|viale|piazza|piazzetta|corso|largo|vicolo|strada|lungomare|calle|avenida|plaza|paseo|carrer|camino|carretera|ronda|travesía|rua|travessa|praça|estrada|alameda|rodovia|ul|ulica|al\\.|aleja|plac|os\\.|str\\.|strada|bulevardul|calea|trg|bul\\.|jalan|jl|jln|odos|πλατεία|οδός|λεωφόρος|ул|улица|проспект';
/** What names of streets end in where they are written in one word. */
const grown =
  '(?:stra(?:ß|ss)e|str\\.?|gasse|weg|platz|allee|damm|ufer|ring|gatan|gata|vägen|väg|vegen|veien|vej|gade|gården|straat|laan|plein|gracht|kade|steenweg|katu|tie|kuja|polku|utca|tänav|mantee|iela|gatve|tie|centret|sv)';

const word =
  "(?:\\p{Lu}[\\p{L}\\p{M}'’.-]{0,30}|(?:de|du|des|la|le|les|da|do|dos|das|del|della|delle|dei|degli|di|van|der|den|von|vom|zum|zur|am|an|auf|im|the|of|na|u\\.|ul\\.|av\\.|os\\.|al\\.|útja|utca|tee|rue|avenue|boulevard|chemin|impasse|quai|allée|place|l['’]\\p{L}+|d['’]\\p{L}+|e|y|i|und|and)(?![\\p{L}]))";
const number = '\\d{1,5}(?:[A-Za-z](?![A-Za-z]))?(?:[-/]\\d{1,4}[A-Za-z]?)?';
const unit =
  '(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|Building|Bldg|Box|Stiege|Top|Etage|piso|app|lok|m|lägenhet|#)\\.? ?#?[A-Za-z]?\\d[\\w-]{0,6}';
/** A line may begin with the marks of a quotation. */
const gap = '(?:,?[ \\t]{1,3}|,?[ \\t]?\\r?\\n\\n?[ \\t>?|*]{0,6}|,(?=\\p{L}))';

const forward = new RegExp(`(?<number>${number})(?<second> ${number})? (?<name>${word}(?: ${word}){0,5})(?<last>,? ${number}(?![\\w:%]))?`, 'uy');
const anyCase = new RegExp(
  `(?<number>${number})(?<second> ${number})? (?<name>[\\p{L}.'’-]{2,30}(?: [\\p{L}.'’-]{2,30}){0,3}?)(?<last>,? ${number}(?![\\w:%]))?(?=[,.?!\\n]|$| (?:apt|suite|st)\\b)`,
  'iuy',
);
const endWord = new RegExp(`(?:^| )(?:${streetEnds})\\.?(?: (?:N|S|E|W|NE|NW|SE|SW|North|South|East|West))?$`, 'iu');
const startWord = new RegExp(`^(?:${streetStarts})\\.? `, 'iu');
const grownWord = new RegExp(`\\p{L}{2}${grown}\\.?(?: |$)`, 'iu');
const backward = new RegExp(`(?<![\\p{L}\\p{N}_])(?<name>(?:${word} ){0,5}${word}) $`, 'u');
const unitPart = new RegExp(`${gap}${unit}(?!\\w)`, 'iuy');
const state =
  '(?:A[LKZRAEP]|C[AOT]|D[EC]|FL|GA|HI|I[DLNA]|K[SY]|LA|M[EDAINSOT]|N[EVHJMYCD]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[TAI]|W[AVIY]|[A-Z]{2,3}|nan)';
const city = "\\p{Lu}[\\p{L}\\p{M}'’.()-]{1,30}(?: (?:\\p{L}[\\p{L}\\p{M}'’.()-]{0,30})){0,4}";
const postcode =
  '(?:\\d{5}-\\d{4}|\\d{4,6}|\\d{3} \\d{2}|\\d{2}-\\d{3}|\\d{2} \\d{2,3}|[A-Z]{1,2}\\d[A-Z0-9]? ?\\d[A-Z]{2}|[A-Z]\\d[A-Z] ?\\d[A-Z]\\d|\\d{4} ?[A-Z]{2})';
/** City and state with a postcode, or city and state. */
const tail = new RegExp(
  `(?:${gap}${city}){1,3}?(?:\\s?,? ?\\n?[ ]?${state})?(?:,?[ ]|,?\\s?\\n[ \\t>?|*]{0,6})${postcode}(?![\\w-])|${gap}${city},\\s?${state}(?!\\w)`,
  'uy',
);
/** City and country behind a flat or street, where the text or paragraph ends with them. */
const closing = new RegExp(`(?:${gap}${city}(?:,? [A-Z]{2,3}(?!\\w))?){1,3}(?=[.?!)"]{0,3}(?:\\s*$|\\s\\p{Lu}|\\n\\n))`, 'uy');
const military = /(?:APO|FPO|DPO),? A[AEP] $/i;
const militaryUnit = /(?:^|[^\p{L}])(?<unit>(?:Unit|PSC|CMR) )$/iu;
const cue =
  /(?:address(?:es)?(?: (?:is|was|to|with|of|on file))?|lives? (?:at|on|in)|living (?:at|on)|resid(?:es?|ing) (?:at|on)|located (?:at|on)|(?:office|restaurant|house|home|shop|store|property) is (?:at|on)|moved? to|relocated to|(?:ship|shipped|shipping|deliver|delivered|delivery|mail|mailed|send|sent|return|returned|taxi|bill|billed|forward|post)(?: \p{L}+){0,4} to|drops you off at|meet(?: \p{L}+){0,3} at|visit|here they are|side of|and|adresse|wohnhaft in|wohnt in|anschrift|domicilio|direcci[oó]n|dirección|indirizzo|endereço|adres|adresa)["'\s:=,(]{1,6}(?:\d{1,6} )?$/iu;
const cueReach = 48;
const tailsMax = 3;

function detectPostal(context: ScanContext): void {
  const { text, survey, found } = context;
  const { digitRuns, units } = survey;
  let done = 0;
  const { list, count, sorts, any } = numberStarts.of(survey);
  const last = (any & may.bePostal) === 0 ? 0 : 2 * count;
  for (let n = 0; n < last; n += 2) {
    if (((sorts[n >> 1] as number) & may.bePostal) === 0) continue;
    const i = list[n] as number;
    const start = digitRuns[2 * i] as number;
    const end = digitRuns[2 * i + 1] as number;
    if (start < done) continue;
    const previous = start > 0 ? (units[start - 1] as number) : 10;
    if (previous === 32) readCorner(text, units, start, found);
    let close = 0;
    // `4934 Oak Ave`, `221B Baker Street`, `4823 73 Ringvej`.
    if (mayGoOn(units, end)) close = readForward(text, start, found);
    // `Via Roma 131`, `P.O. Box 149`, `FPO AA 68422`.
    if (
      close === 0 &&
      previous === 32 &&
      start > 3 &&
      mayEndStreet(units[start - 2] as number) &&
      // A single letter names no street: `Mac OS X 10`.
      mayEndStreet(units[start - 3] as number)
    )
      close = readBackward(text, start, end, found);
    else if (close === 0 && units[start - 2] === 44 && start > 4 && mayEndStreet(units[start - 3] as number) && end - start < 5)
      close = readBehindComma(text, start, end, found);
    if (close > 0) done = close;
  }
  const { capitals, capitalCount } = survey;
  for (let i = 0; i < capitalCount; i++) readCorner(text, units, capitals[i] as number, found);
}

const corner = /corner of (?:[\p{L}\p{M}\p{N}.'’-]{1,30} ){1,8}and (?:[\p{L}\p{M}\p{N}'’-]{1,30} ?){1,5}/uy;

/** `the corner of Oak Street and 5th Avenue`, of which the first name begins at `at`. */
function readCorner(text: string, units: Uint8Array, at: number, found: ScanContext['found']): void {
  if (units[at - 2] !== 102 || units[at - 3] !== 111 || !text.startsWith('corner of ', at - 10)) return;
  corner.lastIndex = at - 10;
  const match = corner.exec(text);
  if (match) found.push({ kind: 'postal_address', start: at - 10, end: at - 10 + match[0].trimEnd().length, confidence: 0.6 });
}

/** A first look: a word behind the number, or a second number and a word, or a letter or joint on it. */
function mayGoOn(units: Uint8Array, end: number): boolean {
  let at = end;
  if (isLetter(units[at] as number)) at++;
  else if (units[at] === 45 || units[at] === 47) {
    if (!isDigit(units[at + 1] as number)) return false;
    while (at - end < 7 && units[at] !== 32) at++;
  }
  if (units[at] !== 32) return false;
  at++;
  if (isDigit(units[at] as number)) {
    const second = at;
    while (at - second < 6 && isDigit(units[at] as number)) at++;
    if (units[at] !== 32) return false;
    at++;
  }
  return isLetter(units[at] as number) || (units[at] as number) >= 128;
}

/** By the last two letters: does any cue end so? */
const cueEnds = new Uint8Array(1024);
for (const word of 'address addresses is was to with of file at on in visit are and adresse anschrift domicilio direccion dirección indirizzo endereço adres adresa'.split(
  ' ',
))
  cueEnds[((word.charCodeAt(word.length - 2) & 31) << 5) | (word.charCodeAt(word.length - 1) & 31)] = 1;

function mayEndStreet(unit: number): boolean {
  return isLetter(unit) || unit === 46 || unit >= 128;
}

function isCued(text: string, start: number): boolean {
  let end = start;
  while (end > 0 && start - end < 12 && !isLetter(text.charCodeAt(end - 1))) end--;
  if (end < 2 || cueEnds[((text.charCodeAt(end - 2) & 31) << 5) | (text.charCodeAt(end - 1) & 31)] === 0) return false;
  return cue.test(text.slice(Math.max(0, start - cueReach), start));
}

function readForward(text: string, start: number, found: ScanContext['found']): number {
  forward.lastIndex = start;
  let match = forward.exec(text);
  let cued: boolean | undefined;
  if (!match) {
    cued = isCued(text, start);
    if (!cued) return 0;
    anyCase.lastIndex = start;
    match = anyCase.exec(text);
    if (!match) return 0;
  }
  const { last = '', second = '' } = match.groups ?? {};
  let { name = '' } = match.groups ?? {};
  let core = match[0].length;
  // `'12 Oak Avenue'`: the quote is no part of it.
  if (last === '' && /['’]$/.test(name)) {
    name = name.slice(0, -1);
    core--;
  }
  // The street's name ends with its last word for a street: what follows are city and people.
  const cut = streetCut(name);
  let evidence = 0.15;
  if (cut > 0) {
    if (cut < name.length) core -= name.length - cut + last.length;
    evidence += 0.35;
  } else if (startWord.test(name) || grownWord.test(name)) evidence += 0.35;
  if ((last !== '' && cut < 0) || second !== '') evidence += 0.1;
  // The full stop of a sentence; that of `Ave.` stays.
  if (/\p{L}{5}\.$/u.test(text.slice(start + core - 6, start + core))) core--;
  const tailEnd = readTail(text, start + core);
  if (tailEnd > start + core) evidence += tailEvidence;
  if (evidence < 0.5) {
    cued ??= isCued(text, start);
    if (cued) evidence += 0.3;
  }
  if (evidence < 0.5) return 0;
  const unitStart = start - (militaryUnit.exec(text.slice(Math.max(0, start - 6), start))?.groups?.['unit']?.length ?? 0);
  found.push({ kind: 'postal_address', start: unitStart, end: tailEnd, confidence: Math.min(0.9, evidence) });
  return tailEnd;
}

/** Where the last word for a street ends in `Oak Ave Suite`, or -1. It is never the first word. */
function streetCut(name: string): number {
  const words = name.split(' ');
  let at = name.length;
  for (let i = words.length - 1; i > 0; i--) {
    if (endWord.test(words.slice(i - 1, i + 1).join(' ')) && /^[\p{Lu}\d]/u.test(words[i] as string)) return at;
    at -= (words[i] as string).length + 1;
  }
  return -1;
}

let tailEvidence = 0;

/** The end of flats, city, state and postcode behind `at`; sets what they prove. */
function readTail(text: string, at: number): number {
  let end = at;
  tailEvidence = 0;
  if (text.charCodeAt(end) === 46 && text.charCodeAt(end + 1) <= 32) end++;
  for (let i = 0; i < tailsMax; i++) {
    unitPart.lastIndex = end;
    const match = unitPart.exec(text);
    if (!match) break;
    end += match[0].length;
    tailEvidence = 0.35;
  }
  tail.lastIndex = end;
  const match = tail.exec(text);
  if (match) {
    end += match[0].length;
    tailEvidence += 0.3;
  } else if (end > at) {
    closing.lastIndex = end;
    end += closing.exec(text)?.[0].length ?? 0;
  }
  return text.charCodeAt(end - 1) === 46 && tailEvidence === 0 ? at : end;
}

/** `10/12`, `123-III`: the flat that hangs on a house number. */
const flat = /[/-](?:\d{1,4}[A-Za-z]?|[IVX]{1,4})(?![\w./:-])/y;

function flatEnd(text: string, end: number): number {
  flat.lastIndex = end;
  return flat.test(text) ? flat.lastIndex : end;
}

const commaStreet = new RegExp(`(?<![\\p{L}\\p{N}_])(?<name>(?:${streetStarts})\\.? (?:${word} ){0,5}${word}), $`, 'iu');

/** `Calle de Alcalá, 45`: the number stands apart, so that the street has to say what it is, and nothing may be counted. */
function readBehindComma(text: string, start: number, end: number, found: ScanContext['found']): number {
  const close = flatEnd(text, end);
  const next = text.charCodeAt(close);
  if (close < text.length && next !== 44 && next !== 46 && next !== 10 && next !== 34 && next !== 59) return 0;
  const name = commaStreet.exec(text.slice(Math.max(0, start - 64), start))?.groups?.['name'];
  if (name === undefined || !/^\p{Lu}|^(?:ul|os|al|rue|via)\b/u.test(name) || !/ \p{Lu}\p{L}{2}/u.test(name)) return 0;
  // `Place Order, 5`, `Via Proxy, 80`.
  const [first = '', ...rest] = name.toLowerCase().split(' ');
  if (/^(?:place|route|plaza|cours|loop)$/.test(first) || rest.some((one) => one.length > 3 && commonWords.has(one))) return 0;
  return pushFrom(text, start - 2 - name.length, close, 0.6, found);
}

function readBackward(text: string, start: number, end: number, found: ScanContext['found']): number {
  const next = text.charCodeAt(end);
  if (next === 95 || (isWord(next) && !isLetter(next))) return 0;
  const before = text.slice(Math.max(0, start - 96), start);
  const flatted = next === 45 || next === 47 ? flatEnd(text, end) : end;
  if (
    flatted === end &&
    (next === 46 || next === 44 || next === 58 || next === 45 || next === 47 || next === 37) &&
    // A comma and a letter divide cells.
    (next === 44 ? isDigit(text.charCodeAt(end + 1)) : isIdentifier(text.charCodeAt(end + 1)))
  )
    return next === 45 ? stateBefore(text, before, start, end, found) : 0;
  const box =
    /(?:P\.? ?O\.? ?Box|Post(?:al )?box|Postfach|Postbus|Postboks|Postilokero|Apartado(?: de correos| postal)?|Caixa postal|Casilla(?: de correo)?|Skrytka pocztowa|Casella postale|Boîte postale|(?:PSC|Unit|CMR) \d{1,5},? Box|Box) $/i.exec(
      before,
    );
  if (box && (box[0].length > 4 || end - start >= 4)) return pushFrom(text, start - box[0].length, end, 0.6, found);
  if (end - start === 5 && military.test(before)) {
    const line = /(?:(?:PSC|Unit|CMR|USS|USNS|USNV|USCGC) [\p{L}\p{M}\d, .'’-]{1,40}\s)?(?:APO|FPO|DPO),? A[AEP] $/iu.exec(before);
    return pushFrom(text, start - (line?.[0].length ?? 7), end, 0.7, found);
  }
  const match = backward.exec(before);
  const name = match?.groups?.['name'];
  if (!match || name === undefined) return stateBefore(text, before, start, end, found);
  const words = name.split(' ');
  let from = -1;
  for (let i = 0, at = 0; i < words.length; i++) {
    if (i < words.length - 1 ? startWord.test(`${words[i]} `) && /^\p{Lu}|^(?:ul|os|al|rue|via)\b/u.test(words[i] as string) : false) {
      from = at;
      break;
    }
    at += (words[i] as string).length + 1;
  }
  const lastWord = words.at(-1) as string;
  if (from < 0 && grownWord.test(lastWord) && lastWord.length > 5) from = name.length - lastWord.length;
  if (
    from < 0 &&
    words.length > 1 &&
    endWord.test(words.slice(-2).join(' ')) &&
    /^(?:u\.|utca|útja|tee|tie|katu|str\.?|weg|gasse|laan|vej|Str\.?|Straße|Strasse|Weg|Platz|Allee)$/u.test(lastWord)
  )
    from = 0;
  const colombian = from >= 0 && next === 32 ? colombianEnd(text, end) : 0;
  if (colombian > 0) return pushFrom(text, start - 1 - name.length + from, colombian, 0.7, found);
  let evidence = from >= 0 ? 0.5 : prepositional.test(name) ? 0.2 : 0.1;
  const nameStart = start - 1 - name.length;
  // A flat counts only behind a street that says so: `10/12` may be a date.
  if (from < 0 && flatted > end) return stateBefore(text, before, start, end, found);
  const tailEnd = readTail(text, flatted);
  if (tailEnd > flatted) evidence += tailEvidence;
  if (evidence < 0.5 && isCued(text, nameStart)) evidence += 0.4;
  if (evidence < 0.5) return stateBefore(text, before, start, end, found);
  found.push({ kind: 'postal_address', start: nameStart + Math.max(0, from), end: tailEnd, confidence: Math.min(0.9, evidence) });
  return tailEnd;
}

/** `Am Kupfergraben 6a`, `Unter den Linden 77`: streets only if a town stands behind. */
const prepositional =
  /^(?:Am|An de[rnm]|Auf de[rnm]|Im|In de[rnm]|Unter den|Zum|Zur|Hinter|Vor de[rm]|Bei de[rm]|Beim|Alte[rs]?|Neue[rs]?|Große[rs]?|Kleine[rs]?) /;

/** `Carrera 7 # 32-16`: the end of what stands behind the number of the street, or 0. */
function colombianEnd(text: string, end: number): number {
  const match = /^ (?:#|No\.?|N°) ?\d{1,3}[A-Z]? ?- ?\d{1,3}(?!\d)/.exec(text.slice(end, end + 16));
  return match ? end + match[0].length : 0;
}

function pushFrom(text: string, start: number, end: number, confidence: number, found: ScanContext['found']): number {
  const close = readTail(text, end);
  found.push({ kind: 'postal_address', start, end: close, confidence });
  return close;
}

const stateWord =
  /(?:^|[\s,])(?:A[LKZR]|C[AOT]|D[EC]|FL|GA|HI|I[DLNA]|K[SY]|LA|M[EDAINSOT]|N[EVHJMYCD]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[TAI]|W[AVIY]) $/;

/** `CA 94043`: a postcode behind a state. */
function stateBefore(text: string, before: string, start: number, end: number, found: ScanContext['found']): number {
  if (end - start !== 5 || !stateWord.test(before)) return 0;
  const more = /^-\d{4}(?!\d)/.exec(text.slice(end, end + 6));
  const close = end + (more ? 5 : 0);
  if (isIdentifier(text.charCodeAt(close)) || text.charCodeAt(close) === 45) return 0;
  found.push({ kind: 'postal_code', start, end: close, confidence: 0.6 });
  return close;
}

export const postalDetector: Detector = { kinds: [address], gate: has.digit | has.capitalPair, detect: detectPostal };
