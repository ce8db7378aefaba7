/** What an auditor runs: receipts, disclosures, tiles. In browsers, too; nothing here needs a server. */
export { createTrust, type CheckpointTrust, type VerifiedCheckpoint } from '../log/index.ts';
export { verifyDisclosure, type VerifiedDisclosure, type VerifiedField } from './disclosure.ts';
export * from './evidence/index.ts';
export { Problems, type Problem } from './problem.ts';
export { verifyCommitmentReceipt, verifyReceipt, verifyRecordReceipt, type VerifiedReceipt, type VerifiedRecord } from './receipt.ts';
export { verifyLeafTile, verifyPrefix, verifyUpperTiles, type CheckedLeafTile } from './tiles.ts';
export { approverIdOf, parseApproval, statementBytes, verifyApproval, verifyApprovalSignature, type Approval, type Statement } from './approval.ts';
export { digestRequest, requestIdOf, type RequestFacts } from './request.ts';
export { type RevealedToken, type TokenOpening, tokenOfOpening, verifyRevealed, verifyTokenOpening } from './token-opening.ts';
