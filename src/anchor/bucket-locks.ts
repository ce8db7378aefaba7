/**
 * Locks of a log's tiles and checkpoints in a bucket, made longer before they end: the log must be provable for as long as somebody anchors it there. Each
 * version that was written first is locked for `retainDays`, and for as long again once half of that is over. Of sealed segments: `bucket-segments.ts`.
 *
 * What was found is kept beside the anchors (`<target>.locks`), so that objects are looked at one by one only when a lock may be half over:
 * {"format":"veiltrail.bucket-locks/v1","objects","lockedUntil","seenAt"}
 */
import type { Clock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, parseJson } from '../core/json.ts';
import { parseTimestamp } from '../event/timestamp.ts';
import type { Bucket, Lock, ObjectVersion } from './bucket.ts';
import { isLogKey, logPrefix } from './bucket-log.ts';

/** What was seen of a log's objects. */
export interface BucketLocks {
  objects: number;
  /** RFC 3339: when the first of their locks ends; undefined where there are no objects. */
  lockedUntil: string | undefined;
  /** RFC 3339, by our clock. */
  seenAt: string;
}

export interface RenewedLocks extends BucketLocks {
  /** Whose lock was made longer. */
  extended: number;
  /** Those of them that had none any more: until now nothing kept them from being deleted. */
  lapsed: number;
}

export interface LockRules {
  mode: Lock['mode'];
  retainDays: number;
  clock: Clock;
}

const format = 'veiltrail.bucket-locks/v1';
const dayMs = 86_400_000;
/** It is the way to the bucket that takes time. */
const requestsAtOnce = 8;

/** Whether objects have to be looked at: never seen, or the first of their locks is half over, by the rules of today. */
export function isRenewalDue(seen: BucketLocks | undefined, { retainDays, clock }: Omit<LockRules, 'mode'>): boolean {
  if (seen?.lockedUntil === undefined) return true;
  return Date.parse(seen.lockedUntil) - clock.now() <= (retainDays * dayMs) / 2;
}

/**
 * Looks at every object of a log, and locks those for longer whose lock is half over, or gone.
 * @throws VeiltrailError `anchor_failed`; what was made longer by then is, and the next call goes on
 */
export async function renewLocks(bucket: Bucket, prefix: string, log: string, { mode, retainDays, clock }: LockRules): Promise<RenewedLocks> {
  const nowMs = clock.now();
  const retainUntil = new Date(nowMs + retainDays * dayMs);
  const renewed = { objects: 0, extended: 0, lapsed: 0 };
  let firstEndMs = Infinity;
  const left = (await firstVersions(bucket, prefix, log)).values();
  const renew = async (): Promise<void> => {
    for (const { key, versionId } of left) {
      const lock = await bucket.head(key, versionId);
      // Between listing and looking it was deleted: verifying the bucket says so.
      if (!lock) continue;
      let untilMs = Date.parse(lock.retainUntil ?? '') || 0;
      const isOver = untilMs <= nowMs;
      if (untilMs - nowMs <= (retainDays * dayMs) / 2) {
        // A lock that runs keeps its mode: no service makes COMPLIANCE less.
        await bucket.extend(key, versionId, { mode: isOver || lock.mode !== 'COMPLIANCE' ? mode : 'COMPLIANCE', retainUntil });
        untilMs = retainUntil.getTime();
        renewed.extended++;
        if (isOver && !lock.legalHold) renewed.lapsed++;
      }
      renewed.objects++;
      firstEndMs = Math.min(firstEndMs, untilMs);
    }
  };
  await Promise.all(Array.from({ length: requestsAtOnce }, renew));
  const lockedUntil = firstEndMs === Infinity ? undefined : new Date(firstEndMs).toISOString();
  return { ...renewed, lockedUntil, seenAt: new Date(nowMs).toISOString() };
}

/** Of each of the log's own objects the version that was written first, which is the one that counts. */
async function firstVersions(bucket: Bucket, prefix: string, log: string): Promise<Map<string, ObjectVersion>> {
  const first = new Map<string, ObjectVersion>();
  for await (const version of bucket.versions(logPrefix(prefix, log))) {
    const met = first.get(version.key);
    if (version.isDeleteMarker || !isLogKey(prefix, log, version.key)) continue;
    if (!met || version.lastModified <= met.lastModified) first.set(version.key, version);
  }
  return first;
}

/** The text of the file that says what was seen. */
export function formatLocks({ objects, lockedUntil, seenAt }: BucketLocks): string {
  return `${JSON.stringify({ format, objects, lockedUntil, seenAt })}\n`;
}

/** Undefined for anything that {@link formatLocks} would not write: then everything is looked at again. */
export function parseLocks(text: string): BucketLocks | undefined {
  try {
    const { value } = parseJson(text);
    if (!isJsonObject(value) || value['format'] !== format) return undefined;
    const { objects, lockedUntil, seenAt } = value;
    if (typeof objects !== 'number' || typeof seenAt !== 'string' || !parseTimestamp(seenAt)) return undefined;
    if (lockedUntil === undefined) return { objects, lockedUntil, seenAt };
    return typeof lockedUntil === 'string' && parseTimestamp(lockedUntil) ? { objects, lockedUntil, seenAt } : undefined;
  } catch (error) {
    if (error instanceof VeiltrailError) return undefined;
    throw error;
  }
}
