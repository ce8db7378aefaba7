/**
 * A backup: the state of a data directory in another directory, beside a running server or without one. What never changes (full tiles, segments) is
 * copied once, the next backup into the same directory adds to it.
 *
 * It opens nothing by itself: no secret of the keyring is in it, and bucket keys in it are sealed under a root that is not. Lookups of the vault are
 * taken out, too: with the lookup key somebody could try whether a value was ever met. What opens it is the recovery kit (`recovery-kit.ts`), which is
 * made anew after every erasure; so a backup cannot bring back what was erased since.
 *
 * The order makes the copies fit together: checkpoints first, then records (of that size or larger), then the tiles that those need, then the vault (which
 * has all that the records point to). A removal under way is not copied.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { VeiltrailError } from '../../core/errors.ts';
import { bucketOf, generationOf } from '../../ledger/chunk.ts';
import { parseTilePath, tileWidthMax } from '../../log/tile-path.ts';
import { tileWidth } from '../../log/tile.ts';
import { dataDirPaths } from '../../storage/data-dir.ts';
import { segmentPath } from '../../storage/files/segment-store.ts';
import type { SegmentName } from '../../storage/segment-store.ts';
import { openSqliteRecordSource } from '../../storage/sqlite/record-source.ts';
import { readOnlyLocation } from '../../storage/sqlite/open-database.ts';
import { listKeyFiles } from '../../vault/key-file.ts';
import { openKeyring } from '../../vault/keyring.ts';
import { readSigningKeys } from '../../vault/rotate-signing-key.ts';
import { readDataConfig } from '../data-config.ts';
import { alertsFileName, keysDirectory, listTileFiles, recordsFileName, removalFileName, sealedPaths } from '../data-files.ts';
import { vaultFileName } from '../stored-vault.ts';
import { type BackedUpFile, type BackedUpLog, formatManifest, listFile, measure, noteFile } from './manifest.ts';

export interface BackupReport {
  createdAt: string;
  logs: BackedUpLog[];
  files: number;
  bytes: number;
  /** Files that were there already. */
  kept: number;
}

/**
 * @param to a directory that is empty, not there yet, or holds an earlier backup of the same installation
 * @throws VeiltrailError `data_dir_missing`, `backup_other` (the directory holds something else), `removal_unfinished`,
 * `backup_moved` (records were compacted or removed meanwhile: make it again), and what its parts throw
 */
export async function makeBackup(dataDir: string, to: string, nowMs: number): Promise<BackupReport> {
  readDataConfig(dataDir);
  const paths = dataDirPaths(dataDir);
  const keyring = openKeyring(join(dataDir, keysDirectory), { create: false });
  const signers = keyring.logs().flatMap((log) => keyring.signer(log) ?? []);
  refuseRemoval(dataDir);
  if (existsSync(to) && readdirSync(to).length > 0 && !existsSync(join(to, listFile)))
    throw new VeiltrailError('backup_other', 'the directory is not empty, and what is in it is no backup');
  mkdirSync(to, { recursive: true, mode: 0o700 });
  // From here on it is not whole, until the note is written.
  rmSync(join(to, noteFile), { force: true });
  writeFileSync(join(to, listFile), '{"files":[]}\n', { mode: 0o600 });
  const copy = new Copy(dataDir, to);
  for (const log of keyring.logs()) copy.small(`logs/${log}/checkpoint`);
  copy.database(recordsFileName);
  const records = openSqliteRecordSource(join(to, recordsFileName));
  const states = await records.logs();
  await records.close();
  for (const { log, durableSize } of states) await copyTiles(copy, join(paths.logs, log), log, durableSize);
  copy.tree('segments');
  copy.database(vaultFileName);
  withoutLookups(join(to, vaultFileName));
  for (const path of sealedPaths(dataDir)) {
    if (isSecret(path) || path.startsWith(alertsFileName) || copy.paths.has(path) || path.startsWith('logs/') || path.startsWith('segments/'))
      continue;
    if (path.endsWith('.db')) copy.database(path);
    else if (!/\.db-(?:wal|shm|journal)$/.test(path) && path !== removalFileName && !path.endsWith('.lock')) copy.small(path);
  }
  copy.tree('anchors');
  refuseRemoval(dataDir);
  checkFits(to);
  copy.removeOthers();
  const logs = states.map(({ log, origin, treeSize }) => ({ log, origin, treeSize }));
  const files: BackedUpFile[] = [];
  for (const path of [...copy.paths].toSorted()) files.push({ path, ...((await measure(join(to, path))) as { size: number; sha256: string }) });
  const createdAt = new Date(nowMs).toISOString();
  const secrets = listKeyFiles(join(dataDir, keysDirectory))
    .filter((file) => file.endsWith('.secret'))
    .toSorted();
  const signed = logs.map((one) => ({ ...one, vkeys: signingVkeys(join(dataDir, keysDirectory), one.log) }));
  const { list, note } = formatManifest({ createdAt, logs: signed, files, secrets }, signers);
  writeDurably(join(to, listFile), list);
  writeDurably(join(to, noteFile), note);
  return { createdAt, logs, files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0), kept: copy.kept };
}

/** The key that signs, and the one that follows it. @throws VeiltrailError `signing_key_missing`, `key_file_syntax` */
function signingVkeys(keysDir: string, log: string): string[] {
  const { vkey, next } = readSigningKeys(keysDir, log);
  return next === undefined ? [vkey] : [vkey, next];
}

/** Keys of whatever kind: those of the keyring, and the first API keys. Public ones are none. */
function isSecret(path: string): boolean {
  return path.startsWith(`${keysDirectory}/`) && !path.endsWith('.vkey');
}

/**
 * Records and vault are copied one after the other. What happens in between may take keys from the vault that the copied records need (a compaction, a
 * removal that begins and ends), or tell of tombstones that they do not have.
 * @throws VeiltrailError `backup_moved`
 */
function checkFits(to: string): void {
  const records = new DatabaseSync(join(to, recordsFileName), { readOnly: true });
  try {
    records.prepare('ATTACH ? AS vault').run(pathToFileURL(join(to, vaultFileName)).href + '?mode=ro');
    const chunks = records.prepare('SELECT name, first_leaf, substr(sealed, 1, 80) AS head FROM chunks JOIN logs ON logs.id = chunks.log').iterate();
    const hasKey = records.prepare('SELECT 1 FROM vault.bucket_keys WHERE log = ? AND bucket = ? AND generation = ?');
    for (const { name, first_leaf: firstLeaf, head } of chunks as Iterable<{ name: string; first_leaf: number; head: Uint8Array }>)
      if (!hasKey.get(name, bucketOf(firstLeaf), generationOf(head, firstLeaf))) throw moved();
    const segments = records.prepare('SELECT name AS log, class, bucket, generation FROM segments JOIN logs ON logs.id = segments.log').all();
    const hasSegmentKey = records.prepare('SELECT 1 FROM vault.segment_keys WHERE log = ? AND class = ? AND bucket = ? AND generation = ?');
    for (const one of segments as unknown as SegmentName[]) {
      if (!hasSegmentKey.get(one.log, one.class, one.bucket, one.generation) || !existsSync(join(to, 'segments', segmentPath(one)))) throw moved();
    }
    const beyond = `SELECT 1 FROM vault.tombstones AS one LEFT JOIN logs ON logs.name = one.log LEFT JOIN trees ON trees.log = logs.id
      WHERE tree_size IS NULL OR leaf >= tree_size LIMIT 1`;
    if (records.prepare(beyond).get()) throw moved();
  } finally {
    records.close();
  }
}

function moved(): VeiltrailError {
  return new VeiltrailError('backup_moved', 'records were compacted or removed while they were copied: make the backup again');
}

/** @throws VeiltrailError `removal_unfinished` */
export function refuseRemoval(dataDir: string): void {
  if (existsSync(join(dataDir, removalFileName))) throw new VeiltrailError('removal_unfinished', 'a removal is under way: back up when it is done');
}

class Copy {
  readonly #from: string;
  readonly #to: string;
  readonly paths = new Set<string>();
  kept = 0;

  constructor(from: string, to: string) {
    this.#from = from;
    this.#to = to;
  }

  /** A file that is replaced as a whole when it changes. */
  small(path: string): void {
    if (!existsSync(join(this.#from, path))) return;
    this.#prepare(path);
    copyFileSync(join(this.#from, path), join(this.#to, `${path}.new`));
    renameSync(join(this.#to, `${path}.new`), join(this.#to, path));
  }

  /** A file that never changes. */
  once(path: string): void {
    const there = statSync(join(this.#to, path), { throwIfNoEntry: false });
    if (there && there.size === statSync(join(this.#from, path)).size) {
      this.paths.add(path);
      this.kept++;
      return;
    }
    this.small(path);
  }

  /** What never changes below a directory. */
  tree(dir: string): void {
    if (!existsSync(join(this.#from, dir))) return;
    for (const entry of readdirSync(join(this.#from, dir), { recursive: true, withFileTypes: true })) {
      const path = relative(this.#from, join(entry.parentPath, entry.name)).split(sep).join('/');
      if (entry.isFile() && !/\.(?:tmp|new|writing)$/.test(path)) this.once(path);
    }
  }

  /** A SQLite file, as of one moment, without its free pages. */
  database(path: string): void {
    this.#prepare(path);
    const target = join(this.#to, `${path}.new`);
    rmSync(target, { force: true });
    const source = new DatabaseSync(readOnlyLocation(join(this.#from, path)), { readOnly: true, timeout: 10_000 });
    try {
      source.prepare('VACUUM INTO ?').run(target);
    } finally {
      source.close();
    }
    renameSync(target, join(this.#to, path));
  }

  /** What an earlier backup had and this one has not. */
  removeOthers(): void {
    for (const entry of readdirSync(this.#to, { recursive: true, withFileTypes: true })) {
      const path = relative(this.#to, join(entry.parentPath, entry.name)).split(sep).join('/');
      if (entry.isFile() && !this.paths.has(path) && path !== listFile && path !== noteFile) rmSync(join(this.#to, path));
    }
  }

  #prepare(path: string): void {
    this.paths.add(path);
    mkdirSync(dirname(join(this.#to, path)), { recursive: true, mode: 0o700 });
  }
}

/** The full tiles that a start needs; it makes the others from the records. */
async function copyTiles(copy: Copy, logDir: string, log: string, durableSize: number): Promise<void> {
  for await (const path of listTileFiles(logDir)) {
    let tile;
    try {
      tile = parseTilePath(path);
    } catch {
      continue; // something else, or a partial tile's directory
    }
    const level = tile.level === 'entries' ? 0 : tile.level;
    const width = tileWidth(level, tile.index, durableSize);
    // Those of the durable size, all levels: the tree is grown from there. (It ends with a full leaf tile, but not with a full one of every level.)
    if (tile.width === width && (width === tileWidthMax || level > 0)) copy.once(`logs/${log}/${path}`);
  }
}

function withoutLookups(path: string): void {
  const vault = new DatabaseSync(path);
  try {
    vault.exec('PRAGMA journal_mode=DELETE; PRAGMA secure_delete=ON');
    vault.exec(
      'BEGIN; UPDATE tokens SET lookup = randomblob(32); DELETE FROM by_lookup; DELETE FROM by_token; UPDATE entered SET id = 0; COMMIT; VACUUM',
    );
  } finally {
    vault.close();
  }
}

function writeDurably(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}
