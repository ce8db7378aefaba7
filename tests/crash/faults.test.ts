/**
 * Faults at system calls, a sample of the drill (scripts/drills/faults.ts): at each border of the tree every kind of call that writes fails once, with
 * EIO or ENOSPC, one process is killed, and once the power goes after an fsync that failed. Which call, and at which size, follows from the seed.
 *
 * To run a seed again: VEILTRAIL_SEED=… vitest run tests/crash/faults.test.ts
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest';
import { EngineLane, openEngineSeed } from '../../scripts/drills/faults/engine.ts';
import { planEngineRuns, type PlannedRun } from '../../scripts/drills/faults/matrix.ts';
import { FaultRun } from '../../scripts/drills/faults/run.ts';
import { borders, openSeed } from '../../scripts/drills/faults/seeds.ts';
import { buildShim } from '../../scripts/drills/faults/shim.ts';
import { SeededRandom } from '../simulation/seeded-random.ts';

const seed = process.env['VEILTRAIL_SEED'] ?? randomBytes(4).toString('hex');
const random = new SeededRandom(seed);
const home = mkdtempSync(join(tmpdir(), 'veiltrail-faults-'));
let library: string | undefined;
let lane: EngineLane | undefined;

beforeAll(() => {
  console.log(`VEILTRAIL_SEED=${seed}`);
  library = buildShim(home);
  if (library !== undefined) lane = new EngineLane(library, join(home, 'lane'));
});
afterAll(() => {
  lane?.close();
  rmSync(home, { recursive: true, force: true });
});

function needShim(context: TestContext): { library: string; lane: EngineLane } {
  if (library === undefined || !lane) return context.skip('faults at system calls take Linux and a C compiler (cc)');
  return { library, lane };
}

/** One run of each kind of call, one that is killed, and where there is one, one that loses the power. */
function sample(runs: readonly PlannedRun[]): PlannedRun[] {
  const failing = runs.filter(({ scenario, fault, stays }) => scenario === 'engine' && !stays && (fault === 'EIO' || fault === 'ENOSPC'));
  const kinds = Map.groupBy(failing, ({ kind }) => kind);
  const others = [runs.filter(({ fault }) => fault === 'kill'), runs.filter(({ scenario }) => scenario === 'power')];
  return [...kinds.values(), ...others].filter((of) => of.length > 0).map((of) => random.pick(of));
}

const sizes = { 'a bucket that is compacted': 0, 'a tile': random.pick(borders.tile), 'a bucket': random.pick(borders.bucket) };

for (const [border, size] of Object.entries(sizes))
  test(`every kind of call that writes, at the border of ${border}`, { timeout: 120_000 }, (context) => failEveryKind(context, size));

async function failEveryKind(context: TestContext, size: number): Promise<void> {
  const { lane } = needShim(context);
  const dir = await openEngineSeed(home, size);
  const runs = await planEngineRuns(lane, size, dir);
  const chosen = sample(runs);
  const kinds = ['create', 'fsync', 'mkdir', 'pwrite', 'rename', 'truncate', 'unlink', 'write'];
  expect(new Set(chosen.map(({ kind }) => kind))).toEqual(new Set([...kinds, ...(chosen.some(({ kind }) => kind === 'rmdir') ? ['rmdir'] : [])]));
  let fired = 0;
  for (const run of chosen) {
    try {
      const result = await lane.run({ size, seed: dir, fault: run, losePower: run.scenario === 'power' });
      if (result.fired > 0) fired++;
      if (run.fault === 'kill') expect(result.became).toBe('killed');
    } catch (error) {
      throw new Error(`VEILTRAIL_SEED=${seed}: node scripts/drills/faults.ts --only '${JSON.stringify(run)}'`, { cause: error });
    }
  }
  // A job is the same every time, but for what depends on when its maintenance comes.
  expect(fired).toBeGreaterThanOrEqual(chosen.length - 2);
}

test('a disk that has no room even for removing is a full one, and not a broken one', { timeout: 120_000 }, async (context) => {
  const { lane } = needShim(context);
  const path = 'logs/a/tile/entries/000.p/255';
  const job = { size: 255, seed: await openEngineSeed(home, 255), fault: { fault: 'ENOSPC', stays: false, kind: 'unlink', path, nth: 1 } } as const;
  expect(await lane.run(job)).toMatchObject({ became: 'unharmed', fired: 1 });
});

test('a real server that is killed at a call while it starts, with its seal half taken off', { timeout: 120_000 }, async (context) => {
  const { library } = needShim(context);
  const path = random.pick(['seal.json', 'records.db-wal', 'vault.db-wal', 'requests.db-wal']);
  const kind = path === 'seal.json' ? random.pick(['rename', 'unlink']) : 'create';
  const run = new FaultRun(library, home, await openSeed(home, 255), 'append');
  try {
    expect(await run.run({ fault: 'kill', stays: false, kind, path, nth: 1 })).toMatchObject({ became: 'killed', phase: 'start' });
  } catch (error) {
    throw new Error(`VEILTRAIL_SEED=${seed}, ${kind} ${path}`, { cause: error });
  } finally {
    run.remove();
  }
});
