/** Which logs a data directory has, whether or not a server runs on it. */
import { join } from 'node:path';
import { dataDirPaths } from '../storage/data-dir.ts';
import { openSqliteRecordSource } from '../storage/sqlite/record-source.ts';
import { openKeyring } from '../vault/keyring.ts';
import { readDataConfig } from './data-config.ts';
import { keysDirectory } from './data-files.ts';

/** @throws VeiltrailError `data_dir_missing`, and those of storage */
async function listStoredLogs(dataDir: string): Promise<string[]> {
  readDataConfig(dataDir);
  const records = openSqliteRecordSource(dataDirPaths(dataDir).records);
  try {
    return (await records.logs()).map(({ log }) => log);
  } finally {
    await records.close();
  }
}

/**
 * Logs that a directory must have: by its records, by its keys, and those that are known from elsewhere, so that none can go without a word. What cannot
 * be opened names none: verifying any of them says what is wrong with it. `default` first, then by name; never empty.
 */
export async function listExpectedLogs(dataDir: string, known: Iterable<string>): Promise<string[]> {
  const sources = [() => listStoredLogs(dataDir), async () => openKeyring(join(dataDir, keysDirectory), { create: false }).logs()];
  const logs = new Set(known);
  for (const list of sources) {
    try {
      for (const log of await list()) logs.add(log);
    } catch {
      // said by the verification of each log
    }
  }
  return logs.size === 0 ? ['default'] : inOrder(logs);
}

function inOrder(logs: Iterable<string>): string[] {
  return [...logs].toSorted((a, b) => Number(b === 'default') - Number(a === 'default') || (a < b ? -1 : 1));
}
