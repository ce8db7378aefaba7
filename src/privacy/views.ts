/**
 * What a reader will see behind an encoding that replaces single characters: percent-encoding, HTML entities, backslash escapes,
 * full-width and invisible characters. The decoded text comes with the place each of its units came from, so that findings map back
 * to exact spans.
 */
import { defangedMark, defangedPlaces } from './defanged.ts';
import { plainAt } from './look-alikes.ts';
import { encodedWord, mayBeMail, quotedCharacter } from './mail-encodings.ts';
import { has, isDigit, isHex, isLetter, type Survey } from './survey.ts';

export interface View {
  readonly text: string;
  /** Stretches of `text`, ascending, the last at its end, as triples: first unit, the unit of the source it came from, 1 if plain or 0 if decoded. */
  readonly origins: readonly number[];
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  commat: '@',
  period: '.',
  colon: ':',
  num: '#',
  plus: '+',
  lowbar: '_',
  hyphen: '-',
  dash: '-',
  sol: '/',
  comma: ',',
};
const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', "'": "'", '/': '/', '\\': '\\', '.': '.', '@': '@' };

/** How far around an encoded character a value may reach, and how far a cut is moved to spare a word. */
const reach = 160;
const wordReach = 256;

/** The decoded views of the parts of a text around what is encoded in it. One level; linear. */
export function decodeViews(text: string, { flags }: Survey): View[] {
  const places = encodedPlaces(text, flags);
  if (places.length === 0) return [];
  const views: View[] = [];
  for (let i = 0; i < places.length;) {
    const first = i;
    const from = cutBefore(text, (places[i] as number) - reach);
    let to = cutBehind(text, (places[i++] as number) + reach);
    while (i < places.length && (places[i] as number) - reach <= to) to = cutBehind(text, (places[i++] as number) + reach);
    views.push(decode(text, from, to, places, first, i));
    // In `?id=2EG4&#45;TE5` the mark of a mail's quoted byte is none: so what else is encoded is seen without those, too.
    const others = places.slice(first, i).filter((at) => !isQuotedByte(text, at));
    if (others.length > 0 && others.length < i - first) views.push(decode(text, from, to, others, 0, others.length));
  }
  return views;
}

function isQuotedByte(text: string, at: number): boolean {
  return text.charCodeAt(at) === 61 && text.charCodeAt(at + 1) !== 63;
}

/** A cut at `at` or a little before, where no word is divided. */
function cutBefore(text: string, at: number): number {
  let cut = Math.max(0, at);
  while (cut > 0 && at - cut < wordReach && text.charCodeAt(cut - 1) > 32) cut--;
  return cut;
}

function cutBehind(text: string, at: number): number {
  let cut = Math.min(text.length, at);
  while (cut < text.length && cut - at < wordReach && text.charCodeAt(cut) > 32) cut++;
  return cut;
}

/** The view of [from, to), in which something is encoded at the places `first` to `last`, not including that. */
function decode(source: string, from: number, to: number, places: readonly number[], first: number, last: number): View {
  const text = source.slice(from, to);
  const pieces: string[] = [];
  const origins: number[] = [];
  let size = 0;
  let plain = 0;
  const copy = (end: number): void => {
    if (end === plain) return;
    pieces.push(text.slice(plain, end));
    origins.push(size, from + plain, 1);
    size += end - plain;
    plain = end;
  };
  const put = (unit: string, at: number, next: number): void => {
    const start = Math.max(at, plain);
    copy(start);
    pieces.push(unit);
    origins.push(size, from + start, 0);
    size += unit.length;
    plain = next;
  };
  for (let i = first; i < last; i++) {
    const at = (places[i] as number) - from;
    // The second backslash of two is taken in by the first.
    if (at < plain) continue;
    const unit = text.charCodeAt(at);
    if (unit === 37) percent(text, at, put);
    else if (unit === 38) entity(text, at, put);
    else if (unit === 92) escape(text, at, put);
    else if (unit === 61) mailMark(text, at, put);
    else if (unit < 128) bracketed(text, at, put);
    else lookAlike(text, at, put);
  }
  copy(text.length);
  origins.push(size, to, 1);
  return { text: pieces.join(''), origins };
}

/** The unit of the source that unit `at` of the view, or its end, came from. */
export function originOf({ origins }: View, at: number): number {
  let low = 0;
  let high = origins.length / 3 - 1;
  // The last stretch that begins at or before `at`.
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((origins[3 * middle] as number) <= at) low = middle;
    else high = middle - 1;
  }
  return (origins[3 * low + 1] as number) + (at - (origins[3 * low] as number)) * (origins[3 * low + 2] as number);
}

/** The unit of the source behind the one that the last unit before `at` of the view came from. */
export function originEnd({ origins }: View, at: number): number {
  let low = 0;
  let high = origins.length / 3 - 1;
  // The last stretch that begins before `at`.
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((origins[3 * middle] as number) < at) low = middle;
    else high = middle - 1;
  }
  const isPlain = origins[3 * low + 2] === 1;
  // What was decoded is one: a part of it cannot be told from the rest.
  return isPlain ? (origins[3 * low + 1] as number) + at - (origins[3 * low] as number) : (origins[3 * low + 4] as number);
}

/** Where something may be encoded, ascending. */
function encodedPlaces(text: string, flags: number): number[] {
  const places: number[] = [];
  if ((flags & has.percent) !== 0) {
    for (let at = text.indexOf('%'); at >= 0; at = text.indexOf('%', at + 1))
      if (isHex(text.charCodeAt(at + 1)) && isHex(text.charCodeAt(at + 2))) places.push(at);
  }
  if ((flags & has.backslash) !== 0) {
    for (let at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', at + 1)) if ('uxUnrt"\'/\\.@'.includes(text[at + 1] ?? ' ')) places.push(at);
  }
  if ((flags & has.ampersand) !== 0) {
    for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) if (entityEnd(text, at) > 0) places.push(at);
  }
  if ((flags & has.nonAscii) !== 0) {
    for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0xa0 && plainAt(text, i) !== undefined) places.push(i);
  }
  if ((flags & has.mail) !== 0) {
    for (let at = text.indexOf('='); at >= 0; at = text.indexOf('=', at + 1)) if (mayBeMail(text, at)) places.push(at);
  }
  defangedPlaces(text, flags, places);
  return places.sort((a, b) => a - b);
}

type Put = (unit: string, at: number, next: number) => void;

/** A run of %XX as UTF-8; a byte that is none stands for itself (Latin-1). */
function percent(text: string, at: number, put: Put): void {
  const first = hexByte(text, at + 1);
  if (first < 0) return;
  const size = first >= 0xf0 && first < 0xf8 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;
  let point = size === 4 ? first & 7 : size === 3 ? first & 15 : size === 2 ? first & 31 : first;
  let end = at + 3;
  if (size > 1 && first < 0xf8) {
    for (let i = 1; i < size; i++) {
      const more = text.charCodeAt(end) === 37 ? hexByte(text, end + 1) : -1;
      if (more < 0x80 || more > 0xbf) {
        point = first;
        end = at + 3;
        break;
      }
      point = point * 64 + (more & 63);
      end += 3;
    }
  } else point = first;
  put(point > 0x10ffff ? '\ufffd' : String.fromCodePoint(point), at, end);
}

function hexByte(text: string, at: number): number {
  return isHex(text.charCodeAt(at)) && isHex(text.charCodeAt(at + 1)) ? Number.parseInt(text.slice(at, at + 2), 16) : -1;
}

/** `&#64;`, `&#x40;` and the named ones that stand in addresses and names. */
function entity(text: string, at: number, put: Put): void {
  const end = entityEnd(text, at);
  if (end < 0) return;
  const body = text.slice(at + 1, end);
  const point = /^#\d{1,7}$/.test(body) ? Number(body.slice(1)) : /^#[xX][0-9a-fA-F]{1,6}$/.test(body) ? Number.parseInt(body.slice(2), 16) : -1;
  const unit = point >= 0 ? (point <= 0x10ffff ? String.fromCodePoint(point) : undefined) : entities[body.toLowerCase()];
  if (unit !== undefined) put(unit, at, end + 1);
}

/** The semicolon that ends the entity that may begin at `at`, or -1. Looks no further than an entity is long. */
function entityEnd(text: string, at: number): number {
  for (let end = at + 1; end < at + 11; end++) {
    const unit = text.charCodeAt(end);
    if (unit === 59) return end - at < 3 ? -1 : end;
    if (!isLetter(unit) && !isDigit(unit) && unit !== 35) return -1;
  }
  return -1;
}

/** `\u0040`, `\u{40}`, `\x40` and the one-letter escapes. */
function escape(text: string, at: number, put: Put): void {
  const letter = text[at + 1];
  if (letter === 'u' || letter === 'x' || letter === 'U') {
    const match = (letter === 'x' ? /^[0-9a-fA-F]{2}/ : /^(?:[0-9a-fA-F]{4}|\{[0-9a-fA-F]{1,6}\})/).exec(text.slice(at + 2, at + 10));
    if (!match) return;
    const point = Number.parseInt(match[0].replace(/[{}]/g, ''), 16);
    if (point <= 0x10ffff) put(String.fromCodePoint(point), at, at + 2 + match[0].length);
    return;
  }
  const unit = letter === undefined ? undefined : escapes[letter];
  if (unit !== undefined) put(unit, at, at + 2);
}

function lookAlike(text: string, at: number, put: Put): void {
  const plain = plainAt(text, at);
  if (plain !== undefined) put(plain.text, at, at + plain.size);
}

/** An encoded word of a mail's header, or a quoted byte. */
function mailMark(text: string, at: number, put: Put): void {
  const found = text.charCodeAt(at + 1) === 63 ? encodedWord(text, at) : quotedCharacter(text, at);
  if (found) put(found.text, at, found.end);
}

/** `[.]`; with the blanks around it if there is one on either side (`jane [at] example [dot] com`). */
function bracketed(text: string, at: number, put: Put): void {
  const found = defangedMark(text, at);
  if (!found) return;
  const isApart = text.charCodeAt(at - 1) === 32 && text.charCodeAt(found.end) === 32;
  put(found.text, isApart ? at - 1 : at, isApart ? found.end + 1 : found.end);
}
