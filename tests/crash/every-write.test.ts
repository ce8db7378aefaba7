/**
 * Every write of a run fails once: refused by a full disk, failed by the device, or cut by the end of the process; done all the same or not. After each,
 * the ledger is opened again, all of every log is verified, what was answered is there, and sending everything again adds nothing twice.
 */
import { cpSync, existsSync, mkdtempSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import { createCosigner, formatSignatureLine, parseNote } from '../../src/log/index.ts';
import type { Ledger, LogInfo } from '../../src/ledger/ledger.ts';
import { dataDirPaths } from '../../src/storage/data-dir.ts';
import { numbered, type TestBatch } from '../ledger/batches.ts';
import { Installation } from '../ledger/installation.ts';
import { type Fault, FaultLine, faultyRecords, faultyTiles } from './faulty-stores.ts';

type Step = readonly Omit<TestBatch, 'origin'>[];

/** What is sent: steps one after the other, the batches of a step together. Tiles fill up on the way, ids repeat, two logs take part. */
const steps: readonly Step[] = [
  [{ log: 'a', events: numbered(0, 2) }],
  [{ log: 'a', events: numbered(2, 254) }, { log: 'b', events: numbered(0, 1) }], // prettier-ignore
  [{ log: 'a', events: numbered(250, 10) }],
];
const sizes = { a: 260, b: 1 };
const witness = createCosigner('witness.example', new Uint8Array(32).fill(6));

/** Timers that go off as soon as nothing else is to do: so maintenance follows every step, and trying again follows every failure. */
const eager = {
  after(_ms: number, run: () => void) {
    const handle = setImmediate(run);
    return () => clearImmediate(handle);
  },
};

interface Run {
  at: Installation;
  line: FaultLine;
  fatal: boolean;
  /** Tree size of the newest cosigned checkpoint that the ledger said it keeps. */
  cosignedSize: number;
}

async function runWith(fault?: Fault): Promise<Run> {
  const at = new Installation();
  const run: Run = { at, line: new FaultLine(fault), fatal: false, cosignedSize: 0 };
  const records = at.openRecords();
  try {
    const options = { records: faultyRecords(records, run.line), tiles: faultyTiles(at.openTiles(), run.line), timers: eager };
    const ledger = await at.open({ ...options, onFatal: () => (run.fatal = true) });
    for (const log of ['a', 'b']) await untilDone(run, () => ledger.createLog(log, `test.example/${log}`));
    for (const step of steps) {
      await untilDone(run, () => sendAll(at, ledger, step));
      await run.line.quiet();
      await untilDone(run, () => cosign(run, ledger));
      await run.line.quiet();
    }
    await ledger.close();
  } catch (error) {
    if (!run.line.crashed) throw error;
    await run.line.quiet();
  }
  return run;
}

/** As when a witness has answered. */
async function cosign(run: Run, ledger: Ledger): Promise<void> {
  const { treeSize, checkpoint } = (ledger.logs().find(({ log }) => log === 'a') as LogInfo).published;
  const { text } = parseNote(checkpoint);
  await ledger.cosigned('a', checkpoint + formatSignatureLine(witness.cosign(text, treeSize)));
  run.cosignedSize = treeSize;
}

/** All batches of a step at once; fails when one fails, once all are answered. */
async function sendAll(at: Installation, ledger: Ledger, step: Step): Promise<void> {
  const answers = await Promise.allSettled(step.map((batch) => at.append(ledger, batch)));
  for (const answer of answers) if (answer.status === 'rejected') throw answer.reason as Error;
}

/** Does as a sender does: tries again while it is told that later may work. */
async function untilDone(run: Run, work: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    try {
      await work();
      return;
    } catch (error) {
      const retryable = error instanceof VeiltrailError && ['disk_full', 'not_published'].includes(error.code);
      if (!retryable || run.line.crashed) throw error;
      await run.line.quiet();
    }
  }
  throw new Error('storage refused for ever');
}

/** Opens what a crash left (a copy: the dead process wrote nothing more), checks it, sends everything again, and checks the end. */
async function recoverAndCheck(run: Run, damage?: (dataDir: string) => void): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'veiltrail-crash-'));
  try {
    cpSync(run.at.dataDir, dataDir, { recursive: true });
    damage?.(dataDir);
    const after = new Installation(dataDir);
    for (const [log, answered] of run.at.acknowledged) after.acknowledged.set(log, answered);
    const opened = await after.openWith(['a', 'b']);
    // What witnesses cosigned and somebody was shown is there, and on the newest checkpoint if it is of that size.
    const info = opened.logs().find(({ log }) => log === 'a');
    expect(info?.witnessed?.treeSize ?? 0).toBeGreaterThanOrEqual(run.cosignedSize);
    if (info?.witnessed?.treeSize === info?.published.treeSize) expect(info?.published.checkpoint).toBe(info?.witnessed?.checkpoint);
    for (const log of ['a', 'b']) await after.check(log);
    for (const step of steps) await sendAll(after, opened, step);
    await opened.close();
    expect({ a: await after.check('a'), b: await after.check('b') }).toEqual(sizes);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function writesOfARun(): Promise<readonly string[]> {
  const { at, line } = await runWith();
  expect({ a: await at.check('a'), b: await at.check('b') }).toEqual(sizes);
  at.remove();
  return line.writes;
}

test('a run makes every kind of write', async () => {
  const writes = await writesOfARun();
  const kinds = ['create log', 'commit', 'drop staged', 'prune', 'tidy', 'write checkpoint', 'write cosigned checkpoint', 'sync ', 'remove partials'];
  kinds.push('write tile/0/', 'write tile/1/', 'write tile/entries/');
  expect(kinds.filter((kind) => !writes.some((write) => write.startsWith(kind)))).toEqual([]);
});

test.each([
  { kind: 'refuse', persisted: false },
  { kind: 'fail', persisted: false },
  { kind: 'fail', persisted: true },
  { kind: 'crash', persisted: false },
  { kind: 'crash', persisted: true },
] as const)('any write: $kind, persisted: $persisted', async ({ kind, persisted }) => {
  const count = (await writesOfARun()).length;
  let fired = 0;
  for (let after = 0; after < count; after++) {
    const run = await runWith({ after, persisted, kind, refusals: 2 });
    try {
      if (run.line.fired) fired++;
      expect(run.fatal).toBe(run.line.crashed);
      if (run.line.crashed) await recoverAndCheck(run);
      else expect({ a: await run.at.check('a'), b: await run.at.check('b') }).toEqual(sizes);
    } catch (error) {
      throw new Error(`write ${after}: ${run.line.writes.at(-1)}`, { cause: error });
    } finally {
      run.at.remove();
    }
  }
  expect(fired).toBe(count);
});

test.each([
  ['empty', (file: string) => truncateSync(file)],
  ['gone', (file: string) => unlinkSync(file)],
  ['all zeros', (file: string, bytes: Uint8Array) => writeFileSync(file, new Uint8Array(bytes.length))],
  ['garbled', (file: string, bytes: Uint8Array) => !file.endsWith('checkpoint') && writeFileSync(file, bytes.map((byte) => byte ^ 0x55))], // prettier-ignore
  ['cut', (file: string, bytes: Uint8Array) => !file.endsWith('checkpoint') && writeFileSync(file, bytes.subarray(0, bytes.length / 2))], // prettier-ignore
] as const)('power is lost at any write and what was not synced is %s', async (_, spoil) => {
  const count = (await writesOfARun()).length;
  let spoiled = 0;
  for (let after = 0; after < count; after++) {
    const run = await runWith({ after, persisted: true, kind: 'crash' });
    try {
      await recoverAndCheck(run, (dataDir) => {
        for (const [name, bytes] of run.line.unsynced) {
          const file = join(dataDirPaths(dataDir).logs, name);
          // The write that was cut may have been a removal.
          if (!existsSync(file)) continue;
          spoil(file, bytes);
          spoiled++;
        }
      });
    } catch (error) {
      throw new Error(`write ${after}: ${run.line.writes.at(-1)}`, { cause: error });
    } finally {
      run.at.remove();
    }
  }
  expect(spoiled).toBeGreaterThan(count);
});
