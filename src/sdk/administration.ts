/**
 * What an admin and an operator ask of a veiltrail server: API keys, public keys of logs, forwarders, and that a backup goes on record. The text of a key is in
 * one answer only, that of the request which made it; so making one is not tried again by itself.
 */
import type { ClientOptions } from './client.ts';
import { type Call, openTransport, performCall } from './transport.ts';

type Facts = Record<string, unknown>;

export interface KeyWanted {
  role: string;
  logs?: readonly string[];
  /** RFC 3339. */
  expiresAt?: string;
  addresses?: readonly string[];
  hides?: readonly string[];
  owner?: string;
  name?: string;
  /** The request that a second person approved, or why one is asked for. */
  request?: string;
  purpose?: string;
  reference?: string;
}

/** Every method throws a `VeiltrailError`: `unreachable`, `unexpected_answer`, or the code of the server's problem. */
export interface AdministrationClient {
  /** All keys, the revoked and expired ones too; never their secrets. */
  keys(): Promise<Facts[]>;
  /** The answer's `key` is shown this once. */
  createKey(wanted: KeyWanted): Promise<Facts>;
  rotateKey(id: string, options?: { overlapHours?: number; request?: string; purpose?: string; reference?: string }): Promise<Facts>;
  revokeKey(id: string, options?: { purpose?: string; reference?: string }): Promise<Facts>;
  logs(): Promise<{ log: string; vkey: string }[]>;
  /** What leaves for other systems, and how far that is. */
  forwarders(): Promise<Facts[]>;
  /**
   * Sets a forwarder, in the place of the one of that name. May take a second person: then `approval_needed` names the request that was made, and
   * the same call with `request` does it once it is approved.
   */
  setForwarder(name: string, setting: Facts & { purpose: string; reference?: string; request?: string }): Promise<Facts>;
  removeForwarder(name: string): Promise<void>;
  /** Starts one again that its receiver refused. */
  resumeForwarder(name: string): Promise<Facts>;
  /** Puts on record that a backup is made; returns the checkpoint of `_system` under which that stands. Takes a key of the role operator. */
  recordBackup(backup: { parts: readonly ('state' | 'keys')[]; purpose?: string; reference?: string }): Promise<{ checkpoint: string }>;
}

/** @throws VeiltrailError `invalid_url` */
export function createAdministrationClient(options: ClientOptions): AdministrationClient {
  const transport = openTransport(options);
  const call = async (method: Call['method'], path: string, more: Partial<Call> = {}): Promise<Facts> =>
    (await (await performCall(transport, { method, path, repeatable: method === 'GET', ...more })).json()) as Facts;
  const post = (path: string, body: Facts): Promise<Facts> => call('POST', path, { body: JSON.stringify(body), contentType: 'application/json' });
  const keyPath = (id: string): string => `api/v1/keys/${encodeURIComponent(id)}`;
  const forwarderPath = (name: string): string => `api/v1/forwarders/${encodeURIComponent(name)}`;
  return {
    keys: async () => (await call('GET', 'api/v1/keys'))['keys'] as Facts[],
    createKey: (wanted) => post('api/v1/keys', { ...wanted }),
    rotateKey: (id, { overlapHours, request, purpose, reference } = {}) =>
      call('POST', `${keyPath(id)}/rotate`, {
        query: { overlapHours: overlapHours === undefined ? undefined : String(overlapHours), request },
        ...whyOf(purpose, reference),
      }),
    revokeKey: (id, { purpose, reference } = {}) => call('DELETE', keyPath(id), whyOf(purpose, reference)),
    logs: async () => (await call('GET', 'api/v1/logs'))['logs'] as { log: string; vkey: string }[],
    forwarders: async () => (await call('GET', 'api/v1/forwarders'))['forwarders'] as Facts[],
    setForwarder: (name, setting) => call('PUT', forwarderPath(name), { body: JSON.stringify(setting), contentType: 'application/json' }),
    removeForwarder: async (name) => void (await call('DELETE', forwarderPath(name))),
    resumeForwarder: (name) => call('POST', `${forwarderPath(name)}/resume`),
    recordBackup: async (backup) => (await post('api/v1/backups', { ...backup })) as { checkpoint: string },
  };
}

function whyOf(purpose: string | undefined, reference: string | undefined): Partial<Call> {
  if (purpose === undefined && reference === undefined) return {};
  return { body: JSON.stringify({ purpose, reference }), contentType: 'application/json' };
}
