/**
 * Segments that a data directory has lost, or that were damaged there, back from a bucket: the same bytes, so commitments hold again. A directory that
 * was closed in an orderly way is sealed anew.
 */
import { join } from 'node:path';
import { Bucket } from '../anchor/bucket.ts';
import { type KeptSegment, listSegments } from '../anchor/bucket-segments.ts';
import { isWhole, openKeptRecords } from '../anchor/kept-segments.ts';
import { bucketSettingsOf, type TargetSettings } from '../anchor/targets.ts';
import { VeiltrailError } from '../core/errors.ts';
import { dataDirPaths, lockDataDir } from '../storage/data-dir.ts';
import { openFileSegmentStore, segmentPath } from '../storage/files/segment-store.ts';
import { sameSegment, type SegmentName, type SegmentSource } from '../storage/segment-store.ts';
import { openSqliteRecordSource } from '../storage/sqlite/record-source.ts';
import { editDataDir } from './seal-at-rest.ts';
import { openVaultOf } from './verify-bucket.ts';

export interface FetchedSegments {
  /** Registered segments that were looked at: every block of each. */
  checked: number;
  /** Below the data directory. */
  fetched: string[];
  /** Those that are not whole here, and not in the bucket either. */
  absent: string[];
}

const partBytes = 4 * 1_048_576;

/**
 * Looks at every segment of a directory that no server has open, and fetches those that are not whole.
 * @throws VeiltrailError `data_dir_in_use`, `anchor_config`, `anchor_failed`, and what the stores throw
 */
export async function fetchSegments(dataDir: string, target: TargetSettings): Promise<FetchedSegments> {
  const settings = bucketSettingsOf(target);
  const bucket = new Bucket(settings);
  // Refuses a directory that somebody has; `editDataDir` would write beside them.
  lockDataDir(dataDir).release();
  const outcome = await editDataDir(dataDir, async () => {
    try {
      return { done: await fetchMissing(dataDir, bucket, settings.prefix) };
    } catch (error) {
      return { error }; // a bucket that does not answer must not cost the seal
    }
  });
  if (!outcome.done) throw outcome.error;
  return outcome.done;
}

async function fetchMissing(dataDir: string, bucket: Bucket, prefix: string): Promise<FetchedSegments> {
  const paths = dataDirPaths(dataDir);
  const records = openSqliteRecordSource(paths.records);
  const vault = openVaultOf(dataDir);
  const store = openFileSegmentStore(paths.segments);
  const done: FetchedSegments = { checked: 0, fetched: [], absent: [] };
  try {
    for (const { log, origin } of await records.logs()) {
      let kept: KeptSegment[] | undefined;
      for (const name of (await records.compactedBuckets(log, 0)).flatMap(({ segments }) => segments)) {
        done.checked++;
        if (await isWhole(store, name, vault, origin)) continue;
        kept ??= [...(await listSegments(bucket, prefix, log)).values()];
        const path = join('segments', segmentPath(name));
        const rivals = kept.filter((one) => sameSegment(one, name));
        const { source, objects } = await openKeptRecords(bucket, rivals, vault, { log, origin });
        const [object] = objects;
        if (!object || !(await isWhole(source, name, vault, origin))) {
          done.absent.push(path);
          continue;
        }
        await store.write(name, partsOf(source, name, object.size));
        done.fetched.push(path);
      }
    }
    return done;
  } finally {
    await vault.close();
    await records.close();
  }
}

async function* partsOf(source: SegmentSource, name: SegmentName, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < size; from += partBytes) {
    const part = await source.read(name, from, Math.min(size, from + partBytes));
    if (part?.length !== Math.min(partBytes, size - from)) throw new VeiltrailError('segment_missing', 'a segment is not in the bucket any more');
    yield part;
  }
}
