/** What a stop means for anchors that are being made: the directory is sealed right behind it, and nothing is written there any more. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AnchorTarget } from '../../src/anchor/anchor.ts';
import { Anchoring } from '../../src/anchor/anchoring.ts';
import { AnchorStore } from '../../src/anchor/anchor-store.ts';
import type { RenewedLocks } from '../../src/anchor/bucket-locks.ts';
import { systemClock } from '../../src/core/clock.ts';

const anchored = { log: 'default', origin: 'example.com/a', treeSize: 5, checkpoint: 'example.com/a\n5\n\n\n— x y\n' };
const rules = { endpoint: 'e', bucket: 'b', prefix: '', mode: 'COMPLIANCE', retainDays: 1 } as const;
const locks: RenewedLocks = { objects: 1, lockedUntil: undefined, seenAt: '2026-01-01T00:00:00.000Z', rules, extended: 0, lapsed: 0 };
const target: AnchorTarget = {
  name: 'own',
  kind: 'file',
  everyMs: 1,
  isBeacon: true,
  put: () => Promise.resolve({ path: 'x' }),
  check: () => Promise.resolve({ ok: true, detail: '' }),
  renewLocks: () => Promise.resolve(locks),
};

let home: string;
let store: AnchorStore;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'veiltrail-stopped-'));
  store = new AnchorStore(home);
});
afterEach(() => rmSync(home, { recursive: true }));

function anchoringWith(quote: () => Promise<string>): Anchoring {
  return new Anchoring({
    targets: [target],
    store,
    clock: systemClock,
    checkpoints: () => Promise.resolve([anchored]),
    onResult: () => undefined,
    quote,
  });
}

test.each(['add', 'addQuote', 'keepLocks'] as const)('a file that is being written (%s) is waited for, and none is begun later', async (method) => {
  const write = store[method].bind(store) as (...given: unknown[]) => Promise<void>;
  const steps: string[] = [];
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  (store[method] as unknown) = async (...given: unknown[]): Promise<void> => {
    begun.resolve();
    await gate.promise;
    await write(...given);
    steps.push('written');
  };
  const anchoring = anchoringWith(() => Promise.resolve('a quote'));
  const turn = anchoring.anchorNow(target);
  await begun.promise;
  const stopped = anchoring.stop(0).then(() => steps.push('stopped'));
  gate.resolve();
  await Promise.all([stopped, turn]);
  expect(steps).toEqual(['written', 'stopped']);
  await anchoring.anchorNow(target, true);
  expect(steps).toEqual(['written', 'stopped']);
});

test('a quote that its log gave too late is not kept', async () => {
  const begun = Promise.withResolvers<void>();
  const late = Promise.withResolvers<string>();
  const anchoring = anchoringWith(() => {
    begun.resolve();
    return late.promise;
  });
  const turn = anchoring.anchorNow(target);
  await begun.promise;
  await anchoring.stop(0);
  late.resolve('a quote');
  await turn;
  const kept = await store.newest(anchored.log, 'own');
  expect([kept?.treeSize, kept?.quote]).toEqual([5, undefined]);
});
