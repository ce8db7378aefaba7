/** What somebody did with the log, or was refused, as an event of `_system`. Ids, counts, leaves and digests; never a value. */
import type { JsonObject } from '../core/json.ts';
import { keyIdPattern } from '../access/api-key.ts';
import type { Category, Severity } from '../event/audit-event.ts';

export interface AccessEntry {
  /** Such as `event.read`, `key.create`, `token.reveal`. */
  action: string;
  /** Who: a principal's id, `local` for a command on the data directory, `system` for the server itself, `stranger` for nobody known. */
  principal: string;
  role?: string;
  outcome: 'success' | 'denied' | 'failure';
  /** The log it was about. */
  log?: string;
  /** Free text of people; like everything here it goes through the strict policy of `_system`. */
  purpose?: string;
  reference?: string;
  target?: { type: string; id: string };
  /** A stable code: why not. */
  reason?: string;
  /** Counts, kinds, tokens, leaf indexes, digests; never a value. */
  metadata?: JsonObject;
  category?: Category;
  severity?: Severity;
}

/** The event. `time` is RFC 3339, `id` makes a second try of the same event a repetition. */
export function accessEvent(entry: AccessEntry, { id, time }: { id: string; time: string }): JsonObject {
  const { action, principal, role, outcome, log, purpose, reference, target, reason, metadata } = entry;
  return {
    id,
    time,
    source: 'veiltrail',
    action,
    category: entry.category ?? categoryOf(entry),
    outcome,
    severity: entry.severity ?? (outcome === 'success' ? 1 : 3),
    ...(reason === undefined ? {} : { reason }),
    actor: { type: actorTypeOf(principal), id: actorIdOf(principal), ...(role === undefined ? {} : { roles: [role] }) },
    targets: [...(log === undefined ? [] : [{ type: 'log', id: log }]), ...(target ? [{ type: target.type, id: target.id }] : [])],
    ...(purpose === undefined ? {} : { purpose }),
    ...(reference === undefined && metadata === undefined ? {} : { metadata: { ...metadata, ...(reference === undefined ? {} : { reference }) } }),
  };
}

/**
 * A principal as events name it: `key:…`, `oidc:…`, `local:disk`. A bare word, or a key's bare id, may look like somebody's name, which the
 * policy would tokenize: then nobody could say which key it was.
 */
export function actorIdOf(principal: string): string {
  if (principal === 'local') return 'local:disk';
  return keyIdPattern.test(principal) ? `key:${principal}` : principal;
}

function actorTypeOf(principal: string): string {
  if (principal === 'system') return 'system';
  return principal === 'stranger' ? 'anonymous' : 'user';
}

function categoryOf({ action, outcome }: AccessEntry): Category {
  if (outcome === 'denied') return 'authorization_denied';
  if (action.startsWith('auth.')) return 'authentication';
  if (action.startsWith('event.')) return 'sensitive_record';
  return 'other';
}
