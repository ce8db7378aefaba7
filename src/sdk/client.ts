/**
 * What a program does with a veiltrail server: append, search, read, prove, and fetch the log itself.
 *
 * Events without an id get one here, so that a request that is sent again because its answer was lost appends nothing twice.
 *
 * @example
 * ```ts
 * const client = createClient({ url: 'http://127.0.0.1:7420', key });
 * await client.append([{ action: 'customer.read', actor: { type: 'user', id: 'u-1' } }]);
 * ```
 */
import { toHex } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { systemRandom } from '../core/random.ts';
import { CheckpointMemory, type CheckpointStore, createCheckpointStore, isMemoryAlarm } from './checkpoint-memory.ts';
import type { RetryOptions } from './retry.ts';
import { openTransport, performCall, type Call } from './transport.ts';

export interface ClientOptions {
  /** Where the server is; a path is kept (`https://host/audit`). */
  url: string;
  /** An API key. Without one only what is open can be had: checkpoints and tiles. */
  key?: string;
  /** Of one try, its answer included [60,000]. */
  timeoutMs?: number;
  retry?: Partial<RetryOptions>;
  /**
   * Where the newest checkpoint of each log is remembered, which the next one must have grown from [in memory, as long as the client is there];
   * `false`: nowhere.
   */
  checkpoints?: CheckpointStore | false;
  /** Another `fetch` than the global one. */
  fetch?: typeof fetch;
}

export interface Receipt {
  id: string;
  leafIndex: number;
  duplicate: boolean;
  /** Why the event is not stored, and a stub stands for it. */
  stub?: string;
  /** C2SP tlog-proof, where it was asked for. */
  proof?: string;
}

export interface AppendResult {
  /** One for each event, in their order. */
  receipts: Receipt[];
  treeSize: number;
  /** Covers all the events. */
  checkpoint: string;
}

export interface AppendOptions {
  /** [`default`] */
  log?: string;
  proof?: boolean;
  signal?: AbortSignal;
}

export interface AppendBodyOptions extends AppendOptions {
  contentType?: string;
  format?: string;
  /** With `content`, events without an id are told apart by what is in them. */
  dedupe?: 'id' | 'content';
  conflict?: 'refuse' | 'append';
  /** See `POST …/events` in the API's description. */
  repeats?: ReadonlyMap<number, number>;
}

export interface EvidenceAsked {
  /** For whom, and why. */
  audience: string;
  purpose: string;
  /** Who asks, in their words. */
  name?: string;
  /** Which events are shown; without it all of the range. */
  query?: string;
  since?: string;
  until?: string;
  /** The leaves to account for, `to` not included. [from the first event found to the last one] */
  range?: { from: number; to: number };
  /** Account for the events found and for no leaf between them. */
  sparse?: boolean;
  /** Pointers of the fields to show. [all] */
  fields?: readonly string[];
  policyText?: boolean;
  /** A checkpoint that the audience keeps. */
  earlier?: string;
}

export interface FoundEvent {
  leafIndex: number;
  record: Record<string, unknown>;
  /** Values that were redacted since: where they stood, unless that was personal too, and the leaf that says why. */
  redacted?: { pointer?: string; tombstone: number }[];
  /** Values that were withheld, of fields that somebody has classified since. */
  restored?: RestoredValue[];
  /** Members that were left out, because the key does not get to see them. */
  hidden?: string[];
}

export interface RestoredValue {
  /** Of the field in the record. */
  pointer: string;
  token: string;
  value?: string | number | boolean;
  removed?: true;
  /** What the token commits to, where the value is shown as it was sent; `r` is base64. */
  opening?: { kind: string; origin: string; canonical: string; r: string };
}

export interface SearchOptions {
  log?: string;
  q?: string;
  /** RFC 3339. */
  since?: string;
  until?: string;
  /** 1 to 1,000. */
  limit?: number;
  cursor?: string;
  signal?: AbortSignal;
}

export interface SearchResult {
  /** Newest first. */
  events: FoundEvent[];
  indexedTo: number;
  treeSize: number;
  nextCursor?: string;
}

/** How a run of canaries went; see the server's description at /openapi.json. */
export interface CanaryReport {
  ok: boolean;
  log: string;
  policy: string;
  planted: number;
  kinds: number;
  kept: string[];
  leaks: { kind: string; position: string; encoding: string; where: string }[];
  unseen: number;
  files: number;
  seconds: number;
}

interface ReadOptions {
  log?: string;
  signal?: AbortSignal;
}

/** Every method throws a `VeiltrailError`: `unreachable`, `redirected`, `unexpected_answer`, or the code of the server's problem. */
export interface Client {
  /**
   * Appends events, split into as many requests as their number and size ask for, one after the other. When one fails, those before it are
   * in the log: sending all again makes duplicates of them, if the events bear ids of their own. Those that have none get one for this call: whoever
   * means to send events again after a failure, as after `unreachable`, gives them ids, or they may come to stand there twice. Nothing is kept here
   * of what failed: it is lost unless the caller keeps it.
   */
  append(events: readonly object[], options?: AppendOptions): Promise<AppendResult>;
  /** Appends one body as it is: a file, lines, a protocol's own. Without ids or `dedupe: 'content'` a lost answer is not followed by another try. */
  appendBody(body: Uint8Array<ArrayBuffer> | string, options?: AppendBodyOptions): Promise<AppendResult>;
  search(options?: SearchOptions): Promise<SearchResult>;
  /** `undefined` when the log has no such leaf. */
  read(leafIndex: number, options?: ReadOptions): Promise<FoundEvent | undefined>;
  /** A receipt (C2SP tlog-proof); `undefined` when the log has no such leaf. */
  prove(leafIndex: number, options?: ReadOptions): Promise<string | undefined>;
  /** Fields that were ever seen: paths and types, how they are settled, never a value. Takes a key of the role admin or auditor. */
  listFields(options?: { log?: string; unclassified?: boolean; signal?: AbortSignal }): Promise<Record<string, unknown>[]>;
  /** Says what a field is, which settles its values in quarantine. Takes a key of the role admin. */
  classifyField(
    request: { path: string; as: string; log?: string; why?: string; request?: string },
    options?: { signal?: AbortSignal },
  ): Promise<Record<string, unknown>>;
  /** Evidence: one file that proves events to a stranger (`POST …/evidence`). It is on record, with audience and purpose, when it comes. */
  exportEvidence(request: EvidenceAsked, options?: ReadOptions): Promise<string>;
  /**
   * The newest checkpoint; `undefined` when there is no such log.
   * @throws VeiltrailError `history_forked`, `rolled_back` when it did not grow from the one that is remembered, `tile_missing` and `root_wrong`
   * when the log does not prove that it did; both checkpoints are in the detail
   */
  checkpoint(options?: ReadOptions): Promise<string | undefined>;
  /** The newest checkpoint that witnesses cosigned; `undefined` when none did. */
  witnessedCheckpoint(options?: ReadOptions): Promise<string | undefined>;
  /**
   * Lets a log go on that was stopped because a witness holds another history of it; that witness is asked no more. Takes a key of the role
   * admin.
   */
  acknowledgeFork(log: string, options?: { signal?: AbortSignal }): Promise<{ witness: string; witnessSize: number }>;
  /** Sends made-up values of every kind through the live policy and looks for them in all that is stored. Takes some seconds. */
  runCanary(options?: ReadOptions & { encodingsEach?: number }): Promise<CanaryReport>;
  /** A tile by its C2SP path (`tile/0/000`); `undefined` when it is not published. */
  fetchTile(path: string, options?: ReadOptions): Promise<Uint8Array | undefined>;
}

const requestEventsMax = 1_000;
const requestBytesMax = limits.bodyBytesMax / 8;
const logDefault = 'default';
/** Between two appends whose checkpoint is held against what is remembered. */
const seeEveryMs = 10_000;

/** @throws VeiltrailError `invalid_url` */
export function createClient(options: ClientOptions): Client {
  const transport = openTransport(options);
  const get = (path: string, { signal }: ReadOptions, more: Partial<Call> = {}): Promise<Response> =>
    performCall(transport, { method: 'GET', path, repeatable: true, signal, ...more });

  const memory = options.checkpoints === false ? undefined : new CheckpointMemory(options.checkpoints ?? createCheckpointStore());
  const seenAtMs = new Map<string, number>();
  const fetchTile: Client['fetchTile'] = (path, { log = logDefault, ...rest } = {}) =>
    orNothing(async () => new Uint8Array(await (await get(`logs/${encodeURIComponent(log)}/${tilePath(path)}`, rest, { open: true })).arrayBuffer()));
  /** Holds what was shown against what is remembered; what cannot be had just now is asked for the next time. */
  const see = async (log: string, checkpoint: string, floor: number): Promise<void> => {
    seenAtMs.set(log, Date.now());
    try {
      await memory?.see(log, checkpoint, floor, (path) => fetchTile(path, { log }));
    } catch (error) {
      if (isMemoryAlarm(error)) throw error;
    }
  };

  const appendBody: Client['appendBody'] = async (body, { log = logDefault, proof, signal, contentType, format, dedupe, conflict, repeats } = {}) =>
    post(body, {
      log,
      proof,
      signal,
      contentType,
      query: { format, dedupe, conflict, repeats: formatRepeats(repeats) },
      repeatable: dedupe === 'content',
    });

  const post = async (
    body: Uint8Array<ArrayBuffer> | string,
    call: {
      log: string;
      proof: boolean | undefined;
      signal: AbortSignal | undefined;
      contentType: string | undefined;
      query: Record<string, string | undefined>;
      repeatable: boolean;
    },
  ): Promise<AppendResult> => {
    const { log, proof, signal, contentType, query, repeatable } = call;
    const path = `${logPath(log)}/events`;
    const floor = memory?.floorOf(log) ?? 0;
    const response = await performCall(transport, {
      method: 'POST',
      path,
      query: { ...query, proof: proof ? '1' : undefined },
      body,
      repeatable,
      signal,
      ...(contentType === undefined ? {} : { contentType }),
    });
    const result = (await response.json()) as AppendResult;
    // Not each time: a proof costs a few requests.
    if (memory && Date.now() - (seenAtMs.get(log) ?? 0) >= seeEveryMs) await see(log, result.checkpoint, floor);
    return result;
  };

  return {
    async append(events, { log = logDefault, proof, signal } = {}) {
      let result: AppendResult | undefined;
      for (const body of bodiesOf(events)) {
        const part = await post(body, { log, proof, signal, contentType: 'application/x-ndjson', query: {}, repeatable: true });
        result = { ...part, receipts: [...(result?.receipts ?? []), ...part.receipts] };
      }
      if (!result) throw new VeiltrailError('batch_empty', 'there is no event to append');
      return result;
    },
    appendBody,
    async search({ log = logDefault, signal, q, since, until, limit, cursor } = {}) {
      const query = { q, since, until, cursor, limit: limit === undefined ? undefined : String(limit) };
      const response = await get(`${logPath(log)}/events`, signal ? { signal } : {}, { query });
      return (await response.json()) as SearchResult;
    },
    read: (leafIndex, { log = logDefault, ...rest } = {}) =>
      orNothing(async () => (await (await get(`${logPath(log)}/events/${leafText(leafIndex)}`, rest)).json()) as FoundEvent),
    prove: (leafIndex, { log = logDefault, ...rest } = {}) =>
      orNothing(async () => (await get(`${logPath(log)}/events/${leafText(leafIndex)}/proof`, rest)).text()),
    async exportEvidence(request, { log = logDefault, signal } = {}) {
      const call: Call = {
        method: 'POST',
        path: `${logPath(log)}/evidence`,
        body: JSON.stringify(request),
        contentType: 'application/json',
        // Asked for twice it is on record twice, and no harm is done.
        repeatable: true,
        signal,
      };
      return (await performCall(transport, call)).text();
    },
    async listFields({ log, unclassified, signal } = {}) {
      const query = { log, unclassified: unclassified ? '1' : undefined };
      const response = await get('api/v1/fields', signal ? { signal } : {}, { query });
      return ((await response.json()) as { fields: Record<string, unknown>[] }).fields;
    },
    async classifyField(request, { signal } = {}) {
      const call: Call = {
        method: 'POST',
        path: 'api/v1/fields/classify',
        body: JSON.stringify(request),
        contentType: 'application/json',
        repeatable: false,
        signal,
      };
      return (await (await performCall(transport, call)).json()) as Record<string, unknown>;
    },
    async checkpoint({ log = logDefault, ...rest } = {}) {
      const floor = memory?.floorOf(log) ?? 0;
      const checkpoint = await orNothing(async () => (await get(`logs/${encodeURIComponent(log)}/checkpoint`, rest, { open: true })).text());
      if (memory && checkpoint !== undefined) await see(log, checkpoint, floor);
      return checkpoint;
    },
    witnessedCheckpoint: ({ log = logDefault, ...rest } = {}) =>
      orNothing(async () => (await get(`logs/${encodeURIComponent(log)}/checkpoint.witnessed`, rest, { open: true })).text()),
    async acknowledgeFork(log, { signal } = {}) {
      const path = `api/v1/forks/${encodeURIComponent(log)}/acknowledge`;
      const response = await performCall(transport, { method: 'POST', path, repeatable: false, signal });
      return (await response.json()) as { witness: string; witnessSize: number };
    },
    async runCanary({ log, signal, encodingsEach } = {}) {
      const query = { log, encodings: encodingsEach === undefined ? undefined : String(encodingsEach) };
      const response = await performCall(transport, { method: 'POST', path: 'api/v1/canary', query, repeatable: false, signal });
      return (await response.json()) as CanaryReport;
    },
    fetchTile,
  };
}

function logPath(log: string): string {
  return `api/v1/logs/${encodeURIComponent(log)}`;
}

function leafText(leafIndex: number): string {
  if (!Number.isSafeInteger(leafIndex) || leafIndex < 0) throw new VeiltrailError('leaf_invalid', 'a leaf index is a whole number from 0 on');
  return String(leafIndex);
}

function tilePath(path: string): string {
  // Nothing that could climb out of the log's own folder.
  if (!/^tile\/[0-9a-z/]+(?:\.p\/\d+)?$/.test(path)) throw new VeiltrailError('tile_path', 'not the path of a tile');
  return path;
}

async function orNothing<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof VeiltrailError && error.code === 'not_found') return undefined;
    throw error;
  }
}

/** NDJSON bodies, none with more events or (but for a single event) bytes than a request should have. */
function* bodiesOf(events: readonly object[]): Generator<string> {
  let lines: string[] = [];
  let length = 0;
  for (const event of events) {
    const line = JSON.stringify('id' in event ? event : { id: randomId(), ...event });
    if (lines.length === requestEventsMax || (lines.length > 0 && length + line.length > requestBytesMax)) {
      yield lines.join('\n');
      lines = [];
      length = 0;
    }
    lines.push(line);
    length += line.length + 1;
  }
  if (lines.length > 0) yield lines.join('\n');
}

function formatRepeats(repeats: ReadonlyMap<number, number> | undefined): string | undefined {
  return repeats && repeats.size > 0 ? [...repeats].map(([position, count]) => `${position}:${count}`).join(',') : undefined;
}

/** A version 4 UUID (`crypto.randomUUID` is missing on pages without TLS). */
function randomId(): string {
  const bytes = systemRandom.bytes(16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
