/**
 * Faults at system calls, a sample of the drill (scripts/drills/faults.ts): at each border of the tree every kind of call that writes fails once, with
 * EIO or ENOSPC, one process is killed, and once the power goes after an fsync that failed; of a life on tape some kills are judged. Which call, and at
 * which size, follows from the seed.
 *
 * To run a seed again: VEILTRAIL_SEED=… vitest run tests/crash/faults.test.ts
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest';
import { DirectoryState } from '../../scripts/drills/faults/directory-state.ts';
import { createAccessFile } from '../../src/access/access-file.ts';
import { EngineLane, openEngineSeed } from '../../scripts/drills/faults/engine.ts';
import { findKills, type Judged, judgeKills, type Kill } from '../../scripts/drills/faults/kills.ts';
import { type Life, openEngineLife, openServerLife } from '../../scripts/drills/faults/lives.ts';
import { planEngineRuns, type PlannedRun, planRuns, recordCalls } from '../../scripts/drills/faults/matrix.ts';
import { runThreadsHere } from '../../scripts/drills/faults/one-thread.ts';
import { FaultRun, RunLane } from '../../scripts/drills/faults/run.ts';
import { borders, openSeed } from '../../scripts/drills/faults/seeds.ts';
import { buildShim, FaultControl } from '../../scripts/drills/faults/shim.ts';
import { SeededRandom } from '../simulation/seeded-random.ts';

const seed = process.env['VEILTRAIL_SEED'] ?? randomBytes(4).toString('hex');
const random = new SeededRandom(seed);
const home = mkdtempSync(join(tmpdir(), 'veiltrail-faults-'));
let library: string | undefined;
let lane: EngineLane | undefined;

beforeAll(() => {
  console.log(`VEILTRAIL_SEED=${seed}`);
  runThreadsHere();
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
  test(`every kind of call that writes, at the border of ${border}`, (context) => failEveryKind(context, size));

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

test('a disk that has no room even for removing is a full one, and not a broken one', async (context) => {
  const { lane } = needShim(context);
  const path = 'logs/a/tile/entries/000.p/255';
  const job = { size: 255, seed: await openEngineSeed(home, 255), fault: { fault: 'ENOSPC', stays: false, kind: 'unlink', path, nth: 1 } } as const;
  expect(await lane.run(job)).toMatchObject({ became: 'unharmed', fired: 1 });
});

test('a lock of the keys that cannot be removed keeps nobody from changing them', async (context) => {
  const { library } = needShim(context);
  const at = join(home, 'keys-lock');
  const dataDir = join(at, 'data');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  createAccessFile(dataDir, []);
  const control = new FaultControl(library, at, dataDir);
  for (const fault of ['ENOSPC', 'EIO'] as const) {
    control.arm({ fault, stays: false, kind: 'unlink', path: 'access.json.lock', nth: 1 });
    const source = new URL('../../src/access/access-file.ts', import.meta.url).href;
    const script = `import { changeAccessFile } from ${JSON.stringify(source)};
      const startMs = performance.now();
      for (let i = 0; i < 2; i++) changeAccessFile(${JSON.stringify(dataDir)}, (rows) => rows);
      process.stdout.write(String(performance.now() - startMs));`;
    const env = { ...process.env, NODE_OPTIONS: '', ...control.environment };
    const tookMs = Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', env }));
    expect(control.fired).toBe(1);
    // Whoever waits for another process waits for five seconds; two changes take some milliseconds.
    expect(tookMs).toBeLessThan(5_000);
    expect(existsSync(join(dataDir, 'access.json.lock'))).toBe(false);
  }
  control.close();
});

test('the calls of a life make its directory again, and what its kills leave is whole', async (context) => {
  const { library, lane } = needShim(context);
  const life = await openEngineLife(library, home, random.pick(borders.tile), lane);
  const at = join(home, 'kills');
  mkdirSync(at);
  const classes = findKills(life, at);
  const kills = classes.flat();
  expect(kills.length).toBeGreaterThan(life.tape.length);
  expect(new Set(kills.map(({ call, isTorn }) => `${call} ${isTorn}`)).size).toBe(kills.length);
  const chosen = [random.pick(classes), classes.at(-1) ?? []].map((members) => random.pick(members));
  const told: string[] = [];
  await judgeKills(life, at, chosen, (kill, { error }) => {
    told.push(error ?? `${kill.call}`);
    return true;
  });
  expect(told.toSorted(), `VEILTRAIL_SEED=${seed}`).toEqual(chosen.map(({ call }) => `${call}`).toSorted());
  // One call less is another directory, and a promise more is one that is broken.
  const published = life.tape.findLastIndex(({ kind, path }) => kind === 'rename' && path === 'logs/a/checkpoint');
  const without = life.tape.toSpliced(published, 1);
  expect(() => findKills({ ...life, tape: without }, at)).toThrow('replayed, ');
  const all = life.acknowledgedBy(Infinity, 0);
  const tooEarly = { ...life, acknowledgedBy: () => all };
  const errors: (string | undefined)[] = [];
  await judgeKills(tooEarly, at, kills.slice(0, 1), (_, { error }) => errors.push(error) > 0);
  expect(errors).toEqual([expect.stringMatching(/was told of|is not there/)]);
});

test('what no recovery reads of a write-ahead log names no other state', () => {
  const dir = mkdtempSync(join(home, 'wal-'));
  const file = join(dir, 'x.db');
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (x); INSERT INTO t VALUES (randomblob(9000))');
  const nameOf = (name: string, change: (copy: string) => void = () => undefined): string => {
    const copy = join(dir, name);
    mkdirSync(copy);
    for (const suffix of ['', '-wal']) copyFileSync(`${file}${suffix}`, join(copy, `x.db${suffix}`));
    change(copy);
    return new DirectoryState(copy).name();
  };
  const first = nameOf('first');
  const frame = 24 + 4_096;
  const wal = (copy: string): string => join(copy, 'x.db-wal');
  const cutBy = (bytes: number) => (copy: string) => truncateSync(wal(copy), statSync(wal(copy)).size - bytes);
  // Frames of a transaction that did not end, or whose bytes are not those that were summed up, are not there.
  expect(nameOf('garbage', (copy) => appendFileSync(wal(copy), Buffer.alloc(frame, 7)))).toBe(first);
  const cut = nameOf('cut', cutBy(1));
  expect(cut).not.toBe(first);
  expect(nameOf('cut more', cutBy(frame + 1))).toBe(cut);
  const firstRows = (copy: string): number => {
    const opened = new DatabaseSync(join(copy, 'x.db'));
    const { rows } = opened.prepare('SELECT count(*) AS rows FROM t').get() as { rows: number };
    opened.close();
    return rows;
  };
  expect([firstRows(join(dir, 'garbage')), firstRows(join(dir, 'cut')), firstRows(join(dir, 'cut more'))]).toEqual([1, 0, 0]);
  // Pages of the database that the log has are not read; others are.
  const flip = (page: number) => (copy: string) => {
    const fd = openSync(join(copy, 'x.db'), 'r+');
    writeSync(fd, Buffer.of(0xff), 0, 1, (page - 1) * 4_096 + 2_000);
    closeSync(fd);
  };
  database.exec('PRAGMA wal_checkpoint(TRUNCATE); UPDATE t SET x = randomblob(9000)');
  const second = nameOf('second');
  expect(nameOf('page 2', flip(2))).toBe(second);
  expect(nameOf('page 1', flip(1))).not.toBe(second);
  // A state has the name that it has to whoever comes only now: also where another header was half written first.
  const copy = join(dir, 'second');
  const watched = new DirectoryState(copy);
  const header = Buffer.alloc(32, 9);
  for (const bytes of [header.subarray(0, 16), header]) {
    const fd = openSync(wal(copy), 'r+');
    writeSync(fd, bytes, 0, bytes.length, 0);
    closeSync(fd);
    watched.note({ kind: 'pwrite', path: 'x.db-wal', oldPath: '', number: 0, flags: 0, result: bytes.length, bytes });
    expect(watched.name()).toBe(new DirectoryState(copy).name());
  }
  database.close();
});

test('a real server that is killed at a call while it starts, with its seal half taken off', async (context) => {
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

test('what a kill of a server leaves is judged in one thread as processes judge it', async (context) => {
  const { library } = needShim(context);
  const life = await openServerLife(library, home, 255, 'append');
  const at = join(home, 'served-kills');
  mkdirSync(at);
  const classes = findKills(life, at);
  const judge = async (kill: Kill | undefined, one: Partial<Life>): Promise<Judged | undefined> => {
    let told: Judged | undefined;
    await judgeKills({ ...life, ...one }, at, kill ? [kill] : [], (_, judged) => (told = judged) === undefined);
    return told;
  };
  const kill = random.pick(random.pick(classes));
  expect(await judge(kill, { control: () => Promise.resolve() }), `VEILTRAIL_SEED=${seed}`).not.toHaveProperty('error');
  expect(await judge(kill, { judge: life.control ?? life.judge, control: () => Promise.resolve() }), `VEILTRAIL_SEED=${seed}`).not.toHaveProperty(
    'error',
  );
  // The directory of the beginning has nothing of what was answered at the end.
  const answers = life.tape.filter(({ kind }) => kind === 'answer').length;
  const tooEarly = (left: string): Promise<void> => life.judge(left, life.acknowledgedBy(0, answers));
  expect(await judge(classes[0]?.[0], { judge: tooEarly, control: tooEarly })).toHaveProperty('error');
});

test('a process that serves again and again ends where one of its own would, and the next one serves', async (context) => {
  const { library } = needShim(context);
  const lane = new RunLane(library, join(home, 'served'));
  const opened = await openSeed(home, 255);
  const run = (fault?: Parameters<FaultRun['run']>[0]): ReturnType<FaultRun['run']> =>
    new FaultRun(library, home, opened, 'append', { lane }).run(fault);
  expect(await run({ fault: 'EIO', stays: false, kind: 'fsync', path: 'vault.db-wal', nth: 1 })).toMatchObject({ became: 'ended', fired: 1 });
  // Without a fault, it fails unless all goes well.
  const planned = planRuns(255, 'append', await recordCalls(library, home, opened, 'append', lane));
  lane.close();
  // What cannot be closed keeps no process.
  const last = planned.findLast(({ path, kind, fault, stays }) => path === 'alerts.db-wal' && kind === 'fsync' && fault === 'EIO' && !stays);
  expect(last).toMatchObject({ phase: 'stop' });
  const served = new FaultRun(library, home, opened, 'append');
  try {
    expect(await served.run(last)).toMatchObject({ became: 'ended', fired: 1 });
  } finally {
    served.remove();
  }
});
