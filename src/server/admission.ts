/**
 * Bytes of bodies and requests under way, counted as they come and given back when the answer is out: the bound on what clients can make the
 * server hold. Nobody waits here: what does not fit is refused, and its sender told when to come again.
 */
import { VeiltrailError } from '../core/errors.ts';
import type { HttpLimits } from './limits.ts';

type Bounds = Pick<HttpLimits, 'heldBytesMax' | 'heldBytesPerKeyMax' | 'requestsPerKeyMax'>;

interface Use {
  requests: number;
  bytes: number;
}

/** What one request holds. */
export interface Admission {
  /** @throws VeiltrailError `queue_full`, `too_many_requests`; then nothing was added */
  hold(bytes: number): void;
  /** Gives everything back; a second call does nothing. */
  release(): void;
}

export interface AdmissionDesk {
  /** @throws VeiltrailError `too_many_requests` */
  admit(keyId: string): Admission;
  /** Bytes held now. */
  held(): number;
}

export function createAdmissionDesk(bounds: Bounds): AdmissionDesk {
  const keys = new Map<string, Use>();
  let heldBytes = 0;
  return {
    held: () => heldBytes,
    admit(keyId) {
      const use = keys.get(keyId) ?? { requests: 0, bytes: 0 };
      if (use.requests >= bounds.requestsPerKeyMax) throw new VeiltrailError('too_many_requests', 'too many requests of this key are under way');
      use.requests++;
      keys.set(keyId, use);
      let mine = 0;
      let released = false;
      return {
        hold(bytes) {
          if (use.bytes + bytes > bounds.heldBytesPerKeyMax)
            throw new VeiltrailError('too_many_requests', 'too many bytes of this key are under way');
          if (heldBytes + bytes > bounds.heldBytesMax) throw new VeiltrailError('queue_full', 'too many bytes are under way');
          mine += bytes;
          use.bytes += bytes;
          heldBytes += bytes;
        },
        release() {
          if (released) return;
          released = true;
          use.bytes -= mine;
          heldBytes -= mine;
          if (--use.requests === 0) keys.delete(keyId);
        },
      };
    },
  };
}
