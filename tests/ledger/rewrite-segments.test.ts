import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import { openRecord } from '../../src/log/open-record.ts';
import type { RecordEdits } from '../../src/ledger/rewrite.ts';
import type { SegmentName } from '../../src/storage/segment-store.ts';
import { fieldsOf } from './batches.ts';
import { range } from './segments.ts';
import { compactedLog, CompactingLog, packedOf, receivedAtMsOf, storedLeaves, storedLines } from './compacting.ts';

let log: CompactingLog | undefined;
afterEach(async () => {
  await log?.close();
  log?.remove();
  log = undefined;
});

const first: SegmentName = { log: compactedLog, class: 'default', bucket: 0, generation: 1 };
const removing = (...removed: number[]): RecordEdits => ({ removed, redactions: [] });
const inBucket = storedLeaves().filter((leaf) => leaf < 65_536);

async function compacted(classOf = (_leaf: number) => 'default'): Promise<CompactingLog> {
  log = await CompactingLog.make();
  const leafOf = (packed: Uint8Array): number => Number(/event-(\d+)/.exec(Buffer.from(packed).toString('latin1'))?.[1]);
  log.classes = { classOf: (_, packed) => classOf(leafOf(packed)) };
  log.compactor.start();
  await log.compactor.idle();
  return log;
}

async function rewrite(at: CompactingLog, edits: RecordEdits): Promise<void> {
  const resume = await at.compactor.pause();
  await at.compactor.rewrite(compactedLog, edits);
  resume();
  await at.compactor.idle();
  expect(at.errors).toEqual([]);
}

function fileOf(at: CompactingLog, name: string): string {
  return join(at.dir, 'segments', name);
}

describe('removing from segments', () => {
  test('leaves what is not removed as it was, under another key; the file and the key before it are gone', async () => {
    const at = await compacted();
    const before = readFileSync(fileOf(at, 'a/default/00000000.1'));
    await rewrite(at, removing(2, 4, 65_531, 65_532));
    expect(await at.readAll()).toEqual(storedLines(storedLeaves().filter((leaf) => ![2, 3, 65_531].includes(leaf))));
    expect(at.files()).toEqual(['a/default/00000000.2']);
    expect(await at.vault.segmentKeyNames()).toEqual([{ ...first, generation: 2 }]);
    await expect(at.reader().record(compactedLog, 3)).rejects.toMatchObject({ code: 'record_removed' });
    const [bucket] = await at.store.compactedBuckets(compactedLog, 0);
    expect(bucket?.segments).toMatchObject([{ generation: 2, records: inBucket.length - 3, firstReceivedAtMs: receivedAtMsOf(0) }]);
    // Whoever kept the file has nothing that opens it: not its own key, and not the next one.
    writeFileSync(fileOf(at, 'a/default/00000000.1'), before);
    await expect(at.vault.segmentKey(first)).rejects.toMatchObject({ code: 'segment_key_missing' });
    writeFileSync(fileOf(at, 'a/default/00000000.2'), before);
    await expect(at.reader().record(compactedLog, 0)).rejects.toMatchObject({ code: 'segment_damaged' });
  });

  test('removes values from records', async () => {
    const at = await compacted();
    await rewrite(at, { removed: [], redactions: [{ leafIndex: 5, pointers: ['/body'], hidePointers: false, tombstone: 65_549 }] });
    const { packed, receivedAtMs } = await at.reader().record(compactedLog, 5);
    const { fields, redacted } = openRecord(packed);
    const before = fieldsOf({ id: 'event-5', body: 'body-5' });
    expect(fields).toEqual([before[0], { pointer: '/body', value: '"[REDACTED leaf 65549]"' }, before[2]]);
    expect([redacted, receivedAtMs]).toEqual([[{ pointer: '/body', tombstone: 65_549 }], receivedAtMsOf(5)]);
    expect(await at.readAll()).toHaveLength(storedLeaves().length);
  });

  test('done again, it does nothing', async () => {
    const at = await compacted();
    const edits = { removed: [0, 2], redactions: [{ leafIndex: 5, pointers: ['/body'], hidePointers: true, tombstone: 65_549 }] };
    await rewrite(at, edits);
    const bytes = readFileSync(fileOf(at, 'a/default/00000000.2'));
    await rewrite(at, edits);
    expect(at.files()).toEqual(['a/default/00000000.2']);
    expect(readFileSync(fileOf(at, 'a/default/00000000.2'))).toEqual(bytes);
  });

  test('touches no segment that loses nothing', async () => {
    const at = await compacted((leaf) => (leaf % 2 === 0 ? 'even' : 'odd'));
    await rewrite(at, removing(4, 5, 6, 7));
    expect(at.files()).toEqual(['a/even/00000000.2', 'a/odd/00000000.1']);
    await rewrite(at, removing(65_540, 65_545));
    expect(at.files()).toEqual(['a/even/00000000.2', 'a/odd/00000000.1']);
    await rewrite(at, removing(100, 200));
    expect(at.files()).toEqual(['a/even/00000000.2', 'a/odd/00000000.1']);
  });

  test('drops a segment of which nothing is left, and its key', async () => {
    const at = await compacted((leaf) => (leaf % 2 === 0 ? 'even' : 'odd'));
    await rewrite(at, removing(...inBucket.filter((leaf) => leaf % 2 === 0).flatMap((leaf) => [leaf, leaf + 1])));
    expect(at.files()).toEqual(['a/odd/00000000.1']);
    expect((await at.vault.segmentKeyNames()).map((name) => name.class)).toEqual(['odd']);
    await rewrite(at, removing(0, 65_536));
    expect(at.files()).toEqual([]);
    expect(await at.store.compactedBuckets(compactedLog, 0)).toEqual([{ bucket: 0, segments: [] }]);
    expect(await at.readAll()).toEqual(storedLines(storedLeaves().filter((leaf) => leaf >= 65_536)));
    await expect(at.reader().record(compactedLog, 7)).rejects.toMatchObject({ code: 'record_not_found' });
  });

  test('is refused while compaction is under way', async () => {
    const at = await compacted();
    await expect(at.compactor.rewrite(compactedLog, removing(0, 1))).rejects.toThrow('paused');
  });
});

describe('a segment of several blocks', () => {
  const count = 600;
  const nowMs = 1_700_000_000_000;
  const records = range(0, count).map(packedOf);
  const kept = (...gone: number[]): number[] => range(0, count).filter((leaf) => !gone.includes(leaf));
  const made = async (): Promise<CompactingLog> => {
    log = await CompactingLog.makeOf([
      { from: 0, end: count, receivedAtMs: nowMs, records },
      { from: count, end: 65_536, receivedAtMs: nowMs, records: [] },
    ]);
    log.compactor.start();
    await log.compactor.idle();
    return log;
  };
  const leavesOf = async (at: CompactingLog): Promise<number[]> => (await at.readAll()).map((line) => Number(line.split(' ')[0]));

  test('is written anew block by block', async () => {
    const at = await made();
    const before = await at.readAll();
    await rewrite(at, removing(300, 301));
    expect(await at.readAll()).toEqual(before.filter((line) => !line.startsWith('300 ')));
    // Once more, so that a block with nothing in it is there.
    await rewrite(at, removing(256, 512));
    expect(await leavesOf(at)).toEqual([...range(0, 256), ...range(512, count)]);
    await rewrite(at, removing(0, 1));
    expect(await leavesOf(at)).toEqual([...range(1, 256), ...range(512, count)]);
    const [bucket] = await at.store.compactedBuckets(compactedLog, 0);
    expect(bucket?.segments).toMatchObject([{ generation: 4, records: 255 + 88, firstReceivedAtMs: nowMs, lastReceivedAtMs: nowMs }]);
    expect(at.files()).toEqual(['a/default/00000000.4']);
  });

  test.each([
    ['in which something is removed', 599, kept(599)],
    ['in which nothing is removed', 5, kept(5)],
  ])('of which one %s does not open: it is empty then, the others are as they were', async (_, removed, left) => {
    const at = await made();
    const file = fileOf(at, 'a/default/00000000.1');
    const bytes = readFileSync(file);
    bytes[bytes.length - 100] = (bytes[bytes.length - 100] as number) ^ 1;
    writeFileSync(file, bytes);
    await rewrite(at, removing(removed, removed + 1));
    expect(at.files()).toEqual(['a/default/00000000.2']);
    expect(await leavesOf(at)).toEqual(left.filter((leaf) => leaf < 512));
  });

  test('what storage refuses to read is not taken for damage', async () => {
    const at = await made();
    const read = at.segments.read.bind(at.segments);
    let reads = 0;
    at.segments.read = (...of) => (++reads > 4 ? Promise.reject(new VeiltrailError('storage_busy', 'a test')) : read(...of));
    const resume = await at.compactor.pause();
    await expect(at.compactor.rewrite(compactedLog, removing(300, 301))).rejects.toMatchObject({ code: 'storage_busy' });
    resume();
    at.segments.read = read;
    expect(await leavesOf(at)).toEqual(kept());
  });
});

describe('a damaged segment', () => {
  const change = (at: CompactingLog, place: (length: number) => number): void => {
    const file = fileOf(at, 'a/default/00000000.1');
    const bytes = readFileSync(file);
    const i = place(bytes.length);
    bytes[i] = (bytes[i] as number) ^ 1;
    writeFileSync(file, bytes);
  };

  test('of which a block does not open loses that block: its key goes', async () => {
    const at = await compacted();
    change(at, (length) => length - 100);
    await rewrite(at, removing(2, 3));
    // All was in one block.
    expect(at.files()).toEqual([]);
    expect(await at.vault.segmentKeyNames()).toEqual([]);
  });

  test('of which nobody can say what is in it is left alone, and said', async () => {
    const at = await compacted();
    change(at, () => 3);
    const resume = await at.compactor.pause();
    await expect(at.compactor.rewrite(compactedLog, removing(2, 3))).rejects.toMatchObject({ code: 'segment_damaged' });
    resume();
    expect(at.files()).toEqual(['a/default/00000000.1']);
    expect(await at.vault.segmentKeyNames()).toEqual([first]);
  });

  test('whose index says that blocks are where they are not', async () => {
    const at = await compacted();
    change(at, (length) => length - 13);
    const resume = await at.compactor.pause();
    await expect(at.compactor.rewrite(compactedLog, removing(2, 3))).rejects.toMatchObject({ code: 'segment_damaged' });
    resume();
  });

  test('that is gone goes altogether, with its key', async () => {
    const at = await compacted();
    await at.segments.remove(first);
    await rewrite(at, removing(2, 3));
    expect(await at.vault.segmentKeyNames()).toEqual([]);
    expect(await at.store.compactedBuckets(compactedLog, 0)).toEqual([{ bucket: 0, segments: [] }]);
  });
});
