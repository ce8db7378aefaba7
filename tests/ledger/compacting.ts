/**
 * Logs whose first bucket is full, in a directory with a vault of its own: some records, and between them leaves whose records were removed, so
 * that a bucket costs no more than its few records. Every store is the real one; all of them may fail on command.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '../../src/core/bytes.ts';
import { systemRandom } from '../../src/core/random.ts';
import type { Timers } from '../../src/ledger/batch-queue.ts';
import { bucketOf, sealChunk } from '../../src/ledger/chunk.ts';
import { compactBucket, oneClass, type RetentionClasses } from '../../src/ledger/compact.ts';
import { Compactor, type CompactorParts } from '../../src/ledger/compactor.ts';
import { RecordReader } from '../../src/ledger/reader.ts';
import { rewriteSegments } from '../../src/ledger/rewrite-segments.ts';
import { SegmentReader } from '../../src/ledger/segment-reader.ts';
import { openFileSegmentStore } from '../../src/storage/files/segment-store.ts';
import type { LogAppend, RecordStore } from '../../src/storage/record-store.ts';
import type { SegmentStore } from '../../src/storage/segment-store.ts';
import { openSqliteRecordStore } from '../../src/storage/sqlite/record-store.ts';
import { openSqliteVaultStore } from '../../src/storage/sqlite/vault-store.ts';
import { openKeyring } from '../../src/vault/keyring.ts';
import { vaultSecrets } from '../../src/vault/vault-reader.ts';
import { Vault } from '../../src/vault/vault.ts';
import { FaultLine, faultyRecords } from '../crash/faulty-stores.ts';
import { numbered, packBatch } from './batches.ts';
import { range } from './segments.ts';

export const compactedLog = 'a';
export const compactedOrigin = 'test.example/a';

/** Chunks by their leaves; of the long one every record was removed. */
const chunks = [[0, 10], [10, 65_530], [65_530, 65_546], [65_546, 65_550]] as const; // prettier-ignore
const treeSize = 65_550;

export interface TestChunk {
  from: number;
  end: number;
  receivedAtMs: number;
  /** Of its first leaves; those of the others were removed. */
  records: readonly Uint8Array[];
}

function usualChunks(): TestChunk[] {
  return chunks.map(([from, end]) => ({
    from,
    end,
    receivedAtMs: receivedAtMsOf(from),
    records: end - from > 1_000 ? [] : range(from, end).map(packedOf),
  }));
}

let made: Promise<string> | undefined;

/** Milliseconds: that of the chunk. */
export function receivedAtMsOf(leafIndex: number): number {
  return 1_700_000_000_000 + (chunks.find(([, end]) => leafIndex < end)?.[0] ?? 0);
}

/** A record as the pipeline packs it. */
export function packedOf(leafIndex: number): Uint8Array {
  return packBatch({ log: compactedLog, origin: compactedOrigin, events: numbered(leafIndex, 1) }).records;
}

/** Leaves that have a record. */
export function storedLeaves(): number[] {
  return chunks.flatMap(([from, end]) => (end - from > 1_000 ? [] : Array.from({ length: end - from }, (_, i) => from + i)));
}

export class CompactingLog {
  readonly dir: string;
  readonly line: FaultLine;
  readonly store: RecordStore;
  readonly segments: SegmentStore;
  readonly vault: Vault;
  readonly errors: unknown[] = [];
  readonly compactor: Compactor;
  classes: RetentionClasses = oneClass;
  treeSize = treeSize;
  /** Of left-over chunks: one at a time. */
  stepBytes = 1;

  private constructor(dir: string, line: FaultLine, more: Partial<CompactorParts>) {
    this.dir = dir;
    this.line = line;
    const records = openSqliteRecordStore(join(dir, 'records.db'));
    this.store = faultyRecords(records, line);
    this.segments = faultySegments(openFileSegmentStore(join(dir, 'segments')), line);
    const secrets = vaultSecrets(openKeyring(join(dir, 'keys'), { create: true }));
    this.vault = new Vault(openSqliteVaultStore(join(dir, 'vault.db')), secrets);
    this.compactor = new Compactor({
      records: this.store,
      ledger: {
        chunkChanges: async () => this.store.chunkChanges(),
        compact: (compaction) => this.store.compact(compaction),
        dropLeftOver: (log) => this.store.dropLeftOver(log, this.stepBytes),
        replaceSegments: (replacements) => this.store.replaceSegments(replacements),
      },
      segments: this.segments,
      vault: faultyVault(this.vault, line),
      compactBucket: (task) =>
        compactBucket(task, {
          records: this.store,
          reader: this.reader(),
          segments: this.segments,
          keys: faultyVault(this.vault, line),
          classes: this.classes,
          random: systemRandom,
        }),
      rewriteSegments: (rewriting) =>
        rewriteSegments(rewriting, {
          records: this.store,
          reader: new SegmentReader(this.segments, this.vault),
          segments: this.segments,
          keys: faultyVault(this.vault, line),
          random: systemRandom,
        }),
      timers: soon,
      logs: () => [{ log: compactedLog, origin: compactedOrigin, published: { treeSize: this.treeSize } }],
      onError: (error) => this.errors.push(error),
      ...more,
    });
  }

  /** A log of other chunks. */
  static async makeOf(parts: readonly TestChunk[]): Promise<CompactingLog> {
    return CompactingLog.open(await CompactingLog.#make(parts));
  }

  /** A copy of a log that is made once. */
  static async make(line = new FaultLine(), more: Partial<CompactorParts> = {}): Promise<CompactingLog> {
    const dir = mkdtempSync(join(tmpdir(), 'veiltrail-compact-'));
    cpSync(await (made ??= CompactingLog.#make()), dir, { recursive: true });
    return CompactingLog.open(dir, line, more);
  }

  static async #make(parts: readonly TestChunk[] = usualChunks()): Promise<string> {
    const log = new CompactingLog(mkdtempSync(join(tmpdir(), 'veiltrail-compact-')), new FaultLine(), {});
    const empty = { root: new Uint8Array(32), frontier: new Uint8Array(8), commitments: new Uint8Array(0) };
    const none = { idempotency: new Uint8Array(0), idempotencyLeaves: new Float64Array(0) };
    await log.store.createLog({
      log: compactedLog,
      origin: compactedOrigin,
      createdAtMs: 0,
      treeSize: 0,
      lastReceivedAtMs: 0,
      durableSize: 0,
      ...empty,
    });
    const tick: LogAppend[] = [];
    for (const part of parts) {
      const append = { log: compactedLog, treeSizeBefore: part.from, treeSize: part.end, receivedAtMs: part.receivedAtMs };
      tick.push({ ...append, chunk: await log.#seal(part), ...empty, ...none });
    }
    await log.store.commit(tick);
    await log.close();
    process.once('exit', () => log.remove());
    return log.dir;
  }

  static open(dir: string, line = new FaultLine(), more: Partial<CompactorParts> = {}): CompactingLog {
    return new CompactingLog(dir, line, more);
  }

  async #seal({ from, end, receivedAtMs, records }: TestChunk): Promise<Uint8Array> {
    const offsets = new Uint32Array(end - from + 1);
    for (let i = 0; i < end - from; i++) offsets[i + 1] = (offsets[i] as number) + (records[i]?.length ?? 0);
    const place = { origin: compactedOrigin, firstLeaf: from, count: end - from, receivedAtMs };
    return sealChunk(place, { offsets, records: Buffer.concat(records) }, await this.vault.bucketKey(compactedLog, bucketOf(from)), systemRandom);
  }

  reader(): RecordReader {
    return new RecordReader(this.store, this.vault, { segments: new SegmentReader(this.segments, this.vault) });
  }

  /** Every record that can be read, as a line of text: leaf, time, bytes. */
  async readAll(): Promise<string[]> {
    const lines: string[] = [];
    for await (const { leafIndex, receivedAtMs, packed } of this.reader().records(compactedLog, 0, treeSize)) {
      lines.push(`${leafIndex} ${receivedAtMs} ${toHex(packed)}`);
    }
    return lines;
  }

  /** Segment files, below `segments`. */
  files(): string[] {
    if (!existsSync(join(this.dir, 'segments'))) return [];
    const entries = readdirSync(join(this.dir, 'segments'), { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath.slice(this.dir.length + '/segments/'.length), entry.name)).toSorted(); // prettier-ignore
  }

  async close(): Promise<void> {
    await this.compactor.close();
    await this.vault.close();
    await this.store.close();
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Nobody waits. */
const soon: Timers = {
  after(_, run) {
    const handle = setImmediate(run);
    return () => clearImmediate(handle);
  },
};

/** What {@link CompactingLog.readAll} should give. */
export function storedLines(leaves = storedLeaves()): string[] {
  return leaves.map((leaf) => `${leaf} ${receivedAtMsOf(leaf)} ${toHex(packedOf(leaf))}`);
}

/** Fails between the parts of a file, and when it is on disk and nobody knows. */
function faultySegments(real: SegmentStore, line: FaultLine): SegmentStore {
  async function* faulty(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const part of parts) yield await line.write('part of a segment', async () => part);
  }
  return {
    read: (name, from, to) => real.read(name, from, to),
    size: (name) => real.size(name),
    async write(name, parts) {
      const bytes = await real.write(name, faulty(parts));
      return line.write('segment is on disk', async () => bytes);
    },
    remove: (name) => line.write('remove a segment', () => real.remove(name)),
    removeOthers: (isKnown) => line.write('remove unknown segments', () => real.removeOthers(isKnown)),
  };
}

const vaultWrites = new Set(['makeSegmentKey', 'dropSegmentKeys', 'dropBucketKey']);

function faultyVault(real: Vault, line: FaultLine): Vault {
  return new Proxy(real, {
    get(target, name: string) {
      const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
      return (...args: unknown[]) => {
        const call = (): Promise<unknown> => method.apply(target, args);
        return vaultWrites.has(name) ? line.write(name, call) : call();
      };
    },
  });
}
