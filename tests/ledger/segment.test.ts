import { createSecretKey } from 'node:crypto';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { concatBytes, fromHex, toHex } from '../../src/core/bytes.ts';
import { VeiltrailError } from '../../src/core/errors.ts';
import { systemRandom } from '../../src/core/random.ts';
import { LeafSet } from '../../src/ledger/leaf-set.ts';
import {
  blockBytesMax,
  formatSegmentHeader,
  formatSegmentIndex,
  openBlock,
  parseSegmentHeader,
  sealBlock,
  type SegmentPlace,
} from '../../src/ledger/segment.ts';
import { blocksOf } from '../../src/ledger/segment-reader.ts';
import { mayHaveMoved, openWindow, type RecordWindow } from '../../src/ledger/segment-window.ts';
import { bucketOf, origin, packedOf, range, receivedAtMsOf, TestSegments } from './segments.ts';

let at: TestSegments;
beforeEach(() => {
  at = new TestSegments();
});
afterEach(() => at.remove());

/** What a window shows: leaves with their records, and those that cannot be read, by code. */
function shown({ firstLeaf, count, content: { offsets, records }, receivedAtMs, unreadable }: RecordWindow) {
  const leaves: number[] = [];
  for (let i = 0; i < count; i++) {
    if (offsets[i] === offsets[i + 1]) continue;
    expect(toHex(records.subarray(offsets[i], offsets[i + 1]))).toBe(toHex(packedOf(firstLeaf + i)));
    expect(receivedAtMs[i]).toBe(receivedAtMsOf(firstLeaf + i));
    leaves.push(firstLeaf + i);
  }
  return { firstLeaf, leaves, unreadable: [...unreadable].map(([leaf, { code }]) => [leaf, code]) };
}

describe('a window of a bucket', () => {
  test('of one segment that has every leaf', async () => {
    const bucket = bucketOf(await at.write('default', range(0, 1_000)));
    const reader = at.reader();
    expect(shown((await openWindow(reader, origin, bucket, 300))!)).toEqual({ firstLeaf: 256, leaves: range(256, 512), unreadable: [] });
    expect(shown((await openWindow(reader, origin, bucket, 999))!)).toEqual({ firstLeaf: 768, leaves: range(768, 1_000), unreadable: [] });
    expect(await openWindow(reader, origin, bucket, 1_000)).toBeUndefined();
  });

  test('of another bucket', async () => {
    const first = 3 * 65_536;
    const bucket = bucketOf(await at.write('default', range(first + 65_000, first + 65_536), { bucket: 3 }));
    expect(shown((await openWindow(at.reader(), origin, bucket, first))!)).toEqual({ firstLeaf: first + 64_768, leaves: range(first + 65_000, first + 65_024), unreadable: [] }); // prettier-ignore
    expect(await openWindow(at.reader(), origin, bucket, first + 65_536)).toBeUndefined();
  });

  test('of several segments, and of leaves that are in none', async () => {
    const kept = range(0, 2_000).filter((leaf) => leaf % 3 === 0);
    const logins = range(0, 2_000).filter((leaf) => leaf % 3 === 1 && leaf < 1_500);
    const rare = [1_800, 60_001];
    const bucket = bucketOf(await at.write('kept', kept), await at.write('logins', logins), await at.write('rare', rare));
    const reader = at.reader();
    const all = new Set([...kept, ...logins, ...rare]);
    for (const from of [0, 100, 512, 1_300, 1_400, 1_700]) {
      const window = shown((await openWindow(reader, origin, bucket, from))!);
      expect(window.leaves).toEqual(range(window.firstLeaf, window.firstLeaf + 256).filter((leaf) => all.has(leaf)));
      expect(window.firstLeaf).toBe(Math.floor(from / 256) * 256);
    }
    expect(shown((await openWindow(reader, origin, bucket, 2_100))!)).toMatchObject({ firstLeaf: 59_904, leaves: [60_001] });
  });

  test('whose records are large: blocks have fewer of them', async () => {
    const packed = (leaf: number): Uint8Array => (leaf === 7 ? new Uint8Array(blockBytesMax).fill(leaf) : packedOf(leaf));
    const segment = await at.write('default', range(0, 512), { packed });
    const reader = at.reader();
    const opened = await reader.open(segment, origin);
    expect([...opened.index.firstRanks]).toEqual([0, 8, 264]);
    const window = (await openWindow(reader, origin, bucketOf(segment), 0))!;
    expect(window.content.offsets[8]! - window.content.offsets[7]!).toBe(blockBytesMax);
    expect(toHex(window.content.records.subarray(window.content.offsets[8], window.content.offsets[9]))).toBe(toHex(packedOf(8)));
    expect(shown((await openWindow(reader, origin, bucketOf(segment), 256))!).leaves).toEqual(range(256, 512));
  });

  test('of a bucket from which all was removed', async () => {
    expect(await openWindow(at.reader(), origin, { bucket: 0, segments: [] }, 0)).toBeUndefined();
  });
});

describe('a segment that is damaged', () => {
  const leaves = range(0, 1_100).filter((leaf) => leaf % 2 === 0);
  /** The first leaf that cannot be read, by the windows of the whole bucket. */
  const firstBad = async (bucket: Parameters<typeof openWindow>[2]): Promise<[number, string] | undefined> => {
    const reader = at.reader();
    for (let from = 0; from < 65_536;) {
      const window = await openWindow(reader, origin, bucket, from);
      if (!window) return undefined;
      const [bad] = window.unreadable.entries();
      if (bad) return [bad[0], bad[1].code];
      from = window.firstLeaf + window.count;
    }
    return undefined;
  };

  test('at any byte: the first leaf that cannot be read is named, and is one of its own', async () => {
    const segment = await at.write('default', leaves);
    const bucket = bucketOf(segment, await at.write('other', [1, 3, 5]));
    const bytes = readFileSync(at.pathOf(segment));
    const { index, header } = await at.reader().open(segment, origin);
    const places = [...range(0, header.length - 8_192), ...range(header.length - 8_192, header.length, 409), ...range(header.length, bytes.length, 997), ...range(bytes.length - 40, bytes.length)]; // prettier-ignore
    expect(blocksOf(await at.reader().open(segment, origin))).toBe(3);
    for (const place of places) {
      const changed = Buffer.from(bytes);
      changed[place] = (changed[place] as number) ^ 0x10;
      writeFileSync(at.pathOf(segment), changed);
      const bad = await firstBad(bucket);
      if (bad === undefined) throw new Error(`byte ${place} is not missed`);
      // A byte of a block is the block's; any other concerns all of the segment, or the block that the index leads to.
      const block = index.offsets.findIndex((offset, i) => place >= offset && place < (index.offsets[i + 1] ?? 0));
      if (block >= 0) expect([place, ...bad]).toEqual([place, 512 * block, 'segment_damaged']);
      else expect(bad[1]).toMatch(/^segment_(?:damaged|version)$/);
      if (place < header.length) expect(bad[0]).toBeLessThanOrEqual(7); // a leaf more or less moves the first window's records
    }
    writeFileSync(at.pathOf(segment), bytes);
    expect(await firstBad(bucket)).toBeUndefined();
  });

  test.each(['cut', 'empty', 'longer', 'gone'])('%s', async (how) => {
    const segment = await at.write('default', leaves);
    const path = at.pathOf(segment);
    const bytes = readFileSync(path);
    if (how === 'cut') truncateSync(path, bytes.length - 1);
    else if (how === 'empty') truncateSync(path, 0);
    else if (how === 'longer') writeFileSync(path, concatBytes(bytes, Uint8Array.of(0)));
    else await at.store.remove(segment);
    const bucket = bucketOf(segment, await at.write('other', [1, 3]));
    const window = (await openWindow(at.reader(), origin, bucket, 0))!;
    // The other one's records can be read; any leaf that is in no other may have been in this one.
    expect(shown(window).leaves).toEqual([1, 3]);
    expect(window.unreadable.keys().next().value).toBe(0);
    expect(window.unreadable.get(1)).toBeUndefined();
    expect(mayHaveMoved(window)).toBe(how === 'gone');
  });

  test('or another one in its place, or an older generation', async () => {
    const segment = await at.write('default', leaves);
    const newer = await at.write('default', leaves, { generation: 2 });
    const other = await at.write('other', leaves);
    const elsewhere = await at.write('default', leaves.map((leaf) => leaf + 65_536), { bucket: 1 }); // prettier-ignore
    for (const wrong of [segment, other, elsewhere]) {
      writeFileSync(at.pathOf(newer), readFileSync(at.pathOf(wrong)));
      expect(await firstBad(bucketOf(newer))).toEqual([0, 'segment_damaged']);
    }
  });

  test('an error that says nothing about the segment is thrown', async () => {
    const bucket = bucketOf(await at.write('default', leaves));
    const reader = at.reader();
    reader.open = () => Promise.reject(new VeiltrailError('storage_busy', 'a test'));
    await expect(openWindow(reader, origin, bucket, 0)).rejects.toMatchObject({ code: 'storage_busy' });
  });
});

describe('a reader of segments', () => {
  test('opens each once, another generation in its place, and lets go', async () => {
    const reader = at.reader();
    const first = await at.write('default', range(0, 600));
    const opened = await reader.open(first, origin);
    expect(await reader.open(first, origin)).toBe(opened);
    const block = await reader.block(opened, 5);
    expect(await reader.block(opened, 6)).toBe(block);
    expect(await reader.blockOnce(opened, 6)).not.toBe(block);
    await at.write('default', range(0, 600), { generation: 2 });
    await reader.open({ ...first, generation: 2 }, origin);
    expect(await reader.open(first, origin)).not.toBe(opened);
    expect(await reader.block(opened, 5)).not.toBe(block);
    reader.forget(({ log }) => log === 'main');
    await at.store.remove(first);
    await expect(reader.open(first, origin)).rejects.toMatchObject({ code: 'segment_missing' });
  });

  test('keeps few of them', async () => {
    const reader = at.reader();
    const all = [];
    for (let bucket = 0; bucket < 20; bucket++) all.push(await at.write('default', [bucket * 65_536], { bucket }));
    const opened = [];
    for (const one of all) opened.push(await reader.open(one, origin));
    expect(await reader.open(all[19]!, origin)).toBe(opened[19]);
    expect(await reader.open(all[0]!, origin)).not.toBe(opened[0]);
    for (const one of opened) await reader.block(one, 0);
    expect((await reader.block(opened[19]!, 0)).endRank).toBe(1);
  });

  test('refuses a record that is in no block', async () => {
    const reader = at.reader();
    const opened = await reader.open(await at.write('default', range(0, 10)), origin);
    await expect(reader.block(opened, 10)).rejects.toMatchObject({ code: 'segment_damaged', detail: { block: 0 } });
    await expect(reader.packedBlock({ ...opened, key: createSecretKey(new Uint8Array(32)) }, 0)).rejects.toMatchObject({ code: 'segment_damaged' });
  });
});

describe('a block', () => {
  const place: SegmentPlace = { origin, class: 'default', bucket: 0, generation: 1 };
  const leaves = new LeafSet();
  for (const leaf of [1, 2, 3]) leaves.add(leaf);
  const header = formatSegmentHeader(place, leaves);
  const key = createSecretKey(new Uint8Array(32).fill(3));
  const content = { offsets: Uint32Array.of(0, 2, 2, 5), records: Uint8Array.of(1, 2, 3, 4, 5), receivedAtMs: Float64Array.of(5, 5, 2 ** 45) };
  const ranks = { firstRank: 0, endRank: 3 };

  test('opens under its header, its ranks and its key, and nowhere else', () => {
    const sealed = sealBlock(header, ranks, content, key, systemRandom);
    expect(openBlock(header, ranks, sealed, key)).toEqual({ ...content, records: Buffer.from(content.records) });
    expect(
      openBlock(
        header.map((byte, i) => (i === 9_000 % header.length ? byte ^ 1 : byte)),
        ranks,
        sealed,
        key,
      ),
    ).toBeUndefined();
    expect(openBlock(header, { firstRank: 1, endRank: 4 }, sealed, key)).toBeUndefined();
    expect(openBlock(header, { firstRank: 0, endRank: 2 }, sealed, key)).toBeUndefined();
    expect(openBlock(header, ranks, sealed, createSecretKey(new Uint8Array(32)))).toBeUndefined();
    expect(openBlock(header, ranks, sealed.subarray(0, 20), key)).toBeUndefined();
    expect(toHex(sealBlock(header, ranks, content, key, systemRandom))).not.toBe(toHex(sealed));
  });

  test('times of receipt do not go backwards', () => {
    expect(() => sealBlock(header, ranks, { ...content, receivedAtMs: Float64Array.of(5, 4, 6) }, key, systemRandom)).toThrow('backwards');
  });

  test('that was sealed with other lengths than its records have does not open', async () => {
    const { zstdCompressSync } = await import('node:zlib');
    const { sealPackedBlock } = await import('../../src/ledger/segment.ts');
    for (const bytes of [new Uint8Array(40), new Uint8Array(36).fill(1), new Uint8Array(3)]) {
      expect(openBlock(header, ranks, sealPackedBlock(header, ranks, zstdCompressSync(bytes), key, systemRandom), key)).toBeUndefined();
    }
    expect(openBlock(header, ranks, sealPackedBlock(header, ranks, new Uint8Array(9), key, systemRandom), key)).toBeUndefined();
  });

  test('a header is read back, for its own place only', () => {
    expect(parseSegmentHeader(header, place).bits).toEqual(leaves.bits);
    for (const other of [{ origin: 'x' }, { class: 'd' }, { bucket: 1 }, { generation: 2 }])
      expect(() => parseSegmentHeader(header, { ...place, ...other })).toThrow(expect.objectContaining({ code: 'segment_damaged' }));
    expect(() => parseSegmentHeader(Uint8Array.of(9), place)).toThrow(expect.objectContaining({ code: 'segment_version' }));
    expect(() => parseSegmentHeader(new Uint8Array(0), place)).toThrow(expect.objectContaining({ code: 'segment_damaged' }));
  });
});

describe('the golden vector', () => {
  const vector = JSON.parse(readFileSync(new URL('../vectors/segment.json', import.meta.url), 'utf8')) as {
    place: SegmentPlace;
    leaves: number[];
    key: string;
    header: string;
    blocks: { firstRank: number; endRank: number; sealed: string; receivedAtMs: number[]; records: string[] }[];
    index: string;
  };
  const leaves = new LeafSet();
  for (const leaf of vector.leaves) leaves.add(leaf);
  const header = concatBytes(fromHex(vector.header), leaves.bits);

  test('its header and index are what is written', () => {
    expect(formatSegmentHeader(vector.place, leaves)).toEqual(header);
    let at = header.length;
    const offsets = [at, ...vector.blocks.map(({ sealed }) => (at += sealed.length / 2))];
    const index = { firstRanks: Uint32Array.from(vector.blocks, ({ firstRank }) => firstRank), offsets: Float64Array.from(offsets) };
    expect(toHex(formatSegmentIndex(index))).toBe(vector.index);
  });

  test('its blocks open', () => {
    for (const { firstRank, endRank, sealed, receivedAtMs, records } of vector.blocks) {
      const content = openBlock(header, { firstRank, endRank }, fromHex(sealed), createSecretKey(fromHex(vector.key)))!;
      expect([...content.receivedAtMs]).toEqual(receivedAtMs);
      expect(records).toEqual(records.map((_, i) => toHex(content.records.subarray(content.offsets[i], content.offsets[i + 1]))));
    }
  });
});
