/**
 * Port: where records and the committed state of every log are kept. One tick of the ledger is one {@link RecordStore.commit}: either all of
 * it is there after a crash or nothing.
 *
 * Whoever opens a store for writing is its only writer (see `data-dir-lock.ts`); the compare-and-swap on the tree size is the second line.
 * Every promise rejects with a VeiltrailError as `storage-error.ts` sorts them; after a refusal nothing has changed.
 */
import type { SegmentName } from './segment-store.ts';

/** Leaves of a bucket: their chunks share a bucket key, and are compacted together. */
export const bucketLeaves = 65_536;

/** What is committed of one log. */
export interface LogState {
  log: string;
  origin: string;
  createdAtMs: number;
  treeSize: number;
  /** 32 bytes. */
  root: Uint8Array;
  /** The perfect subtrees of the tree, as `Frontier.toBytes` writes them. */
  frontier: Uint8Array;
  /** The largest time of receipt so far: it never goes backwards. */
  lastReceivedAtMs: number;
  /** Leaves below this are in full tiles that are known to be on disk; a multiple of 256. */
  durableSize: number;
}

/** What a tick appends to one log. */
export interface LogAppend {
  log: string;
  /** The tree size that this append was made for; the store refuses any other. */
  treeSizeBefore: number;
  treeSize: number;
  root: Uint8Array;
  frontier: Uint8Array;
  receivedAtMs: number;
  /** The sealed chunk of leaves `treeSizeBefore` up to `treeSize` (format: `ledger/chunk.ts`); opaque here. */
  chunk: Uint8Array;
  /** 32 bytes a leaf. */
  commitments: Uint8Array;
  /** 32 bytes a row, key[24] ‖ body[8], in any order (that of the keys is the fastest). */
  idempotency: Uint8Array;
  /** The leaf of each row. */
  idempotencyLeaves: Float64Array;
}

export interface StoredChunk {
  firstLeaf: number;
  count: number;
  receivedAtMs: number;
  sealed: Uint8Array;
}

/** A segment that is registered: what it holds, in numbers. */
export interface StoredSegment extends SegmentName {
  records: number;
  bytes: number;
  /** When the first and the last of its records were received. */
  firstReceivedAtMs: number;
  lastReceivedAtMs: number;
}

/** A bucket of a log whose records are in segments. */
export interface StoredBucket {
  bucket: number;
  /** None are left when all its records were removed. */
  segments: StoredSegment[];
}

/** What holds the records of some leaves. */
export type StoredRecords = ({ in: 'chunk' } & StoredChunk) | ({ in: 'segments' } & StoredBucket);

/** Chunks of a bucket that make room for segments. */
export interface Compaction extends StoredBucket {
  log: string;
  /** When the last record of the bucket was received, in whatever state it is. */
  lastReceivedAtMs: number;
  /** The leaves of a chunk that reaches into the next bucket, from that bucket's first leaf on: a chunk of its own from now on. */
  remainder?: StoredChunk;
  /** {@link RecordStore.chunkChanges} from before the chunks were read. */
  chunkChanges: number;
}

/** The commitments of one past append, kept until the full tiles that hold them are on disk. */
export interface StagedEntries {
  firstLeaf: number;
  /** 32 bytes a leaf. */
  commitments: Uint8Array;
}

/** Something that `records.db` says of a log and that the rest of it contradicts. */
export interface StrayRow {
  table: 'chunks' | 'compacted' | 'segments' | 'trees';
  /** The first leaf that it is about. */
  leafIndex: number;
}

/** {@link RecordStore.findRepetitions}: the key is new. */
export const idIsNew = -1;
/** {@link RecordStore.findRepetitions}: the key is known, with another body only. */
export const idConflicts = -2;

/** The reading half: a second process may hold it while a ledger writes. Each call sees one committed state. */
export interface RecordSource {
  /** Every log, by name. */
  logs(): Promise<LogState[]>;
  /** The chunk that holds a leaf or, where none does, the first one behind it. */
  chunkFrom(log: string, leafIndex: number): Promise<StoredChunk | undefined>;
  /** What holds a leaf, chunk or segments, or the first of either behind it. */
  recordsFrom(log: string, leafIndex: number): Promise<StoredRecords | undefined>;
  /** Buckets whose records are in segments, from a bucket on, in their order. */
  compactedBuckets(log: string, from: number): Promise<StoredBucket[]>;
  /** Staged appends that reach beyond `durableSize`, in order of their leaves. The first may begin before it. */
  staged(log: string): Promise<StagedEntries[]>;
  /**
   * What nothing reads, so that reading every record does not find it: chunks and buckets behind the last leaf, segments of a bucket whose records are in
   * chunks; and a newest time of receipt before that of a record. One of each kind.
   */
  strays(log: string): Promise<StrayRow[]>;
  /** True when the last ledger closed in an orderly way and nothing was written since. */
  isClean(): Promise<boolean>;
  close(): Promise<void>;
}

export interface RecordStore extends RecordSource {
  /**
   * Adds an empty log. Durable when it returns.
   * @throws VeiltrailError `log_exists`
   */
  createLog(state: LogState): Promise<void>;
  /**
   * Looks up idempotency rows (32 bytes each): the leaf of one with the same key and body, else {@link idConflicts} where the key is
   * there with another body, else {@link idIsNew}.
   */
  findRepetitions(log: string, idempotency: Uint8Array): Promise<Float64Array>;
  /**
   * Writes one tick, all logs in one transaction. Durable when it returns; when it rejects with a refusal, nothing of it is there.
   * @throws VeiltrailError `tree_moved` when a tree has not the size it should: somebody else writes
   */
  commit(tick: readonly LogAppend[]): Promise<void>;
  /** Counts the changes made to stored chunks, other than adding some, since the store was opened. */
  chunkChanges(): number;
  /**
   * Registers the segments of a bucket, which are on disk: from here on its records are read from them, and its chunks are left over. One
   * transaction, durable when it returns.
   * @throws VeiltrailError `chunks_changed` when chunks were changed since they were read; nothing is registered then
   */
  compact(compaction: Compaction): Promise<void>;
  /** Deletes left-over chunks of a log: about `bytesMax` bytes, one at least. Durable when it returns. Returns whether some are left. */
  dropLeftOver(log: string, bytesMax: number): Promise<boolean>;
  /**
   * Registers other generations of segments, or that they are gone, in one transaction, durable when it returns.
   * @throws VeiltrailError `segment_moved` when one that is replaced is not registered; nothing is changed then
   */
  replaceSegments(replacements: readonly { old: SegmentName; next?: StoredSegment }[]): Promise<void>;
  /** Writes other bytes in the place of chunks that are there, in one transaction, durable when it returns. */
  rewriteChunks(log: string, chunks: readonly { firstLeaf: number; sealed: Uint8Array }[]): Promise<void>;
  /**
   * Forgets the idempotency rows of some leaves, among `rowsMax` rows behind a key: a guess of an event could be checked against them. Durable when
   * it returns. Returns the key behind which to go on, unless there are no more.
   */
  forgetIds(
    log: string,
    isForgotten: (leafIndex: number) => boolean,
    behind: Uint8Array | undefined,
    rowsMax: number,
  ): Promise<Uint8Array | undefined>;
  /**
   * Leaves nothing on disk of what was overwritten or deleted: the write-ahead log is emptied, free pages are given back.
   * @throws VeiltrailError `storage_busy` while somebody reads what was there before
   */
  scrub(): Promise<void>;
  /** Says that full tiles below `durableSize` are on disk, and drops what was staged for them. Durable when it returns. */
  markDurable(log: string, durableSize: number): Promise<void>;
  /**
   * Forgets idempotency rows of leaves received before that time, looking at `rowsMax` rows at the most and going on from there next time.
   * Returns how many were forgotten. Durable with the next commit.
   */
  pruneIdempotency(log: string, receivedBeforeMs: number, rowsMax: number): Promise<number>;
  /** Durable when it returns. */
  setClean(clean: boolean): Promise<void>;
  /** Housekeeping between commits: bounds the write-ahead log, gives free pages back. Nothing depends on when it runs. */
  tidy(): Promise<void>;
}
