/**
 * The values of a record that can be searched for, read straight from its packed bytes. Both the index and the comparison of a record with
 * a query see a record through this and through nothing else, so they cannot disagree.
 *
 * - A value stands under a dotted path: the steps of its pointer, folded, those that are numbers (positions in arrays) left out.
 * - Strings and numbers are texts, with words; `true`, `false` and `null` have none. An array of scalars is a value an element.
 * - The length of an array, and empty containers, are no values.
 * - Of `/privacy/applied` the kinds and the transforms can be searched for, as `privacy.applied.kind` and `privacy.applied.transform`.
 */
import { decodeUtf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { seedBytes } from '../log/commitment.ts';
import { packedForm } from '../log/packed-record.ts';
import { wholePointer } from '../log/record.ts';
import { fold } from './words.ts';

/** Where values stand. */
export interface ValuePath {
  readonly pointer: string;
  /** Folded steps joined by dots. */
  readonly dotted: string;
  /** What follows the last dot. */
  readonly name: string;
}

/**
 * Takes one value.
 * @param text folded
 * @param hasWords false for values that only `field:value` finds
 */
export type TakeValue = (path: ValuePath, text: string, hasWords: boolean) => void;

const headerBytes = 1 + seedBytes + 4;
/** Fields that may stand between an array's length and its first element, their pointers being the array's and a character before `/`. */
const lookAheadMax = 16;

/**
 * Gives every searchable value of a packed record.
 * @throws VeiltrailError `bad_record`
 */
export function eachValue(packed: Uint8Array, take: TakeValue): void {
  eachField(packed, (pointer, json) => eachValueOf(pointer, json, take));
}

/**
 * Gives the fields of a packed record that have searchable values, with the canonical JSON of each. What the values of a field are follows
 * from its pointer and its JSON alone.
 * @throws VeiltrailError `bad_record`
 */
export function eachField(packed: Uint8Array, take: (pointer: string, json: string) => void): void {
  const record = new RecordText(packed);
  eachFieldAt(packed, (pointerAt, pointerEnd, jsonAt, end) => take(record.text(pointerAt, pointerEnd), record.text(jsonAt, end)));
}

/** The same by offsets: of the pointer, and of the JSON. @throws VeiltrailError `bad_record` */
export function eachFieldAt(packed: Uint8Array, take: (pointerAt: number, pointerEnd: number, jsonAt: number, end: number) => void): void {
  if (packed.length < headerBytes || packed[0] !== packedForm) throw bad();
  for (let at = headerBytes; at < packed.length;) {
    const pointerEnd = endOfPointer(packed, at);
    const end = endOfValue(packed, pointerEnd);
    const first = packed[pointerEnd + 4] as number;
    if (first !== 0x7b && !(isNumeric(first) && isLength(packed, at + 2, pointerEnd, end))) take(at + 2, pointerEnd, pointerEnd + 4, end);
    at = end;
  }
}

function endOfPointer(packed: Uint8Array, at: number): number {
  const end = at + 2 + (((packed[at] as number) << 8) | (packed[at + 1] as number));
  if (!(end + 4 < packed.length)) throw bad();
  return end;
}

function endOfValue(packed: Uint8Array, at: number): number {
  const length =
    (packed[at] as number) * 0x100_0000 + (((packed[at + 1] as number) << 16) | ((packed[at + 2] as number) << 8) | (packed[at + 3] as number));
  if (at + 4 + length > packed.length) throw bad();
  return at + 4 + length;
}

/** Whether the field of a pointer, which ends at `end`, is an array's length: its elements follow. */
function isLength(packed: Uint8Array, pointerAt: number, pointerEnd: number, end: number): boolean {
  for (let next = end, i = 0; next < packed.length && i < lookAheadMax; i++) {
    const otherEnd = endOfPointer(packed, next);
    const behind = next + 2 + pointerEnd - pointerAt;
    if (behind > otherEnd) return false;
    for (let a = pointerAt, b = next + 2; a < pointerEnd; a++, b++) if (packed[a] !== packed[b]) return false;
    if (behind < otherEnd && packed[behind] === 0x2f) return true;
    next = endOfValue(packed, otherEnd);
  }
  return false;
}

function isNumeric(first: number): boolean {
  return first >= 0x30 && first <= 0x39;
}

/** The values of a field as {@link eachValueOf} gives them, straight from its bytes where it is a string of ASCII. */
export function eachValueAt(pointer: string, packed: Uint8Array, jsonAt: number, end: number, take: TakeValue): void {
  const text = pointer === wholePointer || packed[jsonAt] !== 0x22 ? undefined : foldedAscii(packed, jsonAt + 1, end - 1);
  if (text === undefined) eachValueOf(pointer, textOf(packed, jsonAt, end), take);
  else take(pathOf(pointer), text, pointer !== policyPointer);
}

const foldedRoom = new Uint8Array(1_024);
const foldedUnits = Uint8Array.from({ length: 128 }, (_, unit) => String.fromCharCode(unit).toLowerCase().charCodeAt(0));

/** What `fold` makes of bytes of ASCII with nothing escaped in them; `undefined` for others. */
function foldedAscii(bytes: Uint8Array, from: number, to: number): string | undefined {
  const length = to - from;
  if (length > foldedRoom.length) return undefined;
  for (let i = 0; i < length; i++) {
    const byte = bytes[from + i] as number;
    if (byte > 0x7f || byte === 0x5c) return undefined;
    foldedRoom[i] = foldedUnits[byte] as number;
  }
  return latin1Of(foldedRoom, 0, length);
}

/** Gives the values of one field. @throws VeiltrailError `bad_record` */
export function eachValueOf(pointer: string, json: string, take: TakeValue): void {
  if (pointer === wholePointer) return takeApplied(json, take);
  const path = pathOf(pointer);
  switch (json[0]) {
    case '"':
      return take(path, fold(unquote(json)), pointer !== policyPointer);
    case '[':
      for (const element of parse(json) as unknown[]) takeElement(path, element, take);
      return;
    case 't': // true, false, null
    case 'f':
    case 'n':
      return take(path, json, false);
    default:
      return take(path, json, true);
  }
}

/** The bytes of a record, and the same as a string of one character a byte: slices of that are cheaper than decoding each field. */
class RecordText {
  readonly #bytes: Uint8Array;
  readonly #latin1: string;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#latin1 = latin1Of(bytes, 0, bytes.length);
  }

  text(from: number, to: number): string {
    return isAscii(this.#bytes, from, to) ? this.#latin1.slice(from, to) : decodeUtf8(this.#bytes.subarray(from, to));
  }
}

/** The text of some bytes of a record. */
export function textOf(packed: Uint8Array, from: number, to: number): string {
  return isAscii(packed, from, to) ? latin1Of(packed, from, to) : decodeUtf8(packed.subarray(from, to));
}

function isAscii(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if ((bytes[at] as number) > 0x7f) return false;
  return true;
}

/** A string of one character a byte. */
export function latin1Of(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.prototype.latin1Slice.call(bytes, from, to);
}

/** Every record of a time bears the same one: a word of it would find them all. */
const policyPointer = '/privacy/policy';

function takeElement(path: ValuePath, element: unknown, take: TakeValue): void {
  if (typeof element === 'string') take(path, fold(element), true);
  else if (typeof element === 'number') take(path, String(element), true);
  else if (typeof element === 'boolean' || element === null) take(path, String(element), false);
}

/** The string behind its JSON. Canonical JSON escapes only what it must, so nearly every string is what stands between the quotes. */
function unquote(json: string): string {
  return json.includes('\\') ? (parse(json) as string) : json.slice(1, -1);
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw bad();
  }
}

const kindPath: ValuePath = { pointer: wholePointer, dotted: 'privacy.applied.kind', name: 'kind' };
const transformPath: ValuePath = { pointer: wholePointer, dotted: 'privacy.applied.transform', name: 'transform' };
// Within a JSON string every quote is escaped, so these match members only.
const appliedMember = /"(kind|transform)":"([^"\\]*)"/g;

function takeApplied(json: string, take: TakeValue): void {
  for (const [, member, value] of json.matchAll(appliedMember)) take(member === 'kind' ? kindPath : transformPath, fold(value as string), false);
}

const pathsMax = 16_384;
const paths = new Map<string, ValuePath>();

function pathOf(pointer: string): ValuePath {
  let path = paths.get(pointer);
  if (path === undefined) {
    // Object keys may be anything: forgetting all of them at once bounds what a sender can make us remember.
    if (paths.size >= pathsMax) paths.clear();
    path = parsePath(ownedText(pointer));
    paths.set(path.pointer, path);
  }
  return path;
}

/** A copy that does not keep the whole record in memory, as a slice of its text does. */
export function ownedText(text: string): string {
  return Buffer.from(text).toString();
}

/** A pointer as queries write it: folded steps joined by dots, without positions in arrays. */
export function dottedOf(pointer: string): string {
  const steps = pointer.slice(1).split('/');
  return withoutPositions(steps.map((step) => fold(step.replaceAll('~1', '/').replaceAll('~0', '~'))).join('.'));
}

function parsePath(pointer: string): ValuePath {
  const dotted = dottedOf(pointer);
  return { pointer, dotted, name: dotted.slice(dotted.lastIndexOf('.') + 1) };
}

/** A dotted path without the steps that are numbers. */
export function withoutPositions(dotted: string): string {
  return /\d/.test(dotted)
    ? dotted
        .split('.')
        .filter((step) => !/^\d+$/.test(step))
        .join('.')
    : dotted;
}

function bad(): VeiltrailError {
  return new VeiltrailError('bad_record', 'not a packed record: unknown form, cut short, or not JSON');
}
