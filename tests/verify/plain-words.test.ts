/** What the page for approvers says of a request: every member of its detail is in sight, and none can be taken for another. */
import { expect, test } from 'vitest';
import { inPlainWords, members } from '../../web/approve/plain-words.ts';
import { requestActions } from '../../src/app/requests.ts';
import type { JsonObject } from '../../src/core/json.ts';

const said = (action: string, detail: JsonObject): string => inPlainWords({ action, detail } as Parameters<typeof inPlainWords>[0]).does;

test('there is a sentence for every action, whatever its detail', () => {
  for (const action of requestActions)
    for (const detail of [{}, { tokens: 'none', logs: 7, shorter: {}, classify: null }])
      expect(said(action, detail as JsonObject)).toMatch(/^[A-Z].{10}/);
  for (const action of ['toString', '__proto__', 'other']) expect(said(action, {})).toContain('read what follows');
});

test('the sentence names what the action is about', () => {
  expect(said('subject.erase', { operation: 'erase', tokens: ['tok_a', 'tok_b'], logs: ['default', 'billing'] })).toBe(
    'Erase a person: the values behind 2 tokens, and every record about them in the logs default, billing.',
  );
  expect(said('subject.erase', { operation: 'unlink', tokens: ['tok_a'] })).toContain('Forget what is behind 1 token.');
  expect(said('hold.lift', { hold: 'case-9' })).toContain('Lift the hold case-9');
  expect(said('key.create', { rotates: 'abc' })).toContain('in the place of abc');
  expect(said('policy.change', { classify: 'a.b', log: '', as: 'keep' })).toContain('in every log');
  expect(said('approver.enrol', { approver: 'a_x', owner: 'person:y' })).toContain('Let the key a_x of person:y approve');
});

test('every scalar is listed, with where it stands', () => {
  expect(
    members({
      a: 'x',
      b: { c: 1, d: [] },
      e: ['p', 'q'],
      f: '',
      g: null,
      h: {},
      i: [
        { log: 'default', after: '10 years' },
        { log: 'b, after: 1', n: 2 },
      ],
    }),
  ).toEqual([
    ['a', 'x'],
    ['b › c', '1'],
    ['b › d', '[]'],
    ['e (2)', 'p\nq'],
    ['f', '""'],
    ['g', 'null'],
    ['h', '{}'],
    ['i, 1 of 2', 'log: default, after: 10 years'],
    ['i, 2 of 2', 'log: "b, after: 1", n: 2'],
  ]);
  expect(members({ deep: [{ pointers: ['/a'], leaves: [1, 2] }] })).toEqual([
    ['deep › 0 › pointers (1)', '/a'],
    ['deep › 0 › leaves (2)', '1\n2'],
  ]);
});
