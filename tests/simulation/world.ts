/**
 * A small world around a ledger: writers who send and try again, disks that refuse, fail and forget, processes that end at any write and start
 * again. What was answered is remembered by another hand; after every start, all of every log is verified against it.
 */
import { cpSync, existsSync, mkdtempSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { invariant, VeiltrailError } from '../../src/core/errors.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { dataDirPaths } from '../../src/storage/data-dir.ts';
import { type Fault, FaultLine, faultyRecords, faultyTiles } from '../crash/faulty-stores.ts';
import { type TestBatch, type TestEvent, testNowMs } from '../ledger/batches.ts';
import { Installation, originOf } from '../ledger/installation.ts';
import { SeededRandom } from './seeded-random.ts';
import { VirtualTime } from './virtual-time.ts';

type Batch = Omit<TestBatch, 'origin'>;

const logs = ['audit', 'billing', 'portal'];
/** Codes after which a sender tries again. */
const retryable = new Set(['disk_full', 'not_published', 'queue_full', 'ledger_closed', 'storage_failed']);

/** What happened, so that a test can say that it was not nothing. */
export interface Tally {
  batches: number;
  events: number;
  repetitions: number;
  conflicts: number;
  refusals: number;
  crashes: number;
  spoiled: number;
  restarts: number;
}

export class World {
  readonly tally: Tally = { batches: 0, events: 0, repetitions: 0, conflicts: 0, refusals: 0, crashes: 0, spoiled: 0, restarts: 0 };
  readonly #random: SeededRandom;
  readonly #time = new VirtualTime(testNowMs);
  /** By log, id and body: the leaf that was answered. */
  readonly #leaves = new Map<string, number>();
  readonly #sentBodies = new Map<string, Set<string>>();
  #at = new Installation(mkdtempSync(join(tmpdir(), 'veiltrail-simulation-')));
  #line = new FaultLine();
  #ledger: Ledger | undefined;
  #nextId = 0;
  /** Batches that were not answered, to be sent again. */
  #unanswered: Batch[] = [];

  constructor(seed: string) {
    this.#random = new SeededRandom(seed);
  }

  /** One thing that happens. */
  async step(): Promise<void> {
    const ledger = this.#ledger ?? (await this.#start());
    const what = this.#random.below(100);
    if (what < 60)
      await this.#send(
        ledger,
        Array.from({ length: 1 + this.#random.below(6) }, () => this.#newBatch()),
      );
    else if (what < 75) this.#time.pass(this.#random.below(4_000));
    else if (what < 90) this.#line.arm(this.#newFault());
    else await this.#stop();
    await this.#line.quiet();
    if (this.#line.crashed) await this.#crash();
  }

  /** No more faults: everything is sent until it is answered, and the end is verified. */
  async finish(): Promise<void> {
    this.#line.arm({ after: Infinity, persisted: false, kind: 'refuse' });
    for (let tries = 0; this.#unanswered.length > 0; tries++) {
      invariant(tries < 50, 'without faults everything is answered');
      const again = this.#unanswered;
      this.#unanswered = [];
      await this.#send(this.#ledger ?? (await this.#start()), again);
      this.#time.pass(2_000);
      await this.#line.quiet();
    }
    await this.#stop();
    const sizes = await this.#check();
    const answered = [...this.#leaves.keys()];
    // Every leaf was answered to somebody in the end: nothing was lost, and nothing was appended twice.
    for (const log of logs)
      invariant(sizes.get(log) === answered.filter((key) => key.startsWith(`${log} `)).length, `every leaf of ${log} is one event`);
    rmSync(this.#at.dataDir, { recursive: true });
  }

  #newBatch(): Batch {
    const random = this.#random;
    if (this.#unanswered.length > 0 && random.chance(0.4)) return this.#unanswered.splice(random.below(this.#unanswered.length), 1)[0] as Batch;
    const count = random.chance(0.05) ? 200 + random.below(200) : 1 + random.below(20);
    const events = Array.from({ length: count }, () => this.#newEvent());
    const receivedAtMs = this.#time.now() - random.below(3_000);
    return { log: random.pick(logs), events, receivedAtMs, onConflict: random.chance(0.5) ? 'append' : 'refuse' };
  }

  #newEvent(): TestEvent {
    const repeated = this.#nextId > 0 && this.#random.chance(0.1);
    const id = repeated ? this.#random.below(this.#nextId) : this.#nextId++;
    return { id: `id-${id}`, body: this.#random.chance(0.02) ? 'another' : `body-${id}`, atMs: testNowMs + id };
  }

  #newFault(): Fault {
    const kind = this.#random.pick(['refuse', 'refuse', 'fail', 'crash'] as const);
    // What a full disk refuses was not done.
    return { kind, after: this.#random.below(40), persisted: kind !== 'refuse' && this.#random.chance(0.5), refusals: 1 + this.#random.below(5) };
  }

  async #send(ledger: Ledger, batches: readonly Batch[]): Promise<void> {
    const answered = new Set<Batch>();
    const sent = batches.map(async (batch) => {
      this.tally.batches++;
      for (const { id, body } of batch.events) this.#bodiesOf(batch.log, id).add(body);
      try {
        this.#remember(batch, (await this.#at.append(ledger, batch)).appended);
      } catch (error) {
        this.#notAnswered(batch, error);
      } finally {
        answered.add(batch);
      }
    });
    // Gathering waits for time to pass.
    for (; answered.size < batches.length; await this.#line.quiet()) this.#time.pass(10);
    await Promise.all(sent);
  }

  #remember(batch: Batch, appended: readonly { leafIndex: number; duplicate: boolean }[]): void {
    for (const [i, { leafIndex, duplicate }] of appended.entries()) {
      const { id, body } = batch.events[i] as TestEvent;
      const key = `${batch.log} ${id} ${body}`;
      const before = this.#leaves.get(key);
      invariant(before === undefined || (before === leafIndex && duplicate), 'an event has one leaf, for ever');
      this.#leaves.set(key, leafIndex);
      if (duplicate) this.tally.repetitions++;
      else this.tally.events++;
    }
  }

  #notAnswered(batch: Batch, error: unknown): void {
    if (!(error instanceof VeiltrailError)) throw error;
    if (error.code === 'id_conflict') {
      this.tally.conflicts++;
      invariant(batch.onConflict === 'refuse' && batch.events.some(({ id }) => this.#bodiesOf(batch.log, id).size > 1), 'a conflict has a cause');
      return;
    }
    if (!retryable.has(error.code)) throw error;
    this.tally.refusals++;
    this.#unanswered.push(batch);
  }

  #bodiesOf(log: string, id: string): Set<string> {
    const key = `${log} ${id}`;
    const bodies = this.#sentBodies.get(key) ?? new Set<string>();
    this.#sentBodies.set(key, bodies);
    return bodies;
  }

  /** Starts a process; one that fails while it starts leaves the next one to. */
  async #start(): Promise<Ledger> {
    for (let tries = 0; tries < 20; tries++) {
      const records = faultyRecords(this.#at.openRecords(), this.#line);
      const tiles = faultyTiles(this.#at.openTiles(), this.#line);
      try {
        const ledger = await this.#at.open({ records, tiles, clock: this.#time, timers: this.#time, random: this.#random, onFatal: () => undefined });
        this.#ledger = ledger;
        const there = new Set(ledger.logs().map(({ log }) => log));
        for (const log of logs) if (!there.has(log)) await ledger.createLog(log, originOf(log));
        this.tally.restarts++;
        await this.#check();
        return ledger;
      } catch (error) {
        if (!(error instanceof VeiltrailError) || !['disk_full', 'storage_failed'].includes(error.code)) throw error;
        await this.#line.quiet();
        if (this.#line.crashed) await this.#crash();
        else await this.#stop();
      }
    }
    throw new Error('the ledger does not start');
  }

  async #stop(): Promise<void> {
    try {
      await this.#ledger?.close();
    } catch (error) {
      if (!this.#line.crashed) throw error;
    }
    this.#ledger = undefined;
    this.#time.forget();
  }

  /** The process is gone, and perhaps the power was: what was not synced may be anything. The next process finds a copy. */
  async #crash(): Promise<void> {
    this.tally.crashes++;
    const dataDir = mkdtempSync(join(tmpdir(), 'veiltrail-simulation-'));
    cpSync(this.#at.dataDir, dataDir, { recursive: true });
    await this.#stop();
    rmSync(this.#at.dataDir, { recursive: true });
    if (this.#random.chance(0.5)) this.#losePower(dataDir);
    const after = new Installation(dataDir);
    for (const [log, answered] of this.#at.acknowledged) after.acknowledged.set(log, answered);
    this.#at = after;
    this.#line = new FaultLine();
  }

  #losePower(dataDir: string): void {
    for (const [name, bytes] of this.#line.unsynced) {
      const file = join(dataDirPaths(dataDir).logs, name);
      if (!existsSync(file) || this.#random.chance(0.4)) continue;
      this.tally.spoiled++;
      const how = this.#random.below(name.endsWith('checkpoint') ? 3 : 4);
      if (how === 0) truncateSync(file);
      else if (how === 1) unlinkSync(file);
      else if (how === 2) writeFileSync(file, new Uint8Array(bytes.length));
      else writeFileSync(file, this.#random.bytes(bytes.length));
    }
  }

  async #check(): Promise<Map<string, number>> {
    const sizes = new Map<string, number>();
    for (const log of logs) sizes.set(log, await this.#at.check(log));
    return sizes;
  }
}
