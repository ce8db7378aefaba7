/** Which logs `verify` must find in a data directory: by all that knows of any. */
import type { VerifyReport } from '../app/verify-log.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { RecordSource } from '../storage/record-store.ts';
import type { Keyring } from '../vault/keyring.ts';
import type { Problem } from '../verify/problem.ts';
import { keysDirectory } from './data-files.ts';
import { recordedLogs, signingKeysFileName } from './signing-key-events.ts';
import type { StoredVault } from './stored-vault.ts';
import { findUnfinishedLogs, type UnfinishedLog } from './unfinished-logs.ts';

/** Logs that there are or were, by the records, their keys, the keys of their buckets and what `_system` was told: one that is missing is a finding. */
export async function otherLogs(dataDir: string, log: string, keyring: Keyring, records: RecordSource, vault: StoredVault): Promise<string[]> {
  const all = new Set([...keyring.logs(), ...(await records.logs()).map((one) => one.log)]);
  const unfinished = new Set(keyring.unfinished().map((one) => one.log));
  for (const read of [() => vault.bucketKeyLogs(), async () => recordedLogs(dataDir)]) {
    try {
      // One that is half made is for `addUnfinished`.
      for (const one of await read()) if (!unfinished.has(one)) all.add(one);
    } catch (error) {
      if (!(error instanceof VeiltrailError)) throw error; // other steps say that it cannot be read
    }
  }
  all.delete(log);
  return [...all].toSorted();
}

/** What the last start put on record of keys must be readable: no other one takes place, and which logs were there is not known. */
export function addRecorded(report: VerifyReport, dataDir: string): void {
  try {
    recordedLogs(dataDir);
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    addProblem(report, 'recorded', { code: error.code, where: signingKeysFileName, message: error.message });
  }
}

function addProblem(report: VerifyReport, step: string, problem: Problem): void {
  report.ok = false;
  report.problems.push(problem);
  report.problemCount++;
  report.steps.push({ step, ok: false, detail: problem.message });
}

/** Logs that a crash left half made are no finding, unless there are traces of more. */
export async function addUnfinished(report: VerifyReport, dataDir: string, keyring: Keyring, records: RecordSource): Promise<void> {
  for (const { log, traces } of await unfinishedLogs(dataDir, keyring, records)) {
    if (traces.length === 0) {
      const notice = `log ${log} is half made: a crash came before anything was in it, and the next start finishes it`;
      report.notices = [...(report.notices ?? []), notice];
      continue;
    }
    const where = `${keysDirectory}/${log}.unfinished-signing-key`;
    const message = `log ${log}: its key says that it was never made, but there is more of it: ${traces.join(', ')}`;
    addProblem(report, `log ${log}`, { code: 'log_unknown', where, message });
  }
}

/** None where what the last start put on record cannot be read: whether there are traces is not known then, and {@link addRecorded} says why. */
async function unfinishedLogs(dataDir: string, keyring: Keyring, records: RecordSource): Promise<UnfinishedLog[]> {
  try {
    return await findUnfinishedLogs(dataDir, keyring, records);
  } catch (error) {
    if (error instanceof VeiltrailError && error.detail['where'] === signingKeysFileName) return [];
    throw error;
  }
}
