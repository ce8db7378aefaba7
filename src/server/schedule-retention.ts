/** Retention by the clock: once a day, the first time a few minutes after the start. */
import type { DataProtection } from '../app/data-protection.ts';
import { VeiltrailError } from '../core/errors.ts';

export interface RetentionSchedule {
  /** Hours between two runs; 0: never [24]. */
  hours?: number;
  /** Told when a run failed. */
  onFailure?: (line: string) => void;
}

const hourMs = 3_600_000;
/** After the start there are other things to do. */
const firstMs = 300_000;

/** A run that is under way ends before `stop` returns. */
export function scheduleRetention(
  protection: Pick<DataProtection, 'runScheduledRetention'>,
  { hours = 24, onFailure }: RetentionSchedule,
): { stop(): Promise<void> } {
  if (hours === 0) return { stop: () => Promise.resolve() };
  let underWay: Promise<void> = Promise.resolve();
  const run = async (): Promise<void> => {
    try {
      await protection.runScheduledRetention();
    } catch (error) {
      onFailure?.(`retention could not be run: ${error instanceof VeiltrailError ? error.code : 'a mistake of ours'}`);
    }
  };
  const start = (): void => void (underWay = underWay.then(run));
  // A timer holds 24 days at the most.
  const everyMs = Math.min(hours * hourMs, 2 ** 31 - 1);
  const first = setTimeout(start, Math.min(firstMs, everyMs)).unref();
  const every = setInterval(start, everyMs).unref();
  return {
    stop() {
      clearTimeout(first);
      clearInterval(every);
      return underWay;
    },
  };
}
