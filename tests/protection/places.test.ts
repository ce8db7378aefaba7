/** Where an id stands in a record: as it is spelt, whole, and no word of it cut in two. */
import { expect, it } from 'vitest';
import { bearsIds, placesOfSubject } from '../../src/app/find-subject.ts';
import { flattenRecord } from '../../src/log/record.ts';

const open = (record: Parameters<typeof flattenRecord>[0]): { fields: ReturnType<typeof flattenRecord> } => ({ fields: flattenRecord(record) });

it.each([
  ['u-17', 'u-17', true],
  ['u-17', 'saw u-17, then left', true],
  ['u-17', '(u-17)', true],
  ['u-17', 'u-178', false],
  ['u-17', 'xu-17', false],
  ['u-17', 'U-17', false],
  ['u-17', 'u-17é', false],
  ['u-17', 'u-178 and u-17', true],
  ['17', 17, true],
  ['17', 170, false],
  ['#17', 'x#17', true],
  ['#17', '#171', false],
  ['k\u00f6-17', 'ko\u0308-17', true],
  ['a"b', 'said a"b once', true],
  ['\u{1d56c}1', 'x\u{1d56c}1', false],
])('%s in %j: %s', (id, value, stands) => {
  expect(bearsIds(open({ metadata: { value } }), { ids: [id] })).toBe(stands);
  expect(bearsIds(open({ metadata: { list: ['other', value] } }), { ids: [id] })).toBe(stands);
});

it('counts under a field only as a whole, however the path is written', () => {
  const record = open({ targets: [{ id: 'u-17' }, { id: 'u-18', name: 'u-17' }], message: 'u-17' });
  expect(placesOfSubject(record, [], { ids: ['u-17'] })).toEqual(['/message', '/targets/0/id', '/targets/1/name']);
  expect(placesOfSubject(record, [], { ids: ['u-17'], field: 'targets.id' })).toEqual(['/targets/0/id']);
  expect(placesOfSubject(record, [], { ids: ['u-17'], field: 'ID' })).toEqual(['/targets/0/id']);
  expect(placesOfSubject(record, [], { ids: ['u-17'], field: 'message' })).toEqual(['/message']);
  expect(placesOfSubject(open({ message: 'saw u-17' }), [], { ids: ['u-17'], field: 'message' })).toEqual([]);
});

it('does not take what accounts for a removal for somebody', () => {
  expect(bearsIds(open({ message: 'u-17', tombstone: { removal: 'rem_x' } }), { ids: ['u-17'] })).toBe(false);
});
