/**
 * The stage of a drill: a data directory of its own, what an auditor kept from before the attack, and the tools that attackers have: an editor for the
 * databases' bytes, and for whoever holds the keys another history of a log, signed by them.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { VeiltrailError } from '../../core/errors.ts';
import { systemRandom } from '../../core/random.ts';
import { bucketOf, sealChunk } from '../../ledger/chunk.ts';
import { recordOf } from '../../ledger/reader.ts';
import { commitPackedMany } from '../../log/commit-many.ts';
import { parseCheckpointText, signCheckpoint } from '../../log/checkpoint.ts';
import { commitmentBytes, formatEntry, hashEntries } from '../../log/entry.ts';
import { formatEntryBundle } from '../../log/entry-bundle.ts';
import { Frontier } from '../../log/frontier.ts';
import { parseNote } from '../../log/note.ts';
import { formatTilePath, tileWidthMax } from '../../log/tile-path.ts';
import { growTiles, hashTile } from '../../log/tile.ts';
import { dataDirPaths } from '../../storage/data-dir.ts';
import { openSqliteRecordSource } from '../../storage/sqlite/record-source.ts';
import { witnessedPath } from '../../storage/tile-store.ts';
import { openKeyring } from '../../vault/keyring.ts';
import { keysDirectory } from '../data-files.ts';
import { openRecordReader } from '../open-records.ts';
import { openStoredVault } from '../stored-vault.ts';

export interface Stage {
  /** The directory that is attacked. */
  dir: string;
  /** The same one some events earlier. */
  earlier: string;
  /** The log that is attacked, and another one. */
  log: string;
  other: string;
  /** Of the log, from before the attack. */
  checkpoint: string;
  vkey: string;
  /** A leaf of the log of which a value was redacted behind `earlier`. */
  redacted: number;
  /** The policies of an auditor who demands both of two witnesses, or either. */
  policies: Record<'both' | 'either', string>;
  /** A checkpoint of the log with the cosignature of the witness that colludes. */
  colludes: (checkpoint: string) => string;
  /** What both witnesses saw and cosigned of the log, from before the attack. */
  cosigned: string;
}

/** A copy of the stage, to be attacked. */
export function copyStage(stage: Stage, dir: string): Stage {
  cpSync(stage.dir, dir, { recursive: true });
  return { ...stage, dir };
}

/** Changes a database's rows as whoever can write to the disk does: by SQL, past all of our code. */
export function edit(dir: string, file: 'records.db' | 'vault.db' | 'requests.db', change: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(join(dir, file));
  try {
    database.exec('PRAGMA foreign_keys=OFF');
    change(database);
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    database.close();
  }
}

/** A row's blob, with one bit turned. */
export function turnBit(bytes: Uint8Array, at = bytes.length >>> 1): Uint8Array {
  const bent = Uint8Array.from(bytes);
  bent[at] = (bent[at] as number) ^ 0x04;
  return bent;
}

/** Whoever attacks a stopped directory does away with its seal, and has the records say that they were not closed in good order. */
export function unseal(dir: string): void {
  rmSync(join(dir, 'seal.json'), { force: true });
  edit(dir, 'records.db', (database) => database.exec('UPDATE closing SET clean = 0'));
}

/** A file of a log's tiles, the first that a pattern fits. @throws VeiltrailError `drill_failed` */
export function tileFile(dir: string, log: string, pattern: RegExp): string {
  const root = join(dataDirPaths(dir).logs, log);
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'));
  const found = paths.toSorted().find((path) => pattern.test(path));
  if (found === undefined) throw new VeiltrailError('drill_failed', 'the log is too small for this attack');
  return join(root, found);
}

export function turnBitOfFile(path: string): void {
  writeFileSync(path, turnBit(readFileSync(path)));
}

/**
 * Another history of a log, in place of the one that there is: its records as `change` makes them, under new commitments, new tiles and a checkpoint
 * signed with the log's real key. What an administrator with all keys can do.
 */
export async function rewriteHistory(dir: string, log: string, change: (records: Uint8Array[]) => Uint8Array[]): Promise<void> {
  const keyring = openKeyring(join(dir, keysDirectory), { create: false });
  const signer = keyring.signer(log);
  if (!signer) throw new VeiltrailError('signing_key_missing', 'the keyring has no signing key for this log');
  const { records, receivedAtMs, bucketKey, generation } = await readLog(dir, log);
  const before = [...records];
  const changed = change(records);
  const packed = Buffer.concat(changed);
  const offsets = new Uint32Array(changed.length + 1);
  changed.forEach((one, i) => (offsets[i + 1] = (offsets[i] as number) + one.length));
  const commitments = new Uint8Array(changed.length * commitmentBytes);
  commitPackedMany(signer.name, packed, offsets, 0, changed.length, commitments);
  const root = writeTiles(dir, log, commitments, (size, hash) =>
    signCheckpoint({ origin: signer.name, treeSize: size, root: hash, extensions: [] }, [signer]),
  );
  const place = { origin: signer.name, firstLeaf: 0, count: changed.length, receivedAtMs };
  // What witnesses cosigned tells of what was there: whoever leaves less, or something else, takes it away.
  const witnessed = join(dataDirPaths(dir).logs, log, witnessedPath);
  const seen = existsSync(witnessed) ? parseCheckpointText(parseNote(readFileSync(witnessed)).text).treeSize : 0;
  if (!before.slice(0, seen).every((record, i) => record === changed[i])) rmSync(witnessed, { force: true });
  const sealed = sealChunk(place, { offsets, records: packed }, bucketKey, systemRandom, generation);
  const durable = changed.length - (changed.length % tileWidthMax);
  const hashes = hashEntries(commitments);
  const frontier = new Frontier();
  for (let i = 0; i < changed.length; i++) frontier.append(hashes, i * commitmentBytes);
  edit(dir, 'records.db', (database) => {
    const id = database.prepare('SELECT id FROM logs WHERE name = ?').get(log)?.['id'] as number;
    for (const table of ['chunks', 'staged']) database.prepare(`DELETE FROM ${table} WHERE log = ?`).run(id);
    database
      .prepare('INSERT INTO chunks (log, first_leaf, count, received_at_ms, sealed) VALUES (?, 0, ?, ?, ?)')
      .run(id, changed.length, receivedAtMs, sealed);
    if (durable < changed.length) {
      database
        .prepare('INSERT INTO staged (log, first_leaf, count, commitments) VALUES (?, ?, ?, ?)')
        .run(id, durable, changed.length - durable, commitments.subarray(durable * commitmentBytes));
    }
    database
      .prepare('UPDATE trees SET tree_size = ?, root = ?, frontier = ?, durable_size = ? WHERE log = ?')
      .run(changed.length, root, frontier.toBytes(), durable, id);
  });
}

/**
 * The checkpoint that was published when the log's first tile was full, to the byte (Ed25519 signs the same twice); every tile that it needs is there, and
 * what is beyond it is left as a crash might leave it.
 */
export function putBackFilled({ dir, log }: Stage): void {
  const signer = openKeyring(join(dir, keysDirectory), { create: false }).signer(log);
  if (!signer) throw new VeiltrailError('signing_key_missing', 'the keyring has no signing key for this log');
  const root = hashTile(readFileSync(tileFile(dir, log, /^tile\/0\/000$/)));
  const published = { origin: signer.name, treeSize: tileWidthMax, root, extensions: [] };
  writeFileSync(join(dataDirPaths(dir).logs, log, 'checkpoint'), signCheckpoint(published, [signer]));
  rmSync(join(dataDirPaths(dir).logs, log, witnessedPath), { force: true });
}

async function readLog(
  dir: string,
  log: string,
): Promise<{ records: Uint8Array[]; receivedAtMs: number; bucketKey: Uint8Array; generation: number }> {
  let generation = 1;
  edit(dir, 'vault.db', (database) => {
    const newest = database.prepare('SELECT max(generation) AS generation FROM bucket_keys WHERE log = ? AND bucket = 0').get(log);
    generation = newest?.['generation'] as number;
  });
  const source = openSqliteRecordSource(dataDirPaths(dir).records);
  const vault = openStoredVault(dir, openKeyring(join(dir, keysDirectory), { create: false }));
  try {
    const reader = openRecordReader(dir, source, vault);
    const records: Uint8Array[] = [];
    let receivedAtMs = 0;
    for (let chunk = await reader.openChunkFrom(log, 0); chunk; chunk = await reader.openChunkFrom(log, records.length)) {
      for (let leaf = chunk.firstLeaf; leaf < chunk.firstLeaf + chunk.count; leaf++) {
        const record = recordOf(chunk, leaf);
        records.push(Uint8Array.from(record.packed));
        ({ receivedAtMs } = record);
      }
    }
    return { records, receivedAtMs, bucketKey: await vault.bucketKey(log, bucketOf(0), generation), generation };
  } finally {
    await vault.close();
    await source.close();
  }
}

function writeTiles(dir: string, log: string, commitments: Uint8Array, sign: (treeSize: number, root: Uint8Array) => string): Uint8Array {
  const root = join(dataDirPaths(dir).logs, log);
  rmSync(join(root, 'tile'), { recursive: true, force: true });
  const put = (path: string, bytes: Uint8Array | string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), bytes);
  };
  const hashes = hashEntries(commitments);
  for (const { bytes, ...tile } of growTiles(0, hashes, () => undefined)) put(formatTilePath(tile), bytes);
  const count = commitments.length / commitmentBytes;
  const frontier = new Frontier();
  for (let at = 0; at < count; at += tileWidthMax) {
    const entries: Uint8Array[] = [];
    for (let i = at; i < Math.min(count, at + tileWidthMax); i++) {
      entries.push(formatEntry(commitments.subarray(i * commitmentBytes, (i + 1) * commitmentBytes)));
      frontier.append(hashes, i * commitmentBytes);
    }
    put(formatTilePath({ level: 'entries', index: at / tileWidthMax, width: entries.length }), formatEntryBundle(entries));
  }
  put('checkpoint', sign(count, frontier.root()));
  return frontier.root();
}
