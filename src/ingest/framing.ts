/**
 * Where one event ends and the next begins: a single object, an array, CloudTrail's `{"Records":[…]}`, or lines. Each piece is then parsed on
 * its own, so that one event that is refused does not take its neighbours with it.
 *
 * Boundaries are found by counting brackets outside strings: one pass, no stack, whatever the nesting. Whether the brackets match in kind is
 * for the parser of the piece to say.
 */
import { decodeUtf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';

/** One event's text. `offset` is where it stands in the decoded body, in UTF-16 units; `line` counts from 1. */
export interface Piece {
  text: string;
  bytes: number;
  offset: number;
  line?: number;
}

/** A line that is not UTF-8. */
export interface BadLine {
  bad: 'invalid_utf8';
  content: Uint8Array;
  bytes: number;
  line: number;
}

const newline = 0x0a;
const quote = 0x22;
const backslash = 0x5c;

export function syntaxError(offset: number): VeiltrailError {
  return new VeiltrailError('json_syntax', `not JSON, at offset ${offset}`, { offset });
}

/** Adds a piece, within the limit: a body of single digits would otherwise become millions of pieces. */
function add<P extends Piece | BadLine>(pieces: P[], piece: P): void {
  if (pieces.length === limits.batchEventsMax) {
    throw new VeiltrailError('batch_too_large', `more than ${limits.batchEventsMax} events in one batch`, { eventsMax: limits.batchEventsMax });
  }
  pieces.push(piece);
}

/** The text of a body without its byte order mark; `undefined` when it is not UTF-8. */
export function decodeBody(body: Uint8Array): string | undefined {
  try {
    return decodeUtf8(startsWithMark(body) ? body.subarray(3) : body);
  } catch {
    return undefined;
  }
}

export function startsWithMark(body: Uint8Array): boolean {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
}

/** Measures UTF-8 bytes; where the whole body is ASCII a piece's length is its bytes already. */
export function byteCounter(text: string, bodyBytes: number): (piece: string) => number {
  return text.length === bodyBytes ? (piece) => piece.length : (piece) => Buffer.byteLength(piece);
}

/** Index of the first unit at or after `at` that is no JSON white space. */
export function skipSpace(text: string, at: number): number {
  for (;;) {
    const unit = text.charCodeAt(at);
    if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return at;
    at++;
  }
}

/** Index behind the JSON value that starts at `at`, or -1 when the text ends before it does. */
export function valueEnd(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === quote) return stringEnd(text, at);
  if (first !== 0x7b && first !== 0x5b) return scalarEnd(text, at);
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === quote) {
      i = stringEnd(text, i) - 1;
      if (i < 0) return -1;
    } else if (unit === 0x7b || unit === 0x5b) {
      // More is open than there is text left to close it.
      if (++depth >= text.length - i) return -1;
    } else if ((unit === 0x7d || unit === 0x5d) && --depth === 0) return i + 1;
  }
  return -1;
}

function stringEnd(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = end - 1;
    while (text.charCodeAt(slashes) === backslash) slashes--;
    if ((end - 1 - slashes) % 2 === 0) return end + 1;
  }
  return -1;
}

function scalarEnd(text: string, at: number): number {
  let end = at;
  while (end < text.length && !',]} \n\r\t'.includes(text[end] as string)) end++;
  return end;
}

/**
 * The elements of the array that opens at `at`; `end` is the index behind it.
 * @throws VeiltrailError `json_syntax` when it is no array of values with single commas between them, `batch_too_large`
 */
export function arrayPieces(text: string, at: number, countBytes: (piece: string) => number): { pieces: Piece[]; end: number } {
  const pieces: Piece[] = [];
  let next = skipSpace(text, at + 1);
  if (text[next] === ']') return { pieces, end: next + 1 };
  for (;;) {
    const end = valueEnd(text, next);
    if (end < 0) throw syntaxError(text.length);
    if (end === next) throw syntaxError(next);
    const piece = text.slice(next, end);
    add(pieces, { text: piece, bytes: countBytes(piece), offset: next });
    next = skipSpace(text, end);
    if (text[next] === ']') return { pieces, end: next + 1 };
    if (text[next] !== ',') throw syntaxError(next);
    next = skipSpace(text, next + 1);
  }
}

/** Lines, ended by LF or CRLF or the end; blank ones are skipped, and counted. */
export function linePieces(text: string, countBytes: (piece: string) => number): Piece[] {
  const pieces: Piece[] = [];
  let line = 1;
  for (let at = 0; at < text.length; line++) {
    let end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    const behind = text.charCodeAt(end - 1) === 0x0d && end > at ? end - 1 : end;
    if (!isBlank(text, at, behind)) {
      const piece = text.slice(at, behind);
      add(pieces, { text: piece, bytes: countBytes(piece), offset: at, line });
    }
    at = end + 1;
  }
  return pieces;
}

/** Lines of a body that is not UTF-8 as a whole: the lines that are, and the others named. */
export function decodeLines(body: Uint8Array): (Piece | BadLine)[] {
  const pieces: (Piece | BadLine)[] = [];
  let offset = 0;
  let line = 1;
  for (let at = startsWithMark(body) ? 3 : 0; at < body.length; line++) {
    let end = body.indexOf(newline, at);
    if (end < 0) end = body.length;
    const behind = body[end - 1] === 0x0d && end > at ? end - 1 : end;
    const bytes = body.subarray(at, behind);
    at = end + 1;
    let text: string;
    try {
      text = decodeUtf8(bytes);
    } catch {
      add(pieces, { bad: 'invalid_utf8', content: bytes, bytes: bytes.length, line });
      continue;
    }
    if (!isBlank(text, 0, text.length)) add(pieces, { text, bytes: bytes.length, offset, line });
    offset += text.length + 1;
  }
  return pieces;
}

function isBlank(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const unit = text.charCodeAt(at);
    if (unit !== 0x20 && unit !== 0x09 && unit !== 0x0d) return false;
  }
  return true;
}
