/** What the product can do with one data directory, whoever asks: the HTTP server, the command line, a program that embeds it. */
import type { JsonObject } from '../core/json.ts';
import type { RedactedValue } from '../log/open-record.ts';
import type { SettledCounts } from '../pipeline/worker.ts';
import type { Principal } from '../access/roles.ts';
import type { AccessFigures, AccessLog } from './access-recorder.ts';
import type { CanaryReport } from './run-canary.ts';
import type { AlertFigures } from '../alerts/alert-engine.ts';
import type { Alerts } from './alerts.ts';
import type { AppendAnswer, AppendCounts, AppendRequest } from './append-events.ts';
import type { EvidenceRequest, MadeEvidence } from './evidence-request.ts';
import type { DataProtection } from './data-protection.ts';
import type { Classification, FieldFilter, FieldInfo } from './field-registry.ts';
import type { ForwarderInfo, Forwarders } from './forwarders.ts';
import type { Removal, RemovalResult } from './remove-records.ts';
import type { KeyRotation } from './rotate-keys.ts';
import type { ToldCount } from './told-events.ts';
import type { Readiness } from './readiness.ts';
import type { Reasons } from './look-up-report.ts';
import type { LookUpFigures, LookUps } from './look-ups.ts';
import type { Person, RequestDesk } from './requests.ts';
import type { RestoredValue } from './restore-withheld.ts';
import type { Query } from '../search/query.ts';
import type { KnownFork, LogWitnessFigures } from '../witness/witnesses.ts';

export interface FoundEvent {
  leafIndex: number;
  /** As it was committed. */
  record: JsonObject;
  /** Values that were redacted since: where they stood, unless that was personal too, and the leaf that says why. */
  redacted?: RedactedValue[];
  /** Values that were withheld, of fields that somebody has classified since. */
  restored?: RestoredValue[];
  /** Members that were left out, because who reads does not get to see them. */
  hidden?: string[];
}

export interface SearchRequest {
  q?: string;
  /** In the place of `q`: a query that somebody has put more into than may be written. */
  query?: Query;
  /** RFC 3339, of the event's own time: from this on, and before that. */
  since?: string;
  until?: string;
  /** 1 to 1,000 [100]. */
  limit?: number;
  /** `nextCursor` of the answer before. */
  cursor?: string;
  /** Members that are left out, and that nothing is found by: see access/hidden-members.ts. */
  hides?: readonly string[];
}

export interface SearchAnswer {
  /** Newest first. */
  events: FoundEvent[];
  /** Leaves below this one were found by the index, those from it on by reading them. */
  indexedTo: number;
  treeSize: number;
  nextCursor?: string;
}

/** Reading. Works beside a running server, too. */
export interface TrailReader {
  logs(): string[];
  /** The log's public key, as C2SP signed notes write it. */
  vkeyOf(log: string): string;
  search(log: string, request: SearchRequest): Promise<SearchAnswer>;
  readEvent(log: string, leafIndex: number, hides?: readonly string[]): Promise<FoundEvent | undefined>;
  /** A receipt: tlog-proof text, with the entry as its `extra`. */
  proveEvent(log: string, leafIndex: number): Promise<string | undefined>;
  /** A disclosure of the fields at these pointers, and of nothing else. */
  discloseEvent(log: string, leafIndex: number, pointers: readonly string[]): Promise<string | undefined>;
  checkpoint(log: string): Promise<string | undefined>;
  /** The newest checkpoint that witnesses cosigned; undefined where none did. */
  witnessedCheckpoint(log: string): Promise<string | undefined>;
  /** Fields that were ever seen. */
  fields(filter: FieldFilter): Promise<FieldInfo[]>;
  /** Bytes of the log itself: a tile or an entry bundle by its C2SP path, only what is published. */
  tile(log: string, path: string): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

/** Figures about a running trail: counts, sizes and times, nothing of what is stored. */
export interface TrailFigures {
  /** Since the start. */
  events: AppendCounts;
  logs: LogFigures[];
  /** Bodies under way. */
  waitingBytes: number;
  /** Withheld values of fields that nobody has classified. */
  withheld: number;
  /** The label of the policy in force: name, version, digest. */
  policy: string;
  canary: CanaryFigures;
  access: AccessFigures;
  lookUps: LookUpFigures;
  /** Events of `_system`. */
  told: ToldCount[];
  alerts: AlertFigures;
  forwarders: ForwarderInfo[];
}

export interface ClassifyRequest {
  /** As rules have it. */
  path: string;
  /** [every log] */
  log?: string;
  /** `keep`, `scan`, `redact`, `drop`, or a kind of personal data. */
  as: string;
  /** Who says so. */
  by: string;
  why?: string;
  /** Who that is to the desk, where `keep` and `scan` take two [whoever says so]. */
  person?: Person;
  /** The request that was approved. */
  request?: string;
}

export interface LogFigures {
  log: string;
  treeSize: number;
  /** When its checkpoint was published; undefined before the first. */
  checkpointAtMs: number | undefined;
  /** Leaves below this one are found by the index; undefined where the index does not say so in time. */
  indexedTo: number | undefined;
  /** In the registry. */
  fields: number;
  /** Learnt since the start. */
  newFields: number;
  /** Of a log that the witness policy is about. */
  witnesses: LogWitnessFigures | undefined;
}

export interface Trail extends TrailReader {
  /** Who did what with the trail, on record in `_system`. */
  readonly access: AccessLog;
  readonly keyChanges: KeyChanges;
  /** What needs two persons is asked for, approved and used here. */
  readonly requests: RequestDesk;
  /** What stands behind tokens, and what stands for values. */
  readonly lookUps: LookUps;
  /** The keyring's secrets. */
  readonly rotation: KeyRotation;
  /** What leaves for other systems. */
  readonly forwarders: Forwarders;
  /** What somebody should look at. */
  readonly alerts: Alerts;
  /** Holds, retention, erasure, redaction, reports. */
  readonly dataProtection: DataProtection;
  append(request: AppendRequest): Promise<AppendAnswer>;
  /** Does nothing when there is one of that name. */
  createLog(log: string): Promise<void>;
  /**
   * Says what a field is: its values are treated so from now on, and those that were withheld are settled. Done and on record when it returns.
   * @throws VeiltrailError `field_unknown`, `field_path`, `field_kind`, `field_settled`, those of `RequestDesk.permit` and of storage
   */
  classifyField(request: ClassifyRequest): Promise<{ classification: Classification; values: SettledCounts }>;
  /**
   * Removes for good: vault rows, records, values of records (see `Removal`). Done when it returns: nothing on the disk, with all keys left,
   * gives it back. A crash at any step is finished at the next start.
   * @throws VeiltrailError `removal_invalid`, `token_unknown`, `removal_held` (nothing was removed then); `removal_unfinished` (it is gone on with)
   */
  remove(removal: Removal): Promise<RemovalResult>;
  /**
   * One file that proves events to somebody who knows nothing of us. On record, with its audience and purpose, when it returns.
   * @throws VeiltrailError `log_unknown`, `evidence_request`, `evidence_empty`, `evidence_too_large`, `query_syntax`, and those of storage
   */
  exportEvidence(request: EvidenceRequest): Promise<MadeEvidence>;
  /**
   * Lets a log go on that was stopped because a witness holds another history; that witness is asked no more.
   * @throws VeiltrailError `fork_unknown`
   */
  acknowledgeFork(log: string, by: string): Promise<KnownFork>;
  /** Reasons may stand beside `ready: true`: what should be looked at, and logs that take no events while others do. */
  ready(): Readiness;
  figures(): Promise<TrailFigures>;
  /** Sends canaries through the live policy and looks for them in all that is stored. @throws VeiltrailError `canary_running` */
  runCanary(request: CanaryRequest): Promise<CanaryReport>;
}

/** Made by and known to the recorder of keys: see server/key-changes.ts. */
export interface KeyChanges {
  /**
   * Puts on record what changed in the keys since it was last on record. Durable and published when it returns.
   * @param by who changed the key `id`; others were changed by whoever has the disk
   * @param said what the event says of a second person, and why it was done
   */
  tell(by?: Principal, id?: string, said?: { permission?: JsonObject } & Reasons): Promise<void>;
}

export interface CanaryRequest {
  /** Who asked; absent: the server's own clock. */
  by?: Pick<Principal, 'id' | 'role'>;
  /** The log whose rules are tried [default]. */
  log?: string;
  /** So many encodings of each kind, drawn at random [all]. */
  encodingsEach?: number;
}

/** Since the start. */
export interface CanaryFigures {
  runs: number;
  /** Leaks of the last run, and events that it could not look at. */
  leaked: number | undefined;
  atMs: number | undefined;
}
