/** The public files of a log at a URL, read by somebody who believes nobody there: not even the words in which a server says that it cannot answer. */
import { VeiltrailError } from '../core/errors.ts';
import type { RetryOptions } from '../sdk/retry.ts';
import { createClient } from '../sdk/client.ts';
import { type TileSource, witnessedPath } from '../storage/tile-store.ts';

/** Of one try; files are small. */
const tryMs = 20_000;
/** After the first: some seconds in all where nobody is there, and a minute and a half where somebody is who says nothing. */
const retriesMax = 3;

/**
 * The static files of a log at a URL: `https://host` (the log by its name, as our server has them) or `https://host/…/logs/name`.
 * Reading throws a VeiltrailError that names the file: `unreachable` where there is no answer, or that of a server that is down or overloaded (429, 502,
 * 503, 504); `redirected`; `unexpected_answer` for any other refusal.
 */
export function openUrlTileSource(url: string, retry: Partial<RetryOptions> = {}): TileSource {
  const match = /^(.*)\/logs\/([^/]+)\/?$/.exec(url);
  const client = createClient({ url: match?.[1] ?? url, timeoutMs: tryMs, retry: { retriesMax, ...retry } });
  const readFrom = async (log: string, path: string): Promise<Uint8Array | undefined> => {
    if (path !== 'checkpoint' && path !== witnessedPath) return client.fetchTile(path, { log });
    const checkpoint = await (path === witnessedPath ? client.witnessedCheckpoint({ log }) : client.checkpoint({ log }));
    return checkpoint === undefined ? undefined : Buffer.from(checkpoint);
  };
  return {
    async read(log, path) {
      try {
        return await readFrom(match ? decodeURIComponent(match[2] as string) : log, path);
      } catch (error) {
        if (!(error instanceof VeiltrailError)) throw error;
        return absentOr(error, path);
      }
    },
  };
}

/** Whoever is down, or has too much to do, or whoever stands before them. */
const away: ReadonlySet<unknown> = new Set([429, 502, 503, 504]);

/** Nothing where the file is not there. @throws VeiltrailError in our words: a server that could choose them would choose what is taken for silence */
function absentOr(error: VeiltrailError, path: string): undefined {
  const { status } = error.detail;
  const fail = (code: string, message: string): never => {
    throw new VeiltrailError(code, message, { where: path }, { cause: error });
  };
  if (status === undefined) {
    if (error.code === 'unreachable' || error.code === 'redirected') fail(error.code, `${path}: ${error.message}`);
    throw error;
  }
  if (status === 404) return undefined;
  if (away.has(status)) fail('unreachable', `${path}: the server is away, it answers HTTP ${status}`);
  return fail('unexpected_answer', `${path}: the server does not give it, it answers HTTP ${status}`);
}
