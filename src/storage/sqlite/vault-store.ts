/**
 * `vault.db`: the vault's rows in SQLite, for one writer (see `open-database.ts` for what makes a commit durable).
 *
 * A commit only appends. Index entries of new rows wait in memory until there are many, are sorted, and are then entered step by step, a
 * bounded number between two commits. A crash in between costs nothing: rows behind `entered` are read again at the next start, and
 * entering one twice changes nothing.
 */
import { statSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { SegmentName } from '../segment-store.ts';
import { VeiltrailError } from '../../core/errors.ts';
import type {
  BucketKeyRow,
  ReplacedKeys,
  ResealedBucket,
  ReplacedLookup,
  SegmentKeyRow,
  SettledTokenRow,
  StoredTokenRow,
  TokenBucketRow,
  TokenRow,
  TombstoneRow,
  VaultStore,
} from '../vault-store.ts';
import { openDatabase, pragma } from './open-database.ts';
import { vaultFormat } from './vault-format.ts';
import { prefixOf, prepared, type RecentRow, SqliteVaultSource } from './vault-source.ts';

export interface SqliteVaultOptions {
  /** New rows that wait for the indexes before they are entered [32,768]. */
  recentRowsMin?: number;
}

/** Entered in one step at the least; more when more came since the last one. */
const stepRowsMin = 2_048;
const rowsAtOnce = 64;
/** A WAL beyond this is moved into the database, beyond the second size it is cut as well. */
const walBytesMax = 8 * 1_048_576;
const walBytesCut = 64 * 1_048_576;
const vacuumPagesMax = 256;

/** Opens `vault.db` for its one writer; makes it when there is none. */
export function openSqliteVaultStore(path: string, options: SqliteVaultOptions = {}): VaultStore {
  return prepared(openDatabase(path, vaultFormat), (database) => new SqliteVaultStore(database, path, options));
}

/** A row whose value goes, and the lookup that leads nowhere. */
interface DestroyedRow {
  row: StoredTokenRow;
  lookup: Uint8Array;
}

/** Rows on their way into the indexes: prefix, id, prefix, id, …, in the order of either index. */
interface Entering {
  byLookup: Float64Array;
  byToken: Float64Array;
  /** How many are in already. */
  done: number;
  count: number;
  lastId: number;
}

class SqliteVaultStore extends SqliteVaultSource implements VaultStore {
  readonly #path: string;
  readonly #recentRowsMin: number;
  readonly #addBucket: StatementSync;
  readonly #addRow: StatementSync;
  readonly #entries = new Map<string, StatementSync>();
  #entering: Entering | undefined;
  #addedSinceStep = 0;

  constructor(database: DatabaseSync, path: string, { recentRowsMin = 32_768 }: SqliteVaultOptions) {
    super(database);
    this.#path = path;
    this.#recentRowsMin = recentRowsMin;
    this.#addBucket = database.prepare('INSERT INTO token_buckets (bucket, scope, origin, sealed_key) VALUES (?, ?, ?, ?)');
    this.#addRow = database.prepare('INSERT INTO tokens (id, token, lookup, bucket, kind, sealed) VALUES (?, ?, ?, ?, ?, ?)');
    this.guard('read vault.db', () => {
      super.readRecent();
      this.lastId = Math.max(this.lastId, this.#count('SELECT id FROM entered'), this.#count('SELECT max(id) AS id FROM tokens'));
    });
  }

  #count(sql: string): number {
    return (this.database.prepare(sql).get()?.['id'] as number | null) ?? 0;
  }

  /** All there is was read at the start, and nobody else writes. */
  protected override readRecent(): void {}

  async nextTokenBucket(): Promise<number> {
    return this.guard('read the token buckets', () => this.#count('SELECT max(bucket) AS id FROM token_buckets') + 1);
  }

  async addTokens(buckets: readonly TokenBucketRow[], rows: readonly TokenRow[]): Promise<void> {
    const firstId = this.lastId + 1;
    this.#transaction('add tokens', () => {
      for (const { bucket, scope, origin, sealedKey } of buckets) this.#addBucket.run(bucket, scope, origin, sealedKey);
      rows.forEach((row, i) => this.#addRow.run(firstId + i, row.token, row.lookup, row.bucket, row.kind, row.sealed));
    });
    // A crash before this line: the rows are there, and nobody was told their tokens yet.
    rows.forEach(({ token, lookup }, i) => this.remember(firstId + i, token, lookup));
    this.#addedSinceStep += rows.length;
  }

  async addBucketKey({ log, bucket, generation, sealedKey }: BucketKeyRow): Promise<void> {
    this.#transaction('add a bucket key', () => {
      this.database
        .prepare('INSERT INTO bucket_keys (log, bucket, generation, sealed_key) VALUES (?, ?, ?, ?)')
        .run(log, bucket, generation, sealedKey);
    });
  }

  async addSegmentKey({ log, class: of, bucket, generation, sealedKey }: SegmentKeyRow): Promise<void> {
    this.#transaction('add a segment key', () => {
      this.database
        .prepare('INSERT INTO segment_keys (log, class, bucket, generation, sealed_key) VALUES (?, ?, ?, ?, ?)')
        .run(log, of, bucket, generation, sealedKey);
    });
  }

  async dropSegmentKeys(names: readonly SegmentName[]): Promise<void> {
    this.#transaction('drop segment keys', () => {
      const drop = this.database.prepare('DELETE FROM segment_keys WHERE log = ? AND class = ? AND bucket = ? AND generation = ?');
      for (const { log, class: of, bucket, generation } of names) drop.run(log, of, bucket, generation);
    });
  }

  async dropBucketKey(log: string, bucket: number, below = Number.MAX_SAFE_INTEGER): Promise<void> {
    this.#transaction('drop a bucket key', () => {
      this.database.prepare('DELETE FROM bucket_keys WHERE log = ? AND bucket = ? AND generation < ?').run(log, bucket, below);
    });
  }

  async eraseTokens(removal: string, tokens: readonly Uint8Array[], lookup: () => Uint8Array): Promise<Uint8Array[]> {
    const destroyed: DestroyedRow[] = [];
    /** With those of which only what took their value's place is left. */
    const erased: Uint8Array[] = [];
    for (const token of tokens) {
      const row = await this.findRow(token);
      if (row && row.sealed.length > 0) destroyed.push({ row, lookup: lookup() });
      if (row && (row.sealed.length > 0 || (await this.findSettled(token))?.sealed?.length)) erased.push(token);
    }
    this.#transaction('erase tokens', () => {
      this.#destroy(destroyed);
      const note = this.database.prepare('INSERT OR IGNORE INTO erased (token, removal) VALUES (?, ?)');
      const nothing = this.database.prepare("UPDATE settled SET sealed = x'' WHERE token = ?");
      for (const token of erased) {
        note.run(token, removal);
        nothing.run(token);
      }
    });
    this.#destroyed(destroyed);
    const rows = this.database.prepare('SELECT token FROM erased WHERE removal = ? ORDER BY token').all(removal);
    return rows.map((row) => row['token'] as Uint8Array);
  }

  async findBucketRows(
    buckets: readonly number[],
    from: number,
    rowsMax: number,
  ): Promise<{ rows: { id: number; bucket: number }[]; next?: number }> {
    return this.guard('look for rows of token buckets', () => {
      const sql = `SELECT id, bucket FROM tokens WHERE id >= ? AND id < ? AND bucket IN (${buckets.map(Number).join()}) ORDER BY id`;
      const rows = this.database.prepare(sql).all(from, from + rowsMax) as unknown as { id: number; bucket: number }[];
      return { rows, ...(from + rowsMax <= this.lastId ? { next: from + rowsMax } : {}) };
    });
  }

  async readRows(ids: readonly number[]): Promise<StoredTokenRow[]> {
    return this.guard('read rows', () => {
      const row = this.database.prepare('SELECT id, token, lookup, bucket, kind, sealed FROM tokens WHERE id = ?');
      return ids.map((id) => ({ ...row.get(id) }) as unknown as StoredTokenRow);
    });
  }

  async resealBucket({ bucket, sealedKey, rows, settled }: ResealedBucket): Promise<void> {
    this.#transaction('seal a token bucket anew', () => {
      this.database.prepare('UPDATE token_buckets SET sealed_key = ? WHERE bucket = ?').run(sealedKey, bucket);
      const reseal = this.database.prepare('UPDATE tokens SET sealed = ? WHERE id = ?');
      for (const { id, sealed } of rows) reseal.run(sealed, id);
      const settle = this.database.prepare('UPDATE settled SET sealed = ? WHERE token = ?');
      for (const { token, sealed } of settled) settle.run(sealed, token);
    });
  }

  async replaceKeys({ tokenBuckets, bucketKeys, segmentKeys }: ReplacedKeys): Promise<void> {
    this.#transaction('seal keys anew', () => {
      const ofTokens = this.database.prepare('UPDATE token_buckets SET sealed_key = ? WHERE bucket = ?');
      for (const { bucket, sealedKey } of tokenBuckets) ofTokens.run(sealedKey, bucket);
      const ofChunks = this.database.prepare('UPDATE bucket_keys SET sealed_key = ? WHERE log = ? AND bucket = ? AND generation = ?');
      for (const { log, bucket, generation, sealedKey } of bucketKeys) ofChunks.run(sealedKey, log, bucket, generation);
      const ofSegment = this.database.prepare('UPDATE segment_keys SET sealed_key = ? WHERE log = ? AND class = ? AND bucket = ? AND generation = ?');
      for (const { log, class: of, bucket, generation, sealedKey } of segmentKeys) ofSegment.run(sealedKey, log, of, bucket, generation);
    });
  }

  async addTombstones(rows: readonly TombstoneRow[]): Promise<void> {
    this.#transaction('note tombstones', () => {
      const add = this.database.prepare('INSERT OR IGNORE INTO tombstones (log, leaf, removal) VALUES (?, ?, ?)');
      for (const { log, leafIndex, removal } of rows) add.run(log, leafIndex, removal);
    });
  }

  async scrub(): Promise<void> {
    this.guard('scrub vault.db', () => {
      this.database.exec('PRAGMA incremental_vacuum');
      const row = this.database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
      if (row?.['busy'] !== 0) throw new VeiltrailError('storage_busy', 'vault.db is being read, and what was destroyed is still in its log');
    });
  }

  /** Within a transaction. */
  #destroy(destroyed: readonly DestroyedRow[]): void {
    const destroy = this.database.prepare("UPDATE tokens SET lookup = ?, sealed = x'' WHERE id = ?");
    // The index knows the first bits of the lookup: enough for a guess of the value to be checked.
    const leave = this.database.prepare('DELETE FROM by_lookup WHERE prefix = ? AND id = ?');
    for (const { row, lookup } of destroyed) {
      destroy.run(lookup, row.id);
      leave.run(prefixOf(row.lookup), row.id);
    }
  }

  /** Once it is through. */
  #destroyed(destroyed: readonly DestroyedRow[]): void {
    for (const { row, lookup } of destroyed) {
      this.rename(row.lookup, lookup);
      const entries = this.#entering?.byLookup ?? [];
      const prefix = prefixOf(row.lookup);
      for (let at = 0; at < entries.length; at += 2) if (entries[at] === prefix && entries[at + 1] === row.id) entries[at] = prefixOf(lookup);
    }
  }

  async settleWithheld(rows: readonly SettledTokenRow[], lookup: () => Uint8Array): Promise<void> {
    const destroyed: DestroyedRow[] = [];
    for (const { token, sealed } of rows) {
      const row = sealed === null ? undefined : await this.findRow(token);
      if (row?.kind === 'quarantine') destroyed.push({ row, lookup: lookup() });
    }
    this.#transaction('settle withheld values', () => {
      const settle = this.database.prepare('INSERT OR REPLACE INTO settled (token, sealed) VALUES (?, ?)');
      for (const { token, sealed } of rows) settle.run(token, sealed);
      this.#destroy(destroyed);
    });
    if (destroyed.length === 0) return;
    // Whoever sends the value again gets a new token, and the old bytes leave the WAL, too.
    this.#destroyed(destroyed);
    this.guard('tidy vault.db', () => this.database.exec('PRAGMA wal_checkpoint(TRUNCATE)'));
  }

  async replaceLookups(rows: readonly ReplacedLookup[]): Promise<void> {
    // What is on its way into the index is entered first: it would be entered under the lookups that were.
    while (this.#entering) this.#enterSome();
    this.#transaction('replace lookups', () => {
      const replace = this.database.prepare('UPDATE tokens SET lookup = ? WHERE id = ?');
      const leave = this.database.prepare('DELETE FROM by_lookup WHERE prefix = ? AND id = ?');
      const enter = this.database.prepare('INSERT OR IGNORE INTO by_lookup (prefix, id) VALUES (?, ?)');
      for (const { id, from, to } of rows) {
        replace.run(to, id);
        leave.run(prefixOf(from), id);
        enter.run(prefixOf(to), id);
      }
    });
    for (const { from, to } of rows) this.rename(from, to);
  }

  async tidy(): Promise<void> {
    this.guard('tidy vault.db', () => {
      this.#enterSome();
      if (pragma(this.database, 'freelist_count') > 0) this.database.exec(`PRAGMA incremental_vacuum(${vacuumPagesMax})`);
      const walBytes = statSync(`${this.#path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
      if (walBytes > walBytesCut) this.database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      else if (walBytes > walBytesMax) this.database.exec('PRAGMA wal_checkpoint(PASSIVE)');
    });
  }

  /** One step of entering. Twice as many as have come since the last step, so it always ends, however fast they come. */
  #enterSome(): void {
    const added = this.#addedSinceStep;
    this.#addedSinceStep = 0;
    if (!this.#entering && this.recent.size < this.#recentRowsMin) return;
    const entering = (this.#entering ??= this.#startEntering());
    const to = Math.min(entering.count, entering.done + Math.max(stepRowsMin, 2 * added));
    this.#transaction('index tokens', () => {
      this.#enter('by_lookup', entering.byLookup.subarray(2 * entering.done, 2 * to));
      this.#enter('by_token', entering.byToken.subarray(2 * entering.done, 2 * to));
      if (to === entering.count) this.database.prepare('UPDATE entered SET id = ?').run(entering.lastId);
    });
    entering.done = to;
    if (to === entering.count) this.#entering = undefined;
  }

  /** Many rows a statement: entering them one by one takes three times as long. */
  #enter(index: 'by_lookup' | 'by_token', entries: Float64Array): void {
    for (let at = 0; at < entries.length; at += 2 * rowsAtOnce) {
      const some = entries.subarray(at, at + 2 * rowsAtOnce);
      this.#entry(index, some.length / 2).run(...some);
    }
  }

  #entry(index: 'by_lookup' | 'by_token', rows: number): StatementSync {
    const name = `${index} ${rows}`;
    const statement =
      this.#entries.get(name) ?? this.database.prepare(`INSERT OR IGNORE INTO ${index} (prefix, id) VALUES ${Array(rows).fill('(?, ?)').join()}`);
    // A last one that is shorter has another length each time.
    if (rows === rowsAtOnce) this.#entries.set(name, statement);
    return statement;
  }

  /** All rows that were entered before are forgotten here, so that the memory stays bounded. */
  #startEntering(): Entering {
    this.age();
    const rows = [...this.aged.values()];
    return {
      byLookup: sortedEntries(rows, ({ lookup }) => lookup),
      byToken: sortedEntries(rows, ({ token }) => token),
      done: 0,
      count: rows.length,
      lastId: this.lastId,
    };
  }

  #transaction(what: string, work: () => void): void {
    this.guard(what, () => {
      this.database.exec('BEGIN IMMEDIATE');
      try {
        work();
        this.database.exec('COMMIT');
      } catch (error) {
        // SQLite has rolled back by itself after some errors, a full disk among them.
        if (this.database.isTransaction) this.database.exec('ROLLBACK');
        throw error;
      }
    });
  }
}

function sortedEntries(rows: readonly RecentRow[], keyOf: (row: RecentRow) => string): Float64Array {
  const prefixes = Float64Array.from(rows, (row) => prefixOf(Buffer.from(keyOf(row).slice(0, 6), 'latin1')));
  const order = Uint32Array.from(rows.keys()).sort((a, b) => (prefixes[a] as number) - (prefixes[b] as number));
  const entries = new Float64Array(2 * rows.length);
  order.forEach((row, i) => {
    entries[2 * i] = prefixes[row] as number;
    entries[2 * i + 1] = (rows[row] as RecentRow).id;
  });
  return entries;
}
