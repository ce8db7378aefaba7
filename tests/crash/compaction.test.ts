/**
 * Compaction: every write of it fails once, done all the same or not. Whatever a crash leaves, each record is read as it was received, and the
 * next start brings everything to the same end: one file, one key, no chunk, no key of a bucket that has none.
 */
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RecordEdits } from '../../src/ledger/rewrite.ts';
import { type Fault, FaultLine } from './faulty-stores.ts';
import { compactedLog, CompactingLog, storedLeaves, storedLines } from '../ledger/compacting.ts';

async function expectDone(log: CompactingLog): Promise<void> {
  expect(log.errors).toEqual([]);
  expect(await log.readAll()).toEqual(storedLines());
  expect((await log.store.recordsFrom(compactedLog, 0))?.in).toBe('segments');
  expect((await log.store.chunkFrom(compactedLog, 0))?.firstLeaf).toBe(65_536);
  expect(log.files()).toEqual(['a/default/00000000.1']);
  expect(await log.vault.segmentKeyNames()).toEqual([{ log: compactedLog, class: 'default', bucket: 0, generation: 1 }]);
  expect(await log.vault.bucketKeyNames()).toEqual([{ log: compactedLog, bucket: 1 }]);
}

async function runWith(fault?: Fault): Promise<CompactingLog> {
  const log = await CompactingLog.make(new FaultLine(fault));
  log.compactor.start();
  await log.compactor.idle();
  return log;
}

async function writesOfARun(): Promise<readonly string[]> {
  const log = await runWith();
  await expectDone(log);
  await log.close();
  log.remove();
  return log.line.writes;
}

test('a compaction makes every kind of write', async () => {
  const writes = await writesOfARun();
  for (const kind of [
    'makeSegmentKey',
    'part of a segment',
    'segment is on disk',
    'register segments',
    'drop left over',
    'dropBucketKey',
    'remove unknown segments',
  ])
    // prettier-ignore
    expect(writes).toContain(kind);
});

test.each([
  { kind: 'crash', persisted: false },
  { kind: 'crash', persisted: true },
] as const)('any write: $kind, persisted: $persisted', async ({ kind, persisted }) => {
  const count = (await writesOfARun()).length;
  expect(count).toBeGreaterThan(12);
  for (let after = 0; after < count; after++) {
    const log = await runWith({ after, persisted, kind });
    const write = `write ${after}: ${log.line.writes.at(-1)}`;
    try {
      expect(log.line.fired).toBe(true);
      expect(log.errors).not.toEqual([]);
      await log.close();
      // What a dead process leaves beside the file that it was writing.
      const directory = join(log.dir, 'segments', compactedLog, 'default');
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, '00000000.1.writing'), 'half');
      const next = CompactingLog.open(log.dir);
      expect(await next.readAll()).toEqual(storedLines());
      next.compactor.start();
      await next.compactor.idle();
      await expectDone(next);
      await next.close();
    } catch (error) {
      throw new Error(write, { cause: error });
    } finally {
      log.remove();
    }
  }
});

test('a full disk: nothing is lost, and it is done once there is room', async () => {
  const count = (await writesOfARun()).length;
  for (let after = 0; after < count; after++) {
    const log = await runWith({ after, persisted: false, kind: 'refuse', refusals: 1 });
    try {
      expect(await log.readAll()).toEqual(storedLines());
      log.errors.length = 0;
      log.compactor.start();
      await log.compactor.idle();
      await expectDone(log);
    } catch (error) {
      throw new Error(`write ${after}: ${log.line.writes.findLast((write) => write.endsWith('(fails)'))}`, { cause: error });
    } finally {
      await log.close();
      log.remove();
    }
  }
});

/** What is left when leaves 2, 3 and 65,531 are removed. */
const left = storedLines(storedLeaves().filter((leaf) => ![2, 3, 65_531].includes(leaf)));
const removed: RecordEdits = { removed: [2, 4, 65_531, 65_532], redactions: [] };

async function removeFrom(log: CompactingLog): Promise<void> {
  const resume = await log.compactor.pause();
  try {
    await log.compactor.rewrite(compactedLog, removed);
  } finally {
    resume();
  }
}

test('any write of a removal from segments: none is there half, and the next one finishes it', async () => {
  const made = await runWith();
  await made.close();
  const copyOf = (line: FaultLine): CompactingLog => {
    const dir = mkdtempSync(join(tmpdir(), 'veiltrail-compact-'));
    cpSync(made.dir, dir, { recursive: true });
    return CompactingLog.open(dir, line);
  };
  const whole = copyOf(new FaultLine());
  await removeFrom(whole);
  const count = whole.line.writes.length;
  expect(whole.line.writes).toContain('replace segments');
  await whole.close();
  whole.remove();
  for (const persisted of [false, true]) {
    for (let after = 0; after < count; after++) {
      const log = copyOf(new FaultLine({ after, persisted, kind: 'crash' }));
      try {
        await expect(removeFrom(log)).rejects.toMatchObject({ code: 'storage_failed' });
        await log.close();
        const next = CompactingLog.open(log.dir);
        // Before the one transaction all is there, and behind it what is removed is not.
        expect([storedLines().length, left.length]).toContain((await next.readAll()).length);
        await removeFrom(next);
        expect(await next.readAll()).toEqual(left);
        expect(next.files()).toEqual(['a/default/00000000.2']);
        expect(await next.vault.segmentKeyNames()).toEqual([{ log: compactedLog, class: 'default', bucket: 0, generation: 2 }]);
        await next.close();
      } catch (error) {
        throw new Error(`write ${after}: ${log.line.writes.at(-1)}`, { cause: error });
      } finally {
        log.remove();
      }
    }
  }
  made.remove();
});
