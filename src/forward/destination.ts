/** Where a forwarder delivers: one small port, one file a kind. */

/** One record, as it goes out. */
export interface Item {
  leafIndex: number;
  receivedAtMs: number;
  /** The event's own: 1 informational to 5 critical; absent where it has none. */
  severity?: number;
  /** One line of JSON: see envelope.ts. */
  json: string;
}

/** Records of one log, in order; at least one. */
export interface OutgoingBatch {
  log: string;
  /** Of the log. */
  origin: string;
  items: readonly Item[];
}

export interface Destination {
  /**
   * Delivers a batch. When it resolves, the receiver has it, as far as its protocol can say; the cursor moves then, and not before. A batch that was
   * not confirmed may have arrived all the same.
   * @param signal ends the attempt
   * @throws DeliveryError
   */
  send(batch: OutgoingBatch, signal: AbortSignal): Promise<void>;
  /** Drops what it keeps of a batch that was not delivered: the log was rewritten. */
  forget(): void;
  /** Lets go of connections. */
  close(): void;
}

/** Why a batch was not delivered. Its reason is a code of ours, of HTTP or of the system, and nothing that a receiver wrote. */
export class DeliveryError extends Error {
  /** Such as `http_503`, `econnrefused`, `timeout`. */
  readonly reason: string;
  /** The same batch would be refused again: somebody has to look. */
  readonly isFinal: boolean;
  /** The receiver asks not to come again before. */
  readonly retryAfterMs: number;

  constructor(reason: string, { isFinal = false, retryAfterMs = 0, cause }: { isFinal?: boolean; retryAfterMs?: number; cause?: unknown } = {}) {
    super(`not delivered: ${reason}`, { cause });
    this.reason = reason;
    this.isFinal = isFinal;
    this.retryAfterMs = retryAfterMs;
  }
}

/** What the system or TLS says of a connection, as a reason. */
export function connectionError(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error;
  const { code, name, cause } = error as NodeJS.ErrnoException & { cause?: unknown };
  if (name === 'TimeoutError' || code === 'ABORT_ERR' || (cause as Error | undefined)?.name === 'TimeoutError')
    return new DeliveryError('timeout', { cause: error });
  const known = typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code);
  return new DeliveryError(known ? code.toLowerCase() : 'connection_failed', { cause: error });
}
