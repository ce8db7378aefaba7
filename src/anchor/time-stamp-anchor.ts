/**
 * A time-stamp authority (RFC 3161, over HTTP: RFC 3161, 3.4): it signs that the checkpoint was there at a time. Nothing is kept elsewhere; the token
 * is the proof, and is verified without asking anybody.
 * Proof: {"token": base64 of the DER, "time", "serial", "authority"}
 */
import { decodeBase64, encodeBase64 } from '../core/base64.ts';
import { utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import { sha256 } from '../core/sha256.ts';
import { type AnchorTarget, failed, proofText } from './anchor.ts';
import { formatTimeStampRequest, readTimeStampResponse, tokenBytesMax, verifyTimeStamp } from './time-stamp.ts';

export interface TimeStampSettings {
  name: string;
  everyMs: number;
  url: string;
  /** PEM: who is trusted to say what time it is. */
  trusted: string;
  timeoutMs?: number;
}

const nonceBytes = 16;

export function createTimeStampTarget({ name, everyMs, url, trusted, timeoutMs = 30_000 }: TimeStampSettings, random: Random): AnchorTarget {
  return {
    name,
    kind: 'rfc3161',
    everyMs,
    isBeacon: true,
    async put({ checkpoint }) {
      const message = utf8(checkpoint);
      const nonce = random.bytes(nonceBytes);
      try {
        const token = readTimeStampResponse(await ask(formatTimeStampRequest(sha256(message), nonce)));
        const { time, serial, authority } = verifyTimeStamp(token, { message, nonce, trusted });
        return { token: encodeBase64(token), time: time.toISOString(), serial, authority };
      } catch (cause) {
        throw failed(name, reasonOf(cause as Error), cause);
      }
    },
    async check({ checkpoint, proof }) {
      try {
        const token = decodeBase64(proofText(proof, 'token'));
        const { time, accuracyMs, authority } = verifyTimeStamp(token, { message: utf8(checkpoint), trusted });
        const offBy = (ms: number): string => new Date(time.getTime() + ms).toISOString();
        // The authority's signature is in it, which nobody could know before.
        return {
          ok: true,
          detail: `${authority} says that it was there at ${time.toISOString()}`,
          provedAt: offBy(accuracyMs),
          notBefore: offBy(-accuracyMs),
        };
      } catch (error) {
        if (error instanceof VeiltrailError) return { ok: false, detail: error.message };
        throw error;
      }
    },
  };

  async function ask(request: Uint8Array): Promise<Uint8Array> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/timestamp-query' },
      body: Uint8Array.from(request),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status !== 200 || response.headers.get('content-type')?.split(';')[0] !== 'application/timestamp-reply')
      throw new VeiltrailError('time_stamp_refused', `the time-stamp authority answers with ${response.status}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (bytes.length > tokenBytesMax) throw new VeiltrailError('time_stamp_syntax', 'an answer that is too long');
    return bytes;
  }
}

function reasonOf(cause: Error): string {
  const isUnread = cause instanceof VeiltrailError && (cause.code === 'time_stamp_syntax' || cause.code === 'time_stamp_unsupported');
  return isUnread ? `the authority’s time stamp is of a form that nobody could verify in evidence (${cause.message})` : cause.message;
}
