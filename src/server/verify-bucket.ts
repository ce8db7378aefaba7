/**
 * A log as somebody finds it in a bucket. With the log's public key alone: the log itself. With a data directory's vault and keyring, too: the records
 * in the sealed segments that are kept there, against the entries. Nothing else of the directory is read.
 */
import { join } from 'node:path';
import { openKeptLog, type KeptLog } from '../anchor/bucket-log.ts';
import { Bucket } from '../anchor/bucket.ts';
import { type KeptRecords, openKeptRecords } from '../anchor/kept-segments.ts';
import { bucketSettingsOf, type TargetSettings } from '../anchor/targets.ts';
import { TokenSet } from '../app/token-set.ts';
import { verifyLog, type VerifyReport } from '../app/verify-log.ts';
import { verifyRange, type RangeStore } from '../app/verify-range.ts';
import { createTrust } from '../log/trust.ts';
import { bucketLeaves } from '../storage/record-store.ts';
import { openKeyring } from '../vault/keyring.ts';
import type { Problem } from '../verify/problem.ts';
import { keysDirectory } from './data-files.ts';
import { openStoredVault, type StoredVault } from './stored-vault.ts';

export interface BucketReport {
  report: VerifyReport;
  /** What is wrong with the bucket: markers, later versions, locks that are no more. */
  problems: Problem[];
  /** Sizes of the kept checkpoints. */
  sizes: readonly number[];
}

/** Ranges that are asked for at once: it is the way to the bucket that takes time. */
const overlap = 16;

/**
 * Verifies a log from a bucket alone.
 * @param keysOf the data directory whose vault and keyring open the segments
 * @throws VeiltrailError `anchor_config`, `anchor_failed`, and what opening vault and keyring throws
 */
export async function verifyBucketLog(target: TargetSettings, log: string, vkey: string, keysOf?: string): Promise<BucketReport> {
  const settings = bucketSettingsOf(target);
  const bucket = new Bucket(settings);
  const kept = await openKeptLog(bucket, { name: settings.name, prefix: settings.prefix }, log);
  const vault = keysOf === undefined ? undefined : openVaultOf(keysOf);
  try {
    const records = vault && (await openKeptRecords(bucket, kept.segments, vault, { log, origin: createTrust([vkey]).origin }));
    const report = vault && records ? await verifyWithRecords(kept, log, vkey, { vault, records }) : await verifyWithout(kept, log, vkey);
    const problems: Problem[] = kept.changed.map(({ key, what }) => ({
      code: what === 'deleted' ? 'bucket_deleted' : 'bucket_overwritten',
      where: key,
      message: `${key} was ${what} after it was written; what was written first is still there, and was verified`,
    }));
    for (const key of await kept.unlocked(Date.now(), records?.objects))
      problems.push({ code: 'bucket_unlocked', where: key, message: `${key} is held by no lock any more` });
    return { report, problems, sizes: kept.sizes };
  } finally {
    await vault?.close();
  }
}

/** The vault of a data directory, for reading. @throws what opening it and its keyring throws */
export function openVaultOf(dataDir: string): StoredVault {
  return openStoredVault(dataDir, openKeyring(join(dataDir, keysDirectory), { create: false }));
}

async function verifyWithout(kept: KeptLog, log: string, vkey: string): Promise<VerifyReport> {
  const report = await verifyLog({ log, vkey }, { tiles: kept, verifyRange: (task) => verifyRange(task, { tiles: kept }), overlap });
  const sealed = kept.segments.length;
  if (sealed > 0) report.notChecked.push(`the records in ${sealed} sealed segments: whoever has the vault and the keyring opens them (--data)`);
  return report;
}

async function verifyWithRecords(
  kept: KeptLog,
  log: string,
  vkey: string,
  { vault, records: { objects, buckets, closed, reader } }: { vault: StoredVault; records: KeptRecords },
): Promise<VerifyReport> {
  const store: RangeStore = { reader, tokens: { atHand: TokenSet.for(0), hasToken: (token) => vault.hasToken(token) } };
  const sealed = new Set(buckets.map(({ bucket }) => bucket));
  let gone = 0;
  const report = await verifyLog(
    { log, vkey },
    {
      tiles: kept,
      overlap,
      async verifyRange(task) {
        const result = await verifyRange(task, { tiles: kept, store });
        for (const leaf of result.removals.missing) if (sealed.has(Math.floor(leaf / bucketLeaves))) gone++;
        return result;
      },
    },
  );
  const known = new Set(objects.map(nameText));
  const absent = (await vault.segmentKeyNames()).filter((name) => name.log === log && !known.has(nameText(name))).length;
  const said = [
    `${report.records.verified} in ${objects.length} sealed segments open their commitments`,
    ...(gone > 0 ? [`${gone} are in none: removed, which only the whole log can tell of`] : []),
    ...(absent > 0 ? [`${absent} segments are not in the bucket yet`] : []),
    ...(closed > 0 ? [`${closed} objects have no key any more`] : []),
  ];
  const isBad = report.problems.some(({ code }) => code.startsWith('segment_') || code.startsWith('record_'));
  report.steps.push({ step: 'records', ok: !isBad, detail: said.join('; ') });
  const rest = report.treeSize - Math.min(report.treeSize, sealed.size * bucketLeaves);
  return {
    ...report,
    notChecked: [
      ...report.notChecked.filter((one) => !one.startsWith('records,')),
      ...(rest > 0 ? [`the records of ${rest} leaves: they are in no sealed segment yet`] : []),
    ],
  };
}

function nameText({ class: of, bucket, generation }: { class: string; bucket: number; generation: number }): string {
  return `${of}/${bucket}.${generation}`;
}
