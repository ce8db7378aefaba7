/**
 * The shim that gives system calls their faults (shim.c), and the memory that it shares with whoever tests: a file, mapped there, read and
 * written here.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** `torn`: half of a write, and the process ends; `short`: half of a write, and it is told so. */
export type FaultName = 'EIO' | 'ENOSPC' | 'kill' | 'torn' | 'short';
const faultNumbers: Record<FaultName, number> = { EIO: 1, ENOSPC: 2, kill: 3, torn: 4, short: 5 };

/** A kind of call on a path below the directory. */
export interface Site {
  kind: string;
  path: string;
}

export interface Fault extends Site {
  fault: FaultName;
  /** From then on every other writing call fails as well, until {@link FaultControl.heal}. */
  stays: boolean;
  /** Which call of the site, from 1. */
  nth: number;
}

/** A call that was made. */
export interface RecordedCall extends Site {
  inode: string;
  offset: number;
  length: number;
  /** What the call returned. */
  result: number;
}

/** Compiles the shim; undefined where there is no compiler for it, or no Linux. */
export function buildShim(directory: string): string | undefined {
  const library = join(directory, 'shim.so');
  const source = new URL('shim.c', import.meta.url).pathname;
  if (process.platform !== 'linux') return undefined;
  try {
    execFileSync('cc', ['-std=gnu11', '-O2', '-shared', '-fPIC', '-o', library, source], { stdio: ['ignore', 'ignore', 'pipe'] });
    return library;
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    throw error;
  }
}

const controlBytes = 1_056;
const at = { armed: 0, fault: 4, stays: 8, nth: 12, fired: 20, calls: 24, kind: 32, path: 64 };

export class FaultControl {
  readonly #fd: number;
  readonly #environment: Record<string, string>;
  readonly recordFile: string;

  /**
   * @param dataDir absolute; the directory whose calls count
   * @param isThere for a process that has the shim itself: what it shares was made by the one who started it
   * @param tape a file that takes every call with its bytes (tape.ts)
   */
  constructor(library: string, home: string, dataDir: string, { isThere = false, tape }: { isThere?: boolean; tape?: string } = {}) {
    const file = join(home, 'control');
    this.#fd = openSync(file, isThere ? 'r+' : 'w+', 0o600);
    if (!isThere) writeSync(this.#fd, new Uint8Array(controlBytes));
    this.recordFile = join(home, 'calls');
    this.#environment = { LD_PRELOAD: library, VEILTRAIL_FAULT_DIR: dataDir, VEILTRAIL_FAULT_CONTROL: file, VEILTRAIL_FAULT_RECORD: this.recordFile };
    if (tape !== undefined) this.#environment['VEILTRAIL_FAULT_TAPE'] = tape;
  }

  /** For the process that is to have the faults. */
  get environment(): Record<string, string> {
    return this.#environment;
  }

  arm({ fault, stays, nth, kind, path }: Fault): void {
    const bytes = Buffer.alloc(controlBytes);
    bytes.writeUInt32LE(faultNumbers[fault], at.fault);
    bytes.writeUInt32LE(stays ? 1 : 0, at.stays);
    bytes.writeUInt32LE(nth, at.nth);
    bytes.writeUInt32LE(this.calls, at.calls);
    bytes.write(kind, at.kind);
    bytes.write(path, at.path);
    this.heal();
    writeSync(this.#fd, bytes, 4, controlBytes - 4, 4);
    this.#write(at.armed, 1);
  }

  /** As if nothing had ever been armed. */
  reset(): void {
    this.arm({ fault: 'EIO', stays: false, kind: '', path: '', nth: 0 });
    this.heal();
  }

  /** No more faults. */
  heal(): void {
    this.#write(at.armed, 0);
  }

  /** From now on every writing call fails: to whoever looks at the disk, the process is gone. */
  freeze(): void {
    this.arm({ fault: 'EIO', stays: true, kind: '', path: '', nth: 0 });
    this.#write(at.fired, 1);
  }

  /** Faults given since it was armed. */
  get fired(): number {
    return this.#read(at.fired);
  }

  /** Writing calls so far. */
  get calls(): number {
    return this.#read(at.calls);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #read(offset: number): number {
    const bytes = Buffer.alloc(4);
    readSync(this.#fd, bytes, 0, 4, offset);
    return bytes.readUInt32LE(0);
  }

  #write(offset: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value, 0);
    writeSync(this.#fd, bytes, 0, 4, offset);
  }
}

export function readCalls(recordFile: string): RecordedCall[] {
  const lines = readFileSync(recordFile, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => {
    const [kind = '', path = '', inode = '', offset, length, result] = line.split('\t');
    return { kind, path, inode, offset: Number(offset), length: Number(length), result: Number(result) };
  });
}
