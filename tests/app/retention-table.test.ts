/** The retention table: what it accepts, which rule decides, when records are due, and what makes a table shorter than another. */
import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import {
  classOf,
  diffRetention,
  dueAtMs,
  dueBeforeMs,
  formatKeep,
  keptClass,
  parseRetention,
  retentionSchema,
  ruleOf,
} from '../../src/app/retention-table.ts';

const table = parseRetention(`
version: 1
rules:
  - {name: logins, category: [authentication, authorization_denied], keep: 90 days, basis: GDPR art. 5(1)(e)}
  - {name: books, log: payments, keep: 10 years, basis: HGB § 257, then: expire}
  - {name: own, log: _system, keep: 3 years, basis: accountability}
  - {name: never, log: legal, keep: forever, basis: contract}
  - {name: rest, keep: 1 year, basis: purpose is over}
`);

test('the schema for editors is the one in docs/reference', () => {
  const kept = readFileSync(new URL('../../docs/reference/retention.schema.json', import.meta.url), 'utf8');
  expect(kept, 'run: node scripts/generate-policy-schema.ts').toBe(`${JSON.stringify(retentionSchema(), null, 2)}\n`);
});

describe('which rule decides', () => {
  it.each([
    ['default', 'authentication', 'logins'],
    ['payments', 'authentication', 'logins'],
    ['payments', 'other', 'books'],
    ['payments', undefined, 'books'],
    ['_system', 'authentication', 'own'],
    ['_canary', 'authentication', undefined],
    ['legal', 'other', 'never'],
    ['default', undefined, 'rest'],
  ])('of log %s and category %s', (log, category, name) => {
    expect(ruleOf(table, { log, category })?.name).toBe(name);
    expect(classOf(table, { log, category })).toBe(name === undefined || name === 'never' ? keptClass : name);
  });

  it('none about a tombstone', () => {
    expect(ruleOf(table, { log: '_system', category: 'log_control', isTombstone: true })).toBeUndefined();
    expect(classOf(table, { log: 'default', isTombstone: true })).toBe(keptClass);
  });
});

describe('when a record is due', () => {
  it.each([
    ['90 days', '2026-01-31T12:00:00Z', '2026-05-01T12:00:00Z'],
    ['1 week', '2026-12-28T00:00:00Z', '2027-01-04T00:00:00Z'],
    ['1 month', '2026-01-31T00:00:00Z', '2026-02-28T00:00:00Z'],
    ['13 months', '2027-01-31T00:00:00Z', '2028-02-29T00:00:00Z'],
    ['1 year', '2028-02-29T23:59:59Z', '2029-02-28T23:59:59Z'],
    ['10 years', '2026-06-15T00:00:00Z', '2036-06-15T00:00:00Z'],
  ])('kept %s', (text, received, due) => {
    const keep = keepOf(text);
    expect(new Date(dueAtMs(keep, Date.parse(received)) as number).toISOString()).toBe(new Date(due).toISOString());
    expect(formatKeep(keep)).toBe(text);
  });

  it('goes back as far', () => {
    expect(new Date(dueBeforeMs(keepOf('1 month'), Date.parse('2026-03-31T00:00:00Z')) as number).toISOString()).toBe('2026-02-28T00:00:00.000Z');
    expect(dueBeforeMs('forever', 0)).toBeUndefined();
    expect(dueAtMs('forever', 0)).toBeUndefined();
  });
});

function keepOf(text: string): ReturnType<typeof parseRetention>['rules'][number]['keep'] {
  const [rule] = parseRetention(`version: 1\nrules: [{name: a, keep: ${text}, basis: b}]`).rules;
  if (!rule) throw new Error('no rule');
  return rule.keep;
}

describe('a table that is shorter than another', () => {
  const of = (rules: string): ReturnType<typeof parseRetention> => parseRetention(`version: 1\nrules: [${rules}]`);
  it.each([
    ['a rule where none was', '', '{name: a, keep: 10 years, basis: b}'],
    ['fewer days', '{name: a, keep: 90 days, basis: b}', '{name: a, keep: 89 days, basis: b}'],
    ['a year of 365 days', '{name: a, keep: 1 year, basis: b}', '{name: a, keep: 365 days, basis: b}'],
    [
      'a rule before it',
      '{name: a, keep: 1 year, basis: b}',
      '{name: c, category: privilege, keep: 1 day, basis: b}, {name: a, keep: 1 year, basis: b}',
    ],
    ['an end where there was none', '{name: a, keep: forever, basis: b}', '{name: a, keep: 100 years, basis: b}'],
    ['an exception gone', '{name: x, log: books, keep: 10 years, basis: b}, {name: a, keep: 1 year, basis: b}', '{name: a, keep: 1 year, basis: b}'],
  ])('%s', (_what, before, after) => {
    expect(diffRetention(of(before), of(after)).some(({ effect }) => effect === 'shorter')).toBe(true);
    expect(diffRetention(of(after), of(before)).some(({ effect }) => effect === 'longer')).toBe(true);
  });

  it.each([
    ['the same in other words', '{name: a, keep: 12 months, basis: b}', '{name: z, keep: 1 year, basis: c}'],
    [
      'two logs apart',
      '{name: a, log: [x, y], keep: 1 year, basis: b}',
      '{name: a, log: x, keep: 1 year, basis: b}, {name: c, log: y, keep: 1 year, basis: b}',
    ],
  ])('is not %s', (_what, before, after) => {
    expect(diffRetention(of(before), of(after))).toEqual([]);
  });

  it('says which log and category', () => {
    expect(
      diffRetention(
        of('{name: a, keep: 1 year, basis: b}'),
        of('{name: c, log: web, category: privilege, keep: 30 days, basis: b}, {name: a, keep: 1 year, basis: b}'),
      ),
    ).toEqual([{ log: 'web', category: 'privilege', before: { count: 1, unit: 'years' }, after: { count: 30, unit: 'days' }, effect: 'shorter' }]);
  });
});

describe('a table that cannot be read', () => {
  test.each([
    ['rules: []', /:1:1: version must be 1/],
    ['version: 1', /rules must be a list/],
    ['version: 1\nrules: [{name: a, keep: 1 year, basis: b}, {name: a, keep: 1 year, basis: b}]', /:2:.*two rules a/],
    ['version: 1\nrules: [{name: A, keep: 1 year, basis: b}]', /name must be/],
    ['version: 1\nrules: [{name: kept, keep: 1 year, basis: b}]', /not "kept"/],
    ['version: 1\nrules: [{name: a, keep: 1y, basis: b}]', /keep must be/],
    ['version: 1\nrules: [{name: a, keep: 0 days, basis: b}]', /keep must be/],
    ['version: 1\nrules: [{name: a, keep: 99999 days, basis: b}]', /keep must be/],
    ['version: 1\nrules: [{name: a, keep: 1 year}]', /basis must say/],
    ['version: 1\nrules: [{name: a, category: logins, keep: 1 year, basis: b}]', /category must be one of/],
    ['version: 1\nrules: [{name: a, log: [], keep: 1 year, basis: b}]', /log must be/],
    ['version: 1\nrules: [{name: a, log: ../x, keep: 1 year, basis: b}]', /log must be/],
    ['version: 1\nrules: [{name: a, keep: 1 year, basis: b, then: delete}]', /then must be expire/],
    ['version: 1\nrules: [{name: a, keep: 1 year, basis: b, why: c}]', /unknown member/],
    ['version: 1\nversion: 1\nrules: []', /unique/],
    ['[1, 2]', /must be a mapping/],
    ['version: 1\nrules: [', /./],
    [' '.repeat(300_000), /at most/],
  ])('%#', (text, message) => {
    expect(() => parseRetention(text, 'my.yaml')).toThrow(VeiltrailError);
    expect(() => parseRetention(text, 'my.yaml')).toThrow(message);
  });

  test('with many problems, of which the first are shown', () => {
    const rules = Array.from({ length: 30 }, () => '{name: A}').join();
    expect(() => parseRetention(`version: 1\nrules: [${rules}]`)).toThrow(/… and \d+ more/);
  });
});
