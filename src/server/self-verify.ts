/**
 * A server verifies its own data directory: new leaves every hour, everything once a day, in a process of its own that has the lowest priority and a share
 * of one core. That process is ended while the server is busy, and goes on where it was. What is found wrong twice is told: an event of `_system`, a line on
 * standard error, metrics, `/readyz`. Nothing is stopped by it: what is stored already is damaged whether or not more is taken.
 */
import { type ChildProcess, fork, type ForkOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AccessEntry } from '../app/access-event.ts';
import { removalFileName } from './data-files.ts';
import type { SelfVerifyMessage } from './self-verify-process.ts';
import type { FoundProblem, SelfVerifyKind, SelfVerifyResult } from './self-verify-pass.ts';
import { readSelfVerifyState, type SelfVerifyState } from './self-verify-state.ts';

export interface SelfVerifySettings {
  /** Hours between two passes over everything; 0: never [24]. */
  hours?: number;
  /** Per cent of one core that a pass may take [5]. */
  share?: number;
  /** For tests: other times than the usual ones. */
  times?: Partial<SelfVerifyTimes>;
}

export interface SelfVerifyTimes {
  /** After the start. */
  firstMs: number;
  /** Between two looks at new leaves. */
  newMs: number;
  /** Until what looks wrong is looked at again, and until a pass goes on that a busy server ended. */
  againMs: number;
  /** Between two looks at how busy the server is. */
  lookMs: number;
}

export interface SelfVerifyParts {
  dataDir: string;
  /** Whether requests wait: then this can wait. */
  isBusy(): boolean;
  /** Puts an entry into `_system`. */
  record(entry: AccessEntry): Promise<void>;
  /** A line for whoever runs the server. */
  alert(line: string): void;
  /** For tests: another way to start the process. */
  fork?: (file: URL, args: string[], options: ForkOptions) => ChildProcess;
}

export interface SelfVerifyFigures {
  logs: { log: string; verifiedTo: number; sinceMs: number }[];
  /** Since when databases, vault and requests are known to be in order; undefined before they were looked at. */
  filesMs: number | undefined;
  /** What the last pass found; undefined before the first ended. */
  problems: number | undefined;
  /** Passes that found something wrong, since the start. */
  failures: number;
}

export interface SelfVerification {
  figures(): SelfVerifyFigures;
  /** Sentences for `/readyz`. */
  troubles(): string[];
  /** When it returns no process of it is left. */
  stop(): Promise<void>;
}

const hourMs = 3_600_000;
const timesUsual: SelfVerifyTimes = { firstMs: 60_000, newMs: hourMs, againMs: 30_000, lookMs: 1_000 };
const shareUsual = 5;
/** A timer holds 24 days at the most. */
const timerMax = 2 ** 31 - 1;
const toldMax = 20;

export function startSelfVerification(parts: SelfVerifyParts, settings: SelfVerifySettings = {}): SelfVerification {
  const running = new Running(parts, settings);
  running.start();
  return running;
}

type Ended = SelfVerifyResult | 'busy' | { failed: string };

class Running implements SelfVerification {
  readonly #parts: SelfVerifyParts;
  readonly #everyMs: number;
  readonly #share: number;
  readonly #times: SelfVerifyTimes;
  readonly #startedMs = performance.now();
  #state: SelfVerifyState;
  #timer: NodeJS.Timeout | undefined;
  #child: ChildProcess | undefined;
  #underWay: Promise<void> = Promise.resolve();
  #stopped = false;
  #problems: readonly FoundProblem[] = [];
  #problemCount: number | undefined;
  #failures = 0;
  /** Something looked wrong in the pass before, and was not told yet. */
  #isSuspected = false;
  /** What was told, in short. */
  #told = '';
  #isFailing = false;

  constructor(parts: SelfVerifyParts, { hours = 24, share = shareUsual, times }: SelfVerifySettings) {
    this.#parts = parts;
    this.#everyMs = hours * hourMs;
    this.#share = share;
    this.#times = { ...timesUsual, ...times };
    this.#state = readSelfVerifyState(parts.dataDir);
  }

  start(): void {
    if (this.#everyMs > 0) this.#after(this.#times.firstMs);
  }

  figures(): SelfVerifyFigures {
    const { logs, files } = this.#state;
    return {
      logs: Object.entries(logs).map(([log, { verifiedTo, since }]) => ({ log, verifiedTo, sinceMs: Date.parse(since) })),
      filesMs: files === undefined ? undefined : Date.parse(files),
      problems: this.#problemCount,
      failures: this.#failures,
    };
  }

  troubles(): string[] {
    const [first] = this.#problems;
    return first ? [`verification of what is stored found ${this.#problemCount} problems, first in ${placeOf(first)}: see the log _system`] : [];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#child?.kill('SIGKILL');
    await this.#underWay;
  }

  #after(ms: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void (this.#underWay = this.#run().catch(() => this.#after(this.#times.newMs))), Math.min(ms, timerMax)).unref();
  }

  async #run(): Promise<void> {
    if (this.#isToWait()) return this.#after(this.#times.againMs);
    const ended = await this.#inProcess(this.#kindDue());
    if (this.#stopped) return;
    if (ended === 'busy') return this.#after(this.#times.againMs);
    if ('failed' in ended) {
      // Once: that it goes on failing is what the age of the last check says.
      if (!this.#isFailing) this.#parts.alert(`the server could not verify what it stores (${ended.failed}); it is tried again`);
      this.#isFailing = true;
      return this.#after(this.#times.newMs);
    }
    this.#isFailing = false;
    this.#state = ended.state;
    if (ended.problemCount === 0 && !ended.isWhole) return this.#after(this.#times.againMs);
    await this.#judge(ended);
  }

  /** What is wrong once may have been changed while it was read; what is wrong twice is wrong. */
  async #judge({ problems, problemCount }: SelfVerifyResult): Promise<void> {
    const found = [...new Set(problems.map(({ log = '', code, leafIndex = '' }) => `${log} ${code} ${leafIndex}`))].join('\n');
    if (found !== '' && this.#told === '' && !this.#isSuspected) {
      this.#isSuspected = true;
      return this.#after(this.#times.againMs);
    }
    this.#isSuspected = false;
    this.#problems = problems;
    this.#problemCount = problemCount;
    if (problemCount > 0) this.#failures++;
    if (found !== this.#told) await this.#tell(problems, problemCount);
    this.#told = found;
    this.#after(Math.min(this.#times.newMs, this.#everyMs));
  }

  async #tell(problems: readonly FoundProblem[], problemCount: number): Promise<void> {
    const [first] = problems;
    if (!first) this.#parts.alert('what is stored verifies again');
    for (const problem of problems.slice(0, toldMax)) this.#parts.alert(`verification: ${placeOf(problem)}: ${problem.message} (${problem.code})`);
    // Where _system itself is what is damaged, or stopped, standard error has to do.
    await this.#parts.record(first ? failedEntry(first, problems, problemCount) : passedEntry()).catch(() => undefined);
  }

  #kindDue(): SelfVerifyKind {
    // Once something was wrong, only a whole pass says that it is not any more.
    if ((this.#problemCount ?? 0) > 0) return 'anew';
    const ageMs = this.#fullAgeMs();
    const isDue = this.#state.pass !== undefined || ageMs === undefined || ageMs >= this.#everyMs;
    return isDue ? 'full' : 'new';
  }

  /** Since the last pass over everything began. Unknown, too, where that is yet to come: a clock was wrong, and was put right meanwhile. */
  #fullAgeMs(): number | undefined {
    const { fullAt } = this.#state;
    const ageMs = fullAt === undefined ? undefined : Date.now() - Date.parse(fullAt);
    return ageMs !== undefined && ageMs >= 0 ? ageMs : undefined;
  }

  /** A removal comes first, always: its scrub cannot end while somebody reads. */
  #isToWait(): boolean {
    return existsSync(join(this.#parts.dataDir, removalFileName)) || this.#mayWait();
  }

  /** A server that is always busy is verified, too, after twice the time. */
  #mayWait(): boolean {
    const ageMs = this.#fullAgeMs() ?? performance.now() - this.#startedMs;
    return this.#parts.isBusy() && ageMs < 2 * this.#everyMs;
  }

  #fork(kind: SelfVerifyKind): ChildProcess {
    const file = import.meta.url.endsWith('.ts') ? './self-verify-process.ts' : './self-verify-process.js';
    return (this.#parts.fork ?? fork)(new URL(file, import.meta.url), [this.#parts.dataDir, kind, String(this.#share)], {
      // Secrets of the environment are none of its business. One arena, and code that is kept small: 41 MB instead of 100.
      env: { MALLOC_ARENA_MAX: '1', ...kept(['SystemRoot', 'TZ']) },
      execArgv: ['--optimize-for-size', '--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
    });
  }

  async #inProcess(kind: SelfVerifyKind): Promise<Ended> {
    let child: ChildProcess;
    try {
      child = this.#fork(kind);
    } catch (error) {
      // Of what a system refuses Node tells some by an event, and throws the rest (ENOMEM, EPERM).
      return failedBy(error as NodeJS.ErrnoException);
    }
    this.#child = child;
    // In the middle of SQLite's check of a file it hears nothing of a server that is gone.
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    let ended: Ended | undefined;
    child.on('message', (message: SelfVerifyMessage) => {
      if ('state' in message) this.#state = message.state;
      else ended = 'result' in message ? message.result : message;
    });
    child.on('error', (error) => (ended = failedBy(error)));
    const look = setInterval(() => {
      if (ended || !this.#isToWait()) return;
      ended = 'busy';
      child.kill('SIGKILL');
    }, this.#times.lookMs).unref();
    await new Promise<void>((resolve) => {
      child.once('close', () => resolve());
      child.once('error', () => resolve());
    });
    clearInterval(look);
    process.off('exit', kill);
    this.#child = undefined;
    return ended ?? { failed: 'it ended before it was done' };
  }
}

function failedBy({ code, message }: NodeJS.ErrnoException): Ended {
  return { failed: code ?? message };
}

function kept(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
}

/** Where someone would look: a log's leaf, a file. */
function placeOf({ log, where, leafIndex }: FoundProblem): string {
  const place = leafIndex === undefined ? where : `leaf ${leafIndex}`;
  return log === undefined ? place : `log ${log}, ${place}`;
}

function failedEntry(first: FoundProblem, problems: readonly FoundProblem[], problemCount: number): AccessEntry {
  return {
    action: 'verification.failed',
    principal: 'system',
    category: 'alert',
    outcome: 'failure',
    severity: 5,
    reason: first.code,
    ...(first.log === undefined ? {} : { log: first.log }),
    metadata: {
      problems: problemCount,
      first: problems.slice(0, toldMax).map(({ log, code, where, leafIndex }) => ({
        ...(log === undefined ? {} : { log }),
        code,
        where,
        ...(leafIndex === undefined ? {} : { leafIndex }),
      })),
    },
  };
}

function passedEntry(): AccessEntry {
  return { action: 'verification.passed', principal: 'system', category: 'alert', outcome: 'success' };
}
