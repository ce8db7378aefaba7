/**
 * `verify --resume` and `verify --watch`: passes over each log of a data directory, or over a published one. A watch never ends by itself unless something
 * is wrong: new leaves every so often, and everything again when the last full pass is old enough.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { VerifyOptions, VerifyReport } from '../app/verify-log.ts';
import { VeiltrailError } from '../core/errors.ts';
import { visibleJson, visibleLine } from '../core/visible.ts';
import { errorColors } from './colors.ts';
import { exitCodes } from './exit.ts';
import { printJson, say } from './output.ts';
import { stopAsked } from './stop-asked.ts';
import { type Pass, runPass, type VerifyTarget } from './verify-passes.ts';
import { VerifyState } from './verify-state.ts';
import { Silence, silenceCodes } from './watch-silence.ts';
import { raiseAlarm, WatchMetrics } from './watch-report.ts';

export interface PassOptions {
  /** A data directory, a directory of tiles, or a URL. */
  where: string;
  isDataDir: boolean;
  /** One log; absent: all of a data directory, else `default`. */
  log?: string;
  /** Of every pass: key, kept checkpoint, witness policy. */
  verify: Omit<VerifyOptions, 'log'>;
  /** Where progress is kept. */
  resume?: string;
  json?: boolean;
  /** How a log is verified [as what `where` names]. */
  target?: VerifyTarget;
}

export interface WatchOptions extends PassOptions {
  /** Seconds between passes over new leaves. */
  everySeconds: number;
  /** Hours after which every leaf is read again. */
  fullEveryHours: number;
  /** A file for metrics. */
  metrics?: string;
  /** A program that is told when something is wrong. */
  alert?: string;
  /** Goes on after an alarm, which is raised again when something else is wrong, or all is well again. */
  keepGoing?: boolean;
}

/** Verifies what `--resume` leaves to do. @returns a report for each log */
export async function verifyOnwards(options: PassOptions): Promise<VerifyReport[]> {
  const state = VerifyState.open(options.resume);
  const reports: VerifyReport[] = [];
  for (const log of await logsOf(options, state.logs())) {
    // What all logs of a directory share is checked with the first one that can be opened.
    const leavesOnly = reports.some(({ steps }) => steps.some(({ step }) => step === 'databases'));
    const { report } = await runPass(targetOf(options), { ...options.verify, log, ...(leavesOnly ? { leavesOnly } : {}) }, state, false);
    reports.push(report);
  }
  return reports;
}

/** Watches until something is wrong (or for ever: `keepGoing`), or somebody stops it. Sets the exit code. */
export async function watch(options: WatchOptions): Promise<void> {
  const state = VerifyState.open(options.resume);
  const metrics = options.metrics === undefined ? undefined : new WatchMetrics(options.metrics);
  const stopping = new AbortController();
  const stop = stopAsked().then(() => stopping.abort());
  // What is wrong with a log, as the alarm was last told; of one that is well there was none.
  const told = new Map<string, string>();
  // Also of those that were never well, and so are not in the state.
  const seen = new Set<string>();
  const restsUntil = new Map<string, number>();
  const silences = new Map<string, Silence>();
  while (!stopping.signal.aborted) {
    for (const log of await logsOf(options, [...state.logs(), ...seen])) {
      if (stopping.signal.aborted) break;
      if (Date.now() < (restsUntil.get(log) ?? 0)) continue;
      const silence = silences.get(log) ?? new Silence();
      silences.set(log, silence);
      const pass = await tryPass(log, options, state, !seen.has(log), silence);
      if (!pass) continue;
      seen.add(log);
      restsUntil.set(log, Date.now() + restMsAfter(pass));
      tell(log, pass, options);
      let isOver = false;
      try {
        metrics?.note(log, pass, state.get(log)?.fullAt);
      } finally {
        // Whatever becomes of the metrics.
        isOver = await heed(log, pass, told, options);
      }
      if (isOver) return;
    }
    await waitOr(options.everySeconds * 1_000, stop);
  }
}

/**
 * How long a log is left alone, beyond what is between passes: until it is repaired, each pass may read all of it again, which shall take a tenth of the
 * time and no more. At most an hour.
 */
export function restMsAfter({ report: { ok, problems }, seconds }: Pick<Pass, 'report' | 'seconds'>): number {
  return ok || problems.every(({ code }) => silenceCodes.has(code)) ? 0 : Math.min(9_000 * seconds, 3_600_000);
}

/** Raises the alarm where something else is wrong than was told, or all is well again. @returns whether the watch is over */
async function heed(log: string, pass: Pass, told: Map<string, string>, { alert, keepGoing }: WatchOptions): Promise<boolean> {
  const { ok } = pass.report;
  if (!ok) process.exitCode = exitCodes.wrong;
  const findings = ok ? '' : findingsOf(pass);
  if (findings === (told.get(log) ?? '')) return false;
  told.set(log, findings);
  if (!keepGoing) process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM');
  if (alert !== undefined) await alarm(alert, visibleJson(factsOf(log, pass)));
  return !keepGoing;
}

/**
 * A pass; undefined where the log is out of reach for now, which is told and tried again. What cannot be read at all is as wrong as what was changed: a
 * watch that ended by it would be one that somebody can end. So is silence for too long: it would be one that somebody can keep from finding anything.
 * @param isFirst only then it may be wrong use
 */
async function tryPass(log: string, options: WatchOptions, state: VerifyState, isFirst: boolean, silence: Silence): Promise<Pass | undefined> {
  const startedMs = Date.now();
  const fullAt = state.get(log)?.fullAt;
  const full = fullAt === undefined || Date.now() - Date.parse(fullAt) >= options.fullEveryHours * 3_600_000;
  // A first pass that was cut short goes on; a later one begins again.
  const again = full && fullAt !== undefined;
  try {
    const verify = { ...options.verify, log, shown: silence.shown, ...(full ? {} : { leavesOnly: true }) };
    const pass = await runPass(targetOf(options), verify, state, again);
    silence.end(pass.report);
    return pass;
  } catch (error) {
    const code = error instanceof VeiltrailError ? error.code : 'internal';
    if (isFirst && (misuse.has(code) || (code === 'not_found' && fullAt === undefined))) throw error;
    const facts = { full, startedMs, known: state.get(log)?.checkpoint };
    if (!(error instanceof VeiltrailError) || !passing.has(code)) {
      silence.end({ ok: false });
      return unreadable(error, options, facts);
    }
    const alarming = silence.note(error, performance.now());
    const at = new Date().toISOString();
    if (options.json) printJson({ at, log, unreachable: code, ...error.detail });
    else say(errorColors.yellow(`${at} ${log}: ${visibleLine(error.message)}; ${alarming ? 'for too long' : 'trying again'}`));
    return alarming && unreadable(alarming, options, facts);
  }
}

const passing = new Set(['unreachable', 'storage_busy']);
/** What a person did wrong who starts a watch. */
const misuse = new Set(['vkey_missing', 'vkey_syntax', 'vkey_type', 'redirected']);

/** The failed pass over what cannot even be opened. */
async function unreadable(
  error: unknown,
  { isDataDir }: WatchOptions,
  { full, startedMs, known }: { full: boolean; startedMs: number; known: string | undefined },
): Promise<Pass> {
  const { cannotOpen } = await import('../server/verify.ts');
  const cause = error instanceof VeiltrailError ? error : new VeiltrailError('internal', (error as Error).message, {}, { cause: error });
  const report = cannotOpen(known?.split('\n', 1)[0] ?? '', cause, isDataDir ? 'data directory' : 'log');
  return { report, kind: full ? 'full' : 'new', from: 0, seconds: (Date.now() - startedMs) / 1_000 };
}

function tell(log: string, pass: Pass, { json }: WatchOptions): void {
  if (json) return printJson(factsOf(log, pass));
  const { kind, from, seconds, report } = pass;
  const { ok, treeSize, problems } = report;
  const at = new Date().toISOString();
  const what = kind === 'full' ? `all ${treeSize} leaves` : `${Math.max(0, treeSize - from)} new leaves, ${treeSize} in all`;
  say(`${at} ${log}: ${what} in ${seconds.toFixed(1)} s: ${ok ? errorColors.green('all well') : errorColors.red('something is wrong')}`);
  for (const { message, code } of problems) say(`  ${errorColors.red(visibleLine(message))} ${errorColors.dim(`(${code})`)}`);
}

/** The alarm that failed is told, too, and the watch ends as it would have. */
async function alarm(program: string, line: string): Promise<void> {
  try {
    await raiseAlarm(program, line);
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    say(errorColors.red(`the alarm failed: ${error.message}`));
  }
}

/**
 * What is wrong, without words that change from pass to pass. Only the first problems of each code are listed, so their number counts, too; and what is
 * said of a checkpoint is said of this one.
 */
export function findingsOf({ report: { problems, problemCount, treeSize, root } }: Pick<Pass, 'report'>): string {
  const ofCheckpoint = problems.some(({ code }) => checkpointFindings.has(code));
  return JSON.stringify([
    problems.map(({ code, where, leafIndex }) => [code, where, leafIndex]),
    problemCount,
    ...(ofCheckpoint ? [treeSize, root] : []),
  ]);
}

const checkpointFindings = new Set(['rolled_back', 'history_forked', 'root_wrong']);

function factsOf(log: string, { report, kind, from, seconds }: Pass): object {
  const { ok, origin, treeSize, root, firstBadLeaf, unwitnessedFrom, problems, problemCount } = report;
  return {
    at: new Date().toISOString(),
    log,
    pass: kind,
    ok,
    origin,
    from,
    treeSize,
    root,
    seconds,
    firstBadLeaf,
    unwitnessedFrom,
    problems,
    problemCount,
  };
}

/** @param known logs that were there before: one that is missing is a finding */
async function logsOf({ where, isDataDir, log }: PassOptions, known: Iterable<string>): Promise<string[]> {
  if (log !== undefined) return [log];
  if (!isDataDir) return ['default'];
  const { listExpectedLogs } = await import('../server/stored-logs.ts');
  return listExpectedLogs(where, known);
}

function targetOf({ where, isDataDir, target }: PassOptions): VerifyTarget {
  if (target) return target;
  if (isDataDir && !existsSync(join(where, 'config.json'))) throw new VeiltrailError('data_dir_missing', `${where} is not a data directory any more`);
  return async (options) => {
    const { verifyPublishedLog, verifyStoredLog } = await import('../server/verify.ts');
    return isDataDir ? verifyStoredLog(where, options) : verifyPublishedLog(where, options);
  };
}

/** Waits, or until the other one comes. */
async function waitOr(ms: number, other: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const waited = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([other, waited]);
  clearTimeout(timer);
}
