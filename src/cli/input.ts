/** Reading what a command is given: files or standard input, line by line, in bounded memory. */
import { createReadStream } from 'node:fs';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { pipeline } from 'node:stream/promises';
import { PassThrough, type Readable } from 'node:stream';
import { decodeUtf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';

export interface InputLine {
  /** 1 for the first line of each input. */
  line: number;
  /** The line without its end. */
  bytes: Buffer;
}

/** The inputs a command names; none, or `-`, is standard input. */
export function inputNames(files: readonly string[]): string[] {
  return files.length === 0 ? ['-'] : [...files];
}

/** Opens a file or standard input; `.gz` and `.zst` are unpacked. */
export function openInput(name: string): Readable {
  if (name === '-') return process.stdin;
  const file = createReadStream(name);
  const unpack = name.endsWith('.gz') ? createGunzip() : name.endsWith('.zst') ? createZstdDecompress() : undefined;
  const out = new PassThrough();
  const done = unpack ? pipeline(file, unpack, out) : pipeline(file, out);
  done.catch((error: NodeJS.ErrnoException) => {
    const why =
      error.code === 'ENOENT'
        ? 'no such file'
        : error.code === 'EISDIR'
          ? 'is a directory'
          : error.code === 'EACCES'
            ? 'may not be read'
            : 'cannot be read';
    out.destroy(new VeiltrailError('input_unreadable', `${name}: ${why}`));
  });
  return out;
}

const wholeBytesMax = 64 * 1_048_576;

/** All of an input, as text; `-` is standard input. @throws VeiltrailError `input_unreadable`, `input_too_large`, `invalid_utf8` */
export async function readWhole(name: string): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of openInput(name)) {
    const bytes = part as Buffer;
    length += bytes.length;
    if (length > wholeBytesMax) throw new VeiltrailError('input_too_large', `${name}: too large`);
    parts.push(bytes);
  }
  return decodeUtf8(Buffer.concat(parts));
}

/**
 * The lines of an input. A line longer than an event may be is cut to that length plus one byte, so that whoever reads it refuses it for its size.
 * @param longestBytes another length, for whoever stores nothing
 */
export async function* readLines(input: Readable, longestBytes: number = limits.eventBytesMax): AsyncGenerator<InputLine> {
  const lineBytesMax = longestBytes + 1;
  let parts: Buffer[] = [];
  let length = 0;
  let line = 1;
  const keep = (part: Buffer): void => {
    const room = lineBytesMax - length;
    if (room > 0) parts.push(part.length > room ? part.subarray(0, room) : part);
    length = Math.min(lineBytesMax, length + part.length);
  };
  for await (const chunk of input) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Buffer);
    let from = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, from)) {
      keep(bytes.subarray(from, end));
      yield { line: line++, bytes: trimReturn(parts) };
      parts = [];
      length = 0;
      from = end + 1;
    }
    if (from < bytes.length) keep(bytes.subarray(from));
  }
  if (length > 0) yield { line, bytes: trimReturn(parts) };
}

function trimReturn(parts: Buffer[]): Buffer {
  const bytes = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  return bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes;
}
