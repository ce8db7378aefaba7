/** An anchor of a log that has grown since: its last tile was partial then, and only the full one is there now. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
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
