/**
 * `export --raw`: events with the real values behind their tokens, into a file for its owner alone. It is written beside its name and takes that
 * name once it is whole; what is cut short or cancelled leaves nothing.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { toHex } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonObject, parseJson } from '../core/json.ts';
import { createSha256 } from '../core/sha256.ts';
import { parseTimestamp } from '../event/timestamp.ts';
import type { RawExportAsked } from '../sdk/tokens.ts';
import { createProgress, printJson, say } from './output.ts';
import { counted } from './protection.ts';
import { stopAsked } from './stop-asked.ts';
import { withTokens } from './tokens.ts';

export interface RawExportOptions {
  query: string;
  log: string;
  since?: string;
  until?: string;
  limit?: string;
  audience?: string;
  purpose?: string;
  reference?: string;
  request?: string;
  out?: string;
  json?: boolean;
  data?: string;
  url?: string;
  key?: string;
}

/** @throws VeiltrailError `export_request`, `output_unwritable`, `export_cut_short`, and what the server or the directory refuses with */
export async function exportRaw(options: RawExportOptions): Promise<void> {
  const { out } = options;
  if (out === undefined) throw wrongUse('say where to write it: --out FILE');
  const asked = askedOf(options);
  if (existsSync(out)) throw unwritable(out, 'is there already');
  // Before anything is on record, or a request is used up.
  const beside = `${out}.${randomUUID()}.part`;
  let file: FileHandle;
  try {
    file = await open(beside, 'wx', 0o600);
  } catch (cause) {
    throw unwritable(out, 'cannot be written', cause);
  }
  const stop = new AbortController();
  void stopAsked().then(() => stop.abort());
  try {
    const end = await withTokens(options, async (tokens) => receive(await tokens.exportRaw(asked, stop.signal), file, stop.signal));
    await file.sync();
    await file.close();
    if (existsSync(out)) throw unwritable(out, 'is there already');
    await rename(beside, out);
    await syncDirectory(dirname(out));
    report(end, out, options.json ?? false);
  } catch (error) {
    await file.close().catch(() => undefined);
    rmSync(beside, { force: true });
    if (stop.signal.aborted) throw new VeiltrailError('export_cut_short', 'cancelled; nothing was kept, and that it broke off is on record');
    throw error;
  }
}

interface Received {
  /** The first line and the last one. */
  head: JsonObject;
  end: JsonObject;
}

/** Writes the pieces as they come. @throws VeiltrailError `export_cut_short` unless its last line fits the others */
async function receive(pieces: AsyncIterable<Uint8Array | string>, file: FileHandle, signal: AbortSignal): Promise<Received> {
  const lines = new FileEnds();
  const progress = createProgress();
  let bytes = 0;
  try {
    for await (const piece of pieces) {
      if (signal.aborted) break;
      const chunk = typeof piece === 'string' ? Buffer.from(piece) : piece;
      lines.add(chunk);
      bytes += chunk.length;
      progress.update(`${Math.floor(bytes / 1_048_576)} MiB`);
      await file.writeFile(chunk);
    }
  } catch (cause) {
    if (cause instanceof VeiltrailError) throw cause;
    throw new VeiltrailError('export_cut_short', 'the export broke off before its end: nothing was kept', {}, { cause });
  } finally {
    progress.end();
  }
  return lines.ends();
}

/** Keeps the first line and the last one of a file, and a digest of all before the last. */
class FileEnds {
  readonly #hash = createSha256();
  #first: Buffer | undefined;
  /** The last whole line, and what came behind it. */
  #last = Buffer.alloc(0);
  #rest: Uint8Array[] = [];

  add(piece: Uint8Array): void {
    const at = Buffer.from(piece.buffer, piece.byteOffset, piece.length).lastIndexOf(0x0a);
    if (at < 0) return void this.#rest.push(piece);
    const whole = Buffer.concat([...this.#rest, piece.subarray(0, at + 1)]);
    this.#rest = [piece.subarray(at + 1)];
    this.#hash.update(this.#last);
    this.#first ??= whole.subarray(0, whole.indexOf(0x0a) + 1);
    const lastAt = whole.lastIndexOf(0x0a, whole.length - 2) + 1;
    this.#hash.update(whole.subarray(0, lastAt));
    this.#last = whole.subarray(lastAt);
  }

  /** @throws VeiltrailError `export_cut_short` */
  ends(): Received {
    const [head, end] = [jsonIn(this.#first), jsonIn(this.#last)];
    if (!head || end?.['end'] !== true || end['sha256'] !== toHex(this.#hash.digest()) || this.#rest.some(({ length }) => length > 0))
      throw new VeiltrailError('export_cut_short', 'the export ended before its last line: nothing was kept');
    return { head, end };
  }
}

function jsonIn(line: Buffer | undefined): JsonObject | undefined {
  if (!line) return undefined;
  try {
    const { value } = parseJson(line.toString('utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function report({ head, end }: Received, out: string, json: boolean): void {
  const { events, removed, values } = end as { events: number; removed: number; values: number };
  if (json)
    return printJson({
      export: head['export'] ?? null,
      log: head['log'] ?? null,
      events,
      removed,
      values,
      complete: head['complete'] ?? null,
      file: out,
    });
  const gone = removed > 0 ? `, ${counted(removed, 'record')} gone meanwhile` : '';
  say(`${counted(events, 'event')} with ${counted(values, 'value')}${gone}, written to ${out}; "veiltrail verify ${out} --vkey VKEY" checks them`);
  if (head['complete'] === false) say('older events match, too, and were left out (--limit)');
}

function askedOf({ log, query, since, until, limit, audience, purpose, reference, request }: RawExportOptions): RawExportAsked {
  return {
    log,
    ...(query === '' ? {} : { query }),
    ...(since === undefined ? {} : { since: timeOf('--since', since) }),
    ...(until === undefined ? {} : { until: timeOf('--until', until) }),
    ...(limit === undefined ? {} : { limit: limitOf(limit) }),
    ...(audience === undefined ? {} : { audience }),
    ...(purpose === undefined ? {} : { purpose }),
    ...(reference === undefined ? {} : { reference }),
    ...(request === undefined ? {} : { request }),
  };
}

function timeOf(option: string, text: string): string {
  const time = parseTimestamp(text);
  if (!time) throw wrongUse(`${option} is a time such as 2026-01-31T00:00:00Z`);
  return time.canonical;
}

function limitOf(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw wrongUse('--limit is a number from 1 to 100000');
  return Number(text);
}

async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, 'r');
    await directory.sync();
    await directory.close();
  } catch {
    // Not to be had everywhere; the file itself is on disk.
  }
}

function wrongUse(message: string): VeiltrailError {
  return new VeiltrailError('export_request', message);
}

function unwritable(file: string, what: string, cause?: unknown): VeiltrailError {
  return new VeiltrailError('output_unwritable', `${file}: ${what}`, {}, { cause });
}
