/**
 * Whether the vault is the one that the records were written with. An older copy of it put back would be gone on with: the keys that it lacks
 * would be made anew, in the way of the right ones, and values that it lacks would get other tokens. What the newest records need is looked
 * for before anything is written; `verify` looks at all of them.
 */
import { existsSync } from 'node:fs';
import { TokenCheck } from '../app/verify-tokens.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { OpenedChunk, RecordReader } from '../ledger/reader.ts';
import { dataDirPaths } from '../storage/data-dir.ts';
import { openSqliteRecordSource } from '../storage/sqlite/record-source.ts';
import type { Keyring } from '../vault/keyring.ts';
import { openRecordReader } from './open-records.ts';
import { openStoredVault } from './stored-vault.ts';

/** Records of each log whose tokens are looked for: the newest chunk may hold nobody who is new. */
const recordsLookedAt = 1_024;

const openingCodes = new Set(['chunk_damaged', 'chunk_version', 'segment_damaged', 'segment_version', 'segment_missing']);

/** @throws VeiltrailError `vault_behind`, and those of `storage-error.ts` */
export async function checkVaultFits(dataDir: string, keyring: Keyring): Promise<void> {
  const paths = dataDirPaths(dataDir);
  if (!existsSync(paths.records)) return;
  const records = openOrLeave(() => openSqliteRecordSource(paths.records));
  if (!records) return;
  const vault = openOrLeave(() => openStoredVault(dataDir, keyring));
  try {
    if (!vault) return;
    const reader = openRecordReader(dataDir, records, vault);
    const check = new TokenCheck(vault);
    for (const { log, treeSize } of await records.logs()) {
      for (let end = treeSize; end > 0 && treeSize - end < recordsLookedAt;) {
        const chunk = await openHolding(reader, log, end - 1);
        if (!chunk) break;
        if (!(await areTokensKnown(chunk, check))) throw behind(log);
        end = chunk.firstLeaf;
      }
    }
  } finally {
    await vault?.close();
    await records.close();
  }
}

/** A file of an older format is not there to be read yet: opening it for writing migrates it. */
function openOrLeave<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof VeiltrailError && error.code === 'older_format') return undefined;
    throw error;
  }
}

/** The chunk of a leaf, unless something else than the vault keeps it from being opened: that is for others to find. */
async function openHolding(reader: RecordReader, log: string, leafIndex: number): Promise<OpenedChunk | undefined> {
  try {
    const chunk = await reader.openChunkFrom(log, leafIndex);
    return chunk && chunk.firstLeaf <= leafIndex ? chunk : undefined;
  } catch (error) {
    const { code } = error as VeiltrailError;
    if (code === 'bucket_key_missing' || code === 'segment_key_missing') throw behind(log);
    if (openingCodes.has(code)) return undefined;
    throw error;
  }
}

async function areTokensKnown({ count, content }: OpenedChunk, check: TokenCheck): Promise<boolean> {
  const { offsets, records } = content;
  for (const i of check.recordsToAsk(records, offsets, Math.max(0, count - recordsLookedAt), count)) {
    if ((await check.missing(records.subarray(offsets[i], offsets[i + 1]))).length > 0) return false;
  }
  return true;
}

function behind(log: string): VeiltrailError {
  return new VeiltrailError(
    'vault_behind',
    `vault.db is older than the records of log ${log}, which need what it does not have: put the newest one back`,
    {
      log,
      where: 'vault.db',
    },
  );
}
