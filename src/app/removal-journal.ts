/**
 * What a removal has set out to do, as a start after a crash finds it: leaves, pointers and tokens, never a value. One line says it all, a
 * second one, once they are in their logs, where the tombstones are.
 */
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonValue, parseJson } from '../core/json.ts';
import type { Removal, RemovalResult } from './remove-records.ts';

/** What goes of one log. */
export type LogRemoval = {
  log: string;
  /** Leaves whose records go: from, to, from, to, … */
  removed: number[];
  /** Values that go, by leaf. */
  redactions: { leafIndex: number; pointers: string[]; hidePointers: boolean; count: number }[];
  /** Buckets that hold any of these leaves in chunks, and the generation of the key that each gets. */
  buckets: { bucket: number; generation: number }[];
};

export type RemovalJournal = Pick<Removal, 'operation' | 'reason' | 'by' | 'request'> & {
  id: string;
  tokens: string[];
  logs: LogRemoval[];
  /** The version of the root that is destroyed. */
  rootBefore: number;
  records: number;
  fields: number;
};

const format = 'veiltrail.removal/v1';
/** JavaScript's own limits come first; ours bound what a damaged file can make of the memory. */
const nodesMax = 50_000_000;

export function formatJournal(journal: RemovalJournal): string {
  return JSON.stringify({ format, ...journal });
}

/** @throws VeiltrailError `removal_journal` for what {@link formatJournal} did not write */
export function parseJournal(line: string): RemovalJournal {
  const { format: named, ...journal } = objectOf(line);
  if (named !== format) throw bad();
  return journal as unknown as RemovalJournal;
}

export function formatTombstoneLeaves(tombstones: RemovalResult['tombstones']): string {
  return JSON.stringify({ tombstones });
}

/** @throws VeiltrailError `removal_journal` */
export function parseTombstoneLeaves(line: string): RemovalResult['tombstones'] {
  const { tombstones } = objectOf(line);
  if (!Array.isArray(tombstones)) throw bad();
  return tombstones as unknown as RemovalResult['tombstones'];
}

/** The id of the removal that a journal is of, for whoever only has to know that it is under way; undefined for what cannot be read. */
export function removalOf(lines: readonly string[] | undefined): string | undefined {
  try {
    return lines?.[0] === undefined ? undefined : parseJournal(lines[0]).id;
  } catch {
    return undefined;
  }
}

function objectOf(line: string): Record<string, JsonValue> {
  try {
    const { value } = parseJson(line, { depthMax: 32, nodesMax });
    if (isJsonObject(value)) return value;
  } catch {
    // said below
  }
  throw bad();
}

function bad(): VeiltrailError {
  return new VeiltrailError('removal_journal', 'removal.json is damaged: what it set out to remove is not known');
}
