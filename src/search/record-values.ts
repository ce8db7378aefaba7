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
  if (packed.length < headerBytes || packed[0] !== packedForm) throw bad();
  const record = new RecordText(packed);
  for (let at = headerBytes; at < packed.length;) {
    const pointerEnd = record.pointerEnd(at);
    const end = record.valueEnd(pointerEnd);
    const first = packed[pointerEnd + 4] as number;
    if (first !== 0x7b) {
      const pointer = record.text(at + 2, pointerEnd);
      if (!isNumeric(first) || !record.isLength(pointer, end)) take(pointer, record.text(pointerEnd + 4, end));
    }
    at = end;
  }
}

function isNumeric(first: number): boolean {
  return first >= 0x30 && first <= 0x39;
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
  /** Where the next byte beyond ASCII is, seen from the last place asked for: one look at each byte tells which slices need decoding. */
  #beyondAscii = -1;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#latin1 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  }

  pointerEnd(at: number): number {
    const bytes = this.#bytes;
    const end = at + 2 + (((bytes[at] as number) << 8) | (bytes[at + 1] as number));
    if (!(end + 4 < bytes.length)) throw bad();
    return end;
  }

  valueEnd(at: number): number {
    const bytes = this.#bytes;
    const length =
      (bytes[at] as number) * 0x100_0000 + (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
    if (at + 4 + length > bytes.length) throw bad();
    return at + 4 + length;
  }

  text(from: number, to: number): string {
    if (this.#beyondAscii < from) this.#beyondAscii = this.#nextBeyondAscii(from);
    return to <= this.#beyondAscii ? this.#latin1.slice(from, to) : decodeUtf8(this.#bytes.subarray(from, to));
  }

  #nextBeyondAscii(from: number): number {
    const bytes = this.#bytes;
    let at = from;
    while (at < bytes.length && (bytes[at] as number) < 0x80) at++;
    return at;
  }

  /** Whether the field of `pointer`, which ends at `at`, is an array's length: its elements follow. */
  isLength(pointer: string, at: number): boolean {
    for (let next = at, i = 0; next < this.#bytes.length && i < lookAheadMax; i++) {
      const pointerEnd = this.pointerEnd(next);
      const other = decodeUtf8(this.#bytes.subarray(next + 2, pointerEnd));
      if (!other.startsWith(pointer)) return false;
      if (other[pointer.length] === '/') return true;
      next = this.valueEnd(pointerEnd);
    }
    return false;
  }
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

function parsePath(pointer: string): ValuePath {
  const steps = pointer.slice(1).split('/');
  const dotted = withoutPositions(steps.map((step) => fold(step.replaceAll('~1', '/').replaceAll('~0', '~'))).join('.'));
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
