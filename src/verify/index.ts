/**
 * What an auditor runs: receipts, disclosures, evidence, checkpoints and their cosignatures, consistency, tiles. In browsers, too: synchronous, and nothing here
 * needs a server.
 */
export { openCheckpoint, type CheckpointTrust, type VerifiedCheckpoint } from '../log/checkpoint.ts';
export { cosignatureTime, createCosignatureVerifier } from '../log/cosignature.ts';
export { openNote, type NoteSignature, type NoteVerifier } from '../log/note.ts';
export { createNoteVerifier } from '../log/note-key.ts';
export { verifyRanges } from '../log/range-proof.ts';
export { verifyConsistency, verifyInclusion, type LeafRange } from '../log/tree.ts';
export { createTrust } from '../log/trust.ts';
export { type ArweaveTransaction, verifyArweaveTransaction } from './arweave.ts';
export { isCertificate, verifyCertificate, type CertificateBody, type VerifiedCertificate } from './certificate.ts';
export { verifyDisclosure, type VerifiedDisclosure, type VerifiedField } from './disclosure.ts';
export * from './evidence/index.ts';
export { verifyTimeStampToken, type TimeStampToken } from './time-stamp/index.ts';
export { Problems, type Problem } from './problem.ts';
export { rawExportFormat, RawExportVerifier, type VerifiedRawExport } from './raw-export.ts';
export { verifyCommitmentReceipt, verifyReceipt, verifyRecordReceipt, type VerifiedReceipt, type VerifiedRecord } from './receipt.ts';
export { verifyLeafTile, verifyPrefix, verifyUpperTiles, type CheckedLeafTile } from './tiles.ts';
export {
  approverIdOf,
  parseApproval,
  statementBytes,
  isApprovedBy,
  verifyApproval,
  verifyApprovalSignature,
  type Approval,
  type Decision,
  type Statement,
} from './approval.ts';
export { checkRequest, digestRequest, requestIdOf, type RequestFacts, type ShownRequest } from './request.ts';
export { type RevealedToken, type TokenOpening, tokenOfOpening, verifyRevealed, verifyTokenOpening } from './token-opening.ts';
export { enrolmentBytes, verifyCard, type ApproverCard, type VerifiedCard } from './enrolment.ts';
