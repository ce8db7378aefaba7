/**
 * Anchors in evidence, as far as the log's key alone tells.
 *
 * `consistency`: an earlier checkpoint, and the proof that the log of this file grew from it. Its bytes are UTF-8 text:
 *
 *     <base64 hash>     as many as the consistency proof has
 *
 *     <the earlier checkpoint, a signed note, verbatim>
 *
 * `anchor`: what a third party keeps, as `veiltrail anchor` files it (`veiltrail.anchor/v1`). That its checkpoint is this log's is checked here; what
 * the third party gave back for it (a time stamp, a version in a bucket) is not.
 */
import { encodeBase64 } from '../../core/base64.ts';
import { decodeUtf8, utf8 } from '../../core/bytes.ts';
import type { VeiltrailError } from '../../core/errors.ts';
import { isJsonObject, parseJson } from '../../core/json.ts';
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
const keptKind = 'anchor';

export function formatConsistencyAnchor(proof: readonly Uint8Array[], earlier: string): EvidenceAnchor {
  return { kind: consistencyKind, bytes: utf8(`${proof.map((hash) => `${encodeBase64(hash)}\n`).join('')}\n${earlier}`) };
}

export function formatKeptAnchor(text: string): EvidenceAnchor {
  return { kind: keptKind, bytes: utf8(text) };
}

export function checkAnchor(
  { kind, bytes }: EvidenceAnchor,
  checkpoint: VerifiedCheckpoint,
  trust: CheckpointTrust,
): { checked: CheckedAnchor; earlier?: EarlierCheckpoint } {
  if (kind === keptKind) {
    const { value, error } = attempt(() => openKept(bytes, checkpoint, trust));
    return { checked: value ? { kind, status: 'unknown', detail: value } : { kind, status: 'wrong', detail: (error as VeiltrailError).message } };
  }
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

/** Says what is kept, and where. */
function openKept(bytes: Uint8Array, checkpoint: VerifiedCheckpoint, trust: CheckpointTrust): string {
  const { value } = parseJson(decodeUtf8(bytes));
  if (!isJsonObject(value) || value['format'] !== 'veiltrail.anchor/v1') throw badEvidence('an anchor');
  const { kind, target, checkpoint: note, madeAt } = value;
  if (typeof kind !== 'string' || typeof target !== 'string' || typeof note !== 'string' || typeof madeAt !== 'string')
    throw badEvidence('an anchor');
  const kept = openCheckpoint(note, trust);
  if (kept.treeSize > checkpoint.treeSize) throw badEvidence('an anchor of a larger tree than this file’s');
  return `${JSON.stringify(target)} (${JSON.stringify(kind)}) was given this log’s checkpoint of ${kept.treeSize} leaves, at ${JSON.stringify(madeAt)} by the log’s own clock; what it gave back is in the file, and not checked here.`;
}
