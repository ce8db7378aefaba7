/** The recorder of who read what: what it gathers, what it tells at once, and what it does when the disk takes nothing. */
import { expect, onTestFinished, test } from 'vitest';
import fc from 'fast-check';
import { createAccessLog, type AccessEntry, type AccessLog, type AccessLogParts, type Reading } from '../../src/app/access-recorder.ts';
import { mergeRanges, rangesHold, rangesOf } from '../../src/app/leaf-ranges.ts';
import type { JsonObject } from '../../src/core/json.ts';

interface Recorder {
  log: AccessLog;
  told: JsonObject[];
  /** Set to refuse what is told. */
  disk: { full: boolean };
  clock: { ms: number };
}

function recorder(parts: Partial<AccessLogParts> = {}): Recorder {
  const told: JsonObject[] = [];
  const disk = { full: false };
  const clock = { ms: Date.parse('2026-01-01T00:00:00Z') };
  const log = createAccessLog({
    append(events) {
      if (disk.full) return Promise.reject(new Error('disk full'));
      expect(events.length).toBeLessThanOrEqual(256);
      told.push(...events);
      return Promise.resolve();
    },
    clock: { now: () => clock.ms },
    systemLog: '_system',
    digestQuery: (log, query) => `#${log} ${query}`,
    ...parts,
  });
  onTestFinished(() => log.close());
  return { log, told, disk, clock };
}

const read: Reading = {
  action: 'event.read',
  principal: 'abcdefghijkl',
  role: 'reader',
  outcome: 'success',
  log: 'default',
  reason: undefined,
  network: '203.0.113.0/24',
};
const denial: AccessEntry = {
  action: 'event.read',
  principal: 'abcdefghijkl',
  outcome: 'denied',
  reason: 'forbidden',
  metadata: { right: 'events.read' },
};

test('reads of one principal, action and log are one event that says how many, which leaves and which queries', async () => {
  const { log, told, clock } = recorder();
  for (const leafIndex of [7, 5, 6, 9, 5]) log.read(read, { leaves: [leafIndex] });
  clock.ms += 300;
  log.read({ ...read, action: 'event.search' }, { leaves: [1, 2], query: 'aa' });
  log.read({ ...read, action: 'event.search' }, { leaves: [], query: 'bb' });
  log.read({ ...read, log: 'other' }, { leaves: [0] });
  log.read({ ...read, principal: 'bbbbbbbbbbb2' }, { leaves: [0] });
  await log.close();
  expect(told).toHaveLength(4);
  expect(told[0]).toMatchObject({
    action: 'event.read',
    time: '2026-01-01T00:00:00.000Z',
    category: 'sensitive_record',
    outcome: 'success',
    actor: { type: 'user', id: 'key:abcdefghijkl', roles: ['reader'] },
    targets: [{ type: 'log', id: 'default' }],
    metadata: { count: 5, leaves: [5, 8, 9, 10] },
  });
  expect(told[1]).toMatchObject({ action: 'event.search', metadata: { count: 2, leaves: [1, 3], queries: ['#default aa', '#default bb'] } });
  expect(told[2]).toMatchObject({ targets: [{ id: 'other' }], metadata: { leaves: [0, 1] } });
  expect(log.figures).toEqual({ recorded: 9, waiting: 0, unrecorded: 0 });
});

test('what waits is told by itself within two seconds', async () => {
  const { log, told, clock } = recorder();
  log.read(read, { leaves: [1] });
  clock.ms += 1_000;
  await expect.poll(() => told.length).toBe(1);
});

test('refusals are an event each, until they are a flood', async () => {
  const { log, told } = recorder();
  for (let i = 0; i < 150; i++) log.note(denial);
  log.note({ ...denial, principal: 'bbbbbbbbbbb2' });
  await log.close();
  expect(told.filter(({ metadata }) => (metadata as JsonObject)['count'] === undefined)).toHaveLength(101);
  expect(told.filter(({ metadata }) => (metadata as JsonObject)['count'] === 50)).toHaveLength(1);
  expect(told[0]).toMatchObject({ outcome: 'denied', category: 'authorization_denied', reason: 'forbidden', severity: 3 });
});

test('strangers are counted by reason and network, however many networks they have', async () => {
  const { log, told, clock } = recorder();
  for (let i = 0; i < 5; i++) log.stranger('unauthenticated', '203.0.113.0/24');
  for (let i = 0; i < 1_500; i++) log.stranger('unauthenticated', `10.${i >> 8}.${i & 255}.0/24`);
  clock.ms += 58_000;
  await new Promise((done) => setTimeout(done, 1_100));
  expect(told).toEqual([]);
  await log.close();
  expect(told).toHaveLength(1_001);
  expect(told[0]).toMatchObject({
    action: 'auth.fail',
    category: 'authentication',
    actor: { type: 'anonymous', id: 'stranger' },
    metadata: { network: '203.0.113.0/24', count: 5 },
  });
  expect(told.at(-1)).toMatchObject({ metadata: { network: 'others', count: 501 } });
});

test('reading _system is told once a session', async () => {
  const { log, told, clock } = recorder();
  for (let i = 0; i < 50; i++) {
    log.read({ ...read, log: '_system' }, { leaves: [i] });
    clock.ms += 60_000;
  }
  clock.ms += 15 * 60_000;
  log.read({ ...read, log: '_system' }, { leaves: [1] });
  await log.close();
  expect(told.map(({ action }) => action)).toEqual(['system.read', 'system.read']);
});

test('a write is told before it returns, and fails where the disk does', async () => {
  const { log, told, disk } = recorder();
  await log.write({
    action: 'key.create',
    principal: 'abcdefghijkl',
    outcome: 'success',
    target: { type: 'key', id: 'key:x' },
    purpose: 'p',
    reference: 'r',
  });
  expect(told).toMatchObject([{ action: 'key.create', targets: [{ type: 'key' }], purpose: 'p', metadata: { reference: 'r' } }]);
  disk.full = true;
  await expect(log.write(denial)).rejects.toThrow('disk full');
});

test('while the disk takes nothing it is kept, told once later, and beyond the bound nothing is read', async () => {
  const { log, told, disk, clock } = recorder({ entriesMax: 3 });
  disk.full = true;
  for (const principal of ['a', 'b', 'c']) log.read({ ...read, principal }, { leaves: [1] });
  expect(() => log.read({ ...read, principal: 'd' }, {})).toThrow(expect.objectContaining({ code: 'access_unrecorded' }));
  log.read({ ...read, principal: 'a' }, { leaves: [2] });
  log.stranger('unauthenticated', '10.0.0.0/24'); // is refused anyway: no error
  expect(log.figures).toEqual({ recorded: 0, waiting: 6, unrecorded: 0 });
  clock.ms += 2_000;
  await new Promise((done) => setTimeout(done, 1_100));
  expect(told).toEqual([]);
  expect(() => log.read({ ...read, principal: 'd' }, {})).toThrow('recorded');
  disk.full = false;
  await expect.poll(() => told.length).toBeGreaterThan(3);
  expect(told.filter(({ action }) => action === 'event.read').map(({ metadata }) => metadata)).toContainEqual(
    expect.objectContaining({ count: 2, leaves: [1, 3] }),
  );
  log.read({ ...read, principal: 'd' }, {});
  await log.close();
  const missed = told.filter(({ action }) => action === 'access.unrecorded').map(({ metadata }) => (metadata as { count: number }).count);
  expect(missed.reduce((sum, count) => sum + count, 0)).toBe(3);
  expect(new Set(told.map(({ id }) => id)).size).toBe(told.length);
  expect(log.figures).toMatchObject({ recorded: 5, waiting: 0, unrecorded: 3 });
});

test('what a full disk keeps from being told at the end is counted', async () => {
  const { log, disk } = recorder();
  disk.full = true;
  log.read(read, { leaves: [1] });
  await log.close();
  expect(log.figures).toEqual({ recorded: 0, waiting: 0, unrecorded: 1 });
  expect(() => log.read(read, {})).toThrow(expect.objectContaining({ code: 'access_unrecorded' }));
});

test('leaves and queries beyond what an event may hold are told in several, and none is missing', async () => {
  const { log, told } = recorder();
  const leaves = Array.from({ length: 20_000 }, (_, i) => 3 * i);
  for (let at = 0; at < leaves.length; at += 1_000) log.read(read, { leaves: leaves.slice(at, at + 1_000), query: `q${at}` });
  for (let i = 0; i < 5_000; i++) log.read(read, { query: `r${i}` });
  await log.close();
  const details = told.map(({ metadata }) => metadata as { leaves?: number[]; queries?: string[] });
  expect(details.every(({ leaves: some = [], queries = [] }) => some.length + queries.length < 9_000)).toBe(true);
  expect(details.flatMap(({ leaves: some = [] }) => some)).toEqual(leaves.flatMap((leaf) => [leaf, leaf + 1]));
  expect(details.flatMap(({ queries = [] }) => queries)).toHaveLength(5_020);
});

test('ranges hold what was put in and nothing else', () => {
  const leaf = fc.array(fc.nat({ max: 60 }), { maxLength: 40 });
  fc.assert(
    fc.property(leaf, leaf, (a, b) => {
      const ranges = mergeRanges(rangesOf(a), rangesOf(b));
      for (let i = 0; i < 62; i++) expect(rangesHold(ranges, i)).toBe(a.includes(i) || b.includes(i));
      expect(ranges).toEqual(rangesOf([...a, ...b]));
    }),
  );
  expect(rangesHold('0', 0)).toBe(false);
});
