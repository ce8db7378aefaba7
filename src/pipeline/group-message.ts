/**
 * Requests on their way to a worker: their bodies in one buffer that moves, and what is said about them in a few arrays. A message of
 * hundreds of small objects would cost more to copy than their events cost to read.
 */
import type { BatchRequest } from './process-batch.ts';

/** What requests of one sender have in common. */
type Sender = Pick<BatchRequest, 'principal' | 'format' | 'contentType' | 'dedupeByContent'>;
/** What only a request that travels alone may have. */
type Special = Pick<BatchRequest, 'repeats' | 'condemned' | 'only'>;

export interface GroupMessage extends Pick<BatchRequest, 'log' | 'origin' | 'onConflict'> {
  senders: Sender[];
  /** Of each request, an index into `senders`. */
  senderOf: Uint16Array<ArrayBuffer>;
  receivedAtMs: Float64Array<ArrayBuffer>;
  /** All bodies, one behind the other. */
  bodies: Uint8Array<ArrayBuffer>;
  /** Of each request, where its body ends. */
  ends: Uint32Array<ArrayBuffer>;
  special?: Special;
}

/** Requests in one message. */
export const groupRequestsMax = 512;

/** Whether requests may be in one group: what is theirs together is not each one's own. */
export function mayShareGroup(one: BatchRequest, other: BatchRequest): boolean {
  return one.log === other.log && one.onConflict === other.onConflict && !specialOf(one) && !specialOf(other);
}

/** @param requests at least one, {@link groupRequestsMax} at the most, all of which {@link mayShareGroup}; their bodies are copied */
export function packGroup(requests: readonly BatchRequest[]): GroupMessage {
  const { log, origin, onConflict } = requests[0] as BatchRequest;
  const senders: Sender[] = [];
  const message: GroupMessage = {
    log,
    origin,
    onConflict,
    senders,
    senderOf: new Uint16Array(requests.length),
    receivedAtMs: new Float64Array(requests.length),
    bodies: new Uint8Array(requests.reduce((sum, { body }) => sum + body.length, 0)),
    ends: new Uint32Array(requests.length),
  };
  let at = 0;
  for (const [i, request] of requests.entries()) {
    let sender = senders.findIndex((known) => isSender(known, request));
    if (sender < 0) sender = senders.push(senderFrom(request)) - 1;
    message.senderOf[i] = sender;
    message.receivedAtMs[i] = request.receivedAtMs;
    message.bodies.set(request.body, at);
    at += request.body.length;
    message.ends[i] = at;
  }
  const special = specialOf(requests[0] as BatchRequest);
  return special ? { ...message, special } : message;
}

/** The requests of a message, in their order; their bodies lie in its buffer. */
export function openGroup({ log, origin, onConflict, senders, senderOf, receivedAtMs, bodies, ends, special }: GroupMessage): BatchRequest[] {
  return Array.from(ends, (end, i): BatchRequest => ({
    log,
    origin,
    onConflict,
    ...(senders[senderOf[i] as number] as Sender),
    receivedAtMs: receivedAtMs[i] as number,
    body: bodies.subarray(ends[i - 1] ?? 0, end),
    ...special,
  }));
}

/** The buffers that move with a message. */
export function groupBuffers({ senderOf, receivedAtMs, bodies, ends }: GroupMessage): ArrayBuffer[] {
  return [senderOf.buffer, receivedAtMs.buffer, bodies.buffer, ends.buffer];
}

function isSender(one: Sender, { principal, format, contentType, dedupeByContent }: Sender): boolean {
  return one.principal === principal && one.format === format && one.contentType === contentType && one.dedupeByContent === dedupeByContent;
}

function senderFrom({ principal, format, contentType, dedupeByContent }: BatchRequest): Sender {
  return { principal, format, dedupeByContent, ...(contentType === undefined ? {} : { contentType }) };
}

function specialOf({ repeats, condemned, only }: BatchRequest): Special | undefined {
  if (!repeats && !condemned && !only) return undefined;
  return { ...(repeats ? { repeats } : {}), ...(condemned ? { condemned } : {}), ...(only ? { only } : {}) };
}
