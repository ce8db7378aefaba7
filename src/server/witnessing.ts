/**
 * Witnesses of a data directory's logs: the policy in force, what is asked by it, and what happens when a witness holds another history. The
 * log is stopped first, then the fork is put on record, then it is told; it stays stopped over restarts, until somebody decides.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { systemClock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { LogInfo } from '../ledger/ledger.ts';
import type { TileSource } from '../storage/tile-store.ts';
import { readGrowth } from '../verify/growth.ts';
import { createAskWitness } from '../witness/ask-witness.ts';
import type { Fork, WitnessTimes } from '../witness/log-witnesses.ts';
import { forkReason, type KnownFork, readWitnessSettings, type WitnessMode, Witnesses, type WitnessTroubles } from '../witness/witnesses.ts';
import { type MissingQuorum, MissingQuorums } from './missing-quorums.ts';
import { readForks, readWitnessPolicy, type StoredWitnessPolicy, writeForks, writeWitnessPolicy } from './witness-files.ts';

export interface WitnessOptions {
  /** Puts this policy (C2SP tlog-policy) in force; without it the one in the directory, or none. */
  witnessPolicyFile?: string;
  /** What a missing quorum means [that in the directory, or flag]. */
  witnessMode?: WitnessMode;
  /** Told when a witness holds another history. */
  onFork?: (fork: KnownFork) => void;
  /** For tests: other times than the usual ones. */
  witnessTimes?: Partial<WitnessTimes> & { waitMs?: number; lateMs?: number };
}

export interface WitnessingParts extends WitnessOptions {
  dataDir: string;
  ledger: { logs(): LogInfo[]; cosigned(log: string, note: string): Promise<void>; halt(log: string, halted: boolean): Promise<void> };
  tiles: TileSource;
  vkeysOf(log: string): readonly string[];
  /** Appends an event of the server's own. */
  tell(event: JsonObject): Promise<void>;
}

/** No answer for so long is none. */
const askMs = 10_000;
/** A log without its quorum for so long is told of: what `/readyz` says is not heard by everybody. */
const lateMsDefault = 300_000;
const lookMsMax = 30_000;
const own = { type: 'system', id: 'veiltrail' };

export class Witnessing {
  readonly #parts: WitnessingParts;
  readonly #forks: KnownFork[];
  readonly #policy: StoredWitnessPolicy | undefined;
  #changed = false;
  readonly #witnesses: Witnesses | undefined;
  #telling: Promise<unknown> = Promise.resolve();
  readonly #missing: MissingQuorums;
  readonly #lateMs: number = lateMsDefault;
  #timer: NodeJS.Timeout | undefined;

  private constructor(parts: WitnessingParts) {
    this.#parts = parts;
    this.#forks = readForks(parts.dataDir);
    const stored = readWitnessPolicy(parts.dataDir);
    const { witnessPolicyFile, witnessMode, witnessTimes: { waitMs, lateMs, ...times } = {} } = parts;
    this.#lateMs = lateMs ?? lateMsDefault;
    const missing = {
      behind: () => this.#witnesses?.behind() ?? [],
      isForked: (log: string) => this.#undecided().some((one) => one.log === log),
      isTold: (event: JsonObject) => this.#isTold(event),
      keep: (list: readonly MissingQuorum[]) => this.#keepMissing(list),
      clock: systemClock,
      lateMs: this.#lateMs,
    };
    this.#missing = new MissingQuorums(missing, stored?.missing ?? []);
    const policy = witnessPolicyFile === undefined ? stored?.policy : readPolicy(witnessPolicyFile);
    if (policy === undefined) return;
    this.#policy = { mode: witnessMode ?? stored?.mode ?? 'flag', policy };
    this.#changed = stored?.mode !== this.#policy.mode || stored.policy !== policy;
    this.#witnesses = new Witnesses({
      settings: readWitnessSettings(policy, this.#policy.mode),
      ask: createAskWitness({ timeoutMs: askMs }),
      vkeysOf: (log) => parts.vkeysOf(log),
      growth: (log, before, after) => readGrowth(before, after, (path) => parts.tiles.read(log, path)),
      keep: (log, note) => parts.ledger.cosigned(log, note),
      alarm: (log, fork) => this.#alarm(log, fork),
      forks: () => this.#forks,
      clock: systemClock,
      after(ms, run) {
        const timer = setTimeout(run, ms).unref();
        return () => clearTimeout(timer);
      },
      times,
      ...(waitMs === undefined ? {} : { waitMs }),
    });
  }

  /**
   * Stops the logs that were stopped before, puts the policy on record where it changed, and begins to ask.
   * @throws VeiltrailError `witness_policy`, `config_damaged`, and those of storage
   */
  static async open(parts: WitnessingParts): Promise<Witnessing> {
    const witnessing = new Witnessing(parts);
    await witnessing.#open();
    return witnessing;
  }

  /** Checks options before anything is opened. @throws VeiltrailError `witness_policy`, `policy_unreadable` */
  static check({ witnessPolicyFile, witnessMode = 'flag' }: WitnessOptions): void {
    if (witnessPolicyFile !== undefined) readWitnessSettings(readPolicy(witnessPolicyFile), witnessMode);
  }

  get witnesses(): Witnesses | undefined {
    return this.#witnesses;
  }

  published({ log, published, witnessed }: LogInfo): void {
    this.#witnesses?.published(log, published, witnessed);
  }

  /** Stops a log of which a witness holds another history; to be called for every log that is opened or made. */
  async stopIfForked(log: string): Promise<void> {
    if (this.#undecided().some((one) => one.log === log)) await this.#parts.ledger.halt(log, true);
  }

  troubles(): WitnessTroubles {
    if (this.#witnesses) return this.#witnesses.troubles();
    return { stopped: this.#undecided().map(({ log, witness }) => ({ log, reason: forkReason(log, witness) })), flagged: [] };
  }

  /** Every fork that was ever seen. */
  forks(): readonly KnownFork[] {
    return this.#forks;
  }

  /**
   * Lets a log go on that a fork stopped. Its witness is asked no more: it holds another history and would cosign none of this one.
   * @throws VeiltrailError `fork_unknown` where the log is not stopped
   */
  async acknowledge(log: string, by: string): Promise<KnownFork> {
    const fork = this.#undecided().find((one) => one.log === log);
    if (!fork) throw new VeiltrailError('fork_unknown', 'no witness holds another history of this log, or somebody has decided about it');
    fork.acknowledged = { by, at: new Date(systemClock.now()).toISOString() };
    try {
      writeForks(this.#parts.dataDir, this.#forks);
    } catch (error) {
      delete fork.acknowledged;
      throw error;
    }
    await this.#parts.ledger.halt(log, false);
    const info = this.#parts.ledger.logs().find((one) => one.log === log);
    if (info) this.#witnesses?.restart(log, info.published, info.witnessed);
    // Those of other logs, too, where this one is the log in which forks are told.
    await this.#tellSoon();
    await this.#recordPolicy();
    return fork;
  }

  /** Asks nobody any more; what is being told is told when it returns. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#witnesses?.close();
    await this.#telling;
    if (this.#witnesses) this.#missing.look();
  }

  async #open(): Promise<void> {
    for (const { log } of this.#parts.ledger.logs()) await this.stopIfForked(log);
    await this.#recordPolicy();
    for (const info of this.#parts.ledger.logs()) this.published(info);
    // Whoever starts the server again is told what keeps it from going on.
    for (const fork of this.#undecided()) this.#parts.onFork?.(fork);
    void this.#tellSoon();
    const look = (): void => {
      void this.#tellSoon();
      if (this.#witnesses) this.#telling = this.#telling.then(() => this.#missing.tell());
    };
    this.#timer = setInterval(look, Math.min(lookMsMax, this.#lateMs)).unref();
  }

  /** Tells what is on no record yet, after what is being told now. */
  #tellSoon(): Promise<unknown> {
    return (this.#telling = this.#telling.then(() => this.#tellForks()));
  }

  /**
   * Forks and the decisions about them, each under an id and a time of its own. In a log that is stopped they cannot be told, nor on a disk that is
   * full: the file says which were not, and the next look, decision or start tries again.
   */
  async #tellForks(): Promise<void> {
    for (const fork of this.#forks) {
      const { log, at, acknowledged } = fork;
      if (!fork.told && (await this.#isTold({ id: `witness.fork:${log}:${at}`, time: at, ...forkEvent(fork, 'witness.fork', own) }))) {
        fork.told = true;
        this.#keepMarks();
      }
      if (!acknowledged || acknowledged.told) continue;
      const event = forkEvent(fork, 'witness.fork.acknowledge', { type: 'user', id: acknowledged.by });
      if (!(await this.#isTold({ id: `witness.fork.acknowledge:${log}:${at}`, time: acknowledged.at, ...event }))) continue;
      acknowledged.told = true;
      this.#keepMarks();
    }
  }

  /** Told again after a start, under the same id, is what cannot be kept here. */
  #keepMarks(): void {
    try {
      writeForks(this.#parts.dataDir, this.#forks);
    } catch {
      // the disk takes no file
    }
  }

  /** Whether an event is on record now. */
  #isTold(event: JsonObject): Promise<boolean> {
    return this.#parts.tell(event).then(
      () => true,
      (error: VeiltrailError) => error.code === 'not_witnessed', // stored
    );
  }

  /** The directory's policy is the one that is on record: where it cannot be told now, it is in force, and told when that is possible again. */
  async #recordPolicy(): Promise<void> {
    if (!this.#policy || !this.#changed) return;
    try {
      await this.#parts.tell(changeEvent(readWitnessPolicy(this.#parts.dataDir), this.#policy));
    } catch (error) {
      // The log that it would be told in may be the one that is stopped.
      if ((error as VeiltrailError).code === 'history_forked') return;
      throw error;
    }
    writeWitnessPolicy(this.#parts.dataDir, { ...this.#policy, missing: this.#missing.list });
    this.#changed = false;
  }

  /** Beside the policy that is on record; before there is one, it is known to this process alone. */
  #keepMissing(missing: readonly MissingQuorum[]): void {
    const stored = readWitnessPolicy(this.#parts.dataDir);
    if (stored) writeWitnessPolicy(this.#parts.dataDir, { ...stored, missing });
  }

  /** Forks about which nobody has decided. */
  #undecided(): KnownFork[] {
    return this.#forks.filter(({ acknowledged }) => acknowledged === undefined);
  }

  async #alarm(log: string, seen: Fork): Promise<void> {
    await this.#parts.ledger.halt(log, true);
    const fork: KnownFork = { log, ...seen, at: new Date(systemClock.now()).toISOString() };
    this.#forks.push(fork);
    // A disk that takes no file, or a listener that fails, must not keep the others from hearing of it.
    try {
      this.#parts.onFork?.(fork);
    } finally {
      try {
        writeForks(this.#parts.dataDir, this.#forks);
      } finally {
        await this.#tellSoon();
      }
    }
  }
}

function readPolicy(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new VeiltrailError('policy_unreadable', `${file}: cannot be read`);
  }
}

function forkEvent(fork: KnownFork, action: string, actor: { type: string; id: string }): JsonObject {
  const { log, witness, vkey, kind, witnessSize } = fork;
  return {
    source: 'veiltrail',
    action,
    category: 'integrity',
    outcome: action === 'witness.fork' ? 'failure' : 'success',
    severity: 5,
    actor,
    targets: [{ type: 'log', id: log }],
    message: `witness ${witness} holds another history of log ${log}, of ${witnessSize} leaves`,
    metadata: { witness, vkey, kind, witnessSize },
  };
}

function changeEvent(before: StoredWitnessPolicy | undefined, after: StoredWitnessPolicy): JsonObject {
  const shown = (one: StoredWitnessPolicy): JsonObject => {
    const { policy } = readWitnessSettings(one.policy, 'flag');
    return {
      mode: one.mode,
      witnesses: policy.witnesses.length,
      quorum: policy.quorumName,
      digest: createHash('sha256').update(one.policy).digest('hex'),
    };
  };
  return {
    source: 'veiltrail',
    action: 'witness.policy.change',
    category: 'config_change',
    crud: 'u',
    outcome: 'success',
    severity: 3,
    actor: own,
    targets: [{ type: 'policy', id: 'witnesses' }],
    metadata: { ...(before ? { before: shown(before) } : {}), after: shown(after) },
  };
}
