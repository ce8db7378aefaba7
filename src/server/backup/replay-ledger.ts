/** The kit's ledger of erasures, and what was lost, as one removal that is under way: the next start carries it out. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type LogRemoval, type RemovalJournal } from '../../app/removal-journal.ts';
import { mergeRanges, rangesHold } from '../../app/leaf-ranges.ts';
import { leavesIn } from '../../app/removal-edits.ts';
import { systemRandom } from '../../core/random.ts';
import { bucketOf } from '../../ledger/chunk.ts';
import { bucketLeaves } from '../../storage/record-store.ts';
import { recordsFileName } from '../data-files.ts';
import { type RecoveryKit } from './recovery-kit.ts';
import type { Lost } from './restore-records.ts';
import type { RestoredVault } from './restore-vault.ts';

/** What was removed after the backup, and what is lost, as one removal that is under way. */
export function journalOf(dir: string, kit: RecoveryKit, vault: RestoredVault, lost: Lost): { body: RemovalJournal; replayed: number } | undefined {
  const sizes = treeSizes(dir);
  const due = kit.removals.filter(({ id }) => !vault.removals.has(id));
  const tokens = [...new Set([...vault.present(due.flatMap((removal) => removal.tokens)), ...vault.lostTokens])];
  const removed = new Map<string, number[]>([...lost.ranges].map(([log, ranges]) => [log, [...ranges]]));
  const fields = new Map<string, Map<number, Set<string>>>();
  for (const { logs } of due) {
    for (const { log, ranges, fields: values } of logs) {
      const size = sizes.get(log) ?? 0;
      const whole = values.filter(({ pointers }) => pointers.length === 0).flatMap(({ leafIndex }) => [leafIndex, leafIndex + 1]);
      for (const all of [ranges, whole]) {
        for (let i = 0; i < all.length; i += 2) {
          const [from, to] = [all[i] as number, Math.min(size, all[i + 1] as number)];
          if (from < to) removed.set(log, mergeRanges(removed.get(log) ?? [], [from, to]));
        }
      }
      const of = fields.get(log) ?? new Map<number, Set<string>>();
      fields.set(log, of);
      for (const { leafIndex, pointers } of values) {
        if (pointers.length > 0 && leafIndex < size) of.set(leafIndex, new Set([...(of.get(leafIndex) ?? []), ...pointers]));
      }
    }
  }
  const logs = [...new Set([...removed.keys(), ...fields.keys()])].toSorted().flatMap((log): LogRemoval[] => {
    const ranges = removed.get(log) ?? [];
    const redactions = [...(fields.get(log) ?? [])]
      .filter(([leafIndex]) => !rangesHold(ranges, leafIndex))
      .toSorted(([a], [b]) => a - b)
      .map(([leafIndex, pointers]) => ({ leafIndex, pointers: [...pointers].toSorted(), hidePointers: false, count: pointers.size }));
    if (ranges.length === 0 && redactions.length === 0) return [];
    const touched = new Set<number>();
    for (let i = 0; i < ranges.length; i += 2)
      for (let bucket = bucketOf(ranges[i] as number); bucket * bucketLeaves < (ranges[i + 1] as number); bucket++) touched.add(bucket);
    for (const { leafIndex } of redactions) touched.add(bucketOf(leafIndex));
    const buckets = [...touched].toSorted((a, b) => a - b).map((bucket) => ({ bucket, generation: vault.newestKey(log, bucket).generation + 1 }));
    return [{ log, removed: ranges, redactions, buckets }];
  });
  if (logs.length === 0 && tokens.length === 0) return undefined;
  const body: RemovalJournal = {
    id: `rem_${Array.from(systemRandom.bytes(26), (byte) => 'abcdefghijklmnopqrstuvwxyz234567'[byte & 31]).join('')}`,
    operation: 'erase',
    reason: 'restored from a backup older than an erasure, or than the newest entries',
    by: 'local',
    tokens,
    logs,
    rootBefore: vault.rootVersion,
    records: logs.reduce((sum, one) => sum + leavesIn(one.removed), 0),
    fields: logs.reduce((sum, one) => sum + one.redactions.reduce((count, { count: more }) => count + more, 0), 0),
  };
  return { body, replayed: due.length };
}

function treeSizes(dir: string): Map<string, number> {
  const records = new DatabaseSync(join(dir, recordsFileName), { readOnly: true });
  try {
    const rows = records.prepare('SELECT name, tree_size AS size FROM logs JOIN trees ON trees.log = logs.id').all() as unknown as {
      name: string;
      size: number;
    }[];
    return new Map(rows.map(({ name, size }) => [name, size]));
  } finally {
    records.close();
  }
}
