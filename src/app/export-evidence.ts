/**
 * Makes evidence (docs/reference/evidence.md): finds the events, adds the leaves between them, proves all of them at once, and signs for one
 * audience and purpose. Who may, and that it is on record, is for the caller to see to.
 */
import { VeiltrailError } from '../core/errors.ts';
import type { Clock } from '../core/clock.ts';
import { openCheckpoint } from '../log/checkpoint.ts';
import { createDisclosure, type DisclosedField } from '../log/disclosure.ts';
import { isPointer } from '../log/record.ts';
import { fieldsOf, isKept } from '../log/redacted-record.ts';
import { countLeaves } from '../log/range-proof.ts';
import type { NoteKeySigner } from '../log/note-key.ts';
import type { LeafRange } from '../log/tree.ts';
import { createTrust } from '../log/trust.ts';
import type { RecordReader } from '../ledger/reader.ts';
import type { TileSource } from '../storage/tile-store.ts';
import { type EvidenceEvent, type EvidenceExport, evidenceLimits, formatEvidence, isWords } from '../verify/evidence/index.ts';
import { collectAnchors, type LogAnchor } from './evidence-anchors.ts';
import type { EvidenceRequest, MadeEvidence } from './evidence-request.ts';
import { openSnapshot, type LogSnapshot } from './log-snapshot.ts';
import type { PublishedLog } from './read-log.ts';
import { createFieldTest, type FieldTest } from './shown-fields.ts';
import type { SearchRequest } from './trail.ts';

/** Events that one file shows. */
const shownMax = 10_000;

export interface EvidenceParts {
  published: PublishedLog;
  /** Of the log's keys. */
  signers: readonly NoteKeySigner[];
  /** Verifier keys of the log's witnesses. */
  witnesses: readonly string[];
  /** All anchors of the log that can be read. */
  anchors(): Promise<readonly LogAnchor[]>;
  policy: { label: string; digest: string; text: string };
  tiles: TileSource;
  records: Pick<RecordReader, 'record'>;
  /** One page of what is found, newest first. */
  search(request: SearchRequest): Promise<{ leaves: number[]; nextCursor?: string }>;
  clock: Clock;
}

/**
 * @throws VeiltrailError `evidence_request` for what cannot be asked for, `evidence_empty` when nothing is found, `evidence_too_large`, and what
 * searching and reading throw
 */
export async function exportEvidence(request: EvidenceRequest, parts: EvidenceParts): Promise<MadeEvidence> {
  checkRequest(request);
  const { treeSize } = await openSnapshot(parts.published, parts.tiles, Infinity);
  const { range } = request;
  if (range && range.to > treeSize) throw new VeiltrailError('evidence_request', 'the range ends behind the log', { treeSize });
  const shown = await findShown(request, parts, treeSize);
  const ranges = rangesOf(request, shown);
  if (countLeaves(ranges) > evidenceLimits.leavesMax) {
    throw new VeiltrailError(
      'evidence_too_large',
      `between the first and the last event found are ${countLeaves(ranges)} leaves, and one file accounts for ${evidenceLimits.leavesMax}: narrow the range, or leave out what stands between (sparse)`,
      { leaves: countLeaves(ranges) },
    );
  }
  // A checkpoint that witnesses cosigned, where it reaches as far as the last leaf.
  const snapshot = await openSnapshot(parts.published, parts.tiles, ranges.at(-1)?.end ?? 0);
  const events: EvidenceEvent[] = [];
  const shows = createFieldTest({ fields: request.fields, hides: request.by.hides });
  for (const one of ranges) {
    let leafIndex = one.start;
    for await (const entry of snapshot.entries(one)) {
      const fields = shown.has(leafIndex) ? await readFields(request.log, leafIndex, parts, shows) : undefined;
      if (!fields) shown.delete(leafIndex);
      events.push({ leafIndex, entry, ...(fields ? { fields } : {}) });
      leafIndex++;
    }
  }
  const { label, digest, text } = parts.policy;
  const evidence = {
    export: describe(request, parts.clock),
    log: { origin: parts.published.origin, vkeys: parts.signers.map(({ vkey }) => vkey), witnesses: cosignersOf(snapshot, parts) },
    policy: { label, digest, ...(request.policyText ? { text } : {}) },
    checkpoint: snapshot.checkpoint,
    anchors: await collectAnchors(
      await parts.anchors(),
      { first: ranges[0]?.start ?? 0, end: ranges.at(-1)?.end ?? 0 },
      { earlier: request.earlier, snapshot, published: parts.published },
    ),
    ranges,
    proof: await snapshot.proveRanges(ranges),
    events,
  };
  return {
    text: formatEvidence(evidence, parts.signers),
    shown: [...shown].toSorted((a, b) => a - b),
    leaves: events.length,
    treeSize: snapshot.treeSize,
  };
}

function checkRequest({ audience, purpose, byName, range, fields, sparse, query = '' }: EvidenceRequest): void {
  for (const words of [audience, purpose, ...(byName === undefined ? [] : [byName])])
    if (!isWords(words)) throw badRequest('audience, purpose and name are texts of 1 to 4,096 characters');
  if (query.length > evidenceLimits.wordsMax) throw badRequest('the query is too long');
  if (range && !(Number.isSafeInteger(range.from) && Number.isSafeInteger(range.to) && range.from >= 0 && range.from < range.to))
    throw badRequest('a range goes from a leaf to a later one');
  if (range && sparse) throw badRequest('a range accounts for all its leaves: it cannot be sparse');
  if (fields && (fields.length === 0 || fields.length > 1_000 || !fields.every((pointer) => pointer !== '' && isPointer(pointer))))
    throw badRequest('fields are RFC 6901 pointers, such as /action');
}

function describe({ audience, purpose, by, byName, query, since, until, fields }: EvidenceRequest, clock: Clock): EvidenceExport {
  return {
    audience,
    purpose,
    by: { principal: by.id, ...(byName === undefined ? {} : { name: byName }) },
    at: new Date(clock.now()).toISOString(),
    selection: {
      ...(query === undefined || query === '' ? {} : { query }),
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
      ...(fields === undefined ? {} : { fields }),
    },
  };
}

/** The leaves to show, below the published size. */
async function findShown(request: EvidenceRequest, parts: EvidenceParts, treeSize: number): Promise<Set<number>> {
  const { query = '', since, until, range, by } = request;
  if (query === '' && since === undefined && until === undefined && range) {
    if (range.to - range.from > shownMax) throw tooMany();
    return new Set(Array.from({ length: range.to - range.from }, (_, i) => range.from + i));
  }
  const shown = new Set<number>();
  let cursor: string | undefined;
  do {
    const page = await parts.search({
      q: query,
      limit: 1_000,
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
      ...(cursor === undefined ? {} : { cursor }),
      ...(by.hides ? { hides: by.hides } : {}),
    });
    for (const leaf of page.leaves) if (leaf < treeSize && (!range || (leaf >= range.from && leaf < range.to))) shown.add(leaf);
    if (shown.size > shownMax) throw tooMany();
    // Newest first: below the range there is nothing to be found any more.
    const beyond = range !== undefined && page.leaves.some((leaf) => leaf < range.from);
    cursor = beyond ? undefined : page.nextCursor;
  } while (cursor !== undefined);
  if (shown.size === 0 && !range) throw new VeiltrailError('evidence_empty', 'no event is found, and no range is given: there is nothing to prove');
  return shown;
}

function rangesOf({ range, sparse }: EvidenceRequest, shown: ReadonlySet<number>): LeafRange[] {
  if (range) return [{ start: range.from, end: range.to }];
  const leaves = [...shown].toSorted((a, b) => a - b);
  if (!sparse) return [{ start: leaves[0] as number, end: (leaves.at(-1) as number) + 1 }];
  const ranges: { start: number; end: number }[] = [];
  for (const leaf of leaves) {
    const last = ranges.at(-1);
    if (last?.end === leaf) last.end++;
    else ranges.push({ start: leaf, end: leaf + 1 });
  }
  return ranges;
}

/** All fields of a record, or nothing where it was erased: its leaf stays, hidden. */
async function readFields(
  log: string,
  leafIndex: number,
  { records }: EvidenceParts,
  shows: FieldTest,
): Promise<readonly DisclosedField[] | undefined> {
  let packed: Uint8Array;
  try {
    ({ packed } = await records.record(log, leafIndex));
  } catch (error) {
    if (error instanceof VeiltrailError && error.code === 'record_removed') return undefined;
    throw error;
  }
  const redactable = fieldsOf(packed);
  const shown = new Set(redactable.flatMap((field) => (isKept(field) && shows(field) ? [field.pointer] : [])));
  return createDisclosure({ redactable, receipt: '' }, shown).fields;
}

/** The witnesses that cosigned this very checkpoint. */
function cosignersOf({ checkpoint }: LogSnapshot, { published, witnesses }: EvidenceParts): string[] {
  return witnesses.filter((vkey) => {
    const trust = createTrust([published.vkey], { origin: published.origin, witnesses: [vkey] });
    return openCheckpoint(checkpoint, trust).signatures.length > 1;
  });
}

function tooMany(): VeiltrailError {
  return new VeiltrailError('evidence_too_large', `more than ${shownMax} events to show: narrow the query or the range`, { shownMax });
}

function badRequest(message: string): VeiltrailError {
  return new VeiltrailError('evidence_request', message);
}
