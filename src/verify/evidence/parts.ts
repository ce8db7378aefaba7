/** One part of an evidence file, to its line and back. Readers are strict: what they take is what the writers here write. */
import { encodeBase64 } from '../../core/base64.ts';
import { utf8 } from '../../core/bytes.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import { limits } from '../../core/limits.ts';
import { parseTimestamp } from '../../event/timestamp.ts';
import { jsonOfField, parseDisclosedFields } from '../../log/disclosure.ts';
import { entryBytes } from '../../log/entry.ts';
import { isKeyName } from '../../log/note.ts';
import { isPointer } from '../../log/record.ts';
import { hashBytes, type LeafRange } from '../../log/tree.ts';
import { badEvidence, eventsOpen, formatLine, type HeadPart, headParts, partLine, readBytes, readJson, readPartLine, writeJson } from './lines.ts';
import {
  type Evidence,
  type EvidenceAnchor,
  type EvidenceEvent,
  type EvidenceExport,
  type EvidenceLog,
  type EvidencePolicy,
  evidenceLimits,
} from './model.ts';

/** Everything of evidence but its events. */
export type EvidenceHead = Omit<Evidence, 'events'>;

/** The lines before the first event. */
export function writeHead(head: EvidenceHead): string[] {
  const json: Record<Exclude<HeadPart, 'format' | 'events'>, JsonValue> = {
    export: { ...head.export, by: { ...head.export.by }, selection: { ...head.export.selection } as JsonObject },
    log: { ...head.log } as unknown as JsonObject,
    policy: { ...head.policy },
    checkpoint: head.checkpoint,
    anchors: head.anchors.map(({ kind, bytes }) => ({ kind, bytes: encodeBase64(bytes) })),
    ranges: head.ranges.map(({ start, end }) => [start, end]),
    proof: head.proof.map(encodeBase64),
  };
  return headParts.map((part) => (part === 'format' ? formatLine : part === 'events' ? eventsOpen : partLine(part, json[part])));
}

/** How each part of the head is read from its line; all throw VeiltrailError `evidence_syntax`. */
export const headReaders = {
  export: (line: string): EvidenceExport => readExport(readPartLine('export', line, { depthMax: 4, nodesMax: limits.nodesMax })),
  log: (line: string): EvidenceLog => readLog(readPartLine('log', line, { depthMax: 2, nodesMax: 4 * evidenceLimits.keysMax })),
  policy: (line: string): EvidencePolicy => readPolicy(readPartLine('policy', line, { depthMax: 1, nodesMax: 8 })),
  checkpoint: (line: string): string => text(readPartLine('checkpoint', line, { depthMax: 1, nodesMax: 1 }), Infinity),
  anchors: (line: string): EvidenceAnchor[] =>
    array(readPartLine('anchors', line, { depthMax: 2, nodesMax: 4 * evidenceLimits.anchorsMax }), evidenceLimits.anchorsMax).map(readAnchor),
  ranges: (line: string): LeafRange[] => readRanges(readPartLine('ranges', line, { depthMax: 2, nodesMax: 4 * evidenceLimits.rangesMax })),
  proof: (line: string): Uint8Array[] =>
    array(readPartLine('proof', line, { depthMax: 1, nodesMax: 128 * evidenceLimits.rangesMax }), Infinity).map((hash) => readBytes(hash, hashBytes)),
};

/** The line of an event. @param last the last one has no comma behind it */
export function writeEvent({ leafIndex, entry, fields }: EvidenceEvent, last: boolean): string {
  const json = { entry: encodeBase64(entry), ...(fields ? { fields: fields.map(jsonOfField) } : {}), leafIndex };
  return `${writeJson(json)}${last ? '' : ','}`;
}

/** @throws VeiltrailError `evidence_syntax`, and for the fields what `parseDisclosedFields` throws */
export function readEvent(line: string, last: boolean): EvidenceEvent {
  if (line.endsWith(',') === last) throw badEvidence('the comma behind an event');
  const bounds = { depthMax: limits.depthMax + 4, nodesMax: 6 * limits.nodesMax };
  const { entry, fields, leafIndex, ...others } = object(readJson(last ? line : line.slice(0, -1), bounds));
  none(others);
  const event = { leafIndex: whole(leafIndex), entry: readBytes(entry, entryBytes) };
  return fields === undefined ? event : { ...event, fields: parseDisclosedFields(array(fields, Infinity)) };
}

function readExport(value: JsonValue): EvidenceExport {
  const { audience, purpose, by, at, selection, ...others } = object(value);
  none(others);
  const { principal, name, ...otherBy } = object(by);
  const { query, since, until, fields, ...otherSelection } = object(selection);
  none(otherBy);
  none(otherSelection);
  return {
    audience: words(audience),
    purpose: words(purpose),
    by: { principal: words(principal), ...(name === undefined ? {} : { name: words(name) }) },
    at: time(at),
    selection: {
      ...(query === undefined ? {} : { query: text(query, evidenceLimits.wordsMax) }),
      ...(since === undefined ? {} : { since: time(since) }),
      ...(until === undefined ? {} : { until: time(until) }),
      ...(fields === undefined ? {} : { fields: array(fields, limits.nodesMax).map(pointer) }),
    },
  };
}

function readLog(value: JsonValue): EvidenceLog {
  const { origin, vkeys, witnesses, ...others } = object(value);
  none(others);
  if (typeof origin !== 'string' || !isKeyName(origin) || utf8(origin).length > limits.originBytesMax) throw badEvidence('the origin');
  const keys = array(vkeys, evidenceLimits.keysMax).map((key) => words(key));
  if (keys.length === 0) throw badEvidence('no key of the log');
  return { origin, vkeys: keys, witnesses: array(witnesses, evidenceLimits.keysMax).map((key) => words(key)) };
}

function readPolicy(value: JsonValue): EvidencePolicy {
  const { label, digest, text: policy, ...others } = object(value);
  none(others);
  if (typeof digest !== 'string' || !/^[0-9a-f]{64}$/.test(digest)) throw badEvidence('the digest of the policy');
  return { label: words(label), digest, ...(policy === undefined ? {} : { text: text(policy, evidenceLimits.policyLengthMax) }) };
}

function readAnchor(value: JsonValue): EvidenceAnchor {
  const { kind, bytes, ...others } = object(value);
  none(others);
  if (typeof kind !== 'string' || !/^[a-z0-9][a-z0-9.-]{0,63}$/.test(kind)) throw badEvidence('the kind of an anchor');
  const read = readBytes(bytes);
  if (read.length > evidenceLimits.anchorBytesMax) throw badEvidence('an anchor that is longer than allowed');
  return { kind, bytes: read };
}

function readRanges(value: JsonValue): LeafRange[] {
  let leaves = 0;
  const ranges = array(value, evidenceLimits.rangesMax).map((range): LeafRange => {
    const [start, end, ...others] = array(range, 3);
    if (others.length > 0) throw badEvidence('a range');
    leaves += whole(end) - whole(start);
    return { start: whole(start), end: whole(end) };
  });
  const ascend = ranges.every(({ start, end }, i) => start < end && (i === 0 || start > (ranges[i - 1] as LeafRange).end));
  if (ranges.length === 0 || !ascend || leaves > evidenceLimits.leavesMax) throw badEvidence('the ranges');
  return ranges;
}

function object(value: JsonValue | undefined): JsonObject {
  if (!isJsonObject(value)) throw badEvidence('something that should be an object');
  return value;
}

function array(value: JsonValue | undefined, lengthMax: number): JsonValue[] {
  if (!Array.isArray(value) || value.length > lengthMax) throw badEvidence('something that should be a list, or a longer one than allowed');
  return value;
}

function none(others: JsonObject): void {
  if (Object.keys(others).length > 0) throw badEvidence('a member that is not known');
}

function text(value: JsonValue | undefined, lengthMax: number): string {
  if (typeof value !== 'string' || value.length > lengthMax) throw badEvidence('a text');
  return value;
}

/** What somebody wrote: not empty, and without control characters but newlines. */
function words(value: JsonValue | undefined): string {
  const written = text(value, evidenceLimits.wordsMax);
  if (!isWords(written)) throw badEvidence('a text that is empty or has control characters');
  return written;
}

export function isWords(written: string): boolean {
  return written.trim() !== '' && written.length <= evidenceLimits.wordsMax && written.isWellFormed() && !/[^\P{Cc}\n]/u.test(written);
}

function time(value: JsonValue | undefined): string {
  if (typeof value !== 'string' || parseTimestamp(value)?.canonical !== value) throw badEvidence('a time');
  return value;
}

function pointer(value: JsonValue): string {
  if (typeof value !== 'string' || !isPointer(value)) throw badEvidence('a pointer');
  return value;
}

function whole(value: JsonValue | undefined): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw badEvidence('a number');
  return value;
}
