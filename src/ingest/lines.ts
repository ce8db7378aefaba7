/**
 * The lines of a body that is UTF-8: found among its bytes, and decoded some at a time. A string of the whole body would be a large object, which
 * costs the engine several times as much for each byte as one of some ten thousand does, and one rare character in it would double all of it.
 */
import { limits } from '../core/limits.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { Piece } from './framing.ts';

/** Lines are decoded together up to about so many bytes. */
const windowBytes = 32_768;
const newline = 0x0a;
const carriageReturn = 0x0d;

export class Lines {
  readonly #body: Buffer;
  /** Start, end (without its CR), number counted from 1: of each line that is not blank. */
  readonly #places: number[] = [];
  readonly count: number;
  /** Decoded lines, and where among them the line `#next` starts: lines are read in order. */
  #text = '';
  #next = 0;
  #nextAt = 0;
  /** The first line that is not decoded. */
  #behind = 0;

  /**
   * Lines end with LF or CRLF or the body; blank ones are skipped, and counted.
   * @param from where the first line starts, behind a byte order mark
   * @throws VeiltrailError `batch_too_large`
   */
  constructor(body: Uint8Array, from: number) {
    this.#body = Buffer.from(body.buffer, body.byteOffset, body.length);
    const places = this.#places;
    let line = 1;
    for (let at = from; at < body.length;) {
      // Byte by byte as long as there is nothing but blank lines, so that many of them cost little.
      const start = at;
      while (isBlank(body[at])) at++;
      if (body[at] === newline) {
        line++;
        at++;
        continue;
      }
      if (at === body.length) break;
      let end = body.indexOf(newline, at);
      if (end < 0) end = body.length;
      if (places.length === 3 * limits.batchEventsMax) {
        throw new VeiltrailError('batch_too_large', `more than ${limits.batchEventsMax} events in one batch`, { eventsMax: limits.batchEventsMax });
      }
      places.push(start, body[end - 1] === carriageReturn ? end - 1 : end, line);
      line++;
      at = end + 1;
    }
    this.count = places.length / 3;
  }

  /** The line at a position, from 0 to `count - 1`. */
  read(position: number): Piece {
    if (position < this.#next || position >= this.#behind) this.#decodeFrom(position);
    while (this.#next < position) this.#take();
    const places = this.#places;
    const start = places[3 * position] as number;
    const end = places[3 * position + 1] as number;
    return { text: this.#take(), bytes: end - start, offset: 0, line: places[3 * position + 2] as number };
  }

  #decodeFrom(position: number): void {
    const places = this.#places;
    const start = places[3 * position] as number;
    let behind = position + 1;
    while (behind < this.count && (places[3 * behind + 1] as number) - start <= windowBytes) behind++;
    this.#text = this.#body.toString('utf8', start, places[3 * behind - 2]);
    this.#next = position;
    this.#behind = behind;
    this.#nextAt = 0;
  }

  /** The next line of the window. Between two lines there are blank ones at the most, of as many units as bytes. */
  #take(): string {
    const places = this.#places;
    const text = this.#text;
    const position = this.#next;
    this.#next++;
    const from = this.#nextAt;
    let end = text.length;
    if (this.#next < this.#behind) {
      end = text.indexOf('\n', from);
      const endByte = places[3 * position + 1] as number;
      const endsWithTwo = this.#body[endByte] === carriageReturn;
      this.#nextAt = end + (places[3 * this.#next] as number) - endByte - (endsWithTwo ? 1 : 0);
      if (endsWithTwo) end--;
    }
    return from === 0 && end === text.length ? text : text.slice(from, end);
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === carriageReturn;
}
