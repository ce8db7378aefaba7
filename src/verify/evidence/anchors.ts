/**
 * Anchors in evidence.
 *
 * `consistency`: an earlier checkpoint, and the proof that the log of this file grew from it. Its bytes are UTF-8 text:
 *
 *     <base64 hash>     as many as the consistency proof has
 *
 *     <the earlier checkpoint, a signed note, verbatim>
 *
 * `anchor`: what a third party keeps, as `veiltrail anchor` files it (`veiltrail.anchor/v1`): see `kept-anchor.ts`.
 * `quote`: the same, quoted in a leaf of the log: see `quoted-anchor.ts`.
 */
import { encodeBase64 } from '../../core/base64.ts';
import { decodeUtf8, utf8 } from '../../core/bytes.ts';
import type { VeiltrailError } from '../../core/errors.ts';
import { type CheckpointTrust, openCheckpoint, parseHash, type VerifiedCheckpoint } from '../../log/checkpoint.ts';
import { verifyConsistency } from '../../log/tree.ts';
import { attempt } from './attempt.ts';
import { checkKeptAnchor, type KeptAnchor, type KnownTree } from './kept-anchor.ts';
import { badEvidence } from './lines.ts';
import type { EvidenceAnchor } from './model.ts';
import { checkQuotedAnchor, formatQuote } from './quoted-anchor.ts';

export interface CheckedAnchor extends KeptAnchor {
  readonly kind: string;
}

const consistencyKind = 'consistency';
const keptKind = 'anchor';
const quoteKind = 'quote';

export function formatConsistencyAnchor(proof: readonly Uint8Array[], earlier: string): EvidenceAnchor {
  return { kind: consistencyKind, bytes: utf8(`${proof.map((hash) => `${encodeBase64(hash)}\n`).join('')}\n${earlier}`) };
}

export function formatKeptAnchor(text: string): EvidenceAnchor {
  return { kind: keptKind, bytes: utf8(text) };
}

export function formatQuotedAnchor(text: string, quote: string): EvidenceAnchor {
  return { kind: quoteKind, bytes: formatQuote(text, quote) };
}

/** The proofs that the log grew, and then what they and the log's own checkpoint vouch for. */
export function checkAnchors(
  anchors: readonly EvidenceAnchor[],
  checkpoint: VerifiedCheckpoint,
  trust: CheckpointTrust,
  timeStampRoots: readonly string[],
): { checked: CheckedAnchor[]; earlier: KnownTree[] } {
  const earlier: KnownTree[] = [];
  const grown = anchors.map((anchor): CheckedAnchor | undefined => {
    const { kind, bytes } = anchor;
    if (kind === keptKind || kind === quoteKind) return undefined;
    if (kind !== consistencyKind) return { kind, status: 'unknown', detail: `${bytes.length} bytes of a kind that is not known here` };
    const { value, error } = attempt(() => openConsistency(bytes, checkpoint, trust));
    if (!value) return { kind, status: 'wrong', detail: (error as VeiltrailError).message };
    earlier.push(value);
    return { kind, status: 'proved', detail: `The log has only grown since it had ${value.treeSize} leaves.` };
  });
  const given = { log: trust, known: [checkpoint, ...earlier], timeStampRoots };
  const check = ({ kind, bytes }: EvidenceAnchor): KeptAnchor => (kind === quoteKind ? checkQuotedAnchor : checkKeptAnchor)(bytes, given);
  return {
    checked: anchors.map((anchor, i) => grown[i] ?? { kind: anchor.kind, ...check(anchor) }),
    earlier,
  };
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
