/** The product as people run it: the command in a process of its own, on a directory of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { runInHost } from './command-line.ts';
import { main } from './command.ts';

export interface Finished {
  code: number | null;
  out: string;
  err: string;
}

/** A directory that goes away with the test. */
export function temporaryDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'veiltrail-e2e-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export interface RunOptions {
  input?: string | Buffer;
  cwd?: string;
  env?: Record<string, string>;
}

/** Says that memory is settled: a server and `verify` do not start themselves over for it (src/cli/settle-memory.ts). */
const settled = { MALLOC_ARENA_MAX: '2' };

/** Runs a command to its end, in a process that may have run others before. */
export function run(args: readonly string[], { input = '', cwd = process.cwd(), env = {} }: RunOptions = {}): Promise<Finished> {
  return runInHost({ args, cwd, env: { ...cleanEnvironment(), ...settled, ...env }, input: Buffer.from(input).toString('base64') });
}

/** Runs a command to its end, in a process of its own, as people do. */
export function runProcess(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = spawn(process.execPath, [main, ...args], { cwd: options.cwd, env: { ...cleanEnvironment(), ...options.env } });
  child.stdin.on('error', () => undefined).end(options.input ?? '');
  return finish(child);
}

/** The tests' own environment must not decide what a command works on, nor its colours. */
const decides = ['NODE_OPTIONS', 'FORCE_COLOR', 'NO_COLOR'];
function cleanEnvironment(): Record<string, string> {
  const own = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith('VEILTRAIL_') && !decides.includes(entry[0]),
  );
  // What a log was before is remembered where a test wants it to be, and in nobody's home.
  return { ...Object.fromEntries(own), VEILTRAIL_STATE: 'none' };
}

function finish(child: ChildProcess): Promise<Finished> {
  let out = '';
  let err = '';
  child.stdout?.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr?.on('data', (data: Buffer) => (err += data.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

/** A server that was started, whether or not it answers yet. */
export interface Launched {
  pid: number;
  /** Its URL, once it answers; rejects when it ends before. */
  answering: Promise<string>;
  /** Its exit code, once it has ended; null when a signal ended it. */
  ended: Promise<number | null>;
  /** All that it has printed. */
  said: () => string;
  /** Sends a signal unless it has ended; returns when it has. */
  end: (signal: NodeJS.Signals) => Promise<void>;
}

export interface LaunchOptions {
  args?: readonly string[];
  /** User and group to run as; only root may say. */
  user?: number;
  /** Lets it start itself over to settle its memory, as it does for everybody else. */
  settles?: boolean;
}

/** Starts `serve` on a port of its own; it is killed with the test. */
export function launch(data: string, { args = [], user, settles = false }: LaunchOptions = {}): Launched {
  const child = spawn(process.execPath, [main, 'serve', '--data', data, '--listen', '127.0.0.1:0', ...args], {
    env: { ...cleanEnvironment(), ...(settles ? {} : settled) },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(user === undefined ? {} : { uid: user, gid: user }),
  });
  let said = '';
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const answering = new Promise<string>((resolve, reject) => {
    const hear = (bytes: Buffer): void => {
      said += bytes.toString();
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
      if (url) resolve(url);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('close', (code, signal) => reject(new Error(`the server ended with ${code ?? signal}: ${said}`)));
  });
  answering.catch(() => undefined); // for whoever does not wait for it
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
  };
  onTestFinished(() => end('SIGKILL'));
  return { pid: child.pid as number, answering, ended, said: () => said, end };
}

export interface Served {
  url: string;
  pid: number;
  /** All that the server has printed. */
  said(): string;
  /** The text of a first key. */
  key(role: 'admin' | 'writer' | 'reader'): string;
  /** Stops in an orderly way. */
  stop(): Promise<void>;
  /** `kill -9`. */
  kill(): Promise<void>;
}

/** Starts `serve` and returns when it answers. */
export async function serve(data: string, args: readonly string[] = [], options: Pick<LaunchOptions, 'settles'> = {}): Promise<Served> {
  const launched = launch(data, { args, ...options });
  const { answering, pid } = launched;
  return {
    url: await answering,
    pid,
    said: () => launched.said(),
    key: (role) => keyOf(data, role),
    stop: () => launched.end('SIGTERM'),
    kill: () => launched.end('SIGKILL'),
  };
}

/** The text of a first key. */
export function keyOf(data: string, role: 'admin' | 'writer' | 'reader'): string {
  return readFileSync(join(data, `keys/${role}.key`), 'utf8').trim();
}
