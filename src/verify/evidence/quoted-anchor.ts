/**
 * An anchor that the log quotes, in evidence: a leaf has the digest of what a third party gave back, so that leaf, and every one behind it, came after that
 * was there to be known. Its bytes are JSON: {"format":"veiltrail.quote/v1","anchor": an anchor's file, verbatim,"quote": the leaf's record, disclosed}.
 */
import { decodeBase64 } from '../../core/base64.ts';
import { decodeUtf8, equalBytes, toHex, utf8 } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { isJsonObject, parseJson } from '../../core/json.ts';
import { sha256 } from '../../core/sha256.ts';
import { verifyDisclosure } from '../disclosure.ts';
import { verifyTimeStampToken } from '../time-stamp/index.ts';
import { attempt } from './attempt.ts';
import { isUnknownForm, type KeptAnchor, type KeptAnchorTrust, quoted, readKept } from './kept-anchor.ts';
import { badEvidence } from './lines.ts';

const format = 'veiltrail.quote/v1';

export function formatQuote(anchor: string, quote: string): Uint8Array {
  return utf8(JSON.stringify({ format, anchor, quote }));
}

export function checkQuotedAnchor(bytes: Uint8Array, trust: KeptAnchorTrust): KeptAnchor {
  const { value, error } = attempt(() => openQuote(bytes, trust));
  return value ?? { status: 'wrong', detail: (error as VeiltrailError).message };
}

/** @throws VeiltrailError */
function openQuote(bytes: Uint8Array, { log, known, timeStampRoots }: KeptAnchorTrust): KeptAnchor {
  const { value } = parseJson(decodeUtf8(bytes));
  if (!isJsonObject(value) || value['format'] !== format || typeof value['anchor'] !== 'string' || typeof value['quote'] !== 'string')
    throw badEvidence('a quote');
  const { anchor, quote } = value as { anchor: string; quote: string };
  const { leafIndex, checkpoint, shown } = verifyDisclosure(quote, log);
  const tree = known.find(({ treeSize }) => treeSize === checkpoint.treeSize);
  if (tree && !equalBytes(tree.root, checkpoint.root))
    throw new VeiltrailError(
      'history_forked',
      `the tree of ${checkpoint.treeSize} leaves that the quote is of is another one: history was rewritten`,
    );
  if (shown.find(({ pointer }) => pointer === '/anchor/digest')?.value !== toHex(sha256(utf8(anchor))))
    throw badEvidence('a quote of the anchor beside it');
  const kept = readKept(utf8(anchor));
  const facts = { target: kept.target, by: kept.kind };
  const what = `eaf ${leafIndex} quotes what ${quoted(kept.target)} gave back`;
  if (!tree) return { ...facts, status: 'unknown', detail: `L${what}; that this log grew from there is not proved in this file.` };
  if (kept.kind !== 'rfc3161' || typeof kept.proof['token'] !== 'string')
    return { ...facts, status: 'unknown', detail: `L${what}; since when that could be known, only ${quoted(kept.target)} can say.` };
  const { value: stamp, error } = attempt(() =>
    verifyTimeStampToken(decodeBase64(kept.proof['token'] as string), utf8(kept.checkpoint), timeStampRoots),
  );
  if (!stamp && isUnknownForm(error))
    return { ...facts, status: 'unknown', detail: `L${what}, a time stamp of a kind that this verifier does not know.` };
  if (!stamp) throw error;
  const { chain, root, isTrusted, timeMs, accuracyMs = 0 } = stamp;
  const cameAfter = new Date(timeMs - accuracyMs).toISOString();
  const authority = quoted(chain[0]?.name ?? '');
  const detail = isTrusted
    ? `Leaf ${leafIndex} and all behind it came after ${cameAfter}: l${what}, a time stamp that ${authority} signed then, whose certificate leads to one that you trust.`
    : `That leaf ${leafIndex} and all behind it came after ${cameAfter}: the time stamp that it quotes is signed by ${authority}, which is tied to no certificate that you trust.`;
  return { ...facts, status: isTrusted ? 'proved' : 'unknown', detail, since: { leafIndex, cameAfter, chain, root, isTrusted } };
}
