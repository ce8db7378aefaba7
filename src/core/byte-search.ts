/** Looking for many byte strings at once, in data that comes in pieces. */

/** A needle begins with this many bytes, by which it is looked up. */
const prefixBytes = 4;
const filterBits = 1 << 20;

interface Needle {
  readonly bytes: Uint8Array;
  readonly name: string;
}

/**
 * Each byte costs a look at a bit; what passes is compared. Time is linear in the data unless the needles themselves share their first bytes.
 * @throws RangeError for a needle of fewer than 4 bytes
 */
export class ByteSearch {
  readonly #filter = new Uint8Array(filterBits / 8);
  readonly #needles = new Map<number, Needle[]>();
  #longest = 0;

  /** @param name what {@link ByteSearch.find} says was found */
  add(bytes: Uint8Array, name: string): void {
    if (bytes.length < prefixBytes) throw new RangeError(`a needle has at least ${prefixBytes} bytes`);
    const prefix = prefixAt(bytes, 0);
    const slot = slotOf(prefix);
    this.#filter[slot >>> 3] = (this.#filter[slot >>> 3] as number) | (1 << (slot & 7));
    const same = this.#needles.get(prefix);
    if (same) same.push({ bytes, name });
    else this.#needles.set(prefix, [{ bytes, name }]);
    this.#longest = Math.max(this.#longest, bytes.length);
  }

  /** Names of the needles in the pieces, which follow each other; each once. */
  async find(pieces: AsyncIterable<Uint8Array>): Promise<Set<string>> {
    const found = new Set<string>();
    let open = new Uint8Array();
    for await (const piece of pieces) {
      const data = new Uint8Array(open.length + piece.length);
      data.set(open);
      data.set(piece, open.length);
      this.#look(data, found);
      // A needle may go on in the next piece.
      open = data.slice(Math.max(0, data.length - this.#longest + 1));
    }
    return found;
  }

  #look(data: Uint8Array, found: Set<string>): void {
    const filter = this.#filter;
    let prefix = 0;
    for (let i = 0; i < data.length; i++) {
      prefix = (prefix << 8) | (data[i] as number);
      const slot = slotOf(prefix);
      if (((filter[slot >>> 3] as number) & (1 << (slot & 7))) === 0 || i < prefixBytes - 1) continue;
      const at = i - prefixBytes + 1;
      for (const { bytes, name } of this.#needles.get(prefix) ?? []) if (standsAt(data, at, bytes)) found.add(name);
    }
  }
}

function prefixAt(bytes: Uint8Array, at: number): number {
  let prefix = 0;
  for (let i = at; i < at + prefixBytes; i++) prefix = (prefix << 8) | (bytes[i] as number);
  return prefix;
}

function slotOf(prefix: number): number {
  return Math.imul(prefix, 0x9e3779b1) >>> 12;
}

function standsAt(data: Uint8Array, at: number, bytes: Uint8Array): boolean {
  if (at + bytes.length > data.length) return false;
  for (let i = 0; i < bytes.length; i++) if (data[at + i] !== bytes[i]) return false;
  return true;
}
