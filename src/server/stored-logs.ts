/** Which logs a data directory has, whether or not a server runs on it. */
import { dataDirPaths } from '../storage/data-dir.ts';
import { openSqliteRecordSource } from '../storage/sqlite/record-source.ts';
import { readDataConfig } from './data-config.ts';

/** `default` first, then by name. @throws VeiltrailError `data_dir_missing`, and those of storage */
export async function listStoredLogs(dataDir: string): Promise<string[]> {
  readDataConfig(dataDir);
  const records = openSqliteRecordSource(dataDirPaths(dataDir).records);
  try {
    const logs = (await records.logs()).map(({ log }) => log).toSorted();
    return [...logs.filter((log) => log === 'default'), ...logs.filter((log) => log !== 'default')];
  } finally {
    await records.close();
  }
}
