/** What one server takes on at a time. Bytes and times that protect it from its clients; what an event may be is in `core/limits.ts`. */
import { limits } from '../core/limits.ts';

export interface HttpLimits {
  /** A body as sent, and again as unpacked. */
  bodyBytesMax: number;
  /** Bodies of all requests under way. Beyond it: 503. */
  heldBytesMax: number;
  /** Bodies of one key's requests under way. Beyond it: 429. */
  heldBytesPerKeyMax: number;
  /** Requests of one key under way. Beyond it: 429. */
  requestsPerKeyMax: number;
  /** Request line and headers. */
  headerBytesMax: number;
  /** All connections; more are closed as they come. */
  connectionsMax: number;
  /** From connection to the end of the headers, so that nobody holds a connection by sending a byte now and then. */
  headersTimeoutMs: number;
  /** From connection to the end of the body. */
  requestTimeoutMs: number;
  /** Of a connection on which nothing happens. */
  keepAliveTimeoutMs: number;
  /** What is under way when the server is asked to stop has so long to be answered; then its connection is cut. */
  drainMs: number;
  /** How often those of headers and requests are looked at. */
  timeoutsCheckedEveryMs: number;
}

export const httpLimits: HttpLimits = {
  bodyBytesMax: limits.bodyBytesMax,
  heldBytesMax: 134_217_728,
  heldBytesPerKeyMax: 67_108_864,
  requestsPerKeyMax: 2_048,
  headerBytesMax: 16_384,
  connectionsMax: 4_096,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  keepAliveTimeoutMs: 30_000,
  drainMs: 15_000,
  timeoutsCheckedEveryMs: 2_000,
};
