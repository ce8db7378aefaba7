/** Which files a data directory has, and which of them its seal covers. */
import { existsSync, readdirSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { accessFileName, hasAccessFile } from '../access/access-file.ts';
import { VeiltrailError } from '../core/errors.ts';
import { vaultFileName } from './stored-vault.ts';

/** The log of what the server does itself. */
export const systemLog = '_system';
export const keysDirectory = 'keys';
export const recordsFileName = 'records.db';
export const indexFileName = 'index.db';
/** State of alerts. Not in backups: `_system` has what it says, and an older one would bring back what was erased since. */
export const alertsFileName = 'alerts.db';
/** There while a removal is under way (`app/removal-journal.ts`). */
export const removalFileName = 'removal.json';

/**
 * Not sealed: what is checked by content (full tiles, anchors), rebuilt (index, and what SQLite shares between processes about a write-ahead log, which
 * is there where a stop could not move that into its database), held by the running process (lock), of this disk alone (how far the server has
 * verified it, how far its forwarders are), or is the seal. Partial tiles are sealed: they are few, and nothing else says which of the earlier sizes were published and must stay.
 * So are checkpoints: an older one is as well signed, and its tiles are all there.
 */
const unsealed = [
  /^logs\/[^/]+\/tile\/(?!.*\.p\/)/,
  /^index\.db/,
  /\.db-shm$/,
  /^lock/,
  /^seal\.json/,
  /^anchors\//,
  /^forwarders\//,
  /^verified\.json/,
];

/**
 * Refuses a directory that has lost its keyring, its vault or its keys. Records are made last, so where they are, those were; new ones in their
 * place would open nothing that is stored, and would be in the way of the right ones; new first keys would hand the directory to whoever
 * removed the old ones. Whoever opens a directory for writing calls this first.
 * @throws VeiltrailError `keyring_missing`, `vault_missing`, `access_file_missing`
 */
export function checkNothingLost(dataDir: string): void {
  if (!existsSync(join(dataDir, recordsFileName))) return;
  if (!existsSync(join(dataDir, keysDirectory, 'keyring'))) {
    throw new VeiltrailError('keyring_missing', `there are records, but ${keysDirectory} is not their keyring: put the right one back`, {
      where: keysDirectory,
    });
  }
  if (!existsSync(join(dataDir, vaultFileName))) {
    throw new VeiltrailError('vault_missing', `there are records, but ${vaultFileName} is gone: put the right one back`, { where: vaultFileName });
  }
  if (!hasAccessFile(dataDir)) {
    throw new VeiltrailError(
      'access_file_missing',
      `there are records, but ${accessFileName} is gone: put it back; or write {"version":1,"keys":[]} into one of mode 600, and make new keys with "veiltrail key create"`,
      { where: accessFileName },
    );
  }
}

/** Paths of the files to seal, relative to the directory, with `/`. */
export function sealedPaths(dataDir: string): string[] {
  return readdirSync(dataDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dataDir, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !unsealed.some((pattern) => pattern.test(path)));
}

/** Files below a log's `tile` directory, as `tile/…`, one directory in memory at a time. */
export async function* listTileFiles(logDir: string): AsyncGenerator<string> {
  yield* walk(join(logDir, 'tile'), 'tile');
}

async function* walk(dir: string, path: string): AsyncGenerator<string> {
  let entries;
  try {
    entries = await opendir(dir);
  } catch {
    return; // an empty log has no tiles; that one is missing is found when it is read
  }
  for await (const entry of entries) {
    if (entry.isDirectory()) yield* walk(join(dir, entry.name), `${path}/${entry.name}`);
    else yield `${path}/${entry.name}`;
  }
}
