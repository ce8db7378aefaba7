/**
 * A file elsewhere: another mount, a share that only takes new files, a working copy of a git repository.
 *
 * `DIR/<origin, percent-encoded>/<tree size>.checkpoint` is made once and never written again; `latest` is not kept, since what changes proves
 * nothing. In a git working copy (`git: true`) each is committed; pushing is for whoever owns the remote (a `command` target can).
 * Proof: {"path","sha256"}, and {"commit"} where git has it.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { syncDirectory } from './anchor-store.ts';
import { type AnchorCheck, type AnchorTarget, failed, proofText, refused } from './anchor.ts';

export interface FileSettings {
  name: string;
  everyMs: number;
  /** Absolute. */
  dir: string;
  /** Commit each checkpoint: DIR is in a working copy. */
  git: boolean;
}

const run = promisify(execFile);
const gitTimeoutMs = 30_000;
/** More than any checkpoint with its cosignatures. */
const checkpointBytesMax = 1_048_576;

export function createFileTarget({ name, everyMs, dir, git }: FileSettings): AnchorTarget {
  if (!isAbsolute(dir)) throw refused(name, 'dir must be an absolute path');
  const pathOf = (origin: string, treeSize: number): string => join(encodeURIComponent(origin), `${treeSize}.checkpoint`);

  const commit = async (path: string): Promise<string> => {
    const options = { cwd: dir, timeout: gitTimeoutMs };
    // Nothing of the sender's stands in a command: origin and size only.
    await run('git', ['add', '--', path], options);
    const { stdout: changed } = await run('git', ['status', '--porcelain', '--', path], options);
    if (changed.trim() !== '') await run('git', ['commit', '--quiet', '--only', '-m', `checkpoint ${path}`, '--', path], options);
    return (await run('git', ['log', '-1', '--format=%H', '--', path], options)).stdout.trim();
  };

  return {
    name,
    kind: 'file',
    everyMs,
    isBeacon: false,
    async put({ origin, treeSize, checkpoint }) {
      const path = pathOf(origin, treeSize);
      const kept = await makeOnce(name, join(dir, path), checkpoint);
      const proof: JsonObject = { path, sha256: digest(kept) };
      if (!git) return proof;
      try {
        return { ...proof, commit: await commit(path) };
      } catch (cause) {
        throw failed(name, `git: ${(cause as Error).message}`, cause);
      }
    },
    async check({ origin, treeSize, checkpoint, proof }): Promise<AnchorCheck> {
      const path = pathOf(origin, treeSize);
      if (proofText(proof, 'path') !== path) return { ok: false, detail: 'the anchor names another file' };
      let kept: string;
      try {
        kept = await readFile(join(dir, path), 'utf8');
      } catch (cause) {
        const isEmpty = (await namesWithout(name, dir, cause as NodeJS.ErrnoException)).length === 0;
        // Many mount points are empty directories.
        return { ok: false, detail: `${path} is not there any more${isEmpty ? ', nor is anything else: is it mounted?' : ''}` };
      }
      if (!sameCheckpoint(kept, checkpoint)) return { ok: false, detail: `${path} holds another checkpoint` };
      return { ok: true, detail: `kept in ${relative('.', join(dir, path)) || path}` };
    },
    async *kept(origin) {
      const kept = join(dir, encodeURIComponent(origin));
      const names = await readdir(kept).catch(async (cause: NodeJS.ErrnoException) => {
        await namesWithout(name, dir, cause);
        return [];
      });
      const sizes = names.flatMap((file) => /^([1-9]\d{0,15})\.checkpoint$/.exec(file)?.[1] ?? []).map(Number);
      for (const size of sizes.filter(Number.isSafeInteger).toSorted((one, other) => other - one))
        yield await readKept(join(dir, pathOf(origin, size))).catch(() => undefined);
    },
  };
}

const missing: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR']);

/**
 * Tells what is not in the directory from a directory that is not there: a share that is not mounted keeps what it keeps. Returns what else is in it.
 * @param cause why something in it could not be read
 * @throws VeiltrailError `anchor_failed`; its detail `isAbsent` where there is no such directory
 */
async function namesWithout(name: string, dir: string, cause: NodeJS.ErrnoException): Promise<string[]> {
  if (!missing.has(cause.code)) throw failed(name, `cannot read: ${cause.code}`, cause);
  try {
    return await readdir(dir);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!missing.has(code)) throw failed(name, `cannot read: ${code}`, error);
    const { message, detail } = failed(name, `its directory ${dir} is not there: is it mounted?`);
    throw new VeiltrailError('anchor_failed', message, { ...detail, isAbsent: true }, { cause: error });
  }
}

/** The bytes that are there now: ours, or those that an earlier try left, with the same root and perhaps other cosignatures. */
async function makeOnce(name: string, path: string, checkpoint: string): Promise<string> {
  try {
    await mkdir(join(path, '..'), { recursive: true });
    if (!(await linkWhole(path, checkpoint))) await makeInPlace(path, checkpoint);
    // The name must last as well as the bytes.
    await syncDirectory(join(path, '..'));
    return checkpoint;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw failed(name, `cannot write: ${(cause as NodeJS.ErrnoException).code}`, cause);
  }
  const kept = await readFile(path, 'utf8');
  if (sameCheckpoint(kept, checkpoint) && isWhole(kept)) return kept;
  if (!checkpoint.startsWith(kept)) throw refused(name, `${path} holds another checkpoint of this size: there are two histories`);
  // A crash cut it short.
  try {
    await writeFile(`${path}.new`, checkpoint, { mode: 0o444, flush: true });
    await rename(`${path}.new`, path);
    return checkpoint;
  } catch (cause) {
    throw failed(name, `cannot write: ${(cause as NodeJS.ErrnoException).code}`, cause);
  }
}

/** What stands in a file of the target, if that is a checkpoint: others may write there, and a crash may have cut one short. */
async function readKept(path: string): Promise<string | undefined> {
  const { size } = await stat(path);
  const text = size > checkpointBytesMax ? '' : await readFile(path, 'utf8');
  return isWhole(text) ? text : undefined;
}

/** Written beside and linked into its place: a crash leaves no name that stands for half of it. Returns whether that can be done here. */
async function linkWhole(path: string, checkpoint: string): Promise<boolean> {
  const beside = `${path}.new`;
  try {
    await rm(beside, { force: true });
  } catch {
    return false;
  }
  try {
    await writeFile(beside, checkpoint, { mode: 0o444, flush: true });
    await link(beside, path);
    return true;
  } catch (error) {
    if (linkless.has((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  } finally {
    // A share that only takes new files keeps it; nobody reads it.
    await rm(beside, { force: true }).catch(() => undefined);
  }
}

/** Codes of file systems that have no links. */
const linkless: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']);

async function makeInPlace(path: string, checkpoint: string): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o444);
  try {
    await file.writeFile(checkpoint);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A note ends with the end of a signature's line. */
function isWhole(note: string): boolean {
  return note.includes('\n\n') && note.endsWith('\n') && !note.endsWith('\n\n');
}

/** Notes of the same text: signatures may have come since. */
export function sameCheckpoint(a: string, b: string): boolean {
  const textOf = (note: string): string => note.slice(0, note.indexOf('\n\n') + 1);
  return a.includes('\n\n') && textOf(a) === textOf(b);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
