/** `fields.db`: the registry of fields in SQLite (see `open-database.ts` for what makes a commit durable). */
import type { DatabaseSync } from 'node:sqlite';
import type { ClassificationRow, FieldRow, FieldSource, FieldStore } from '../field-store.ts';
import { storageError } from '../storage-error.ts';
import { type DatabaseFormat, openDatabase, openDatabaseReadOnly } from './open-database.ts';

const version1 = `
  CREATE TABLE fields (lookup BLOB PRIMARY KEY, sealed BLOB NOT NULL, told INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE classifications (id INTEGER PRIMARY KEY, sealed BLOB NOT NULL, done INTEGER NOT NULL) STRICT;
`;

export const fieldsFormat: DatabaseFormat = {
  name: 'fields.db',
  applicationId: 0x76744601, // 'vtF', 1
  migrations: [version1],
};

/** Opens `fields.db` for its one writer; makes it when there is none. */
export function openSqliteFieldStore(path: string): FieldStore {
  return new SqliteFieldStore(openDatabase(path, fieldsFormat));
}

/** Opens `fields.db` for reading only, whether a server has it or not. */
export function openSqliteFieldSource(path: string): FieldSource {
  return new SqliteFieldStore(openDatabaseReadOnly(path, fieldsFormat));
}

class SqliteFieldStore implements FieldStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  fields(): FieldRow[] {
    return this.#guard('read fields', () =>
      this.#database
        .prepare('SELECT lookup, sealed, told FROM fields')
        .all()
        .map((row) => ({ lookup: row['lookup'] as Uint8Array, sealed: row['sealed'] as Uint8Array, isTold: row['told'] === 1 })),
    );
  }

  classifications(): ClassificationRow[] {
    return this.#guard('read classifications', () =>
      this.#database
        .prepare('SELECT id, sealed, done FROM classifications ORDER BY id')
        .all()
        .map((row) => ({ id: row['id'] as number, sealed: row['sealed'] as Uint8Array, isDone: row['done'] === 1 })),
    );
  }

  putFields(rows: readonly FieldRow[], removed: readonly Uint8Array[]): void {
    this.#transaction('write fields', () => {
      const remove = this.#database.prepare('DELETE FROM fields WHERE lookup = ?');
      for (const lookup of removed) remove.run(lookup);
      const put = this.#database.prepare('INSERT OR REPLACE INTO fields (lookup, sealed, told) VALUES (?, ?, ?)');
      for (const { lookup, sealed, isTold } of rows) put.run(lookup, sealed, isTold ? 1 : 0);
    });
  }

  putClassification({ id, sealed, isDone }: ClassificationRow): void {
    this.#transaction('write a classification', () => {
      this.#database.prepare('INSERT OR REPLACE INTO classifications (id, sealed, done) VALUES (?, ?, ?)').run(id, sealed, isDone ? 1 : 0);
    });
  }

  close(): void {
    this.#guard('close fields.db', () => this.#database.close());
  }

  #transaction(what: string, work: () => void): void {
    this.#guard(what, () => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        work();
        this.#database.exec('COMMIT');
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
      // Nobody else moves the WAL of this file into it, and it is small.
      this.#database.exec('PRAGMA wal_checkpoint(PASSIVE)');
    });
  }

  #guard<T>(what: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storageError(error, what);
    }
  }
}
