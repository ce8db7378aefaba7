/**
 * The data directory: what is where, and that one process has it.
 *
 * The lock is an open exclusive transaction on a SQLite file of its own: the operating system drops it with the process, so `kill -9` leaves
 * no stale lock. Nobody in this process may open and close that file by other means: POSIX would drop the lock.
 */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { VeiltrailError } from '../core/errors.ts';
import { storageError } from './storage-error.ts';

export interface DataDirPaths {
  /** Records and committed state. */
  records: string;
  /** One directory a log: its segments (`files/segment-store.ts`). */
  segments: string;
  /** One directory a log: tiles and checkpoint. */
  logs: string;
  /** Written at an orderly close, gone while a server runs (see `ledger/seal.ts`). */
  seal: string;
  lock: string;
}

export function dataDirPaths(dataDir: string): DataDirPaths {
  return {
    records: join(dataDir, 'records.db'),
    segments: join(dataDir, 'segments'),
    logs: join(dataDir, 'logs'),
    seal: join(dataDir, 'seal.json'),
    lock: join(dataDir, 'lock'),
  };
}

export interface DataDirLock {
  /** Lets another process have the directory. */
  release(): void;
}

/** Kept here, whatever callers keep: a connection that is garbage is closed, and its lock with it. */
const held = new Set<DatabaseSync>();

/**
 * Takes the directory for this process; makes it (mode 0700) when there is none.
 * @throws VeiltrailError `data_dir_in_use` when another process has it, and those of `storage-error.ts`
 */
export function lockDataDir(dataDir: string): DataDirLock {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    // On a read-only file system SQLite would open the lock for reading, and exclude nobody.
    accessSync(dataDir, constants.W_OK);
    database = new DatabaseSync(dataDirPaths(dataDir).lock, { timeout: 0 });
    database.exec('PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE');
    const taken = database;
    held.add(taken);
    return {
      release: () => {
        held.delete(taken);
        taken.close();
      },
    };
  } catch (error) {
    database?.close();
    const ours = storageError(error, 'lock the data directory');
    if (ours.code !== 'storage_busy') throw ours;
    throw new VeiltrailError('data_dir_in_use', 'another process has this data directory', {}, { cause: error });
  }
}

/**
 * Runs work that reads a directory: beside the process that has it, or with nobody else in it. Where nothing can be written, nobody else can write.
 * @throws what the work throws
 */
export async function readUndisturbed<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  let lock: DataDirLock | undefined;
  try {
    lock = lockDataDir(dataDir);
  } catch (error) {
    if (!(error instanceof VeiltrailError) || (error.code !== 'data_dir_in_use' && error.code !== 'storage_readonly')) throw error;
  }
  try {
    return await work();
  } finally {
    lock?.release();
  }
}

/** True while a process, this one included, holds the lock of the directory. */
export function isDataDirInUse(dataDir: string): boolean {
  try {
    const database = new DatabaseSync(dataDirPaths(dataDir).lock, { readOnly: true, timeout: 0 });
    try {
      database.exec('BEGIN; SELECT * FROM sqlite_schema; COMMIT');
      return false;
    } finally {
      database.close();
    }
  } catch (error) {
    return storageError(error, 'look at the lock').code === 'storage_busy';
  }
}
