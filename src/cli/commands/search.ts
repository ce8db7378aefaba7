import type { Command } from 'commander';
import { colors, errorColors } from '../colors.ts';
import type { FoundEvent, SearchRequest } from '../../app/trail.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { isJsonObject, type JsonValue } from '../../core/json.ts';
import { addConnectionOptions, connectReader, type Connection, type ConnectionOptions } from '../connection.ts';
import { print, printJson, say } from '../output.ts';

interface SearchOptions extends ConnectionOptions {
  since?: string;
  until?: string;
  limit: string;
  json?: boolean;
}

const pageMax = 1000;

export function addSearch(program: Command): void {
  addConnectionOptions(
    program.command('search').description('Find events, newest first.').argument('[query]', 'words, field:value, -without; nothing finds all', ''),
  )
    .option('--since <time>', "from this time on (RFC 3339), by the event's own time")
    .option('--until <time>', 'before this time')
    .option('--limit <n>', 'how many at the most', '50')
    .option('--json', 'one line of JSON an event: {"leafIndex","record"}')
    .addHelpText(
      'after',
      "\n  veiltrail search 'action:login outcome:failure'\n  veiltrail search 'actor.name:tok_…' --since 2026-01-01T00:00:00Z --json",
    )
    .action(runSearch);
}

async function runSearch(query: string, options: SearchOptions): Promise<void> {
  const limit = parseLimit(options.limit);
  const connection = await connectReader(options);
  try {
    let found = 0;
    for await (const event of pages(connection, query, limit, options)) {
      found++;
      if (options.json) printJson(event);
      else printEvent(event);
    }
    if (!options.json) say(found === 0 ? 'nothing found' : errorColors.dim(`${found} event${found === 1 ? '' : 's'}`));
  } finally {
    await connection.close();
  }
}

async function* pages(connection: Omit<Connection, 'append'>, query: string, limit: number, options: SearchOptions): AsyncGenerator<FoundEvent> {
  let left = limit;
  let cursor: string | undefined;
  do {
    const request: SearchRequest = { q: query, limit: Math.min(left, pageMax) };
    if (options.since !== undefined) request.since = options.since;
    if (options.until !== undefined) request.until = options.until;
    if (cursor !== undefined) request.cursor = cursor;
    const answer = await connection.search(options.log, request);
    yield* answer.events;
    left -= answer.events.length;
    cursor = answer.nextCursor;
  } while (cursor !== undefined && left > 0);
}

function parseLimit(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new VeiltrailError('limit_invalid', '--limit is a number from 1');
  return Number(text);
}

/** One event on one line: leaf, time, action, outcome, who, and its message. */
function printEvent({ leafIndex, record }: FoundEvent): void {
  const actor = isJsonObject(record['actor']) ? record['actor'] : {};
  const who = text(actor['name']) || text(actor['email']) || text(actor['id']);
  const outcome = text(record['outcome']);
  const colour = outcome === 'success' ? colors.green : outcome === 'unknown' ? colors.dim : colors.red;
  print(
    [
      colors.dim(String(leafIndex).padStart(8)),
      text(record['time']) || text(record['receivedAt']),
      colors.bold(text(record['action'])),
      outcome && colour(outcome),
      who,
      colors.dim(text(record['message'])),
    ]
      .filter((part) => part !== '')
      .join('  '),
  );
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
