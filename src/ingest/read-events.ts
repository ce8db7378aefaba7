/**
 * Bytes of one request or file → events. Events that are refused one by one become stubs; an error means that the framing itself failed, so
 * that nobody can say where one event ends and the next begins. Time and memory grow linearly with the body, whatever is in it.
 *
 * What becomes of each kind of bad input: docs/reference/bad-input.md.
 */
import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, parseJson } from '../core/json.ts';
import type { JsonObject, JsonValue, ParsedJson } from '../core/json.ts';
import { limits } from '../core/limits.ts';
import { readAnyJson } from './any-json.ts';
import { isCloudTrail, readCloudTrail } from './cloudtrail.ts';
import { arrayPieces, byteCounter, decodeBody, decodeLines, linePieces, skipSpace, startsWithMark, syntaxError, valueEnd } from './framing.ts';
import type { BadLine, Piece } from './framing.ts';
import { laterFormats } from './incoming.ts';
import { Lines } from './lines.ts';
import type { Format, Incoming, IngestNote, StubReason, Unprocessable } from './incoming.ts';
import { isOwnEvent, readOwnEvent } from './own-event.ts';
import { pointerStep } from './moves.ts';

/**
 * Reads a decompressed body.
 *
 * - `json`: one object, or an array of events, or CloudTrail's `{"Records":[…]}`;
 * - `ndjson`: an event a line (LF or CRLF, blank lines skipped, the last may lack its end);
 * - `cloudtrail`: either of the two;
 * - `text`: a message a line;
 * - `auto`: by the content type where it decides (`text/plain` does not where the body starts like JSON), else by the first value.
 *
 * Each object is our own event, `{source, event}` around one, a CloudTrail record, or any JSON object mapped as far as it goes.
 * @throws VeiltrailError `json_syntax` (with `offset`, UTF-16 units behind a byte order mark), `invalid_utf8`, `batch_too_large`,
 * `format_unsupported`
 */
export function readEvents(body: Uint8Array, format: Format, contentType?: string): (Incoming | Unprocessable)[] {
  const events = frameEvents(body, format, contentType);
  return Array.from({ length: events.count }, (_, position) => events.read(position));
}

/** A body whose events are told apart and not yet read. */
export interface FramedEvents {
  count: number;
  /** Reads one; at every call anew. @throws VeiltrailError `json_syntax` where one event puts the whole body in doubt */
  read(position: number): Incoming | Unprocessable;
}

/** As {@link readEvents}, for whoever reads a few at a time: the garbage of thousands is cheap only while it is young. */
export function frameEvents(body: Uint8Array, format: Format, contentType?: string): FramedEvents {
  // Asked from outside, so that a name may arrive here that the type rules out.
  if ((laterFormats as readonly string[]).includes(format)) throw new VeiltrailError('format_unsupported', `the format ${format} is not read yet`);
  const resolved = resolveFormat(format, contentType, body);
  const readPiece = resolved === 'text' ? readTextLine : readJsonPiece;
  const pieces = framePieces(body, resolved);
  return {
    count: pieces.count,
    read(position) {
      const piece = pieces.read(position);
      if ('bad' in piece) return stub(piece.bad, piece);
      return piece.bytes > limits.eventBytesMax ? stub('event_too_large', piece) : readPiece(piece);
    },
  };
}

function resolveFormat(format: Format, contentType: string | undefined, body: Uint8Array): Format {
  if (format !== 'auto') return format;
  switch (contentType?.split(';', 1)[0]?.trim().toLowerCase()) {
    case 'application/json':
      return 'json';
    case 'application/x-ndjson':
    case 'application/ndjson':
    case 'application/jsonl':
    case 'application/x-jsonlines':
      return 'ndjson';
    // What `fetch` says of every string, so it is believed of what does not look like JSON.
    case 'text/plain':
      return /^(?:\xef\xbb\xbf)?\s*(?:\{|\[\s*\{)/.test(Buffer.from(body.subarray(0, 64)).toString('latin1')) ? 'auto' : 'text';
    default:
      return 'auto';
  }
}

/** Pieces that are told apart, each decoded by the time it is read. */
interface Pieces {
  count: number;
  read(position: number): Piece | BadLine;
}

function framePieces(body: Uint8Array, resolved: Format): Pieces {
  if ((resolved === 'ndjson' || resolved === 'text') && isUtf8(body)) return new Lines(body, startsWithMark(body) ? 3 : 0);
  const pieces = decodePieces(body, resolved);
  return { count: pieces.length, read: (position) => pieces[position] as Piece | BadLine };
}

function decodePieces(body: Uint8Array, resolved: Format): (Piece | BadLine)[] {
  const text = decodeBody(body);
  if (text === undefined) {
    if (resolved !== 'ndjson' && resolved !== 'text' && !(resolved !== 'json' && looksLikeLines(body))) {
      throw new VeiltrailError('invalid_utf8', 'the body is not valid UTF-8');
    }
    return decodeLines(body);
  }
  return valuePieces(text, byteCounter(text, body.length), resolved === 'json');
}

/** An array, an object, or unless only `one` may be there, lines. */
function valuePieces(text: string, countBytes: (piece: string) => number, one: boolean): Piece[] {
  const start = skipSpace(text, 0);
  if (start === text.length) {
    if (one) throw syntaxError(start);
    return [];
  }
  if (text[start] === '[') {
    const { pieces, end } = arrayPieces(text, start, countBytes);
    const behind = skipSpace(text, end);
    if (behind === text.length) return pieces;
    // Lines of arrays: no events, and for each to say so.
    if (!one && text.slice(end, behind).includes('\n')) return linePieces(text, countBytes);
    throw syntaxError(behind);
  }
  const records = recordsPieces(text, start, countBytes);
  if (records) return records;
  const end = valueEnd(text, start);
  if (end === start) throw syntaxError(start);
  const behind = end < 0 ? -1 : skipSpace(text, end);
  if (behind === text.length) {
    const piece = text.slice(start, end);
    return [{ text: piece, bytes: countBytes(piece), offset: start }];
  }
  const lines = one ? [] : linePieces(text, countBytes);
  // Without a second line that starts an object, what is wrong is the one object.
  if (lines.length > 1 && (text[start] === '{' || text[start] === '"') && /^[{"[]/.test((lines[1] as Piece).text)) return lines;
  throw syntaxError(end < 0 ? text.length : behind);
}

/** The records of a CloudTrail file, which is one object with one member and may be far larger than an event. */
function recordsPieces(text: string, start: number, countBytes: (piece: string) => number): Piece[] | undefined {
  const opening = /\{[ \n\r\t]*"Records"[ \n\r\t]*:[ \n\r\t]*(?=\[)/y;
  opening.lastIndex = start;
  if (!opening.test(text)) return undefined;
  const { pieces, end } = arrayPieces(text, opening.lastIndex, countBytes);
  const close = skipSpace(text, end);
  return text[close] === '}' && skipSpace(text, close + 1) === text.length ? pieces : undefined;
}

function looksLikeLines(body: Uint8Array): boolean {
  const end = body.indexOf(0x0a);
  return end >= 0 && end < body.length - 1 && body[0] !== 0x5b;
}

function stub(reason: StubReason, piece: Piece | BadLine): Unprocessable {
  const { bytes, line } = piece;
  const contentDigest = hash('sha256', 'bad' in piece ? piece.content : piece.text, 'hex');
  return { stub: { reason, bytes, contentDigest, ...(line === undefined ? {} : { line }) } };
}

function readTextLine(piece: Piece): Incoming {
  return messageOf(piece.text, piece);
}

function messageOf(message: string, { bytes }: Piece): Incoming {
  return { event: { message }, notes: [], bytes, content: JSON.stringify({ message }) };
}

function readJsonPiece(piece: Piece): Incoming | Unprocessable {
  let parsed: ParsedJson;
  try {
    parsed = parseJson(piece.text);
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    // A line that is no JSON is that line's own trouble. Inside an array it puts the whole body in doubt.
    if (error.code === 'json_syntax' && piece.line === undefined) throw syntaxError(piece.offset + Number(error.detail.offset));
    return stub(error.code as StubReason, piece);
  }
  const { value, notes, printed } = parsed;
  if (typeof value === 'string') return messageOf(value, piece);
  if (!isJsonObject(value)) return stub('event_not_object', piece);
  // Before readers change the value, which they may.
  const content = printed ? piece.text : JSON.stringify(value);
  const incoming = readObject(value, notes, piece.bytes);
  incoming.content = content;
  // Small events cannot have large pointers, however they are made.
  if (piece.text.length > pointersCheckedFromLength && !arePointersBounded(incoming.event)) return stub('pointer_too_long', piece);
  return incoming;
}

/** One object, by what it looks like. */
export function readObject(sent: JsonObject, notes: readonly IngestNote[], bytes: number): Incoming {
  if (isOwnEvent(sent)) return readOwnEvent(sent, notes, bytes);
  if (isCloudTrail(sent)) return readCloudTrail(sent, notes, bytes);
  const { source, event: wrapped } = sent;
  if (typeof source !== 'string' || !isJsonObject(wrapped) || Object.keys(sent).length !== 2) return readAnyJson(sent, notes, bytes);
  const inner = readObject(
    wrapped,
    notes.map((note) => ({ ...note, pointer: note.pointer.replace(/^\/event(?=\/)/, '') })),
    bytes,
  );
  return nameSource(inner, source);
}

/** Whoever wrapped the event says where it came from; what the event itself says of that stays under `metadata`. */
function nameSource(incoming: Incoming, source: string): Incoming {
  const { event } = incoming;
  const said = event.source;
  event.source = source;
  if (said === undefined || said === source) return incoming;
  const metadata = isJsonObject(event.metadata) ? event.metadata : {};
  event.metadata = metadata;
  let name = 'source';
  while (Object.hasOwn(metadata, name)) name += '_';
  metadata[name] = said;
  for (const note of incoming.notes) if (note.pointer === '/source') note.pointer = `/metadata/${name}`;
  return incoming;
}

const pointersCheckedFromLength = 4_096;

/**
 * Whether each pointer of an event fits the commitment, and all of them together the memory: a long name above thousands of members would be
 * written once for each.
 */
function arePointersBounded(event: JsonObject): boolean {
  let left: number = limits.pointersBytesMax;
  const walk = (value: JsonValue, pointerBytes: number): boolean => {
    if (typeof value !== 'object' || value === null) {
      left -= pointerBytes;
      return left >= 0;
    }
    for (const name of Object.keys(value)) {
      const below = pointerBytes + Buffer.byteLength(pointerStep(name));
      if (below > limits.pointerBytesMax || !walk((value as JsonObject)[name] as JsonValue, below)) return false;
    }
    return true;
  };
  return walk(event, 0);
}
