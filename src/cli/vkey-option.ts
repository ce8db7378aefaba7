import { readFileSync } from 'node:fs';
import { VeiltrailError } from '../core/errors.ts';

/** A public key as options take it: itself, or @FILE that holds it. @throws VeiltrailError `input_unreadable` */
export function readVkey(text: string): string {
  return text.startsWith('@') ? readText(text.slice(1)).trim() : text;
}

/** A small file that an option names. @throws VeiltrailError `input_unreadable` */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new VeiltrailError('input_unreadable', `${file}: cannot be read`);
  }
}
