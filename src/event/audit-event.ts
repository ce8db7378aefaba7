/**
 * The audit event: who did what to what, when, from where, and how it ended. One shape for every source; maps to OCSF, ECS and CloudEvents
 * follow it name by name. What a sender left out stays out: nothing is invented.
 */
import type { JsonObject, JsonValue } from '../core/json.ts';

export const categories = [
  'file_access',
  'sensitive_record',
  'authentication',
  'authorization_denied',
  'privilege',
  'config_change',
  'data_export',
  'detokenise',
  'log_control',
  'alert',
  'pii_leak',
  'other',
] as const;
export type Category = (typeof categories)[number];

export const cruds = ['c', 'r', 'u', 'd'] as const;
export type Crud = (typeof cruds)[number];

export const outcomes = ['success', 'failure', 'denied', 'unknown'] as const;
export type Outcome = (typeof outcomes)[number];

export const actorTypes = ['user', 'service', 'system', 'ai_agent', 'anonymous'] as const;
export type ActorType = (typeof actorTypes)[number];

export const dataClasses = ['pii', 'phi', 'pci', 'secret'] as const;
export type DataClass = (typeof dataClasses)[number];

/** 1 informational, 2 low, 3 medium, 4 high, 5 critical: OCSF's scale. */
export type Severity = 1 | 2 | 3 | 4 | 5;

export interface Actor {
  type?: ActorType;
  id?: string;
  name?: string;
  email?: string;
  roles?: string[];
  session?: string;
  onBehalfOf?: string | JsonObject;
}

export interface Target {
  type?: string;
  id?: string;
  name?: string;
  fields?: string[];
  count?: number;
  class?: DataClass[];
}

export interface Context {
  ip?: string;
  /** The other addresses a request came through, the sender's own claim. */
  forwarded?: string[];
  userAgent?: string;
  requestId?: string;
  traceId?: string;
  spanId?: string;
  location?: string | JsonObject;
}

export interface Change {
  field: string;
  before?: JsonValue;
  after?: JsonValue;
}

export interface AuditEvent {
  /** The sender's own: CloudEvents `id`, ECS `event.id`. Repeated with the same body it is a duplicate, not a second event. */
  id?: string;
  /** When it happened, by the sender's clock; canonical RFC 3339 (see `timestamp.ts`). */
  time?: string;
  /** When it arrived, by ours; set by the pipeline, never taken from a sender. */
  receivedAt?: string;
  source?: string;
  /** Counts up by one in each source, so that a gap is noticed. */
  sequence?: number;
  action?: string;
  category?: Category;
  crud?: Crud;
  outcome?: Outcome;
  reason?: string;
  severity?: Severity;
  actor?: Actor;
  targets?: Target[];
  context?: Context;
  changes?: Change[];
  message?: string;
  purpose?: string;
  /** Everything else, as the sender had it. */
  metadata?: JsonObject;
}
