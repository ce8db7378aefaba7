/** Verification that goes on where it stopped: passes over one log, and what is remembered between them. */
import type { VerifyOptions, VerifyReport } from '../app/verify-log.ts';
import type { VerifyState } from './verify-state.ts';

/** A log, wherever it is: verifies it with these options. */
export type VerifyTarget = (options: VerifyOptions) => Promise<VerifyReport>;

/** Between two notes of how far a pass has come. */
const noteEachMs = 2_000;

export interface Pass {
  report: VerifyReport;
  /** `full`: every leaf was read. */
  kind: 'full' | 'new';
  /** Leaves from this one on were read. */
  from: number;
  seconds: number;
}

/**
 * One pass. What is found in order is remembered, also when the pass is cut short; where something is wrong nothing beyond it is, so the next pass finds it
 * again.
 * @param full every leaf is read again; else those that follow what is remembered
 */
export async function runPass(target: VerifyTarget, options: VerifyOptions, state: VerifyState, full: boolean): Promise<Pass> {
  const { log } = options;
  const known = state.get(log);
  const startedMs = Date.now();
  const from = full || !known ? 0 : known.verifiedTo;
  let checkpoint: string | undefined;
  let notedMs = startedMs;
  const remember = (verifiedTo: number, done: boolean): void => {
    if (checkpoint === undefined) return;
    const at = new Date().toISOString();
    // Several runs that go on from one another are one full pass.
    const fullAt = done && (from === 0 || known?.fullAt === undefined) ? at : known?.fullAt;
    state.set(log, { checkpoint, verifiedTo, at, ...(fullAt === undefined ? {} : { fullAt }) });
  };
  const report = await target({
    ...options,
    // Also of a full pass: the log must have grown from what was seen before.
    ...(known ? { resume: { verifiedTo: from, checkpoint: known.checkpoint } } : {}),
    onCheckpoint(text) {
      checkpoint = text;
    },
    onVerified(to) {
      // A full pass must not lose what is known until it has come further.
      if (Date.now() - notedMs < noteEachMs || to <= (known?.verifiedTo ?? 0)) return;
      notedMs = Date.now();
      remember(to, false);
    },
  });
  if (report.ok) remember(report.treeSize, true);
  return { report, kind: from === 0 ? 'full' : 'new', from, seconds: (Date.now() - startedMs) / 1_000 };
}
