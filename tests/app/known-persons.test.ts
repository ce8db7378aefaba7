/** Whose logins are, through starts and disks that take nothing. */
import { expect, test } from 'vitest';
import { type KnownPersons, openKnownPersons } from '../../src/app/known-persons.ts';
import { VeiltrailError } from '../../src/core/errors.ts';

test('persons are known after a start, what a full disk refused is written the next time, and there is an end', () => {
  let kept: string | undefined;
  let isFull = false;
  let writes = 0;
  const open = (): KnownPersons =>
    openKnownPersons({
      read: () => kept,
      write(text) {
        if (isFull) throw new VeiltrailError('disk_full', 'the disk is full');
        writes++;
        kept = text;
      },
      max: 2,
    });
  let persons = open();
  expect(persons.of('oidc:a')).toEqual([]);
  persons.recognised('oidc:a', 'person:1');
  persons.recognised('oidc:a', 'person:1');
  expect(writes).toBe(1);
  isFull = true;
  persons.recognised('oidc:a', 'person:2');
  expect(persons.of('oidc:a')).toEqual(['person:1', 'person:2']);
  isFull = false;
  persons.recognised('oidc:a', 'person:2');
  persons = open();
  expect(persons.of('oidc:a')).toEqual(['person:1', 'person:2']);
  for (let i = 0; i < 20; i++) persons.recognised('oidc:b', `person:${i}`);
  expect(persons.of('oidc:b')).toEqual(Array.from({ length: 8 }, (_, i) => `person:${i + 12}`));
  persons.recognised('oidc:c', 'person:3');
  expect([persons.of('oidc:a'), persons.of('oidc:c')]).toEqual([[], ['person:3']]);
});
