/** One request to a witness over HTTP: bounded in time and bytes, no redirects, no cookies. */
import { toHex, utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { sha256 } from '../core/sha256.ts';

export interface WitnessReply {
  status: number;
  /** The media type, without parameters. */
  type: string;
  body: string;
  /** `Retry-After`, where the witness names seconds. */
  retryAfterMs?: number;
}

/** Sends the body of an add-checkpoint request to the witness at a submission prefix. @throws VeiltrailError `witness_unreachable` */
export type AskWitness = (url: string, body: string) => Promise<WitnessReply>;

/** Room for signature lines, those of other types among them. */
const replyBytesMax = 65_536;

export function createAskWitness({ timeoutMs, fetch: ask = fetch }: { timeoutMs: number; fetch?: typeof fetch }): AskWitness {
  return async (url, body) => {
    try {
      const response = await ask(`${url.replace(/\/+$/, '')}/add-checkpoint`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        redirect: 'error',
        credentials: 'omit',
        signal: AbortSignal.timeout(timeoutMs),
      });
      const retryAfter = response.headers.get('retry-after');
      return {
        status: response.status,
        type: (response.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '',
        body: await readText(response),
        ...(retryAfter !== null && /^\d{1,5}$/.test(retryAfter) ? { retryAfterMs: Number(retryAfter) * 1_000 } : {}),
      };
    } catch (cause) {
      throw new VeiltrailError('witness_unreachable', 'the witness does not answer', {}, { cause });
    }
  };
}

/**
 * Fetches the checkpoint of a log that a witness holds (C2SP tlog-witness: `GET <prefix>/<hex SHA-256 of the origin>/checkpoint`). The policy file names the
 * prefix where checkpoints are submitted; a witness that shows them elsewhere has none here.
 */
export function createAskWitnessCheckpoint({ timeoutMs }: { timeoutMs: number }): (url: string, origin: string) => Promise<string | undefined> {
  return async (url, origin) => {
    try {
      const response = await fetch(`${url.replace(/\/+$/, '')}/${toHex(sha256(utf8(origin)))}/checkpoint`, {
        redirect: 'error',
        credentials: 'omit',
        signal: AbortSignal.timeout(timeoutMs),
      });
      const text = await readText(response);
      return response.status === 200 ? text : undefined;
    } catch (cause) {
      throw new VeiltrailError('witness_unreachable', 'the witness does not answer', {}, { cause });
    }
  };
}

/** @throws VeiltrailError `witness_policy` for a submission prefix that is none of HTTP, or holds a password */
export function checkWitnessUrl(name: string, text: string): void {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    url = undefined;
  }
  const http = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (!url || !http || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new VeiltrailError('witness_policy', `the URL of witness ${name} is not the submission prefix of a witness: http://… or https://…`);
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > replyBytesMax) throw new VeiltrailError('witness_answer', 'the witness answered too much');
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}
