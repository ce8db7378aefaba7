/**
 * Rotation of a log's signing key, in two steps with as much time between them as verifiers and witnesses need:
 *
 *     begin    <log>.next-signing-key and <log>.next.vkey are made: old and new sign together
 *     finish   the next key becomes <log>.signing-key, the old secret is gone, <log>.retired.vkeys remembers its public half
 *
 * Each may be repeated after a crash: what is done already is left as it is. Nobody may have the keyring open for writing meanwhile.
 */
import { chmodSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { VeiltrailError } from '../core/errors.ts';
import { type Random, systemRandom } from '../core/random.ts';
import { createNoteSigner, formatSigningKey, parseSigningKey } from '../log/note-key.ts';
import { storageError } from '../storage/storage-error.ts';
import { createKeyFile, listKeyFiles, readKeyFile, replaceKeyFile } from './key-file.ts';

export interface SigningKeys {
  /** Public key of the log's signing key. */
  vkey: string;
  /** Of the one that follows it, while both sign. */
  next: string | undefined;
  /** Of those before it, the oldest first. */
  retired: readonly string[];
}

export function nextSigningFile(log: string): string {
  return `${log}.next-signing-key`;
}

/** @throws VeiltrailError `signing_key_missing`, `key_file_syntax` */
export function readSigningKeys(dir: string, log: string): SigningKeys {
  const files = listKeyFiles(dir);
  return signingKeysIn((file) => (files.includes(file) ? readKeyFile(dir, file, file.endsWith('.vkeys') ? 'public' : 'secret') : undefined), log);
}

/**
 * The same of a keyring that is no directory.
 * @param read the text of a key file; undefined where there is none
 * @throws VeiltrailError `signing_key_missing`, `key_file_syntax`
 */
export function signingKeysIn(read: (file: string) => string | undefined, log: string): SigningKeys {
  const vkeyIn = (file: string): string | undefined => {
    const text = read(file);
    if (text === undefined) return undefined;
    const { name, seed } = parse(file, text);
    return createNoteSigner(name, seed).vkey;
  };
  const vkey = vkeyIn(`${log}.signing-key`);
  if (vkey === undefined) throw new VeiltrailError('signing_key_missing', `the keyring has no signing key for log ${log}`, { log });
  const next = vkeyIn(nextSigningFile(log));
  const retired = (read(`${log}.retired.vkeys`) ?? '').split('\n').filter(Boolean);
  return { vkey, next: next === vkey ? undefined : next, retired };
}

/**
 * Makes the key that follows a log's signing key.
 * @returns its public half
 * @throws VeiltrailError `key_rotation` when a rotation is under way, `signing_key_missing`, those of key files
 */
export function beginSigningRotation(dir: string, log: string, random: Random = systemRandom): string {
  const { next } = readSigningKeys(dir, log);
  if (next !== undefined) throw new VeiltrailError('key_rotation', `a rotation of the key of log ${log} is under way: finish it first`, { log });
  const { name } = parse(`${log}.signing-key`, readKeyFile(dir, `${log}.signing-key`));
  const seed = random.bytes(32);
  const { vkey } = createNoteSigner(name, seed);
  // What a finish that was cut short left behind is of no use to anybody.
  removeNext(dir, log);
  createKeyFile(dir, `${log}.next.vkey`, `${vkey}\n`, 0o644);
  createKeyFile(dir, nextSigningFile(log), `${formatSigningKey(name, seed)}\n`);
  return vkey;
}

/**
 * Puts the next key in the place of a log's signing key, which is gone then.
 * @returns the public half of the key that signs from now on
 * @throws VeiltrailError `key_rotation` when none is under way, those of key files
 */
export function finishSigningRotation(dir: string, log: string): string {
  const files = listKeyFiles(dir);
  if (!files.includes(nextSigningFile(log))) throw new VeiltrailError('key_rotation', `no rotation of the key of log ${log} is under way`, { log });
  const { vkey, next, retired } = readSigningKeys(dir, log);
  // Nothing but the last steps is left where the key is in its place already.
  if (next !== undefined) {
    if (!retired.includes(vkey)) replacePublic(dir, `${log}.retired.vkeys`, `${[...retired, vkey].join('\n')}\n`);
    replaceKeyFile(dir, `${log}.signing-key`, readKeyFile(dir, nextSigningFile(log)));
  }
  const now = next ?? vkey;
  replacePublic(dir, `${log}.vkey`, `${now}\n`);
  removeNext(dir, log);
  return now;
}

function parse(file: string, text: string): { name: string; seed: Uint8Array } {
  try {
    return parseSigningKey(text.endsWith('\n') ? text.slice(0, -1) : text);
  } catch (cause) {
    throw new VeiltrailError('key_file_syntax', `${file} is not a signing key`, { file }, { cause });
  }
}

/** In one step, so that a crash leaves the old text or the new one. */
function replacePublic(dir: string, name: string, text: string): void {
  replaceKeyFile(dir, name, text);
  chmodSync(join(dir, name), 0o644);
}

function removeNext(dir: string, log: string): void {
  // The public half last: while it is there, somebody may still be told of a key that nobody has.
  for (const name of [nextSigningFile(log), `${log}.next.vkey`]) remove(dir, name);
}

function remove(dir: string, name: string): void {
  if (!listKeyFiles(dir).includes(name)) return;
  try {
    unlinkSync(join(dir, name));
  } catch (error) {
    throw storageError(error, 'remove a key');
  }
}
