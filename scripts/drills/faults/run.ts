/**
 * One run of the matrix: a copy of a seed, a real server on it, a fault at one of its system calls, what becomes of it, and what everybody was
 * promised held against what is there: first the bytes as the fault left them, then the next start, then `verify`.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VeiltrailError } from '../../../src/core/errors.ts';
import { openTrail, type OpenTrail } from '../../../src/server/compose.ts';
import { verifyStoredLog } from '../../../src/server/verify.ts';
import { verifyReceipt } from '../../../src/verify/receipt.ts';
import { parseProof } from '../../../src/log/proof.ts';
import { createTrust } from '../../../src/log/trust.ts';
import { Acknowledged, FaultedServer, type Sent } from './faulted-server.ts';
import { openSigned, RawLog } from './raw-log.ts';
import { eventAt } from './seeds.ts';
import { type Fault, FaultControl } from './shim.ts';

export interface Seed {
  dir: string;
  size: number;
  logs: ReadonlyMap<string, RawLog>;
  /** Leaves that need not be verified again each time, under the checkpoint that is given. */
  resume?: { verifiedTo: number; checkpoint: string };
}

export type Scenario = 'append' | 'change';

/** `start`, `serve` (requests, maintenance, compaction), `stop`. */
export type Phase = 'start' | 'serve' | 'stop';

export interface Outcome {
  fired: number;
  /** When it came. */
  phase?: Phase | undefined;
  /** `unharmed`: nobody noticed; `refused`: 503, and then all went well without hands; `ended`: exit code 3; `killed`. */
  became: 'unharmed' | 'refused' | 'ended' | 'killed';
}

/** Publications below this age are perhaps not yet brought to disk: the ledger looks each second. */
const maintenanceMs = 1_150;
const quietMs = 300;
const bucketLeaves = 65_536;

export class FaultRun {
  readonly dataDir: string;
  readonly control: FaultControl;
  readonly acknowledged = new Acknowledged();
  readonly #home: string;
  readonly #seed: Seed;
  readonly #scenario: Scenario;
  #server!: FaultedServer;
  #refusals = 0;
  #phase: Phase = 'start';
  #firedIn: Phase | undefined;
  /** Calls made before the phase began. */
  readonly phases = new Map<Phase, number>();

  constructor(library: string, parent: string, seed: Seed, scenario: Scenario) {
    this.#home = mkdtempSync(join(parent, 'run-'));
    this.dataDir = join(this.#home, 'data');
    this.#seed = seed;
    this.#scenario = scenario;
    cpSync(seed.dir, this.dataDir, { recursive: true, preserveTimestamps: true });
    this.control = new FaultControl(library, this.#home, this.dataDir);
  }

  /** All of it. @throws Error what is violated */
  async run(fault?: Fault): Promise<Outcome> {
    const became = await this.serve(fault);
    const fired = this.control.fired;
    const left = this.#checkRaw(this.#seed.logs);
    await this.#verify();
    await this.#recover();
    this.#checkRaw(left);
    await this.#verify();
    return { fired, phase: this.#firedIn, became };
  }

  /** The faulted server's life. */
  async serve(fault?: Fault): Promise<Outcome['became']> {
    if (fault) this.control.arm(fault);
    this.#begin('start');
    this.#server = new FaultedServer(this.dataDir, this.control.environment, this.acknowledged);
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
    this.control.close();
    rmSync(this.#home, { recursive: true, force: true });
  }

  #begin(phase: Phase): void {
    this.#note();
    this.#phase = phase;
    this.phases.set(phase, this.control.calls);
  }

  #note(): void {
    if (this.#firedIn === undefined && this.control.fired > 0) this.#firedIn = this.#phase;
  }

  async #work(): Promise<void> {
    this.#begin('serve');
    const batches = this.#scenario === 'append' ? [['a'], ['b'], ['c', 'd', 'e']] : [['a', 'b']];
    for (const batch of batches) if (!this.#told(await this.#server.append(batch.map((id) => eventAt(id))))) return;
    if (this.#scenario === 'change' && !(await this.#change())) return;
    await this.#quiet();
  }

  /** A key is made, somebody is erased, and secrets are rotated; false when there is nobody to talk to any more. */
  async #change(): Promise<boolean> {
    const made = await this.#server.post('/api/v1/keys', { role: 'officer', purpose: 'a drill' }, 'admin');
    if (!this.#told(made)) return false;
    const officer = made === 'gone' ? undefined : (made.body as { key: string } | undefined);
    if (officer) {
      const subject = { values: [{ kind: 'email', value: 'a@people.example.net' }] };
      this.acknowledged.erasing.add('a');
      const erase = { ...subject, mode: 'erase', dryRun: false, purpose: 'a drill', reference: 'T-1' };
      const erased = await this.#server.post('/api/v1/subjects/erase', erase, officer);
      if (!this.#told(erased)) return false;
      if (erased !== 'gone' && erased.status < 300) this.acknowledged.erased.add('a');
    }
    for (const purpose of ['root', 'lookup']) if (!this.#told(await this.#server.post('/api/v1/secrets/rotate', { purpose }, 'admin'))) return false;
    return true;
  }

  /** False when there is nobody to talk to any more. */
  #told(sent: Sent): boolean {
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
      const compacted = !isFull || existsSync(join(this.dataDir, 'segments/default/default/00000000.1')) || this.control.fired > 0;
      if (now - startMs > maintenanceMs && now - sinceMs > (isFull ? 2 * quietMs : quietMs) && compacted) return;
    }
  }

  async #appendAllAgain(): Promise<void> {
    const events = this.#sent();
    if (events.length === 0) return;
    let sent: Sent = 'gone';
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
    if (!/\b(?:disk_full|storage_failed|storage_readonly|storage_busy)\b/.test(this.#server.said)) throw new Error('it ended and did not say why');
    if (fault?.fault === 'short') throw new Error('a write that was short ended it');
    return 'ended';
  }

  /** Bytes, whoever wrote them: nothing that was published is gone, and all that was acknowledged is in the signed tree. */
  #checkRaw(before: ReadonlyMap<string, RawLog>): Map<string, RawLog> {
    const now = new Map<string, RawLog>();
    for (const [log, published] of before) {
      const raw = new RawLog(this.dataDir, log);
      raw.checkGrownFrom(published);
      now.set(log, raw);
    }
    const raw = now.get('default') as RawLog;
    for (const [treeSize, text] of this.acknowledged.checkpoints) {
      const told = openSigned(text, raw.vkey);
      if (told.treeSize !== treeSize || !raw.rootAt(treeSize).equals(told.root))
        throw new Error(`the answer's tree of ${treeSize} is not that of the log`);
    }
    return now;
  }

  /** The next start: everything is there, once, and it goes on. */
  async #recover(): Promise<void> {
    let fatal: Error | undefined;
    const trail = await openTrail({ dataDir: this.dataDir, workers: 1, onFatal: (error) => (fatal = error) });
    try {
      await this.#checkEvents(trail);
      await this.#sendAllAgain(trail);
      await this.#checkEvents(trail);
      await this.#untilCompacted();
    } finally {
      await trail.close();
    }
    if (fatal) throw fatal;
    if (existsSync(join(this.dataDir, 'removal.json'))) throw new Error('a removal is left unfinished');
  }

  async #checkEvents(trail: OpenTrail): Promise<void> {
    const trust = createTrust([trail.vkeyOf('default')]);
    for (const [id, leafIndex] of this.acknowledged.leaves) {
      const receipt = (await trail.proveEvent('default', leafIndex)) as string;
      const { extra } = parseProof(receipt);
      if (verifyReceipt(receipt, extra as Uint8Array, trust).leafIndex !== leafIndex) throw new Error(`the receipt of ${id} is of another leaf`);
      const found = await trail.readEvent('default', leafIndex).catch((error: VeiltrailError) => error);
      const isRemoved = found instanceof Error && found.code === 'record_removed' && this.acknowledged.erasing.has(id);
      if (this.acknowledged.erased.has(id) && !isRemoved) throw new Error(`${id} was erased, and is there`);
      if (isRemoved) continue;
      const is = found instanceof Error ? found.code : found?.record['id'];
      if (is !== id) throw new Error(`leaf ${leafIndex} was ${id} and is ${JSON.stringify(is)}`);
    }
  }

  /** All but those that were to be erased: their ids are forgotten. */
  #sent(): { id: string }[] {
    const { sent, erasing } = this.acknowledged;
    return [...sent.values()].filter(({ id }) => !erasing.has(id));
  }

  async #sendAllAgain(trail: OpenTrail): Promise<void> {
    const events = this.#sent();
    if (events.length === 0) return;
    const body = Buffer.from(events.map((event) => JSON.stringify(event)).join('\n'));
    const { receipts, treeSize, checkpoint } = await trail.append({ log: 'default', principal: this.#writer(), body, format: 'ndjson' });
    this.acknowledged.take({ receipts: receipts as { id: string; leafIndex: number }[], treeSize, checkpoint });
    if (new Set(this.acknowledged.leaves.values()).size !== this.acknowledged.leaves.size) throw new Error('two events have one leaf');
    const expected = this.#seed.size + this.acknowledged.sent.size;
    if (this.#scenario === 'append' && treeSize !== expected) throw new Error(`sent again, the log has ${treeSize} leaves instead of ${expected}`);
  }

  /** Ids are told apart by sender, so whoever sends again is the same one. */
  #writer(): string {
    const { keys } = JSON.parse(readFileSync(join(this.dataDir, 'access.json'), 'utf8')) as { keys: { id: string; role: string }[] };
    return keys.find(({ role }) => role === 'writer')?.id ?? '';
  }

  /** A full bucket, whatever happened while it was compacted. */
  async #untilCompacted(): Promise<void> {
    if (new RawLog(this.dataDir, 'default').checkpoint.treeSize < bucketLeaves) return;
    // In a thread of the lowest priority: on a busy machine it waits for everybody.
    const untilMs = performance.now() + 180_000;
    while (!existsSync(join(this.dataDir, 'segments/default/default/00000000.1'))) {
      if (performance.now() > untilMs) throw new Error('a full bucket is not compacted');
      await sleep(50);
    }
  }

  async #verify(): Promise<void> {
    const report = await verifyStoredLog(this.dataDir, { log: 'default', others: true, ...(this.#seed.resume ? { resume: this.#seed.resume } : {}) });
    if (!report.ok) throw new Error(`verify: ${report.problems.map(({ code, where, message }) => `${code} ${where} ${message}`).join('; ')}`);
  }
}
