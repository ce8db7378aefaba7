/** What evidence says: the parts of a `veiltrail.evidence/v1` file (docs/reference/evidence.md), before anything about them is believed. */
import type { DisclosedField } from '../../log/disclosure.ts';
import type { LeafRange } from '../../log/tree.ts';

export const evidenceFormat = 'veiltrail.evidence/v1';

export const evidenceLimits = {
  /** Bytes, or UTF-16 units. */
  lengthMax: 134_217_728,
  /** Leaves that one file accounts for, shown and hidden together. */
  leavesMax: 262_144,
  rangesMax: 16_384,
  anchorsMax: 256,
  anchorBytesMax: 1_048_576,
  /** Verifier keys of the log, or of its witnesses. */
  keysMax: 64,
  /** UTF-16 units of what people write: audience, purpose, name, query. */
  wordsMax: 4_096,
  policyLengthMax: 4_194_304,
} as const;

/** For whom the file was made, why, by whom, when, and what was asked for: the exporter's word, under the log's signature. */
export interface EvidenceExport {
  readonly audience: string;
  readonly purpose: string;
  /** Who made it: the public id of a key, or `local`; and a name, as they gave it. */
  readonly by: { readonly principal: string; readonly name?: string };
  /** RFC 3339, UTC. */
  readonly at: string;
  /** Which events were shown. */
  readonly selection: {
    readonly query?: string;
    readonly since?: string;
    readonly until?: string;
    /** Pointers of the fields that were shown; absent: all of them. */
    readonly fields?: readonly string[];
  };
}

export interface EvidenceLog {
  readonly origin: string;
  /** Verifier keys that signed this file, in the order of their signatures. */
  readonly vkeys: readonly string[];
  /** Verifier keys of witnesses, whose cosignatures the checkpoint may bear. */
  readonly witnesses: readonly string[];
}

/** The privacy policy that was in force when the file was made. */
export interface EvidencePolicy {
  readonly label: string;
  /** SHA-256 of its text: 64 hex digits. */
  readonly digest: string;
  readonly text?: string;
}

/** Something that a third party keeps of this log. Kinds that a verifier does not know are shown as not verified. */
export interface EvidenceAnchor {
  readonly kind: string;
  readonly bytes: Uint8Array;
}

/** A leaf: shown with some of its fields, or hidden. */
export interface EvidenceEvent {
  readonly leafIndex: number;
  /** The 33 bytes in the log. */
  readonly entry: Uint8Array;
  /** All fields of the record in their places; absent for a hidden leaf. */
  readonly fields?: readonly DisclosedField[];
}

export interface Evidence {
  readonly export: EvidenceExport;
  readonly log: EvidenceLog;
  readonly policy: EvidencePolicy;
  /** The signed note. */
  readonly checkpoint: string;
  readonly anchors: readonly EvidenceAnchor[];
  /** Ascending and apart; every leaf of them stands in `events`. */
  readonly ranges: readonly LeafRange[];
  /** See `log/range-proof.ts`. */
  readonly proof: readonly Uint8Array[];
  readonly events: readonly EvidenceEvent[];
}
