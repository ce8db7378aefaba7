/**
 * Requests for a second person, at a veiltrail server: asking, deciding, and who may decide. Signatures are made by whoever has the approver's
 * key, from what `verify` exports; nothing here sees one.
 *
 * The shapes of requests and answers are in the server's description at /openapi.json.
 */
import type { ClientOptions } from './client.ts';
import { type Call, openTransport, performCall } from './transport.ts';

type Facts = Record<string, unknown>;

/** Every method throws a `VeiltrailError`: `unreachable`, `unexpected_answer`, or the code of the server's problem. */
export interface RequestClient {
  ask(request: { action: string; detail: Facts; purpose: string; reference?: string }): Promise<Facts>;
  /** Newest first, 1,000 at the most. */
  list(filter?: { state?: string }): Promise<Facts[]>;
  show(id: string): Promise<Facts>;
  /** With an `Approval` of that decision. */
  decide(id: string, decision: 'approve' | 'deny', approval: Facts): Promise<Facts>;
  approvers(): Promise<{ mode: string; approvers: Facts[] }>;
  /** Takes a key of the role admin. */
  enrol(enrolment: { card: Facts; owner: string; name?: string; request?: string; purpose?: string; reference?: string }): Promise<Facts>;
  /** Takes a key of the role admin. */
  remove(id: string, why: { request?: string; purpose?: string; reference?: string }): Promise<Facts>;
}

/** @throws VeiltrailError `invalid_url` */
export function createRequestClient(options: ClientOptions): RequestClient {
  const transport = openTransport(options);
  const call = async (path: string, more: Partial<Call>): Promise<Facts> =>
    (await (await performCall(transport, { method: 'GET', path, repeatable: true, ...more })).json()) as Facts;
  const post = (path: string, body: Facts): Promise<Facts> =>
    call(path, { method: 'POST', body: JSON.stringify(body), contentType: 'application/json', repeatable: false });
  return {
    ask: (request) => post('api/v1/requests', request),
    list: async ({ state } = {}) => (await call('api/v1/requests', { query: { state } }))['requests'] as Facts[],
    show: (id) => call(`api/v1/requests/${encodeURIComponent(id)}`, {}),
    decide: (id, decision, approval) => post(`api/v1/requests/${encodeURIComponent(id)}/${decision}`, { approval }),
    approvers: async () => (await call('api/v1/approvers', {})) as { mode: string; approvers: Facts[] },
    enrol: (enrolment) => post('api/v1/approvers', enrolment),
    remove: (id, why) => post(`api/v1/approvers/${encodeURIComponent(id)}/remove`, why),
  };
}
