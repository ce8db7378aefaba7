/**
 * Drill: a fault at every system call that writes.
 *
 *     node scripts/drills/faults.ts [--quick] [--minutes N] [--sizes 255,65535] [--scenarios engine,append,change,govern,carry] [--parts kills,faults]
 *                                   [--lanes 2] [--seed HEX] [--home DIR] [--out FILE] [--members 1] [--calls all] [--calls-per-site N] [--once]
 *                                   [--real-kills] [--processes] [--only JSON]
 *
 * Logs of 254 to 257 and 65,534 to 65,537 leaves grow over the border: in the engine (ledger, stores, compaction, vault in one process), and at real
 * servers, which are sent events, keep house, compact, and are stopped; in the scenario `change` somebody is erased and secrets are rotated, in `govern`
 * all the rest is done that officers and administrators do (scenarios.ts), in `carry` records leave and are watched. Every call that writes below the data directory
 *
 * - finds a directory that a SIGKILL at it leaves, whole or in the middle of a write: those are made from one run (kills.ts);
 * - fails once with EIO and with ENOSPC (part `faults`); besides, unless there is --once, with errors that stay until somebody has made room, with
 *   writes that are cut short, and with failed fsyncs followed by a loss of power. At servers, at calls that the engine does not make, and at
 *   other sizes than 255 at those of sites of which there are more or fewer than there; with `--calls all` at all.
 *
 * After each:
 *
 * - the server answered 503 or went on or ended with code 3, and takes events again without hands once the fault is gone;
 * - the bytes as the fault left them, read by a reader of its own, have everything that was published before, and the trees that were answered;
 * - `verify` is well, before the next start and after it; the next start has all that was acknowledged, each event once, with receipts that verify.
 *
 * All of that is done in processes that go on from case to case, where the threads of a server run in one (one-thread.ts); one in forty is judged by
 * processes and threads as well (control.ts), and so is each that goes wrong; with --processes all are.
 *
 * All of it takes hours of CPU. With --home and --out it goes on where it was ended, for as long as the sources are the same; --minutes ends it; what is
 * run first says most (matrix.ts). --quick is five minutes. The last lines count what hit. Exits 1 when anything is violated, 3 where it cannot be run.
 */
import { execFileSync } from 'node:child_process';
import { hash, randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SeededRandom } from '../../tests/simulation/seeded-random.ts';
import { EngineLane, openEngineSeed } from './faults/engine.ts';
import { chooseKills, findKills, type Judged, judgeKills, type Kill } from './faults/kills.ts';
import { type Life, openEngineLife, openServerLife } from './faults/lives.ts';
import {
  findUnequal,
  isServersOwn,
  orderRuns,
  ownSize,
  type PlannedRun,
  planEngineRuns,
  planRuns,
  recordCalls,
  sampleRuns,
} from './faults/matrix.ts';
import { runThreadsHere } from './faults/one-thread.ts';
import { FaultRun, type Outcome, RunLane, type RunOptions } from './faults/run.ts';
import type { Scenario } from './faults/scenarios.ts';
import { borders, openSeed } from './faults/seeds.ts';
import { buildShim } from './faults/shim.ts';
import { type Done, formatTable } from './faults/table.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    sizes: { type: 'string', default: [...borders.tile, ...borders.bucket].join() },
    scenarios: { type: 'string', default: 'engine,append,change,govern,carry' },
    parts: { type: 'string', default: 'kills,faults' },
    members: { type: 'string', default: '1' },
    calls: { type: 'string', default: 'own' },
    once: { type: 'boolean', default: false },
    'real-kills': { type: 'boolean', default: false },
    processes: { type: 'boolean', default: false },
    lanes: { type: 'string', default: '2' },
    seed: { type: 'string', default: randomBytes(4).toString('hex') },
    out: { type: 'string' },
    only: { type: 'string' },
    home: { type: 'string' },
    'calls-per-site': { type: 'string' },
  },
});
const minutes = Number(values.minutes ?? (values.quick ? 5 : Infinity));
const isOfProcesses = values.processes || values['real-kills'];
const scenarios = values.scenarios.split(',') as (Scenario | 'engine')[];
/** Given, it is kept, and the logs to begin with are there the next time. */
const home = values.home ?? mkdtempSync(join(tmpdir(), 'veiltrail-faults-'));
const done: Done[] = [];
const judged: JudgedKill[] = [];
const commit = commitOf();
let untilMs = Infinity;

interface JudgedKill extends Judged {
  life: string;
  kill: Kill;
}

/** What an earlier run has done already. */
function readDone(): void {
  if (values.out === undefined || !existsSync(values.out)) return;
  for (const line of readFileSync(values.out, 'utf8').split('\n').filter(Boolean)) {
    const one = JSON.parse(line) as Done | JudgedKill;
    if ('kill' in one) judged.push(one);
    else done.push(one);
  }
}

function note(one: Done | JudgedKill): void {
  if ('kill' in one) judged.push(one);
  else done.push(one);
  if (one.error !== undefined)
    console.log(
      `FAIL  ${JSON.stringify('kill' in one ? { life: one.life, kill: one.kill } : one.run)}\n      ${one.error.replaceAll('\n', '\n      ')}`,
    );
  if (values.out !== undefined) appendFileSync(values.out, `${JSON.stringify({ ...one, of: commit })}\n`);
}

/** Where runs are made: one at a time in each. */
interface Lane {
  engine: EngineLane;
  servers: RunLane;
}

async function outcomeOf(run: PlannedRun, library: string, lane: Lane): Promise<Outcome> {
  if (run.scenario === 'engine' || run.scenario === 'power') {
    const seed = await openEngineSeed(home, run.size);
    return lane.engine.run({ size: run.size, seed, fault: run, losePower: run.scenario === 'power' });
  }
  const serve = async (options: RunOptions): Promise<Outcome> => {
    const one = new FaultRun(library, home, await openSeed(home, run.size), run.scenario as Scenario, options);
    try {
      return await one.run(run);
    } finally {
      one.remove();
    }
  };
  if (isOfProcesses) return serve({});
  let warm: Outcome;
  try {
    warm = await serve({ lane: lane.servers });
  } catch (error) {
    // What went wrong in a process that has served before is wrong when one goes wrong that has not.
    return { ...(await serve({})), warm: (error as Error).message };
  }
  if (!isDrawn(run)) return warm;
  const { became } = await serve({});
  return { ...warm, controlled: became };
}

async function runOne(run: PlannedRun, library: string, lane: Lane): Promise<void> {
  try {
    note({ run, outcome: await outcomeOf(run, library, lane) });
  } catch (error) {
    note({ run, error: (error as Error).message });
  }
}

/** One in forty. */
function isDrawn(run: PlannedRun): boolean {
  return hash('sha256', keyOf(run), 'buffer').readUInt32BE(0) % 40 === 0;
}

/** Kills of one life after the other. @param asked of one that is to be judged again */
async function killAll(library: string, engine: EngineLane, random: SeededRandom, lives: readonly string[], asked?: Kill): Promise<void> {
  // Where the time has an end, half of it is for errors.
  const endsMs = performance.now() + (values.parts.includes('faults') ? (minutes * 60_000) / 2 : minutes * 60_000);
  for (const name of lives) {
    if (performance.now() >= endsMs) return;
    const [scenario, size] = name.split('-') as [Scenario | 'engine', string];
    const open = scenario === 'engine' ? openEngineLife(library, home, Number(size), engine) : openServerLife(library, home, Number(size), scenario);
    await killLife(await open, random, endsMs, asked);
  }
}

async function killLife(life: Life, random: SeededRandom, endsMs: number, asked?: Kill): Promise<void> {
  const at = join(home, 'kills');
  mkdirSync(at, { recursive: true });
  const classes = findKills(life, at);
  const kills = asked
    ? classes.flat().filter(({ call, isTorn }) => call === asked.call && isTorn === asked.isTorn)
    : chooseKills(classes, Number(values.members), random);
  const calls = life.tape.filter(({ kind }) => kind !== 'answer').length;
  console.log(`${life.name}: ${calls} calls that write, ${classes.flat().length} kills that leave ${classes.length} states`);
  const before = new Set(judged.filter((one) => one.life === life.name).map(({ kill }) => `${kill.call} ${kill.isTorn}`));
  const left = kills.filter(({ call, isTorn }) => !before.has(`${call} ${isTorn}`));
  await judgeKills(life, at, left, (kill, one) => {
    note({ life: life.name, kill, ...one });
    return performance.now() < endsMs;
  });
  const of = judged.filter((one) => one.life === life.name);
  const states = new Set(of.map(({ kill }) => `${kill.state} ${kill.acknowledged}`));
  console.log(
    `${life.name}: ${states.size} of ${classes.length} states judged, by ${of.length} kills, ${of.filter(({ controlled }) => controlled).length} by real processes, too, ${countErrors(of)} violations`,
  );
}

function sizesOf(scenario: Scenario | 'engine'): number[] {
  const sizes = values.sizes.split(',').map(Number);
  // The size 0 stands for the engine's log that is to be compacted.
  return scenario === 'engine' ? [0, ...sizes] : sizes;
}

function countErrors(of: readonly { error?: string }[]): number {
  return of.filter(({ error }) => error !== undefined).length;
}

async function plan(library: string, lane: Lane, random: SeededRandom): Promise<PlannedRun[]> {
  const planned: PlannedRun[] = [];
  const tell = (what: string, all: readonly PlannedRun[]): void => {
    const isMeant = ({ fault, stays, scenario }: PlannedRun): boolean =>
      fault === 'kill' || fault === 'torn' ? values['real-kills'] : !values.once || (!stays && fault !== 'short' && scenario !== 'power');
    const runs = all.filter(isMeant);
    planned.push(...runs);
    const calls = new Set(runs.map(({ kind, path, nth }) => `${kind} ${path} ${nth}`));
    console.log(`${what}: ${calls.size} calls that write, ${runs.length} runs`);
  };
  const known = new Map<string, Promise<PlannedRun[]>>();
  for (const scenario of scenarios) {
    for (const size of sizesOf(scenario)) {
      const what = `${scenario}, ${size} leaves`;
      if (scenario === 'engine') tell(what, await planEngineRuns(lane.engine, size, await openEngineSeed(home, size)));
      else {
        const record = async (at: number): Promise<PlannedRun[]> => {
          const calls = await recordCalls(library, home, await openSeed(home, at), scenario, isOfProcesses ? undefined : lane.servers);
          return planRuns(at, scenario, calls);
        };
        const runsAt = (at: number): Promise<PlannedRun[]> => {
          const key = `${scenario} ${at}`;
          const runs = known.get(key) ?? record(at);
          known.set(key, runs);
          return runs;
        };
        const all = await runsAt(size);
        if (values.calls === 'all') tell(what, all);
        else if (size === ownSize) tell(what, all.filter(isServersOwn));
        else tell(`${what}, that have no equal at ${ownSize}`, findUnequal(all.filter(isServersOwn), await runsAt(ownSize)));
      }
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
  console.log(`--seed ${values.seed}, of ${commit}`);
  if (!isOfProcesses) runThreadsHere();
  const lanes = Array.from({ length: Number(values.lanes) }, (_, i): Lane => {
    const at = join(home, `lane-${i}`);
    return { engine: new EngineLane(library, at), servers: new RunLane(library, join(at, 'served')) };
  });
  const [first] = lanes as [Lane];
  const random = new SeededRandom(values.seed);
  untilMs = performance.now() + minutes * 60_000;
  const only = values.only === undefined ? undefined : (JSON.parse(values.only) as PlannedRun | JudgedKill);
  const parts = only ? ['life' in only ? 'kills' : 'faults'] : values.parts.split(',');
  if (!only) readDone();
  if (only && 'life' in only) await killAll(library, first.engine, random, [only.life], only.kill);
  else if (parts.includes('kills'))
    await killAll(
      library,
      first.engine,
      random,
      scenarios.flatMap((scenario) => sizesOf(scenario).map((size) => `${scenario}-${size}`)),
    );
  let planned = 0;
  if (parts.includes('faults')) {
    const runs = only ? [only as PlannedRun] : await plan(library, first, random);
    planned = runs.length;
    const before = new Set(done.map(({ run }) => keyOf(run)));
    const waiting = runs.filter((run) => !before.has(keyOf(run)));
    const work = async (lane: Lane): Promise<void> => {
      for (let run = waiting.shift(); run && performance.now() < untilMs; run = waiting.shift()) await runOne(run, library, lane);
    };
    await Promise.all(lanes.map(work));
    console.log(formatTable(done));
  }
  for (const { engine, servers } of lanes) {
    engine.close();
    servers.close();
  }
  const failed = countErrors(done) + countErrors(judged);
  console.log(
    `${judged.length} kills judged, ${done.length} of ${planned} faults, ${failed} violations${failed > 0 ? `; again with --only '…'` : ''}`,
  );
  return failed > 0 ? 1 : 0;
}

/** What is tried. */
function commitOf(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=40'], { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  } catch {
    return 'a copy that git does not know';
  }
}

const keyOf = ({ size, scenario, kind, path, nth, fault, stays }: PlannedRun): string => [size, scenario, kind, path, nth, fault, stays].join(' ');

try {
  process.exitCode = await main();
} finally {
  if (values.home === undefined) rmSync(home, { recursive: true, force: true });
}
