import { readFileSync } from 'node:fs';
import { VeiltrailError } from '../core/errors.ts';
import { createNoteVerifier } from '../log/note-key.ts';

/**
 * A log's public key as options take it: itself, or @FILE that holds it.
 * @param option as people write it, for the words of a refusal
 * @throws VeiltrailError `input_unreadable`; `vkey_syntax`, `vkey_type`, `ed25519_public_key`, which say where the key stands
 */
export function readVkey(text: string, option: string): string {
  if (!text.startsWith('@')) return checkVkey(text, option);
  const file = text.slice(1);
  return checkVkey(readText(file).trim(), `${option}, ${file}`);
}

/** @param where the key stands @throws VeiltrailError as {@link readVkey} */
export function checkVkey(vkey: string, where: string): string {
  try {
    createNoteVerifier(vkey);
    return vkey;
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    throw new VeiltrailError(error.code, `${where}: ${error.message}`, error.detail);
  }
}

/** A small file that an option names. @throws VeiltrailError `input_unreadable` */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new VeiltrailError('input_unreadable', `${file}: cannot be read`);
  }
}
