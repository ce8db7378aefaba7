import { describe, expect, test } from 'vitest';
import { LeafSet } from '../../src/ledger/leaf-set.ts';
import { SeededRandom } from '../simulation/seeded-random.ts';

const leaves = 65_536;

describe('a set of leaves', () => {
  test('that is empty, and one that has all', () => {
    const empty = new LeafSet();
    expect([empty.count, empty.next(0), empty.rank(leaves), empty.has(0)]).toEqual([0, -1, 0, false]);
    const all = new LeafSet(new Uint8Array(8_192).fill(255));
    expect([all.count, all.next(0), all.next(65_535), all.rank(300), all.has(65_535)]).toEqual([leaves, 0, 65_535, 300, true]);
  });

  test('has its first leaf in the highest bit of the first byte', () => {
    const set = new LeafSet();
    for (const place of [0, 7, 8, 65_535]) set.add(place);
    expect([set.bits[0], set.bits[1], set.bits[8_191]]).toEqual([0x81, 0x80, 0x01]);
  });

  test('knows members, ranks and the next one', () => {
    for (const count of [20, 3_000, 60_000]) {
      const random = new SeededRandom(`leaves ${count}`);
      const members = new Set<number>();
      const set = new LeafSet();
      for (let i = 0; i < count; i++) {
        const place = random.below(leaves);
        members.add(place);
        set.add(place);
      }
      const sorted = [...members].toSorted((a, b) => a - b);
      expect(set.count).toBe(members.size);
      for (let i = 0; i < 500; i++) {
        const place = random.below(leaves);
        const at = sorted.findIndex((one) => one >= place);
        expect([set.has(place), set.next(place), set.rank(place)]).toEqual([
          members.has(place),
          at < 0 ? -1 : sorted[at],
          at < 0 ? sorted.length : at,
        ]);
      }
    }
  });

  test('counts what is added after it has counted', () => {
    const set = new LeafSet();
    set.add(5);
    expect(set.rank(100)).toBe(1);
    set.add(6);
    expect([set.rank(100), set.count]).toEqual([2, 2]);
  });
});
