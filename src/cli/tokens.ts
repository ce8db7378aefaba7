/** What the commands about tokens, real values and secrets work on: a server, or a data directory. The same requests, the same answers. */
import { userInfo } from 'node:os';
import type { Trail } from '../app/trail.ts';
import { createTokenClient, type RawExportAsked, type TokenClient, type ValueSearchResult } from '../sdk/tokens.ts';
import { dataDirOf, readKey } from './connection.ts';
import { say } from './output.ts';
import { errorColors } from './colors.ts';
import { withTrailHere } from './trail-here.ts';

export interface TokenOptions {
  data?: string;
  url?: string;
  key?: string;
}

export interface Tokens extends Omit<TokenClient, 'exportRaw'> {
  /** The pieces of the file; whoever stops before its end says so with `return`, or by the signal. */
  exportRaw(asked: RawExportAsked, signal: AbortSignal): Promise<AsyncIterable<Uint8Array | string>>;
  /** Resolves when what a rotation began is done; on a server it goes on by itself. */
  idle(): Promise<void>;
}

/** Uses what the options name, and closes it again. */
export async function withTokens<T>(options: TokenOptions, use: (tokens: Tokens) => Promise<T>): Promise<T> {
  if (options.url !== undefined) {
    const client = createTokenClient({ url: options.url, key: readKey(options.key) });
    return use({ ...client, exportRaw: (asked, signal) => client.exportRaw(asked, { signal }), idle: () => Promise.resolve() });
  }
  const onAlert = (line: string): void => say(`${errorColors.yellow('alert')} ${line}`);
  const useHere = ({ lookUps, rotation }: Trail): Promise<T> => {
    const by = { principal: localPrincipal() };
    return use({
      reveal: (tokens, reasons) => lookUps.reveal({ tokens, ...reasons, ...by }),
      find: async (kind, value, reasons) => ({ kind, ...(await lookUps.find({ kind, value, ...reasons, ...by })) }),
      search: async ({ log = 'default', signal: _signal, ...search }) => (await lookUps.search(log, search, by)) as unknown as ValueSearchResult,
      exportRaw: async ({ log = 'default', ...asked }) => (await lookUps.exportRaw({ log, ...asked, ...by })).text,
      stops: async () => lookUps.stops(),
      lift: (principal) => lookUps.lift(principal, by),
      secrets: async () => rotation.list(),
      rotate: (purpose, reasons = {}) => rotation.rotate(purpose, { ...reasons, ...by }),
      async destroy(version, { purpose = '', ...rest }) {
        await rotation.destroy('pseudonym', version, { ...rest, ...by, purpose });
        return rotation.list();
      },
      idle: () => rotation.idle(),
    });
  };
  return withTrailHere(dataDirOf(options), useHere, { onAlert });
}

/** Whoever works on the data directory itself. */
export function localPrincipal(): string {
  return `local:${userInfo().username}`;
}
