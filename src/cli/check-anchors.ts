/** Checking anchors, for `anchor verify` and `verify --anchors`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { anchorsDirectory } from '../anchor/anchor-store.ts';
import { clockDoubts } from '../anchor/clock-doubts.ts';
import { readTargets, type TargetSettings } from '../anchor/targets.ts';
import { bracketText, contradictions, type TimeBracket } from '../anchor/time-brackets.ts';
import type { VerifyReport } from '../app/verify-log.ts';
import { VeiltrailError } from '../core/errors.ts';
import { openAnchors, type OpenedAnchors, refuseLostLogs, refuseUnknownLog } from '../server/anchors.ts';
import { withRecords } from '../server/open-records.ts';
import { readConfig } from '../server/config.ts';
import { keysDirectory } from '../server/data-files.ts';
import { type CheckedLog, verifyAnchors } from '../server/verify-anchors.ts';
import { storageError } from '../storage/storage-error.ts';
import { unreachableProblems } from './unreachable-anchors.ts';
import { checkVkey } from './vkey-option.ts';

/** Of the newest leaves, in a report. */
const bracketsShown = 3;

/** @param vkey of `log`; of `default` where none is named */
interface WhichLogs {
  log?: string;
  vkey?: string;
}

/**
 * Every anchor of a data directory, or of one log.
 * @throws VeiltrailError `data_dir_missing`, `checkpoint_missing`, `log_unknown`, `vkey_missing`, `anchor_config`
 */
export async function checkAnchors(dataDir: string, settings: readonly TargetSettings[], which: WhichLogs): Promise<CheckedLog[]> {
  const { log } = which;
  refuseLostLogs(dataDir);
  if (log !== undefined) refuseUnknownLog(dataDir, log);
  const opened = openAnchors(dataDir, settings);
  const checked: CheckedLog[] = [];
  for (const one of log === undefined ? await logsOf(opened) : [log]) checked.push(await verifyAnchors(one, vkeyOf(dataDir, one, which), opened));
  return checked;
}

function vkeyOf(dataDir: string, one: string, { log = 'default', vkey }: WhichLogs): string {
  return vkey !== undefined && one === log ? vkey : ownVkey(dataDir, one);
}

/** Logs that have anchors here, and where there are targets that should keep something of them, all others. */
async function logsOf({ store, targets, checkpoints }: OpenedAnchors): Promise<string[]> {
  const published = targets.length > 0 ? await checkpoints() : [];
  return [...new Set([...(await store.logs()), ...published.map(({ log }) => log)])].toSorted();
}

/** What a target was not asked, for people. */
export function notCheckedText(log: string, { target, why }: CheckedLog['notChecked'][number]): string {
  return `what ${target} keeps of log ${log}: ${why}`;
}

/** A report with what is known of the times of leaves, by log. */
export type BracketedReport = VerifyReport & { brackets?: Record<string, TimeBracket[]> };

/**
 * The anchors of a data directory with the targets of a configuration file; without one, with none.
 * @throws VeiltrailError `config_invalid`, `anchor_config`, `anchor_refused`
 */
export function openConfiguredAnchors(dataDir: string, config: string | undefined): OpenedAnchors {
  return openAnchors(dataDir, config === undefined ? [] : readTargets(readConfig(config).anchors ?? []));
}

/** Adds a step for the anchors of each log to a report, and a problem for each that does not fit; what cannot be checked is one, too. */
export async function addAnchors(report: BracketedReport, dataDir: string, opened: OpenedAnchors, which: WhichLogs): Promise<void> {
  const { targets, store } = opened;
  const addProblem = (code: string, where: string, message: string): void => {
    report.ok = false;
    report.problemCount++;
    report.problems.push({ code, where, message });
  };
  // What verification found must not be lost to what is wrong with a key or a checkpoint.
  const attempt = async <T>(what: string, where: string, run: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof VeiltrailError) && typeof (error as NodeJS.ErrnoException).code !== 'string') throw error;
      const { code, message } = storageError(error, 'check anchors');
      addProblem(code, where, `${what} could not be checked: ${message}`);
      report.steps.push({ step: 'anchors', ok: false, detail: `${what} could not be checked` });
      return undefined;
    }
  };
  const all = async (): Promise<string[]> =>
    (await attempt('all anchors', anchorsDirectory, () => logsOf(opened))) ??
    (await attempt('anchors here', anchorsDirectory, () => store.logs())) ??
    [];
  const checked: CheckedLog[] = [];
  const names = which.log === undefined ? await all() : [which.log];
  for (const name of names) {
    const one = await attempt(`the anchors of log ${name}`, `${anchorsDirectory}/${name}`, async () =>
      verifyAnchors(name, vkeyOf(dataDir, name, which), opened),
    );
    if (one) checked.push(one);
  }
  if (targets.length === 0 && checked.length === names.length && checked.every(({ anchors }) => anchors.length === 0))
    report.steps.push({ step: 'anchors', ok: true, detail: 'none: nobody but this machine vouches for its logs' });
  if (targets.length > 0 && names.length === 0) report.notChecked.push('what the targets of the configuration keep: no log has published anything');
  for (const { log: name, notChecked } of checked) report.notChecked.push(...notChecked.map((one) => notCheckedText(name, one)));
  report.brackets = Object.fromEntries(checked.map(({ log: name, brackets }) => [name, brackets]));
  for (const { log: name, anchors, brackets } of checked) {
    // What strangers wrote into a target is no anchor.
    if (anchors.every(({ ok, treeSize, unreachable }) => ok === undefined && treeSize === 0 && !unreachable)) continue;
    for (const { ok, notCompared, file, detail } of anchors)
      if (ok === false) addProblem(notCompared ? 'anchor_not_compared' : 'anchor_mismatch', file, `${file}: ${detail}`);
    const wrong = contradictions(brackets);
    for (const one of wrong) addProblem('anchor_contradiction', `anchors/${name}`, `log ${name}, ${bracketText(one)}: both cannot be true`);
    const away = unreachableProblems(name, anchors);
    for (const { code, where, message } of away) addProblem(code, where, message);
    const here = anchors.filter(({ ok, treeSize }) => ok !== undefined || treeSize > 0);
    const unasked = here.filter(({ ok, unreachable }) => ok === undefined && !unreachable).length;
    report.steps.push({
      step: 'anchors',
      ok: wrong.length === 0 && away.length === 0 && anchors.every(({ ok }) => ok !== false),
      detail: [
        `${here.length} of log ${name}`,
        ...(unasked > 0 ? [`${unasked} whose target was not asked`] : []),
        ...away.map(({ where }) => `${where} did not answer`),
      ].join('; '),
    });
    const said = brackets.filter(({ after, before }) => after || before);
    if (said.length === 0) continue;
    // The newest: `anchor verify` shows all, and --leaf one.
    const lines = said.slice(-bracketsShown).map(bracketText);
    report.steps.push({ step: 'time', ok: wrong.length === 0, detail: `log ${name}, ${lines.join('; ')}` });
    const doubts = await clockDoubtsOf(dataDir, name, brackets);
    if (doubts.length > 0) report.notices = [...(report.notices ?? []), ...doubts.map((doubt) => `log ${name}: ${doubt}`)];
  }
}

/** What speaks against the server's clock; nothing where the records cannot be read: other steps say so. */
export async function clockDoubtsOf(dataDir: string, log: string, brackets: readonly TimeBracket[]): Promise<string[]> {
  try {
    return await withRecords(dataDir, (records) =>
      clockDoubts(brackets, async (leaf) => {
        for await (const { receivedAtMs } of records.records(log, leaf, leaf + 1)) return receivedAtMs;
        return undefined;
      }),
    );
  } catch (error) {
    if (error instanceof VeiltrailError) return [];
    throw error;
  }
}

function ownVkey(dataDir: string, log: string): string {
  const file = `${keysDirectory}/${log}.vkey`;
  let text: string;
  try {
    text = readFileSync(join(dataDir, file), 'utf8');
  } catch (cause) {
    throw new VeiltrailError('vkey_missing', `there is no public key of log ${log} (${file}); say it with --log ${log} --vkey`, {}, { cause });
  }
  return checkVkey(text.trim(), file);
}
