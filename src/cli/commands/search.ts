import type { Command } from 'commander';
import { colors, errorColors } from '../colors.ts';
import type { FoundEvent, SearchRequest } from '../../app/trail.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { Reasons } from '../../app/look-up-report.ts';
import type { LookedUp } from '../../app/search-by-value.ts';
import { addConnectionOptions, connectReader, type ConnectionOptions, dataDirOf } from '../connection.ts';
import { readWhole } from '../input.ts';
import { print, printJson, say } from '../output.ts';
import type { ValueSearchResult } from '../../sdk/tokens.ts';
import { withTokens } from '../tokens.ts';

interface SearchOptions extends ConnectionOptions {
  purpose?: string;
  reference?: string;
  since?: string;
  until?: string;
  limit: string;
  json?: boolean;
}

const pageMax = 1000;

export function addSearch(program: Command): void {
  addConnectionOptions(
    program
      .command('search')
      .description('Find events, newest first.')
      .argument('[query]', 'words, field:value, -without; nothing finds all; - reads it from standard input', ''),
  )
    .option('--purpose <text>', 'of a search by a real value; on record')
    .option('--reference <text>', 'of a case, a ticket, a court order; on record')
    .option('--since <time>', "from this time on (RFC 3339), by the event's own time")
    .option('--until <time>', 'before this time')
    .option('--limit <n>', 'how many at the most', '50')
    .option('--json', 'one line of JSON an event: {"leafIndex","record"}')
    .addHelpText(
      'after',
      "\n  veiltrail search 'action:login outcome:failure'\n  veiltrail search 'actor.name:tok_…' --since 2026-01-01T00:00:00Z --json\n\nkind:value finds what stands for a real value, in every scope and under every key, for whoever may; the search is on record:\n  veiltrail search 'email:\"jane@example.com\"' --purpose 'access request' --reference DSR-12",
    )
    .action(runSearch);
}

async function runSearch(given: string, options: SearchOptions): Promise<void> {
  const limit = parseLimit(options.limit);
  const query = given === '-' ? (await readWhole('-')).trim() : given;
  // On a directory, a search by real values is written down by the one who writes there; every other one only reads.
  if (options.url === undefined && (await asksForValues(query, options))) {
    await withTokens(options, (tokens) => printPages((log, request) => tokens.search({ log, ...request }), query, limit, options));
    return;
  }
  const connection = await connectReader(options);
  try {
    await printPages((log, request) => connection.search(log, request), query, limit, options);
  } finally {
    await connection.close();
  }
}

/** Members of every event, which are no kinds: such a query need not wait for the policy to be read. */
const members = new Set(['id', 'time', 'source', 'action', 'category', 'crud', 'outcome', 'reason', 'severity', 'message', 'purpose']);

function mayNameKind(query: string): boolean {
  return [...query.matchAll(/(?:^|[\s(-])"?([A-Za-z]\w*)"?:/g)].some(([, name = '']) => !members.has(name.toLowerCase()));
}

/** Whether a query asks for real values, as the policy in the directory has it. */
async function asksForValues(query: string, options: ConnectionOptions): Promise<boolean> {
  if (!mayNameKind(query)) return false;
  const { asksForValues: isAbout } = await import('../../app/search-by-value.ts');
  const { soughtKinds } = await import('../../server/look-ups.ts');
  const { readPolicyInForce } = await import('../../server/policy-in-force.ts');
  return isAbout(query, soughtKinds(readPolicyInForce(dataDirOf(options))));
}

type Ask = (
  log: string,
  request: SearchRequest & Reasons,
) => Promise<{ events: Found[]; nextCursor?: string; lookedUp?: LookedUp[]; notSought?: ValueSearchResult['notSought'] }>;
type Found = Pick<FoundEvent, 'leafIndex'> & { record: object };

async function printPages(ask: Ask, query: string, limit: number, options: SearchOptions): Promise<void> {
  let found = 0;
  for await (const event of pages(ask, query, limit, options)) {
    found++;
    if (options.json) printJson(event);
    else printEvent(event);
  }
  if (!options.json) say(found === 0 ? 'nothing found' : errorColors.dim(`${found} event${found === 1 ? '' : 's'}`));
}

async function* pages(ask: Ask, query: string, limit: number, options: SearchOptions): AsyncGenerator<Found> {
  let left = limit;
  let cursor: string | undefined;
  do {
    const request: SearchRequest & Reasons = { q: query, limit: Math.min(left, pageMax) };
    if (options.purpose !== undefined) request.purpose = options.purpose;
    if (options.reference !== undefined) request.reference = options.reference;
    if (options.since !== undefined) request.since = options.since;
    if (options.until !== undefined) request.until = options.until;
    if (cursor !== undefined) request.cursor = cursor;
    const answer = await ask(options.log, request);
    if (cursor === undefined && answer.lookedUp && !options.json) {
      for (const { kind, pseudonyms } of answer.lookedUp)
        say(errorColors.dim(`${kind}: ${pseudonyms.length} ${pseudonyms.length === 1 ? 'token stands' : 'tokens stand'} for the value`));
    }
    if (cursor === undefined && answer.notSought) sayNotSought(answer.notSought);
    yield* answer.events;
    left -= answer.events.length;
    cursor = answer.nextCursor;
  } while (cursor !== undefined && left > 0);
}

function sayNotSought({ kinds, right, roles }: NonNullable<ValueSearchResult['notSought']>): void {
  const many = kinds.length > 1;
  say(
    `${errorColors.yellow('warning')} ${kinds.join(', ')}: ${many ? 'real values' : 'a real value'}, which this key may not search by (it takes the right ${right}: ${roles.join(', ')}); taken for ${many ? 'texts' : 'a text'} that records do not have, since tokens stand for such values there`,
  );
}

function parseLimit(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new VeiltrailError('limit_invalid', '--limit is a number from 1');
  return Number(text);
}

/** One event on one line: leaf, time, action, outcome, who, and its message. */
function printEvent({ leafIndex, record: given }: Found): void {
  const record = given as JsonObject;
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
