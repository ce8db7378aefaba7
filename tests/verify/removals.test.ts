/** What is missing from a log against its tombstones. */
import { describe, expect, test } from 'vitest';
import type { Problem } from '../../src/verify/problem.ts';
import { RemovalAccount, type RemovalChecks, type RemovalFacts } from '../../src/app/verify-removals.ts';
import { formatTombstone, type Tombstone } from '../../src/verify/tombstone.ts';

const facts: RemovalFacts = { missing: [], unproved: [], redacted: [], tombstones: [] };

function tombstone(leafIndex: number, more: Partial<Tombstone>): RemovalFacts['tombstones'][number] {
  return {
    leafIndex,
    member: formatTombstone({ operation: 'erase', removal: 'rem_1', reason: 'r', generation: 2, ranges: [], fields: [], ...more }),
  };
}

async function settle(
  some: Partial<RemovalFacts>,
  checks: Partial<RemovalChecks> = {},
): Promise<{ problems: string[]; erased: number; redacted: number }> {
  const account = new RemovalAccount();
  account.add({ ...facts, ...some });
  const problems: Problem[] = [];
  const all: RemovalChecks = {
    underWay: () => new Set(),
    tombstonesFrom: async () => [],
    erasedBy: async () => ({ count: 0, digest: '' }),
    markedLeaves: async () => (some.tombstones ?? []).map(({ leafIndex }) => leafIndex),
    ...checks,
  };
  const counts = await account.settle(100, (problem) => problems.push(problem), all);
  return { problems: problems.map(({ code, leafIndex }) => `${code} ${leafIndex}`), ...counts };
}

describe('records', () => {
  test('that are missing are told of, or reported', async () => {
    expect(await settle({ missing: [3, 4, 7], tombstones: [tombstone(9, { ranges: [3, 5] })] })).toEqual({
      problems: ['record_missing 7'],
      erased: 2,
      redacted: 0,
    });
    expect(await settle({ missing: [3] })).toEqual({ problems: ['record_missing 3'], erased: 0, redacted: 0 });
  });

  test('that are told of and still there are reported, unless nobody could read them or the removal is under way', async () => {
    const told = { tombstones: [tombstone(9, { ranges: [3, 5] })] };
    expect((await settle({ ...told, missing: [3] })).problems).toEqual(['tombstoned_opens 4']);
    expect((await settle({ ...told, missing: [3], unproved: [4] })).problems).toEqual([]);
    expect((await settle(told, { underWay: () => new Set(['rem_1']) })).problems).toEqual([]);
    expect((await settle(told, { underWay: () => new Set(['rem_2']) })).problems).toEqual(['tombstoned_opens 3', 'tombstoned_opens 4']);
  });

  test('that went while the log was read are told of beyond it', async () => {
    const later = [tombstone(101, { ranges: [3, 5] })];
    expect((await settle({ missing: [3] }, { tombstonesFrom: async () => later })).problems).toEqual([]);
    expect((await settle({ missing: [3] }, { tombstonesFrom: async () => [] })).problems).toEqual(['record_missing 3']);
  });
});

test('marks of tombstones are those of the log, one by one', async () => {
  const some = { missing: [3, 4], tombstones: [tombstone(8, { ranges: [3, 4] }), tombstone(9, { ranges: [4, 5], removal: 'rem_2' })] };
  const marked = (...leaves: number[]): Partial<RemovalChecks> => ({ markedLeaves: async () => leaves });
  expect((await settle(some, marked(8, 9))).problems).toEqual([]);
  expect((await settle(some, marked(8))).problems).toEqual(['tombstone_mark 9']);
  expect((await settle(some, marked(8, 10))).problems).toEqual(['tombstone_mark 9', 'tombstone_mark 10']);
  // Of a removal that is under way, of a leaf that nobody could read, and of leaves that came since.
  expect((await settle(some, { ...marked(8), underWay: () => new Set(['rem_2']) })).problems).toEqual([]);
  expect((await settle({ ...some, unproved: [10] }, marked(8, 9, 10))).problems).toEqual([]);
  expect((await settle(some, marked(8, 9, 100))).problems).toEqual([]);
});

describe('values', () => {
  const redacted = [{ leafIndex: 3, count: 2, tombstones: [9] }];

  test('that are gone are told of, all of them, by the tombstone that the record names', async () => {
    expect(await settle({ redacted, tombstones: [tombstone(9, { fields: [3, 2] })] })).toEqual({ problems: [], erased: 0, redacted: 1 });
    expect((await settle({ redacted })).problems).toEqual(['field_unaccounted 3']);
    expect((await settle({ redacted, tombstones: [tombstone(9, { fields: [3, 1] })] })).problems).toEqual(['field_unaccounted 3']);
    expect((await settle({ redacted, tombstones: [tombstone(8, { fields: [3, 2] })] })).problems).toEqual(['field_unaccounted 3']);
  });

  test('that are told of and still there are reported, unless their record went, too', async () => {
    const told = [tombstone(9, { fields: [3, 3] })];
    expect((await settle({ redacted, tombstones: told })).problems).toEqual(['tombstoned_opens 3']);
    expect((await settle({ tombstones: told })).problems).toEqual(['tombstoned_opens 3']);
    expect((await settle({ tombstones: told, unproved: [3] })).problems).toEqual([]);
    expect((await settle({ missing: [3], tombstones: [...told, tombstone(10, { ranges: [3, 4] })] })).problems).toEqual([]);
    expect((await settle({ tombstones: told }, { underWay: () => new Set(['rem_1']) })).problems).toEqual([]);
  });
});

test('tokens are those that the vault knows of the removal', async () => {
  const tokens = { count: 2, digest: 'ab' };
  const erasedBy = async (removal: string): Promise<typeof tokens> => (removal === 'rem_1' ? tokens : { count: 0, digest: '' });
  expect((await settle({ tombstones: [tombstone(9, { tokens })] }, { erasedBy })).problems).toEqual([]);
  expect((await settle({ tombstones: [tombstone(9, { tokens: { count: 2, digest: 'cd' } })] }, { erasedBy })).problems).toEqual([
    'tombstoned_opens 9',
  ]);
  expect((await settle({ tombstones: [tombstone(9, { tokens, removal: 'rem_2' })] }, { erasedBy })).problems).toEqual(['tombstoned_opens 9']);
  expect(
    (await settle({ tombstones: [tombstone(9, { tokens, removal: 'rem_2' })] }, { erasedBy, underWay: () => new Set(['rem_2']) })).problems,
  ).toEqual([]);
});

test('approvals are looked at', async () => {
  const request = { id: 'r_1', digest: 'd', approvals: [{}] };
  const told = { tombstones: [tombstone(9, { request })] };
  expect((await settle(told)).problems).toEqual([]); // where nobody's keys are known
  expect((await settle(told, { approvalProblem: () => undefined })).problems).toEqual([]);
  expect((await settle(told, { approvalProblem: ({ id }) => `${id}: nobody has this key` })).problems).toEqual(['approval_signature 9']);
});

test('what is no tombstone is reported', async () => {
  expect((await settle({ tombstones: [{ leafIndex: 9, member: { operation: 'erase' } }] })).problems).toEqual(['tombstone_syntax 9']);
});
