/**
 * One pass of a server over its own data directory: leaves that were never verified, or everything that is stored. It is the code of `veiltrail verify`;
 * what it finds in order is remembered as it goes, so that it can be ended at any moment and go on later.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { VerifyReport } from '../app/verify-log.ts';
import { openCheckpoint } from '../log/checkpoint.ts';
import { createTrust } from '../log/trust.ts';
import { openKeyring } from '../vault/keyring.ts';
import type { Problem } from '../verify/problem.ts';
import { keysDirectory, removalFileName } from './data-files.ts';
import { readSelfVerifyState, type SelfVerifyState, type VerifiedLog, writeSelfVerifyState } from './self-verify-state.ts';
import { listExpectedLogs } from './stored-logs.ts';
import { verifyStoredLog } from './verify.ts';

/** `new`: leaves that were never verified. `full`: everything, and where a pass over it is under way, what is left of it. `anew`: everything. */
export const selfVerifyKinds = ['new', 'full', 'anew'] as const;
export type SelfVerifyKind = (typeof selfVerifyKinds)[number];

export interface SelfVerifyTask {
  dataDir: string;
  kind: SelfVerifyKind;
  /** Per cent of one core. */
  share: number;
}

/** What is wrong: the problems of the first leaves of each kind. */
export interface FoundProblem extends Problem {
  /** Absent: it is about what logs share. */
  log?: string;
}

export interface SelfVerifyResult {
  /** Leaves that were read. */
  leaves: number;
  problems: FoundProblem[];
  problemCount: number;
  /** False: not all of it could be read, because somebody else was at it. Nothing is in order by that. */
  isWhole: boolean;
  state: SelfVerifyState;
}

/** Between two notes of how far it has come. */
const noteMs = 2_000;
const removalWaitMs = 1_000;
/** They go by themselves: another process was quicker. */
const passing = new Set(['storage_busy']);

/**
 * @param onState told what was written down
 * @param verify for tests
 */
export async function runSelfVerification(
  task: SelfVerifyTask,
  onState: (state: SelfVerifyState) => void = () => undefined,
  verify: typeof verifyStoredLog = verifyStoredLog,
): Promise<SelfVerifyResult> {
  return new SelfVerification(task, onState, verify).run();
}

class SelfVerification {
  readonly #task: SelfVerifyTask;
  readonly #onState: (state: SelfVerifyState) => void;
  readonly #verify: typeof verifyStoredLog;
  readonly #state: SelfVerifyState;
  readonly #pace: () => Promise<void>;
  readonly #problems: FoundProblem[] = [];
  #problemCount = 0;
  #isWhole = true;
  #leaves = 0;

  constructor(task: SelfVerifyTask, onState: (state: SelfVerifyState) => void, verify: typeof verifyStoredLog) {
    this.#task = task;
    this.#onState = onState;
    this.#verify = verify;
    this.#state = readSelfVerifyState(task.dataDir);
    this.#pace = createPace(task.share);
  }

  async run(): Promise<SelfVerifyResult> {
    const { dataDir, kind } = this.#task;
    const full = this.#isFull;
    if (kind === 'anew') delete this.#state.pass;
    if (full) this.#state.pass ??= { startedAt: nowText(), logs: {} };
    const logs = await listExpectedLogs(dataDir, Object.keys(this.#state.logs));
    for (const log of logs) if (!full || !this.#state.pass?.logs[log]?.done) await this.#verifyLeaves(log);
    const first = logs.find((log) => !this.#problems.some((one) => one.log === log && one.code === 'log_unknown'));
    if (full && first !== undefined) await this.#verifyShared(first);
    if (full && this.#problemCount === 0 && this.#isWhole) this.#endPass();
    return { leaves: this.#leaves, problems: this.#problems, problemCount: this.#problemCount, isWhole: this.#isWhole, state: this.#state };
  }

  get #isFull(): boolean {
    return this.#task.kind !== 'new';
  }

  /** Entries, tiles, records, tombstones, tokens, signature, witnesses of a log. */
  async #verifyLeaves(log: string): Promise<void> {
    const { dataDir } = this.#task;
    const full = this.#isFull;
    await this.#noRemoval();
    this.#checkKnown(log);
    const known = this.#state.logs[log];
    const startedAt = nowText();
    const from = full ? (this.#state.pass?.logs[log]?.verifiedTo ?? 0) : (known?.verifiedTo ?? 0);
    let checkpoint = known?.checkpoint;
    let notedMs = performance.now();
    const note = (verifiedTo: number, done: boolean): void => {
      if (checkpoint !== undefined) this.#remember(log, { checkpoint, verifiedTo, since: startedAt }, done);
    };
    const report = await this.#verify(dataDir, {
      log,
      leavesOnly: true,
      pace: this.#pace,
      // Also where all is read again: the log must have grown from what was seen before.
      ...(known ? { resume: { verifiedTo: from, checkpoint: known.checkpoint } } : {}),
      onCheckpoint: (text) => (checkpoint = text),
      onVerified(to) {
        if (performance.now() - notedMs < noteMs) return;
        notedMs = performance.now();
        note(to, false);
      },
    });
    this.#leaves += Math.max(0, report.treeSize - from);
    this.#add(report, log);
    if (report.ok) note(report.treeSize, true);
  }

  /**
   * A checkpoint of a key that was rotated away proves nothing any more: its log is read as one that was never seen. And no leaves are known beyond those
   * of the checkpoint.
   */
  #checkKnown(log: string): void {
    const known = this.#state.logs[log];
    if (!known) return;
    try {
      const keyring = openKeyring(join(this.#task.dataDir, keysDirectory), { create: false });
      const vkeys = keyring.signers(log).map(({ vkey }) => vkey);
      // A log that is gone, key and all, stays known, so that it is missed each time.
      if (vkeys.length === 0) return;
      const { treeSize } = openCheckpoint(known.checkpoint, createTrust(vkeys));
      known.verifiedTo = Math.min(known.verifiedTo, treeSize);
      const read = this.#state.pass?.logs[log];
      if (read) read.verifiedTo = Math.min(read.verifiedTo, treeSize);
    } catch {
      // Where it is the keyring that cannot be read, verification says so.
      delete this.#state.logs[log];
      delete this.#state.pass?.logs[log];
    }
  }

  #remember(log: string, now: VerifiedLog, done: boolean): void {
    const known = this.#state.logs[log];
    const { pass } = this.#state;
    if (this.#isFull && pass) {
      pass.logs[log] = { verifiedTo: now.verifiedTo, ...(done ? { done: true } : {}) };
      // Until all of it was read again, the oldest leaf is one of the pass before.
      const since = done || !known ? pass.startedAt : known.since;
      const verifiedTo = done ? now.verifiedTo : Math.max(now.verifiedTo, known?.verifiedTo ?? 0);
      this.#state.logs[log] = { checkpoint: now.checkpoint, verifiedTo, since };
    } else {
      this.#state.logs[log] = { ...now, since: known?.since ?? now.since };
    }
    this.#write();
  }

  /** Databases, vault and requests, once for all logs. */
  async #verifyShared(log: string): Promise<void> {
    await this.#noRemoval();
    const known = this.#state.logs[log];
    const startedAt = nowText();
    const report = await this.#verify(this.#task.dataDir, {
      log,
      requests: true,
      pace: this.#pace,
      ...(known ? { resume: { verifiedTo: known.verifiedTo, checkpoint: known.checkpoint } } : {}),
    });
    this.#add(report);
    if (report.ok) this.#state.files = startedAt;
  }

  #endPass(): void {
    if (this.#state.pass) this.#state.fullAt = this.#state.pass.startedAt;
    delete this.#state.pass;
    this.#write();
  }

  #add({ problems, problemCount }: VerifyReport, log?: string): void {
    if (problems.some(({ code }) => passing.has(code))) this.#isWhole = false;
    const isKnown = ({ code, where }: Problem): boolean => this.#problems.some((one) => one.code === code && one.where === where);
    const lasting = problems.filter((problem) => !passing.has(problem.code) && !isKnown(problem));
    this.#problems.push(...lasting.map((problem) => ({ ...problem, ...(log === undefined ? {} : { log }) })));
    // A report lists the first of each code and counts all.
    if (lasting.length > 0) this.#problemCount += problemCount - (problems.length - lasting.length);
  }

  /** While something is removed, what is gone and what tells of it do not fit together. */
  async #noRemoval(): Promise<void> {
    while (existsSync(join(this.#task.dataDir, removalFileName))) await sleep(removalWaitMs);
  }

  #write(): void {
    writeSelfVerifyState(this.#task.dataDir, this.#state);
    this.#onState(this.#state);
  }
}

/** Rests so long that what was done since the last rest is no more than the share of a core. */
function createPace(share: number): () => Promise<void> {
  let before = process.cpuUsage();
  return async () => {
    const { user, system } = process.cpuUsage(before);
    const restMs = ((user + system) / 1_000) * (100 / share - 1);
    // A timer takes a millisecond: small steps rest together.
    if (restMs < 2) return;
    await sleep(restMs);
    before = process.cpuUsage();
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function nowText(): string {
  return new Date().toISOString();
}
