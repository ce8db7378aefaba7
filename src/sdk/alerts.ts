/**
 * Alerts of a veiltrail server: which there are, which rules raise them, and that somebody has dealt with one. Takes a key of the role operator or
 * auditor. The shapes of answers are in the server's description at /openapi.json.
 */
import type { ClientOptions } from './client.ts';
import { type Call, openTransport, performCall } from './transport.ts';

type Facts = Record<string, unknown>;

/** Every method throws a `VeiltrailError`: `unreachable`, `unexpected_answer`, or the code of the server's problem. */
export interface AlertClient {
  /** Newest first, 1,000 at the most; `before` is the id of the last one of the answer before. */
  list(filter?: { state?: string; severity?: string; limit?: number; before?: string }): Promise<Facts[]>;
  show(id: string): Promise<Facts>;
  rules(): Promise<{ rules: Facts[]; disabled: string[] }>;
  /** Not by whoever made it happen. */
  acknowledge(id: string, why: { purpose: string; reference?: string }): Promise<Facts>;
}

/** @throws VeiltrailError `invalid_url` */
export function createAlertClient(options: ClientOptions): AlertClient {
  const transport = openTransport(options);
  const call = async (path: string, more: Partial<Call> = {}): Promise<Facts> =>
    (await (await performCall(transport, { method: 'GET', path, repeatable: true, ...more })).json()) as Facts;
  return {
    list: async ({ limit, ...filter } = {}) =>
      (await call('api/v1/alerts', { query: { ...filter, limit: limit === undefined ? undefined : String(limit) } }))['alerts'] as Facts[],
    show: async (id) => ((await call('api/v1/alerts', { query: { id } }))['alerts'] as Facts[])[0] as Facts,
    rules: async () => (await call('api/v1/alerts/rules')) as { rules: Facts[]; disabled: string[] },
    acknowledge: (id, why) =>
      call(`api/v1/alerts/${encodeURIComponent(id)}/acknowledge`, {
        method: 'POST',
        body: JSON.stringify(why),
        contentType: 'application/json',
        repeatable: false,
      }),
  };
}
