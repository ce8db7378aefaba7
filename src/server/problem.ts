/**
 * What a client is told when something goes wrong: RFC 9457 problem details with a stable `code`. Every code that can leave the server stands
 * in this one table; docs/reference/errors.md lists the same, and a test compares them. An error that is not in it is ours to fix: the client
 * reads `internal` and nothing more. No problem ever repeats what was sent.
 */
import { VeiltrailError } from '../core/errors.ts';

export interface ProblemKind {
  status: number;
  title: string;
  /** Seconds after which to try again. */
  retryAfter?: number;
}

export const problems = {
  // The request as such
  malformed_request: { status: 400, title: 'Not a request that this server understands' },
  invalid_parameter: { status: 400, title: 'A parameter is unknown or not as described' },
  key_in_url: {
    status: 400,
    title: 'A key stands in the URL, where logs and histories keep it: revoke it, and send keys in the Authorization header',
  },
  not_found: { status: 404, title: 'There is nothing here' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  // Who asks
  unauthenticated: { status: 401, title: 'An API key is needed' },
  key_expired: { status: 401, title: 'The key has expired' },
  key_revoked: { status: 401, title: 'The key was revoked' },
  key_address: { status: 403, title: 'The key is not for the address you come from' },
  token_invalid: { status: 401, title: 'The token is not one that this server accepts' },
  token_expired: { status: 401, title: 'The token is over' },
  token_unmapped: { status: 403, title: 'Nobody has given the bearer of this token a role' },
  forbidden: { status: 403, title: 'The key has no right to this' },
  // Bodies and events
  json_syntax: { status: 400, title: 'The body is not JSON' },
  json_duplicate_name: { status: 400, title: 'The same name stands twice in one object' },
  json_lone_surrogate: { status: 400, title: 'A text holds half of a surrogate pair' },
  json_too_deep: { status: 400, title: 'Nested too deeply' },
  json_too_large: { status: 400, title: 'Too many values' },
  invalid_utf8: { status: 400, title: 'The body is not UTF-8' },
  bad_encoding: { status: 400, title: 'The body is not what its Content-Encoding says' },
  unsupported_encoding: { status: 415, title: 'Content-Encoding is identity, gzip or zstd' },
  format_unsupported: { status: 415, title: 'This format is not read yet' },
  batch_empty: { status: 400, title: 'There is no event in the body' },
  batch_too_large: { status: 413, title: 'Too many events in one batch' },
  body_too_large: { status: 413, title: 'The body is too large' },
  id_conflict: { status: 409, title: 'An event with this id and another content is in the log' },
  // Logs, events, keys
  log_unknown: { status: 404, title: 'There is no such log' },
  log_name: { status: 400, title: 'Not the name of a log' },
  query_syntax: { status: 400, title: 'The query cannot be read' },
  query_too_complex: { status: 400, title: 'The query asks for too much at once' },
  record_removed: { status: 410, title: 'The record was removed; a tombstone in the log says why' },
  removal_invalid: { status: 400, title: 'Not a removal that can be carried out' },
  removal_held: { status: 409, title: 'A hold forbids the removal' },
  removal_unknown: { status: 404, title: 'There is no removal of that id' },
  held: { status: 409, title: 'A hold forbids it; nothing was removed' },
  holds_missing: { status: 409, title: 'A hold is missing that the log tells of; nothing was removed' },
  hold_request: { status: 400, title: 'Not a hold' },
  hold_scope: { status: 400, title: 'Not what a hold can cover' },
  hold_exists: { status: 409, title: 'There is, or was, a hold of that name' },
  hold_unknown: { status: 404, title: 'There is no hold of that name' },
  hold_lifted: { status: 409, title: 'The hold is lifted already' },
  holds_full: { status: 409, title: 'There are too many holds' },
  retention_request: { status: 400, title: 'Not a change of the retention table' },
  retention_invalid: { status: 400, title: 'Not a retention table' },
  subject_request: { status: 400, title: 'Not a person that can be looked for' },
  subject_unknown: { status: 404, title: 'Nothing is held about such a person' },
  subject_too_large: { status: 413, title: 'More records than one person has' },
  redact_request: { status: 400, title: 'Not values that can be redacted' },
  redact_nothing: { status: 404, title: 'There is no value at these places' },
  removal_unfinished: { status: 503, title: 'The removal has begun and could not be finished yet; it is gone on with', retryAfter: 30 },
  token_unknown: { status: 404, title: 'The vault has no such token' },
  evidence_request: { status: 400, title: 'Not evidence that can be asked for' },
  evidence_empty: { status: 404, title: 'Nothing is found that could be proved' },
  evidence_too_large: { status: 413, title: 'More than one file of evidence may hold' },
  export_request: { status: 400, title: 'Not an export that can be asked for' },
  export_empty: { status: 404, title: 'Nothing is found that could be exported' },
  export_too_large: { status: 413, title: 'More than one export may hold' },
  key_unknown: { status: 404, title: 'There is no such key' },
  key_request: { status: 400, title: 'Not a description of a key' },
  field_unknown: { status: 404, title: 'No field of that path was ever seen' },
  field_path: { status: 400, title: 'Not the path of a field' },
  field_kind: { status: 400, title: 'Not what a field can be' },
  field_settled: { status: 409, title: 'A rule of the policy settles this field' },
  forwarder_invalid: { status: 400, title: 'Not the setting of a forwarder' },
  forwarder_unknown: { status: 404, title: 'There is no forwarder of that name' },
  forwarder_running: { status: 409, title: 'The forwarder is not stopped' },
  forwarders_full: { status: 409, title: 'There are too many forwarders' },
  classify_request: { status: 400, title: 'Not a classification' },
  key_over: { status: 409, title: 'The key is expired or revoked' },
  // Tokens and what stands behind them
  token_syntax: { status: 400, title: 'Not a token' },
  reveal_request: { status: 400, title: 'Not a description of a reveal' },
  find_request: { status: 400, title: 'Not a description of a value' },
  search_request: { status: 400, title: 'Not a description of a search' },
  purpose_needed: { status: 400, title: 'This needs a purpose' },
  reference_needed: { status: 400, title: 'This needs a reference' },
  look_up_rate: { status: 429, title: 'Too many look-ups in a short time', retryAfter: 60 },
  look_up_stopped: { status: 403, title: 'Stopped for looking up too many different tokens or values' },
  stop_unknown: { status: 404, title: 'Nobody of that name is stopped' },
  stop_own: { status: 403, title: 'Who is stopped does not lift it' },
  // The secrets of the keyring
  key_rotation: { status: 400, title: 'Not something that is rotated or destroyed so' },
  key_rotation_running: { status: 409, title: 'A rotation is under way' },
  key_version: { status: 404, title: 'The keyring has no such version' },
  key_in_use: { status: 409, title: 'This version is in use' },
  fork_unknown: { status: 404, title: 'No witness holds another history of this log' },
  too_many_keys: { status: 409, title: 'There are too many keys' },
  // What needs two persons
  approval_needed: { status: 403, title: 'This needs a second person' },
  request_unknown: { status: 404, title: 'There is no such request' },
  request_syntax: { status: 400, title: 'Not a request that can be made' },
  request_pending: { status: 409, title: 'Nobody has approved the request yet' },
  request_expired: { status: 409, title: 'The request has expired' },
  request_used: { status: 409, title: 'The request was used: it is good for once' },
  request_denied: { status: 403, title: 'The request was denied' },
  request_decided: { status: 409, title: 'The request is approved already' },
  request_mismatch: { status: 403, title: 'Something else was approved' },
  request_own: { status: 403, title: 'Whoever asked cannot decide' },
  request_damaged: { status: 409, title: 'The request is not as it was written' },
  requests_full: { status: 409, title: 'Too many requests wait for a decision' },
  approval_syntax: { status: 400, title: 'Not an approval' },
  approval_mismatch: { status: 403, title: 'The approval is for something else' },
  approval_signature: { status: 403, title: 'The signature is not that of the approver' },
  approval_time: { status: 403, title: 'The approval was not signed while the request waited' },
  approver_unknown: { status: 404, title: 'No approver has this key' },
  approver_removed: { status: 403, title: 'The approver was removed' },
  approver_exists: { status: 409, title: 'This key was enrolled before' },
  backup_request: { status: 400, title: 'Not a description of a backup' },
  approver_origin: { status: 403, title: 'The key was made on the page of another server' },
  approver_last: { status: 409, title: 'The last approver stays' },
  approver_card: { status: 400, title: "Not an approver's card" },
  // Alerts
  alert_unknown: { status: 404, title: 'There is no such alert' },
  alert_request: { status: 400, title: 'Not an acknowledgement of an alert' },
  alert_acknowledged: { status: 409, title: 'Somebody has dealt with the alert already' },
  alert_own: { status: 403, title: 'Whoever made it happen cannot acknowledge the alert' },
  // For now
  forward_circle: { status: 409, title: 'Records of a log of this server are forwarded to this server' },
  too_many_requests: { status: 429, title: 'This key has too many requests under way', retryAfter: 1 },
  canary_running: { status: 409, title: 'Canaries are under way' },
  queue_full: { status: 503, title: 'The queue is full', retryAfter: 1 },
  stopping: { status: 503, title: 'The server is stopping', retryAfter: 5 },
  disk_full: { status: 503, title: 'The disk is full; nothing was stored', retryAfter: 30 },
  storage_readonly: { status: 503, title: 'The disk cannot be written; nothing was stored', retryAfter: 30 },
  storage_busy: { status: 503, title: 'The storage is busy; nothing was stored', retryAfter: 1 },
  storage_failed: { status: 503, title: 'The disk failed; send it again', retryAfter: 30 },
  not_published: { status: 503, title: 'The events are stored but not published yet; sending them again with the same ids is safe', retryAfter: 5 },
  not_witnessed: { status: 503, title: 'The events are stored but not cosigned yet; sending them again with the same ids is safe', retryAfter: 5 },
  history_forked: { status: 409, title: 'A witness holds another history of this log; nothing is appended until an administrator decides' },
  search_stopped: { status: 503, title: 'Search is starting again', retryAfter: 1 },
  processing_failed: { status: 503, title: 'The batch could not be processed; send it again', retryAfter: 5 },
  access_unrecorded: { status: 503, title: 'Who reads cannot be recorded, so nothing is read', retryAfter: 5 },
  issuer_unreachable: { status: 503, title: 'The identity provider cannot be reached', retryAfter: 30 },
  access_unavailable: { status: 503, title: 'The list of keys cannot be read; nobody is let in', retryAfter: 30 },
  internal: { status: 500, title: 'A mistake of ours' },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof problems;

/** Codes of parts further in, which mean one of the above to a client. */
const meanings: Readonly<Record<string, ProblemCode>> = {
  access_file_missing: 'access_unavailable',
  access_file_open: 'access_unavailable',
  access_file_damaged: 'access_unavailable',
  access_file_busy: 'access_unavailable',
  format_unknown: 'invalid_parameter',
  key_role: 'key_request',
  key_logs: 'key_request',
  key_expiry: 'key_request',
  key_name: 'key_request',
  key_owner: 'key_request',
  key_overlap: 'invalid_parameter',
  hidden_path: 'key_request',
  network_syntax: 'key_request',
  bad_log_name: 'log_name',
  ledger_closed: 'stopping',
  log_not_found: 'log_unknown',
  record_not_found: 'not_found',
  vault_closed: 'stopping',
  tile_path: 'not_found',
};

export interface Problem {
  type: string;
  title: string;
  status: number;
  code: ProblemCode;
  detail?: string;
  [fact: string]: string | number | boolean | undefined;
}

export const problemType = 'application/problem+json';

/** The code a client is told for an error. */
export function codeOf(error: unknown): ProblemCode {
  if (!(error instanceof VeiltrailError)) return 'internal';
  if (Object.hasOwn(problems, error.code)) return error.code as ProblemCode;
  return Object.hasOwn(meanings, error.code) ? (meanings[error.code] as ProblemCode) : 'internal';
}

/** The problem a client reads. Of an error that is not in the table nothing is said. */
export function problemOf(error: unknown): Problem {
  const code = codeOf(error);
  const { status, title } = problems[code];
  const problem: Problem = { type: `urn:veiltrail:problem:${code}`, title, status, code };
  // What broke inside is in no client's business, and its words may hold paths.
  if (!(error instanceof VeiltrailError) || status >= 500) return problem;
  return { ...error.detail, ...problem, detail: error.message };
}

/** Seconds after which to try again; a problem may say so itself. */
export function retryAfterOf(code: ProblemCode, { retryAfterSeconds }: Partial<Problem> = {}): number | undefined {
  return typeof retryAfterSeconds === 'number' ? retryAfterSeconds : (problems[code] as ProblemKind).retryAfter;
}
