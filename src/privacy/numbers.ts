/** JSON numbers that are personal by what they are, or by the label that their field's name is. (Those that the policy's rules name are settled by them.) */
import { passesLuhn } from './detectors/checksums.ts';
import { judgeWhole } from './detectors/identifiers.ts';
import { isIssuedCard } from './detectors/money.ts';
import { labelOfField } from './detectors/vocabulary.ts';
import type { Candidate } from './finding.ts';

const nothing: readonly Candidate[] = [];

/** Findings in a number, with spans in its decimal text. `field` is the normalised name of the field, or ''. */
export function findInNumber(value: number, field = ''): readonly Candidate[] {
  const label = labelOfField(field);
  if (label && label.values[0]?.reads !== 'filler') {
    const found = judgeWhole(label, String(value));
    if (found) return [found];
  }
  if (value < 1e13 || !Number.isSafeInteger(value)) return nothing;
  const digits = String(value);
  return isIssuedCard(digits) && passesLuhn(digits) ? [{ kind: 'credit_card', start: 0, end: digits.length, confidence: 0.8 }] : nothing;
}
