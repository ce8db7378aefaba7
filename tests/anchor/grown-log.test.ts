/** An anchor of a log that has grown since: its last tile was partial then, and only the full one is there now, or none. */
import { readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { addAnchors, type BracketedReport } from '../../src/cli/check-anchors.ts';
import { AnchorStore } from '../../src/anchor/anchor-store.ts';
import { openAnchors } from '../../src/server/anchors.ts';
import { verifyAnchors } from '../../src/server/verify-anchors.ts';
import { createTestLog } from './test-log.ts';

test('is still of its beginning', async () => {
  const log = createTestLog();
  try {
    await log.grow(300);
    const logs = join(log.dataDir, 'logs/default');
    const checkpoint = readFileSync(join(logs, 'checkpoint'), 'utf8');
    const anchor = { kind: 'file', target: 'usb', log: 'default', origin: checkpoint.split('\n')[0] as string, treeSize: 300, checkpoint } as const;
    await new AnchorStore(log.dataDir).add({ ...anchor, madeAt: '2026-01-01T00:00:00.000Z', proof: { path: '/mnt/x' } });
    await log.grow(300);
    for (const level of ['0', 'entries']) rmSync(join(logs, 'tile', level, '001.p'), { recursive: true });
    const { anchors } = await verifyAnchors('default', log.vkey, openAnchors(log.dataDir, []));
    expect(anchors).toMatchObject([{ treeSize: 300, ok: undefined, detail: expect.stringContaining('a prefix of the log') as string }]);
  } finally {
    log.remove();
  }
});

test('is not compared where a tile is gone, or not whole, which is not said to be another history', async () => {
  const log = createTestLog();
  try {
    await log.grow(600);
    const logs = join(log.dataDir, 'logs/default');
    const checkpoint = readFileSync(join(logs, 'checkpoint'), 'utf8');
    const anchor = { kind: 'file', target: 'usb', log: 'default', origin: checkpoint.split('\n')[0] as string, treeSize: 600, checkpoint } as const;
    await new AnchorStore(log.dataDir).add({ ...anchor, madeAt: '2026-01-01T00:00:00.000Z', proof: { path: '/mnt/x' } });
    // As it is on a target whose anchor here was deleted.
    const opened = openAnchors(log.dataDir, []);
    const usb = {
      name: 'usb',
      kind: 'file' as const,
      everyMs: 1,
      isBeacon: false,
      put: () => Promise.reject(new Error('not asked')),
      check: () => Promise.resolve({ ok: true, detail: 'still there' }),
      async *kept() {
        yield await Promise.resolve(checkpoint);
      },
    };
    const seen = async (): Promise<object[]> => (await verifyAnchors('default', log.vkey, { ...opened, targets: [usb] })).anchors;
    expect(await seen()).toMatchObject([{ ok: true }]);
    const detail = 'tile/1/000.p/2 of the log is missing here, or not whole: the checkpoint could not be compared';
    truncateSync(join(logs, 'tile/1/000.p/2'), 63);
    expect(await seen()).toMatchObject([{ ok: false, notCompared: true, detail }]);
    rmSync(join(logs, 'tile/1/000.p/2'));
    expect(await seen()).toMatchObject([{ ok: false, notCompared: true, detail }]);
    const report: BracketedReport = { ok: true, problemCount: 0, problems: [], steps: [], notChecked: [] } as unknown as BracketedReport;
    await addAnchors(report, log.dataDir, opened, { log: 'default', vkey: log.vkey });
    expect(report.problems).toMatchObject([{ code: 'anchor_not_compared' }]);
    rmSync(join(log.dataDir, 'anchors'), { recursive: true });
    expect(await seen()).toMatchObject([{ treeSize: 600, ok: false, notCompared: true, detail }]);
  } finally {
    log.remove();
  }
});
