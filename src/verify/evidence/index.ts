/** Evidence: one file that convinces a stranger. Format: docs/reference/evidence.md. */
export { formatConsistencyAnchor, formatKeptAnchor, formatQuotedAnchor, type CheckedAnchor } from './anchors.ts';
export type { CheckedEvent, CheckedField } from './events.ts';
export type { EvidenceProblem } from './file.ts';
export { formatEvidence } from './format.ts';
export type { LowerTimeBound, TimeBound } from './kept-anchor.ts';
export { evidenceFormat, evidenceLimits } from './model.ts';
export type { Evidence, EvidenceAnchor, EvidenceEvent, EvidenceExport, EvidenceLog, EvidencePolicy } from './model.ts';
export { isWords } from './parts.ts';
export { verifyEvidence, type EvidenceOptions, type EvidenceReport, type EvidenceSigner } from './verify.ts';
