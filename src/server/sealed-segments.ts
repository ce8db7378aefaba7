/** The sealed segments of a data directory, for anchors that keep them: which there are, how long they are meant to last, and their files. */
import { openAsBlob } from 'node:fs';
import { join } from 'node:path';
import type { SealedBucket, SealedSegments } from '../anchor/bucket-segments.ts';
import { heldLogs } from '../app/holds.ts';
import { tableInForce } from '../app/retention.ts';
import { dueAtMs, type RetentionTable } from '../app/retention-table.ts';
import { systemRandom } from '../core/random.ts';
import { dataDirPaths } from '../storage/data-dir.ts';
import { segmentPath } from '../storage/files/segment-store.ts';
import type { StoredSegment } from '../storage/record-store.ts';
import { openSqliteRecordSource } from '../storage/sqlite/record-source.ts';
import { openKeyring } from '../vault/keyring.ts';
import { createTextSealer } from '../vault/sealed-text.ts';
import { holdsFileName, retentionStateFileName } from './data-protection.ts';
import { keysDirectory } from './data-files.ts';
import { openSealedFile } from './sealed-file.ts';

/** Reads beside a server as well. Calls throw what reading the keyring, the records, holds and retention throws. */
export function openSealedSegments(dataDir: string): SealedSegments {
  const paths = dataDirPaths(dataDir);
  return {
    async ofLog(log) {
      // Read each time: holds come and go, and keys are rotated.
      const keyring = openKeyring(join(dataDir, keysDirectory), { create: false });
      const sealed = (name: string, purpose: string): ReturnType<typeof openSealedFile> =>
        openSealedFile(dataDir, name, createTextSealer(keyring.secrets('seal'), purpose, systemRandom));
      const table = tableInForce(sealed(retentionStateFileName, 'retention'));
      // Which records a hold covers is known by reading all of them: whatever is in a log that it may be about is held.
      const held = heldLogs(sealed(holdsFileName, 'holds')).some((one) => one === undefined || one === log);
      const records = openSqliteRecordSource(paths.records);
      try {
        return (await records.compactedBuckets(log, 0)).map(({ bucket, segments }): SealedBucket => ({
          bucket,
          segments: segments.map((one) => ({ ...nameOf(one), keptUntilMs: keptUntilMs(table, one), held })),
        }));
      } finally {
        await records.close();
      }
    },
    async open(name) {
      try {
        return await openAsBlob(join(paths.segments, segmentPath(name)));
      } catch {
        // Rewritten since it was listed, or missing, which verify says.
        return undefined;
      }
    },
  };
}

/** When the last of its records is due: classes are named as the rules are. Without end where no rule of that name lets anything go. */
function keptUntilMs({ rules }: RetentionTable, { class: of, lastReceivedAtMs }: StoredSegment): number | undefined {
  const rule = rules.find(({ name }) => name === of);
  return rule && dueAtMs(rule.keep, lastReceivedAtMs);
}

function nameOf({ log, class: of, bucket, generation }: StoredSegment): Pick<StoredSegment, 'log' | 'class' | 'bucket' | 'generation'> {
  return { log, class: of, bucket, generation };
}
