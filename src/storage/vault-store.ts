/**
 * Port: where the vault keeps its rows. Everything in them that could name somebody is sealed before it comes here; what a thief of the file
 * sees is tokens (which are no secret), keyed digests, kinds and sizes.
 *
 * One writer at a time, the vault's thread; others may read beside it. Every promise rejects with a VeiltrailError as `storage-error.ts`
 * sorts them; after a refusal nothing has changed.
 */
import type { SegmentName } from './segment-store.ts';

export interface TokenRow {
  /** 20 bytes. */
  token: Uint8Array;
  /** 32 bytes. */
  lookup: Uint8Array;
  /** The token bucket under whose key it is sealed. */
  bucket: number;
  kind: string;
  sealed: Uint8Array;
}

/** A row and where it is: a smaller place was written earlier. */
export interface StoredTokenRow extends TokenRow {
  id: number;
}

/** A row that gets another lookup. */
export interface ReplacedLookup {
  id: number;
  /** 32 bytes each. */
  from: Uint8Array;
  to: Uint8Array;
}

/** Tokens that share a data key. */
export interface TokenBucketRow {
  bucket: number;
  scope: string;
  origin: string;
  /** Its data key, sealed under the root. */
  sealedKey: Uint8Array;
}

/** A data key for a log's chunks. */
export interface BucketKeyRow {
  log: string;
  bucket: number;
  /** 1, 2, …: the newest is in use. */
  generation: number;
  sealedKey: Uint8Array;
}

/** Keys to be written in the place of those that are there. */
export interface ReplacedKeys {
  tokenBuckets: readonly Pick<TokenBucketRow, 'bucket' | 'sealedKey'>[];
  bucketKeys: readonly BucketKeyRow[];
  segmentKeys: readonly SegmentKeyRow[];
}

/** A token bucket under a new key, and all that is sealed under it. */
export interface ResealedBucket {
  bucket: number;
  sealedKey: Uint8Array;
  rows: readonly { id: number; sealed: Uint8Array }[];
  settled: readonly { token: Uint8Array; sealed: Uint8Array }[];
}

/** A leaf that tells of a removal. */
export interface TombstoneRow {
  log: string;
  leafIndex: number;
  removal: string;
}

/** The key of one generation of one segment. */
export interface SegmentKeyRow extends SegmentName {
  sealedKey: Uint8Array;
}

/** One committed page of rows, in the order they were written. */
export interface TokenPage {
  rows: StoredTokenRow[];
  /** Where the next page begins; absent behind the last row. */
  next?: number;
}

/** What became of a withheld value. */
export interface SettledTokenRow {
  /** 20 bytes. */
  token: Uint8Array;
  /** null: the row itself may be read; empty: nothing is left of it; else what took its place. */
  sealed: Uint8Array | null;
}

export interface VaultSource {
  /** The token of each lookup, or undefined. */
  findTokens(lookups: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
  findRow(token: Uint8Array): Promise<StoredTokenRow | undefined>;
  findTokenBucket(bucket: number): Promise<TokenBucketRow | undefined>;
  findBucketKey(log: string, bucket: number, generation: number): Promise<BucketKeyRow | undefined>;
  /** Every log's, in the order of logs, buckets and generations. */
  bucketKeys(): Promise<BucketKeyRow[]>;
  /** By number. */
  tokenBuckets(): Promise<TokenBucketRow[]>;
  /** The removal that destroyed a token's row. */
  findErasure(token: Uint8Array): Promise<string | undefined>;
  /** Tokens whose rows were destroyed, by removal and then ascending; from behind a place on, `rowsMax` at the most. */
  readErased(behind: { removal: string; token: Uint8Array }, rowsMax: number): Promise<{ removal: string; token: Uint8Array }[]>;
  /** By log and leaf. */
  tombstones(): Promise<TombstoneRow[]>;
  findSegmentKey(name: SegmentName): Promise<SegmentKeyRow | undefined>;
  /** Every log's, in the order of logs, classes, buckets and generations. */
  segmentKeys(): Promise<SegmentKeyRow[]>;
  /** Every scope that there is a token in. */
  scopes(): Promise<string[]>;
  /** Rows from a place on, `rowsMax` at the most: 0 is the first. */
  readTokens(from: number, rowsMax: number): Promise<TokenPage>;
  /** Rows of withheld values that still hold one, from a place on. */
  readWithheld(from: number, rowsMax: number): Promise<TokenPage>;
  /** Rows of withheld values of which nobody has said what shall become of them. */
  countWithheld(): Promise<number>;
  /** What became of a withheld value, if its field was classified. */
  findSettled(token: Uint8Array): Promise<SettledTokenRow | undefined>;
  /** Whether each row is the one that its token leads to. */
  areFound(rows: readonly StoredTokenRow[]): Promise<boolean[]>;
  /** Entries of the store's own indexes that lead to no row. */
  countOrphans(): Promise<number>;
  close(): Promise<void>;
}

export interface VaultStore extends VaultSource {
  /** The number of the next token bucket. */
  nextTokenBucket(): Promise<number>;
  /** Adds buckets and rows in one transaction, durable when it returns. The caller has looked: no lookup of them is there yet. */
  addTokens(buckets: readonly TokenBucketRow[], rows: readonly TokenRow[]): Promise<void>;
  /**
   * Writes what became of withheld values, in one transaction, durable when it returns; the rows of those that are not `null` are destroyed.
   * @param lookup 32 bytes that lead nowhere, for each destroyed row
   */
  settleWithheld(rows: readonly SettledTokenRow[], lookup: () => Uint8Array): Promise<void>;
  /** Gives rows other lookups, in one transaction, durable when it returns. */
  replaceLookups(rows: readonly ReplacedLookup[]): Promise<void>;
  /** Adds a key that is not there yet; durable when it returns. */
  addBucketKey(row: BucketKeyRow): Promise<void>;
  /** Adds a key that is not there yet; durable when it returns. */
  addSegmentKey(row: SegmentKeyRow): Promise<void>;
  /** Removes the keys of segments, in one transaction, durable when it returns; those that are not there count as removed. */
  dropSegmentKeys(names: readonly SegmentName[]): Promise<void>;
  /** Removes the keys of a log's bucket, of every generation, or of those below one; durable when it returns. */
  dropBucketKey(log: string, bucket: number, below?: number): Promise<void>;
  /**
   * Destroys the rows of tokens, and what took the place of those that were withheld, in one transaction, durable when it returns. A destroyed row
   * keeps its place and its token. Those that are destroyed already stay as they are.
   * @param lookup 32 bytes that lead nowhere, for each row
   * @returns every token that this removal has destroyed by now, ascending
   */
  eraseTokens(removal: string, tokens: readonly Uint8Array[], lookup: () => Uint8Array): Promise<Uint8Array[]>;
  /** Where rows of some token buckets are, among `rowsMax` places from one on; `next` is absent behind the last row. */
  findBucketRows(buckets: readonly number[], from: number, rowsMax: number): Promise<{ rows: { id: number; bucket: number }[]; next?: number }>;
  readRows(ids: readonly number[]): Promise<StoredTokenRow[]>;
  /** Durable when it returns. */
  resealBucket(bucket: ResealedBucket): Promise<void>;
  /** In one transaction, durable when it returns. */
  replaceKeys(keys: ReplacedKeys): Promise<void>;
  /** Durable when it returns; those that are there already count as added. */
  addTombstones(rows: readonly TombstoneRow[]): Promise<void>;
  /**
   * Leaves nothing on disk of what was overwritten or deleted: the write-ahead log is emptied, free pages are given back.
   * @throws VeiltrailError `storage_busy` while somebody reads what was there before
   */
  scrub(): Promise<void>;
  /** Housekeeping in small steps, between commits. Nothing depends on when it runs. */
  tidy(): Promise<void>;
}
