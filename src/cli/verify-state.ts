/**
 * How far a log was verified, kept between runs of `verify --resume FILE`:
 *
 * ```
 * {"format":"veiltrail.verify-state/1","logs":{"<log>":{"at","checkpoint","fullAt"?,"verifiedTo"}}}
 * ```
 * Leaves below `verifiedTo` were in order `at` that time, under that checkpoint: the next run demands that the log has grown from it, and reads what
 * follows. `fullAt`: when all of it was last read to the end. Replaced whole; whoever may write it may also make a verifier skip what he changed, so keep
 * it where the log's administrator cannot.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonValue, parseJson } from '../core/json.ts';
import { parseTimestamp } from '../event/timestamp.ts';

const format = 'veiltrail.verify-state/1';

export interface LogProgress {
  /** As signed. */
  checkpoint: string;
  verifiedTo: number;
  /** RFC 3339. */
  at: string;
  fullAt?: string;
}

export class VerifyState {
  readonly #file: string | undefined;
  readonly #logs: Map<string, LogProgress>;

  private constructor(file: string | undefined, logs: Map<string, LogProgress>) {
    this.#file = file;
    this.#logs = logs;
  }

  /** @param file absent: kept in memory only. @throws VeiltrailError `verify_state` for a file that is none */
  static open(file?: string): VerifyState {
    if (file === undefined) return new VerifyState(file, new Map());
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return new VerifyState(file, new Map());
      throw new VeiltrailError('verify_state', `${file}: cannot be read`, {}, { cause });
    }
    return new VerifyState(file, readLogs(file, text));
  }

  get(log: string): LogProgress | undefined {
    return this.#logs.get(log);
  }

  /** Logs that were ever verified with it. */
  logs(): string[] {
    return [...this.#logs.keys()];
  }

  /** Durable when it returns. @throws VeiltrailError `verify_state` where it cannot be written */
  set(log: string, progress: LogProgress): void {
    this.#logs.set(log, progress);
    if (this.#file === undefined) return;
    const text = `${JSON.stringify({ format, logs: Object.fromEntries(this.#logs) }, undefined, 1)}\n`;
    try {
      replace(this.#file, text);
    } catch (cause) {
      throw new VeiltrailError('verify_state', `${this.#file}: cannot be written`, {}, { cause });
    }
  }
}

function replace(file: string, text: string): void {
  const written = `${file}.writing`;
  const fd = openSync(written, 'w', 0o600);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(written, file);
}

function readLogs(file: string, text: string): Map<string, LogProgress> {
  let value: JsonValue;
  try {
    ({ value } = parseJson(text));
  } catch {
    throw damaged(file);
  }
  if (!isJsonObject(value) || value['format'] !== format || !isJsonObject(value['logs'])) throw damaged(file);
  return new Map(Object.entries(value['logs']).map(([log, one]) => [log, readProgress(file, one)]));
}

function readProgress(file: string, value: JsonValue): LogProgress {
  if (!isJsonObject(value)) throw damaged(file);
  const { checkpoint, verifiedTo, at, fullAt } = value;
  const isTime = (text: JsonValue | undefined): text is string => typeof text === 'string' && parseTimestamp(text) !== undefined;
  if (typeof checkpoint !== 'string' || typeof verifiedTo !== 'number' || !Number.isSafeInteger(verifiedTo) || verifiedTo < 0) throw damaged(file);
  if (!isTime(at) || (fullAt !== undefined && !isTime(fullAt))) throw damaged(file);
  return { checkpoint, verifiedTo, at, ...(fullAt === undefined ? {} : { fullAt }) };
}

function damaged(file: string): VeiltrailError {
  return new VeiltrailError('verify_state', `${file}: not what verify --resume keeps`);
}
