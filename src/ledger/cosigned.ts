/**
 * The newest checkpoint that witnesses cosigned. It is kept beside the newest checkpoint, as `checkpoint.witnessed`, because under load there
 * is a newer one before witnesses have answered; while both are of one size, the newest checkpoint bears the cosignatures too.
 *
 * Cosignatures hold a time and come from elsewhere, so no recovery could make them again: they are on disk before anybody sees them, and a
 * start takes them from there. Without them a start publishes the same checkpoint without cosignatures, and asks again.
 *
 * Whether enough witnesses cosigned, and whether their lines verify, is for those to say who have the policy: here they are carried along.
 */
import { openCheckpoint, type VerifiedCheckpoint } from '../log/checkpoint.ts';
import { createNoteVerifier, type NoteKeySigner } from '../log/note-key.ts';
import { formatNote, formatSignatureLine, type NoteSignature, noteSignaturesMax, parseNote } from '../log/note.ts';

export interface Cosigned {
  readonly treeSize: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** What was signed and cosigned. */
  readonly text: string;
  /** Of the log. */
  readonly signatures: readonly NoteSignature[];
  /** Of witnesses, one of each key. */
  readonly cosignatures: readonly NoteSignature[];
}

/** @throws VeiltrailError what `openCheckpoint` throws for a note that is not this log's */
export function openCosigned(note: string | Uint8Array, origin: string, signers: readonly NoteKeySigner[]): Cosigned {
  const log = signers.map(({ vkey }) => createNoteVerifier(vkey));
  const { treeSize, root, text, signatures }: VerifiedCheckpoint = openCheckpoint(note, { origin, log });
  const others = parseNote(note).signatures.filter((one) => !log.some((key) => isOf(one, key)));
  return { treeSize, root, text, signatures, cosignatures: others.filter((one, at) => others.findIndex((other) => isOf(one, other)) === at) };
}

/** Both together where they are of the same text, newer lines in the place of older ones; else the newer. */
export function mergeCosigned(older: Cosigned | undefined, newer: Cosigned): Cosigned {
  if (older?.text !== newer.text) return newer;
  const kept = older.cosignatures.filter((one) => !newer.cosignatures.some((other) => isOf(one, other)));
  const room = noteSignaturesMax - newer.signatures.length;
  return { ...newer, cosignatures: [...newer.cosignatures, ...kept].slice(0, room) };
}

/** As it is kept and served. */
export function formatCosigned({ text, signatures, cosignatures }: Cosigned): string {
  return formatNote({ text, signatures: [...signatures, ...cosignatures] });
}

/** A checkpoint as the log signs it, with the cosignatures of the same text, if there are any. */
export function withCosignatures(checkpoint: string, cosigned: Cosigned | undefined): string {
  // A checkpoint has no empty line in its text, so this says that the texts are the same.
  if (!cosigned || !checkpoint.startsWith(`${cosigned.text}\n`)) return checkpoint;
  return checkpoint + cosigned.cosignatures.map(formatSignatureLine).join('');
}

function isOf(one: { name: string; keyId: number }, other: { name: string; keyId: number }): boolean {
  return one.name === other.name && one.keyId === other.keyId;
}
