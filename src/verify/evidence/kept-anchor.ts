/**
 * What a third party keeps of a log, in evidence: that its checkpoint is one of this log's history; of a time stamp, when it was there; of Arweave, which
 * wallet signed which transaction over it. What only the third party itself can say is said so.
 */
import { decodeBase64 } from '../../core/base64.ts';
import { decodeUtf8, equalBytes, utf8 } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { isJsonObject, type JsonObject, parseJson } from '../../core/json.ts';
import { quoted as quotedWhole } from '../../core/visible.ts';
import { type CheckpointTrust, openCheckpoint } from '../../log/checkpoint.ts';
import { type TimeStampToken, verifyTimeStampToken } from '../time-stamp/index.ts';
import { type ArweaveTransaction, verifyArweaveTransaction } from '../arweave.ts';
import { attempt } from './attempt.ts';
import { badEvidence } from './lines.ts';

/** A tree of the log's history: what was signed, and what it was proved to have grown from. */
export interface KnownTree {
  readonly treeSize: number;
  readonly root: Uint8Array;
}

/** When leaves were there, by somebody else's word. */
export interface TimeBound {
  /** The leaves below this one. */
  readonly treeSize: number;
  /** RFC 3339: they were there by then, with what the authority's clock may be off by its own word. */
  readonly existedBy: string;
  /** Who says so, then who vouches for that one: names, and SHA-256 fingerprints of certificates. */
  readonly chain: TimeStampToken['chain'];
  /** Who signed the last certificate of the chain. */
  readonly root: string;
  /** The chain ends in a certificate that whoever verifies gave as trusted. */
  readonly isTrusted: boolean;
}

/** When leaves were not there yet, by somebody else's word: see `quoted-anchor.ts`. */
export interface LowerTimeBound extends Pick<TimeBound, 'chain' | 'root' | 'isTrusted'> {
  /** This leaf, and all behind it. */
  readonly leafIndex: number;
  /** RFC 3339: they came after that, with what the authority's clock may be off by its own word. */
  readonly cameAfter: string;
}

export interface KeptAnchor {
  readonly status: 'proved' | 'wrong' | 'unknown';
  /** A sentence. */
  readonly detail: string;
  /** A sentence: what is not proved although the rest is. */
  readonly open?: string;
  /** The target's name in the log's configuration, and its kind. */
  readonly target?: string;
  readonly by?: string;
  readonly treeSize?: number;
  readonly bound?: TimeBound;
  readonly since?: LowerTimeBound;
  /** Of Arweave: what was signed over the checkpoint, by which wallet. */
  readonly transaction?: ArweaveTransaction;
}

export interface KeptAnchorTrust {
  readonly log: CheckpointTrust;
  readonly known: readonly KnownTree[];
  /** PEM. */
  readonly timeStampRoots: readonly string[];
}

export function checkKeptAnchor(bytes: Uint8Array, trust: KeptAnchorTrust): KeptAnchor {
  const { value, error } = attempt(() => openKept(bytes, trust));
  return value ?? { status: 'wrong', detail: (error as VeiltrailError).message };
}

export interface Kept {
  kind: string;
  target: string;
  checkpoint: string;
  madeAt: string;
  proof: JsonObject;
}

/** @throws VeiltrailError */
function openKept(bytes: Uint8Array, { log, known, timeStampRoots }: KeptAnchorTrust): KeptAnchor {
  const kept = readKept(bytes);
  const { treeSize, root } = openCheckpoint(kept.checkpoint, log);
  const facts = { target: kept.target, by: kept.kind, treeSize };
  const newest = Math.max(...known.map((one) => one.treeSize));
  if (treeSize > newest) throw badEvidence('an anchor of a larger tree than this file’s');
  const tree = known.find((one) => one.treeSize === treeSize);
  if (tree && !equalBytes(tree.root, root))
    throw new VeiltrailError('history_forked', `the tree of ${treeSize} leaves that it keeps is another one: history was rewritten`);
  const given = `${quoted(kept.target)} was given this log’s checkpoint of ${treeSize} leaves, at ${quoted(kept.madeAt)} by the log’s own clock`;
  if (!tree) return { ...facts, status: 'unknown', detail: `${given}; that this log grew from it is not proved in this file.` };
  if (kept.kind === 'arweave' && kept.proof['transaction'] !== undefined) return { ...facts, ...checkTransaction(kept, treeSize) };
  if (kept.kind !== 'rfc3161') return { ...facts, status: 'unknown', detail: `${given}; ${whatItTakes(kept)}` };
  return { ...facts, ...checkTimeStamp(kept, treeSize, timeStampRoots) };
}

/** @throws VeiltrailError `evidence_syntax` */
export function readKept(bytes: Uint8Array): Kept {
  const { value } = parseJson(decodeUtf8(bytes));
  if (!isJsonObject(value) || value['format'] !== 'veiltrail.anchor/v1') throw badEvidence('an anchor');
  const { kind, target, checkpoint, madeAt, proof } = value;
  if (typeof kind !== 'string' || typeof target !== 'string' || typeof checkpoint !== 'string' || typeof madeAt !== 'string')
    throw badEvidence('an anchor');
  return { kind, target, checkpoint, madeAt, proof: proof !== undefined && isJsonObject(proof) ? proof : {} };
}

/** What nobody can check from a file. */
function whatItTakes({ kind, proof }: Kept): string {
  const text = (name: string): string => (typeof proof[name] === 'string' ? quoted(proof[name]) : '(nothing said)');
  switch (kind) {
    case 's3':
      return `whether bucket ${text('bucket')} still holds it, as ${text('key')}, version ${text('versionId')}, and since when, only that bucket can say.`;
    case 'arweave':
      return `whether Arweave holds it, as transaction ${text('id')}, and since when, only a gateway of Arweave can say.`;
    case 'file':
      return `whether it is there, as ${text('path')}, only who keeps that place can say.`;
    default:
      return `what became of it there (${quoted(kind)}) cannot be checked from here.`;
  }
}

/** @throws VeiltrailError */
function checkTransaction({ checkpoint, proof }: Kept, treeSize: number): Pick<KeptAnchor, 'status' | 'detail' | 'open' | 'transaction'> {
  const { value: transaction, error } = attempt(() => verifyArweaveTransaction(proof['transaction'], utf8(checkpoint)));
  if (!transaction && error.code === 'arweave_unsupported')
    return { status: 'unknown', detail: `A transaction of Arweave over ${treeSize} leaves is in a form that this verifier does not know.` };
  if (!transaction) throw error;
  const { id, address } = transaction;
  if (proof['id'] !== id || (proof['owner'] ?? address) !== address) throw badEvidence('the transaction that it names');
  return {
    status: 'proved',
    detail: `The wallet ${address} signed transaction ${id} of Arweave over this log’s checkpoint of ${treeSize} leaves.`,
    open: `Whose wallet that is, and that Arweave holds transaction ${id}: whether it does, and since when, only a gateway of Arweave can say.`,
    transaction,
  };
}

/** @throws VeiltrailError */
function checkTimeStamp(
  { target, checkpoint, proof }: Kept,
  treeSize: number,
  roots: readonly string[],
): Pick<KeptAnchor, 'status' | 'detail' | 'bound'> {
  if (typeof proof['token'] !== 'string') throw badEvidence('a time stamp');
  const { value: stamp, error } = attempt(() => verifyTimeStampToken(decodeBase64(proof['token'] as string), utf8(checkpoint), roots));
  if (!stamp && isUnknownForm(error))
    return { status: 'unknown', detail: `${quoted(target)} stamped the time for ${treeSize} leaves, in a way that this verifier does not know.` };
  if (!stamp) throw error;
  const { chain, root, isTrusted, timeMs, accuracyMs = 0 } = stamp;
  const existedBy = new Date(timeMs + accuracyMs).toISOString();
  const [authority, last] = [chain[0], chain.at(-1)] as [TimeStampToken['chain'][number], TimeStampToken['chain'][number]];
  const what = `he first ${treeSize} leaves were there by ${existedBy}`;
  const detail = isTrusted
    ? `T${what}, as a time stamp says that ${quoted(authority.name)} signed, for which ${quoted(last.name)} vouches, whom you trust; whether its certificate was revoked is not known here.`
    : `That t${what}: the time stamp that says so is signed by ${quoted(authority.name)}, which is tied to no certificate that you trust. The last one it brings is that of ${quoted(last.name)}, SHA-256 fingerprint ${last.fingerprint}, signed by ${quoted(root)}.`;
  return { status: isTrusted ? 'proved' : 'unknown', detail, bound: { treeSize, existedBy, chain, root, isTrusted } };
}

/** Whether a token could not be read at all: it proves nothing, and is not shown to be false either. Authorities also write BER. */
export function isUnknownForm({ code }: VeiltrailError): boolean {
  return code === 'time_stamp_unsupported' || code === 'time_stamp_syntax';
}

/** Words of a stranger, 200 UTF-16 units of them. */
export function quoted(text: string): string {
  return quotedWhole(text.slice(0, 200));
}
