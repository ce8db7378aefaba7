/** The reading half of `vault.db`: for the vault's own thread, for other threads, and for other processes while a server runs. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { storageError } from '../storage-error.ts';
import type { BucketKeyRow, StoredTokenRow, TokenBucketRow, TokenPage, VaultSource } from '../vault-store.ts';
import { openDatabaseReadOnly } from './open-database.ts';
import { vaultFormat } from './vault-format.ts';

/** Opens `vault.db` for reading only, whether a server has it or not. */
export function openSqliteVaultSource(path: string): SqliteVaultSource {
  return new SqliteVaultSource(openDatabaseReadOnly(path, vaultFormat));
}

/** What is known of a row that the indexes may not have yet. */
export interface RecentRow {
  id: number;
  token: Uint8Array;
  lookup: Uint8Array;
}

/** Recent rows in memory at a time; more are read again when needed. */
const recentMax = 131_072;

export class SqliteVaultSource implements VaultSource {
  protected readonly database: DatabaseSync;
  /** Rows behind the indexed ones, by their lookup and by their token, as latin1. */
  protected readonly recentByLookup = new Map<string, RecentRow>();
  protected readonly recentByToken = new Map<string, RecentRow>();
  /** The last row that has been seen. */
  protected lastId = 0;
  readonly #byLookup: StatementSync;
  readonly #byToken: StatementSync;
  readonly #row: StatementSync;
  readonly #since: StatementSync;

  constructor(database: DatabaseSync) {
    this.database = database;
    this.#byLookup = database.prepare('SELECT token FROM by_lookup JOIN tokens USING (id) WHERE prefix = ? AND lookup = ?');
    this.#byToken = database.prepare(
      'SELECT id, token, lookup, bucket, kind, sealed FROM by_token JOIN tokens USING (id) WHERE prefix = ? AND token = ?',
    );
    this.#row = database.prepare('SELECT id, token, lookup, bucket, kind, sealed FROM tokens WHERE id = ?');
    this.#since = database.prepare('SELECT id, token, lookup FROM tokens WHERE id > max(?, (SELECT id FROM entered)) ORDER BY id');
  }

  async findTokens(lookups: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.guard('look up tokens', () => {
      this.readRecent();
      return lookups.map((lookup) => this.#findToken(lookup));
    });
  }

  #findToken(lookup: Uint8Array): Uint8Array | undefined {
    const recent = this.recentByLookup.get(latin1(lookup));
    return recent ? recent.token : (this.#byLookup.get(prefixOf(lookup), lookup)?.['token'] as Uint8Array | undefined);
  }

  async findRow(token: Uint8Array): Promise<StoredTokenRow | undefined> {
    return this.guard('look up a token', () => {
      const row = this.#findRow(token);
      return row && ({ ...row } as unknown as StoredTokenRow);
    });
  }

  #findRow(token: Uint8Array): Record<string, unknown> | undefined {
    // The index first: a row may move from the recent ones into it between two looks, and never the other way.
    const entered = this.#byToken.get(prefixOf(token), token);
    if (entered) return entered;
    this.readRecent();
    const recent = this.recentByToken.get(latin1(token));
    // It may have been entered in the meantime, by the writer beside us.
    return recent ? this.#row.get(recent.id) : this.#byToken.get(prefixOf(token), token);
  }

  /** Reads the rows that were written since, and that the indexes do not have. */
  protected readRecent(): void {
    if (this.recentByLookup.size > recentMax) {
      this.recentByLookup.clear();
      this.recentByToken.clear();
      this.lastId = 0;
    }
    for (const row of this.#since.iterate(this.lastId)) this.remember(row as unknown as RecentRow);
  }

  protected remember(row: RecentRow): void {
    this.recentByLookup.set(latin1(row.lookup), row);
    this.recentByToken.set(latin1(row.token), row);
    this.lastId = row.id;
  }

  async findTokenBucket(bucket: number): Promise<TokenBucketRow | undefined> {
    return this.guard('read a token bucket', () => {
      const row = this.database.prepare('SELECT bucket, scope, origin, sealed_key AS sealedKey FROM token_buckets WHERE bucket = ?').get(bucket);
      return row && ({ ...row } as unknown as TokenBucketRow);
    });
  }

  async findBucketKey(log: string, bucket: number): Promise<BucketKeyRow | undefined> {
    return this.guard('read a bucket key', () => {
      const row = this.database.prepare('SELECT log, bucket, sealed_key AS sealedKey FROM bucket_keys WHERE log = ? AND bucket = ?').get(log, bucket);
      return row && ({ ...row } as unknown as BucketKeyRow);
    });
  }

  async readTokens(from: number, rowsMax: number): Promise<TokenPage> {
    return this.guard('read tokens', () => {
      const rows = this.database
        .prepare('SELECT id, token, lookup, bucket, kind, sealed FROM tokens WHERE id >= ? ORDER BY id LIMIT ?')
        .all(from, rowsMax) as unknown as StoredTokenRow[];
      const last = rows.at(-1);
      return { rows, ...(last && rows.length === rowsMax ? { next: last.id + 1 } : {}) };
    });
  }

  async countOrphans(): Promise<number> {
    return this.guard('check the indexes', () => {
      const count = (table: string): number => {
        const sql = `SELECT count(*) AS orphans FROM ${table} WHERE id NOT IN (SELECT id FROM tokens)`;
        return this.database.prepare(sql).get()?.['orphans'] as number;
      };
      return count('by_lookup') + count('by_token');
    });
  }

  async close(): Promise<void> {
    this.guard('close vault.db', () => this.database.close());
  }

  protected guard<T>(what: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storageError(error, what);
    }
  }
}

/** The first 48 bits: where an index has the row. */
export function prefixOf(bytes: Uint8Array): number {
  const high = ((bytes[0] as number) << 16) | ((bytes[1] as number) << 8) | (bytes[2] as number);
  const low = ((bytes[3] as number) << 16) | ((bytes[4] as number) << 8) | (bytes[5] as number);
  return high * 0x100_0000 + low;
}

/** Bytes as a key of a Map. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.prototype.latin1Slice.call(bytes, 0, bytes.length);
}
