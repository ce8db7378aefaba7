/** A thread that verifies ranges of leaves of a data directory, read-only. Only `verify.ts` starts it. */
import { join } from 'node:path';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { TokenSet } from '../app/token-set.ts';
import { verifyRange, type RangeTask } from '../app/verify-range.ts';
import { dataDirPaths } from '../storage/data-dir.ts';
import { openFileTileSource } from '../storage/files/tile-store.ts';
import { openSqliteRecordSource } from '../storage/sqlite/record-source.ts';
import { serveCalls } from '../thread/port-call.ts';
import { openKeyring } from '../vault/keyring.ts';
import { keysDirectory } from './data-files.ts';
import { openRecordReader } from './open-records.ts';
import { openStoredVault } from './stored-vault.ts';

export interface VerifyThreadData {
  thread: 'verify';
  dataDir: string;
  /** Of a {@link TokenSet}. */
  tokens: SharedArrayBuffer;
}

if (!isMainThread && parentPort && (workerData as Partial<VerifyThreadData> | null)?.thread === 'verify') {
  const { dataDir, tokens } = workerData as VerifyThreadData;
  const paths = dataDirPaths(dataDir);
  const vault = openStoredVault(dataDir, openKeyring(join(dataDir, keysDirectory), { create: false }));
  const parts = {
    tiles: openFileTileSource(paths.logs),
    store: {
      reader: openRecordReader(dataDir, openSqliteRecordSource(paths.records), vault),
      tokens: { atHand: new TokenSet(tokens), hasToken: (token: string) => vault.hasToken(token) },
    },
  };
  serveCalls(parentPort, { verify: (task: RangeTask) => verifyRange(task, parts) });
}
