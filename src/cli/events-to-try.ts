/** Events for a dry run: of files, as the server would read them; or the newest that are stored, which are anonymised already. */
import type { JsonObject } from '../core/json.ts';
import type { Format } from '../ingest/incoming.ts';
import { readEvents } from '../ingest/read-events.ts';
import { reservedNames } from '../pipeline/build-record.ts';
import { connectReader, type ConnectionOptions } from './connection.ts';
import { inputNames, openInput, readLines } from './input.ts';
import { say } from './output.ts';

export interface TryOptions extends ConnectionOptions {
  format: Format;
  /** How many of the newest stored events. */
  newest: number;
}

export interface EventToTry {
  /** `line 3`, `leaf 17`; for messages. */
  where: string;
  event: JsonObject;
}

const pageMax = 1_000;

/** @param stored take the newest stored events; else files, of which none or `-` is standard input */
export async function* eventsToTry(files: readonly string[], options: TryOptions, stored: boolean): AsyncGenerator<EventToTry> {
  if (stored) yield* storedEvents(options);
  else for (const name of inputNames(files)) yield* fileEvents(name, options.format, files.length > 1);
}

async function* fileEvents(name: string, format: Format, named: boolean): AsyncGenerator<EventToTry> {
  for await (const { line, bytes } of readLines(openInput(name))) {
    if (bytes.length === 0) continue;
    const where = named ? `${name}, line ${line}` : `line ${line}`;
    for (const one of readEvents(bytes, format === 'auto' ? 'ndjson' : format)) {
      if ('stub' in one) say(`${where}: would become a stub (${one.stub.reason}, ${one.stub.bytes} bytes)`);
      else yield { where, event: one.event };
    }
  }
}

async function* storedEvents(options: TryOptions): AsyncGenerator<EventToTry> {
  const connection = await connectReader(options);
  try {
    let left = options.newest;
    let cursor: string | undefined;
    while (left > 0) {
      const page = await connection.search(options.log, { q: '', limit: Math.min(left, pageMax), ...(cursor === undefined ? {} : { cursor }) });
      for (const { leafIndex, record } of page.events) {
        // What the server said about the event is not the event's.
        for (const name of reservedNames) delete record[name];
        yield { where: `leaf ${leafIndex}`, event: record };
      }
      left -= page.events.length;
      cursor = page.nextCursor;
      if (cursor === undefined || page.events.length === 0) return;
    }
  } finally {
    await connection.close();
  }
}
