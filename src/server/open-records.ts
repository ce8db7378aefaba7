/** Records of a data directory, chunks and segments alike, with the drivers it has. */
import { join } from 'node:path';
import type { BucketKeys } from '../ledger/chunk.ts';
import { RecordReader } from '../ledger/reader.ts';
import { type SegmentKeys, SegmentReader } from '../ledger/segment-reader.ts';
import { dataDirPaths } from '../storage/data-dir.ts';
import { openFileSegmentSource } from '../storage/files/segment-store.ts';
import type { RecordSource } from '../storage/record-store.ts';
import { openSqliteRecordSource } from '../storage/sqlite/record-source.ts';
import { openKeyring } from '../vault/keyring.ts';
import { keysDirectory } from './data-files.ts';
import { openStoredVault } from './stored-vault.ts';

export function openRecordReader(dataDir: string, records: RecordSource, keys: BucketKeys & SegmentKeys): RecordReader {
  const segments = new SegmentReader(openFileSegmentSource(dataDirPaths(dataDir).segments), keys);
  return new RecordReader(records, keys, { segments });
}

/** Opens the records of a data directory for reading, whether or not a server runs on it, and closes them. @throws what opening them throws */
export async function withRecords<T>(dataDir: string, use: (records: RecordReader) => Promise<T>): Promise<T> {
  const keyring = openKeyring(join(dataDir, keysDirectory), { create: false });
  const records = openSqliteRecordSource(dataDirPaths(dataDir).records);
  try {
    const vault = openStoredVault(dataDir, keyring);
    try {
      return await use(openRecordReader(dataDir, records, vault));
    } finally {
      await vault.close();
    }
  } finally {
    await records.close();
  }
}
