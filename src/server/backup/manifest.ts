/**
 * What is in a backup. `files.json` lists every file with its size and SHA-256; `backup.note` is a signed note, by the logs' keys, over the digest of
 * that list:
 *
 * ```
 * veiltrail-backup/1
 * {"createdAt":"<RFC 3339>","files":"<hex>","logs":[{"log":…,"origin":…,"treeSize":n,"vkeys":["<vkey>",…]},…],"secrets":["<file>",…]}       RFC 8785
 * ```
 * Written last: a backup without it was cut short.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../../core/canonical-json.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { isJsonObject, parseJson, type JsonValue } from '../../core/json.ts';
import { createNoteVerifier } from '../../log/note-key.ts';
import { type NoteSigner, openNote, signNote } from '../../log/note.ts';

export const noteFile = 'backup.note';
export const listFile = 'files.json';
const head = 'veiltrail-backup/1';

export interface BackedUpFile {
  /** Below the directory, with `/`. */
  path: string;
  size: number;
  /** Hex. */
  sha256: string;
}

export interface BackedUpLog {
  log: string;
  origin: string;
  /** Of the records. */
  treeSize: number;
}

export interface SignedLog extends BackedUpLog {
  /** Public halves of the key that signed when the backup was done, and of the one that was to follow it: a kit must not be older. */
  vkeys: string[];
}

export interface Manifest {
  /** RFC 3339. */
  createdAt: string;
  logs: SignedLog[];
  files: BackedUpFile[];
  /** Names of the keyring's secrets when the backup was done: a kit must not be older. */
  secrets: string[];
}

/** The two files of a manifest. */
export function formatManifest({ createdAt, logs, files, secrets }: Manifest, signers: readonly NoteSigner[]): { list: string; note: string } {
  const list = `${JSON.stringify({ files }, undefined, 1)}\n`;
  const body = canonicalJson({ createdAt, files: sha256Of(list), logs: logs.map((one) => ({ ...one })), secrets });
  return { list, note: signNote(`${head}\n${body}\n`, signers) };
}

/**
 * Reads a backup's manifest and checks who signed it. Not the files: {@link checkFiles}.
 * @param vkeys any of which may have signed it
 * @throws VeiltrailError `backup_incomplete`, `backup_damaged`, what `openNote` throws
 */
export function readManifest(dir: string, vkeys: readonly string[]): Manifest {
  if (!existsSync(join(dir, noteFile)) || !existsSync(join(dir, listFile)))
    throw new VeiltrailError('backup_incomplete', 'this is no backup, or one whose making was cut short: make it again');
  const verifiers = vkeys.map(createNoteVerifier);
  const { text, signatures } = openNote(readFileSync(join(dir, noteFile)), verifiers);
  const list = readFileSync(join(dir, listFile), 'utf8');
  const [first, body = '', rest] = text.split('\n');
  const { value } = parse(body);
  if (first !== head || rest !== '' || !isJsonObject(value)) throw damaged(noteFile);
  // Older backups do not name secrets.
  const { createdAt, files: digest, logs, secrets = [] } = value;
  if (typeof createdAt !== 'string' || !Array.isArray(logs) || !Array.isArray(secrets) || digest !== sha256Of(list)) throw damaged(listFile);
  const { value: listed } = parse(list);
  if (!isJsonObject(listed) || !Array.isArray(listed.files)) throw damaged(listFile);
  // Nor keys that sign, but then it is they who signed.
  const signedBy = (origin: string): string[] =>
    vkeys.filter((_, i) => signatures.some(({ name, keyId }) => name === origin && verifiers[i]?.name === name && verifiers[i].keyId === keyId));
  const named = (logs as unknown as (BackedUpLog & Partial<SignedLog>)[]).map((one) => ({ ...one, vkeys: one.vkeys ?? signedBy(one.origin) }));
  return { createdAt, logs: named, files: listed.files as unknown as BackedUpFile[], secrets: secrets.map(String) };
}

/** Hashes every file. @throws VeiltrailError `backup_damaged`, which names the first that is not what was signed */
export async function checkFiles(dir: string, files: readonly BackedUpFile[]): Promise<void> {
  for (const { path, size, sha256 } of files) {
    // Names of our own making, but they come from a file.
    if (!/^(?!.*(?:^|\/)\.\.?(?:\/|$))[A-Za-z0-9_.][A-Za-z0-9_./-]*$/.test(path)) throw damaged('a path');
    const found = await measure(join(dir, path));
    if (found?.size !== size || found.sha256 !== sha256) throw damaged(path);
  }
}

/** Undefined where there is no such file. */
export async function measure(path: string): Promise<{ size: number; sha256: string } | undefined> {
  try {
    const { size } = await stat(path);
    const hash = createHash('sha256');
    for await (const piece of createReadStream(path, { highWaterMark: 1_048_576 })) hash.update(piece as Buffer);
    return { size, sha256: hash.digest('hex') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parse(text: string): { value: JsonValue } {
  try {
    return parseJson(text, { depthMax: 8, nodesMax: 20_000_000 });
  } catch {
    throw damaged('the manifest');
  }
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function damaged(where: string): VeiltrailError {
  return new VeiltrailError('backup_damaged', `${where} of the backup is not what was signed`, { where });
}
