/**
 * HTTP(S): each batch is one POST, NDJSON (`application/x-ndjson`) or a batch of CloudEvents (`application/cloudevents-batch+json`). A 2xx confirms
 * it. 408, 425, 429 and 5xx are for now; everything else is for good: another 4xx, and a redirect, which is not followed, because the records were
 * not meant to go wherever it leads.
 *
 * `Idempotency-Key` names log and leaves, `Veiltrail-Forwarded` the origin of the log: a server that has that log itself takes nothing of it. With a signing secret: `Veiltrail-Signature: t=<seconds since 1970>,v1=<hex>`, the HMAC-SHA-256 under the
 * secret of `<t>.` and the body as it is sent.
 */
import { createHmac } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Clock } from '../core/clock.ts';
import { connectionError, DeliveryError, type Destination, type Item, type OutgoingBatch } from './destination.ts';
import { checkHost, guardedLookup, meantAddresses } from './guarded-lookup.ts';
import type { Secrets } from './secrets.ts';
import { forwardedHeader } from './forwarded-header.ts';
import type { ForwardFormat, HttpSetting } from './setting.ts';

const zip = promisify(gzip);
/** Of an answer; what it says is not read. */
const answerBytesMax = 65_536;
const retryAfterMsMax = 3_600_000;
const passing = new Set([408, 425, 429]);

export function createHttpDestination(
  setting: HttpSetting,
  format: ForwardFormat,
  { secrets, clock }: { secrets: Secrets; clock: Clock },
): Destination {
  const url = new URL(setting.url);
  const isSecure = url.protocol === 'https:';
  const meant = meantAddresses({ isPrivateMeant: setting.private, isSecure });
  const options = { keepAlive: true, maxSockets: 4, scheduling: 'fifo' } as const;
  const agent = isSecure ? new HttpsAgent({ ...options, minVersion: 'TLSv1.2' }) : new HttpAgent(options);
  /** The last batch, packed: it may be sent again. */
  let packed: { batch: OutgoingBatch; body: Buffer } | undefined;

  const headersFor = (batch: OutgoingBatch, body: Buffer): Record<string, string> => {
    const headers: Record<string, string> = {
      'content-type': format === 'cloudevents' ? 'application/cloudevents-batch+json' : 'application/x-ndjson',
      'content-length': String(body.length),
      'user-agent': 'veiltrail',
      [forwardedHeader]: batch.origin,
      'idempotency-key': `${batch.origin}/${batch.items[0]?.leafIndex}-${batch.items.at(-1)?.leafIndex}`,
    };
    if (setting.gzip) headers['content-encoding'] = 'gzip';
    if (setting.secret !== undefined) {
      const secret = secrets(setting.secret);
      headers[setting.header ?? 'authorization'] = setting.header === undefined ? `Bearer ${secret}` : secret;
    }
    if (setting.signingSecret !== undefined) {
      const t = Math.floor(clock.now() / 1_000);
      const mac = createHmac('sha256', secrets(setting.signingSecret)).update(`${t}.`).update(body).digest('hex');
      headers['veiltrail-signature'] = `t=${t},v1=${mac}`;
    }
    return headers;
  };

  return {
    async send(batch, signal) {
      checkHost(url.hostname, meant);
      if (packed?.batch !== batch) {
        const plain = Buffer.from(bodyOf(batch.items, format));
        packed = { batch, body: setting.gzip ? await zip(plain) : plain };
      }
      const { body } = packed;
      const request: RequestOptions = {
        method: 'POST',
        agent,
        headers: headersFor(batch, body),
        lookup: guardedLookup(meant),
        signal: AbortSignal.any([signal, AbortSignal.timeout(setting.timeoutMs)]),
        ...(setting.ca === undefined ? {} : { ca: setting.ca }),
      };
      try {
        judge(await postOnce(url, request, body, isSecure), clock.now());
      } catch (error) {
        throw connectionError(error);
      }
      packed = undefined;
    },
    forget() {
      packed = undefined;
    },
    close() {
      packed = undefined;
      agent.destroy();
    },
  };
}

function bodyOf(items: readonly Item[], format: ForwardFormat): string {
  if (format === 'cloudevents') return `[${items.map(({ json }) => json).join(',')}]`;
  return items.map(({ json }) => `${json}\n`).join('');
}

interface Answer {
  status: number;
  retryAfter: string | undefined;
}

/** A connection that was kept may have been closed by the receiver just now: then the request is made once more, on a new one. */
async function postOnce(url: URL, options: RequestOptions, body: Buffer, isSecure: boolean): Promise<Answer> {
  try {
    return await post(url, options, body, isSecure);
  } catch (error) {
    if (!(error instanceof ReusedSocketReset)) throw error;
    return post(url, { ...options, agent: false }, body, isSecure);
  }
}

class ReusedSocketReset extends Error {}

function post(url: URL, options: RequestOptions, body: Buffer, isSecure: boolean): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = (isSecure ? httpsRequest : httpRequest)(url, options, (response) => {
      let bytes = 0;
      response.on('data', (data: Buffer) => {
        bytes += data.length;
        if (bytes > answerBytesMax) response.destroy();
      });
      response.on('error', () => undefined); // the status counts
      response.on('close', () => resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] }));
    });
    request.on('error', (error: NodeJS.ErrnoException) =>
      reject(request.reusedSocket && error.code === 'ECONNRESET' ? new ReusedSocketReset('', { cause: error }) : error),
    );
    request.end(body);
  });
}

/** @throws DeliveryError unless the batch was taken */
function judge({ status, retryAfter }: Answer, nowMs: number): void {
  if (status >= 200 && status < 300) return;
  const isFinal = status < 500 && !passing.has(status);
  throw new DeliveryError(`http_${status}`, { isFinal, retryAfterMs: retryAfterOf(retryAfter, nowMs) });
}

/** RFC 9110, 10.2.3: seconds, or a date. */
function retryAfterOf(text: string | undefined, nowMs: number): number {
  if (text === undefined) return 0;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), retryAfterMsMax) : 0;
}
