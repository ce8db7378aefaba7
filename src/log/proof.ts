/**
 * Receipts (C2SP tlog-proof, `.tlog-proof`): a leaf index, its inclusion proof from the leaf's sibling up to the root's child, and the
 * checkpoint as signed. All that a verifier needs besides is the entry and the log's key.
 *
 *     c2sp.org/tlog-proof@v1
 *     extra <base64>            only when there is extra data, which nothing authenticates
 *     index <decimal>
 *     <base64 hash>             as many as the proof has
 *
 *     <checkpoint, verbatim>
 */
import { decodeBase64, encodeBase64 } from '../core/base64.ts';
import { decodeUtf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { type CheckpointTrust, openCheckpoint, parseCheckpointText, parseDecimal, parseHash, type VerifiedCheckpoint } from './checkpoint.ts';
import { noteLengthMax, parseNote } from './note.ts';
import { leafHash, verifyInclusion } from './tree.ts';

/** A receipt as parsed: nothing in it is to be believed before {@link verifyProof}. */
export interface LogProof {
  readonly leafIndex: number;
  /** 32 bytes each, from the leaf's sibling up. */
  readonly hashes: readonly Uint8Array[];
  /** The signed note. */
  readonly checkpoint: string;
  /** Opaque, and authenticated by nothing. */
  readonly extra?: Uint8Array;
}

export interface VerifiedProof {
  readonly leafIndex: number;
  readonly checkpoint: VerifiedCheckpoint;
}

const header = 'c2sp.org/tlog-proof@v1';
/** No tree has more levels: the format's sizes are below 2^63. */
const hashesMax = 63;
/** UTF-16 units, or bytes: a checkpoint, and room for the lines before it. */
const proofLengthMax = noteLengthMax + 100_000;

/**
 * @throws VeiltrailError `invalid_utf8`, `proof_syntax`, or what `parseNote` and `parseCheckpointText` throw for the checkpoint
 */
export function parseProof(proof: string | Uint8Array): LogProof {
  if (proof.length > proofLengthMax) throw badProof('longer than allowed');
  const text = typeof proof === 'string' ? proof : decodeUtf8(proof);
  const split = text.indexOf('\n\n');
  if (split < 0) throw badProof('no empty line');
  const [first, ...lines] = text.slice(0, split).split('\n');
  if (first !== header) throw badProof('not of version 1');
  const extra = lines[0]?.startsWith('extra ') ? parseExtra(lines.shift() as string) : undefined;
  const leafIndex = parseIndex(lines.shift());
  if (lines.length > hashesMax) throw badProof(`more than ${hashesMax} hashes`);
  const hashes = lines.map((line) => {
    const hash = parseHash(line);
    if (hash === undefined) throw badProof('a hash');
    return hash;
  });
  const checkpoint = text.slice(split + 2);
  parseCheckpointText(parseNote(checkpoint).text);
  return { leafIndex, hashes, checkpoint, ...(extra && { extra }) };
}

/** @throws VeiltrailError `proof_syntax` and others, for what {@link parseProof} would not take */
export function formatProof({ leafIndex, hashes, checkpoint, extra }: LogProof): string {
  const lines = [header, ...(extra ? [`extra ${encodeBase64(extra)}`] : []), `index ${leafIndex}`, ...hashes.map(encodeBase64)];
  const text = `${lines.join('\n')}\n\n${checkpoint}`;
  parseProof(text);
  return text;
}

/**
 * Verifies that an entry is in the log at the place that the receipt says.
 * @param entry the bytes of the entry, which the caller made from what it wants to know about
 * @throws VeiltrailError what `openCheckpoint` and `verifyInclusion` throw
 */
export function verifyProof(proof: LogProof, entry: Uint8Array, trust: CheckpointTrust): VerifiedProof {
  const checkpoint = openCheckpoint(proof.checkpoint, trust);
  verifyInclusion(leafHash(entry), proof.leafIndex, checkpoint.treeSize, proof.hashes, checkpoint.root);
  return { leafIndex: proof.leafIndex, checkpoint };
}

function parseExtra(line: string): Uint8Array {
  let extra: Uint8Array;
  try {
    extra = decodeBase64(line.slice('extra '.length));
  } catch {
    throw badProof('the base64 of the extra data');
  }
  if (extra.length === 0) throw badProof('an extra line without data');
  return extra;
}

function parseIndex(line: string | undefined): number {
  const leafIndex = line?.startsWith('index ') ? parseDecimal(line.slice('index '.length)) : undefined;
  if (leafIndex === undefined) throw badProof('the leaf index');
  return leafIndex;
}

function badProof(what: string): VeiltrailError {
  return new VeiltrailError('proof_syntax', `not a receipt: ${what}`);
}
