/**
 * The engine's part of the matrix: ledger, stores, compaction, vault and keyring in one process that has the shim itself, so that every call can be
 * tried. It reads jobs, a line each, and says what came of them; a job that ends the process is judged by the next one (`after`).
 */
import { cpSync, existsSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate as turn } from 'node:timers/promises';
import { VeiltrailError } from '../../../src/core/errors.ts';
import type { Ledger } from '../../../src/ledger/ledger.ts';
import { createCosigner, formatEntry, formatSignatureLine, parseNote } from '../../../src/log/index.ts';
import { isFatal, isRefusal } from '../../../src/storage/storage-error.ts';
import { packBatch, type TestEvent } from '../../../tests/ledger/batches.ts';
import { CompactingLog, storedLines } from '../../../tests/ledger/compacting.ts';
import { Installation, originOf } from '../../../tests/ledger/installation.ts';
import { losePages } from './lost-pages.ts';
import { openSigned, RawLog } from './raw-log.ts';
import { type Fault, FaultControl, readCalls } from './shim.ts';

export interface EngineJob {
  /** Of the log to begin with; 0: the one that is to be compacted. */
  size: number;
  seed: string;
  fault?: Fault;
  /** After the fault, go on, and then lose the power. */
  losePower?: boolean;
  /** The process died: only what it left is judged, with what it had acknowledged. */
  after?: Promised[];
  /** Where that is, unless it is in its place. */
  left?: string;
  /** Takes a copy of the directory as the first process leaves it. */
  keep?: string;
}

/** A batch that was answered. */
export interface Promised {
  leaves: [string, number][];
  treeSize: number;
  checkpoint: string;
  /** Calls that were made before. */
  calls: number;
}

export interface EngineResult {
  became: 'unharmed' | 'refused' | 'ended' | 'killed';
  fired: number;
  calls: number;
  /** Calls of this process before the job began. */
  callsBefore: number;
  /** Pages that a later fsync was believed to have brought to disk, and had not. */
  trusted: number;
}

const log = 'a';
const [library = '', home = ''] = process.argv.slice(2);
const live = join(home, 'live');
const control = new FaultControl(library, home, live, { isThere: true });
const witness = createCosigner('witness.example', new Uint8Array(32).fill(6));
const say = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`);

/** Timers that go off as soon as nothing else is to do. */
const eager = {
  after(_ms: number, run: () => void) {
    const handle = setImmediate(run);
    return () => clearImmediate(handle);
  },
};

const eventOf = (name: string): TestEvent => ({ id: `fault-${name}`, body: `of ${name}` });
const batches = [['a'], ['b'], ['c', 'd', 'e']];
const moreBatches = [['f'], ['g', 'h']];

class EngineRun {
  readonly promised: Promised[] = [];
  readonly job: EngineJob;
  readonly #callsBefore: number;
  refusals = 0;
  fatal = false;

  constructor(job: EngineJob, callsBefore = 0) {
    this.job = job;
    this.#callsBefore = callsBefore;
    this.promised.push(...(job.after ?? []));
  }

  /** Opens, appends over the border, is cosigned, keeps house, closes (or is just gone). False when the process would have ended. */
  async append(names: readonly (readonly string[])[], isLeftOpen = false): Promise<boolean> {
    const at = new Installation(live);
    let ledger: Ledger | undefined;
    try {
      ledger = await at.openWith([log], { timers: eager, onFatal: () => (this.fatal = true) });
      for (const batch of names) {
        const events = batch.map(eventOf);
        const opened = ledger;
        await this.#untilDone(async () => this.#promise(events, await at.append(opened, { log, events })));
      }
      await quiet();
      if (names === batches) await this.#untilDone(() => cosign(ledger as Ledger));
      await quiet();
      if (this.fatal) throw new VeiltrailError('storage_failed', 'the ledger is dead');
      if (isLeftOpen) control.freeze();
      await ledger.close();
      if (isLeftOpen) control.heal();
      return isLeftOpen || !this.fatal;
    } catch (error) {
      if (!(error instanceof VeiltrailError)) throw error;
      // The process ends here, and nothing of it reaches the disk any more.
      control.freeze();
      await ledger?.close();
      await quiet();
      control.heal();
      if (isFatal(error) || (ledger === undefined && isRefusal(error))) return false;
      throw error;
    }
  }

  /** As somebody does who is told that later may work; room is made after the third time. */
  async #untilDone(work: () => Promise<void>): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await work();
      } catch (error) {
        const isLater = error instanceof VeiltrailError && (isRefusal(error) || error.code === 'not_published');
        if (!isLater || tries === 20) throw error;
        this.refusals++;
        if (tries === 3) control.heal();
        await quiet();
      }
    }
  }

  #promise(events: readonly TestEvent[], answer: Awaited<ReturnType<Installation['append']>>): void {
    const leaves = answer.appended.map(({ leafIndex }, i): [string, number] => [(events[i] as TestEvent).id.slice('fault-'.length), leafIndex]);
    const promised = { leaves, treeSize: answer.treeSize, checkpoint: answer.checkpoint, calls: control.calls - this.#callsBefore };
    this.promised.push(promised);
    say({ promised });
  }

  /** Bytes first, then the next start. */
  async check(before: RawLog, names: readonly (readonly string[])[]): Promise<void> {
    // What was not synced, a power loss may take; the next start makes it again.
    let left = before;
    if (this.job.losePower !== true) {
      left = new RawLog(live, log);
      this.#checkPromises(left, before);
    }
    const again = new EngineRun(this.job);
    if (!(await again.append(names))) throw new Error('the next start failed without a fault');
    const now = new RawLog(live, log);
    this.#checkPromises(now, left);
    again.#checkPromises(now, left);
    const leaves = new Map(again.promised.flatMap((one) => one.leaves));
    for (const [name, leafIndex] of this.promised.flatMap((one) => one.leaves)) {
      if (leaves.get(name) !== leafIndex) throw new Error(`${name} had leaf ${leafIndex} and has ${leaves.get(name)}`);
    }
    const expected = this.job.size + names.flat().length;
    if (now.checkpoint.treeSize !== expected)
      throw new Error(`${now.checkpoint.treeSize} leaves instead of ${expected}: an event is there twice, or not`);
    if (this.job.size > 1_000) return;
    const at = new Installation(live);
    at.acknowledged.set(log, new Map([...leaves].map(([name, leafIndex]) => [leafIndex, eventOf(name)])));
    await at.check(log);
  }

  #checkPromises(raw: RawLog, before: RawLog): void {
    raw.checkGrownFrom(before);
    for (const { leaves, treeSize, checkpoint } of this.promised) {
      if (!raw.rootAt(treeSize).equals(openSigned(checkpoint, raw.vkey).root))
        throw new Error(`the tree of ${treeSize} that was answered is not there`);
      for (const [name, leafIndex] of leaves) {
        const { commitments } = packBatch({ log, origin: originOf(log), events: [eventOf(name)] });
        if (!raw.hasEntry(leafIndex, formatEntry(commitments))) throw new Error(`${name} was acknowledged as leaf ${leafIndex} and is not there`);
      }
    }
  }
}

/** As when a witness has answered. */
async function cosign(ledger: Ledger): Promise<void> {
  const published = ledger.logs()[0]?.published;
  if (!published) return;
  const { text } = parseNote(published.checkpoint);
  await ledger.cosigned(log, published.checkpoint + formatSignatureLine(witness.cosign(text, published.treeSize)));
}

/** Until nothing is written any more; or for a while, where something is tried again and again. */
async function quiet(): Promise<void> {
  let calls = control.calls;
  for (let turns = 0, still = 0; turns < 500 && still < 20; turns++) {
    await turn();
    still = control.calls === calls ? still + 1 : 0;
    calls = control.calls;
  }
}

/** On a full disk it tries again and again: room is made after the third time. */
async function untilIdle({ compactor, errors }: CompactingLog): Promise<void> {
  const idle = compactor.idle().then(() => true);
  while (!(await Promise.race([idle, turn(false)]))) if (errors.length >= 3) control.heal();
}

async function runCompaction(job: EngineJob): Promise<Pick<EngineResult, 'became' | 'fired' | 'calls'>> {
  const before = control.calls;
  let fired = job.after ? 1 : 0;
  let refused = false;
  const compacted = async (dir: string, tries: number): Promise<boolean> => {
    let opened: CompactingLog | undefined;
    try {
      const one = (opened = CompactingLog.open(dir));
      for (let left = tries; left > 0; left--) {
        one.errors.length = 0;
        one.compactor.start();
        await untilIdle(one);
        if (one.errors.length === 0) return true;
        if (one.errors.some(isFatal)) return false;
        refused = true;
        if (JSON.stringify(await one.readAll()) !== JSON.stringify(storedLines())) throw new Error('records cannot be read while compaction fails');
        control.heal();
      }
      return false;
    } catch (error) {
      if (!(error instanceof VeiltrailError)) throw error;
      return false;
    } finally {
      fired ||= control.fired;
      const isOver = control.fired > 0;
      if (isOver) control.freeze();
      await opened?.close().catch((error: unknown) => {
        if (!isOver) throw error;
      });
      control.heal();
    }
  };
  const done = job.after ? false : await compacted(live, 3);
  const calls = control.calls - before;
  keep(job);
  if (!(await compacted(live, 1))) throw new Error('the next start does not finish the compaction');
  const log = CompactingLog.open(live);
  const [read, files, keys] = [await log.readAll(), log.files(), await log.vault.segmentKeyNames()];
  await log.close();
  if (JSON.stringify(read) !== JSON.stringify(storedLines())) throw new Error('compacted records are not those that were appended');
  if (files.join() !== 'a/default/00000000.1' || keys.length !== 1) throw new Error(`files ${files.join()}, ${keys.length} keys`);
  return { became: job.after ? 'killed' : !done ? 'ended' : refused ? 'refused' : 'unharmed', fired, calls };
}

function keep({ keep: to }: EngineJob): void {
  if (to !== undefined) cpSync(live, to, { recursive: true });
}

const seeds = new Map<string, RawLog>();

/** A seed never changes. */
function openSeedLog(seed: string): RawLog {
  const known = seeds.get(seed) ?? new RawLog(seed, log);
  seeds.set(seed, known);
  return known;
}

async function run(job: EngineJob): Promise<EngineResult> {
  const begins = job.after ? job.left : job.seed;
  if (begins !== undefined) {
    control.heal();
    rmSync(live, { recursive: true, force: true });
    cpSync(begins, live, { recursive: true });
  }
  if (!job.after) {
    if (existsSync(control.recordFile)) truncateSync(control.recordFile);
  }
  const before = control.calls;
  control.reset();
  if (job.fault && !job.after) control.arm(job.fault);
  if (job.size === 0) {
    return { ...(await runCompaction(job)), callsBefore: before, trusted: 0 };
  }
  const seed = openSeedLog(job.seed);
  const one = new EngineRun(job, before);
  const stayed = job.after ? false : await one.append(batches);
  const fired = job.after ? 1 : control.fired;
  const calls = control.calls - before;
  control.heal();
  keep(job);
  let trusted = 0;
  let names = batches;
  if (job.losePower === true) {
    names = [...batches, ...moreBatches];
    const next = new EngineRun(job);
    if (!(await next.append(names, true))) throw new Error('the next start failed without a fault');
    one.promised.push(...next.promised);
    trusted = losePages(live, readCalls(control.recordFile));
  }
  await one.check(seed, names);
  return {
    became: job.after ? 'killed' : stayed ? (one.refusals > 0 ? 'refused' : 'unharmed') : 'ended',
    fired,
    calls,
    callsBefore: before,
    trusted,
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    say({ result: await run(JSON.parse(line) as EngineJob) });
  } catch (error) {
    control.heal();
    const { message, stack } = error as Error;
    say({ error: error instanceof VeiltrailError || !stack ? message : stack });
  }
}
