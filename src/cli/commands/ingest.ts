import type { Command } from 'commander';
import { errorColors } from '../colors.ts';
import type { AppendAnswer } from '../../app/append-events.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { formats, laterFormats, type Format } from '../../ingest/incoming.ts';
import { addConnectionOptions, connectWriter, type Connection, type ConnectionOptions } from '../connection.ts';
import { ingestBatches, type IngestBatch } from '../ingest-batches.ts';
import { inputNames, openInput } from '../input.ts';
import { createProgress, printJson, say } from '../output.ts';

interface IngestOptions extends ConnectionOptions {
  format: string;
  json?: boolean;
}

/** Requests under way at once: while one is being written, the next is being anonymised. */
const underWayMax = 4;

interface Totals {
  accepted: number;
  duplicates: number;
  /** Events that could not be processed: a stub with the reason stands for each. */
  rejected: number;
  reasons: Map<string, number>;
  firstLeaf: number | null;
  lastLeaf: number | null;
  treeSize: number;
}

export function addIngest(program: Command): void {
  addConnectionOptions(
    program
      .command('ingest')
      .description('Append events from files. Ingesting the same file again makes duplicates, not new events.')
      .argument('[FILE...]', 'NDJSON, a JSON array, or CloudTrail files (.gz and .zst too); none or - is standard input'),
  )
    .option('--format <format>', formats.join(', '), 'auto')
    .option('--policy <file>', 'the policy to work under from now on (data directory only)')
    .option('--origin <origin>', 'the origin of a new data directory')
    .option('--json', 'at the end one line of JSON: {"accepted","duplicates","rejected","firstLeaf","lastLeaf","treeSize"}')
    .action(runIngest);
}

async function runIngest(files: string[], options: IngestOptions): Promise<void> {
  const format = parseFormat(options.format);
  const connection = await connectWriter(options);
  const totals: Totals = { accepted: 0, duplicates: 0, rejected: 0, reasons: new Map(), firstLeaf: null, lastLeaf: null, treeSize: 0 };
  const startMs = Date.now();
  try {
    for (const name of inputNames(files)) await ingestInput(connection, name, format, options.log, totals, startMs);
  } finally {
    await connection.close();
  }
  report(totals, startMs, options.json ?? false);
}

function parseFormat(text: string): Format {
  if ((formats as readonly string[]).includes(text)) return text as Format;
  if ((laterFormats as readonly string[]).includes(text)) throw new VeiltrailError('format_unsupported', `the format ${text} is not supported yet`);
  throw new VeiltrailError('format_unknown', `--format is one of ${formats.join(', ')}`);
}

async function ingestInput(connection: Connection, name: string, format: Format, log: string, totals: Totals, startMs: number): Promise<void> {
  const progress = createProgress();
  const underWay = new Set<Promise<void>>();
  let failure: unknown;
  try {
    for await (const batch of ingestBatches(openInput(name), format)) {
      const sent = send(connection, batch, log)
        .then((answer) => {
          count(totals, answer);
          progress.update(`${name}: ${totals.accepted + totals.duplicates} events, ${rate(totals, startMs)} a second`);
        })
        .catch((error: unknown) => {
          failure ??= nameLines(error, name, batch);
        })
        .finally(() => underWay.delete(sent));
      underWay.add(sent);
      if (underWay.size >= underWayMax) await Promise.race(underWay);
      if (failure) break;
    }
    await Promise.all(underWay);
  } finally {
    progress.end();
  }
  if (failure) throw failure;
}

async function send(connection: Connection, batch: IngestBatch, log: string): Promise<AppendAnswer> {
  const { body, format, contentType, repeats } = batch;
  return connection.append({ log, body, format, contentType, dedupe: 'content', repeats, onConflict: 'append' });
}

function nameLines(error: unknown, name: string, { firstLine, lines }: IngestBatch): unknown {
  if (!(error instanceof VeiltrailError)) return error;
  const where = lines === 1 ? `line ${firstLine}` : `lines from ${firstLine} on`;
  return new VeiltrailError(error.code, `${name}, ${where}: ${error.message}. What came before it is stored.`, error.detail, { cause: error });
}

function count(totals: Totals, answer: AppendAnswer): void {
  totals.treeSize = Math.max(totals.treeSize, answer.treeSize);
  for (const { leafIndex, duplicate, stub } of answer.receipts) {
    totals.firstLeaf = Math.min(totals.firstLeaf ?? leafIndex, leafIndex);
    totals.lastLeaf = Math.max(totals.lastLeaf ?? leafIndex, leafIndex);
    if (duplicate) totals.duplicates++;
    else if (stub === undefined) totals.accepted++;
    else {
      totals.rejected++;
      totals.reasons.set(stub, (totals.reasons.get(stub) ?? 0) + 1);
    }
  }
}

function report({ reasons, ...totals }: Totals, startMs: number, json: boolean): void {
  if (json) printJson(totals);
  const { accepted, duplicates, rejected, treeSize } = totals;
  say(
    `${errorColors.bold(String(accepted))} accepted, ${duplicates} duplicates, ${rejected} rejected; tree size ${treeSize}; ${rate(totals, startMs)} events a second`,
  );
  for (const [reason, times] of reasons) say(`  ${times} could not be processed (${reason}): a stub stands in the log for each`);
}

function rate({ accepted, duplicates, rejected }: Pick<Totals, 'accepted' | 'duplicates' | 'rejected'>, startMs: number): number {
  return Math.round((accepted + duplicates + rejected) / Math.max(0.001, (Date.now() - startMs) / 1000));
}
