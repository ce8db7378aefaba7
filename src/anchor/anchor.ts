/**
 * Anchors: a checkpoint kept by somebody else, so that whoever rules over this machine, its keys and its disks cannot rewrite what was there when
 * it was made. A place to keep them is a target; what a target gives back is the proof, and what it is worth is for {@link AnchorTarget.check}.
 *
 * ```
 * {"format":"veiltrail.anchor/v1","kind":"rfc3161","target":"tsa","log":"default","origin":"…","treeSize":1200,
 *  "checkpoint":"<signed note>","madeAt":"<RFC 3339, by our clock>","proof":{…}}
 * ```
 * One JSON object a file. `madeAt` proves nothing; what the target says of the time is in its proof.
 */
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from '../core/json.ts';
import { parseTimestamp } from '../event/timestamp.ts';
import type { BucketLocks, RenewedLocks } from './bucket-locks.ts';
import type { SegmentCopies } from './bucket-segments.ts';

export const anchorKinds = ['file', 'command', 's3', 'rfc3161', 'arweave'] as const;
export type AnchorKind = (typeof anchorKinds)[number];

/** What is given away to be kept: a published checkpoint, which names nobody. */
export interface Anchored {
  log: string;
  origin: string;
  treeSize: number;
  /** The signed note, with its cosignatures. */
  checkpoint: string;
}

export interface Anchor extends Anchored {
  kind: AnchorKind;
  /** The target's name in the configuration. */
  target: string;
  /** RFC 3339, by our own clock. */
  madeAt: string;
  /** What the target gave back; its form is the kind's. */
  proof: JsonObject;
}

/** What a check found. */
export interface AnchorCheck {
  /** undefined: nobody can be asked from here. */
  ok: boolean | undefined;
  /** For people. */
  detail: string;
  /** RFC 3339: somebody else says that the checkpoint was there by then. */
  provedAt?: string;
  /** RFC 3339: somebody else says that nobody could know this proof before then. So whatever quotes it is younger. */
  notBefore?: string;
}

export interface AnchorTarget {
  readonly name: string;
  readonly kind: AnchorKind;
  /** Between two anchors of one log. */
  readonly everyMs: number;
  /** Its proofs could not be known before a time that {@link AnchorTarget.check} finds in them, so they are quoted in the log: see `anchor-quote.ts`. */
  readonly isBeacon: boolean;
  /**
   * Gives a checkpoint away; kept when it returns. The same one again does no harm.
   * @throws VeiltrailError `anchor_refused` when the target is not what it must be, `anchor_failed` when it cannot be reached now
   */
  put(anchored: Anchored): Promise<JsonObject>;
  /**
   * Whether the target, or what it signed, still says so. Does not throw for what somebody changed.
   * @throws VeiltrailError `anchor_failed` where it cannot be asked: nothing is known then
   */
  check(anchor: Anchor): Promise<AnchorCheck>;
  /**
   * The checkpoints that it keeps of a log, whatever this machine knows of them, those of most leaves first; undefined for a file that cannot be read or
   * holds none. Of a bucket `anchor verify --bucket` asks.
   * @throws VeiltrailError `anchor_failed` where it cannot be asked; its detail `isAbsent` where the place is not there, as before the first anchor
   */
  kept?(origin: string): AsyncIterable<string | undefined>;
  /**
   * Copies the log's sealed records, where the target keeps them; what is there is not copied again.
   * @throws VeiltrailError as {@link AnchorTarget.put}
   */
  copyRecords?(log: string, origin: string): Promise<SegmentCopies>;
  /**
   * Makes the locks of what it keeps of a log longer before they end; undefined where nothing is due yet.
   * @param seen what it found the last time
   * @throws VeiltrailError as {@link AnchorTarget.put}
   */
  renewLocks?(log: string, seen: BucketLocks | undefined): Promise<RenewedLocks | undefined>;
}

const format = 'veiltrail.anchor/v1';
const anchorCharactersMax = 1_048_576;

/** The text of an anchor's file. */
export function formatAnchor(anchor: Anchor): string {
  const { kind, target, log, origin, treeSize, checkpoint, madeAt, proof } = anchor;
  return `${JSON.stringify({ format, kind, target, log, origin, treeSize, checkpoint, madeAt, proof }, undefined, 1)}\n`;
}

/** @throws VeiltrailError `anchor_syntax` for anything that {@link formatAnchor} would not write */
export function parseAnchor(text: string): Anchor {
  if (text.length > anchorCharactersMax) throw bad('longer than allowed');
  let value: JsonValue;
  try {
    ({ value } = parseJson(text));
  } catch {
    throw bad('not JSON');
  }
  if (!isJsonObject(value)) throw bad('not an object');
  const { format: named, kind: kindName, target, log, origin, treeSize, checkpoint, madeAt, proof, ...others } = value;
  const kind = anchorKinds.find((one) => one === kindName);
  if (named !== format || !kind || Object.keys(others).length > 0) throw bad('its members');
  if (!isText(target) || !isText(log) || !isText(origin) || !isText(checkpoint) || !isText(madeAt)) throw bad('its members');
  if (!parseTimestamp(madeAt)) throw bad('its time');
  if (typeof treeSize !== 'number' || !Number.isSafeInteger(treeSize) || treeSize < 0) throw bad('its tree size');
  if (proof === undefined || !isJsonObject(proof)) throw bad('its proof');
  return { kind, target, log, origin, treeSize, checkpoint, madeAt, proof };
}

function isText(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value.length > 0;
}

function bad(what: string): VeiltrailError {
  return new VeiltrailError('anchor_syntax', `not an anchor: ${what}`);
}

/** A text of a proof. @throws VeiltrailError `anchor_syntax` */
export function proofText(proof: JsonObject, name: string): string {
  const value = proof[name];
  if (!isText(value)) throw bad(`its proof has no ${name}`);
  return value;
}

/** @throws VeiltrailError `anchor_failed`, with what the other side said cut short and made printable */
export function failed(target: string, what: string, cause?: unknown): VeiltrailError {
  const said = what.replace(/\p{Cc}/gu, ' ').slice(0, 300);
  return new VeiltrailError('anchor_failed', `anchor ${target}: ${said}`, { target }, { cause });
}

/** @throws VeiltrailError `anchor_refused`: trying again is of no use until somebody changes something */
export function refused(target: string, what: string): VeiltrailError {
  return new VeiltrailError('anchor_refused', `anchor ${target}: ${what}`, { target });
}
