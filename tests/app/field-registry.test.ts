/** The registry of fields on a real store: bounded, durable before anybody is answered, and told of at least once, whatever is killed when. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FieldRegistry } from '../../src/app/field-registry.ts';
import { FieldTeller } from '../../src/app/tell-fields.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { systemRandom } from '../../src/core/random.ts';
import { siblingsMax } from '../../src/privacy/field-paths.ts';
import type { SeenField } from '../../src/privacy/field-watch.ts';
import type { FieldStore } from '../../src/storage/field-store.ts';
import { openSqliteFieldSource, openSqliteFieldStore } from '../../src/storage/sqlite/field-store.ts';
import { createTextSealer } from '../../src/vault/sealed-text.ts';

const sealer = createTextSealer([{ version: 1, key: new Uint8Array(32).fill(7) }], 'fields', systemRandom);
let now = Date.parse('2026-01-02T03:04:05Z');
const clock = { now: (): number => now };

function file(): string {
  const dir = mkdtempSync(join(tmpdir(), 'veiltrail-registry-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'fields.db');
}

/** A registry on a store, which is closed with the test. */
function open(path: string): { registry: FieldRegistry; store: FieldStore } {
  const store = openSqliteFieldStore(path);
  onTestFinished(() => {
    try {
      store.close();
    } catch {
      // closed by the test
    }
  });
  return { registry: new FieldRegistry(store, { sealer, clock }), store };
}

function seen(path: string, types = 1, count = 1): SeenField {
  return { path, types, settledBy: 'unknown', count };
}

function tellerOf(registry: FieldRegistry, fails = false): { teller: FieldTeller; events: JsonObject[] } {
  const events: JsonObject[] = [];
  const append = async (event: JsonObject): Promise<void> => {
    if (fails) throw new Error('full');
    events.push(event);
  };
  return { teller: new FieldTeller(registry, append), events };
}

test('is on disk when learn returns, and what nobody was told of is told by the next process', async () => {
  const path = file();
  const { registry } = open(path);
  expect(registry.learn('default', [seen('a.b'), seen('c', 2)])).toBe(true);
  // Killed here: the store was never closed.
  const next = open(path).registry;
  expect(next.list().map(({ path: of, types, firstSeenAt }) => [of, types, firstSeenAt])).toEqual([
    ['a.b', ['string'], '2026-01-02T03:04:05.000Z'],
    ['c', ['number'], '2026-01-02T03:04:05.000Z'],
  ]);
  await expect(tellerOf(next, true).teller.now()).rejects.toThrow('full');
  const { teller, events } = tellerOf(next);
  await teller.now();
  await teller.now();
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({
    action: 'field.new',
    severity: 3,
    targets: [{ id: 'default' }],
    changes: [{ field: 'a.b' }, { field: 'c', after: 'number' }],
  });
  const third = open(path).registry;
  expect(third.untold()).toEqual([]);
  // The same again, from another worker, is no news; another type is.
  expect(third.learn('default', [seen('a.b')])).toBe(false);
  expect(third.learn('default', [seen('a.b', 4)])).toBe(true);
  expect(third.untold()).toMatchObject([{ path: 'a.b', types: ['string', 'boolean'] }]);
});

test('stays what it was when the disk refuses', () => {
  const path = file();
  const { registry, store } = open(path);
  store.close();
  expect(() => registry.learn('default', [seen('a')])).toThrow(expect.objectContaining({ code: expect.stringMatching(/^storage_/) }));
  expect(open(path).registry.list()).toEqual([]);
});

test('counts in powers of ten', () => {
  const path = file();
  const { registry } = open(path);
  for (const count of [1, 9, 90, 899]) registry.learn('default', [seen('a', 1, count)]);
  expect(registry.list()[0]?.seen).toBe(100);
  expect(open(path).registry.list()[0]?.seen).toBe(100);
});

test('takes the names of a place together when there are too many, on disk too', () => {
  const path = file();
  const { registry } = open(path);
  const name = (n: number): string => `key${n.toString(26).replace(/\d/g, (digit) => 'qrstuvwxyz'[Number(digit)] as string)}`;
  for (let from = 0; from < 5_000; from += 500) {
    now += 1_000;
    registry.learn(
      'default',
      Array.from({ length: 500 }, (_, i) => seen(`map.${name(from + i)}.v`, (from + i) % 2 === 0 ? 1 : 2)),
    );
  }
  registry.learn('default', [seen('other')]);
  expect(registry.list().map(({ path: of }) => of)).toEqual(['map.*.v', 'other']);
  expect(registry.list()[0]).toMatchObject({ types: ['string', 'number'], seen: 1_000 });
  const again = open(path).registry;
  expect(again.list().map(({ path: of, firstSeenAt }) => [of, firstSeenAt])).toEqual(
    registry.list().map(({ path: of, firstSeenAt }) => [of, firstSeenAt]),
  );
  expect(again.untold().map(({ path: of }) => of)).toEqual(['map.*.v', 'other']);
  expect(siblingsMax).toBeLessThan(5_000);
});

test('keeps logs apart, and says what is not settled', () => {
  const { registry } = open(file());
  registry.learn('one', [seen('x'), { ...seen('ruled'), settledBy: 'rule' }, { ...seen('action'), settledBy: 'scan' }]);
  registry.learn('two', [seen('x')]);
  expect(registry.list({ log: 'one' }).map(({ path }) => path)).toEqual(['action', 'ruled', 'x']);
  expect(registry.figures('one')).toEqual({ fields: 3, newFields: 3 });
  const unclassified = (): string[] => registry.list({ unclassified: true }).map(({ log, path }) => `${log} ${path}`);
  expect(unclassified()).toEqual(['one x', 'two x']);
  registry.classify({ path: 'x', log: 'two', as: 'keep', by: 'me' });
  expect(unclassified()).toEqual(['one x']);
  registry.classify({ path: '**.x', log: '', as: 'email', by: 'you' });
  expect(unclassified()).toEqual([]);
  expect(registry.classified()).toEqual([
    { log: '', rule: { path: ['**.x'], kind: 'email' } },
    { log: 'two', rule: { path: ['x'], transform: 'keep' } },
  ]);
  expect(registry.list({ log: 'two' })[0]?.classification).toMatchObject({ as: 'email', by: 'you', at: expect.any(String) });
  expect(() => registry.classify({ path: 'ruled', log: '', as: 'keep', by: 'me' })).toThrow(expect.objectContaining({ code: 'field_settled' }));
});

test('a classification that was not finished is known to the next process', () => {
  const path = file();
  const { registry } = open(path);
  registry.learn('default', [seen('x'), seen('y')]);
  registry.finish(registry.classify({ path: 'x', log: '', as: 'keep', by: 'me', why: 'because' }));
  registry.classify({ path: 'y', log: 'default', as: 'drop', by: 'me' });
  const next = open(path).registry;
  expect(next.unfinished()).toMatchObject([{ path: 'y', as: 'drop' }]);
  expect(next.list().find(({ path: of }) => of === 'x')?.classification).toMatchObject({ why: 'because' });
});

test('is sealed: another key, or a flipped bit, opens nothing', () => {
  const path = file();
  const { registry, store } = open(path);
  registry.learn('default', [seen('secret.project')]);
  const [row] = store.fields();
  expect(Buffer.from((row as { sealed: Uint8Array }).sealed).includes('secret')).toBe(false);
  store.close();
  const other = createTextSealer([{ version: 1, key: new Uint8Array(32).fill(8) }], 'fields', systemRandom);
  const source = openSqliteFieldSource(path);
  onTestFinished(() => source.close());
  const damaged = expect.objectContaining({ code: 'sealed_text_damaged' });
  expect(() => new FieldRegistry(source, { sealer: other, clock })).toThrow(damaged);
  const sealed = sealer.seal('text');
  expect(sealer.open(sealed)).toBe('text');
  for (let i = 0; i < sealed.length; i++) {
    const bad = sealed.slice();
    (bad[i] as number) ^= 1;
    expect(() => sealer.open(bad), String(i)).toThrow(damaged);
  }
  expect(() => sealer.open(sealed.subarray(0, 20))).toThrow(damaged);
  // Rotated: the newest seals, older ones open, and a text is found where it was.
  const rotated = createTextSealer(
    [
      { version: 2, key: new Uint8Array(32).fill(9) },
      { version: 1, key: new Uint8Array(32).fill(7) },
    ],
    'fields',
    systemRandom,
  );
  expect(rotated.open(sealed)).toBe('text');
  expect(rotated.lookup('text')).toEqual(sealer.lookup('text'));
  expect(() => sealer.open(rotated.seal('text'))).toThrow(damaged);
});
