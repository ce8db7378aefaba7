/** From the retention table in force to the classes that compaction puts records into. */
import { classOf, type RetentionTable } from '../app/retention-table.ts';
import { retainedFacts } from '../app/retention.ts';
import { oneClass, type RetentionClasses } from '../ledger/compact.ts';

/** @param table in force; without rules nobody has said how long records are kept, and they are of one class */
export function createRetentionClasses(table: RetentionTable): RetentionClasses {
  if (table.rules.length === 0) return oneClass;
  return { classOf: (log, packed) => classOf(table, { log, ...retainedFacts(packed) }) };
}
