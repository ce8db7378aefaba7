/** `alerts.db`: alerts, and how far each log was looked at, in SQLite (see `open-database.ts` for what makes a commit durable). */
import type { DatabaseSync } from 'node:sqlite';
import { VeiltrailError } from '../../core/errors.ts';
import type { AlertChange, AlertCursor, AlertRow, AlertStore } from '../alert-store.ts';
import { storageError } from '../storage-error.ts';
import { type DatabaseFormat, openDatabase, openDatabaseReadOnly } from './open-database.ts';

const version1 = `
  CREATE TABLE alerts (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, sealed BLOB NOT NULL) STRICT;
  CREATE TABLE cursors (log TEXT PRIMARY KEY, next INTEGER, rules_from INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
`;

export const alertsFormat: DatabaseFormat = {
  name: 'alerts.db',
  applicationId: 0x76744c01, // 'vtL', 1
  migrations: [version1],
};

/** Opens `alerts.db` for its one writer; makes it when there is none. */
export function openSqliteAlertStore(path: string): AlertStore {
  return new SqliteAlertStore(openDatabase(path, alertsFormat));
}

/** Opens `alerts.db` for reading only, whether a server has it or not: whatever writes throws then. */
export function openSqliteAlertSource(path: string): AlertStore {
  return new SqliteAlertStore(openDatabaseReadOnly(path, alertsFormat));
}

class SqliteAlertStore implements AlertStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  alerts(): AlertRow[] {
    return this.#guard('read alerts', () =>
      this.#database
        .prepare('SELECT id, sealed FROM alerts ORDER BY seq')
        .all()
        .map((row) => ({ id: row['id'] as string, sealed: row['sealed'] as Uint8Array })),
    );
  }

  cursors(): AlertCursor[] {
    return this.#guard('read cursors of alerts', () =>
      this.#database
        .prepare('SELECT log, next, rules_from AS rulesFrom FROM cursors ORDER BY log')
        .all()
        .map((row) => ({ log: row['log'] as string, next: row['next'] as number | null, rulesFrom: row['rulesFrom'] as number })),
    );
  }

  fact(name: string): Uint8Array | undefined {
    return this.#guard(
      'read a fact of alerts',
      () => this.#database.prepare('SELECT value FROM facts WHERE name = ?').get(name)?.['value'] as Uint8Array | undefined,
    );
  }

  commit({ put = [], deleted = [], cursors = [], fact }: AlertChange): void {
    this.#guard('write alerts', () => {
      const database = this.#database;
      database.exec('BEGIN IMMEDIATE');
      try {
        const upsert = 'INSERT INTO alerts (id, sealed) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed';
        for (const { id, sealed } of put) database.prepare(upsert).run(id, sealed);
        for (const id of deleted) database.prepare('DELETE FROM alerts WHERE id = ?').run(id);
        for (const { log, next, rulesFrom } of cursors)
          database.prepare('INSERT OR REPLACE INTO cursors (log, next, rules_from) VALUES (?, ?, ?)').run(log, next, rulesFrom);
        if (fact) database.prepare('INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)').run(fact.name, fact.value);
        database.exec('COMMIT');
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
      // Nobody else moves the WAL of this file into it, and it is small.
      database.exec('PRAGMA wal_checkpoint(PASSIVE)');
    });
  }

  scrub(): void {
    this.#guard('tidy alerts.db', () => {
      this.#database.exec('PRAGMA incremental_vacuum');
      const row = this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
      if (row?.['busy'] !== 0) throw new VeiltrailError('storage_busy', 'somebody reads alerts.db');
    });
  }

  close(): void {
    this.#guard('close alerts.db', () => this.#database.close());
  }

  #guard<T>(what: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw error instanceof VeiltrailError ? error : storageError(error, what);
    }
  }
}
