/**
 * The tables of `index.db`. Nothing in it is worth keeping: a file that is damaged, or of another version, is deleted and made anew from the
 * records, so there are no migrations; a change of the format or of the terms is another {@link indexVersion}.
 *
 * Leaves are indexed by partitions of {@link partitionLeaves}. A partition has a random salt, an FTS5 table `terms_<id>` whose rows are leaves
 * (rowid = leaf index) and whose terms are blinded (`blind.ts`), and for each {@link blockLeaves} leaves the earliest and the latest time of
 * an event in them. FTS5 keeps neither content, nor positions, nor sizes: only which leaves have a term.
 */
import type { DatabaseFormat } from '../storage/sqlite/open-database.ts';

export const partitionLeaves = 262_144;
export const blockLeaves = 256;

const schema = `
  CREATE TABLE logs (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    origin TEXT NOT NULL
  ) STRICT;

  -- last_leaf and last_digest: the newest record indexed, so that an index beside other records is noticed.
  -- seal: what partition-seal.ts makes of everything above and of the terms; NULL while the partition grows.
  CREATE TABLE partitions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    log INTEGER NOT NULL REFERENCES logs (id),
    number INTEGER NOT NULL,
    salt BLOB NOT NULL,
    indexed_to INTEGER NOT NULL,
    last_leaf INTEGER NOT NULL,
    last_digest BLOB NOT NULL,
    seal BLOB,
    UNIQUE (log, number)
  ) STRICT;

  CREATE TABLE blocks (
    partition INTEGER NOT NULL,
    block INTEGER NOT NULL,
    min_ms INTEGER NOT NULL,
    max_ms INTEGER NOT NULL,
    PRIMARY KEY (partition, block)
  ) STRICT, WITHOUT ROWID
`;

/** Counts up with every change to the tables, the terms or the words. */
const indexVersion = 1;

export const indexFormat: DatabaseFormat = {
  name: 'index.db',
  applicationId: 0x76744900 + indexVersion, // 'vtI': a file of another version is not ours, and replaced
  migrations: [schema],
};

/** Makes the FTS5 table of a partition. */
export function termsTableSql(partition: number): string {
  return `CREATE VIRTUAL TABLE terms_${partition} USING fts5(terms, content='', columnsize=0, detail=none, tokenize=ascii);
    INSERT INTO terms_${partition} (terms_${partition}, rank) VALUES ('automerge', 8)`;
}
