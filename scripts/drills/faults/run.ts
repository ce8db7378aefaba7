/** One run of the matrix: a copy of a seed, a real server on it, a fault at one of its system calls, what becomes of it, and what is left (judge.ts). */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Acknowledged, type Answered, FaultedServer } from './faulted-server.ts';
import { isCompacted, judge } from './judge.ts';
import type { RawLog } from './raw-log.ts';
import { argumentsOf, play, type Scenario } from './scenarios.ts';
import { spawnServer, WarmServers } from './server-process.ts';
import { type Fault, FaultControl } from './shim.ts';

export interface Seed {
  dir: string;
  size: number;
  logs: ReadonlyMap<string, RawLog>;
  /** Leaves that need not be verified again each time, under the checkpoint that is given. */
  resume?: { verifiedTo: number; checkpoint: string };
}

/** `start`, `serve` (requests, maintenance, compaction), `stop`. */
export type Phase = 'start' | 'serve' | 'stop';

export interface Outcome {
  fired: number;
  /** When it came. */
  phase?: Phase | undefined;
  /** `unharmed`: nobody noticed; `refused`: 503, and then all went well without hands; `ended`: exit code 3; `killed`. */
  became: 'unharmed' | 'refused' | 'ended' | 'killed';
  /** What became of it in a process of its own, with threads, where that was tried, too. */
  controlled?: Outcome['became'];
  /** What went wrong in a warm process, and not in one of its own. */
  warm?: string;
}

/** Publications below this age are perhaps not yet brought to disk: the ledger looks each second. */
const maintenanceMs = 1_150;
const quietMs = 300;
const bucketLeaves = 65_536;

/** Where many runs are made, one after the other, in one warm process. */
export class RunLane {
  readonly home: string;
  readonly control: FaultControl;
  readonly servers: WarmServers;

  constructor(library: string, home: string) {
    mkdirSync(home, { recursive: true });
    this.home = home;
    this.control = new FaultControl(library, home, join(home, 'data'));
    this.servers = new WarmServers(this.control.environment);
  }

  close(): void {
    this.servers.close();
    this.control.close();
  }
}

export interface RunOptions {
  /** Takes every call with its bytes (tape.ts). */
  tape?: string;
  /** Where there is none, the server is a process of its own, with threads. */
  lane?: RunLane;
}

export class FaultRun {
  readonly dataDir: string;
  readonly control: FaultControl;
  readonly acknowledged = new Acknowledged();
  readonly #home: string;
  readonly #seed: Seed;
  readonly #scenario: Scenario;
  readonly #lane: RunLane | undefined;
  readonly #callsBefore: number;
  #server!: FaultedServer;
  #refusals = 0;
  #phase: Phase = 'start';
  #firedIn: Phase | undefined;
  /** Calls made before the phase began. */
  readonly phases = new Map<Phase, number>();

  constructor(library: string, parent: string, seed: Seed, scenario: Scenario, { tape, lane }: RunOptions = {}) {
    this.#home = lane?.home ?? mkdtempSync(join(parent, 'run-'));
    this.dataDir = join(this.#home, 'data');
    this.#seed = seed;
    this.#scenario = scenario;
    this.#lane = lane;
    rmSync(this.dataDir, { recursive: true, force: true });
    cpSync(seed.dir, this.dataDir, { recursive: true, preserveTimestamps: true });
    this.control = lane?.control ?? new FaultControl(library, this.#home, this.dataDir, tape === undefined ? {} : { tape });
    if (existsSync(this.control.recordFile)) truncateSync(this.control.recordFile);
    this.#callsBefore = this.control.calls;
  }

  /** All of it. @throws Error what is violated */
  async run(fault?: Fault): Promise<Outcome> {
    const became = await this.serve(fault);
    const fired = this.control.fired;
    await judge({ dataDir: this.dataDir, seed: this.#seed, scenario: this.#scenario, acknowledged: this.acknowledged });
    return { fired, phase: this.#firedIn, became };
  }

  /** The faulted server's life. */
  async serve(fault?: Fault): Promise<Outcome['became']> {
    if (fault) this.control.arm(fault);
    else this.control.reset();
    this.#begin('start');
    const start = this.#lane?.servers.start ?? spawnServer(this.control.environment);
    this.#server = new FaultedServer(this.dataDir, this.acknowledged, argumentsOf(this.#scenario, this.#home, this.dataDir), start);
    try {
      if (await this.#server.answers()) await this.#work();
      this.#note();
      // Room again, without hands: whatever was refused is taken now. A fault that has not come yet is meant for the stop.
      if (this.#firedIn !== undefined) {
        this.control.heal();
        if (!this.#server.hasEnded) await this.#appendAllAgain();
      }
      if (!this.#server.hasEnded) await this.#stop();
      return await this.#became(fault);
    } catch (error) {
      throw new Error(`${(error as Error).message}; the server said: ${this.#server.said.trim()}`, { cause: error });
    } finally {
      await this.#server.end('SIGKILL');
    }
  }

  remove(): void {
    if (this.#lane) return;
    this.control.close();
    rmSync(this.#home, { recursive: true, force: true });
  }

  #begin(phase: Phase): void {
    this.#note();
    this.#phase = phase;
    this.phases.set(phase, this.control.calls - this.#callsBefore);
  }

  #note(): void {
    if (this.#firedIn === undefined && this.control.fired > 0) this.#firedIn = this.#phase;
  }

  async #work(): Promise<void> {
    this.#begin('serve');
    if (!(await play(this.#scenario, this.#server, this.acknowledged, (answer) => this.#told(answer)))) return;
    await this.#quiet();
  }

  /** False when there is nobody to talk to any more. */
  #told(sent: Answered): boolean {
    if (sent !== 'gone' && sent.status === 503) this.#refusals++;
    this.#note();
    return sent !== 'gone';
  }

  /** Maintenance has come by, and so has compaction where a bucket is full. */
  async #quiet(): Promise<void> {
    const startMs = performance.now();
    let calls = this.control.calls;
    let sinceMs = startMs;
    const isFull = this.#seed.size + this.acknowledged.leaves.size >= bucketLeaves && this.acknowledged.leaves.size > 1;
    while (!this.#server.hasEnded && performance.now() - startMs < 15_000) {
      await sleep(25);
      const now = performance.now();
      if (this.control.calls !== calls) [calls, sinceMs] = [this.control.calls, now];
      const compacted = !isFull || isCompacted(this.dataDir) || this.control.fired > 0;
      if (now - startMs > maintenanceMs && now - sinceMs > (isFull ? 2 * quietMs : quietMs) && compacted) return;
    }
  }

  async #appendAllAgain(): Promise<void> {
    const events = this.acknowledged.toSendAgain();
    if (events.length === 0) return;
    let sent: Answered = 'gone';
    for (const untilMs = performance.now() + 8_000; performance.now() < untilMs; await sleep(100)) {
      sent = await this.#server.append(events);
      if (sent === 'gone' || sent.status === 201) return;
    }
    throw new Error(`8 s after the fault was gone it still answers ${JSON.stringify(sent)}`);
  }

  async #stop(): Promise<void> {
    this.#begin('stop');
    await this.#server.end('SIGTERM');
    this.#note();
    this.control.heal();
  }

  async #became(fault: Fault | undefined): Promise<Outcome['became']> {
    const { code, signal } = await this.#server.ended;
    const killed = fault?.fault === 'kill' || fault?.fault === 'torn';
    if (this.control.fired > 0 && killed) {
      if (signal !== 'SIGKILL') throw new Error(`killed, and yet it ended with ${code ?? signal}`);
      return 'killed';
    }
    if (code === 0) return this.#refusals > 0 ? 'refused' : 'unharmed';
    if (code !== 3 || this.control.fired === 0) throw new Error(`it ended with ${code ?? signal}`);
    if (!/\b(?:disk_full|storage_failed|storage_readonly|storage_busy)\b|: the disk is full/.test(this.#server.said))
      throw new Error('it ended and did not say why');
    if (fault?.fault === 'short') throw new Error('a write that was short ended it');
    return 'ended';
  }
}
