/** Operations that may need two persons: who asks and why, and what comes of asking for permission. */
import type { JsonObject, JsonValue } from '../core/json.ts';
import { digestRequest } from '../verify/request.ts';
import type { Removal } from './remove-records.ts';
import type { Person, RequestAction, RequestDesk } from './requests.ts';

/** Whoever wants something that may need a second person. */
export interface AskedBy extends Person {
  role?: string;
  /** Why, in words; on record. */
  purpose: string;
  /** Of a case, a ticket, a court order. */
  reference?: string;
  /** The request that was approved for it. */
  request?: string;
}

/** What an operation that was permitted is permitted by; undefined where a single person may act. */
export type Permission = NonNullable<Removal['request']> | undefined;

/**
 * Asks for permission right before the operation; what comes back belongs into its event or tombstone. Where a request is needed and none is
 * named, one is made, and the refusal names it.
 * @throws VeiltrailError as `RequestDesk.permit`
 */
export async function permitOperation(
  desk: Pick<RequestDesk, 'permit'>,
  action: RequestAction,
  detail: JsonObject,
  { principal, owner, purpose, reference, request }: AskedBy,
): Promise<Permission> {
  const why = { purpose, ...(reference === undefined ? {} : { reference }) };
  const approvals = await desk.permit({
    action,
    detail,
    principal,
    ...(owner === undefined ? {} : { owner }),
    ...why,
    ...(request === undefined ? { ask: why } : { request }),
  });
  if (request === undefined || approvals.length === 0) return undefined;
  return { id: request, digest: digestRequest(action, detail), approvals: approvals as unknown as JsonValue[] };
}

/** How an event or a certificate says who permitted an operation. */
export function permissionFacts(permission: Permission): JsonObject {
  return permission === undefined ? { permitted: 'single-person' } : { permitted: 'two-persons', request: permission.id, digest: permission.digest };
}
