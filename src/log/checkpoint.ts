/**
 * Checkpoints (C2SP tlog-checkpoint): a signed note whose text is the log's origin, its tree size in decimal, its root in base64, and
 * perhaps extension lines, none of them empty.
 */
import { decodeBase64, encodeBase64 } from '../core/base64.ts';
import { equalBytes, utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { type NoteSignature, type NoteSigner, type NoteVerifier, openNote, signNote } from './note.ts';
import { emptyRoot, hashBytes } from './tree.ts';

export interface Checkpoint {
  readonly origin: string;
  readonly treeSize: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** Lines behind the root, without their newlines: opaque, and none in logs made here. */
  readonly extensions: readonly string[];
}

/** A checkpoint whose log signature was verified. */
export interface VerifiedCheckpoint extends Checkpoint {
  /** The signed text. */
  readonly text: string;
  /** The signatures of known keys, of the log and of witnesses. */
  readonly signatures: readonly NoteSignature[];
}

/** Keys to verify a checkpoint with. */
export interface CheckpointTrust {
  readonly origin: string;
  /** Keys of the log; while a key is rotated, two. One valid signature is enough, a wrong one refuses. */
  readonly log: readonly NoteVerifier[];
  /** Keys of witnesses, if any are known; a wrong signature of one refuses, a missing one does not. */
  readonly witnesses?: readonly NoteVerifier[];
}

/** A decimal integer without leading zeros that JavaScript holds exactly, or undefined. */
export function parseDecimal(text: string): number | undefined {
  if (!/^(?:0|[1-9]\d{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** A hash in base64, or undefined. */
export function parseHash(text: string): Uint8Array | undefined {
  try {
    const hash = decodeBase64(text);
    return hash.length === hashBytes ? hash : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The checkpoint in the text of a note.
 * @throws VeiltrailError `checkpoint_syntax` (a tree size above 2^53 − 1 among it)
 */
export function parseCheckpointText(text: string): Checkpoint {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.includes('')) throw badCheckpoint('an empty line, or no newline at the end');
  const [origin, size, hash, ...extensions] = lines;
  if (origin === undefined || size === undefined || hash === undefined) throw badCheckpoint('fewer than three lines');
  const treeSize = parseDecimal(size);
  if (treeSize === undefined) throw badCheckpoint('the tree size');
  const root = parseHash(hash);
  if (root === undefined) throw badCheckpoint('the root');
  if (treeSize === 0 && !equalBytes(root, emptyRoot())) throw badCheckpoint('the empty tree has another root');
  return { origin, treeSize, root, extensions };
}

/**
 * The text that is signed.
 * @throws VeiltrailError `checkpoint_syntax` for what {@link parseCheckpointText} would not take, or an origin of more than 255 bytes
 */
export function formatCheckpointText({ origin, treeSize, root, extensions }: Checkpoint): string {
  const text = [origin, String(treeSize), encodeBase64(root), ...extensions, ''].join('\n');
  const parsed = parseCheckpointText(text);
  if (parsed.origin !== origin || parsed.extensions.length !== extensions.length) throw badCheckpoint('a newline in a line');
  if (utf8(origin).length > limits.originBytesMax) throw badCheckpoint(`an origin of more than ${limits.originBytesMax} bytes`);
  return text;
}

/** The signed note. All signers sign the same text: a log's old and new key while one follows the other. */
export function signCheckpoint(checkpoint: Checkpoint, signers: readonly NoteSigner[]): string {
  return signNote(formatCheckpointText(checkpoint), signers);
}

/**
 * Verifies a checkpoint: signed by the log it should be of.
 * @throws VeiltrailError what `openNote` throws, `checkpoint_syntax`, `checkpoint_origin` for another log's, `note_unverified` when only
 * witnesses signed it
 */
export function openCheckpoint(note: string | Uint8Array, trust: CheckpointTrust): VerifiedCheckpoint {
  const { text, signatures } = openNote(note, [...trust.log, ...(trust.witnesses ?? [])]);
  const byLog = signatures.some((signature) => trust.log.some((key) => key.name === signature.name && key.keyId === signature.keyId));
  if (!byLog) throw new VeiltrailError('note_unverified', 'the checkpoint is not signed by the log');
  const checkpoint = parseCheckpointText(text);
  if (checkpoint.origin !== trust.origin) throw new VeiltrailError('checkpoint_origin', 'the checkpoint is of another log');
  return { ...checkpoint, text, signatures };
}

function badCheckpoint(what: string): VeiltrailError {
  return new VeiltrailError('checkpoint_syntax', `not a checkpoint: ${what}`);
}
