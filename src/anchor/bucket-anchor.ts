/**
 * An S3 bucket under Object Lock: full tiles and checkpoints of the log itself, so that it can be verified from the bucket alone, whatever becomes of
 * this machine. Nothing in it names anybody: entries are salted commitments. Where `segments` says so, sealed records as well: see
 * `bucket-segments.ts`.
 * Proof: {"endpoint","bucket","key","versionId","mode","retainUntil","objects","bytes"}
 */
import type { Clock } from '../core/clock.ts';
import type { TileSource } from '../storage/tile-store.ts';
import { decodeUtf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, parseJson } from '../core/json.ts';
import { type Anchor, type AnchorTarget, failed, proofText } from './anchor.ts';
import { Bucket, type BucketSettings, type Lock } from './bucket.ts';
import { keyOfCheckpoint, putLog } from './bucket-log.ts';
import { isRenewalDue, renewLocks } from './bucket-locks.ts';
import { type SealedSegments, SegmentCopier } from './bucket-segments.ts';
import { sameCheckpoint } from './file-anchor.ts';

export interface BucketTargetSettings extends BucketSettings {
  everyMs: number;
  prefix: string;
  mode: Lock['mode'];
  retainDays: number;
  /** Of the log's own objects; those of segments follow the holds. */
  legalHold: boolean;
  /** Copies sealed segments, too. */
  segments: boolean;
}

export interface BucketTargetParts {
  clock: Clock;
  tiles: TileSource;
  /** The newest anchor of a log that this target made. */
  newest(log: string): Promise<Pick<Anchor, 'treeSize' | 'proof'> | undefined>;
  /** Without it no segments are copied, whatever the settings say. */
  segments?: SealedSegments;
}

const dayMs = 86_400_000;

export function createBucketTarget(settings: BucketTargetSettings, parts: BucketTargetParts): AnchorTarget {
  const { name, everyMs, prefix, mode, retainDays, legalHold } = settings;
  const bucket = new Bucket(settings);
  const { segments, clock } = parts;
  const copier = settings.segments && segments ? new SegmentCopier({ bucket, prefix }, { segments, mode, retainDays, clock }) : undefined;
  return {
    name,
    kind: 's3',
    everyMs,
    isBeacon: true,
    async put(anchored) {
      await bucket.checkLocked();
      const retainUntil = new Date(parts.clock.now() + retainDays * dayMs);
      const lock: Lock = { mode, retainUntil, legalHold };
      const keptSize = keptSizeIn(settings, anchored.log, await parts.newest(anchored.log));
      const kept = await putLog(bucket, { name, prefix }, anchored, { tiles: parts.tiles, keptSize, lock });
      return { endpoint: settings.endpoint, bucket: settings.bucket, ...kept, mode, retainUntil: retainUntil.toISOString() };
    },
    ...(copier
      ? {
          async copyRecords(log: string, origin: string) {
            await bucket.checkLocked();
            return copier.copy(log, origin);
          },
        }
      : {}),
    async renewLocks(log, seen) {
      const rules = { endpoint: settings.endpoint, bucket: settings.bucket, prefix, mode, retainDays };
      return isRenewalDue(seen, rules, clock) ? renewLocks(bucket, log, rules, clock) : undefined;
    },
    async check({ log, treeSize, checkpoint, proof }) {
      const key = proofText(proof, 'key');
      // Whatever else is in the bucket was not put there by this target. Nobody signs a proof, so whoever edits its key must not make this pass for asked.
      if (key !== keyOfCheckpoint(prefix, log, treeSize))
        throw failed(name, `the bucket was not asked: ${key} is not where this target keeps it now`);
      try {
        const stored = await bucket.get(key, proofText(proof, 'versionId'));
        if (!stored) return { ok: false, detail: `${key} is not in the bucket any more` };
        const { value } = parseJson(decodeUtf8(stored.bytes));
        if (!isJsonObject(value) || typeof value.checkpoint !== 'string' || !sameCheckpoint(value.checkpoint, checkpoint))
          return { ok: false, detail: `${key} holds another checkpoint` };
        const { mode: lockedBy, retainUntil, legalHold: held } = stored.lock;
        if (!held && !(Date.parse(retainUntil ?? '') > parts.clock.now())) return { ok: false, detail: `${key} is locked no more` };
        const since = stored.lastModified.toISOString();
        const lock = `${lockedBy ?? 'legal hold'} until ${held ? 'lifted' : retainUntil}`;
        return {
          ok: true,
          detail: `in bucket ${settings.bucket}${stored.isWhole ? ` since ${since}` : ', in parts, which do not say since when'}, ${lock}`,
          ...(stored.isWhole ? { provedAt: since } : {}),
          // The service chose the version's name when it took the object, or when its first part was announced; `null` was known before.
          ...(stored.versionId === 'null' ? {} : { notBefore: since }),
        };
      } catch (error) {
        if (error instanceof VeiltrailError && error.code !== 'anchor_failed') return { ok: false, detail: `${key}: ${error.message}` };
        if (error instanceof VeiltrailError) throw error;
        throw failed(name, 'its answer cannot be read', error);
      }
    },
  };
}

/** Leaves whose tiles are there already: none where the target was made to point elsewhere since. */
function keptSizeIn({ endpoint, bucket, prefix }: BucketTargetSettings, log: string, newest: Pick<Anchor, 'treeSize' | 'proof'> | undefined): number {
  if (!newest) return 0;
  const { proof, treeSize } = newest;
  // Older proofs do not say at which endpoint.
  const isHere =
    (proof['endpoint'] ?? endpoint) === endpoint && proof['bucket'] === bucket && proof['key'] === keyOfCheckpoint(prefix, log, treeSize);
  return isHere ? treeSize : 0;
}
