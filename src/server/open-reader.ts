import { join } from 'node:path';
import { createTrailReading } from '../app/read-trail.ts';
import type { TrailReader } from '../app/trail.ts';
import { dataDirPaths } from '../storage/data-dir.ts';
import { openFileTileSource } from '../storage/files/tile-store.ts';
import { openSqliteRecordSource } from '../storage/sqlite/record-source.ts';
import { openKeyring } from '../vault/keyring.ts';
import { readDataConfig } from './data-config.ts';
import { keysDirectory } from './data-files.ts';
import { openFieldsReader } from './fields.ts';
import { createVkeys } from './log-vkeys.ts';
import { openRecordReader } from './open-records.ts';
import { openSearchReader } from './open-search.ts';
import { openStoredVault } from './stored-vault.ts';
import { Undo } from './undo.ts';

/** Opens a data directory for reading, whether or not a server runs on it. @throws VeiltrailError `data_dir_missing`, and what its parts refuse */
export async function openTrailReader(dataDir: string): Promise<TrailReader> {
  const undo = new Undo();
  try {
    readDataConfig(dataDir);
    const paths = dataDirPaths(dataDir);
    const keyringDir = join(dataDir, keysDirectory);
    const keyring = openKeyring(keyringDir, { create: false });
    const vault = openStoredVault(dataDir, keyring);
    undo.push(() => vault.close());
    const records = openSqliteRecordSource(paths.records);
    undo.push(() => records.close());
    const reader = openRecordReader(dataDir, records, vault);
    const search = openSearchReader({ dataDir, keyring, records, reader });
    undo.push(() => search.close());
    const fields = openFieldsReader(dataDir, keyring);
    undo.push(() => fields.close());
    const states = await records.logs();
    const vkeyOf = createVkeys(keyring);
    const reading = createTrailReading({
      logs: () => states.map(({ log, origin }) => ({ log, origin, vkey: vkeyOf(log) })),
      tiles: openFileTileSource(paths.logs),
      records: reader,
      search: (log, { q, ...request }) => search.search({ log, query: q ?? '', ...request }),
      restore: (token) => vault.restore(token),
      fields: (filter) => fields.registry.list(filter),
      tombstones: () => vault.tombstones(),
    });
    return { ...reading, close: () => undo.run() };
  } catch (error) {
    await undo.run();
    throw error;
  }
}
