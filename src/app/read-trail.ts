/** The reading half of a trail: records by leaf, receipts, disclosures, search, and the log's own files. */
import { VeiltrailError } from '../core/errors.ts';
import { openRecord, type OpenRecord, recordOfFields } from '../log/open-record.ts';
import type { RecordReader } from '../ledger/reader.ts';
import type { TileSource } from '../storage/tile-store.ts';
import type { FieldFilter, FieldInfo } from './field-registry.ts';
import { hideMembers } from './hide-members.ts';
import { createLogReader, discloseRecord, type LogReader, type PublishedLog } from './read-log.ts';
import { type Restore, restoreWithheld } from './restore-withheld.ts';
import { type TombstoneRows, whyRemoved } from './why-removed.ts';
import type { FoundEvent, SearchAnswer, SearchRequest, TrailReader } from './trail.ts';

/** What search gives, before records are put together again. */
export interface FoundFields {
  hits: (OpenRecord & { leafIndex: number })[];
  indexedTo: number;
  treeSize: number;
  nextCursor?: string;
}

export interface ReadingParts {
  /** Called each time: logs may be added. */
  logs(): PublishedLog[];
  /** Whether checkpoints of a log are given out with the cosignatures of witnesses only [none]. */
  isWitnessRequired?: (log: string) => boolean;
  tiles: TileSource;
  records: RecordReader;
  search(log: string, request: SearchRequest): Promise<FoundFields>;
  restore: Restore;
  fields(filter: FieldFilter): FieldInfo[];
  /** Leaves that tell of removals. */
  tombstones: TombstoneRows;
}

export function createTrailReading(parts: ReadingParts): Omit<TrailReader, 'close'> {
  const readers = new Map<string, LogReader>();
  const known = (log: string): PublishedLog => {
    const found = parts.logs().find((one) => one.log === log);
    if (!found) throw new VeiltrailError('log_unknown', 'there is no log of that name');
    return found;
  };
  const reader = (log: string): LogReader => {
    const existing = readers.get(log);
    if (existing) return existing;
    const made = createLogReader(known(log), parts.tiles, () => parts.isWitnessRequired?.(log) ?? false);
    readers.set(log, made);
    return made;
  };
  const packed = async (log: string, leafIndex: number): Promise<Uint8Array | undefined> => {
    if (leafIndex >= (await reader(log).treeSize())) return undefined;
    try {
      return (await parts.records.record(log, leafIndex)).packed;
    } catch (error) {
      throw (await whyRemoved(error, { log, leafIndex }, parts.tombstones, parts.records)) as Error;
    }
  };
  const foundEvent = async (leafIndex: number, open: OpenRecord): Promise<FoundEvent> => {
    const record = recordOfFields(open);
    const restored = await restoreWithheld(record, parts.restore);
    return { leafIndex, record, ...(restored ? { restored } : {}), ...(open.redacted ? { redacted: open.redacted } : {}) };
  };
  return {
    logs: () => parts.logs().map(({ log }) => log),
    vkeyOf: (log) => known(log).vkey,
    checkpoint: async (log) => reader(log).checkpoint(),
    witnessedCheckpoint: async (log) => reader(log).witnessed(),
    tile: async (log, path) => reader(log).tile(path),
    proveEvent: async (log, leafIndex) => reader(log).prove(leafIndex),
    async readEvent(log, leafIndex, hides) {
      const record = await packed(log, leafIndex);
      const event = record && (await foundEvent(leafIndex, openRecord(record)));
      return event && hides ? hideMembers(event, hides) : event;
    },
    fields: async (filter) => parts.fields(filter),
    async discloseEvent(log, leafIndex, pointers) {
      const record = await packed(log, leafIndex);
      const receipt = await reader(log).prove(leafIndex);
      return record && receipt !== undefined ? discloseRecord(record, receipt, pointers) : undefined;
    },
    async search(log, request): Promise<SearchAnswer> {
      known(log);
      const { hits, ...rest } = await parts.search(log, request);
      const events = await Promise.all(hits.map(({ leafIndex, ...open }) => foundEvent(leafIndex, open)));
      const { hides } = request;
      return { ...rest, events: hides ? events.map((event) => hideMembers(event, hides)) : events };
    },
  };
}
