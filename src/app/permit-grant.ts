/** Handing out rights: keys whose role sees, reveals, removes, decides or hands out itself take two where two are needed. */
import { type Right, rightsOf, type Role } from '../access/roles.ts';
import type { JsonObject } from '../core/json.ts';
import { approvedBy } from './request-events.ts';
import type { AskFor, Person, RequestDesk } from './requests.ts';

const weighty: ReadonlySet<Right> = new Set<Right>([
  'events.read',
  'system.read',
  'key.manage',
  'forwarder.set',
  'field.classify',
  'token.reveal',
  'token.search',
  'subject.report',
  'subject.erase',
  'value.redact',
  'hold.set',
  'retention.change',
  'request.decide',
  'backup.make',
]);

/** Whether a key of this role is a grant that may need a second person. */
export function isGrant(role: Role): boolean {
  return rightsOf[role].some((right) => weighty.has(right));
}

/**
 * To be called right before a key is made.
 * @param detail see `Keys.grantOf`; for a key in the place of another one, `{rotates}`
 * @returns what its event says of who approved it
 * @throws VeiltrailError as `RequestDesk.permit`
 */
export async function permitGrant(
  desk: Pick<RequestDesk, 'permit'>,
  role: Role,
  detail: JsonObject,
  by: Person & { request?: string; ask?: AskFor },
): Promise<JsonObject> {
  if (!isGrant(role)) return {};
  return approvedBy(await desk.permit({ ...by, action: 'key.create', detail }), by.request);
}
