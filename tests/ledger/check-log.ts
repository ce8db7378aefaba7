/**
 * Re-verifies all of a log from what is stored, by other means than the ledger's own: every tile and entry bundle against the tree rebuilt from
 * commitments, the checkpoint against its key and the root, every record against its commitment, every acknowledged event at its leaf.
 */
import { equalBytes } from '../../src/core/bytes.ts';
import { invariant } from '../../src/core/errors.ts';
import { openCheckpoint } from '../../src/log/checkpoint.ts';
import { commitFields } from '../../src/log/commitment.ts';
import { parseEntryBundle } from '../../src/log/entry-bundle.ts';
import { formatEntry, parseEntry } from '../../src/log/entry.ts';
import { createNoteVerifier } from '../../src/log/note-key.ts';
import { unpackRecord } from '../../src/log/packed-record.ts';
import { formatTilePath, tileWidthMax } from '../../src/log/tile-path.ts';
import { entryBundlesBetween, rootFromTiles, tilesBetween } from '../../src/log/tile.ts';
import { createNodeReader, hashTree, leafHash } from '../../src/log/tree.ts';
import type { BucketKeys } from '../../src/ledger/chunk.ts';
import { RecordReader } from '../../src/ledger/reader.ts';
import type { RecordSource } from '../../src/storage/record-store.ts';
import type { TileSource } from '../../src/storage/tile-store.ts';
import { fieldsOf, type TestEvent } from './batches.ts';

export interface CheckedLog {
  records: RecordSource;
  tiles: TileSource;
  bucketKeys: BucketKeys;
  vkey: string;
  log: string;
  origin: string;
  /** What was answered: leaf and event. */
  acknowledged: ReadonlyMap<number, TestEvent>;
}

/** Throws at the first thing that is wrong; returns the published size. */
export async function checkLog({ records, tiles, bucketKeys, vkey, log, origin, acknowledged }: CheckedLog): Promise<number> {
  const state = (await records.logs()).find((known) => known.log === log);
  invariant(state !== undefined, 'the log is there');
  const checkpoint = openCheckpoint((await tiles.read(log, 'checkpoint')) ?? '', { origin, log: [createNoteVerifier(vkey)] });
  invariant(checkpoint.treeSize === state.treeSize && equalBytes(checkpoint.root, state.root), 'the checkpoint is that of the committed tree');

  const leaves = await readEntries(tiles, log, state.treeSize);
  invariant(equalBytes(hashTree(leaves.map((commitment) => leafHash(formatEntry(commitment)))), checkpoint.root), 'entries lead to the root');
  await checkTiles(tiles, log, leaves, checkpoint.root);

  const reader = new RecordReader(records, bucketKeys);
  let next = 0;
  for await (const { leafIndex, packed } of reader.records(log, 0, state.treeSize)) {
    invariant(leafIndex === next++, `records have no gap before leaf ${leafIndex}`);
    const { seed, fields } = unpackRecord(packed);
    invariant(
      equalBytes(commitFields(origin, fields, seed), leaves[leafIndex] as Uint8Array),
      `the record of leaf ${leafIndex} opens its commitment`,
    );
    const event = acknowledged.get(leafIndex);
    if (event) invariant(JSON.stringify(fields) === JSON.stringify(fieldsOf(event)), `leaf ${leafIndex} holds the event that was answered`);
  }
  invariant(next === state.treeSize, 'a record for every leaf');
  for (const leafIndex of acknowledged.keys()) invariant(leafIndex < state.treeSize, `the answered leaf ${leafIndex} is there`);
  return state.treeSize;
}

async function readEntries(tiles: TileSource, log: string, treeSize: number): Promise<Uint8Array[]> {
  const leaves: Uint8Array[] = [];
  for (const { index, width } of entryBundlesBetween(0, treeSize)) {
    const bundle = await tiles.read(log, formatTilePath({ level: 'entries', index, width }));
    invariant(bundle !== undefined, `entry bundle ${index} of width ${width} is there`);
    for (const entry of parseEntryBundle(bundle, width)) leaves.push(parseEntry(entry));
  }
  return leaves;
}

async function checkTiles(tiles: TileSource, log: string, leaves: readonly Uint8Array[], root: Uint8Array): Promise<void> {
  const read = createNodeReader(leaves.map((commitment) => leafHash(formatEntry(commitment))));
  const bytes = new Map<string, Uint8Array>();
  for (const tile of tilesBetween(0, leaves.length)) {
    const path = formatTilePath(tile);
    const there = await tiles.read(log, path);
    invariant(there?.length === 32 * tile.width, `${path} is there and has its length`);
    for (let i = 0; i < tile.width; i++) {
      const due = read(8 * tile.level, tile.index * tileWidthMax + i);
      invariant(equalBytes(there.subarray(32 * i, 32 * i + 32), due), `hash ${i} of ${path}`);
    }
    bytes.set(`${tile.level}/${tile.index}/${tile.width}`, there);
  }
  const fromTiles = rootFromTiles(leaves.length, (level, index, width) => bytes.get(`${level}/${index}/${width}`));
  invariant(equalBytes(fromTiles, root), 'tiles lead to the root');
}
