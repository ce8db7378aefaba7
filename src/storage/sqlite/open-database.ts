/**
 * Opens one of our SQLite files: the settings every one of them has, and its format version.
 *
 * - `synchronous=FULL` in WAL mode: a transaction is on disk when COMMIT returns. Checkpoints of the WAL are ours to schedule.
 * - `secure_delete` overwrites what is deleted, `auto_vacuum=INCREMENTAL` gives pages back in small steps.
 * - `application_id` says whose file it is, `user_version` which numbered migrations it has had. A newer file than this program is refused,
 *   an older one is migrated, one migration a transaction.
 *
 * A write-ahead log that a crash left is moved into the database before anything is added to it. The crash may have been our own answer to a failed
 * fsync, after which the kernel may hold pages of it for clean that are on no disk: what was appended behind them would be gone with the power.
 * Moving it writes and syncs all of it once more.
 *
 * While a connection is open, nobody in the same process may open and close the file by other means (hash it, copy it): POSIX would drop
 * SQLite's locks.
 */
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DatabaseSync } from 'node:sqlite';
import { VeiltrailError } from '../../core/errors.ts';
import { storageError } from '../storage-error.ts';

export interface DatabaseFormat {
  /** For messages: what the file holds. */
  name: string;
  /** Four bytes, as one integer. */
  applicationId: number;
  /** SQL of version 1, 2, …: append only. */
  migrations: readonly string[];
}

/**
 * Opens for reading and writing; makes the file when there is none.
 * @throws VeiltrailError `newer_format`, `storage_damaged` when the file is not ours, and those of `storage-error.ts`
 */
export function openDatabase(path: string, format: DatabaseFormat): DatabaseSync {
  try {
    // SQLite has one answer for all that it cannot open; these say why.
    accessSync(dirname(path), constants.W_OK);
    if (existsSync(path)) accessSync(path, constants.W_OK);
    const isLeft = existsSync(`${path}-wal`);
    const database = new DatabaseSync(path, { timeout: 5_000, allowExtension: false });
    try {
      // The order matters: auto_vacuum is fixed once the first page is written.
      database.exec('PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON');
      database.exec(
        'PRAGMA wal_autocheckpoint=0; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-6000; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF',
      );
      const version = checkFormat(database, format);
      // Waits for nobody: what somebody is reading is moved with the next checkpoint.
      if (isLeft) database.exec('PRAGMA wal_checkpoint(PASSIVE)');
      migrate(database, format, version);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    throw storageError(error, `open ${format.name}`);
  }
}

/**
 * Opens for reading only, beside a process that writes or without one. Leaves no file behind: a database without a WAL beside it was
 * closed in an orderly way, and is read as one that does not change.
 */
export function openDatabaseReadOnly(path: string, format: DatabaseFormat): DatabaseSync {
  try {
    const database = new DatabaseSync(readOnlyLocation(path), { readOnly: true, timeout: 5_000 });
    try {
      const version = checkFormat(database, format);
      if (version < format.migrations.length) {
        throw new VeiltrailError('older_format', `${format.name} has an older format: open it once for writing`, {
          version,
          current: format.migrations.length,
        });
      }
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    throw storageError(error, `open ${format.name}`);
  }
}

/**
 * Where to open a database that is only read. Without a WAL beside it nobody has it open: it is read as one that does not change, which leaves no file
 * behind. A seal would call such a file one too many.
 */
export function readOnlyLocation(path: string): URL {
  const location = pathToFileURL(path);
  if (!existsSync(`${path}-wal`)) location.search = '?immutable=1';
  return location;
}

function migrate(database: DatabaseSync, format: DatabaseFormat, version: number): void {
  for (const [i, sql] of format.migrations.entries()) {
    if (i < version) continue;
    database.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA application_id=${format.applicationId}; PRAGMA user_version=${i + 1}; COMMIT`);
  }
}

/** The file's version: 0 for one that is empty. */
function checkFormat(database: DatabaseSync, format: DatabaseFormat): number {
  const version = pragma(database, 'user_version');
  const applicationId = pragma(database, 'application_id');
  const empty = pragma(database, 'schema_version') === 0;
  if (!empty && applicationId !== format.applicationId) throw new VeiltrailError('storage_damaged', `${format.name} is not a file of ours`);
  if (version > format.migrations.length) {
    const current = format.migrations.length;
    throw new VeiltrailError('newer_format', `${format.name} has format ${version}; this program knows formats up to ${current}`, {
      version,
      current,
    });
  }
  return version;
}

export function pragma(database: DatabaseSync, name: string): number {
  const row = database.prepare(`PRAGMA ${name}`).get();
  return Number(row?.[name] ?? 0);
}
