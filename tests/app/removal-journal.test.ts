import { expect, test } from 'vitest';
import {
  formatJournal,
  formatTombstoneLeaves,
  parseJournal,
  parseTombstoneLeaves,
  type RemovalJournal,
  removalOf,
} from '../../src/app/removal-journal.ts';
import { refusalOf } from '../log/refusal.ts';

const journal: RemovalJournal = {
  id: 'rem_1',
  operation: 'erase',
  reason: 'r',
  by: 'k1',
  tokens: ['tok_x'],
  logs: [{ log: 'default', removed: [0, 2], redactions: [], buckets: [{ bucket: 0, generation: 2 }] }],
  rootBefore: 1,
  records: 2,
  fields: 0,
};

test('comes back as it was written', () => {
  expect(parseJournal(formatJournal(journal))).toEqual(journal);
  expect(parseTombstoneLeaves(formatTombstoneLeaves([{ log: 'default', leafIndex: 7 }]))).toEqual([{ log: 'default', leafIndex: 7 }]);
  expect(removalOf([formatJournal(journal), '{}'])).toBe('rem_1');
});

test('what it did not write is refused: what was to be removed is not known then', () => {
  for (const line of ['', '{', '[]', '{"format":"another"}', '{}']) expect(refusalOf(() => parseJournal(line))).toBe('removal_journal');
  for (const line of ['', '{"tombstones":1}']) expect(refusalOf(() => parseTombstoneLeaves(line))).toBe('removal_journal');
  for (const lines of [undefined, [], ['{']]) expect(removalOf(lines)).toBeUndefined();
});
