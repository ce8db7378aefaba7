/**
 * Cuts an input into request bodies: lines gathered into NDJSON, or a JSON document as it is. The same input always gives the same events,
 * so that ingesting it again gives duplicates.
 */
import { hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { VeiltrailError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Format } from '../ingest/incoming.ts';
import { readLines } from './input.ts';

export interface IngestBatch {
  body: Uint8Array;
  format: Format;
  contentType: string;
  /** How often the same line came before, by position in the body, where it did. */
  repeats: Map<number, number>;
  /** Line numbers of the body's first and last line, for messages. */
  firstLine: number;
  lines: number;
}

const batchLinesMax = 1000;
const batchBytesMax = 2_097_152;

/**
 * @throws VeiltrailError `body_too_large` for one JSON document larger than a request may be
 */
export async function* ingestBatches(input: Readable, format: Format): AsyncGenerator<IngestBatch> {
  const { head, rest } = await peek(input);
  if (format === 'json' || ((format === 'auto' || format === 'cloudtrail') && isDocument(head))) yield await documentBatch(rest, format);
  else yield* lineBatches(rest, format);
}

/** One JSON text over several lines, an array, or a CloudTrail file; anything else is taken as one event a line. */
function isDocument(head: string): boolean {
  const start = head.replace(/^\ufeff/, '').trimStart();
  if (start.startsWith('[') || /^\{\s*"Records"\s*:/.test(start)) return true;
  const firstLine = start.split('\n', 1)[0] as string;
  return (
    start.startsWith('{') &&
    start.length > firstLine.length &&
    !isJson(firstLine) &&
    !isJson(start.slice(firstLine.length).trimStart().split('\n', 1)[0] as string)
  );
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

async function documentBatch(input: Readable, format: Format): Promise<IngestBatch> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of input) {
    parts.push(part as Buffer);
    bytes += (part as Buffer).length;
    if (bytes > limits.bodyBytesMax) {
      throw new VeiltrailError(
        'body_too_large',
        `one JSON document of more than ${limits.bodyBytesMax} bytes; make it one event a line (NDJSON), which may be of any length`,
      );
    }
  }
  return {
    body: Buffer.concat(parts),
    format: format === 'auto' ? 'auto' : format,
    contentType: 'application/json',
    repeats: new Map(),
    firstLine: 1,
    lines: 1,
  };
}

async function* lineBatches(input: Readable, format: Format): AsyncGenerator<IngestBatch> {
  const seen = new LineCounter();
  let lines: Buffer[] = [];
  let bytes = 0;
  let firstLine = 1;
  let repeats = new Map<number, number>();
  const cut = (): IngestBatch => {
    const body = Buffer.concat(lines.flatMap((line) => [line, newline]));
    const batch = {
      body,
      format: format === 'auto' ? ('ndjson' as const) : format,
      contentType: 'application/x-ndjson',
      repeats,
      firstLine,
      lines: lines.length,
    };
    lines = [];
    bytes = 0;
    repeats = new Map();
    return batch;
  };
  for await (const { line, bytes: content } of readLines(input)) {
    if (isBlank(content)) continue;
    if (lines.length > 0 && (lines.length === batchLinesMax || bytes + content.length > batchBytesMax)) yield cut();
    if (lines.length === 0) firstLine = line;
    const before = seen.count(content);
    if (before > 0) repeats.set(lines.length, before);
    lines.push(Buffer.from(content));
    bytes += content.length + 1;
  }
  if (lines.length > 0) yield cut();
}

const newline = Buffer.from('\n');

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

/** How often a line came before. Remembers two million lines or more; a repetition further apart than that counts as the first again. */
class LineCounter {
  static readonly #generationMax = 2_000_000;
  #young = new Map<string, number>();
  #old = new Map<string, number>();

  count(line: Buffer): number {
    const key = (hash('sha256', line, 'buffer') as Buffer).toString('latin1', 0, 12);
    const before = this.#young.get(key) ?? this.#old.get(key) ?? 0;
    if (this.#young.size >= LineCounter.#generationMax) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, before + 1);
    return before;
  }
}

/** The first bytes of a stream, and the stream from its start again. */
async function peek(input: Readable): Promise<{ head: string; rest: Readable }> {
  const { Readable } = await import('node:stream');
  const iterator = input[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const parts: Buffer[] = [];
  let length = 0;
  while (length < 65_536) {
    const next = await iterator.next();
    if (next.done) break;
    parts.push(next.value);
    length += next.value.length;
  }
  const rest = Readable.from(
    (async function* () {
      yield* parts;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    })(),
  );
  return { head: Buffer.concat(parts).toString('utf8'), rest };
}
