/**
 * What a data protection officer asks of a veiltrail server: holds, retention, erasure, redaction, reports. Removing takes `dryRun: false`, and
 * may take a second person: then `approval_needed` names the request that was made, and the same call with `request` does it once it is approved.
 *
 * The shapes of requests and answers are in the server's description at /openapi.json.
 */
import type { ClientOptions } from './client.ts';
import { openTransport, performCall } from './transport.ts';

type Facts = Record<string, unknown>;

/** Every method throws a `VeiltrailError`: `unreachable`, `unexpected_answer`, or the code of the server's problem. */
export interface DataProtectionClient {
  /** Holds, those lifted too, newest first. */
  holds(): Promise<Facts[]>;
  setHold(hold: Facts): Promise<Facts>;
  liftHold(name: string, why: Facts): Promise<Facts>;
  retention(): Promise<Facts>;
  /** What retention would let go now. */
  dueRecords(): Promise<Facts>;
  applyRetention(table: Facts): Promise<Facts>;
  runRetention(): Promise<Facts>;
  eraseSubject(request: Facts): Promise<Facts>;
  redactValues(request: Facts): Promise<Facts>;
  /** The text of a certificate's file. */
  certificateOf(removal: string): Promise<string>;
  /** JSON, or the page as text. */
  reportSubject(request: Facts): Promise<string>;
}

/** Whole logs may have to be read. */
const timeoutMs = 600_000;

/** @throws VeiltrailError `invalid_url` */
export function createDataProtectionClient(options: ClientOptions): DataProtectionClient {
  const transport = openTransport(options, { timeoutMs });
  const get = async (path: string): Promise<Facts> =>
    (await (await performCall(transport, { method: 'GET', path, repeatable: true })).json()) as Facts;
  const send = (method: 'POST' | 'PUT', path: string, body?: Facts): Promise<Response> =>
    performCall(transport, {
      method,
      path,
      ...(body === undefined ? {} : { body: JSON.stringify(body), contentType: 'application/json' }),
      repeatable: false,
    });
  const post = async (path: string, body?: Facts): Promise<Facts> => (await (await send('POST', path, body)).json()) as Facts;
  return {
    holds: async () => (await get('api/v1/holds'))['holds'] as Facts[],
    setHold: (hold) => post('api/v1/holds', hold),
    liftHold: (name, why) => post(`api/v1/holds/${encodeURIComponent(name)}/lift`, why),
    retention: () => get('api/v1/retention'),
    dueRecords: () => get('api/v1/retention/due'),
    applyRetention: async (table) => (await (await send('PUT', 'api/v1/retention', table)).json()) as Facts,
    runRetention: () => post('api/v1/retention/run'),
    eraseSubject: (request) => post('api/v1/subjects/erase', request),
    redactValues: (request) => post('api/v1/values/redact', request),
    certificateOf: async (removal) =>
      (await performCall(transport, { method: 'GET', path: `api/v1/removals/${encodeURIComponent(removal)}/certificate`, repeatable: true })).text(),
    reportSubject: async (request) => (await send('POST', 'api/v1/subjects/report', request)).text(),
  };
}
