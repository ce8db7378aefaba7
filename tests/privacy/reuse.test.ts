/**
 * The engine uses lists and leaves again from event to event: what one event leaves behind must neither be seen by another nor stay in memory,
 * and it must save the garbage that it is there to save.
 */
import { setImmediate } from 'node:timers/promises';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import { ShortMap } from '../../src/privacy/short-map.ts';
import { cleaned, engineOf, tokenOf } from './engine-for-test.ts';

function eventOf(n: number): JsonObject {
  return {
    action: ['read', 'write', 'list'][n % 3] as string,
    actor: { type: 'user', id: `u-${n}`, name: `Jane${n} Quux`, email: `jane${n}.quux@example.com` },
    targets: n % 2 === 0 ? [{ type: 'customer', id: `c-${n}` }] : [],
    context: { ip: `8.8.${n % 200}.4`, userAgent: 'crm-web/4.18.2' },
    [n % 5 === 0 ? `jane${n}.quux@example.com` : 'note']: n % 7 === 0 ? JSON.stringify({ user: `Jane${n} Quux`, ip: '8.8.4.4' }) : `c-${n}`,
    message: `Jane${n} Quux read ${n % 4 === 0 ? 'nothing' : `jane${n}.quux`}`,
  };
}

describe('an engine that is used again', () => {
  test('does to each event what a new one does, however many plans are alive', () => {
    const engine = engineOf();
    const plans = Array.from({ length: 200 }, (_, n) => engine.plan(eventOf(n)));
    const together = plans
      .map((plan, n) => [n, plan] as const)
      .toReversed()
      .map(([n, plan]) => [n, engine.apply(plan, tokenOf)] as const);
    for (const [n, outcome] of together) if (n % 10 === 0) expect(outcome).toEqual(cleaned(engineOf(), eventOf(n)));
  });

  test('is not confused by an event that could not be planned', () => {
    const engine = engineOf();
    const hostile = { actor: { name: 'Jane Quux' } } as JsonObject;
    Object.defineProperty(hostile, 'z', {
      enumerable: true,
      get() {
        throw new Error('no');
      },
    });
    expect(() => engine.plan(hostile)).toThrow('no');
    expect(cleaned(engine, { message: 'Quux is a word' }).event).toEqual({ message: 'Quux is a word' });
  });

  test('finds what is personal at a place whose values never come again, or always', () => {
    const engine = engineOf();
    for (let n = 0; n < 500; n++) expect(cleaned(engine, { id: `r-${n}` }).applied).toEqual([]);
    for (let n = 0; n < 100; n++) expect(cleaned(engine, { id: 'r-1' }).applied).toEqual([]);
    expect(cleaned(engine, { id: 'jane@example.com' }).event['id']).toMatch(/^tok_/);
    // Known as clean, and then a name of this very event.
    expect(cleaned(engine, { id: 'quux', actor: { name: 'Jane Quux' } }).applied.map(({ pointer }) => pointer)).toEqual(['/actor/name']);
    expect(cleaned(engine, { id: 'janequux', actor: { name: 'Jane Quux' } }).applied.map(({ pointer }) => pointer)).toEqual(['/actor/name', '/id']);
  });

  test('names places that are long, hold marks, or lie below elements and renamed members', () => {
    const engine = engineOf();
    const long = 'x'.repeat(300);
    const event = (): JsonObject => ({
      [long]: { [long]: { ip: '8.8.4.4' } },
      'a/b': { 'c~d': '8.8.4.4' },
      list: [{ ip: '8.8.4.4' }],
      'jane@example.com': { ip: '8.8.4.4' },
    });
    for (let n = 0; n < 2; n++) {
      const { applied, event: after } = cleaned(engine, event());
      const renamed = Object.keys(after).find((name) => name.startsWith('tok_'));
      const pointers = applied.map(({ pointer }) => pointer);
      expect(new Set(pointers)).toEqual(new Set(['/a~1b/c~0d', '/list/0/ip', `/${renamed}`, `/${renamed}/ip`, `/${long}/${long}/ip`]));
    }
    const { applied } = cleaned(engine, { [long]: { [long]: { ip: '8.8.4.4' } }, 'a/b': { 'c~d': '8.8.4.4' } });
    expect(applied.map(({ pointer }) => pointer)).toEqual(['/a~1b/c~0d', `/${long}/${long}/ip`]);
  });

  test('keeps nothing of an event that was planned and let go', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const engine = engineOf();
    const people = (n: number): JsonObject => ({
      list: Array.from({ length: n }, (_, i) => ({ name: `Jane${i} Quux${i}`, note: `Quux${i} and "Jane${i}"`, secret: { password: 'x' } })),
    });
    const planned = (event: JsonObject): WeakRef<object> => {
      engine.plan(event);
      engine.scanObject(event);
      return new WeakRef(event['list'] as object);
    };
    const refs = [planned(people(2)), planned(people(40)), planned(people(3000))];
    // A weak reference holds on until the task ends that made it.
    await setImmediate();
    collect();
    expect(refs.map((ref) => ref.deref() === undefined)).toEqual([true, true, true]);
  });

  test('makes less than 14 kB of garbage of an event of 400 bytes', () => {
    const engine = engineOf();
    const sizes: number[] = [];
    for (let slice = 0; slice < 120; slice++) {
      const events = Array.from({ length: 32 }, (_, i) => JSON.parse(JSON.stringify(eventOf(1 + 2 * i))) as JsonObject);
      const before = getHeapStatistics().used_heap_size;
      for (const plan of events.map((event) => engine.plan(event))) engine.apply(plan, () => 'tok_abcdefghijklmnopqrstuvwxyz0');
      sizes.push((getHeapStatistics().used_heap_size - before) / events.length);
    }
    const median = sizes.slice(60).toSorted((a, b) => a - b)[30] as number;
    expect(median).toBeLessThan(14_000);
  });
});

test('a short map is a map, short or long', () => {
  const short = new ShortMap<number>();
  const map = new Map<string, number>();
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 60; i++) {
      const key = `k${(i * 7) % 40}`;
      short.set(key, i);
      map.set(key, i);
      expect(short.size).toBe(map.size);
      for (const known of ['k0', 'k7', 'k39', 'none']) expect(short.get(known)).toBe(map.get(known));
    }
    short.clear();
    map.clear();
    expect([short.size, short.get('k7')]).toEqual([0, undefined]);
  }
});
