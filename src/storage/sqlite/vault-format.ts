/** The tables of `vault.db`. A migration, once released, is never edited: add the next one. */
import type { DatabaseFormat } from './open-database.ts';

const version1 = `
  CREATE TABLE token_buckets (
    bucket INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    origin TEXT NOT NULL,
    sealed_key BLOB NOT NULL
  ) STRICT;

  -- Rows are only ever added at the end, so a commit writes few pages however large the table is.
  CREATE TABLE tokens (
    id INTEGER PRIMARY KEY,
    token BLOB NOT NULL,
    lookup BLOB NOT NULL,
    bucket INTEGER NOT NULL REFERENCES token_buckets (bucket),
    kind TEXT NOT NULL,
    sealed BLOB NOT NULL
  ) STRICT;

  -- Tokens and lookups are random: entered one by one they would dirty a page each. They are entered sorted, many at a time, later.
  -- prefix: the first 48 bits.
  CREATE TABLE by_lookup (prefix INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (prefix, id)) STRICT, WITHOUT ROWID;
  CREATE TABLE by_token (prefix INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (prefix, id)) STRICT, WITHOUT ROWID;
  -- Rows up to this id are in both; whoever looks for one behind it reads the end of tokens.
  CREATE TABLE entered (one INTEGER PRIMARY KEY CHECK (one = 1), id INTEGER NOT NULL) STRICT;
  INSERT INTO entered (one, id) VALUES (1, 0);

  CREATE TABLE bucket_keys (
    log TEXT NOT NULL,
    bucket INTEGER NOT NULL,
    sealed_key BLOB NOT NULL,
    PRIMARY KEY (log, bucket)
  ) STRICT, WITHOUT ROWID;
`;

/**
 * Withheld values (kind `quarantine`) and what became of those whose field was classified. A destroyed row keeps its place and its token, with
 * an empty `sealed`: so everyone can tell a token that was destroyed from one that never was.
 * settled.sealed: NULL, the row may be read as it is; empty, nothing is left; else what took the value's place, under the row's bucket key.
 */
const version2 = `
  CREATE INDEX withheld ON tokens (id) WHERE kind = 'quarantine';
  CREATE TABLE settled (token BLOB PRIMARY KEY, sealed BLOB) STRICT, WITHOUT ROWID;
`;

/** A key for each generation of each segment (`ledger/segment.ts`), sealed under the root as bucket keys are. */
const version3 = `
  CREATE TABLE segment_keys (
    log TEXT NOT NULL,
    class TEXT NOT NULL,
    bucket INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    sealed_key BLOB NOT NULL,
    PRIMARY KEY (log, class, bucket, generation)
  ) STRICT, WITHOUT ROWID;
`;

/**
 * Removal. Keys of buckets have generations, of which the newest is in use and those before it go once nothing needs them. erased: rows of
 * tokens that were destroyed, and by which removal; tombstones: the leaves that tell of removals, so that they need not be looked for.
 */
const version4 = `
  CREATE TABLE bucket_keys_by_generation (
    log TEXT NOT NULL,
    bucket INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    sealed_key BLOB NOT NULL,
    PRIMARY KEY (log, bucket, generation)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO bucket_keys_by_generation SELECT log, bucket, 1, sealed_key FROM bucket_keys;
  DROP TABLE bucket_keys;
  ALTER TABLE bucket_keys_by_generation RENAME TO bucket_keys;

  CREATE TABLE erased (token BLOB PRIMARY KEY, removal TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX erased_by_removal ON erased (removal, token);
  CREATE TABLE tombstones (log TEXT NOT NULL, leaf INTEGER NOT NULL, removal TEXT NOT NULL, PRIMARY KEY (log, leaf)) STRICT, WITHOUT ROWID;
`;

export const vaultFormat: DatabaseFormat = {
  name: 'vault.db',
  applicationId: 0x76745601, // 'vtV', 1
  migrations: [version1, version2, version3, version4],
};
