/**
 * The seal of a data directory at rest: which files there are, and what every byte of them is. A database has bytes that no query ever reads
 * (free pages, slack); a flipped bit there is found by this and by nothing else.
 *
 * `seal.json` is written when everything is closed in an orderly way, and removed when a server opens the directory:
 *
 * ```
 * seal.json = {"body":{"files":[{"path":…,"sha256":hex,"size":n},…],"format":"veiltrail-seal/1","sealedAtMs":n},"signatures":["— <name> <base64>",…]}
 * signed    = "veiltrail-seal/1\n" ‖ canonical JSON of body ‖ "\n"      as a signed note, by a log's key
 * ```
 * Paths are relative to the directory, with `/`, in ascending order. Full tiles are not in it (the log's own hashes cover them), nor is the lock,
 * nor are indexes, which may be rebuilt. `records.db` says in its `closing` table that it was closed (`RecordStore.setClean`): where it does
 * and there is no seal, somebody removed it; where it does not, an old seal means nothing.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { canonicalJson } from '../core/canonical-json.ts';
import type { JsonObject } from '../core/json.ts';
import { VeiltrailError } from '../core/errors.ts';
import { formatSignatureLine, type NoteSigner, type NoteVerifier, openNote } from '../log/note.ts';
import { dataDirPaths } from '../storage/data-dir.ts';
import { storageError } from '../storage/storage-error.ts';

const format = 'veiltrail-seal/1';
const readBytes = 1_048_576;

interface SealedFile {
  path: string;
  size: number;
  sha256: string;
}

export interface SealRequest {
  dataDir: string;
  /** Files to seal, relative to the directory; all are closed. */
  paths: readonly string[];
  signers: readonly NoteSigner[];
  nowMs: number;
}

/**
 * Seals files. Durable when it returns. Whoever calls this has the directory's lock, and has closed everything in it: hashing a file that
 * SQLite has open in this process would drop its locks.
 */
export async function sealDataDir({ dataDir, paths, signers, nowMs }: SealRequest): Promise<void> {
  const files: SealedFile[] = [];
  for (const path of paths.toSorted()) files.push({ path, ...(await measure(join(dataDir, path))) });
  const body = { files: files.map((file) => ({ ...file })), format, sealedAtMs: nowMs };
  const text = signedText(body);
  const signatures = signers.map((signer) => formatSignatureLine({ name: signer.name, keyId: signer.keyId, signature: signer.sign(text) }).trimEnd());
  await replaceDurably(dataDirPaths(dataDir).seal, `${canonicalJson({ body, signatures })}\n`);
}

/** Removes the seal, and what a crash left of one being written: the directory is about to change. Durable when it returns. */
export async function breakSeal(dataDir: string): Promise<void> {
  const { seal } = dataDirPaths(dataDir);
  const files = [seal, `${seal}.writing`].filter((file) => existsSync(file));
  if (files.length === 0) return;
  try {
    for (const file of files) await rm(file);
    await syncDirectory(dataDir);
  } catch (error) {
    throw storageError(error, 'break the seal');
  }
}

/** One thing that a seal finds. */
export interface SealProblem {
  code: 'seal_missing' | 'seal_invalid' | 'file_changed' | 'file_missing' | 'file_extra';
  /** The file, relative to the data directory. */
  path: string;
  message: string;
}

export interface SealCheck {
  dataDir: string;
  /** Files that should be sealed, as they would be given to {@link sealDataDir} now. */
  paths: readonly string[];
  /** Keys of which one must have signed. */
  verifiers: readonly NoteVerifier[];
  /** What `records.db` says (`RecordSource.isClean`). */
  clean: boolean;
}

/**
 * Holds every sealed file against the seal. Nothing is found, and nothing is checked, where the directory was not closed in an orderly way. Returns
 * `cut short` for a seal without files, which is the first step of sealing and of unsealing: a crash came before the last.
 */
export async function checkSeal({ dataDir, paths, verifiers, clean }: SealCheck): Promise<SealProblem[] | 'cut short'> {
  if (!clean) return [];
  const { seal } = dataDirPaths(dataDir);
  if (!existsSync(seal)) return [problem('seal_missing', 'seal.json', 'the directory was closed and sealed, but its seal is gone')];
  let sealed: SealedFile[];
  try {
    sealed = openSeal(await readFile(seal, 'utf8'), verifiers);
  } catch {
    return [problem('seal_invalid', 'seal.json', 'the seal is not one that this log signed')];
  }
  if (sealed.length === 0) return 'cut short';
  const problems: SealProblem[] = [];
  for (const file of sealed) problems.push(...(await checkFile(dataDir, file)));
  const known = new Set(sealed.map(({ path }) => path));
  for (const path of paths) if (!known.has(path)) problems.push(problem('file_extra', path, 'the file was not there when the directory was sealed'));
  return problems;
}

async function checkFile(dataDir: string, { path, size, sha256 }: SealedFile): Promise<SealProblem[]> {
  const file = join(dataDir, path);
  if (!existsSync(file)) return [problem('file_missing', path, 'the file was sealed and is gone')];
  const now = await measure(file);
  if (now.size !== size) return [problem('file_changed', path, `the file had ${size} bytes when it was sealed and has ${now.size} now`)];
  if (now.sha256 !== sha256) return [problem('file_changed', path, 'the file has other bytes than when it was sealed')];
  return [];
}

/** The files of a seal that one of the keys signed; throws for anything else. */
function openSeal(text: string, verifiers: readonly NoteVerifier[]): SealedFile[] {
  const { body, signatures } = JSON.parse(text) as { body: JsonObject & { files: JsonObject[] }; signatures: string[] };
  if (body['format'] !== format) throw new VeiltrailError('seal_invalid', 'a seal of an unknown format');
  openNote(`${signedText(body)}\n${signatures.map((line) => `${line}\n`).join('')}`, verifiers);
  const files = body.files as unknown as SealedFile[];
  // A seal has one spelling, so that no byte of it can change unnoticed.
  if (`${canonicalJson({ body, signatures })}\n` !== text) throw new VeiltrailError('seal_invalid', 'a seal that is not canonical');
  return files;
}

function signedText(body: JsonObject): string {
  return `${format}\n${canonicalJson(body)}\n`;
}

async function measure(file: string): Promise<{ size: number; sha256: string }> {
  try {
    const reading = await open(file, 'r');
    try {
      const hash = createHash('sha256');
      // Most files are small, and there are dozens of them.
      const bytes = new Uint8Array(Math.min(readBytes, (await reading.stat()).size + 1));
      let size = 0;
      for (let count = -1; count !== 0; size += count) {
        count = (await reading.read(bytes, 0, bytes.length, null)).bytesRead;
        hash.update(bytes.subarray(0, count));
      }
      return { size, sha256: hash.digest('hex') };
    } finally {
      await reading.close();
    }
  } catch (error) {
    throw storageError(error, 'read a sealed file');
  }
}

async function replaceDurably(path: string, text: string): Promise<void> {
  try {
    const writing = await open(`${path}.writing`, 'w', 0o600);
    try {
      await writing.writeFile(text);
      await writing.sync();
    } finally {
      await writing.close();
    }
    await rename(`${path}.writing`, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    throw storageError(error, 'write the seal');
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function problem(code: SealProblem['code'], path: string, message: string): SealProblem {
  return { code, path, message };
}
