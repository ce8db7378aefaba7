/**
 * Port: where segments are kept (format: `ledger/segment.ts`; opaque here). A segment is written once, read in parts, and never changed: what
 * takes its place has another generation, and so another name.
 *
 * Promises reject with a VeiltrailError as `storage-error.ts` sorts them.
 */

/** What names a segment, and the key that opens it. */
export interface SegmentName {
  log: string;
  /** The retention class of its records: lower-case letters, digits, `-` and `_`, up to 64 characters. */
  class: string;
  /** Which 65,536 leaves of the log it is of. */
  bucket: number;
  /** Counts up from 1. */
  generation: number;
}

export interface SegmentSource {
  /** Bytes `from` up to `to`, or fewer at the end of the segment; undefined where there is no such segment. */
  read(name: SegmentName, from: number, to: number): Promise<Uint8Array | undefined>;
  /** Bytes of a segment; undefined where there is none. */
  size(name: SegmentName): Promise<number | undefined>;
}

export interface SegmentStore extends SegmentSource {
  /**
   * Writes a segment, part by part; an unregistered one of the same name is replaced. Durable, under its name, when it returns: until then there
   * is nothing of that name. Returns its bytes.
   */
  write(name: SegmentName, parts: AsyncIterable<Uint8Array>): Promise<number>;
  /** Removes a segment if it is there. Durable when it returns. */
  remove(name: SegmentName): Promise<void>;
  /** Removes what is neither known nor whole: what a crash left. Durable when it returns. Returns how many files went. */
  removeOthers(isKnown: (name: SegmentName) => boolean): Promise<number>;
}

const namePattern = /^[a-z0-9_][a-z0-9_-]{0,63}$/;

/** Whether a retention class may be called so. */
export function isClassName(text: string): boolean {
  return namePattern.test(text);
}

export function sameSegment(a: SegmentName, b: SegmentName): boolean {
  return a.log === b.log && a.class === b.class && a.bucket === b.bucket && a.generation === b.generation;
}
