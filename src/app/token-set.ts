/**
 * A set of tokens in memory that threads share: 20 bytes each in an open table, so that a million take some 40 MB and no objects. Filled by
 * one thread before others read it.
 */

/** Bytes of a token, without its prefix. */
export const tokenBytes = 20;
const wordsEach = tokenBytes / 4;

export class TokenSet {
  /** What another thread makes the same set of. */
  readonly memory: SharedArrayBuffer;
  readonly #words: Uint32Array;
  /** Places − 1; the number of places is a power of two, at least half of them empty. */
  readonly #mask: number;
  readonly #adding = new Uint32Array(wordsEach);

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#words = new Uint32Array(memory);
    this.#mask = this.#words.length / wordsEach - 1;
  }

  /** An empty set with room for so many. */
  static for(tokens: number): TokenSet {
    let places = 16;
    while (places < 2 * tokens) places *= 2;
    return new TokenSet(new SharedArrayBuffer(places * tokenBytes));
  }

  /** @param token 20 bytes */
  add(token: Uint8Array): void {
    for (let i = 0; i < wordsEach; i++) this.#adding[i] = readWord(token, 4 * i);
    this.#words.set(this.#adding, this.#find(this.#adding));
  }

  /** @param words the 20 bytes of a token as five big-endian words */
  has(words: Uint32Array): boolean {
    const at = this.#find(words);
    return this.#isAt(at, words) && !this.#isEmpty(at);
  }

  /** Where it is, or the empty place where it would be. A token is a digest: its first word is as good as any hash of it. */
  #find(words: Uint32Array): number {
    let place = (words[0] as number) & this.#mask;
    for (;;) {
      const at = place * wordsEach;
      if (this.#isAt(at, words) || this.#isEmpty(at)) return at;
      place = (place + 1) & this.#mask;
    }
  }

  #isAt(at: number, words: Uint32Array): boolean {
    for (let i = 0; i < wordsEach; i++) if (this.#words[at + i] !== words[i]) return false;
    return true;
  }

  /** Twenty zero bytes are no token that anybody makes: they mark an empty place, and are never in the set. */
  #isEmpty(at: number): boolean {
    for (let i = 0; i < wordsEach; i++) if (this.#words[at + i] !== 0) return false;
    return true;
  }
}

function readWord(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
}
