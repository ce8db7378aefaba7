/** `witness.db` in SQLite (see `open-database.ts` for what makes a commit durable). Any number of processes may have it open at once. */
import type { DatabaseSync } from 'node:sqlite';
import { emptyRoot } from '../../log/tree.ts';
import { storageError } from '../storage-error.ts';
import type { Advance, WitnessedLog, WitnessStore } from '../witness-store.ts';
import { type DatabaseFormat, openDatabase } from './open-database.ts';

const version1 = `
  CREATE TABLE logs (
    origin TEXT PRIMARY KEY,
    tree_size INTEGER NOT NULL CHECK (tree_size >= 0),
    root BLOB NOT NULL CHECK (length(root) = 32),
    checkpoint TEXT,
    time_seconds INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE keys (origin TEXT NOT NULL REFERENCES logs, vkey TEXT NOT NULL, PRIMARY KEY (origin, vkey)) STRICT, WITHOUT ROWID;
`;

const witnessFormat: DatabaseFormat = {
  name: 'witness.db',
  applicationId: 0x76745701, // 'vtW', 1
  migrations: [version1],
};

/** Opens `witness.db`; makes it when there is none. @throws VeiltrailError those of `storage-error.ts` */
export function openSqliteWitnessStore(path: string): WitnessStore {
  const database = openDatabase(path, witnessFormat);
  // Small and seldom: SQLite may see to its WAL itself.
  database.exec('PRAGMA wal_autocheckpoint=1000');
  return new SqliteWitnessStore(database);
}

type Row = Record<string, unknown>;

class SqliteWitnessStore implements WitnessStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  logs(): WitnessedLog[] {
    return this.#guard('read logs', () =>
      this.#database
        .prepare('SELECT * FROM logs ORDER BY origin')
        .all()
        .map((row) => this.#logOf(row)),
    );
  }

  log(origin: string): WitnessedLog | undefined {
    return this.#guard('read a log', () => {
      const row = this.#database.prepare('SELECT * FROM logs WHERE origin = ?').get(origin);
      return row && this.#logOf(row);
    });
  }

  addLog(origin: string, vkey: string): void {
    this.#transaction('add a log', () => {
      this.#database.prepare('INSERT OR IGNORE INTO logs VALUES (?, 0, ?, NULL, 0)').run(origin, emptyRoot());
      this.#database.prepare('INSERT OR IGNORE INTO keys VALUES (?, ?)').run(origin, vkey);
    });
  }

  removeKey(origin: string, vkey: string): boolean {
    return this.#transaction(
      'remove a key',
      () => this.#database.prepare('DELETE FROM keys WHERE origin = ? AND vkey = ?').run(origin, vkey).changes === 1,
    );
  }

  advance({ origin, from, to }: Advance): boolean {
    const sql = `UPDATE logs SET tree_size = ?, root = ?, checkpoint = ?, time_seconds = ? WHERE origin = ? AND tree_size = ? AND root = ?`;
    return this.#transaction('advance a log', () => {
      const { changes } = this.#database.prepare(sql).run(to.treeSize, to.root, to.checkpoint, to.timeSeconds, origin, from.treeSize, from.root);
      return changes === 1;
    });
  }

  close(): void {
    this.#database.close();
  }

  #logOf(row: Row): WitnessedLog {
    const origin = row['origin'] as string;
    const keys = this.#database.prepare('SELECT vkey FROM keys WHERE origin = ? ORDER BY vkey').all(origin);
    return {
      origin,
      vkeys: keys.map((key) => key['vkey'] as string),
      treeSize: row['tree_size'] as number,
      root: row['root'] as Uint8Array,
      checkpoint: (row['checkpoint'] as string | null) ?? undefined,
      timeSeconds: row['time_seconds'] as number,
    };
  }

  #transaction<T>(what: string, work: () => T): T {
    return this.#guard(what, () => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        this.#database.exec('COMMIT');
        return result;
      } catch (error) {
        this.#database.exec('ROLLBACK');
        throw error;
      }
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
