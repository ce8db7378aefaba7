/**
 * How far a server has verified its own data directory, in `verified.json`:
 *
 * ```
 * {"format":"veiltrail.self-verification/1","logs":{"<log>":{"checkpoint","verifiedTo","since"}},
 *  "files"?,"fullAt"?,"pass"?:{"startedAt","logs":{"<log>":{"verifiedTo","done"?}}}}
 * ```
 * Leaves below `verifiedTo` were in order, under that checkpoint, and each was last read at `since` or later; `files`: since when that holds for what
 * logs share (databases, vault, requests). `fullAt`: when the last pass over everything began that ended well. `pass`: one that is under way, which goes on
 * after a restart. Times are RFC 3339. The file says what to read next and is no proof: whoever may write it may make the server skip leaves until the next
 * pass, which begins anew.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../core/json.ts';
import { parseTimestamp } from '../event/timestamp.ts';

export const verifiedFileName = 'verified.json';
const format = 'veiltrail.self-verification/1';

export interface VerifiedLog {
  /** As signed. */
  checkpoint: string;
  verifiedTo: number;
  since: string;
}

export interface FullPass {
  startedAt: string;
  logs: Record<string, { verifiedTo: number; done?: true }>;
}

export interface SelfVerifyState {
  logs: Record<string, VerifiedLog>;
  files?: string;
  fullAt?: string;
  pass?: FullPass;
}

/** Nothing is known where the file is missing, or is none: then everything is read again. */
export function readSelfVerifyState(dataDir: string): SelfVerifyState {
  try {
    const { value } = parseJson(readFileSync(join(dataDir, verifiedFileName), 'utf8'));
    if (isJsonObject(value) && value['format'] === format) return withinNow(stateOf(value));
  } catch {
    // Not there, or not ours.
  }
  return { logs: {} };
}

/** Durable when it returns; whole or not at all. @throws what the file system says */
export function writeSelfVerifyState(dataDir: string, state: SelfVerifyState): void {
  const file = join(dataDir, verifiedFileName);
  const fd = openSync(`${file}.tmp`, 'w', 0o600);
  try {
    writeSync(fd, `${JSON.stringify({ format, ...state })}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(`${file}.tmp`, file);
}

/**
 * A time that is yet to come, or that nobody can count with, would put off the next pass for good: a clock was wrong, or somebody wrote it. Then no more is
 * known than from which checkpoints logs have to have grown.
 */
function withinNow(state: SelfVerifyState): SelfVerifyState {
  const { logs, files, fullAt, pass } = state;
  const nowMs = Date.now();
  const times = [files, fullAt, pass?.startedAt, ...Object.values(logs).map(({ since }) => since)].filter((one) => one !== undefined);
  if (times.every((one) => Date.parse(one) <= nowMs)) return state;
  const since = new Date(nowMs).toISOString();
  return { logs: Object.fromEntries(Object.entries(logs).map(([log, { checkpoint }]) => [log, { checkpoint, verifiedTo: 0, since }])) };
}

/** @throws Error for what was not written here */
function stateOf({ logs, files, fullAt, pass }: JsonObject): SelfVerifyState {
  return {
    logs: membersOf(logs, (one) => ({ checkpoint: text(one['checkpoint']), verifiedTo: size(one['verifiedTo']), since: time(one['since']) })),
    ...(files === undefined ? {} : { files: time(files) }),
    ...(fullAt === undefined ? {} : { fullAt: time(fullAt) }),
    ...(isJsonObject(pass)
      ? {
          pass: {
            startedAt: time(pass['startedAt']),
            logs: membersOf(pass['logs'], (one) => ({
              verifiedTo: size(one['verifiedTo']),
              ...(one['done'] === true ? { done: true as const } : {}),
            })),
          },
        }
      : {}),
  };
}

function membersOf<T>(value: JsonValue | undefined, read: (one: JsonObject) => T): Record<string, T> {
  if (!isJsonObject(value)) throw new Error('not an object');
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => {
      if (!isJsonObject(one)) throw new Error('not an object');
      return [name, read(one)];
    }),
  );
}

function text(value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw new Error('not a text');
  return value;
}

function size(value: JsonValue | undefined): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new Error('not a size');
  return value;
}

function time(value: JsonValue | undefined): string {
  const said = text(value);
  if (!parseTimestamp(said)) throw new Error('not a time');
  return said;
}
