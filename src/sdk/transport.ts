/** One request to the server, tried again where that is right, and its answer or a {@link VeiltrailError} with the problem's code. */
import { VeiltrailError } from '../core/errors.ts';
import type { ClientOptions } from './client.ts';
import { retryDefaults, sleep, waitBeforeRetry, type RetryOptions } from './retry.ts';

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Relative to the server's URL, without a slash before it. */
  path: string;
  query?: Record<string, string | undefined>;
  body?: Uint8Array<ArrayBuffer> | string;
  contentType?: string;
  /** Doing it twice does what doing it once does: it may be sent again although nobody knows whether it arrived. */
  repeatable: boolean;
  /** The tiles need no key, and a request without one needs no leave of the browser. */
  open?: boolean;
  signal?: AbortSignal | undefined;
  /** The answer is handed on as it comes; the time limit is for its beginning. */
  streams?: boolean;
}

export interface TransportOptions {
  url: URL;
  key: string | undefined;
  fetch: typeof fetch;
  timeoutMs: number;
  retry: RetryOptions;
}

/**
 * What a client's calls have in common.
 * @param defaults for what the options leave open: 60 s a try, and {@link retryDefaults}
 * @throws VeiltrailError `invalid_url`
 */
export function openTransport(options: ClientOptions, defaults: { timeoutMs?: number; retriesMax?: number } = {}): TransportOptions {
  const { timeoutMs = 60_000, ...retry } = defaults;
  return {
    url: parseServerUrl(options.url),
    key: options.key,
    // Called by its own name: browsers refuse a `fetch` that is a method of something else.
    fetch: options.fetch ?? ((...request: Parameters<typeof fetch>) => fetch(...request)),
    timeoutMs: options.timeoutMs ?? timeoutMs,
    retry: { ...retryDefaults, ...retry, ...options.retry },
  };
}

function parseServerUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text.endsWith('/') ? text : `${text}/`);
  } catch {
    throw new VeiltrailError('invalid_url', 'the URL of a server is http://… or https://…');
  }
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new VeiltrailError('invalid_url', 'the URL of a server is http://… or https://…, without user, query or fragment');
  }
  return url;
}

/** Performs a call. @throws VeiltrailError `unreachable`, `redirected`, or the code of the server's problem; the signal's reason when it was aborted */
export async function performCall(options: TransportOptions, call: Call): Promise<Response> {
  for (let tried = 1; ; tried++) {
    let response: Response | undefined;
    let failure: unknown;
    try {
      response = await send(options, call);
    } catch (error) {
      call.signal?.throwIfAborted();
      // What is our own word, and no failure of the way there, would be the same again.
      if (error instanceof VeiltrailError && error.code === 'redirected') throw error;
      failure = error;
    }
    if (response?.ok) return response;
    const refused = response && (await errorOf(response));
    const again = refused ? isForNow(refused, call) : call.repeatable;
    const waitMs = again ? waitBeforeRetry(tried, response?.headers.get('retry-after') ?? null, options.retry) : undefined;
    if (waitMs === undefined)
      throw refused ?? new VeiltrailError('unreachable', `the server at ${options.url.origin} does not answer`, {}, { cause: failure });
    await sleep(waitMs, call.signal);
  }
}

/** Refusals after which the request may have been done all the same. */
const perhapsDone = new Set(['not_published', 'not_witnessed', 'storage_failed']);

function isForNow({ code, detail }: VeiltrailError, { repeatable }: Call): boolean {
  return detail['status'] === 429 || (detail['status'] === 503 && (repeatable || !perhapsDone.has(code)));
}

/** The answer, all of it: one that is cut off counts as none. Of a stream its beginning: whoever reads it sees to its end. */
async function send({ url, key, fetch, timeoutMs }: TransportOptions, call: Call): Promise<Response> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(new DOMException('the server takes too long', 'TimeoutError')), timeoutMs);
  try {
    const response = await fetchAnswer({ url, key, fetch }, call, timeout.signal);
    if (response.type === 'opaqueredirect' || redirects.has(response.status)) throw await redirected(response, url);
    if (call.streams && response.ok) return response;
    const bytes = await response.arrayBuffer();
    return new Response(bytes.byteLength === 0 ? null : bytes, { status: response.status, headers: response.headers });
  } finally {
    clearTimeout(timer);
  }
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Of where it leads only what a person needs who gave the wrong URL; browsers do not say it. */
async function redirected(response: Response, url: URL): Promise<VeiltrailError> {
  await response.body?.cancel();
  const location = response.headers.get('location');
  const to = location !== null && URL.canParse(location, url.href) ? ` to ${new URL(location, url).origin}` : '';
  return new VeiltrailError('redirected', `the server at ${url.origin} redirects${to}, where nothing is sent: give the URL that it leads to`);
}

function fetchAnswer({ url, key, fetch }: Pick<TransportOptions, 'url' | 'key' | 'fetch'>, call: Call, timeout: AbortSignal): Promise<Response> {
  const target = new URL(call.path, url);
  for (const [name, value] of Object.entries(call.query ?? {})) if (value !== undefined) target.searchParams.set(name, value);
  const headers: Record<string, string> = {};
  if (key !== undefined && !call.open) headers['authorization'] = `Bearer ${key}`;
  if (call.contentType !== undefined) headers['content-type'] = call.contentType;
  return fetch(target, {
    method: call.method,
    headers,
    ...(call.body === undefined ? {} : { body: call.body }),
    // To wherever a redirect leads, the key was not meant to go.
    redirect: 'manual',
    credentials: 'omit',
    signal: call.signal ? AbortSignal.any([call.signal, timeout]) : timeout,
  });
}

async function errorOf(response: Response): Promise<VeiltrailError> {
  const { status } = response;
  let problem: unknown;
  try {
    problem = await response.json();
  } catch {
    problem = undefined;
  }
  const { code, title, detail } = (problem ?? {}) as Record<string, unknown>;
  // Something between us and the server may answer in its stead.
  if (typeof code !== 'string' || !/^[a-z][a-z0-9_]{0,63}$/.test(code))
    return new VeiltrailError('unexpected_answer', `the answer was HTTP ${status}, not veiltrail's`, { status });
  const message = typeof detail === 'string' ? detail : typeof title === 'string' ? title : code;
  return new VeiltrailError(code, message.slice(0, 500), { status });
}
