/** Checking anchors, for `anchor verify` and `verify --anchors`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTargets, type TargetSettings } from '../anchor/targets.ts';
import type { VerifyReport } from '../app/verify-log.ts';
import { VeiltrailError } from '../core/errors.ts';
import { openAnchors } from '../server/anchors.ts';
import { readConfig } from '../server/config.ts';
import { keysDirectory } from '../server/data-files.ts';
import { type CheckedAnchor, timeBounds, verifyAnchors } from '../server/verify-anchors.ts';

/** Every anchor of a data directory, or of one log. @throws VeiltrailError `vkey_missing`, `anchor_config` */
export async function checkAnchors(
  dataDir: string,
  settings: readonly TargetSettings[],
  { log, vkey }: { log?: string; vkey?: string },
): Promise<CheckedAnchor[]> {
  const opened = openAnchors(dataDir, settings);
  const checked: CheckedAnchor[] = [];
  for (const one of log === undefined ? await opened.store.logs() : [log]) {
    checked.push(...(await verifyAnchors(one, vkey ?? ownVkey(dataDir, one), opened)));
  }
  return checked;
}

/** Adds a step for the anchors of each log to a report, and a problem for each that does not fit. */
export async function addAnchors(
  report: VerifyReport,
  dataDir: string,
  { config, log, vkey }: { config?: string; log?: string; vkey?: string },
): Promise<void> {
  const settings = config === undefined ? [] : readTargets(readConfig(config).anchors ?? []);
  const checked = await checkAnchors(dataDir, settings, {
    ...(log === undefined ? {} : { log }),
    ...(log !== undefined && vkey !== undefined ? { vkey } : {}),
  });
  for (const { ok, file, detail } of checked) {
    if (ok !== false) continue;
    report.ok = false;
    report.problemCount++;
    report.problems.push({ code: 'anchor_mismatch', where: file, message: `${file}: ${detail}` });
  }
  if (checked.length === 0) report.steps.push({ step: 'anchors', ok: true, detail: 'none: nobody but this machine vouches for its logs' });
  for (const [name, anchors] of Map.groupBy(checked, (one) => one.log)) {
    const bounds = timeBounds(anchors).map(({ treeSize, time, target }) => `leaves below ${treeSize} were there by ${time} (${target})`);
    const unasked = anchors.filter(({ ok }) => ok === undefined).length;
    const detail = [`${anchors.length} of log ${name}`, ...(unasked > 0 ? [`${unasked} whose target was not asked`] : []), ...bounds.slice(-3)].join(
      '; ',
    );
    report.steps.push({ step: 'anchors', ok: anchors.every(({ ok }) => ok !== false), detail });
  }
}

function ownVkey(dataDir: string, log: string): string {
  try {
    return readFileSync(join(dataDir, keysDirectory, `${log}.vkey`), 'utf8').trim();
  } catch (cause) {
    throw new VeiltrailError('vkey_missing', `there is no public key of log ${log}; say it with --vkey`, {}, { cause });
  }
}
