/**
 * Sealed segments in a bucket (`ledger/segment.ts`), byte for byte, beside the log that they belong to:
 *
 * ```
 * <prefix>/<log>/segment/<class>/<bucket, 8 digits>.<generation>-<mark>
 * ```
 * The mark is the nonce of its first block, in hex: it tells two writings of the same generation apart, one before and one after a backup was put
 * back. A segment's key is in the vault and never goes there. What a removal rewrites has another key and another name; the object before it stays
 * as long as its lock says, and nobody opens it any more: its key is destroyed (docs/decisions/0022-removal.md).
 */
import type { Clock } from '../core/clock.ts';
import { toHex } from '../core/bytes.ts';
import { segmentHeaderBytes } from '../ledger/segment.ts';
import { isClassName, type SegmentName } from '../storage/segment-store.ts';
import type { Bucket, Lock, ObjectVersion } from './bucket.ts';

/** A segment that is registered, and how long its records are meant to last. */
export interface SealedSegment extends SegmentName {
  /** Until when the last of its records is kept; undefined: without end. */
  keptUntilMs: number | undefined;
  /** A hold stands that may cover something in it. */
  held: boolean;
}

export interface SealedBucket {
  bucket: number;
  /** None are left when all its records were removed. */
  segments: SealedSegment[];
}

/** Where segments are read that are to be copied. Promises reject with a VeiltrailError as `storage-error.ts` sorts them. */
export interface SealedSegments {
  ofLog(log: string): Promise<SealedBucket[]>;
  /** Undefined where it is not there any more. */
  open(name: SegmentName): Promise<Blob | undefined>;
}

/** What was done for the segments of a log. */
export interface SegmentCopies {
  /** Registered ones that are in the bucket now. */
  segments: number;
  /** Written this time. */
  objects: number;
  bytes: number;
  /** Whose legal hold was put on, or lifted; whose lock was made longer. */
  held: number;
  lifted: number;
  extended: number;
}

export interface SegmentPlace {
  bucket: Bucket;
  /** Without a slash at either end; may be empty. */
  prefix: string;
}

/** An object that bears a segment's name. */
export interface KeptSegment extends SegmentName {
  mark: string;
  key: string;
  versionId: string;
  size: number;
}

export interface CopyParts {
  segments: SealedSegments;
  mode: Lock['mode'];
  /** For records that are kept without end; made longer when half of it is over. */
  retainDays: number;
  clock: Clock;
}

interface KnownLock {
  untilMs: number;
  held: boolean;
}

const dayMs = 86_400_000;
const markBytes = 12;
/** A lock has an end, however long a table keeps something. */
const lockDaysMax = 36_500;
const namePattern = /^([^/]+)\/(\d{8,15})\.([1-9]\d{0,9})-([0-9a-f]{24})$/;

/** The prefix of a log's segments. */
export function segmentPrefix(prefix: string, log: string): string {
  return `${prefix === '' ? '' : `${prefix}/`}${log}/segment/`;
}

/** Reads an object's name; undefined for what is no segment. */
export function parseSegmentKey(prefix: string, log: string, { key, versionId, size }: ObjectVersion): KeptSegment | undefined {
  const head = segmentPrefix(prefix, log);
  const match = key.startsWith(head) ? namePattern.exec(key.slice(head.length)) : null;
  if (!match || !isClassName(match[1] as string)) return undefined;
  const [, of, bucket, generation, mark] = match as unknown as [string, string, string, string, string];
  return { log, class: of, bucket: Number(bucket), generation: Number(generation), mark, key, versionId, size };
}

/** Copies segments under locks, and keeps the locks as retention and holds want them. Remembers what it has seen of them. */
export class SegmentCopier {
  readonly #place: SegmentPlace;
  readonly #parts: CopyParts;
  /** By key and version. */
  readonly #locks = new Map<string, KnownLock>();
  readonly #marks = new Map<string, string>();

  constructor(place: SegmentPlace, parts: CopyParts) {
    this.#place = place;
    this.#parts = parts;
  }

  /**
   * Brings the bucket up to what is registered; asks for nothing that is there.
   * @throws VeiltrailError `anchor_failed`, `anchor_refused`; what was copied by then is there, and the next call goes on
   */
  async copy(log: string, origin: string): Promise<SegmentCopies> {
    const { bucket, prefix } = this.#place;
    const done: SegmentCopies = { segments: 0, objects: 0, bytes: 0, held: 0, lifted: 0, extended: 0 };
    const local = await this.#parts.segments.ofLog(log);
    if (local.length === 0) return done;
    const kept = await listSegments(bucket, prefix, log);
    for (const segment of local.flatMap(({ segments }) => segments)) {
      const mark = await this.#markOf(segment, origin);
      if (mark === undefined) continue; // rewritten since it was listed
      const there = kept.get(`${nameText(segment)}-${mark}`);
      if (there) await this.#relock(there, segment, done);
      else await this.#put(segment, mark, done);
      done.segments++;
    }
    for (const one of kept.values()) if (isSuperseded(one, local)) await this.#lift(one, done);
    return done;
  }

  async #put(segment: SealedSegment, mark: string, done: SegmentCopies): Promise<void> {
    const blob = await this.#parts.segments.open(segment);
    if (!blob) return;
    const { bucket, prefix } = this.#place;
    const key = `${segmentPrefix(prefix, segment.log)}${nameText(segment)}-${mark}`;
    const untilMs = this.#lockUntil(segment);
    const versionId = await bucket.put(key, blob, { mode: this.#parts.mode, retainUntil: new Date(untilMs), legalHold: segment.held });
    this.#locks.set(lockKey({ key, versionId }), { untilMs, held: segment.held });
    done.objects++;
    done.bytes += blob.size;
    if (segment.held) done.held++;
  }

  /** A lock may only grow; a hold comes and goes. */
  async #relock(kept: KeptSegment, segment: SealedSegment, done: SegmentCopies): Promise<void> {
    const { bucket } = this.#place;
    const known = await this.#lockOf(kept);
    const untilMs = this.#lockUntil(segment);
    const leastMs = segment.keptUntilMs === undefined ? this.#parts.clock.now() + (this.#parts.retainDays * dayMs) / 2 : untilMs;
    // The service keeps seconds.
    if (known.untilMs + 1_000 < leastMs) {
      await bucket.extend(kept.key, kept.versionId, { mode: this.#parts.mode, retainUntil: new Date(untilMs) });
      known.untilMs = untilMs;
      done.extended++;
    }
    if (known.held === segment.held) return;
    await bucket.hold(kept.key, kept.versionId, segment.held);
    known.held = segment.held;
    if (segment.held) done.held++;
    else done.lifted++;
  }

  /** Nothing opens it any more: what a hold protects is in the generation that took its place. */
  async #lift(kept: KeptSegment, done: SegmentCopies): Promise<void> {
    const known = await this.#lockOf(kept);
    if (!known.held) return;
    await this.#place.bucket.hold(kept.key, kept.versionId, false);
    known.held = false;
    done.lifted++;
  }

  /** A day at least: what is due and still there is held, or goes soon. */
  #lockUntil({ keptUntilMs }: SealedSegment): number {
    const nowMs = this.#parts.clock.now();
    if (keptUntilMs === undefined) return nowMs + this.#parts.retainDays * dayMs;
    return Math.min(Math.max(keptUntilMs, nowMs + dayMs), nowMs + lockDaysMax * dayMs);
  }

  async #lockOf(kept: KeptSegment): Promise<KnownLock> {
    const known = this.#locks.get(lockKey(kept));
    if (known) return known;
    const lock = await this.#place.bucket.head(kept.key, kept.versionId);
    const found: KnownLock = { untilMs: Date.parse(lock?.retainUntil ?? '') || 0, held: lock?.legalHold ?? false };
    this.#locks.set(lockKey(kept), found);
    return found;
  }

  async #markOf(segment: SealedSegment, origin: string): Promise<string | undefined> {
    const name = `${segment.log}/${nameText(segment)}`;
    const known = this.#marks.get(name);
    if (known !== undefined) return known;
    const blob = await this.#parts.segments.open(segment);
    const mark = blob && (await markIn(blob, segment, origin));
    if (mark !== undefined) this.#marks.set(name, mark);
    return mark;
  }
}

/** The segments in a bucket by `<class>/<bucket>.<generation>-<mark>`: of each object what was written first. */
export async function listSegments(bucket: Bucket, prefix: string, log: string): Promise<Map<string, KeptSegment>> {
  const kept = new Map<string, KeptSegment>();
  for await (const version of bucket.versions(segmentPrefix(prefix, log))) {
    const segment = version.isDeleteMarker ? undefined : parseSegmentKey(prefix, log, version);
    // Of each key the newest comes first.
    if (segment) kept.set(`${nameText(segment)}-${segment.mark}`, segment);
  }
  return kept;
}

async function markIn(blob: Blob, { class: of, bucket, generation }: SegmentName, origin: string): Promise<string | undefined> {
  const from = segmentHeaderBytes({ origin, class: of, bucket, generation });
  const bytes = new Uint8Array(await blob.slice(from, from + markBytes).arrayBuffer());
  return bytes.length === markBytes ? toHex(bytes) : undefined;
}

/** There is a later generation, or all its records were removed. What is not known here at all is somebody else's, or lost here. */
function isSuperseded(kept: SegmentName, local: readonly SealedBucket[]): boolean {
  const bucket = local.find((one) => one.bucket === kept.bucket);
  if (!bucket) return false;
  const registered = bucket.segments.find((one) => one.class === kept.class);
  return !registered || registered.generation > kept.generation;
}

function nameText({ class: of, bucket, generation }: SegmentName): string {
  return `${of}/${String(bucket).padStart(8, '0')}.${generation}`;
}

function lockKey({ key, versionId }: { key: string; versionId: string }): string {
  return `${key} ${versionId}`;
}
