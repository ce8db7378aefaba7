/** What the exit code of every command means. People script against these. */
import { VeiltrailError } from '../core/errors.ts';

export const exitCodes = {
  /** Done, all well. */
  done: 0,
  /** Something is wrong with what was checked: tampered, leaked, not found. */
  wrong: 1,
  /** Wrong use, or bad input. */
  usage: 2,
  /** Refused, or out of reach. */
  refused: 3,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const wrong = new Set([
  'not_found',
  'log_unknown',
  'log_not_found',
  'record_not_found',
  'record_removed',
  'evidence_empty',
  'export_empty',
  'raw_export_mismatch',
  'raw_export_syntax',
  'field_unknown',
  'key_unknown',
  'key_version',
  'opening_mismatch',
  'stop_unknown',
  'token_unknown',
  'request_unknown',
  'request_damaged',
  'approver_unknown',
  'hold_unknown',
  'forwarder_unknown',
  'redact_nothing',
  'removal_unknown',
  'subject_unknown',
  'sealed_text_damaged',
  'behind_checkpoint',
  'history_forked',
  'bad_record',
  'config_missing',
  'storage_damaged',
  'vault_behind',
  'witness_database_missing',
  'fork_unknown',
  'alert_unknown',
  'rolled_back',
  'root_wrong',
  'quorum_missing',
]);
/** Beginnings of codes that all say: what is stored is not what was stored. */
const damaged =
  /^(?:chunk|token|seal|checkpoint|tile|log|config|keyring|key_file|signing_key|access_file|vault)_(?:damaged|missing|incomplete|invalid|version|syntax|conflict)$/;
const refused = new Set([
  'export_cut_short',
  'data_dir_in_use',
  'data_dir_missing',
  'disk_full',
  'storage_readonly',
  'storage_failed',
  'storage_busy',
  'unreachable',
  'unauthenticated',
  'forbidden',
  'look_up_rate',
  'look_up_stopped',
  'stop_own',
  'alert_own',
  'alert_acknowledged',
  'key_expired',
  'key_revoked',
  'key_address',
  'token_invalid',
  'token_expired',
  'token_unmapped',
  'approver_origin',
  'too_many_requests',
  'stopping',
  'removal_unfinished',
  'not_witnessed',
  'search_stopped',
  'processing_failed',
  'access_unrecorded',
  'access_unavailable',
  'issuer_unreachable',
  'key_rotation_running',
  'approval_needed',
  'approval_mismatch',
  'approval_signature',
  'approval_time',
  'approver_exists',
  'approver_last',
  'approver_removed',
  'request_decided',
  'request_denied',
  'request_expired',
  'request_mismatch',
  'request_own',
  'request_pending',
  'request_used',
  'requests_full',
  'held',
  'forwarder_running',
  'forwarders_full',
  'hold_lifted',
  'holds_missing',
  'removal_held',
  'queue_full',
  'not_published',
  'newer_format',
  'listen_failed',
  'witness_missing',
]);

/** The exit code for an error that ended a command. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof VeiltrailError)) return exitCodes.refused;
  if (refused.has(error.code)) return exitCodes.refused;
  // Begins like what is damaged on a disk, and is a person's own file.
  if (error.code === 'config_invalid') return exitCodes.usage;
  return wrong.has(error.code) || damaged.test(error.code) ? exitCodes.wrong : exitCodes.usage;
}
