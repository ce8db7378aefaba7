/**
 * A record as it leaves: with its log's origin and its leaf, which together name it for ever, so that whoever receives it twice can tell; and by
 * which it can be proved (`veiltrail prove LEAF`).
 *
 * - `ndjson`: `{"origin", "log", "leafIndex", "record", "redacted"?}`, the members as a search answers them
 * - `cloudevents`: CloudEvents 1.0, `id` the leaf, `source` the origin, `data` the former
 */
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { parseTimestamp } from '../event/timestamp.ts';
import { openRecord, type OpenRecord, recordOfSealed } from '../log/open-record.ts';
import type { FollowedRecord } from '../search/follow-log.ts';
import type { Item } from './destination.ts';
import type { ForwardFormat } from './setting.ts';

/** What an item tells of. */
export interface ItemFacts extends Pick<OpenRecord, 'redacted'> {
  origin: string;
  log: string;
  leafIndex: number;
  record: JsonObject;
}

/** Undefined for what is no record of ours: `verify` says so. */
export function itemOf(
  { leafIndex, receivedAtMs, packed }: FollowedRecord,
  { log, origin }: { log: string; origin: string },
  format: ForwardFormat,
): Item | undefined {
  try {
    const open = openRecord(packed);
    const record = recordOfSealed(open);
    const { severity } = record;
    const facts = { origin, log, leafIndex, record, ...(open.redacted ? { redacted: open.redacted } : {}) };
    return { leafIndex, receivedAtMs, ...(typeof severity === 'number' ? { severity } : {}), json: formatItem(facts, format) };
  } catch (error) {
    if (error instanceof VeiltrailError) return undefined;
    throw error;
  }
}

/** One line of JSON. */
export function formatItem({ origin, log, leafIndex, record, redacted }: ItemFacts, format: ForwardFormat): string {
  const data = { origin, log, leafIndex, record, ...(redacted ? { redacted } : {}) };
  if (format === 'ndjson') return JSON.stringify(data);
  // Every record has the time at which it was received; that of its sender may be no time.
  const time = [record['time'], record['receivedAt']].find((one) => typeof one === 'string' && parseTimestamp(one) !== undefined);
  return JSON.stringify({
    specversion: '1.0',
    id: String(leafIndex),
    source: origin,
    type: 'veiltrail.record',
    ...(time === undefined ? {} : { time }),
    datacontenttype: 'application/json',
    data,
  });
}
