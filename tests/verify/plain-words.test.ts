/** What the page for approvers says of a request: every member of its detail is in sight, and none can be taken for another. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inPlainWords, members } from '../../web/approve/plain-words.ts';
import { requestActions } from '../../src/app/requests.ts';
import { canonicalJson } from '../../src/core/canonical-json.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { visible } from '../../src/core/visible.ts';

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
    ['deep › [0] › pointers (1)', '/a'],
    ['deep › [0] › leaves (2)', '1\n2'],
  ]);
  expect(members({ 'a › b': '5', to: 'mailto:jane@example.com', née: 'two  spaces', s: 'a\u{202e}b\u3164' })).toEqual([
    ['"a › b"', '"5"'],
    ['to', 'mailto:jane@example.com'],
    ['"née"', '"two  spaces"'],
    ['s', '"a\\u{202e}b\\u{3164}"'],
  ]);
});

/** What is on the screen: the texts, as they are seen. */
const seen = (value: unknown): string => JSON.stringify(members(value).map((row) => row.map(visible)));

const word = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    'b',
    '0',
    '1',
    '5',
    '5.0',
    ' 5',
    '1e1',
    'null',
    'true',
    '{}',
    '[]',
    '""',
    '"a"',
    'p',
    'p\nq',
    'Infinity',
    '-',
    '__proto__',
  ),
  fc.constantFrom('a › b', 'a, 1 of 1', 'a (1)', '[0]', 'a: 1', 'a: 1, b', 'a:', ': ', ', '),
  fc.constantFrom('a\u200d', 'a\\u{200d}', 'a\u3164', 'a\u00a0b', 'a b', 'a  b', 'tru\u0435', '\uff15'),
);
const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    word,
    fc.constantFrom(null, true, false, 0, 1, 5, 10, -1, 0.5, 1e21),
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(word, tie('json'), { maxKeys: 3 }),
  ),
}));

test('two details that differ look different', () => {
  const pairs: [unknown, unknown][] = [
    [{ n: 5 }, { n: '5' }],
    [{ n: null }, { n: 'null' }],
    [{ n: {} }, { n: '{}' }],
    [{ n: [] }, { n: '[]' }],
    [{ n: [1] }, { n: ['1'] }],
    [{ n: ['p\nq'] }, { n: ['p', 'q'] }],
    [{ a: { b: 'x' } }, { 'a › b': 'x' }],
    [{ a: [[1]] }, { a: { 0: [1] } }],
    [{ a: ['x'] }, { 'a (1)': 'x' }],
    [{ a: [{ b: 1 }] }, { 'a, 1 of 1': 'b: 1' }],
    [{ n: 'a' }, { n: 'a\u3164' }],
    [{ n: 'true' }, { n: true }],
  ];
  for (const [a, b] of pairs) expect(seen(a)).not.toBe(seen(b));
  // All that are made in a run are compared with each other: those that look the same have the same digest.
  const meant = new Map<string, string>();
  fc.assert(
    fc.property(json, (value) => {
      const canonical = canonicalJson(value as JsonObject);
      expect(meant.get(seen(value)) ?? canonical).toBe(canonical);
      meant.set(seen(value), canonical);
    }),
    { numRuns: 10_000 },
  );
});

test('the sentence is not gone on with by what it is about', () => {
  expect(said('hold.lift', { hold: 'x. Nothing else is done: “all well”' })).toContain(
    'Lift the hold "x. Nothing else is done: “all well”": what it covers',
  );
});
