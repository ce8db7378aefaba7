/**
 * The tables of `index.db`. Nothing in it is worth keeping: a file that is damaged, or of another version, is deleted and made anew from the
 * records, so there are no migrations; a change of the format or of the terms is another {@link indexVersion}.
 *
 * Leaves are indexed by partitions of {@link partitionLeaves}. A partition has a random salt under which its terms are blinded (`blind.ts`),
 * runs that together cover its leaves (`run-format.ts`), and for each {@link timeBlockLeaves} leaves the earliest and the latest time of an
 * event in them.
 */
import type { DatabaseFormat } from '../storage/sqlite/open-database.ts';

export const partitionLeaves = 262_144;
export const timeBlockLeaves = 256;

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

  -- first_leaf up to, not including, end_leaf; its blocks are those of run_blocks from first_block on, one for each entry of the directory.
  CREATE TABLE runs (
    partition INTEGER NOT NULL,
    first_leaf INTEGER NOT NULL,
    end_leaf INTEGER NOT NULL,
    first_block INTEGER NOT NULL,
    directory BLOB NOT NULL,
    PRIMARY KEY (partition, first_leaf)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE run_blocks (
    id INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
  ) STRICT;

  CREATE TABLE times (
    partition INTEGER NOT NULL,
    block INTEGER NOT NULL,
    min_ms INTEGER NOT NULL,
    max_ms INTEGER NOT NULL,
    PRIMARY KEY (partition, block)
  ) STRICT, WITHOUT ROWID
`;

/** Counts up with every change to the tables, the terms or the words. */
const indexVersion = 2;

export const indexFormat: DatabaseFormat = {
  name: 'index.db',
  applicationId: 0x76744900 + indexVersion, // 'vtI': a file of another version is not ours, and replaced
  migrations: [schema],
};
