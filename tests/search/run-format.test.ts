import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blockBytes, findList, mergeRuns, readList, type Run, RunWriter } from '../../src/search/run-format.ts';
import { refusalOf } from '../log/refusal.ts';

/** Runs and their blocks, as `index.db` keeps them. */
class Blocks {
  readonly blocks: Uint8Array[] = [];
  readonly read = (id: number): Uint8Array => this.blocks[id] as Uint8Array;

  write(firstLeaf: number, endLeaf: number, write: (to: RunWriter) => void): Run {
    const firstBlock = this.blocks.length;
    const writer = new RunWriter((block) => this.blocks.push(block.slice()));
    write(writer);
    return { firstLeaf, endLeaf, firstBlock, directory: writer.end() };
  }

  /** @param lists leaves by term, both in ascending order */
  run(firstLeaf: number, endLeaf: number, lists: ReadonlyMap<number, readonly number[]>): Run {
    return this.write(firstLeaf, endLeaf, (writer) => {
      for (const [term, leaves] of lists) for (const leaf of leaves) writer.add(term, leaf);
    });
  }

  find(run: Run, term: number): number[] | undefined {
    const list = findList(run, term, this.read);
    const room = new Uint32Array(run.endLeaf - run.firstLeaf);
    return list && [...room.subarray(0, readList(list, room))];
  }
}

const term = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 0xffff_ffff }), fc.constantFrom(0, 0xffff_ffff));
const leaves = (max: number): fc.Arbitrary<number[]> =>
  fc
    .oneof(
      fc.array(fc.integer({ min: 0, max }), { minLength: 1, maxLength: 30 }),
      // Stretches without a gap.
      fc
        .array(fc.tuple(fc.integer({ min: 0, max }), fc.integer({ min: 1, max: 300 })), { minLength: 1, maxLength: 4 })
        .map((stretches) => stretches.flatMap(([from, count]) => Array.from({ length: Math.min(count, max + 1 - from) }, (_, i) => from + i))),
    )
    .map((all) => [...new Set(all)].toSorted((a, b) => a - b));
const lists = (max: number): fc.Arbitrary<Map<number, number[]>> =>
  fc.array(fc.tuple(term, leaves(max)), { maxLength: 60 }).map((all) => new Map([...new Map(all)].toSorted(([a], [b]) => a - b)));

test('a run gives back the leaves of each term, and nothing for others', () => {
  fc.assert(
    fc.property(lists(2_000), fc.array(term), (of, others) => {
      const blocks = new Blocks();
      const run = blocks.run(5, 2_006, of);
      for (const [one, expected] of of) expect(blocks.find(run, one)).toEqual(expected);
      for (const one of others) expect(blocks.find(run, one)).toEqual(of.get(one));
    }),
  );
});

test('terms over many blocks, and a list larger than one, are found', () => {
  const blocks = new Blocks();
  const of = new Map(Array.from({ length: 20_000 }, (_, i) => [i * 200_003, [i % 4_096]]));
  const odd = Array.from({ length: 100_000 }, (_, i) => 3 * i);
  of.set(777, odd);
  const sorted = new Map([...of].toSorted(([a], [b]) => a - b));
  const run = blocks.run(0, 300_000, sorted);
  expect(blocks.blocks.length).toBeGreaterThan(20);
  for (const [i, block] of blocks.blocks.entries()) if (i !== 1) expect(block.length).toBeLessThanOrEqual(blockBytes);
  for (const one of [0, 777, 200_003, 19_999 * 200_003, 10_000 * 200_003]) expect(blocks.find(run, one)).toEqual(sorted.get(one));
  for (const one of [1, 776, 778, 200_002, 0xffff_ffff]) expect(blocks.find(run, one)).toBeUndefined();
});

test('leaves that many records share cost next to nothing', () => {
  const blocks = new Blocks();
  blocks.run(0, 10_000, new Map([[1, Array.from({ length: 10_000 }, (_, i) => i)]]));
  expect(blocks.blocks.map(({ length }) => length)).toEqual([5]);
});

test('a pair that is given twice is kept once', () => {
  const blocks = new Blocks();
  const run = blocks.write(0, 10, (writer) => {
    for (const leaf of [2, 2, 3, 3, 7]) writer.add(4, leaf);
  });
  expect(blocks.find(run, 4)).toEqual([2, 3, 7]);
});

test('an empty run has nothing, and is merged like any other', () => {
  const blocks = new Blocks();
  const empty = blocks.run(0, 10, new Map());
  expect(blocks.find(empty, 0)).toBeUndefined();
  const other = blocks.run(10, 12, new Map([[3, [1]]]));
  const merged = blocks.write(0, 12, (writer) => mergeRuns([empty, other], blocks.read, writer));
  expect(blocks.find(merged, 3)).toEqual([11]);
});

test('runs that are merged hold what they held', () => {
  fc.assert(
    fc.property(fc.array(lists(500), { minLength: 1, maxLength: 9 }), (parts) => {
      const blocks = new Blocks();
      const runs = parts.map((of, i) => blocks.run(7 + 501 * i, 7 + 501 * (i + 1), of));
      const merged = blocks.write(7, 7 + 501 * parts.length, (writer) => mergeRuns(runs, blocks.read, writer));
      const expected = new Map<number, number[]>();
      for (const [i, of] of parts.entries()) {
        for (const [one, found] of of) expected.set(one, [...(expected.get(one) ?? []), ...found.map((leaf) => leaf + 501 * i)]);
      }
      for (const [one, found] of expected) expect(blocks.find(merged, one)).toEqual(found);
    }),
  );
});

test('damaged blocks are refused, or give leaves of the run', () => {
  fc.assert(
    fc.property(lists(2_000), fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (of, at, bits, cut) => {
      const blocks = new Blocks();
      const run = blocks.run(0, 2_001, of);
      const [block] = blocks.blocks;
      if (!block) return;
      if (cut) blocks.blocks[0] = block.subarray(0, at % block.length);
      else block[at % block.length] = (block[at % block.length] as number) ^ bits;
      const merge = (): unknown => new Blocks().write(0, 4_002, (writer) => mergeRuns([run, { ...run, firstLeaf: 2_001 }], blocks.read, writer));
      expect(['accepted', 'storage_damaged']).toContain(refusalOf(merge));
      for (const one of of.keys()) {
        let found: number[] = [];
        const refusal = refusalOf(() => (found = blocks.find(run, one) ?? []));
        expect(['accepted', 'storage_damaged']).toContain(refusal);
        expect(found.every((leaf, i) => leaf <= 2_000 && (i === 0 || leaf > (found[i - 1] as number)))).toBe(true);
      }
    }),
  );
});
