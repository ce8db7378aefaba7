/**
 * Anchors in evidence that can be verified with the log's key alone. One kind so far:
 *
 * `consistency`: an earlier checkpoint, and the proof that the log of this file grew from it. Its bytes are UTF-8 text:
 *
 *     <base64 hash>     as many as the consistency proof has
 *
 *     <the earlier checkpoint, a signed note, verbatim>
 */
import { encodeBase64 } from '../../core/base64.ts';
import { decodeUtf8, utf8 } from '../../core/bytes.ts';
import type { VeiltrailError } from '../../core/errors.ts';
import { type CheckpointTrust, openCheckpoint, parseHash, type VerifiedCheckpoint } from '../../log/checkpoint.ts';
import { verifyConsistency } from '../../log/tree.ts';
import { attempt } from './attempt.ts';
import { badEvidence } from './lines.ts';
import type { EvidenceAnchor } from './model.ts';

export interface CheckedAnchor {
  readonly kind: string;
  readonly status: 'proved' | 'wrong' | 'unknown';
  /** A sentence. */
  readonly detail: string;
}

/** A checkpoint from which the log was proved to have grown. */
export interface EarlierCheckpoint {
  readonly treeSize: number;
  readonly root: Uint8Array;
}

const consistencyKind = 'consistency';

export function formatConsistencyAnchor(proof: readonly Uint8Array[], earlier: string): EvidenceAnchor {
  return { kind: consistencyKind, bytes: utf8(`${proof.map((hash) => `${encodeBase64(hash)}\n`).join('')}\n${earlier}`) };
}

export function checkAnchor(
  { kind, bytes }: EvidenceAnchor,
  checkpoint: VerifiedCheckpoint,
  trust: CheckpointTrust,
): { checked: CheckedAnchor; earlier?: EarlierCheckpoint } {
  if (kind !== consistencyKind) return { checked: { kind, status: 'unknown', detail: `${bytes.length} bytes of a kind that is not known here` } };
  const { value: earlier, error } = attempt(() => openConsistency(bytes, checkpoint, trust));
  if (!earlier) return { checked: { kind, status: 'wrong', detail: (error as VeiltrailError).message } };
  return { checked: { kind, status: 'proved', detail: `The log has only grown since it had ${earlier.treeSize} leaves.` }, earlier };
}

function openConsistency(bytes: Uint8Array, checkpoint: VerifiedCheckpoint, trust: CheckpointTrust): VerifiedCheckpoint {
  const text = decodeUtf8(bytes);
  // Without hashes the empty line comes first.
  const split = text.startsWith('\n') ? 0 : text.indexOf('\n\n') + 1;
  if (split === 0 && !text.startsWith('\n')) throw badEvidence('a proof of consistency');
  const lines = text.slice(0, split).split('\n').slice(0, -1);
  const proof = lines.map((line) => {
    const hash = parseHash(line);
    if (hash === undefined) throw badEvidence('a hash of a proof of consistency');
    return hash;
  });
  const earlier = openCheckpoint(text.slice(split + 1), trust);
  verifyConsistency(earlier.treeSize, checkpoint.treeSize, earlier.root, checkpoint.root, proof);
  return earlier;
}
