/** What evidence is asked for, and what comes of it. */
import type { Principal } from '../access/roles.ts';

export interface EvidenceRequest {
  log: string;
  /** For whom, and why: 1 to 4,096 characters each. */
  audience: string;
  purpose: string;
  /** Who asks; on record. */
  by: Pick<Principal, 'id' | 'hides'> & { role?: string };
  /** What the person is called, in their words. */
  byName?: string;
  /** Which events to show; nothing: all of the range. */
  query?: string;
  /** RFC 3339, of the event's own time: from this on, and before that. */
  since?: string;
  until?: string;
  /** The leaves to account for, `to` not included. [from the first event found to the last one] */
  range?: { from: number; to: number };
  /** Accounts for the events found and for no leaf between them. */
  sparse?: boolean;
  /** Pointers (RFC 6901) of the fields to show, with all that stands below them. [all] */
  fields?: readonly string[];
  /** With the text of the policy in force. */
  policyText?: boolean;
  /** A checkpoint that the audience keeps: the file will prove that the log grew from it. */
  earlier?: string;
}

export interface MadeEvidence {
  /** The file: docs/reference/evidence.md. */
  text: string;
  /** Leaves that are shown, ascending. */
  shown: number[];
  /** Leaves that the file accounts for. */
  leaves: number;
  treeSize: number;
}
