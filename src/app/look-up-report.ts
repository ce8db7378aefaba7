/** Who looks up what tokens stand for, or what stands for a value, and what is reported of it: never a value. */
import { VeiltrailError } from '../core/errors.ts';
import type { AccessEntry, AccessRecorder } from './access-recorder.ts';
import type { Stop } from './look-up-limits.ts';

/** Whoever asks. */
export interface Asker {
  principal: string;
  /** Whom that principal belongs to, where it is known. */
  owner?: string;
  role?: string;
}

/** Whom limits count: all keys and logins of one person are one. */
export function countedAs({ principal, owner }: Asker): string {
  return owner ?? principal;
}

/** Why, in words of people. */
export interface Reasons {
  /** 1 to 500 characters. */
  purpose?: string;
  /** Of a case, a ticket, a court order: 1 to 200 characters. */
  reference?: string;
}

/** Since the start. */
export interface LookUpCounts {
  reveals: number;
  revealsRefused: number;
  searches: number;
  searchesRefused: number;
  sweeps: number;
}

export interface ReportParts {
  recorder: AccessRecorder;
  counts: LookUpCounts;
  /** A line for whoever watches the server; never a value. */
  alert: (line: string) => void;
}

export const purposeMax = 500;
export const referenceMax = 200;

/** Something to read, that may be on record as it is. */
export function isReason(text: string, lengthMax: number): boolean {
  return text.length <= lengthMax && /[\p{L}\p{N}]/u.test(text) && !/\p{Cc}/u.test(text) && text.isWellFormed();
}

/**
 * Reasons where nobody looks anything up without.
 * @throws VeiltrailError `purpose_needed`, `reference_needed`
 */
export function checkReasons({ purpose = '', reference = '' }: Reasons): { purpose: string; reference: string } {
  if (!isReason(purpose, purposeMax)) throw new VeiltrailError('purpose_needed', `a purpose says why, in 1 to ${purposeMax} characters`);
  if (!isReason(reference, referenceMax))
    throw new VeiltrailError('reference_needed', `a reference names the case, ticket or order, in 1 to ${referenceMax} characters`);
  return { purpose, reference };
}

/**
 * Reasons that may be left out, and are reasons where they are not.
 * @param needs what may not be left out
 * @throws VeiltrailError `purpose_needed`, `reference_needed`
 */
export function checkGivenReasons({ purpose, reference }: Reasons, needs?: 'purpose'): void {
  checkReasons({ purpose: purpose ?? (needs === 'purpose' ? '' : 'none'), reference: reference ?? 'none' });
}

/** Who and why, as far as it can be on record: reasons that are too long are cut. */
export function whoAndWhy({
  principal,
  role,
  purpose,
  reference,
}: Asker & Reasons): Pick<AccessEntry, 'principal' | 'role' | 'purpose' | 'reference'> {
  return {
    principal,
    ...(role === undefined ? {} : { role }),
    ...(purpose === undefined || purpose === '' ? {} : { purpose: purpose.slice(0, purposeMax).toWellFormed() }),
    ...(reference === undefined || reference === '' ? {} : { reference: reference.slice(0, referenceMax).toWellFormed() }),
  };
}

/** Refusals that come by the hundred when somebody tries: on record within a second, and no try waits for the disk. */
const frequent = new Set(['look_up_rate', 'look_up_stopped']);

/** Puts a refusal on record. */
export async function recordRefusal(recorder: AccessRecorder, entry: AccessEntry): Promise<void> {
  if (frequent.has(entry.reason ?? '')) recorder.note(entry);
  else await recorder.write(entry);
}

/** A sweep: an event of its own, a count, and a line for whoever watches. */
export async function reportSweep({ recorder, counts, alert }: ReportParts, { principal, role }: Asker, stop: Stop): Promise<void> {
  const { use, count, window, until } = stop;
  counts.sweeps++;
  const what = `${count} different ${use === 'reveal' ? 'tokens' : 'values'} within ${window === 'hour' ? 'an hour' : 'a day'}`;
  alert(`a sweep by ${principal} was stopped until ${until}: ${what}`);
  await recorder.write({
    ...whoAndWhy({ principal, ...(role === undefined ? {} : { role }) }),
    action: 'token.sweep',
    category: 'alert',
    severity: 5,
    outcome: 'denied',
    reason: 'look_up_stopped',
    metadata: { use, count, window, until },
  });
}
