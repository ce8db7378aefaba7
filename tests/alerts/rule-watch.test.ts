/** Rules over records without a server: what counts, for how long, and how much is remembered. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { builtInRules } from '../../src/alerts/built-in-rules.ts';
import { ruleChanges, rulesEvent, formatRules } from '../../src/alerts/rule-changes.ts';
import { type AlertRule, formatDuration, parseDuration, ruleNamePattern } from '../../src/alerts/rule.ts';
import { type Finding, RuleWatch } from '../../src/alerts/rule-watch.ts';
import { packRecord, packedBytesMax } from '../../src/log/packed-record.ts';
import { flattenRecord } from '../../src/log/record.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { createMatcher, createPredicate } from '../../src/search/match.ts';
import { parseQuery } from '../../src/search/query.ts';
import { rule } from './alerting-trail.ts';

function packed(record: JsonObject): Uint8Array {
  const fields = flattenRecord(record);
  const out = new Uint8Array(packedBytesMax(fields));
  return out.subarray(0, packRecord(out, 0, new Uint8Array(32), fields));
}

function feed(watch: RuleWatch, log: string, records: readonly [ms: number, record: JsonObject][], from = 0): Finding[] {
  return records.flatMap(([receivedAtMs, record], i) => {
    const searchable = packed(record);
    return watch.take(log, { leafIndex: from + i, receivedAtMs, searchable }, watch.matching(log, searchable));
  });
}

const leavesOf = (findings: readonly Finding[]): (number[] | undefined)[] => findings.map(({ raises }) => raises?.leaves);

test('many queries at once say what each says by itself', () => {
  const words = ['login', 'export', 'jane', 'u-1', '7', 'failure'];
  const text = fc.constantFrom(...words);
  const query = fc.oneof(
    text,
    fc.tuple(fc.constantFrom('action', 'id', 'actor.id', 'outcome'), text).map(([path, value]) => `${path}:${value}`),
    fc.tuple(text, text).map(([a, b]) => `(${a} OR -${b})`),
  );
  const record = fc.record({
    action: text,
    outcome: text,
    actor: fc.record({ id: text }),
    list: fc.array(text, { maxLength: 3 }),
    n: fc.constantFrom(7, 8),
  });
  fc.assert(
    fc.property(fc.array(query, { maxLength: 8 }), record, (queries, value) => {
      const parsed = queries.map(parseQuery);
      const bytes = packed(value);
      expect(createMatcher(parsed)(bytes)).toEqual(parsed.map((one) => createPredicate(one)(bytes)));
    }),
    { numRuns: 300 },
  );
});

test('a window is of receipt, ends where it says, and is of one log and one group', () => {
  const counted = rule({ name: 'three', q: 'action:x', count: 3, withinMs: 1_000, by: '/who', quietMs: 1 });
  const x = (who: string): JsonObject => ({ action: 'x', who, time: '1999-01-01T00:00:00Z' });
  const watch = new RuleWatch([counted]);
  expect(
    feed(watch, 'a', [
      [0, x('1')],
      [500, x('1')],
      [1_001, x('1')],
    ]),
  ).toEqual([]);
  expect(leavesOf(feed(watch, 'a', [[1_500, x('1')]], 3))).toEqual([[1, 2, 3]]);
  // Others, and the same of another log, are counted apart.
  expect(
    feed(
      watch,
      'a',
      [
        [1_500, x('2')],
        [1_500, x('3')],
      ],
      4,
    ),
  ).toEqual([]);
  expect(
    feed(watch, 'b', [
      [1_500, x('1')],
      [1_500, x('1')],
    ]),
  ).toEqual([]);
  // No record of the log's own server, unless it is named.
  expect(watch.isWatched('_system')).toBe(false);
});

test('counting a log again from before its windows finds the same', () => {
  const records = fc.array(fc.tuple(fc.nat(400), fc.constantFrom('1', '2', '3')), { maxLength: 60 });
  fc.assert(
    fc.property(records, fc.nat(60), fc.integer({ min: 2, max: 4 }), (steps, at, count) => {
      let ms = 0;
      const all = steps.map(([step, who]): [number, JsonObject] => [(ms += step), { action: 'x', who }]);
      const counted = rule({ name: 'n', q: 'action:x', count, withinMs: 1_000, by: '/who', quietMs: 0 });
      const whole = feed(new RuleWatch([counted]), 'a', all).filter(({ leafIndex }) => leafIndex >= at);
      const again = new RuleWatch([counted]);
      const resumed = all.flatMap(([receivedAtMs, record], leafIndex) => {
        if (receivedAtMs < (all[at]?.[0] ?? 0) - 1_000) return [];
        const searchable = packed(record);
        return again.take('a', { leafIndex, receivedAtMs, searchable }, again.matching('a', searchable), leafIndex < at);
      });
      expect(leavesOf(resumed)).toEqual(leavesOf(whole));
    }),
    { numRuns: 200 },
  );
});

test('memory has an end: the groups seen longest ago are forgotten, and it is told', () => {
  const forgotten: string[] = [];
  const counted = rule({ name: 'two', q: 'action:x', count: 2, withinMs: 1_000_000, by: '/who' });
  const watch = new RuleWatch([counted], { groupsMax: 3, onForgotten: ({ name }) => forgotten.push(name) });
  const seen = feed(
    watch,
    'a',
    [1, 2, 3, 4].map((who): [number, JsonObject] => [who, { action: 'x', who: String(who) }]),
  );
  expect(seen).toEqual([]);
  expect(forgotten).toEqual(['two']);
  expect(
    leavesOf(
      feed(
        watch,
        'a',
        [
          [5, { action: 'x', who: '1' }],
          [6, { action: 'x', who: '4' }],
        ],
        4,
      ),
    ),
  ).toEqual([[3, 5]]);
});

test('a rule that finds everything raises so many alerts a minute, and counts the rest', () => {
  const told: string[] = [];
  const watch = new RuleWatch([rule({ name: 'all', q: '' })], { onTooMany: ({ name }) => told.push(name) });
  const found = feed(
    watch,
    'a',
    Array.from({ length: 250 }, (_, i): [number, JsonObject] => [i, { action: 'x' }]),
  );
  expect(found).toHaveLength(250);
  expect(found.filter(({ raises }) => raises)).toHaveLength(100);
  expect(told.length).toBe(150);
  expect(feed(watch, 'a', [[60_000, { action: 'x' }]], 250)[0]?.raises).toBeDefined();
});

test('rules that come with the program can be read, have names and reasons, and durations are written back', () => {
  expect(new Set(builtInRules.map(({ name }) => name)).size).toBe(builtInRules.length);
  for (const { name, why, count, withinMs, quietMs } of builtInRules) {
    expect(name).toMatch(ruleNamePattern);
    expect(why.length).toBeGreaterThan(20);
    expect({ name, ok: count === 1 || (withinMs > 0 && quietMs > 0) }).toEqual({ name, ok: true });
    for (const ms of [withinMs, quietMs]) if (ms > 0) expect(parseDuration(formatDuration(ms))).toBe(ms);
  }
  expect(() => new RuleWatch(builtInRules)).not.toThrow();
  for (const wrong of ['', '0s', '10', '1.5h', '-1m', '1w', ' 1m', '1000000s']) expect(parseDuration(wrong)).toBeUndefined();
});

test('a rule that finds less is told as weaker, one that finds more is not', () => {
  const base = rule({ name: 'r', q: 'action:x', severity: 'high', logs: ['a', 'b'], count: 5, withinMs: 60_000, quietMs: 60_000 });
  const became = (more: Partial<AlertRule>): string => {
    const { weakened, changed } = ruleChanges(formatRules([base]), [{ ...base, ...more }]);
    return weakened.length > 0 ? 'weakened' : changed.length > 0 ? 'changed' : 'same';
  };
  const weaker: Partial<AlertRule>[] = [
    { severity: 'low' },
    { count: 6 },
    { withinMs: 59_000 },
    { quietMs: 61_000 },
    { logs: ['a'] },
    { q: 'action:y' },
    { by: '/actor/id' },
  ];
  expect(weaker.map(became)).toEqual(weaker.map(() => 'weakened'));
  const stronger: Partial<AlertRule>[] = [
    { severity: 'critical' },
    { count: 4 },
    { withinMs: 61_000 },
    { quietMs: 1 },
    { logs: ['a', 'b', 'c'] },
    { logs: ['*'] },
  ];
  expect(stronger.map(became)).toEqual(stronger.map(() => 'changed'));
  expect([became({}), became({ why: 'other words' })]).toEqual(['same', 'same']);
  expect(rulesEvent(ruleChanges(formatRules([base]), [base]))).toBeUndefined();
});
