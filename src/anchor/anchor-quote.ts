/**
 * An anchor quoted in the log that it is of: a leaf with the digest of all that the anchor's file holds, its proof among it. Where the proof could not
 * be known before a time T (a time-stamp authority's signature, a version's name that a service chose, a block's hash), that leaf was made after T, and so
 * was every leaf behind it: each tree that holds one of them holds this one, too.
 *
 * ```
 * record       {"action":"anchor.quote",…,"anchor":{"target","kind","treeSize","digest": hex of the SHA-256 of the anchor's file}}
 * kept beside  anchors/<log>/<16 digits of the tree size>-<target>.quote   the disclosure of that record, with its receipt
 * ```
 * So a bound goes on holding where the record is let go by retention: nothing in it is about anybody, and its opening is kept with the anchor.
 */
import { toHex, utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { sha256 } from '../core/sha256.ts';
import type { CheckpointTrust, VerifiedCheckpoint } from '../log/checkpoint.ts';
import { parseDisclosure } from '../log/disclosure.ts';
import { parseProof } from '../log/proof.ts';
import { verifyDisclosure } from '../verify/disclosure.ts';
import { type Anchor, formatAnchor } from './anchor.ts';

export const quoteAction = 'anchor.quote';
/** What of the record is disclosed: all that is said of the anchor. */
export const quotedPointers = ['/action', '/anchor/target', '/anchor/kind', '/anchor/treeSize', '/anchor/digest'] as const;

/** The member `anchor` of the record. */
export function quoteOf(anchor: Anchor): JsonObject {
  const { target, kind, treeSize } = anchor;
  return { target, kind, treeSize, digest: digestOf(anchor) };
}

/** The same anchor is quoted once. */
export function quoteId(anchor: Anchor): string {
  return `anchor ${digestOf(anchor)}`;
}

export interface VerifiedQuote {
  leafIndex: number;
  /** Of the receipt: whoever relies on the bound has to see that the log has grown from it. */
  checkpoint: VerifiedCheckpoint;
  /**
   * It is of the anchor itself; else of one that the same target made of the same size before, as versions before {@link quotesStayBefore} left it beside
   * the one that took its place: then it bounds nothing.
   */
  isOfThis: boolean;
}

/** Since then no version leaves the quote of one anchor beside another: one that is not of its anchor says that the anchor was replaced. */
export const quotesStayBefore = '2026-11-23T00:00:00.000Z';

/** @throws VeiltrailError `anchor_quote` where it quotes something else, and what `verifyDisclosure` throws */
export function verifyQuote(quote: string, anchor: Anchor, trust: CheckpointTrust): VerifiedQuote {
  const { leafIndex, checkpoint, shown } = verifyDisclosure(quote, trust);
  const valueAt = (pointer: string): unknown => shown.find((field) => field.pointer === pointer)?.value;
  const { digest, ...place } = quoteOf(anchor);
  const isOfThis = valueAt('/anchor/digest') === digest;
  const isOld = Date.parse(anchor.madeAt) < Date.parse(quotesStayBefore);
  const isOfItsPlace = isOld && Object.entries(place).every(([name, value]) => valueAt(`/anchor/${name}`) === value);
  if (valueAt('/action') !== quoteAction || !(isOfThis || isOfItsPlace)) throw new VeiltrailError('anchor_quote', 'the leaf quotes another anchor');
  return { leafIndex, checkpoint, isOfThis };
}

/** Whether a quote of ours says that it is of this anchor; {@link verifyQuote} says whether that is true. */
export function isQuoteOf(quote: string, anchor: Anchor): boolean {
  try {
    const expected = JSON.stringify(digestOf(anchor));
    return parseDisclosure(quote).fields.some(
      (field) => 'pointer' in field && 'value' in field && field.pointer === '/anchor/digest' && field.value === expected,
    );
  } catch {
    return false;
  }
}

/** Which leaf a quote of ours is of, as it says itself; -1 where that cannot be read. */
export function quotedAt(quote: string): number {
  try {
    return parseProof(parseDisclosure(quote).receipt).leafIndex;
  } catch {
    return -1;
  }
}

function digestOf(anchor: Anchor): string {
  return toHex(sha256(utf8(formatAnchor(anchor))));
}
