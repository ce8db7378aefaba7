/** Rehearses attacks on copies of a data directory, and compares what finds them with what is claimed. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VeiltrailError } from '../../core/errors.ts';
import { isDataDirInUse } from '../../storage/data-dir.ts';
import type { VerifyReport } from '../../app/verify-log.ts';
import { openTrail } from '../compose.ts';
import { verifyStoredLog } from '../verify.ts';
import { type Attack, attacks, prepare } from './attacks.ts';
import { copyStage, type Stage } from './stage.ts';

export interface DrillOptions {
  /** A data directory that is not in use; a copy of it is attacked. Without it one is made. */
  dataDir?: string;
  /** Classes whose name holds this text. */
  only?: string;
  onResult?: (result: DrillResult) => void;
}

export interface DrillResult {
  class: string;
  name: string;
  by: string;
  claim: Attack['claim'];
  /** What found it: `alone`, `kept`, or `nobody`. */
  foundBy: Attack['claim'];
  /** The codes of the problems that said so, the first few. */
  checks: string[];
  firstBadLeaf: number | null;
  /** How long the verification that found it took. */
  seconds: number;
  /** The claim came true. */
  ok: boolean;
}

/** Events of a directory that is made for a drill: more than two tiles' worth. */
const madeEvents = 600;
const laterEvents = 60;

/** @throws VeiltrailError `data_dir_in_use`, `drill_failed` when the stage itself does not verify */
export async function runDrill({ dataDir, only = '', onResult }: DrillOptions): Promise<DrillResult[]> {
  const home = mkdtempSync(join(tmpdir(), 'veiltrail-drill-'));
  try {
    const stage = await setStage(home, dataDir);
    await expectGood(stage);
    const results: DrillResult[] = [];
    for (const [i, attack] of attacks.entries()) {
      if (!attack.class.includes(only)) continue;
      const copy = copyStage(stage, join(home, `attack-${i}`));
      const result = await rehearse(attack, copy);
      results.push(result);
      onResult?.(result);
      rmSync(copy.dir, { recursive: true, force: true });
    }
    return results;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function rehearse(attack: Attack, stage: Stage): Promise<DrillResult> {
  prepare(stage);
  await attack.act(stage);
  const { claim, by, name } = attack;
  const head = { class: attack.class, name, by, claim };
  for (const way of ['alone', 'kept'] as const) {
    const startedMs = performance.now();
    const report = await verify(stage, way);
    const seconds = (performance.now() - startedMs) / 1_000;
    if (report.ok) continue;
    const checks = [...new Set(report.problems.map(({ code }) => code))].slice(0, 4);
    return { ...head, foundBy: way, checks, firstBadLeaf: report.firstBadLeaf, seconds, ok: claim === way };
  }
  return { ...head, foundBy: 'nobody', checks: [], firstBadLeaf: null, seconds: 0, ok: claim === 'nobody' };
}

function verify({ dir, log, vkey, checkpoint }: Stage, way: 'alone' | 'kept'): Promise<VerifyReport> {
  return verifyStoredLog(dir, way === 'alone' ? { log, others: true } : { log, vkey, keptCheckpoint: checkpoint, others: true });
}

async function expectGood(stage: Stage): Promise<void> {
  const report = await verify(stage, 'kept');
  if (!report.ok)
    throw new VeiltrailError(
      'drill_failed',
      `the directory does not verify before any attack: ${report.problems[0]?.message ?? ''}`,
      {},
      { cause: report.problems },
    );
}

/** A directory, and the same one some events earlier. */
async function setStage(home: string, dataDir: string | undefined): Promise<Stage> {
  const earlier = join(home, 'earlier');
  const dir = join(home, 'stage');
  const log = 'default';
  const other = 'drill-other';
  if (dataDir !== undefined) {
    if (isDataDirInUse(dataDir))
      throw new VeiltrailError('data_dir_in_use', 'another process has this data directory: stop it, or drill without --data');
    cpSync(dataDir, earlier, { recursive: true });
  }
  await appendTo(earlier, { [log]: dataDir === undefined ? madeEvents : 300, [other]: 300 });
  cpSync(earlier, dir, { recursive: true });
  await appendTo(dir, { [log]: laterEvents });
  const trail = await openTrail({ dataDir: dir });
  try {
    return { dir, earlier, log, other, checkpoint: (await trail.checkpoint(log)) as string, vkey: trail.vkeyOf(log) };
  } finally {
    await trail.close();
  }
}

async function appendTo(dataDir: string, logs: Record<string, number>): Promise<void> {
  const trail = await openTrail({ dataDir });
  try {
    for (const [log, count] of Object.entries(logs)) {
      await trail.createLog(log);
      const events = Array.from({ length: count }, (_, i) => ({
        action: 'drill.event',
        actor: { type: 'user', email: `person-${i % 40}@example.org` },
        metadata: { n: i },
      }));
      const body = Buffer.from(events.map((event) => JSON.stringify(event)).join('\n'));
      await trail.append({ log, principal: 'drill', body, format: 'ndjson' });
    }
  } finally {
    await trail.close();
  }
}
