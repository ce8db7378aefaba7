/** Checking anchors, for `anchor verify` and `verify --anchors`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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
import { checkVkey } from './vkey-option.ts';

/** Of the newest leaves, in a report. */
const bracketsShown = 3;

/** Every anchor of a data directory, or of one log. @throws VeiltrailError `data_dir_missing`, `checkpoint_missing`, `log_unknown`, `vkey_missing`, `anchor_config` */
export async function checkAnchors(
  dataDir: string,
  settings: readonly TargetSettings[],
  { log, vkey }: { log?: string; vkey?: string },
): Promise<CheckedLog[]> {
  refuseLostLogs(dataDir);
  if (log !== undefined) refuseUnknownLog(dataDir, log);
  const opened = openAnchors(dataDir, settings);
  const checked: CheckedLog[] = [];
  for (const one of log === undefined ? await logsOf(opened) : [log]) {
    checked.push(await verifyAnchors(one, vkey ?? ownVkey(dataDir, one), opened));
  }
  return checked;
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

/** Adds a step for the anchors of each log to a report, and a problem for each that does not fit. */
export async function addAnchors(
  report: BracketedReport,
  dataDir: string,
  { config, log, vkey }: { config?: string; log?: string; vkey?: string },
): Promise<void> {
  const settings = config === undefined ? [] : readTargets(readConfig(config).anchors ?? []);
  const checked = await checkAnchors(dataDir, settings, {
    ...(log === undefined ? {} : { log }),
    ...(log !== undefined && vkey !== undefined ? { vkey } : {}),
  });
  const addProblem = (code: string, where: string, message: string): void => {
    report.ok = false;
    report.problemCount++;
    report.problems.push({ code, where, message });
  };
  if (settings.length === 0 && checked.every(({ anchors }) => anchors.length === 0))
    report.steps.push({ step: 'anchors', ok: true, detail: 'none: nobody but this machine vouches for its logs' });
  if (settings.length > 0 && checked.length === 0)
    report.notChecked.push('what the targets of the configuration keep: no log has published anything');
  for (const { log: name, notChecked } of checked) report.notChecked.push(...notChecked.map((one) => notCheckedText(name, one)));
  report.brackets = Object.fromEntries(checked.map(({ log: name, brackets }) => [name, brackets]));
  for (const { log: name, anchors, brackets } of checked) {
    // What strangers wrote into a target is no anchor.
    if (anchors.every(({ ok, treeSize, unreachable }) => ok === undefined && treeSize === 0 && !unreachable)) continue;
    for (const { ok, notCompared, file, detail } of anchors)
      if (ok === false) addProblem(notCompared ? 'anchor_not_compared' : 'anchor_mismatch', file, `${file}: ${detail}`);
    const wrong = contradictions(brackets);
    for (const one of wrong) addProblem('anchor_contradiction', `anchors/${name}`, `log ${name}, ${bracketText(one)}: both cannot be true`);
    const unasked = anchors.filter(({ ok }) => ok === undefined).length;
    report.steps.push({
      step: 'anchors',
      ok: wrong.length === 0 && anchors.every(({ ok }) => ok !== false),
      detail: [`${anchors.length} of log ${name}`, ...(unasked > 0 ? [`${unasked} whose target was not asked`] : [])].join('; '),
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
    throw new VeiltrailError('vkey_missing', `there is no public key of log ${log} (${file}); say it with --vkey`, {}, { cause });
  }
  return checkVkey(text.trim(), file);
}
