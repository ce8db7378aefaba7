import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../../src/core/json.ts';
import { formatTombstone, parseTombstone, subtractRanges, type Tombstone, Tombstones } from '../../src/verify/tombstone.ts';
import { refusalOf } from '../log/refusal.ts';

const tombstone: Tombstone = {
  operation: 'erase',
  removal: 'rem_aaaaaaaaaaaaaaaaaaaaaaaaaa',
  reason: 'gdpr-art-17',
  generation: 2,
  ranges: [0, 3, 3, 4, 9, 10],
  fields: [4, 1, 6, 2],
  tokens: { count: 1, digest: 'ab' },
  request: { id: 'r_x', digest: 'cd', approvals: [{ by: 'a' }] },
};
const bare: Tombstone = { ...tombstone, ranges: [], fields: [] };
delete bare.tokens;
delete bare.request;

describe('a tombstone', () => {
  test('comes back as it was written, and says nothing of what it has not', () => {
    expect(parseTombstone(formatTombstone(tombstone))).toEqual(tombstone);
    expect(parseTombstone(formatTombstone(bare))).toEqual(bare);
    expect(Object.keys(formatTombstone(bare))).toEqual(['operation', 'removal', 'reason', 'generation']);
  });

  test.each<[string, JsonValue]>([
    ['no object', 'erase'],
    ['another operation', { ...formatTombstone(bare), operation: 'forget' }],
    ['no removal', { ...formatTombstone(bare), removal: 1 }],
    ['no reason', { ...formatTombstone(bare), reason: null }],
    ['no generation', { ...formatTombstone(bare), generation: -1 }],
    ['a member more', { ...formatTombstone(bare), subject: 'jane' }],
    ['ranges that are no list', { ...formatTombstone(bare), ranges: {} }],
    ['half a range', { ...formatTombstone(bare), ranges: [1] }],
    ['an empty range', { ...formatTombstone(bare), ranges: [1, 1] }],
    ['ranges that go back', { ...formatTombstone(bare), ranges: [5, 6, 1, 2] }],
    ['a leaf that is none', { ...formatTombstone(bare), ranges: [1.5, 2] }],
    ['a count of nothing', { ...formatTombstone(bare), fields: [1, 0] }],
    ['fields that go back', { ...formatTombstone(bare), fields: [2, 1, 2, 1] }],
    ['tokens that are none', { ...formatTombstone(bare), tokens: 3 }],
    ['tokens without a digest', { ...formatTombstone(bare), tokens: { count: 1 } }],
    ['a request that is none', { ...formatTombstone(bare), request: [] }],
    ['a request with more', { ...formatTombstone(bare), request: { id: 'r', digest: 'd', approvals: [], by: 'x' } }],
  ])('is refused with %s', (_, member) => {
    expect(refusalOf(() => parseTombstone(member))).toBe('tombstone_syntax');
  });
});

test('tombstones of a log together', () => {
  const all = new Tombstones();
  all.add(20, { ...bare, ranges: [4, 8], fields: [1, 2] });
  all.add(10, { ...tombstone, ranges: [0, 3, 5, 6, 8, 9], fields: [1, 1, 2, 1] } as Tombstone);
  expect(all.list().map(({ leafIndex }) => leafIndex)).toEqual([10, 20]);
  expect(all.removed()).toEqual([0, 3, 4, 9]);
  expect([...all.redacted()].toSorted(([a], [b]) => a - b)).toEqual([
    [1, 3],
    [2, 1],
  ]);
});

test('ranges without others, leaf by leaf', () => {
  const ranges = fc.uniqueArray(fc.nat(40), { maxLength: 12 }).map((edges) => {
    const sorted = edges.toSorted((a, b) => a - b);
    return sorted.slice(0, sorted.length - (sorted.length % 2));
  });
  const leaves = (list: readonly number[]): number[] =>
    Array.from({ length: 50 }, (_, leaf) => leaf).filter((leaf) =>
      list.some((from, i) => i % 2 === 0 && leaf >= from && leaf < (list[i + 1] as number)),
    );
  fc.assert(
    fc.property(ranges, ranges, (a, b) => {
      const without = new Set(leaves(b));
      expect(leaves(subtractRanges(a, b))).toEqual(leaves(a).filter((leaf) => !without.has(leaf)));
    }),
  );
});
