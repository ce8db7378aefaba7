/**
 * Lives without a fault, on tape: what a process wrote from its start to its end, what it acknowledged and when, and the directory at its end. Each is made
 * once below a directory and kept there.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { carryConfig, takeForOwn } from './carry.ts';
import { EngineLane, openEngineSeed } from './engine.ts';
import type { Promised } from './engine-child.ts';
import { Acknowledged } from './faulted-server.ts';
import { judge, type Left } from './judge.ts';
import { judgeServed } from './control.ts';
import { FaultRun } from './run.ts';
import type { Scenario } from './scenarios.ts';
import { openSeed } from './seeds.ts';
import { readTape, type TapedCall } from './tape.ts';

export interface Life {
  name: string;
  /** The directory to begin with. */
  seed: string;
  /** The directory at its end. */
  end: string;
  tape: readonly TapedCall[];
  /** How much was acknowledged after some calls and answers; equal numbers mean the same. */
  acknowledgedBy(calls: number, answers: number): number;
  /** Holds a directory, which it changes, against what was acknowledged. @throws Error what is violated */
  judge: (left: string, acknowledged: number) => Promise<void>;
  /** The same, by real processes. */
  control?: (left: string, acknowledged: number) => Promise<void>;
}

/** A life of the engine. @param lane judges what is left */
export async function openEngineLife(library: string, home: string, size: number, lane: EngineLane): Promise<Life> {
  const seed = await openEngineSeed(home, size);
  const name = `engine-${size}`;
  const at = await recordOnce(join(home, `life-${name}`), async (dir) => {
    const recording = new EngineLane(library, join(dir, 'lane'), join(dir, 'tape'));
    try {
      const promised: Promised[] = [];
      const { became, calls, callsBefore } = await recording.run({ size, seed, keep: join(dir, 'end') }, promised);
      if (became !== 'unharmed') throw new Error(`without a fault the engine was ${became}`);
      return { calls, callsBefore, promised };
    } finally {
      recording.close();
    }
  });
  const { calls, callsBefore, promised } = at.notes as { calls: number; callsBefore: number; promised: Promised[] };
  return {
    name,
    seed,
    end: at.end,
    // Before, the process copied the seed; afterwards, it looked at what it had left.
    tape: at.tape.slice(callsBefore, callsBefore + calls),
    acknowledgedBy: (done) => promised.filter((one) => one.calls <= done).length,
    judge: async (left, acknowledged) => {
      await lane.run({ size, seed, left, after: promised.slice(0, acknowledged) });
    },
  };
}

/** A life of a real server. */
export async function openServerLife(library: string, home: string, size: number, scenario: Scenario): Promise<Life> {
  const seed = await openSeed(home, size);
  // Directories that no call of the server makes.
  if (scenario === 'carry') carryConfig(seed.dir);
  const name = `${scenario}-${size}`;
  const at = await recordOnce(join(home, `life-${name}`), async (dir) => {
    const run = new FaultRun(library, dir, seed, scenario, { tape: join(dir, 'tape') });
    try {
      const became = await run.serve();
      if (became !== 'unharmed') throw new Error(`without a fault it was ${became}`);
      cpSync(run.dataDir, join(dir, 'end'), { recursive: true, preserveTimestamps: true });
      return [...run.acknowledged.moments, run.acknowledged].map((moment) => moment.toJSON());
    } finally {
      run.remove();
    }
  });
  const moments = (at.notes as ReturnType<Acknowledged['toJSON']>[]).map((moment) => Acknowledged.from(moment));
  const answers = at.tape.filter(({ kind }) => kind === 'answer').length;
  if (answers !== moments.length - 1) throw new Error(`${answers} answers are on the tape, and ${moments.length - 1} were taken`);
  const leftOf = (dataDir: string, acknowledged: number): Left => {
    takeForOwn(dataDir);
    return {
      dataDir,
      seed,
      scenario,
      // Whoever judges takes part in it.
      acknowledged: (moments[acknowledged] as Acknowledged).copy(),
      // Where it had not begun, compaction is what it always is.
      waits: existsSync(join(dataDir, 'segments')),
    };
  };
  return {
    name,
    seed: seed.dir,
    end: at.end,
    tape: at.tape,
    acknowledgedBy: (_, answers) => answers,
    judge: (left, acknowledged) => judge(leftOf(left, acknowledged)),
    control: (left, acknowledged) => judgeServed(leftOf(left, acknowledged), home),
  };
}

async function recordOnce(dir: string, record: (dir: string) => Promise<unknown>): Promise<{ tape: TapedCall[]; end: string; notes: unknown }> {
  const notes = join(dir, 'notes.json');
  if (!existsSync(notes)) {
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir, { recursive: true });
    writeFileSync(notes, JSON.stringify(await record(dir)));
  }
  return { tape: readTape(join(dir, 'tape')), end: join(dir, 'end'), notes: JSON.parse(readFileSync(notes, 'utf8')) };
}
