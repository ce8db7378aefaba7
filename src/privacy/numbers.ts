/** JSON numbers that are personal by what they are. (Those that are personal by their field are settled by the policy's rules.) */
import { passesLuhn } from './detectors/checksums.ts';
import { isIssuedCard } from './detectors/money.ts';
import type { Candidate } from './finding.ts';

const nothing: readonly Candidate[] = [];

/** Findings in a number, with spans in its decimal text. */
export function findInNumber(value: number): readonly Candidate[] {
  if (value < 1e13 || !Number.isSafeInteger(value)) return nothing;
  const digits = String(value);
  return isIssuedCard(digits) && passesLuhn(digits) ? [{ kind: 'credit_card', start: 0, end: digits.length, confidence: 0.8 }] : nothing;
}
