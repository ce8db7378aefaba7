/** A request's body as bytes, each of them admitted as it arrives, so that a length that lies or is missing makes no difference. */
import type { IncomingMessage } from 'node:http';
import { VeiltrailError } from '../core/errors.ts';
import type { Admission } from './admission.ts';

/** Told the body, or why there is none. */
export type BodyRead = (error: Error | null, body?: Buffer) => void;

/** Fails with `body_too_large` beyond `bytesMax`, `malformed_request` when the client went away, and what the admission throws. */
export function readBody(request: IncomingMessage, admission: Admission, bytesMax: number, done: BodyRead): void {
  const parts: Buffer[] = [];
  let length = 0;
  let ended = false;
  const fail = (error: unknown): void => {
    if (ended) return;
    ended = true;
    request.removeListener('data', take);
    // What still comes is let pass: the answer says that the connection ends.
    request.resume();
    done(error as Error);
  };
  const take = (part: Buffer): void => {
    length += part.length;
    if (length > bytesMax) return fail(tooLarge(bytesMax));
    try {
      admission.hold(part.length);
    } catch (error) {
      return fail(error);
    }
    parts.push(part);
  };
  // Refused before anything of it is read, where the client says how much it will be.
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) return fail(tooLarge(bytesMax));
  request.on('data', take);
  request.on('end', () => {
    if (ended) return;
    ended = true;
    done(null, parts.length === 1 ? parts[0] : Buffer.concat(parts, length));
  });
  request.on('error', () => fail(new VeiltrailError('malformed_request', 'the body ended early')));
}

function tooLarge(bytesMax: number): VeiltrailError {
  return new VeiltrailError('body_too_large', `more than ${bytesMax} bytes`, { bytesMax });
}
