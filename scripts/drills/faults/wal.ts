/**
 * A write-ahead log of SQLite as recovery reads it (sqlite.org/fileformat2.html, 4.1 and 4.3): a chain of frames whose salts and checksums fit, up to
 * the last one that ends a transaction. What comes after that is read by nobody, and overwritten.
 */
import { createHash } from 'node:crypto';

const headerBytes = 32;
const frameHeaderBytes = 24;

export class WriteAheadLog {
  #bytes = Buffer.alloc(0);
  #length = 0;
  /** Where the chain is known to hold. */
  #checkedTo = 0;
  #sums: [number, number] = [0, 0];
  #frames: number[] = [];
  #committedFrames = 0;
  #committedTo = 0;
  #hashedTo = 0;
  #hash = createHash('sha256');

  /** The file's bytes from an offset on; the file may have become longer. */
  write(bytes: Uint8Array, offset: number): void {
    const end = offset + bytes.length;
    if (end > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes.subarray(0, this.#length)], Math.max(end, 2 * this.#bytes.length));
    this.#bytes.set(bytes, offset);
    this.#length = Math.max(this.#length, end);
    // A header that is none was hashed as it was.
    if (offset < Math.max(this.#checkedTo, this.#hashedTo)) this.#forget();
    this.#check();
  }

  truncate(length: number): void {
    this.#bytes.fill(0, length);
    this.#length = length;
    this.#forget();
    this.#check();
  }

  /** Pages that a committed frame has. */
  *pages(): Generator<number> {
    for (let i = 0; i < this.#committedFrames; i++) yield this.#frames[i] as number;
  }

  get hasCommitted(): boolean {
    return this.#committedFrames > 0;
  }

  /** Digest of all that recovery reads: the header, and the committed frames. */
  digest(): string {
    // A header that is cut off, or is none, is compared as it is.
    const to = Math.max(this.#committedTo, Math.min(headerBytes, this.#length));
    this.#hash.update(this.#bytes.subarray(this.#hashedTo, to));
    this.#hashedTo = to;
    return this.#hash.copy().digest('hex');
  }

  #forget(): void {
    [this.#checkedTo, this.#committedTo, this.#committedFrames, this.#hashedTo] = [0, 0, 0, 0];
    this.#frames = [];
    this.#hash = createHash('sha256');
  }

  #check(): void {
    if (this.#checkedTo === 0) {
      if (this.#length < headerBytes || (this.#bytes.readUInt32BE(0) & ~1) !== 0x377f0682) return;
      const sums = this.#sum(0, 24, [0, 0]);
      if (sums[0] !== this.#bytes.readUInt32BE(24) || sums[1] !== this.#bytes.readUInt32BE(28)) return;
      this.#sums = sums;
      this.#checkedTo = headerBytes;
    }
    const pageBytes = this.#bytes.readUInt32BE(8);
    for (let at = this.#checkedTo; at + frameHeaderBytes + pageBytes <= this.#length; at = this.#checkedTo) {
      if (!this.#bytes.subarray(at + 8, at + 16).equals(this.#bytes.subarray(16, 24))) return;
      const sums = this.#sum(at + frameHeaderBytes, pageBytes, this.#sum(at, 8, this.#sums));
      if (sums[0] !== this.#bytes.readUInt32BE(at + 16) || sums[1] !== this.#bytes.readUInt32BE(at + 20)) return;
      this.#sums = sums;
      this.#checkedTo = at + frameHeaderBytes + pageBytes;
      this.#frames.push(this.#bytes.readUInt32BE(at));
      if (this.#bytes.readUInt32BE(at + 4) === 0) continue;
      this.#committedTo = this.#checkedTo;
      this.#committedFrames = this.#frames.length;
    }
  }

  #sum(from: number, count: number, [first, second]: readonly [number, number]): [number, number] {
    const isBigEndian = (this.#bytes.readUInt32BE(0) & 1) === 1;
    let [a, b] = [first, second];
    for (let at = from; at < from + count; at += 8) {
      a = (a + (isBigEndian ? this.#bytes.readUInt32BE(at) : this.#bytes.readUInt32LE(at)) + b) >>> 0;
      b = (b + (isBigEndian ? this.#bytes.readUInt32BE(at + 4) : this.#bytes.readUInt32LE(at + 4)) + a) >>> 0;
    }
    return [a, b];
  }
}
