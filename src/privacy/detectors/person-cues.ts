/** What stands before and behind a name and says that it is one, or that it is something else's name. */
import { bodies, brands, companyForms, labels, nameOpeners, salutations, titles } from '../name-words.ts';
import { isCapital, isLetter, isSmall, isWord } from '../survey.ts';
import { before } from './detector.ts';

function cues(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter(Boolean));
}

/** By the last five bits of their first letters: the sizes of some words, as bits. Most other words are out without a look-up. */
export function sizesByLetter(words: ReadonlySet<string>): Int32Array {
  const sizes = new Int32Array(32);
  for (const word of words) {
    const letter = word.charCodeAt(0) & 31;
    sizes[letter] = (sizes[letter] as number) | (1 << word.length);
  }
  return sizes;
}

/** May the word of fewer than 32 units be one of those, in any case? */
export function mayBeOneOf(sizes: Int32Array, text: string, start: number, end: number): boolean {
  const first = text.charCodeAt(start);
  return first > 127 || ((sizes[first & 31] as number) & (1 << (end - start))) !== 0;
}

const bodySizes = sizesByLetter(bodies);
const formSizes = sizesByLetter(companyForms);

/** Does a title end before `at`, so that any word that follows is somebody's name? */
export function followsTitle(text: string, at: number): boolean {
  let end = at - 1;
  if (text.charCodeAt(end) !== 32) return false;
  if (text.charCodeAt(end - 1) === 46) end--;
  let from = end;
  while (from > 0 && end - from < 12 && isWord(text.charCodeAt(from - 1))) from--;
  return from < end && titles.has(text.slice(from, end).toLowerCase());
}

/** Prepositions and verbs that often stand before a person, and as often before something else. */
const hints = cues(`
  from to by for with and or told tell asked ask saw see meet met thank invited invite called call emailed email paged notified notify contacted contact reminded add adding added under given hear heard
  starring featuring assisted against about than until like von für mit durch de pour par avec por para con da per met voor door od dla przez от для με από för av med til fra
`);

/** How much what stands before says: a salutation vouches for a word, a name's label too, a role for two words, a hint is a hint. */
export type Cue = 'salutation' | 'name' | 'label' | 'said' | 'hint' | 'prose' | 'listed' | 'article' | 'place' | 'street' | 'brand' | '';

const said = cues('said says replied answered asked sagte dit dijo disse zei');
/** Words of sentences, which logs of machines have few of. */
const prose = cues(`
  is was are were be been am but if when while because that why who whom whose how so me him us my our his her their your not then than as since though although i you he she we they it
  does did do can could will would should has have had just really maybe perhaps early late old young poor little dear only even also yes no well ago about between among without
`);
const articles = cues('the a an this that these those der die das ein eine el los las un une le la les il lo het een');
const places = cues('in at near into toward towards inside outside across throughout');
const streets = cues(`
  rue avenue avenida avda av calle rua via viale piazza plaza plaça place boulevard blvd ulica ul street st strada str road rd square quai chemin route allée impasse travessa praça largo corso ulice
  улица ул проспект calea bulevardul aleja al lake mount mt fort cape port san santa santo são sao saint sainte los las el new north south east west upper lower little great old
`);

const nameLike =
  /(?:^|[^a-z])(?:name\s+is|i\s+am|i['’]m|this\s+is|here\s+is|it\s+is|(?:he|she)\s+is|call(?:s|ed)?\s+(?:me|him|her)|named\s+(?:him|her|me|it)|named|yo\s+soy|me\s+llamo|ich\s+bin|ich\s+heiße|heißt|je\s+suis|je\s+m['’]appelle|s['’]appelle|si\s+chiama|mi\s+chiamo|se\s+llama|heet|nazywam\s+się)$/;

/** What stands before the name at `start`: the word behind at most four blanks and marks. */
export function cueBefore(text: string, start: number): Cue {
  let end = start;
  let dot = false;
  while (end > 0 && start - end < 4) {
    const unit = text.charCodeAt(end - 1);
    if (unit === 46) dot = true;
    else if (unit !== 32 && !isCueMark(unit)) break;
    end--;
  }
  let from = end;
  while (
    from > 0 &&
    end - from < 20 &&
    (isWord(text.charCodeAt(from - 1)) || text.charCodeAt(from - 1) === 39 || text.charCodeAt(from - 1) === 0x2019)
  )
    from--;
  if (from === end) return '';
  const word = text.slice(from, end).toLowerCase();
  if (salutations.has(word)) return 'salutation';
  // `is`, `me`, `him`, `her`, `i'm`, `llamo` …: words that mean something only with the one before.
  if (!dot && nameOpeners.has(word) && nameLike.test(before(text, end, 14))) return 'salutation';
  if (streets.has(word) && end === start - (dot ? 2 : 1)) return 'street';
  if (dot) return '';
  if (word === 'name' || word.endsWith('name')) return 'name';
  if (
    labels.has(word) ||
    (word.endsWith('s') && labels.has(word.slice(0, -1))) ||
    (word === 'of' && /(?:behalf|account|profile|mailbox|session|password|identity)\s+of$/.test(before(text, end, 12)))
  )
    return 'label';
  // `the approver is …`
  if (word === 'is' && labels.has(/([a-z]{2,16}) is$/.exec(before(text, end, 20))?.[1] ?? '')) return 'label';
  if (end === start - 2 && text.charCodeAt(end) === 44 && isCapitalAt(text, from)) return 'listed';
  if (text.charCodeAt(end) === 58 && hints.has(word)) return 'label';
  if (end !== start - 1 || text.charCodeAt(end) !== 32) return '';
  // `Apache Cassandra`, `Amazon Polly`: a product's name.
  if (brands.has(word) && isCapitalAt(text, from)) return 'brand';
  if (said.has(word)) return 'said';
  if (word === 'and' && isListed(text, from)) return 'listed';
  if ((word === 'for' || word === 'at') && /\bwork(?:s|ed|ing)?\s+(?:for|at)$/.test(before(text, end, 14))) return 'article';
  if (prose.has(word)) return 'prose';
  return hints.has(word) ? 'hint' : articles.has(word) ? 'article' : places.has(word) ? 'place' : '';
}

function isCapitalAt(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  if (unit < 128) return isCapital(unit);
  const letter = text[at] as string;
  return letter !== letter.toLowerCase();
}

/** Does a capitalised word end before ` and`? */
function isListed(text: string, and: number): boolean {
  let from = and - 1;
  while (from > 0 && and - from < 24 && isWord(text.charCodeAt(from - 1))) from--;
  return from < and - 1 && isCapitalAt(text, from) && text.charCodeAt(from - 2) === 44;
}

function isCueMark(unit: number): boolean {
  return (
    unit === 58 ||
    unit === 61 ||
    unit === 124 ||
    unit === 44 ||
    unit === 59 ||
    unit === 34 ||
    unit === 39 ||
    unit === 40 ||
    unit === 91 ||
    unit === 60 ||
    unit === 45 ||
    unit === 0x201c ||
    unit === 0x2018 ||
    unit === 0x2013 ||
    unit === 0x2014 ||
    unit === 0xff1a ||
    unit === 63
  );
}

/** Cues that stand behind a name: a verb, a genitive, an address. */
const deed =
  /(?:['’]s\b|\s+\(?(?:[a-z]{3,14}ed|is|was|has|had|did|does|will|would|can|could|cannot|may|must|should|wants?|made|set|sent|got|left|ran|read|wrote|began|took|gave|saw|went|came|made|reset|shut|put|cut|logs?|signs?|accesses|access|tried|tries|attempts?|from|via|at|on|as|in|lives?|works?|spent|kept|lost|won|met|knew|thought|felt|found|bought|sold|paid|speaks?|spoke|says?|said|told|thinks?|knows?|needs?|likes?|loves?|hates?|employs?|asked|(?:who|whose|aged?|born)\b)(?![a-z])|\s*[<(]\s*[^\s@<>()]{1,64}@|\s*\((?:user|id|admin|employee|customer|[a-z][\w.-]{2,30})\))/y;

const placeWords = new Set(['from', 'via', 'at', 'on', 'as', 'in']);
const placeWordMax = 4;

/** Is what stands in [start, end), behind blanks and a bracket, a word that a place follows? */
function isPlaceWord(text: string, start: number, end: number): boolean {
  let from = end;
  while (from > start && isSmall(text.charCodeAt(from - 1))) from--;
  return end > from && end - from <= placeWordMax && placeWords.has(text.slice(from, end));
}

export type Deed = 'deed' | 'genitive' | 'place' | '';

/** What stands behind a name that ends at `end`. */
export function deedBehind(text: string, end: number): Deed {
  const unit = text.charCodeAt(end);
  if (unit !== 32 && unit !== 39 && unit !== 0x2019 && unit !== 60 && unit !== 40) return '';
  deed.lastIndex = end;
  if (!deed.test(text)) return '';
  if (isPlaceWord(text, end, deed.lastIndex)) return 'place';
  return unit === 39 || unit === 0x2019 ? 'genitive' : 'deed';
}

const action =
  /\s+(?:(?:will|would|can|could|may|might|must|should)\s+[a-z]{2,14}|[a-z]{3,14}ed|sent|gave|took|made|wrote|read|saw|told)\s+(?:the|a|an|his|her|their|my|your|our|me|us|him|to)\b/y;

/** Does a verb with an object follow (`Crystal will join the call`)? Things do that less often than people. */
export function actsOn(text: string, end: number): boolean {
  action.lastIndex = end;
  return action.test(text);
}

/** Is the word that follows the name at `end` one that makes it a company's, a place's, a street's? */
export function isBodyBehind(text: string, end: number): boolean {
  let from = end;
  if (text.charCodeAt(from) === 44) from++;
  if (text.charCodeAt(from) !== 32) return false;
  from++;
  if (text.charCodeAt(from) === 38 && text.charCodeAt(from + 1) === 32) return true;
  let to = from;
  while (to - from < 20 && to < text.length && isWord(text.charCodeAt(to))) to++;
  // `Lewis Forbes as guardian` is not Forbes AS.
  if (to === from) return false;
  const isUpper = isCapitalAt(text, from);
  return mayBeOneOf(isUpper ? bodySizes : formSizes, text, from, to) && (isUpper ? bodies : companyForms).has(text.slice(from, to).toLowerCase());
}

/** Does a plain word of sentences follow: `Katrine so`, `Alexandra his address`? */
export function isProseBehind(text: string, end: number): boolean {
  const from = end + 1;
  if (text.charCodeAt(end) !== 32) return false;
  let to = from;
  while (to - from < 12 && isWord(text.charCodeAt(to))) to++;
  return to > from && prose.has(text.slice(from, to));
}

const cellOpeners = new Set(Array.from(',;|\'"([\t>“‘', (mark) => mark.charCodeAt(0)));
const cellClosers = new Set(Array.from(',;|\'")]\t<”’', (mark) => mark.charCodeAt(0)));

/** Is what stands there a value of its own: in quotes or brackets, or a cell of a row? */
export function isCell(text: string, start: number, end: number): boolean {
  const opening = text.charCodeAt(start - 1);
  const before = opening === 32 ? text.charCodeAt(start - 2) : opening;
  if (!cellOpeners.has(before) || (opening === 32 && before !== 44 && before !== 59 && before !== 124)) return false;
  const next = text.charCodeAt(end);
  return cellClosers.has(next) || (next === 32 && text.charCodeAt(end + 1) === 124) || isEnd(text, end);
}

function isEnd(text: string, end: number): boolean {
  return end === text.length || text.charCodeAt(end) === 10 || text.charCodeAt(end) === 13;
}

/** Does another capitalised word follow in a list: `Morrison, Rogers and …`? */
export function isListBehind(text: string, end: number): boolean {
  return text.charCodeAt(end) === 44 && text.charCodeAt(end + 1) === 32 && end + 2 < text.length && isCapitalAt(text, end + 2);
}

/** Is the name spoken to or of: `Nicholas!`, `Kelly?`, `, Tom.`, or `Megan:` before what she says? */
export function isAddressed(text: string, start: number, end: number): boolean {
  const next = text.charCodeAt(end);
  if (next === 58 && text.charCodeAt(end + 1) === 32 && isLetter(text.charCodeAt(end + 2))) return true;
  if ((next === 33 || next === 63) && text.charCodeAt(start - 2) === 44) return true;
  // `Leif, can I …`; `leave me Brad, four …`.
  return next === 44 && text.charCodeAt(end + 1) === 32 && /[a-z]/.test(text[end + 2] ?? '');
}
