/** The reading half of `vault.db`: for the vault's own thread, for other threads, and for other processes while a server runs. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { SegmentName } from '../segment-store.ts';
import { storageError } from '../storage-error.ts';
import type {
  BucketKeyRow,
  SegmentKeyRow,
  SettledTokenRow,
  StoredTokenRow,
  TokenBucketRow,
  TokenPage,
  TombstoneRow,
  VaultSource,
} from '../vault-store.ts';
import { openDatabaseReadOnly } from './open-database.ts';
import { vaultFormat } from './vault-format.ts';

/** Opens `vault.db` for reading only, whether a server has it or not. */
export function openSqliteVaultSource(path: string, recentRowsMax = recentMax): SqliteVaultSource {
  return prepared(openDatabaseReadOnly(path, vaultFormat), (database) => new SqliteVaultSource(database, recentRowsMax));
}

/** Closes a database again that lacks a table which its version has. */
export function prepared<T>(database: DatabaseSync, prepare: (database: DatabaseSync) => T): T {
  try {
    return prepare(database);
  } catch (error) {
    database.close();
    throw storageError(error, 'open vault.db');
  }
}

/** A row that the indexes may not have yet. Bytes as latin1: tens of thousands of small arrays would keep the collector busy. */
export interface RecentRow {
  id: number;
  token: string;
  lookup: string;
}

/** Recent rows in memory at a time; more are read again when needed. */
const recentMax = 131_072;
/** A statement for each lookup would cost more than finding nothing does. */
const lookupsAtOnce = 64;

const bucketKeyRows = 'SELECT log, bucket, generation, sealed_key AS sealedKey FROM bucket_keys';
const segmentKeyRows = 'SELECT log, class, bucket, generation, sealed_key AS sealedKey FROM segment_keys';

export class SqliteVaultSource implements VaultSource {
  protected readonly database: DatabaseSync;
  /** Rows that the indexes may not have yet, by their lookup as latin1. */
  protected recent = new Map<string, RecentRow>();
  /** Others that were recent: on their way into the indexes, or there and still at hand. */
  protected aged = new Map<string, RecentRow>();
  /** Both by their token, made when the first one is asked for. */
  #byTokenAtHand: Map<string, RecentRow> | undefined;
  /** The last row that has been seen. */
  protected lastId = 0;
  readonly #recentRowsMax: number;
  readonly #entered: StatementSync;
  readonly #enteredMany: StatementSync;
  readonly #byToken: StatementSync;
  readonly #idsByPrefix: StatementSync;
  readonly #row: StatementSync;
  readonly #tokenAt: StatementSync;
  readonly #since: StatementSync;

  constructor(database: DatabaseSync, recentRowsMax = recentMax) {
    this.#recentRowsMax = recentRowsMax;
    this.database = database;
    const entries = (prefixes: number): StatementSync => {
      const sql = `SELECT id FROM by_lookup WHERE prefix IN (${Array(prefixes).fill('?').join()})`;
      const statement = database.prepare(sql);
      statement.setReturnArrays(true);
      return statement;
    };
    this.#entered = entries(1);
    this.#enteredMany = entries(lookupsAtOnce);
    this.#byToken = database.prepare(
      'SELECT id, token, lookup, bucket, kind, sealed FROM by_token JOIN tokens USING (id) WHERE prefix = ? AND token = ?',
    );
    this.#idsByPrefix = database.prepare('SELECT id FROM by_token WHERE prefix = ?');
    this.#idsByPrefix.setReturnArrays(true);
    this.#row = database.prepare('SELECT id, token, lookup, bucket, kind, sealed FROM tokens WHERE id = ?');
    this.#tokenAt = database.prepare('SELECT token, lookup FROM tokens WHERE id = ?');
    this.#since = database.prepare('SELECT id, token, lookup FROM tokens WHERE id > max(?, (SELECT id FROM entered)) ORDER BY id');
  }

  async findTokens(lookups: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.guard('look up tokens', (): (Uint8Array | undefined)[] => {
      this.readRecent();
      const names = lookups.map(latin1);
      const found = names.map((name) => {
        const row = this.recent.get(name) ?? this.aged.get(name);
        return row && Buffer.from(row.token, 'latin1');
      });
      const missing = lookups.filter((_, i) => found[i] === undefined);
      if (missing.length === 0) return found;
      const entered = this.#findEntered(missing);
      return entered.size === 0 ? found : found.map((token, i) => token ?? entered.get(names[i] as string));
    });
  }

  /** Tokens that the index leads to, by their lookup. Most of what is asked for here is not there: so many are looked for at once. */
  #findEntered(lookups: readonly Uint8Array[]): Map<string, Uint8Array> {
    const prefixes = Float64Array.from(lookups, prefixOf).sort();
    const found = new Map<string, Uint8Array>();
    const note = (ids: unknown[]): void => {
      for (const [id] of ids as [number][]) {
        const row = this.#tokenAt.get(id) as { token: Uint8Array; lookup: Uint8Array } | undefined;
        if (row) found.set(latin1(row.lookup), row.token);
      }
    };
    let at = 0;
    for (; at + lookupsAtOnce <= prefixes.length; at += lookupsAtOnce) note(this.#enteredMany.all(...prefixes.subarray(at, at + lookupsAtOnce)));
    for (; at < prefixes.length; at++) note(this.#entered.all(prefixes[at] as number));
    return found;
  }

  async findRow(token: Uint8Array): Promise<StoredTokenRow | undefined> {
    return this.guard('look up a token', () => {
      const row = this.#findRow(token);
      return row && ({ ...row } as unknown as StoredTokenRow);
    });
  }

  async areFound(rows: readonly StoredTokenRow[]): Promise<boolean[]> {
    return this.guard('look up tokens', () => {
      this.readRecent();
      const byToken = this.#byTokenAtHandNow();
      return rows.map(({ id, token }) => {
        const entered = this.#idsByPrefix.all(prefixOf(token)) as unknown as [number][];
        if (entered.length === 1) return entered[0]?.[0] === id;
        // Not in the index yet, or a prefix that two tokens share.
        return (entered.length === 0 ? byToken.get(latin1(token))?.id : this.#findRow(token)?.['id']) === id;
      });
    });
  }

  #findRow(token: Uint8Array): Record<string, unknown> | undefined {
    // The index first: a row may move from the recent ones into it between two looks, and never the other way.
    const entered = this.#byToken.get(prefixOf(token), token);
    if (entered) return entered;
    this.readRecent();
    const recent = this.#byTokenAtHandNow().get(latin1(token));
    // It may have been entered in the meantime, by the writer beside us.
    return recent ? this.#row.get(recent.id) : this.#byToken.get(prefixOf(token), token);
  }

  #byTokenAtHandNow(): ReadonlyMap<string, RecentRow> {
    this.#byTokenAtHand ??= new Map([...this.recent.values(), ...this.aged.values()].map((row) => [row.token, row]));
    return this.#byTokenAtHand;
  }

  /** Reads the rows that were written since, and that the indexes do not have. */
  protected readRecent(): void {
    if (this.recent.size > this.#recentRowsMax) {
      this.recent = new Map();
      this.#byTokenAtHand = undefined;
      this.lastId = 0;
    }
    for (const row of this.#since.iterate(this.lastId)) {
      const { id, token, lookup } = row as { id: number; token: Uint8Array; lookup: Uint8Array };
      this.remember(id, token, lookup);
    }
  }

  protected remember(id: number, token: Uint8Array, lookup: Uint8Array): void {
    const row = { id, token: latin1(token), lookup: latin1(lookup) };
    this.recent.set(row.lookup, row);
    this.#byTokenAtHand?.set(row.token, row);
    this.lastId = id;
  }

  /** A row that has another lookup now. */
  protected rename(from: Uint8Array, to: Uint8Array): void {
    for (const rows of [this.recent, this.aged]) {
      const row = rows.get(latin1(from));
      if (!row) continue;
      rows.delete(row.lookup);
      rows.set(latin1(to), { ...row, lookup: latin1(to) });
      this.#byTokenAtHand = undefined;
    }
  }

  /** The recent rows grow old; those that were so before are forgotten. */
  protected age(): void {
    this.aged = this.recent;
    this.recent = new Map();
    this.#byTokenAtHand = undefined;
  }

  async findTokenBucket(bucket: number): Promise<TokenBucketRow | undefined> {
    return this.guard('read a token bucket', () => {
      const row = this.database.prepare('SELECT bucket, scope, origin, sealed_key AS sealedKey FROM token_buckets WHERE bucket = ?').get(bucket);
      return row && ({ ...row } as unknown as TokenBucketRow);
    });
  }

  async scopes(): Promise<string[]> {
    return this.guard('read the scopes', () => {
      const rows = this.database.prepare('SELECT DISTINCT scope FROM token_buckets ORDER BY scope').all();
      return rows.map((row) => row['scope'] as string);
    });
  }

  async findBucketKey(log: string, bucket: number, generation: number): Promise<BucketKeyRow | undefined> {
    return this.guard('read a bucket key', () => {
      const row = this.database.prepare(`${bucketKeyRows} WHERE log = ? AND bucket = ? AND generation = ?`).get(log, bucket, generation);
      return row && ({ ...row } as unknown as BucketKeyRow);
    });
  }

  async bucketKeys(): Promise<BucketKeyRow[]> {
    return this.guard('read the bucket keys', () => rowsOf<BucketKeyRow>(this.database, `${bucketKeyRows} ORDER BY log, bucket, generation`));
  }

  async tokenBuckets(): Promise<TokenBucketRow[]> {
    const sql = 'SELECT bucket, scope, origin, sealed_key AS sealedKey FROM token_buckets ORDER BY bucket';
    return this.guard('read the token buckets', () => rowsOf<TokenBucketRow>(this.database, sql));
  }

  async findErasure(token: Uint8Array): Promise<string | undefined> {
    return this.guard('read an erasure', () => {
      return this.database.prepare('SELECT removal FROM erased WHERE token = ?').get(token)?.['removal'] as string | undefined;
    });
  }

  async readErased(behind: { removal: string; token: Uint8Array }, rowsMax: number): Promise<{ removal: string; token: Uint8Array }[]> {
    const sql = 'SELECT removal, token FROM erased WHERE (removal, token) > (?, ?) ORDER BY removal, token LIMIT ?';
    return this.guard('read erasures', () => {
      const rows = this.database.prepare(sql).all(behind.removal, behind.token, rowsMax);
      return rows.map((row) => ({ ...row })) as unknown as { removal: string; token: Uint8Array }[];
    });
  }

  async tombstones(): Promise<TombstoneRow[]> {
    const sql = 'SELECT log, leaf AS leafIndex, removal FROM tombstones ORDER BY log, leaf';
    return this.guard('read where tombstones are', () => rowsOf<TombstoneRow>(this.database, sql));
  }

  async findSegmentKey({ log, class: of, bucket, generation }: SegmentName): Promise<SegmentKeyRow | undefined> {
    return this.guard('read a segment key', () => {
      const row = this.database
        .prepare(`${segmentKeyRows} WHERE log = ? AND class = ? AND bucket = ? AND generation = ?`)
        .get(log, of, bucket, generation);
      return row && ({ ...row } as unknown as SegmentKeyRow);
    });
  }

  async segmentKeys(): Promise<SegmentKeyRow[]> {
    return this.guard('read the segment keys', () => {
      const rows = this.database.prepare(`${segmentKeyRows} ORDER BY log, class, bucket, generation`).all();
      return rows.map((row) => ({ ...row })) as unknown as SegmentKeyRow[];
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

  async readWithheld(from: number, rowsMax: number): Promise<TokenPage> {
    return this.guard('read withheld values', () => {
      const rows = this.database
        .prepare(
          "SELECT id, token, lookup, bucket, kind, sealed FROM tokens WHERE kind = 'quarantine' AND id >= ? AND length(sealed) > 0 ORDER BY id LIMIT ?",
        )
        .all(from, rowsMax) as unknown as StoredTokenRow[];
      const last = rows.at(-1);
      return { rows, ...(last && rows.length === rowsMax ? { next: last.id + 1 } : {}) };
    });
  }

  async countWithheld(): Promise<number> {
    return this.guard('count withheld values', () => {
      const sql =
        "SELECT count(*) AS waiting FROM tokens WHERE kind = 'quarantine' AND length(sealed) > 0 AND token NOT IN (SELECT token FROM settled)";
      return this.database.prepare(sql).get()?.['waiting'] as number;
    });
  }

  async findSettled(token: Uint8Array): Promise<SettledTokenRow | undefined> {
    return this.guard('look up a settled value', () => {
      const row = this.database.prepare('SELECT token, sealed FROM settled WHERE token = ?').get(token);
      return row && ({ ...row } as unknown as SettledTokenRow);
    });
  }

  /** Rows that there are. */
  async countTokens(): Promise<number> {
    return this.guard('count tokens', () => this.database.prepare('SELECT count(*) AS tokens FROM tokens').get()?.['tokens'] as number);
  }

  /** The tokens of the first rows, bytes as they stand there, each before the next is read. */
  async eachToken(rowsMax: number, take: (token: Uint8Array) => void): Promise<void> {
    this.guard('read tokens', () => {
      const statement = this.database.prepare('SELECT token FROM tokens ORDER BY id LIMIT ?');
      statement.setReturnArrays(true);
      for (const row of statement.iterate(rowsMax)) take((row as unknown as [Uint8Array])[0]);
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

function rowsOf<T>(database: DatabaseSync, sql: string): T[] {
  return database
    .prepare(sql)
    .all()
    .map((row) => ({ ...row })) as T[];
}

/** The first 48 bits: where an index has the row. */
export function prefixOf(bytes: Uint8Array): number {
  const high = ((bytes[0] as number) << 16) | ((bytes[1] as number) << 8) | (bytes[2] as number);
  const low = ((bytes[3] as number) << 16) | ((bytes[4] as number) << 8) | (bytes[5] as number);
  return high * 0x100_0000 + low;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.prototype.latin1Slice.call(bytes, 0, bytes.length);
}
