/**
 * Who may do what: one table. A right that is in no row is nobody's. Admin manages keys and logs and neither writes nor reads events, so that
 * whoever hands out access has none, and nobody who can write can also grant.
 *
 * Logs whose names begin with `_` are the server's own: nobody writes them from outside, and whoever keeps watch over the installation reads
 * them, not whoever reads events.
 *
 * Operator keeps the server running: figures about it, canaries through it, and nothing of what is in it. Operator and auditor deal with alerts:
 * those whom most alerts are about (who reveals, removes, grants) do not, and nobody with what they did themselves.
 *
 * Investigator asks to reveal and searches by real values; officer (for data protection) asks to erase, redact and hold, and reports to the
 * people whom the data is about; approver is the second person, who decides and asks for nothing: no role has both `request.decide` and a right
 * that may need a decision.
 */
import { VeiltrailError } from '../core/errors.ts';

export const rights = [
  'events.append',
  'events.read',
  'proof.read',
  'evidence.export',
  'log.list',
  'log.create',
  'key.manage',
  'system.read',
  'metrics.read',
  'field.read',
  'field.classify',
  'forwarder.read',
  'forwarder.set',
  'canary.run',
  'token.reveal',
  'token.search',
  'stop.lift',
  'subject.report',
  'subject.erase',
  'value.redact',
  'hold.read',
  'hold.set',
  'retention.read',
  'retention.change',
  'retention.run',
  'request.ask',
  'request.read',
  'request.decide',
  'backup.make',
  'alert.read',
  'alert.acknowledge',
] as const;
export type Right = (typeof rights)[number];

export const roles = ['writer', 'reader', 'auditor', 'investigator', 'officer', 'approver', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

/** What each is for, for people. */
export const roleMeanings: Readonly<Record<Role, string>> = {
  writer: 'an application: appends events and reads nothing',
  reader: 'reads, searches and proves events, exports evidence of them',
  auditor: 'proves events, exports evidence (for an audience and a purpose, on record), reads what the server did (_system)',
  investigator: 'reads events, searches by real values, asks to reveal what is behind tokens',
  officer: 'for data protection: erases, redacts, holds, sets retention, reports to those whom the data is about',
  approver: 'the second person: decides on requests with a key of their own, and asks for nothing',
  operator: 'keeps the server running: figures, alerts, canaries, backups, and nothing of what is in it',
  admin: 'manages keys, logs and fields, reads what the server did (_system); neither reads, writes nor reveals events',
};

export const rightsOf: Readonly<Record<Role, readonly Right[]>> = {
  writer: ['events.append'],
  reader: ['events.read', 'proof.read', 'evidence.export', 'log.list'],
  auditor: [
    'proof.read',
    'evidence.export',
    'log.list',
    'system.read',
    'canary.run',
    'field.read',
    'forwarder.read',
    'request.read',
    'hold.read',
    'retention.read',
    'alert.read',
    'alert.acknowledge',
  ],
  investigator: ['events.read', 'proof.read', 'evidence.export', 'log.list', 'token.search', 'token.reveal', 'request.ask', 'request.read'],
  officer: [
    'proof.read',
    'log.list',
    'field.read',
    'subject.report',
    'subject.erase',
    'value.redact',
    'hold.read',
    'hold.set',
    'retention.read',
    'retention.change',
    'retention.run',
    'request.ask',
    'request.read',
  ],
  approver: ['log.list', 'stop.lift', 'hold.read', 'retention.read', 'request.read', 'request.decide'],
  operator: ['metrics.read', 'canary.run', 'backup.make', 'forwarder.read', 'alert.read', 'alert.acknowledge'],
  admin: [
    'log.list',
    'log.create',
    'key.manage',
    'system.read',
    'field.read',
    'field.classify',
    'forwarder.read',
    'forwarder.set',
    'canary.run',
    'stop.lift',
    'hold.read',
    'retention.read',
    'request.ask',
    'request.read',
  ],
};

/** What a right on one of the server's own logs takes; the others are nobody's. (Whoever may make logs is told that the name is taken.) */
const systemRights: Readonly<Partial<Record<Right, Right>>> = {
  'events.read': 'system.read',
  'proof.read': 'system.read',
  'evidence.export': 'system.read',
  'log.list': 'system.read',
  'log.create': 'log.create',
};

export function isSystemLog(log: string): boolean {
  return log.startsWith('_');
}

/** Rights on a log by its name. All others, those to come as well, are about the installation, and not for a key of some logs. */
const ofLogs: ReadonlySet<Right> = new Set<Right>(['events.append', 'events.read', 'proof.read', 'evidence.export', 'system.read', 'log.list']);

/** Whoever was recognised by a key or a token. */
export interface Principal {
  /** The key's public id, or `oidc:` and a keyed digest of issuer and subject: it names somebody in records and lists, and opens nothing. */
  id: string;
  role: Role;
  /** Names of the logs the principal is good for; absent: all. */
  logs?: readonly string[];
  /** Members of records that are left out of what is read: see hidden-members.ts. */
  hides?: readonly string[];
  /** Whose it is, if that is known: see person.ts. Two principals of one owner are one person. */
  owner?: string;
}

/** Roles that have a right, on a log of the server's own where `log` is one. */
export function rolesWith(right: Right, log?: string): readonly Role[] {
  const needed = log !== undefined && isSystemLog(log) ? systemRights[right] : right;
  return needed === undefined ? [] : roles.filter((role) => rightsOf[role].includes(needed));
}

/** Whether a principal has a right, on a log where the right is about one. */
export function mayDo({ role, logs }: Principal, right: Right, log?: string): boolean {
  const needed = log !== undefined && isSystemLog(log) ? systemRights[right] : right;
  if (needed === undefined || !rightsOf[role].includes(needed)) return false;
  if (logs === undefined) return true;
  // A key for some logs has no say over the installation: creating logs and keys would widen it, figures and fields are of all logs.
  if (!ofLogs.has(right)) return false;
  return log === undefined ? right === 'log.list' : logs.includes(log);
}

/**
 * The words name the right that is missing and the roles that have it, and do not say whether the log exists.
 * @throws VeiltrailError `forbidden`
 */
export function authorize(principal: Principal, right: Right, log?: string): void {
  if (!mayDo(principal, right, log)) throw new VeiltrailError('forbidden', refusalOf(principal, right, log), { right });
}

function refusalOf({ role, logs }: Principal, right: Right, log: string | undefined): string {
  const able = rolesWith(right, log);
  const what = log !== undefined && isSystemLog(log) ? `${systemRights[right] ?? right}, which the server's own logs take` : right;
  if (able.includes(role) && logs !== undefined)
    return !ofLogs.has(right)
      ? `the role ${role} has the right ${what}, but this key is for some logs only, and that right is about the whole installation`
      : `the role ${role} has the right ${what}, but this key is for other logs`;
  const others = able.length === 0 ? 'and nobody has it' : able.length === 1 ? `the role ${able[0]} has` : `the roles ${listed(able)} have`;
  return `this takes the right ${what}; the role ${role} does not have it, ${others}`;
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
