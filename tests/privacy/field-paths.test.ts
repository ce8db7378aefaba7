/** Which fields there are: few, whatever senders make up; none named by a person; and every type of every one is told once. */
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import { beyondPaths, FieldPaths, isNamedIn, mergedPath, segmentsOf } from '../../src/privacy/field-paths.ts';
import { FieldWatch } from '../../src/privacy/field-watch.ts';
import { parseWithheld, withheldText } from '../../src/privacy/unknown-fields.ts';
import { engineOf } from './engine-for-test.ts';

const policy = 'name: test\nversion: 1\nkinds: {email: redact, person_name: redact}\nfields: [{path: "**.name", kind: person_name}]\n';

function learned(events: readonly JsonObject[], watch = new FieldWatch('log'), text = policy): [string, number, string][] {
  const engine = engineOf(text);
  for (const event of events) engine.plan(structuredClone(event), watch);
  return watch
    .takeNews()
    .map(({ path, types, settledBy }): [string, number, string] => [path, types, settledBy])
    .toSorted((a, b) => (a[0] < b[0] ? -1 : 1));
}

describe('names on a path', () => {
  test.each([
    ['userName', ['userName']],
    ['x-forwarded-for', ['x-forwarded-for']],
    ['user.email', ['user', 'email']],
    ['sha256', ['sha256']],
    ['kubernetes:pod', ['kubernetes:pod']],
    ['Straße', ['Straße']],
    ['', ['*']],
    ['*', ['*']],
    ['**', ['*']],
    ['4711', ['*']],
    ['2026-01-02', ['*']],
    ['550e8400-e29b-41d4-a716-446655440000', ['*']],
    ['deadbeefdeadbeef', ['*']],
    ['jane@example.com', ['*', '*']],
    ['user.4711.name', ['user', '*', 'name']],
    ['/home/jane', ['*']],
    ['i-0abc12345', ['*']],
    ['a'.repeat(65), ['*']],
    ['a.'.repeat(200), ['*']],
  ])('%s', (name, segments) => expect(segmentsOf(name)).toEqual(segments));
});

describe('paths', () => {
  test('of one spelling, the first', () => {
    const paths = new FieldPaths();
    expect(paths.settle(['user', 'userName'])).toEqual({ path: 'user.userName' });
    expect(paths.settle(['User', 'user_name'])).toEqual({ path: 'user.userName' });
    expect(paths.size).toBe(1);
  });

  test('of a place with too many names become one', () => {
    const paths = new FieldPaths({ siblingsMax: 3 });
    for (const name of ['a', 'b', 'c']) expect(paths.settle(['top', name, 'x']).path).toBe(`top.${name}.x`);
    paths.settle(['top', '*', 'y']);
    paths.settle(['other']);
    expect(paths.settle(['top', 'd', 'x'])).toEqual({ path: 'top.*.x', collapsed: 'top' });
    expect(paths.settle(['top', 'a', 'x'])).toEqual({ path: 'top.*.x' });
    expect([paths.has('top.a.x'), paths.has('top.*.y'), paths.has('other')]).toEqual([false, true, true]);
    expect(paths.size).toBe(3);
  });

  test('what was told of a name is told of all of them', () => {
    expect([isNamedIn('top', 'top.a.x'), isNamedIn('top', 'top.*.x'), isNamedIn('top', 'topper.a'), isNamedIn('', 'a')]).toEqual([
      true,
      false,
      false,
      true,
    ]);
    expect([mergedPath('top', 'top.a.x'), mergedPath('top', 'top.a'), mergedPath('', 'a.b')]).toEqual(['top.*.x', 'top.*', '*.b']);
  });

  test('have an end', () => {
    const paths = new FieldPaths({ siblingsMax: 10, pathsMax: 50 });
    const seen = new Set<string>();
    for (let i = 0; i < 100_000; i++) seen.add(paths.settle([`a${i % 10}`, `b${(i >> 2) % 10}`, `c${i % 7}`]).path);
    expect(paths.size).toBeLessThanOrEqual(50);
    expect(seen).toContain(beyondPaths);
    expect(seen.size).toBeLessThanOrEqual(51);
  });
});

describe('a watch', () => {
  test('tells fields, types, and how they are settled, once', () => {
    const watch = new FieldWatch('log');
    const event = { action: 'x', actor: { name: 'Jane Doe' }, metadata: { n: 1, list: [{ q: true }, { q: false }], none: null, empty: {} } };
    expect(learned([event, event], watch)).toEqual([
      ['action', 1, 'scan'],
      ['actor.name', 1, 'rule'],
      ['metadata.list.*.q', 4, 'scan'],
      ['metadata.n', 2, 'scan'],
    ]);
    expect(learned([event], watch)).toEqual([]);
    expect(learned([{ ...event, metadata: { n: 'now a text' } }], watch)).toEqual([['metadata.n', 3, 'scan']]);
  });

  test('never tells a name that is personal, in itself or in its event', () => {
    const news = learned([
      { grants: { 'jane.roe@example.com': 1, jdoe: 2, 'Doe, Jane': 3, group: 4 }, actor: { name: 'Jane Doe' }, deep: { 'Jane Doe': { x: 1 } } },
    ]);
    expect(news.map(([path]) => path)).toEqual(['actor.name', 'deep.*.x', 'grants.*', 'grants.*.*.*', 'grants.group']);
  });

  test('is bounded under 100,000 names that are made up', () => {
    const watch = new FieldWatch('log');
    const engine = engineOf(policy);
    let told = 0;
    const letters = (n: number): string => n.toString(26).replace(/\d/g, (digit) => 'qrstuvwxyz'[Number(digit)] as string);
    for (let i = 0; i < 1_000; i++) {
      const map = Object.fromEntries(Array.from({ length: 100 }, (_, k) => [`key${letters(i * 100 + k)}`, { v: 'x' }]));
      engine.plan({ metadata: { map } }, watch);
      told += watch.takeNews().length;
    }
    expect(told).toBeGreaterThan(400);
    expect(told).toBeLessThan(600);
  });

  test('counts, and tells when there are ten times as many', () => {
    const watch = new FieldWatch('log');
    const engine = engineOf(policy);
    const counts: number[] = [];
    for (let i = 0; i < 1_000; i++) {
      engine.plan({ action: 'x' }, watch);
      counts.push(...watch.takeNews().map(({ count }) => count));
    }
    expect(counts).toEqual([1, 9, 90, 900]);
  });

  test('of another log begins anew, and the first one goes on', () => {
    const engine = engineOf(policy);
    const [one, other] = [new FieldWatch('one'), new FieldWatch('other')];
    for (const watch of [one, other, one, other]) engine.plan({ action: 'x' }, watch);
    expect(one.takeNews()).toEqual([{ path: 'action', types: 1, settledBy: 'scan', count: 2 }]);
    expect(other.takeNews()).toHaveLength(1);
  });
});

describe('what a withheld value commits to', () => {
  test('is read back, whatever is in it', () => {
    for (const withheld of [
      { log: 'default', path: 'a.b', json: '"x"' },
      { log: '', path: 'a"] .*', json: '"\\"] 1"' },
      { log: 'l', path: '**', json: '-1.5' },
    ])
      expect(parseWithheld(withheldText(withheld))).toEqual(withheld);
  });

  test.each(['', 'x', '["a","b"]', '["a","b"] ', '["a","b"] x', '["a","b"]  1', '["a"] 1', '{"a":"b"] 1', '["a","b" ] 1', '["\\x","b"] 1'])(
    'is nothing else: %s',
    (text) => expect(parseWithheld(text)).toBeUndefined(),
  );
});
