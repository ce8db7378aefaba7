/**
 * Locks of a log's tiles and checkpoints in a bucket, made longer before they end: the log must be provable for as long as somebody anchors it there. Each
 * version that was written first is locked for `retainDays`, and for as long again before half of that is over. Of sealed segments: `bucket-segments.ts`.
 *
 * What was found is kept beside the anchors (`<target>.locks`), so that objects are looked at one by one only when a lock may be half over. Whoever looks
 * renews all of which a quarter is over, so the next look is due a quarter of `retainDays` later at the earliest, however often the log grows meanwhile.
 * {"format":"veiltrail.bucket-locks/v2","objects","lockedUntil","seenAt","rules":{"endpoint","bucket","prefix","mode","retainDays"}}
 */
import type { Clock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonValue, parseJson } from '../core/json.ts';
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
  /** Where, and by which rules: what was seen says nothing about others. */
  rules: SeenRules;
}

export interface SeenRules {
  endpoint: string;
  bucket: string;
  prefix: string;
  mode: Lock['mode'];
  retainDays: number;
}

export interface RenewedLocks extends BucketLocks {
  /** Whose lock was made longer. */
  extended: number;
  /** Those of them that had none any more: until now nothing kept them from being deleted. */
  lapsed: number;
}

const format = 'veiltrail.bucket-locks/v2';
const ruleNames = ['endpoint', 'bucket', 'prefix', 'mode', 'retainDays'] as const;
const dayMs = 86_400_000;
/** It is the way to the bucket that takes time. */
const requestsAtOnce = 8;

/** Whether objects have to be looked at: never seen here by the rules of today, or the first of their locks may be half over. */
export function isRenewalDue(seen: BucketLocks | undefined, rules: SeenRules, clock: Pick<Clock, 'now'>): boolean {
  if (seen?.lockedUntil === undefined || !isSameRules(seen.rules, rules)) return true;
  const [retainMs, nowMs, seenMs] = [rules.retainDays * dayMs, clock.now(), Date.parse(seen.seenAt)];
  // Objects that were put since are not among those seen: locked from then on, by the rules of today.
  const firstEndMs = Math.min(Date.parse(seen.lockedUntil), seenMs + retainMs);
  return seenMs > nowMs || firstEndMs - nowMs <= retainMs / 2;
}

function isSameRules(one: SeenRules, other: SeenRules): boolean {
  return ruleNames.every((name) => one[name] === other[name]);
}

/**
 * Looks at every object of a log, and locks those for longer whose lock is a quarter over, or gone.
 * @throws VeiltrailError `anchor_failed`; what was made longer by then is, and the next call goes on
 */
export async function renewLocks(
  bucket: Pick<Bucket, 'versions' | 'head' | 'extend'>,
  log: string,
  rules: SeenRules,
  clock: Pick<Clock, 'now'>,
): Promise<RenewedLocks> {
  const { prefix, mode, retainDays } = rules;
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
      if (untilMs - nowMs <= retainDays * dayMs * 0.75) {
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
  return { ...renewed, lockedUntil, seenAt: new Date(nowMs).toISOString(), rules };
}

/** Of each of the log's own objects the version that was written first, which is the one that counts. */
async function firstVersions(bucket: Pick<Bucket, 'versions'>, prefix: string, log: string): Promise<Map<string, ObjectVersion>> {
  const first = new Map<string, ObjectVersion>();
  for await (const version of bucket.versions(logPrefix(prefix, log))) {
    const met = first.get(version.key);
    if (version.isDeleteMarker || !isLogKey(prefix, log, version.key)) continue;
    if (!met || version.lastModified <= met.lastModified) first.set(version.key, version);
  }
  return first;
}

/** The text of the file that says what was seen. */
export function formatLocks({ objects, lockedUntil, seenAt, rules }: BucketLocks): string {
  return `${JSON.stringify({ format, objects, lockedUntil, seenAt, rules })}\n`;
}

/** Undefined for anything that {@link formatLocks} would not write: then everything is looked at again. */
export function parseLocks(text: string): BucketLocks | undefined {
  try {
    const { value } = parseJson(text);
    if (!isJsonObject(value) || value['format'] !== format) return undefined;
    const { objects, lockedUntil, seenAt } = value;
    const rules = parseRules(value['rules']);
    if (!rules || typeof objects !== 'number' || typeof seenAt !== 'string' || !parseTimestamp(seenAt)) return undefined;
    if (lockedUntil === undefined) return { objects, lockedUntil, seenAt, rules };
    return typeof lockedUntil === 'string' && parseTimestamp(lockedUntil) ? { objects, lockedUntil, seenAt, rules } : undefined;
  } catch (error) {
    if (error instanceof VeiltrailError) return undefined;
    throw error;
  }
}

function parseRules(value: JsonValue | undefined): SeenRules | undefined {
  if (value === undefined || !isJsonObject(value)) return undefined;
  const { endpoint, bucket, prefix, mode, retainDays } = value;
  if (typeof endpoint !== 'string' || typeof bucket !== 'string' || typeof prefix !== 'string' || typeof retainDays !== 'number') return undefined;
  return mode === 'GOVERNANCE' || mode === 'COMPLIANCE' ? { endpoint, bucket, prefix, mode, retainDays } : undefined;
}
