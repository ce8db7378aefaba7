/** What is removed, and what came of it. */
import type { JsonValue } from '../core/json.ts';

/**
 * - `erase`: tokens are unlinked from their values, and records destroyed;
 * - `unlink`: tokens only, the records stay;
 * - `redact`: values of records;
 * - `expire`: records whose time has come.
 */
export type RemovalOperation = 'erase' | 'unlink' | 'redact' | 'expire';

/** Whole records of a log. */
export interface RemovedRecords {
  log: string;
  /** Half open, ascending, apart from each other. */
  ranges: readonly (readonly [from: number, to: number])[];
}

/** Values of one record. */
export interface RemovedFields {
  log: string;
  leafIndex: number;
  /** Of fields as committed (RFC 6901). */
  pointers: readonly string[];
  /** The pointers are personal too: they are destroyed with their values. */
  hidePointers?: boolean;
}

export interface Removal {
  operation: RemovalOperation;
  /** Vault rows to destroy (`erase`, `unlink`): tokens as records have them. */
  tokens?: readonly string[];
  /**
   * What becomes of records that bear one of the tokens: destroyed, or left. Found under the barrier, so that none is missed that is on its way.
   * [`records` for `erase`, else `nothing`]
   */
  bearing?: 'records' | 'nothing';
  /** The logs whose records are looked through for the tokens. [all] */
  logs?: readonly string[];
  records?: readonly RemovedRecords[];
  fields?: readonly RemovedFields[];
  /** A stable code or a legal basis; never personal. */
  reason: string;
  /** The principal. */
  by: string;
  request?: { id: string; digest: string; approvals: JsonValue[] };
}

/** A removal with everything in it named: what holds are asked about, and what is carried out. */
export interface ResolvedRemoval extends Omit<Removal, 'tokens' | 'records' | 'fields' | 'bearing' | 'logs'> {
  /** `rem_` and 26 characters. */
  id: string;
  tokens: readonly string[];
  records: readonly RemovedRecords[];
  fields: readonly RemovedFields[];
}

export interface RemovalResult {
  id: string;
  tombstones: { log: string; leafIndex: number }[];
  /** Vault rows destroyed. */
  tokens: number;
  records: number;
  fields: number;
}

/** Asked before anything is destroyed: the name of the hold that forbids it. */
export type IsHeld = (removal: ResolvedRemoval) => string | undefined | Promise<string | undefined>;
