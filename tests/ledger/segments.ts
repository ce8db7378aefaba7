/** Segments of a test: real files, real keys of a vault that follow from their names. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8 } from '../../src/core/bytes.ts';
import { systemRandom } from '../../src/core/random.ts';
import { sha256 } from '../../src/core/sha256.ts';
import { LeafSet } from '../../src/ledger/leaf-set.ts';
import type { StoredRecord } from '../../src/ledger/reader.ts';
import { SegmentReader } from '../../src/ledger/segment-reader.ts';
import { writeSegment } from '../../src/ledger/segment-writer.ts';
import { openFileSegmentStore, segmentPath } from '../../src/storage/files/segment-store.ts';
import { bucketLeaves, type StoredBucket, type StoredSegment } from '../../src/storage/record-store.ts';
import type { SegmentName } from '../../src/storage/segment-store.ts';
import { SeededRandom } from '../simulation/seeded-random.ts';

export const origin = 'test.example/main';

export function segmentKey({ log, class: of, bucket, generation }: SegmentName): Uint8Array {
  return sha256(utf8(`${log} ${of} ${bucket} ${generation}`));
}

/** A record's bytes: different for each leaf, of several lengths. Readers do not look into them. */
export function packedOf(leafIndex: number): Uint8Array {
  return new SeededRandom(`record ${leafIndex}`).bytes(20 + (leafIndex % 50));
}

export function receivedAtMsOf(leafIndex: number): number {
  return 1_700_000_000_000 + 3 * leafIndex;
}

export class TestSegments {
  readonly directory = mkdtempSync(join(tmpdir(), 'veiltrail-segments-'));
  readonly store = openFileSegmentStore(this.directory);

  reader(): SegmentReader {
    return new SegmentReader(this.store, { segmentKey: async (name) => segmentKey(name) });
  }

  pathOf(name: SegmentName): string {
    return join(this.directory, segmentPath(name));
  }

  /** Writes a segment of these leaves of a bucket of the log `main`. */
  async write(of: string, leaves: Iterable<number>, { bucket = 0, generation = 1, packed = packedOf } = {}): Promise<StoredSegment> {
    const name: SegmentName = { log: 'main', class: of, bucket, generation };
    const sorted = [...leaves].toSorted((a, b) => a - b);
    const set = new LeafSet();
    for (const leaf of sorted) set.add(leaf - bucket * bucketLeaves);
    async function* records(): AsyncGenerator<StoredRecord> {
      for (const leafIndex of sorted) yield { leafIndex, receivedAtMs: receivedAtMsOf(leafIndex), packed: packed(leafIndex) };
    }
    const written = { records: 0, firstReceivedAtMs: 0, lastReceivedAtMs: 0 };
    const place = { origin, class: of, bucket, generation };
    const bytes = await this.store.write(name, writeSegment(place, set, records(), { key: segmentKey(name), random: systemRandom }, written));
    return { ...name, ...written, bytes };
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function bucketOf(...segments: StoredSegment[]): StoredBucket {
  return { bucket: segments[0]?.bucket ?? 0, segments };
}

/** Whole numbers from `from` up to `to`, by a step. */
export function range(from: number, to: number, step = 1): number[] {
  return Array.from({ length: Math.max(0, Math.ceil((to - from) / step)) }, (_, i) => from + i * step);
}
