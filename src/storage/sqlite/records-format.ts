/** The tables of `records.db`. A migration, once released, is never edited: add the next one. */
import type { DatabaseFormat } from './open-database.ts';

const version1 = `
  CREATE TABLE logs (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    origin TEXT NOT NULL UNIQUE,
    created_at_ms INTEGER NOT NULL
  ) STRICT;

  -- Apart from logs: this row is written with every commit.
  CREATE TABLE trees (
    log INTEGER PRIMARY KEY REFERENCES logs (id),
    tree_size INTEGER NOT NULL,
    root BLOB NOT NULL,
    frontier BLOB NOT NULL,
    last_received_at_ms INTEGER NOT NULL,
    durable_size INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE chunks (
    log INTEGER NOT NULL REFERENCES logs (id),
    first_leaf INTEGER NOT NULL,
    count INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (log, first_leaf)
  ) STRICT;

  -- Commitments until the full tiles that hold them are known to be on disk.
  CREATE TABLE staged (
    log INTEGER NOT NULL REFERENCES logs (id),
    first_leaf INTEGER NOT NULL,
    count INTEGER NOT NULL,
    commitments BLOB NOT NULL,
    PRIMARY KEY (log, first_leaf)
  ) STRICT, WITHOUT ROWID;

  -- The body is part of the key: a protocol that knows no conflict may append two bodies under one id, and repeat either.
  -- Keys begin with the sender's time, so that inserts land close together.
  CREATE TABLE idempotency (
    log INTEGER NOT NULL,
    key BLOB NOT NULL,
    body BLOB NOT NULL,
    leaf INTEGER NOT NULL,
    PRIMARY KEY (log, key, body)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE closing (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    clean INTEGER NOT NULL
  ) STRICT;
  INSERT INTO closing (id, clean) VALUES (1, 0)
`;

/**
 * Buckets (65,536 leaves) whose records are in segments, and those segments (`ledger/segment.ts`). Chunks of such a bucket that are still there
 * are left over, and on their way out.
 */
const version2 = `
  CREATE TABLE compacted (
    log INTEGER NOT NULL REFERENCES logs (id),
    bucket INTEGER NOT NULL,
    last_received_at_ms INTEGER NOT NULL,
    PRIMARY KEY (log, bucket)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE segments (
    log INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    class TEXT NOT NULL,
    generation INTEGER NOT NULL,
    records INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    first_received_at_ms INTEGER NOT NULL,
    last_received_at_ms INTEGER NOT NULL,
    PRIMARY KEY (log, bucket, class),
    FOREIGN KEY (log, bucket) REFERENCES compacted (log, bucket)
  ) STRICT, WITHOUT ROWID;
`;

export const recordsFormat: DatabaseFormat = {
  name: 'records.db',
  applicationId: 0x76745201, // 'vtR', 1
  migrations: [version1, version2],
};
