/**
 * Every route: the right it takes, and what is put on record of it. The server looks up each route here as it registers it, and does not start
 * with one that is missing; docs/reference/access.md is written from this table, and tests/server/rights.test.ts walks it.
 *
 * No route changes or deletes an entry of a log: of the paths below a log, only appending, searching, and asking for evidence or
 * for an export are no GET.
 */
import type { Right } from '../access/roles.ts';

/**
 * What `_system` says of a route's requests. Refusals for want of a key or a right are on record for every route.
 *
 * - `gathered`: who, how often, which leaves, in an event a second for each principal, action and log, by the server's door
 * - `written`: an event of its own, durable before the answer, by what the route does
 * - `in the log`: what was appended bears the principal itself (`receivedFrom`)
 * - `nothing`: what is said is the same for everybody, and says nothing of anybody
 */
export type RecordedAs = 'gathered' | 'written' | 'in the log' | 'nothing';

export interface RouteRule {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** As the description at /openapi.json has it. */
  path: string;
  /** Absent: for everybody, without a key. On a log of the server's own it takes another one: see roles.ts. */
  right?: Right;
  recorded: RecordedAs;
  /** The event's action; of what is written, the one of its success. */
  action?: string;
}

const log = '/api/v1/logs/{log}';

export const routeTable: readonly RouteRule[] = [
  { method: 'POST', path: `${log}/events`, right: 'events.append', recorded: 'in the log' },
  { method: 'GET', path: `${log}/events`, right: 'events.read', recorded: 'gathered', action: 'event.search' },
  { method: 'POST', path: `${log}/search`, right: 'events.read', recorded: 'gathered', action: 'event.search' },
  { method: 'GET', path: `${log}/events/{leaf}`, right: 'events.read', recorded: 'gathered', action: 'event.read' },
  { method: 'GET', path: `${log}/events/{leaf}/proof`, right: 'proof.read', recorded: 'gathered', action: 'event.prove' },
  { method: 'POST', path: `${log}/evidence`, right: 'evidence.export', recorded: 'written', action: 'evidence.export' },
  { method: 'POST', path: `${log}/export`, right: 'token.reveal', recorded: 'written', action: 'export.raw' },
  { method: 'GET', path: '/api/v1/logs', right: 'log.list', recorded: 'gathered', action: 'log.list' },
  { method: 'PUT', path: log, right: 'log.create', recorded: 'written', action: 'log.create' },
  { method: 'GET', path: '/api/v1/keys', right: 'key.manage', recorded: 'gathered', action: 'key.list' },
  { method: 'POST', path: '/api/v1/keys', right: 'key.manage', recorded: 'written', action: 'key.create' },
  { method: 'POST', path: '/api/v1/keys/{id}/rotate', right: 'key.manage', recorded: 'written', action: 'key.rotate' },
  { method: 'DELETE', path: '/api/v1/keys/{id}', right: 'key.manage', recorded: 'written', action: 'key.revoke' },
  { method: 'GET', path: '/api/v1/fields', right: 'field.read', recorded: 'gathered', action: 'field.list' },
  { method: 'POST', path: '/api/v1/fields/classify', right: 'field.classify', recorded: 'written', action: 'field.classify' },
  { method: 'GET', path: '/api/v1/forwarders', right: 'forwarder.read', recorded: 'gathered', action: 'forwarder.list' },
  { method: 'PUT', path: '/api/v1/forwarders/{name}', right: 'forwarder.set', recorded: 'written', action: 'forwarder.set' },
  { method: 'DELETE', path: '/api/v1/forwarders/{name}', right: 'forwarder.set', recorded: 'written', action: 'forwarder.remove' },
  { method: 'POST', path: '/api/v1/forwarders/{name}/resume', right: 'forwarder.set', recorded: 'written', action: 'forwarder.resume' },
  { method: 'GET', path: '/api/v1/holds', right: 'hold.read', recorded: 'gathered', action: 'hold.list' },
  { method: 'POST', path: '/api/v1/holds', right: 'hold.set', recorded: 'written', action: 'hold.set' },
  { method: 'POST', path: '/api/v1/holds/{name}/lift', right: 'hold.set', recorded: 'written', action: 'hold.lift' },
  { method: 'GET', path: '/api/v1/retention', right: 'retention.read', recorded: 'gathered', action: 'retention.show' },
  { method: 'GET', path: '/api/v1/retention/due', right: 'retention.read', recorded: 'gathered', action: 'retention.look' },
  { method: 'PUT', path: '/api/v1/retention', right: 'retention.change', recorded: 'written', action: 'retention.change' },
  { method: 'POST', path: '/api/v1/retention/run', right: 'retention.run', recorded: 'written', action: 'retention.run' },
  { method: 'POST', path: '/api/v1/subjects/erase', right: 'subject.erase', recorded: 'written', action: 'subject.erase' },
  { method: 'POST', path: '/api/v1/subjects/report', right: 'subject.report', recorded: 'written', action: 'subject.report' },
  { method: 'GET', path: '/api/v1/removals/{id}/certificate', right: 'subject.erase', recorded: 'gathered', action: 'removal.certify' },
  { method: 'POST', path: '/api/v1/values/redact', right: 'value.redact', recorded: 'written', action: 'value.redact' },
  { method: 'POST', path: '/api/v1/canary', right: 'canary.run', recorded: 'written', action: 'canary.run' },
  { method: 'POST', path: '/api/v1/requests', right: 'request.ask', recorded: 'written', action: 'request.ask' },
  { method: 'GET', path: '/api/v1/requests', right: 'request.read', recorded: 'gathered', action: 'request.list' },
  { method: 'GET', path: '/api/v1/requests/{id}', right: 'request.read', recorded: 'gathered', action: 'request.read' },
  { method: 'POST', path: '/api/v1/requests/{id}/approve', right: 'request.decide', recorded: 'written', action: 'request.approve' },
  { method: 'POST', path: '/api/v1/requests/{id}/deny', right: 'request.decide', recorded: 'written', action: 'request.deny' },
  { method: 'GET', path: '/api/v1/approvers', right: 'request.read', recorded: 'gathered', action: 'approver.list' },
  { method: 'POST', path: '/api/v1/approvers', right: 'key.manage', recorded: 'written', action: 'approver.enrol' },
  { method: 'POST', path: '/api/v1/approvers/{id}/remove', right: 'key.manage', recorded: 'written', action: 'approver.remove' },
  { method: 'POST', path: '/api/v1/backups', right: 'backup.make', recorded: 'written', action: 'backup.make' },
  { method: 'POST', path: '/api/v1/tokens/reveal', right: 'token.reveal', recorded: 'written', action: 'token.reveal' },
  { method: 'POST', path: '/api/v1/tokens/find', right: 'token.search', recorded: 'written', action: 'token.find' },
  { method: 'GET', path: '/api/v1/stops', right: 'stop.lift', recorded: 'gathered', action: 'stop.list' },
  { method: 'DELETE', path: '/api/v1/stops/{principal}', right: 'stop.lift', recorded: 'written', action: 'token.resume' },
  { method: 'GET', path: '/api/v1/secrets', right: 'key.manage', recorded: 'gathered', action: 'secret.list' },
  { method: 'POST', path: '/api/v1/secrets/rotate', right: 'key.manage', recorded: 'written', action: 'secret.rotate' },
  { method: 'POST', path: '/api/v1/secrets/destroy', right: 'key.manage', recorded: 'written', action: 'secret.destroy' },
  { method: 'GET', path: '/api/v1/alerts', right: 'alert.read', recorded: 'gathered', action: 'alert.list' },
  { method: 'GET', path: '/api/v1/alerts/rules', right: 'alert.read', recorded: 'gathered', action: 'alert.list-rules' },
  { method: 'POST', path: '/api/v1/alerts/{id}/acknowledge', right: 'alert.acknowledge', recorded: 'written', action: 'alert.acknowledge' },
  { method: 'GET', path: '/metrics', right: 'metrics.read', recorded: 'nothing' },
  { method: 'POST', path: '/api/v1/forks/{log}/acknowledge', right: 'log.create', recorded: 'written', action: 'witness.fork.acknowledge' },
  { method: 'GET', path: '/logs/{log}/checkpoint', recorded: 'nothing' },
  { method: 'GET', path: '/logs/{log}/checkpoint.witnessed', recorded: 'nothing' },
  { method: 'GET', path: '/logs/{log}/tile/{path}', recorded: 'nothing' },
  { method: 'GET', path: '/healthz', recorded: 'nothing' },
  { method: 'GET', path: '/readyz', recorded: 'nothing' },
  { method: 'GET', path: '/openapi.json', recorded: 'nothing' },
  { method: 'GET', path: '/approve', recorded: 'nothing' },
  { method: 'GET', path: '/approve/script.js', recorded: 'nothing' },
  { method: 'GET', path: '/approve/style.css', recorded: 'nothing' },
];

/**
 * The rule of a route as Fastify registers it. HEAD is as its GET.
 * @throws Error when the table has none: a mistake of ours, which keeps the server from starting
 */
export function ruleOf(method: string, url: string): RouteRule {
  const asked = method === 'HEAD' ? 'GET' : method;
  const path = openApiPath(url);
  const rule = routeTable.find((one) => one.method === asked && one.path === path);
  if (!rule) throw new Error(`${method} ${url} is missing from src/server/route-table.ts: say which right it takes and what is recorded of it`);
  return rule;
}

/** `/logs/:log/tile/*` as `/logs/{log}/tile/{path}`. */
function openApiPath(url: string): string {
  return url.replace('/*', '/{path}').replaceAll(/:(\w+)/g, '{$1}');
}
