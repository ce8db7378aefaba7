/**
 * What a process wrote below a directory, call after call, as the shim put it on tape; and the directory made again from that, as it was before any of
 * the calls. A process that is killed leaves what its finished calls wrote: the kernel has it, and goes on having it. So the directory before call n is
 * what a SIGKILL at call n leaves, and one run stands for all its kills.
 *
 * Bytes that are written through a mapping are no calls. Only SQLite does that, into `-shm` files: their length is replayed, their bytes stay zero.
 * Whoever opens a database that nobody has open empties its `-shm` and makes it anew from the write-ahead log (sqlite.org/walformat.html, 2.3.1).
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { constants } from 'node:fs';
import { join } from 'node:path';

export interface TapedCall {
  /** That of the site, or `answer`: the process began to send an answer over HTTP, of the status `number`. */
  kind: string;
  /** Below the directory. */
  path: string;
  /** Of a rename or a link: what it was. */
  oldPath: string;
  /** Offset of a write, length of a truncation, mode of a new file. */
  number: number;
  flags: number;
  result: number;
  bytes: Buffer;
}

/** @throws Error when the tape is not whole */
export function readTape(file: string): TapedCall[] {
  const tape = readFileSync(file);
  const calls: TapedCall[] = [];
  for (let at = 0; at < tape.length;) {
    const end = tape.indexOf(10, at);
    const [kind = '', path = '', oldPath = '', number, flags, result, count] = tape.toString('utf8', at, end).split('\t');
    at = end + 1 + Number(count);
    if (end < 0 || !(at <= tape.length)) throw new Error('a tape that is cut off');
    calls.push({
      kind,
      path,
      oldPath,
      number: Number(number),
      flags: Number(flags),
      result: Number(result),
      bytes: tape.subarray(end + 1, at),
    });
  }
  return calls;
}

const isGone = (path: string): boolean => path.endsWith(' (deleted)');

/** Does a call again, below another directory. @throws Error for a kind of call that it does not know */
export function replay(directory: string, call: TapedCall): void {
  const { kind, path, oldPath, number, flags, result, bytes } = call;
  // Nobody sees what is done to a file that has no name any more.
  if (result < 0 || kind === 'answer' || kind === 'fsync' || isGone(path)) return;
  const at = join(directory, path);
  switch (kind) {
    case 'create':
      if ((flags & constants.O_TRUNC) !== 0 || !existsSync(at))
        closeSync(openSync(at, flags & (constants.O_CREAT | constants.O_TRUNC | constants.O_RDWR | constants.O_WRONLY), number));
      return;
    case 'write':
    case 'pwrite':
      return writeAt(at, bytes, number);
    case 'truncate':
      return truncateSync(at, number);
    case 'mkdir':
      mkdirSync(at, { mode: number });
      return;
    case 'rename':
      return renameSync(join(directory, oldPath), at);
    case 'link':
      return linkSync(join(directory, oldPath), at);
    case 'unlink':
      return unlinkSync(at);
    case 'rmdir':
      return rmdirSync(at);
    case 'chmod':
      return chmodSync(at, number);
    default:
      throw new Error(`${kind} ${path}: a call that cannot be done again`);
  }
}

/** Half of a write: what is left of it when the process ends in its middle. Undefined for any other call. */
export function halfOf(call: TapedCall): TapedCall | undefined {
  if (!call.kind.endsWith('write') || call.bytes.length < 2) return undefined;
  const bytes = call.bytes.subarray(0, Math.floor(call.bytes.length / 2));
  return { ...call, bytes, result: bytes.length };
}

function writeAt(file: string, bytes: Buffer, offset: number): void {
  const fd = openSync(file, 'r+');
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, offset + done);
  } finally {
    closeSync(fd);
  }
}

/** Holds two directories against each other, names and bytes, but for what is mapped. @throws Error naming the first file that differs */
export function expectSame(made: string, real: string): void {
  const [here, there] = [filesOf(made), filesOf(real)];
  for (const path of new Set([...here.keys(), ...there.keys()])) {
    if (here.get(path) !== there.get(path))
      throw new Error(`replayed, ${path} is ${here.get(path) ?? 'not there'} and was ${there.get(path) ?? 'not'}`);
    if (here.get(path) !== 'file' || path.endsWith('-shm')) continue;
    if (!readFileSync(join(made, path)).equals(readFileSync(join(real, path)))) throw new Error(`replayed, ${path} has other bytes`);
  }
}

function filesOf(directory: string): Map<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return new Map(
    entries.map((entry) => [join(entry.parentPath, entry.name).slice(directory.length + 1), entry.isDirectory() ? 'directory' : 'file']),
  );
}

/** The length of a file; 0 where there is none. */
export function lengthOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
