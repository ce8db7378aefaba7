/** `requests.db`: requests for a second person, and approvers, in SQLite (see `open-database.ts` for what makes a commit durable). */
import type { DatabaseSync } from 'node:sqlite';
import type { ApproverRow, RequestChange, RequestRow, RequestSource, RequestStore, UntoldRow } from '../request-store.ts';
import { storageError } from '../storage-error.ts';
import { type DatabaseFormat, openDatabase, openDatabaseReadOnly } from './open-database.ts';

const version1 = `
  CREATE TABLE requests (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, state TEXT NOT NULL, sealed BLOB NOT NULL) STRICT;
  CREATE INDEX requests_by_state ON requests (state, seq);
  CREATE TABLE approvers (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, sealed BLOB NOT NULL) STRICT;
  CREATE TABLE untold (seq INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
  CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

export const requestsFormat: DatabaseFormat = {
  name: 'requests.db',
  applicationId: 0x76745101, // 'vtQ', 1
  migrations: [version1],
};

/** Opens `requests.db` for its one writer; makes it when there is none. */
export function openSqliteRequestStore(path: string): RequestStore {
  return new SqliteRequestStore(openDatabase(path, requestsFormat));
}

/** Opens `requests.db` for reading only, whether a server has it or not. */
export function openSqliteRequestSource(path: string): RequestSource {
  return new SqliteRequestStore(openDatabaseReadOnly(path, requestsFormat));
}

class SqliteRequestStore implements RequestStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  request(id: string): RequestRow | undefined {
    return this.#guard('read a request', () => {
      const row = this.#database.prepare('SELECT id, state, sealed FROM requests WHERE id = ?').get(id);
      return row && requestRow(row);
    });
  }

  requests({ state, limit }: { state?: string; limit: number }): RequestRow[] {
    return this.#guard('read requests', () =>
      state === undefined
        ? this.#database.prepare('SELECT id, state, sealed FROM requests ORDER BY seq DESC LIMIT ?').all(limit).map(requestRow)
        : this.#database
            .prepare('SELECT id, state, sealed FROM requests WHERE state = ? ORDER BY seq DESC LIMIT ?')
            .all(state, limit)
            .map(requestRow),
    );
  }

  count(state: string): number {
    return this.#guard('count requests', () =>
      Number(this.#database.prepare('SELECT count(*) AS n FROM requests WHERE state = ?').get(state)?.['n']),
    );
  }

  approvers(): ApproverRow[] {
    return this.#guard('read approvers', () =>
      this.#database
        .prepare('SELECT id, sealed FROM approvers ORDER BY seq')
        .all()
        .map((row) => ({ id: row['id'] as string, sealed: row['sealed'] as Uint8Array })),
    );
  }

  untold(): UntoldRow[] {
    return this.#guard('read untold events', () =>
      this.#database
        .prepare('SELECT seq, sealed FROM untold ORDER BY seq')
        .all()
        .map((row) => ({ seq: row['seq'] as number, sealed: row['sealed'] as Uint8Array })),
    );
  }

  fact(name: string): string | undefined {
    return this.#guard(
      'read a fact',
      () => this.#database.prepare('SELECT value FROM facts WHERE name = ?').get(name)?.['value'] as string | undefined,
    );
  }

  commit({ added, moved, approver, fact, untold }: RequestChange): boolean {
    return this.#transaction('write a request', () => {
      if (moved) {
        const { id, state, sealed } = moved.row;
        const update = this.#database.prepare('UPDATE requests SET state = ?, sealed = ? WHERE id = ? AND state = ?');
        if (Number(update.run(state, sealed, id, moved.from).changes) !== 1) return false;
      }
      if (added) this.#database.prepare('INSERT INTO requests (id, state, sealed) VALUES (?, ?, ?)').run(added.id, added.state, added.sealed);
      if (approver) {
        const put = 'INSERT INTO approvers (id, sealed) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed';
        this.#database.prepare(put).run(approver.id, approver.sealed);
      }
      if (fact) this.#database.prepare('INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)').run(fact.name, fact.value);
      const tell = this.#database.prepare('INSERT INTO untold (sealed) VALUES (?)');
      for (const sealed of untold) tell.run(sealed);
      return true;
    });
  }

  told(seq: number): void {
    this.#transaction('forget a told event', () => {
      this.#database.prepare('DELETE FROM untold WHERE seq = ?').run(seq);
      return true;
    });
  }

  close(): void {
    this.#guard('close requests.db', () => this.#database.close());
  }

  #transaction(what: string, work: () => boolean): boolean {
    return this.#guard(what, () => {
      this.#database.exec('BEGIN IMMEDIATE');
      let done: boolean;
      try {
        done = work();
        this.#database.exec(done ? 'COMMIT' : 'ROLLBACK');
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
      // Nobody else moves the WAL of this file into it, and it is small.
      this.#database.exec('PRAGMA wal_checkpoint(PASSIVE)');
      return done;
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

function requestRow(row: Record<string, unknown>): RequestRow {
  return { id: row['id'] as string, state: row['state'] as string, sealed: row['sealed'] as Uint8Array };
}
