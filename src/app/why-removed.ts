/** Why a record is not there: the leaf that tells of its removal, where one does. */
import { VeiltrailError } from '../core/errors.ts';
import type { RecordReader } from '../ledger/reader.ts';
import { recordOfFields } from '../log/open-record.ts';
import type { TombstoneRow } from '../storage/vault-store.ts';
import { parseTombstone } from '../verify/tombstone.ts';
import { rangesHold } from './leaf-ranges.ts';

export type TombstoneRows = () => Promise<readonly TombstoneRow[]>;

const goneCodes = new Set(['record_removed', 'record_not_found']);

/** What reading a record threw; of one that was removed, `record_removed` with the leaf that says why. */
export async function whyRemoved(
  error: unknown,
  { log, leafIndex }: { log: string; leafIndex: number },
  tombstones: TombstoneRows,
  reader: Pick<RecordReader, 'fields'>,
): Promise<unknown> {
  if (!(error instanceof VeiltrailError) || !goneCodes.has(error.code)) return error;
  for (const row of await tombstones()) {
    if (row.log !== log || !(await tellsOf(reader, row, leafIndex))) continue;
    const message = `the record of leaf ${leafIndex} was removed; the tombstone at leaf ${row.leafIndex} says why`;
    return new VeiltrailError('record_removed', message, { leafIndex, tombstone: row.leafIndex }, { cause: error });
  }
  return error;
}

async function tellsOf(reader: Pick<RecordReader, 'fields'>, row: TombstoneRow, leafIndex: number): Promise<boolean> {
  try {
    const member = recordOfFields(await reader.fields(row.log, row.leafIndex))['tombstone'];
    return member !== undefined && rangesHold(parseTombstone(member).ranges, leafIndex);
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    return false; // a tombstone that cannot be read is for `verify` to report
  }
}
