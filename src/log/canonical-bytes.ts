/**
 * A growing buffer that RFC 8785 JSON is written to, as UTF-8, without a string in between where the value is plain: strings that need no escaping,
 * integers, and lists and objects of those whose names are in order. Everything else takes the way of `canonical-json.ts`, which says what is right.
 */
import { canonicalJson } from '../core/canonical-json.ts';
import { isJsonObject, type JsonValue } from '../core/json.ts';

const encoder = new TextEncoder();
const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
/** Up to here a loop over the units is faster than the encoder. */
const loopUnitsMax = 32;

const bytesAtFirst = 131_072;
/** A buffer that has grown beyond this is not kept: a rare large batch must not hold its memory for ever. */
const bytesKeptMax = 4_194_304;

/** 1 for each UTF-16 unit that stands for itself in a JSON string, and for one byte in UTF-8. */
const isPlain = Uint8Array.from({ length: 128 }, (_, unit) => (unit >= 0x20 && unit < 0x7f && unit !== quote && unit !== backslash ? 1 : 0));

export class CanonicalBytes {
  bytes = new Uint8Array(bytesAtFirst);
  end = 0;
  /** The list of objects that was written last, and where: events of one kind have the same done to them, and that is such a list. */
  #list: readonly JsonValue[] = [];
  #listAt = 0;
  #listBytes = 0;

  /** A field as it is packed: its pointer as given, then uint32be(length) ‖ value. */
  writeField(pointer: Uint8Array, value: JsonValue): void {
    const pointerBytes = pointer.length;
    this.reserve(pointerBytes + 4);
    const { bytes, end } = this;
    for (let i = 0; i < pointerBytes; i++) bytes[end + i] = pointer[i] as number;
    const lengthAt = end + pointerBytes;
    this.end = lengthAt + 4;
    if (Array.isArray(value) && isSameList(value, this.#list)) {
      this.reserve(this.#listBytes);
      this.bytes.copyWithin(this.end, this.#listAt, this.#listAt + this.#listBytes);
      this.end += this.#listBytes;
    } else if (!this.#writePlain(value)) {
      this.end = lengthAt + 4;
      this.#writeText(canonicalJson(value));
    }
    if (Array.isArray(value) && isJsonObject(value[0])) {
      this.#list = value;
      this.#listAt = lengthAt + 4;
      this.#listBytes = this.end - this.#listAt;
    }
    writeUint32(this.bytes, lengthAt, this.end - lengthAt - 4);
  }

  clear(): void {
    if (this.bytes.length > bytesKeptMax) this.bytes = new Uint8Array(bytesAtFirst);
    this.truncate(0);
  }

  /** Forgets what was written from `end` on. */
  truncate(end: number): void {
    if (end < this.#listAt + this.#listBytes) this.#list = [];
    this.end = end;
  }

  /** Room must be reserved. */
  writeUint32(value: number): void {
    writeUint32(this.bytes, this.end, value);
    this.end += 4;
  }

  reserve(length: number): void {
    if (this.end + length <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.end + length, 2 * this.bytes.length));
    grown.set(this.bytes.subarray(0, this.end));
    this.bytes = grown;
  }

  /** Writes a plain value; false when it is not plain, and anything may have been written then. */
  #writePlain(value: JsonValue): boolean {
    if (typeof value === 'string') return this.#writeString(value);
    if (typeof value === 'number') {
      if (!Number.isInteger(value) || Object.is(value, -0)) return false;
      this.#writeText(String(value));
      return true;
    }
    if (value === null || typeof value === 'boolean') {
      this.#writeText(String(value));
      return true;
    }
    if (typeof value !== 'object') return false;
    return Array.isArray(value) ? this.#writeList(value) : this.#writeObject(value);
  }

  #writeList(list: readonly JsonValue[]): boolean {
    this.#writeUnit(0x5b);
    for (let i = 0; i < list.length; i++) {
      if (i > 0) this.#writeUnit(comma);
      if (!this.#writePlain(list[i] as JsonValue)) return false;
    }
    this.#writeUnit(0x5d);
    return true;
  }

  #writeObject(object: Readonly<Record<string, JsonValue>>): boolean {
    this.#writeUnit(0x7b);
    let before: string | undefined;
    for (const name in object) {
      if (before !== undefined) {
        if (name < before) return false;
        this.#writeUnit(comma);
      }
      before = name;
      if (!this.#writeString(name)) return false;
      this.#writeUnit(colon);
      if (!this.#writePlain(object[name] as JsonValue)) return false;
    }
    this.#writeUnit(0x7d);
    return true;
  }

  /** A string whose JSON is its characters between quotes. */
  #writeString(value: string): boolean {
    const units = value.length;
    this.reserve(units + 2);
    const { bytes } = this;
    const at = this.end + 1;
    bytes[at - 1] = quote;
    for (let i = 0; i < units; i++) {
      const unit = value.charCodeAt(i);
      if (isPlain[unit] !== 1) return false;
      bytes[at + i] = unit;
    }
    bytes[at + units] = quote;
    this.end = at + units + 1;
    return true;
  }

  #writeUnit(unit: number): void {
    this.reserve(1);
    this.bytes[this.end] = unit;
    this.end++;
  }

  #writeText(text: string): void {
    this.reserve(3 * text.length);
    const { bytes, end } = this;
    if (text.length > loopUnitsMax || /[^\u0020-\u007e]/.test(text)) {
      this.end += encoder.encodeInto(text, bytes.subarray(end)).written;
      return;
    }
    for (let i = 0; i < text.length; i++) bytes[end + i] = text.charCodeAt(i);
    this.end += text.length;
  }
}

/**
 * Whether two lists hold objects with the same scalars under the same names: then their JSON is the same. Never of what is the very same list or
 * object: it may have been changed since it was written.
 */
function isSameList(list: readonly JsonValue[], other: readonly JsonValue[]): boolean {
  if (list === other || list.length !== other.length || list.length === 0) return false;
  for (let i = 0; i < list.length; i++) {
    const [one, two] = [list[i], other[i]];
    if (one === two || !isJsonObject(one) || !isJsonObject(two)) return false;
    let names = 0;
    for (const name in one) {
      const value = one[name];
      if (typeof value === 'object' || value !== two[name]) return false;
      names++;
    }
    for (const _ in two) names--;
    if (names !== 0) return false;
  }
  return true;
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
