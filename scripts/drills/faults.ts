/**
 * Drill: a fault at every system call that writes.
 *
 *     node scripts/drills/faults.ts [--quick] [--minutes N] [--sizes 255,65535] [--scenarios engine,append,change] [--lanes 2] [--seed HEX] [--out FILE] [--only JSON] [--home DIR] [--calls-per-site N]
 *
 * A real server is started on logs of 254 to 257 and 65,534 to 65,537 leaves, is sent events over the border, keeps house, compacts, and is stopped;
 * in the scenario `change` a key is made, somebody is erased and secrets are rotated. Every call of it that writes below the data directory fails
 * once with EIO, with ENOSPC, and ends the process (SIGKILL); besides, errors that stay until somebody has made room, writes that are cut short,
 * and processes that end in the middle of a write. After each:
 *
 * - the server answered 503 or went on or ended with code 3, and takes events again without hands once the fault is gone;
 * - the bytes as the fault left them, read by a reader of its own, have everything that was published before, and the trees that were answered;
 * - `verify` is well, before the next start and after it; the next start has all that was acknowledged, each event once, with receipts that verify.
 *
 * All of it takes hours. --minutes stops it; what is run first says most (see matrix.ts). --quick is five minutes. The faults that hit are counted
 * in the table at the end. Exits 1 when anything is violated, 3 where it cannot be run.
 */
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SeededRandom } from '../../tests/simulation/seeded-random.ts';
import { EngineLane, openEngineSeed } from './faults/engine.ts';
import { orderRuns, type PlannedRun, planEngineRuns, planRuns, recordCalls, sampleRuns } from './faults/matrix.ts';
import { FaultRun, type Outcome, type Scenario } from './faults/run.ts';
import { borders, openSeed } from './faults/seeds.ts';
import { buildShim } from './faults/shim.ts';
import { formatTable } from './faults/table.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    sizes: { type: 'string', default: [...borders.tile, ...borders.bucket].join() },
    scenarios: { type: 'string', default: 'engine,append,change' },
    lanes: { type: 'string', default: '2' },
    seed: { type: 'string', default: randomBytes(4).toString('hex') },
    out: { type: 'string' },
    only: { type: 'string' },
    home: { type: 'string' },
    'calls-per-site': { type: 'string' },
  },
});
const minutes = Number(values.minutes ?? (values.quick ? 5 : Infinity));
const scenarios = values.scenarios.split(',') as (Scenario | 'engine')[];
/** Given, it is kept, and the logs to begin with are there the next time. */
const home = values.home ?? mkdtempSync(join(tmpdir(), 'veiltrail-faults-'));
const done: { run: PlannedRun; outcome?: Outcome; error?: string }[] = [];

async function outcomeOf(run: PlannedRun, library: string, engine: EngineLane): Promise<Outcome> {
  if (run.scenario === 'engine' || run.scenario === 'power') {
    const seed = await openEngineSeed(home, run.size);
    return engine.run({ size: run.size, seed, fault: run, losePower: run.scenario === 'power' });
  }
  const one = new FaultRun(library, home, await openSeed(home, run.size), run.scenario);
  try {
    return await one.run(run);
  } finally {
    one.remove();
  }
}

async function runOne(run: PlannedRun, library: string, engine: EngineLane): Promise<void> {
  try {
    done.push({ run, outcome: await outcomeOf(run, library, engine) });
  } catch (error) {
    done.push({ run, error: (error as Error).message });
    console.log(`FAIL  ${JSON.stringify(run)}\n      ${(error as Error).message.replaceAll('\n', '\n      ')}`);
  }
  if (values.out !== undefined) appendFileSync(values.out, `${JSON.stringify(done.at(-1))}\n`);
}

async function plan(library: string, engine: EngineLane, random: SeededRandom): Promise<PlannedRun[]> {
  const planned: PlannedRun[] = [];
  const tell = (what: string, runs: readonly PlannedRun[]): void => {
    planned.push(...runs);
    const calls = new Set(runs.map(({ kind, path, nth }) => `${kind} ${path} ${nth}`));
    console.log(`${what}: ${calls.size} calls that write, ${runs.length} runs`);
  };
  const sizes = values.sizes.split(',').map(Number);
  for (const scenario of scenarios) {
    // The size 0 stands for the engine's log that is to be compacted.
    for (const size of scenario === 'engine' ? [0, ...sizes] : sizes) {
      const what = `${scenario}, ${size} leaves`;
      if (scenario === 'engine') tell(what, await planEngineRuns(engine, size, await openEngineSeed(home, size)));
      else tell(what, planRuns(size, scenario, await recordCalls(library, home, await openSeed(home, size), scenario)));
    }
  }
  const callsMax = values['calls-per-site'];
  return orderRuns(callsMax === undefined ? planned : sampleRuns(planned, Number(callsMax), random), random);
}

async function main(): Promise<number> {
  mkdirSync(home, { recursive: true });
  const library = buildShim(home);
  if (library === undefined) {
    console.log('skipped: faults at system calls take Linux and a C compiler (cc)');
    return 3;
  }
  console.log(`--seed ${values.seed}`);
  const lanes = Array.from({ length: Number(values.lanes) }, (_, i) => new EngineLane(library, join(home, `lane-${i}`)));
  const random = new SeededRandom(values.seed);
  const runs = values.only === undefined ? await plan(library, lanes[0] as EngineLane, random) : [JSON.parse(values.only) as PlannedRun];
  const waiting = [...runs];
  const untilMs = performance.now() + minutes * 60_000;
  const work = async (lane: EngineLane): Promise<void> => {
    for (let run = waiting.shift(); run && performance.now() < untilMs; run = waiting.shift()) await runOne(run, library, lane);
    lane.close();
  };
  await Promise.all(lanes.map(work));
  console.log(formatTable(done));
  const failed = done.filter(({ error }) => error !== undefined).length;
  console.log(`${done.length} of ${runs.length} runs, ${failed} violations${failed > 0 ? `; again with --only '…'` : ''}`);
  return failed > 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} finally {
  if (values.home === undefined) rmSync(home, { recursive: true, force: true });
}
