/**
 * A growing buffer that RFC 8785 JSON is written to, as UTF-8, without a string in between where the value is plain: strings that need no escaping,
 * integers, and lists and objects of those whose names are in order. Everything else takes the way of `canonical-json.ts`, which says what is right.
 */
import { canonicalJson } from '../core/canonical-json.ts';
import type { JsonValue } from '../core/json.ts';

const encoder = new TextEncoder();
const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
/** Up to here a loop over the units is faster than the encoder. */
const loopUnitsMax = 32;

export class CanonicalBytes {
  bytes = new Uint8Array(131_072);
  end = 0;

  /** A field as it is packed: its pointer as given, then uint32be(length) ‖ value. */
  writeField(pointer: Uint8Array, value: JsonValue): void {
    this.reserve(pointer.length + 4);
    const { bytes } = this;
    let at = this.end;
    for (let i = 0; i < pointer.length; i++) bytes[at++] = pointer[i] as number;
    this.end = at + 4;
    if (!this.#writePlain(value)) {
      this.end = at + 4;
      this.#writeText(canonicalJson(value));
    }
    const behind = this.end;
    this.end = at;
    this.writeUint32(behind - at - 4);
    this.end = behind;
  }

  /** Room must be reserved. */
  writeUint32(value: number): void {
    const { bytes, end } = this;
    bytes[end] = value >>> 24;
    bytes[end + 1] = (value >>> 16) & 0xff;
    bytes[end + 2] = (value >>> 8) & 0xff;
    bytes[end + 3] = value & 0xff;
    this.end = end + 4;
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
    let at = this.end;
    bytes[at++] = quote;
    for (let i = 0; i < units; i++) {
      const unit = value.charCodeAt(i);
      if (unit < 0x20 || unit > 0x7e || unit === quote || unit === backslash) return false;
      bytes[at++] = unit;
    }
    bytes[at++] = quote;
    this.end = at;
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
