/**
 * Searching one log, newest first. Leaves that the index covers are found by it, the others are read one by one; every hit was compared with
 * the query itself, so an index that is behind, partial or absent makes a search slower and never wrong.
 *
 * One call does a bounded amount of work and returns what it found; where the bound ends it early, `nextCursor` goes on from there.
 */
import { VeiltrailError } from '../core/errors.ts';
import { parseTimestamp } from '../event/timestamp.ts';
import type { StoredRecord } from '../ledger/reader.ts';
import { isRemoved, openRecord, type OpenRecord } from '../log/open-record.ts';
import { eventTimeMs } from './event-time.ts';
import { partitionLeaves, timeBlockLeaves } from './index-format.ts';
import type { LeafRange } from './index-store.ts';
import { createHiddenTest } from './hidden.ts';
import type { IndexedPart, SearchIndex } from './index-view.ts';
import { createPredicate, type Predicate } from './match.ts';
import { parseQuery, type Query } from './query.ts';
import { RecordWalk } from './record-walk.ts';
import { logOf, type SearchSource } from './search-source.ts';
import { searchableForm } from './searchable-form.ts';

export interface SearchQuery {
  log: string;
  /** See query.ts; empty finds everything. Parsed, where somebody has put more into it than may be written. */
  query: string | Query;
  /** RFC 3339: the event's own time is this or later. */
  since?: string;
  /** RFC 3339: the event's own time is before this. */
  until?: string;
  /** 1 to 1,000 [100]. */
  limit?: number;
  /** `nextCursor` of the page before. */
  cursor?: string;
  /** Members whose values nothing is found by. */
  hides?: readonly string[];
}

export interface Hit extends OpenRecord {
  leafIndex: number;
}

export interface SearchPage {
  /** Newest first; there may be none on a page that has a next one. */
  hits: Hit[];
  /** Leaves below this one are all found by the index. */
  indexedTo: number;
  treeSize: number;
  /** Absent when there is nothing more. */
  nextCursor?: string;
  /** Leaves that could not be read and may hold hits: the records are damaged. Absent when there are none. */
  unreadable?: LeafRange[];
}

/** What one call may do before it returns what it has. */
export interface SearchBounds {
  /** Records compared with the query. */
  recordsMax: number;
  /** Bytes of chunks opened. */
  openedBytesMax: number;
  /** Bytes of the hits, packed. */
  hitBytesMax: number;
}

export const searchBounds: SearchBounds = { recordsMax: 50_000, openedBytesMax: 128 * 1_048_576, hitBytesMax: 8 * 1_048_576 };

const limitMax = 1_000;
const limitDefault = 100;
/** Candidates asked of the index at once: few at first, since a page often needs few. */
const candidatesMin = 64;
const candidatesMax = 1_024;

export interface Searcher {
  /**
   * One page.
   * @throws VeiltrailError `query_syntax`, `query_too_complex`, `time_invalid`, `limit_invalid`, `cursor_invalid`, `log_not_found`
   */
  search(request: SearchQuery): Promise<SearchPage>;
}

/** @param index absent: every record is read */
export function createSearcher(source: SearchSource, index?: SearchIndex, bounds: SearchBounds = searchBounds): Searcher {
  return {
    async search(request) {
      const query = typeof request.query === 'string' ? parseQuery(request.query) : request.query;
      const sought: Sought = {
        holds: createPredicate(query, request.hides && createHiddenTest(request.hides)),
        sinceMs: timeOf(request.since, 'since') ?? -Infinity,
        untilMs: timeOf(request.until, 'until') ?? Infinity,
        limit: limitOf(request.limit),
      };
      const before = cursorOf(request.cursor);
      const { treeSize } = await logOf(source, request.log);
      const parts = index?.parts(request.log, query) ?? new Map<number, IndexedPart>();
      const page = new Page(sought, new RecordWalk(source, request.log), bounds);
      await fill(page, parts, Math.min(before, treeSize), (partition, error) => index?.distrust(request.log, partition, error));
      return page.answer(treeSize, Math.min(treeSize, indexedTo(parts)));
    },
  };
}

interface Sought {
  holds: Predicate;
  sinceMs: number;
  untilMs: number;
  limit: number;
}

/** Goes down from `before`, partition by partition: first what the index does not cover, then what it does. */
async function fill(
  page: Page,
  parts: ReadonlyMap<number, IndexedPart>,
  before: number,
  distrust: (partition: number, error: unknown) => void,
): Promise<void> {
  page.next = before;
  while (page.next > 0 && !page.isFull) {
    const number = Math.floor((page.next - 1) / partitionLeaves);
    const firstLeaf = number * partitionLeaves;
    const part = parts.get(number);
    if (part && page.next > part.indexedTo) await page.scan(part.indexedTo);
    else if (!part) await page.scan(firstLeaf);
    else {
      try {
        await page.probe(part);
      } catch (error) {
        if (!(error instanceof IndexFailed)) throw error;
        distrust(number, error.cause);
        await page.scan(firstLeaf);
      }
    }
  }
}

/** Where contiguous parts from leaf 0 on end. */
function indexedTo(parts: ReadonlyMap<number, IndexedPart>): number {
  for (let number = 0; ; number++) {
    const part = parts.get(number);
    if (!part) return number * partitionLeaves;
    if (part.indexedTo < (number + 1) * partitionLeaves) return part.indexedTo;
  }
}

/** The index could not be read: its file is damaged. */
class IndexFailed extends Error {}

function ofIndex<T>(ask: () => T): T {
  try {
    return ask();
  } catch (cause) {
    throw new IndexFailed('the index cannot be read', { cause });
  }
}

class Page {
  readonly #sought: Sought;
  readonly #walk: RecordWalk;
  readonly #bounds: SearchBounds;
  readonly #hits: Hit[] = [];
  #hitBytes = 0;
  #compared = 0;
  #mayOpenNoMore = false;
  /** Every leaf from here on was looked at. */
  next = 0;

  constructor(sought: Sought, walk: RecordWalk, bounds: SearchBounds) {
    this.#sought = sought;
    this.#walk = walk;
    this.#bounds = bounds;
  }

  get isFull(): boolean {
    const { recordsMax, hitBytesMax } = this.#bounds;
    return this.#hits.length >= this.#sought.limit || this.#hitBytes >= hitBytesMax || this.#compared >= recordsMax || this.#mayOpenNoMore;
  }

  /** Whether a leaf may be read: a chunk that is open is read to its end, so that the next page need not open it again. */
  #mayRead(leafIndex: number): boolean {
    this.#mayOpenNoMore = this.#walk.openedBytes >= this.#bounds.openedBytesMax && !this.#walk.holds(leafIndex);
    return !this.#mayOpenNoMore;
  }

  /** Reads every record from `next` down to leaf `from`. */
  async scan(from: number): Promise<void> {
    while (this.next > from && !this.isFull && this.#mayRead(this.next - 1)) {
      const leafIndex = await this.#walk.newestBelow(this.next, from);
      if (leafIndex !== undefined) this.#compare(await this.#walk.record(leafIndex));
      this.next = leafIndex ?? from;
    }
  }

  /** Looks at what the index proposes of a part, from `next` down to its first leaf. */
  async probe(part: IndexedPart): Promise<void> {
    for (const range of this.#timely(part)) {
      if (this.isFull) return;
      this.next = range.to;
      if (part.narrows) await this.#candidates(part, range.from);
      else await this.scan(range.from);
    }
    if (!this.isFull) this.next = part.firstLeaf;
  }

  async #candidates(part: IndexedPart, from: number): Promise<void> {
    for (let limit = candidatesMin; this.next > from && !this.isFull; limit = Math.min(2 * limit, candidatesMax)) {
      const below = this.next;
      const leaves = ofIndex(() => part.candidates(from, below, limit));
      for (const leafIndex of leaves) {
        if (this.isFull || !this.#mayRead(leafIndex)) return;
        this.#compare(await this.#walk.record(leafIndex));
        this.next = leafIndex;
      }
      if (leaves.length < limit && !this.isFull) this.next = from;
    }
  }

  /** The ranges of a part below `next` whose blocks have events of the time that is sought: the newest first. */
  #timely(part: IndexedPart): LeafRange[] {
    const { sinceMs, untilMs } = this.#sought;
    if (sinceMs === -Infinity && untilMs === Infinity) return [{ from: part.firstLeaf, to: this.next }];
    const { minMs, maxMs } = ofIndex(() => part.times());
    const ranges: LeafRange[] = [];
    for (let block = Math.ceil((this.next - part.firstLeaf) / timeBlockLeaves) - 1; block >= 0; block--) {
      // False for NaN, too: a block without records.
      if (!((maxMs[block] as number) >= sinceMs && (minMs[block] as number) < untilMs)) continue;
      const from = part.firstLeaf + block * timeBlockLeaves;
      const last = ranges.at(-1);
      if (last?.from === from + timeBlockLeaves) last.from = from;
      else ranges.push({ from, to: Math.min(from + timeBlockLeaves, this.next) });
    }
    return ranges;
  }

  #compare(record: StoredRecord | undefined): void {
    this.#compared++;
    if (!record || isRemoved(record.packed)) return;
    try {
      const packed = searchableForm(record.packed);
      if (!this.#sought.holds(packed) || !this.#isTimely({ ...record, packed })) return;
      this.#hits.push({ leafIndex: record.leafIndex, ...openRecord(record.packed) });
    } catch (error) {
      if (!(error instanceof VeiltrailError)) throw error;
      return; // no record of ours: `verify` says so
    }
    this.#hitBytes += record.packed.length;
  }

  #isTimely({ packed, receivedAtMs }: StoredRecord): boolean {
    const { sinceMs, untilMs } = this.#sought;
    if (sinceMs === -Infinity && untilMs === Infinity) return true;
    const ms = eventTimeMs(packed, receivedAtMs);
    return ms >= sinceMs && ms < untilMs;
  }

  answer(treeSize: number, indexedTo: number): SearchPage {
    const { unreadable } = this.#walk;
    return {
      hits: this.#hits,
      indexedTo,
      treeSize,
      ...(this.next > 0 ? { nextCursor: String(this.next) } : {}),
      ...(unreadable.length > 0 ? { unreadable } : {}),
    };
  }
}

function timeOf(text: string | undefined, name: 'since' | 'until'): number | undefined {
  if (text === undefined) return undefined;
  const time = parseTimestamp(text);
  if (!time) throw new VeiltrailError('time_invalid', `${name} is a time as RFC 3339 writes it, such as 2026-01-31T00:00:00Z`, { name });
  return time.ms;
}

function limitOf(limit: number | undefined): number {
  if (limit === undefined) return limitDefault;
  if (!Number.isInteger(limit) || limit < 1 || limit > limitMax)
    throw new VeiltrailError('limit_invalid', `a limit is a number from 1 to ${limitMax}`);
  return limit;
}

function cursorOf(cursor: string | undefined): number {
  if (cursor === undefined) return Infinity;
  if (!/^[1-9]\d{0,14}$/.test(cursor)) throw new VeiltrailError('cursor_invalid', 'not a cursor that a search gave');
  return Number(cursor);
}
