/** The events of an evidence file against the log: each opens its entry, and the entries of all together lead to the root that was signed. */
import { equalBytes } from '../../core/bytes.ts';
import type { JsonValue } from '../../core/json.ts';
import type { VerifiedCheckpoint } from '../../log/checkpoint.ts';
import { commitDisclosure, type DisclosedField, isNamed, isShown } from '../../log/disclosure.ts';
import { formatEntry } from '../../log/entry.ts';
import { countLeaves, rootOfRanges } from '../../log/range-proof.ts';
import { parseFieldValue } from '../../log/record.ts';
import { hashBytes, leafHash } from '../../log/tree.ts';
import { attempt } from './attempt.ts';
import type { EvidenceProblem, ReadFile } from './file.ts';

/** A field of an event: with its value, or with its pointer only, or redacted with its pointer. */
export interface CheckedField {
  readonly pointer?: string;
  readonly value?: JsonValue;
}

export interface CheckedEvent {
  readonly leafIndex: number;
  /**
   * `proven`: in the log at that place, saying what stands here. `changed`: not what the log has, or not what was exported. `unproven`: nothing is
   * known to be wrong with it, but something else is, and the proof needs that.
   */
  readonly status: 'proven' | 'changed' | 'unproven';
  /** 33 bytes, where the line could be read. */
  readonly entry?: Uint8Array;
  /** All fields in the order of the record; absent for a hidden leaf, and where the line could not be read. */
  readonly fields?: readonly CheckedField[];
  readonly problem?: string;
}

/** A leaf while it is checked. */
interface Leaf {
  readonly leafIndex: number;
  readonly entry?: Uint8Array;
  readonly fields?: readonly DisclosedField[];
  /** What the fields make, if that is not the entry. */
  readonly opened?: Uint8Array;
  readonly problem?: { readonly code: string; readonly message: string };
}

export function checkEvents({ parts, events, checkpoint }: ReadFile & { readonly checkpoint: VerifiedCheckpoint | undefined }): {
  events: CheckedEvent[];
  problems: EvidenceProblem[];
} {
  const { ranges } = parts;
  const places = ranges?.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i));
  const leaves = events.map((read, i): Leaf => {
    const leafIndex = places?.[i] ?? read.event?.leafIndex ?? i;
    return checkLeaf(read, leafIndex, checkpoint?.origin);
  });
  const problems = leaves.flatMap(({ leafIndex, problem }): EvidenceProblem[] =>
    problem ? [{ ...problem, where: `leaf ${leafIndex}`, leafIndex }] : [],
  );
  if (places && places.length !== leaves.length)
    problems.push({ code: 'evidence_range', where: 'ranges', message: `${leaves.length} events stand here for ${places.length} leaves` });
  const proved = ranges && parts.proof && checkpoint ? proves(leaves, ranges, parts.proof, checkpoint) : 'unknown';
  if (proved === 'no' && problems.length === 0) {
    problems.push({
      code: 'proof_mismatch',
      where: 'proof',
      message: 'the leaves of this file do not lead to the root that was signed: at least one of them is not in the log',
    });
  }
  return {
    events: leaves.map(({ leafIndex, entry, fields, problem }): CheckedEvent => {
      const status = problem ? 'changed' : proved === 'yes' ? 'proven' : 'unproven';
      return {
        leafIndex,
        status,
        ...(entry && { entry }),
        ...(fields && { fields: fields.map(checkedField) }),
        ...(problem && { problem: problem.message }),
      };
    }),
    problems,
  };
}

function checkLeaf(read: ReadFile['events'][number], leafIndex: number, origin: string | undefined): Leaf {
  const { event, changed, unreadable } = read;
  if (!event) {
    const message = changed ? 'this event was changed, and cannot be read any more' : `this event cannot be read: ${unreadable}`;
    return { leafIndex, problem: { code: changed ? 'evidence_changed' : 'evidence_syntax', message } };
  }
  const { entry, fields } = event;
  const said = { leafIndex, entry, ...(fields && { fields }) };
  if (event.leafIndex !== leafIndex) {
    return {
      ...said,
      problem: { code: 'evidence_range', message: `this event says it is leaf ${event.leafIndex}, and stands in the place of leaf ${leafIndex}` },
    };
  }
  const opened = fields && origin !== undefined ? openFields(origin, fields) : entry;
  if (!equalBytes(opened, entry)) {
    const message = 'what this event says is not what was recorded: its values do not open its entry in the log';
    return { ...said, opened, problem: { code: 'evidence_opening', message } };
  }
  if (!changed) return said;
  return { ...said, problem: { code: 'evidence_changed', message: 'this leaf was changed since the file was exported' } };
}

function openFields(origin: string, fields: readonly DisclosedField[]): Uint8Array {
  return formatEntry(commitDisclosure(origin, { fields }));
}

/** Whether the leaves are in the tree. An event that does not open its entry spoils it for itself only: one of the two is in the log. */
function proves(
  leaves: readonly Leaf[],
  ranges: readonly { readonly start: number; readonly end: number }[],
  proof: readonly Uint8Array[],
  { treeSize, root }: VerifiedCheckpoint,
): 'yes' | 'no' | 'unknown' {
  if (leaves.some(({ entry }) => entry === undefined) || leaves.length !== countLeaves(ranges)) return 'unknown';
  const leadsTo = (entryOf: (leaf: Leaf) => Uint8Array): boolean => {
    const hashes = new Uint8Array(leaves.length * hashBytes);
    leaves.forEach((leaf, i) => hashes.set(leafHash(entryOf(leaf)), i * hashBytes));
    return equalBytes(rootOfRanges(ranges, treeSize, hashes, proof), root);
  };
  const { value: proved } = attempt(
    () =>
      leadsTo(({ entry }) => entry as Uint8Array) ||
      (leaves.some(({ opened }) => opened) && leadsTo(({ entry, opened }) => opened ?? (entry as Uint8Array))),
  );
  return proved ? 'yes' : 'no';
}

function checkedField(field: DisclosedField): CheckedField {
  if (!isNamed(field)) return {};
  return isShown(field) ? { pointer: field.pointer, value: parseFieldValue(field.pointer, field.value) } : { pointer: field.pointer };
}
