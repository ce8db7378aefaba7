/** Records of a data directory, chunks and segments alike, with the drivers it has. */
import type { BucketKeys } from '../ledger/chunk.ts';
import { RecordReader } from '../ledger/reader.ts';
import { type SegmentKeys, SegmentReader } from '../ledger/segment-reader.ts';
import { dataDirPaths } from '../storage/data-dir.ts';
import { openFileSegmentSource } from '../storage/files/segment-store.ts';
import type { RecordSource } from '../storage/record-store.ts';

export function openRecordReader(dataDir: string, records: RecordSource, keys: BucketKeys & SegmentKeys): RecordReader {
  const segments = new SegmentReader(openFileSegmentSource(dataDirPaths(dataDir).segments), keys);
  return new RecordReader(records, keys, { segments });
}
