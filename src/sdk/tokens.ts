/**
 * What an investigator asks of a veiltrail server: what tokens stand for, what stands for values, and events by real values; and what an admin
 * asks about secrets and stops. Values travel in bodies, never in URLs. Refused attempts are on record, so none is made twice by itself.
 */
import { VeiltrailError } from '../core/errors.ts';
import type { RevealedToken } from '../verify/token-opening.ts';
import type { ClientOptions, SearchOptions, SearchResult } from './client.ts';
import { openTransport, performCall } from './transport.ts';

/** Why somebody looks something up. */
export interface LookUpReasons {
  /** 1 to 500 characters. */
  purpose?: string;
  /** Of a case, a ticket, a court order: 1 to 200 characters. */
  reference?: string;
}

export interface RevealReasons extends LookUpReasons {
  /** The request that a second person approved. */
  request?: string;
}

/** What stands for a value. */
export interface FoundPseudonyms {
  kind: string;
  tokens: { token: string; scope: string }[];
  hashes: string[];
  sha256: string;
}

/** Somebody who was stopped for looking up too many different things. */
export interface LookUpStop {
  principal: string;
  use: 'reveal' | 'search';
  since: string;
  until: string;
  count: number;
  window: 'hour' | 'day';
}

/** A version of a secret of the keyring; never the secret. */
export interface SecretVersion {
  purpose: string;
  version: number;
  state: 'newest' | 'replaced' | 'kept';
}

export interface ValueSearchResult extends SearchResult {
  /** The tokens that stand for the real values of the query. */
  lookedUp?: { kind: string; pseudonyms: string[] }[];
  /** The query has real values, and this key may not search by those: they were taken for texts, which no record has. */
  notSought?: { kinds: string[]; right: string; roles: string[] };
}

/** See `POST …/export` in the API's description. */
export interface RawExportAsked extends RevealReasons {
  /** [`default`] */
  log?: string;
  /** Which events [all]. */
  query?: string;
  /** RFC 3339, of the event's own time: from this on, and before that. */
  since?: string;
  until?: string;
  /** The newest so many, 1 to 100,000. */
  limit?: number;
  /** For whom. */
  audience?: string;
}

/** Every method throws a `VeiltrailError`: `unreachable`, `unexpected_answer`, or the code of the server's problem. */
export interface TokenClient {
  /** Several tokens at once take a second person, where there is one. `verifyRevealed` of `veiltrail/verify` checks the answer. */
  reveal(tokens: readonly string[], reasons: RevealReasons): Promise<{ tokens: RevealedToken[]; missing: string[] }>;
  find(kind: string, value: string, reasons?: LookUpReasons): Promise<FoundPseudonyms>;
  /** With a query that no URL should hold: `email:"jane@example.com"`. */
  search(options: SearchOptions & LookUpReasons): Promise<ValueSearchResult>;
  /**
   * Events with the values behind their tokens, as the lines of a file (docs/reference/raw-export.md), as they come. It takes a second person, where
   * there is one. A file whose last line is not `{"end":true,…}` was cut short.
   */
  exportRaw(asked: RawExportAsked, options?: { signal?: AbortSignal }): Promise<ReadableStream<Uint8Array>>;
  stops(): Promise<LookUpStop[]>;
  /** Lets somebody go on. */
  lift(principal: string): Promise<LookUpStop[]>;
  secrets(): Promise<SecretVersion[]>;
  rotate(purpose: string, reasons?: LookUpReasons): Promise<SecretVersion>;
  /** Destroys an older version of the pseudonym key, for good. */
  destroy(version: number, reasons: RevealReasons): Promise<SecretVersion[]>;
}

const exportTimeoutMs = 600_000;

/** @throws VeiltrailError `invalid_url` */
export function createTokenClient(options: ClientOptions): TokenClient {
  const transport = openTransport(options, { retriesMax: 0 });
  const call = async (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown> => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body), contentType: 'application/json' };
    return (await performCall(transport, { method, path, ...sent, repeatable: false })).json();
  };
  return {
    async reveal(tokens, reasons) {
      const [one] = tokens;
      if (tokens.length === 1)
        return { tokens: [(await call('POST', 'api/v1/tokens/reveal', { token: one, ...reasons })) as RevealedToken], missing: [] };
      return (await call('POST', 'api/v1/tokens/reveal', { tokens, ...reasons })) as { tokens: RevealedToken[]; missing: string[] };
    },
    find: async (kind, value, reasons = {}) => (await call('POST', 'api/v1/tokens/find', { kind, value, ...reasons })) as FoundPseudonyms,
    search: async ({ log = 'default', signal: _signal, ...search }) =>
      (await call('POST', `api/v1/logs/${encodeURIComponent(log)}/search`, search)) as ValueSearchResult,
    async exportRaw({ log = 'default', ...asked }, { signal } = {}) {
      const path = `api/v1/logs/${encodeURIComponent(log)}/export`;
      const body = JSON.stringify(asked);
      const call = { method: 'POST', path, body, contentType: 'application/json', repeatable: false, streams: true, signal } as const;
      // Everything is looked for before the answer begins.
      const response = await performCall({ ...transport, timeoutMs: options.timeoutMs ?? exportTimeoutMs }, call);
      if (!response.body) throw new VeiltrailError('unexpected_answer', 'the answer has no body');
      return response.body;
    },
    stops: async () => ((await call('GET', 'api/v1/stops')) as { stops: LookUpStop[] }).stops,
    lift: async (principal) => ((await call('DELETE', `api/v1/stops/${encodeURIComponent(principal)}`)) as { stops: LookUpStop[] }).stops,
    secrets: async () => ((await call('GET', 'api/v1/secrets')) as { secrets: SecretVersion[] }).secrets,
    rotate: async (purpose, { purpose: why, reference } = {}) =>
      (await call('POST', 'api/v1/secrets/rotate', { purpose, why, reference })) as SecretVersion,
    async destroy(version, { purpose, ...rest }) {
      const body = { purpose: 'pseudonym', version, why: purpose, ...rest };
      return ((await call('POST', 'api/v1/secrets/destroy', body)) as { secrets: SecretVersion[] }).secrets;
    },
  };
}
