/**
 * JSON (RFC 8259), strictly: duplicate names and lone surrogates are refused (I-JSON, RFC 7493), depth and size are bounded, and a number
 * that a double cannot hold exactly as written stays a string, with a note. `__proto__` is a name like any other.
 *
 * The usual case is read by `JSON.parse`, where it is proved that nothing was lost: by counting (`json-exact.ts`), or, for numbers that counting
 * does not tell, by printing again: a text that `JSON.stringify` prints unchanged has no duplicate names, no lone surrogates (they would be
 * escaped) and only numbers that round-trip. Everything else takes the parser below, which decides alone what is refused, and why.
 */
import { VeiltrailError } from './errors.ts';
import { compareToText } from './json-exact.ts';
import { limits } from './limits.ts';

export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export interface JsonObject {
  [name: string]: JsonValue;
}

/** What the parser had to change to keep a value exact. */
export interface JsonNote {
  /** RFC 6901 pointer of the value. */
  pointer: string;
  note: 'number_kept_as_string';
}

export interface ParsedJson {
  value: JsonValue;
  notes: JsonNote[];
  /** Known to be what `JSON.stringify` prints of the value. Absent says nothing. */
  printed?: true;
}

export interface JsonLimits {
  depthMax: number;
  nodesMax: number;
}

/**
 * Parses one JSON text.
 * @throws VeiltrailError `json_syntax`, `json_duplicate_name`, `json_lone_surrogate`, `json_too_deep`, `json_too_large`; each names the
 * offset in UTF-16 units and never the content
 */
export function parseJson(text: string, bounds: JsonLimits = limits): ParsedJson {
  return parseUsual(text, bounds) ?? new Parser(text, bounds).parse();
}

/** Sets an own property whatever its name is: plain assignment to `__proto__` would change the prototype instead. */
export function setOwn(object: JsonObject, name: string, value: JsonValue): void {
  if (name === '__proto__') Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
  else object[name] = value;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The usual case; `undefined` where there is any doubt. */
function parseUsual(text: string, bounds: JsonLimits): ParsedJson | undefined {
  // A node takes at least two characters.
  if (text.length > bounds.nodesMax) return undefined;
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    return undefined; // the parser below says where
  }
  const relation = compareToText(value, text, bounds.depthMax);
  if (relation === 'exact') return { value, notes: [] };
  if (relation === 'same' || printsUnchanged(value, text, bounds)) return { value, notes: [], printed: true };
  return undefined;
}

function printsUnchanged(value: JsonValue, text: string, bounds: JsonLimits): boolean {
  // A text with few containers cannot nest deeply.
  return !text.includes('\\ud') && countContainers(text, bounds.depthMax) <= bounds.depthMax && JSON.stringify(value) === text;
}

function countContainers(text: string, enough: number): number {
  let count = 0;
  for (let at = text.indexOf('{'); at >= 0 && count <= enough; at = text.indexOf('{', at + 1)) count++;
  for (let at = text.indexOf('['); at >= 0 && count <= enough; at = text.indexOf('[', at + 1)) count++;
  return count;
}

const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

class Parser {
  readonly #text: string;
  readonly #bounds: JsonLimits;
  readonly #notes: JsonNote[] = [];
  readonly #path: (string | number)[] = [];
  #at = 0;
  #nodes = 0;

  constructor(text: string, bounds: JsonLimits) {
    this.#text = text;
    this.#bounds = bounds;
  }

  parse(): ParsedJson {
    const value = this.#value(0);
    this.#space();
    if (this.#at !== this.#text.length) throw this.#syntax();
    return { value, notes: this.#notes };
  }

  #value(depth: number): JsonValue {
    if (++this.#nodes > this.#bounds.nodesMax) throw this.#error('json_too_large', `more than ${this.#bounds.nodesMax} values`);
    this.#space();
    switch (this.#text.charCodeAt(this.#at)) {
      case 0x7b:
        return this.#object(depth + 1);
      case 0x5b:
        return this.#array(depth + 1);
      case 0x22:
        return this.#string();
      case 0x74:
        return this.#word('true', true);
      case 0x66:
        return this.#word('false', false);
      case 0x6e:
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonObject {
    this.#enter(depth);
    const object: JsonObject = {};
    if (this.#take('}')) return object;
    do {
      this.#space();
      const start = this.#at;
      if (this.#text[this.#at] !== '"') throw this.#syntax();
      const name = this.#string();
      if (Object.hasOwn(object, name)) throw this.#error('json_duplicate_name', 'the same name twice in one object', start);
      this.#space();
      if (this.#text[this.#at++] !== ':') throw this.#syntax(this.#at - 1);
      this.#path.push(name);
      setOwn(object, name, this.#value(depth));
      this.#path.pop();
    } while (this.#take(','));
    if (!this.#take('}')) throw this.#syntax();
    return object;
  }

  #array(depth: number): JsonValue[] {
    this.#enter(depth);
    const array: JsonValue[] = [];
    if (this.#take(']')) return array;
    do {
      this.#path.push(array.length);
      array.push(this.#value(depth));
      this.#path.pop();
    } while (this.#take(','));
    if (!this.#take(']')) throw this.#syntax();
    return array;
  }

  #enter(depth: number): void {
    if (depth > this.#bounds.depthMax) throw this.#error('json_too_deep', `nested deeper than ${this.#bounds.depthMax}`);
    this.#at++;
  }

  #string(): string {
    const start = this.#at;
    const text = this.#text;
    let at = start + 1;
    for (;;) {
      const unit = text.charCodeAt(at);
      if (unit === 0x22) break;
      if (unit === 0x5c) at++;
      else if (!(unit >= 0x20)) throw this.#syntax(Math.min(at, text.length)); // a control character, or the end (NaN)
      at++;
    }
    let value = text.slice(start + 1, at);
    if (value.includes('\\')) {
      try {
        value = JSON.parse(text.slice(start, at + 1)) as string;
      } catch {
        throw this.#syntax(start);
      }
    }
    if (!value.isWellFormed()) throw this.#error('json_lone_surrogate', 'half of a surrogate pair', start);
    this.#at = at + 1;
    return value;
  }

  #number(): number | string {
    numberPattern.lastIndex = this.#at;
    const written = numberPattern.exec(this.#text)?.[0];
    if (written === undefined) throw this.#syntax();
    this.#at += written.length;
    const value = Number(written);
    if (holdsExactly(written, value)) return value === 0 ? 0 : value; // -0 prints as 0 (RFC 8785)
    this.#notes.push({ pointer: this.#pointer(), note: 'number_kept_as_string' });
    return written;
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#syntax();
    this.#at += word.length;
    return value;
  }

  #take(mark: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== mark) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
      this.#at++;
    }
  }

  #pointer(): string {
    return this.#path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  }

  #syntax(offset = this.#at): VeiltrailError {
    return this.#error('json_syntax', 'not JSON', offset);
  }

  #error(code: string, what: string, offset = this.#at): VeiltrailError {
    return new VeiltrailError(code, `${what}, at offset ${offset}`, { offset });
  }
}

/** Whether the double prints as the same decimal number that was written (1.0 and 1, 1e2 and 100 are the same number). */
function holdsExactly(written: string, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  const printed = String(value);
  return printed === written || decimal(printed) === decimal(written);
}

/** A decimal number as `sign digits e exponent`, digits without zeros at either end. */
function decimal(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) as RegExpExecArray;
  const fraction = match[3] ?? '';
  const digits = ((match[2] as string) + fraction).replace(/^0+/, '');
  const trimmed = trimZeros(digits);
  if (trimmed === '') return '0';
  const exponent = Number(match[4] ?? 0) - fraction.length + (digits.length - trimmed.length);
  return `${match[1]}${trimmed}e${exponent}`;
}

/** Without the zeros at the end; a loop, because /0+$/ is quadratic on runs of zeros. */
function trimZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === 0x30) end--;
  return digits.slice(0, end);
}
