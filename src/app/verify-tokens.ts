/**
 * Tokens in records against the vault. A record may hold anything that looks like a token, because senders may write such things; what
 * counts is the places in which the policy put one.
 */
import { VeiltrailError } from '../core/errors.ts';
import { openRecord } from '../log/open-record.ts';
import { wholePointer } from '../log/record.ts';
import type { TokenSet } from './token-set.ts';

const tokenPattern = /tok_[A-Za-z0-9_-]{27}/g;
const prefixBytes = 4;
/** What is looked for of `tok_`: most texts have fewer of it than of the letter in front. */
const prefixEnd = Buffer.from('k_');
const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const digitCount = 27;
const noDigit = 0xff;
const digitOf = new Uint8Array(256).fill(noDigit);
for (let i = 0; i < digits.length; i++) digitOf[digits.charCodeAt(i)] = i;

export interface KnownTokens {
  /** Tokens that the vault has; not necessarily all of them. */
  atHand?: TokenSet;
  /** Whether the vault has a row for this token. */
  hasToken(token: string): Promise<boolean>;
}

/** Asks the vault about each token that is not at hand once, within bounds. */
export class TokenCheck {
  static readonly #knownMax = 100_000;
  readonly #tokens: KnownTokens;
  readonly #words = new Uint32Array(5);
  #known = new Set<string>();
  checked = 0;

  constructor(tokens: KnownTokens) {
    this.#tokens = tokens;
  }

  /**
   * Records in which something looks like a token and is none of those at hand: nearly always none of them, which the bytes tell without
   * being taken apart.
   * @param offsets where each record begins in `records`, and where the last one ends
   * @param from,end the records to look at: places in `offsets`
   */
  recordsToAsk(records: Uint8Array, offsets: Uint32Array, from: number, end: number): number[] {
    const bytes = Buffer.from(records.buffer, records.byteOffset, offsets[end] as number);
    const asked: number[] = [];
    let record = from;
    for (let at = prefixFrom(bytes, offsets[from] as number); at >= 0; at = prefixFrom(bytes, at + prefixBytes)) {
      while ((offsets[record + 1] as number) <= at) record++;
      if (at + prefixBytes + digitCount > (offsets[record + 1] as number) || !this.#readToken(bytes, at + prefixBytes)) continue;
      this.checked++;
      if (this.#tokens.atHand?.has(this.#words) || asked.at(-1) === record) continue;
      asked.push(record);
    }
    return asked;
  }

  /** Reads a token's digits into the words of its 20 bytes; false for what no token has. */
  #readToken(bytes: Uint8Array, at: number): boolean {
    const words = this.#words.fill(0);
    for (let i = 0, bit = 0; i < digitCount; i++, bit += 6) {
      const digit = digitOf[bytes[at + i] as number] as number;
      if (digit === noDigit) return false;
      const word = bit >> 5;
      const room = 26 - (bit & 31);
      if (room >= 0) words[word] = (words[word] as number) | (digit << room);
      else {
        words[word] = (words[word] as number) | (digit >>> -room);
        if (word < 4) words[word + 1] = digit << (32 + room);
        else if ((digit & 3) !== 0) return false; // 27 digits have 162 bits; the last two are zero
      }
    }
    return true;
  }

  /** Tokens that the policy put into the record and the vault does not have: at each of its places, one must be known. */
  async missing(packed: Uint8Array): Promise<string[]> {
    return (await this.#areAllKnown(packed)) ? [] : this.#missingAtPlaces(packed);
  }

  async #areAllKnown(packed: Uint8Array): Promise<boolean> {
    const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
    for (let at = prefixFrom(bytes, 0); at >= 0; at = prefixFrom(bytes, at + prefixBytes)) {
      const digitsAt = at + prefixBytes;
      if (digitsAt + digitCount > bytes.length || !this.#readToken(bytes, digitsAt) || this.#tokens.atHand?.has(this.#words)) continue;
      if (!(await this.#isKnown(bytes.toString('latin1', at, digitsAt + digitCount)))) return false;
    }
    return true;
  }

  async #missingAtPlaces(packed: Uint8Array): Promise<string[]> {
    const { fields, redacted } = openRecord(packed);
    // Where that was redacted, nobody can tell a token from what a sender wrote.
    if (redacted?.some(({ pointer }) => pointer === wholePointer)) return [];
    const places = tokenizedPlaces(fields.find(({ pointer }) => pointer === wholePointer)?.value);
    const missing: string[] = [];
    for (const { pointer, value } of fields) {
      if (!places.has(pointer)) continue;
      const tokens = `${pointer} ${value}`.match(tokenPattern) ?? [];
      if (tokens.length > 0 && !(await this.#isAnyKnown(tokens))) missing.push(tokens[0] as string);
    }
    return missing;
  }

  async #isAnyKnown(tokens: readonly string[]): Promise<boolean> {
    for (const token of tokens) if (await this.#isKnown(token)) return true;
    return false;
  }

  async #isKnown(token: string): Promise<boolean> {
    if (this.#known.has(token)) return true;
    if (!(await this.#tokens.hasToken(token))) return false;
    if (this.#known.size >= TokenCheck.#knownMax) this.#known = new Set();
    this.#known.add(token);
    return true;
  }
}

/** Pointers of the places in which the policy put tokens, of what the record says was done to it. */
function tokenizedPlaces(applied: string | undefined): ReadonlySet<string> {
  try {
    const list = JSON.parse(applied ?? '[]') as { pointer: string; transform: string }[];
    return new Set(list.filter(({ transform }) => transform === 'tokenize').map(({ pointer }) => pointer));
  } catch {
    throw new VeiltrailError('bad_record', `${wholePointer} is not a list of what was done`);
  }
}

/** Where the next `tok_` begins; −1 where there is none. */
function prefixFrom(bytes: Buffer, from: number): number {
  for (let end = bytes.indexOf(prefixEnd, from + 2); end >= 0; end = bytes.indexOf(prefixEnd, end + prefixEnd.length))
    if (bytes[end - 2] === 0x74 && bytes[end - 1] === 0x6f) return end - 2;
  return -1;
}
