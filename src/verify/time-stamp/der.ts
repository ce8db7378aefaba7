/**
 * DER (X.690), as far as certificates and time stamps need it. Strict: definite lengths in their shortest form, tags of one byte, nothing behind the end.
 * Values are read when they are asked for, so nothing here is recursive, and the cost is linear.
 */
import { VeiltrailError } from '../../core/errors.ts';

/** Tags, with the bit for "constructed" where it belongs. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Of `[number]`, constructed. */
export function contextTag(number: number): number {
  return 0xa0 | number;
}

export interface Der {
  readonly tag: number;
  /** Tag, length and content. */
  readonly bytes: Uint8Array;
  readonly content: Uint8Array;
}

/** One value, and nothing behind it. @throws VeiltrailError `time_stamp_syntax` */
export function readDer(bytes: Uint8Array): Der {
  const { value, end } = readAt(bytes, 0);
  if (end !== bytes.length) throw badDer();
  return value;
}

/** The values in a constructed one, of which there are `max` at the most. @throws VeiltrailError `time_stamp_syntax` */
export function childrenOf(der: Der, tag: number, max = 64): Der[] {
  const content = contentOf(der, tag);
  const children: Der[] = [];
  for (let at = 0; at < content.length;) {
    if (children.length === max) throw badDer();
    const { value, end } = readAt(content, at);
    children.push(value);
    at = end;
  }
  return children;
}

/** @throws VeiltrailError `time_stamp_syntax` where there is none, or one of another tag */
export function contentOf(der: Der | undefined, tag: number): Uint8Array {
  if (der?.tag !== tag) throw badDer();
  return der.content;
}

/** Takes values of a sequence one after the other. */
export class DerSequence {
  readonly #values: readonly Der[];
  #at = 0;

  constructor(der: Der | undefined, tag: number = tags.sequence) {
    if (!der) throw badDer();
    this.#values = childrenOf(der, tag);
  }

  /** @throws VeiltrailError `time_stamp_syntax` where the next one has another tag */
  take(tag: number): Der {
    const next = this.#values[this.#at];
    if (next?.tag !== tag) throw badDer();
    this.#at++;
    return next;
  }

  /** Undefined where the next one has another tag. */
  maybe(tag: number): Der | undefined {
    return this.#values[this.#at]?.tag === tag ? this.#values[this.#at++] : undefined;
  }

  any(): Der {
    const next = this.#values[this.#at++];
    if (!next) throw badDer();
    return next;
  }

  /** @throws VeiltrailError `time_stamp_syntax` where something is left */
  end(): void {
    if (this.#at !== this.#values.length) throw badDer();
  }
}

/** Dotted. @throws VeiltrailError `time_stamp_syntax` */
export function oidOf(der: Der | undefined): string {
  const content = contentOf(der, tags.oid);
  if (content.length === 0 || content.length > 32 || (content.at(-1) as number) >= 0x80) throw badDer();
  const arcs: number[] = [];
  let arc = 0;
  let begins = true;
  for (const byte of content) {
    if ((begins && byte === 0x80) || arc > 2 ** 44) throw badDer();
    arc = arc * 128 + (byte & 0x7f);
    begins = byte < 0x80;
    if (!begins) continue;
    if (arcs.length === 0) {
      const first = Math.min(2, Math.floor(arc / 40));
      arcs.push(first, arc - 40 * first);
    } else arcs.push(arc);
    arc = 0;
  }
  return arcs.join('.');
}

/** The bytes of an integer that is not negative, without the byte that only says so. @throws VeiltrailError `time_stamp_syntax` */
export function naturalOf(der: Der | undefined): Uint8Array {
  const content = contentOf(der, tags.integer);
  const [first, second = 0] = content;
  if (first === undefined || first >= 0x80 || (first === 0 && content.length > 1 && second < 0x80)) throw badDer();
  return first === 0 && content.length > 1 ? content.subarray(1) : content;
}

/** Below 2³¹. @throws VeiltrailError `time_stamp_syntax` */
export function numberOf(der: Der | undefined): number {
  const bytes = naturalOf(der);
  if (bytes.length > 4) throw badDer();
  return bytes.reduce((number, byte) => number * 256 + byte, 0);
}

/** @throws VeiltrailError `time_stamp_syntax` */
export function booleanOf(der: Der | undefined): boolean {
  const [byte, ...more] = contentOf(der, tags.boolean);
  if (more.length > 0 || (byte !== 0 && byte !== 0xff)) throw badDer();
  return byte === 0xff;
}

/** Of a bit string that is a number of whole bytes. @throws VeiltrailError `time_stamp_syntax` */
export function bitsOf(der: Der | undefined): Uint8Array {
  const content = contentOf(der, tags.bitString);
  if (content[0] !== 0) throw badDer();
  return content.subarray(1);
}

/** Milliseconds since 1970 of a UTCTime or a GeneralizedTime, in UTC. @throws VeiltrailError `time_stamp_syntax` */
export function timeOf(der: Der | undefined): number {
  if (!der || (der.tag !== tags.utcTime && der.tag !== tags.generalizedTime)) throw badDer();
  const text = String.fromCharCode(...der.content.subarray(0, 32));
  const short = der.tag === tags.utcTime;
  const match = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\.\d{0,9}[1-9])?Z$/.exec(text);
  if (!match || match[1]?.length !== (short ? 2 : 4) || (short && match[7] !== undefined)) throw badDer();
  const [, year = '', month, day, hour, minute, second, fraction = ''] = match;
  const century = year.length === 4 ? '' : Number(year) < 50 ? '20' : '19';
  const written = `${century}${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const date = new Date(`${written}Z`);
  // No 30th of February, no 25th hour.
  if (Number.isNaN(date.getTime()) || !date.toISOString().startsWith(written)) throw badDer();
  return date.getTime() + Math.floor(1_000 * Number(`0${fraction}`));
}

function readAt(bytes: Uint8Array, at: number): { value: Der; end: number } {
  const tag = bytes[at];
  let length = bytes[at + 1];
  if (tag === undefined || length === undefined || (tag & 0x1f) === 0x1f) throw badDer();
  let from = at + 2;
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (count === 0 || count > 4 || from + count > bytes.length) throw badDer();
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[from++] as number);
    if (length < 0x80 || length < 256 ** (count - 1)) throw badDer();
  }
  const end = from + length;
  if (end > bytes.length) throw badDer();
  return { value: { tag, bytes: bytes.subarray(at, end), content: bytes.subarray(from, end) }, end };
}

export function badDer(): VeiltrailError {
  return new VeiltrailError('time_stamp_syntax', 'not a time stamp: it cannot be read');
}
