/**
 * RFC 3161: what is said to a time-stamp authority, and what it answers, in DER; the token in it is verified by `verify/time-stamp`, which reads DER
 * alone, each part once: what is kept is what strangers verify in evidence. Authorities may send more than that (BER), and are refused then.
 */
import { concatBytes, toHex } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { DerSequence, numberOf, readDer, tags } from '../verify/time-stamp/der.ts';
import { verifyTimeStampToken } from '../verify/time-stamp/index.ts';

/** AlgorithmIdentifier of SHA-256: its OID, and NULL. */
const sha256Algorithm = Uint8Array.of(0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0);
const granted = { plain: 0, withMods: 1 };
export const tokenBytesMax = 262_144;

/**
 * DER of a TimeStampReq for a SHA-256 digest. The certificate is asked for, so that the token can be verified without the authority.
 * @param digest 32 bytes
 * @param nonce 1 to 32 bytes
 */
export function formatTimeStampRequest(digest: Uint8Array, nonce: Uint8Array): Uint8Array {
  const version = formatDer(tags.integer, Uint8Array.of(1));
  const imprint = formatDer(tags.sequence, sha256Algorithm, formatDer(tags.octetString, digest));
  const certificateRequired = formatDer(tags.boolean, Uint8Array.of(0xff));
  return formatDer(tags.sequence, version, imprint, formatDer(tags.integer, natural(nonce)), certificateRequired);
}

/**
 * The token in an authority's answer (DER of the ContentInfo).
 * @throws VeiltrailError `time_stamp_refused`, `time_stamp_syntax`
 */
export function readTimeStampResponse(der: Uint8Array): Uint8Array {
  const response = new DerSequence(readDer(der));
  const status = readStatus(new DerSequence(response.take(tags.sequence)));
  if (status !== granted.plain && status !== granted.withMods)
    throw new VeiltrailError('time_stamp_refused', `the time-stamp authority refused (status ${status})`);
  const token = response.take(tags.sequence).bytes;
  response.end();
  return token;
}

/** PKIStatusInfo: what it adds in words, and why it failed, is nobody's here. */
function readStatus(parts: DerSequence): number {
  const status = numberOf(parts.take(tags.integer));
  parts.maybe(tags.sequence);
  parts.maybe(tags.bitString);
  parts.end();
  return status;
}

export interface TimeStamp {
  /** When the authority says that it saw the digest. */
  time: Date;
  /** How far its clock may be off, either way, by its own word; 0 where it says nothing. */
  accuracyMs: number;
  serial: string;
  /** Who signed: the subject's common name, or its last attribute. */
  authority: string;
}

export interface TimeStampRequest {
  /** What the token is of; its digest stands in it. */
  message: Uint8Array;
  /** That the token must bear; absent: whatever. */
  nonce?: Uint8Array;
  /** PEM, one certificate or more: who is trusted to say what time it is. */
  trusted: string;
}

/**
 * Verifies a token over a message, and that its signer is vouched for.
 * @throws VeiltrailError as `verifyTimeStampToken`; `time_stamp_nonce`, `time_stamp_untrusted` (does not lead to a trusted certificate)
 */
export function verifyTimeStamp(token: Uint8Array, { message, nonce, trusted }: TimeStampRequest): TimeStamp {
  const stamp = verifyTimeStampToken(token, message, [trusted]);
  if (nonce && stamp.nonce !== toHex(natural(nonce))) throw new VeiltrailError('time_stamp_nonce', 'the time stamp answers another request');
  if (!stamp.isTrusted) throw new VeiltrailError('time_stamp_untrusted', 'its signer is not vouched for by a trusted certificate');
  const { timeMs, accuracyMs = 0, serial, chain } = stamp;
  return { time: new Date(timeMs), accuracyMs, serial, authority: chain[0]?.name ?? '' };
}

/** Content below 128 bytes: a request has no more. */
function formatDer(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = concatBytes(...parts);
  return concatBytes(Uint8Array.of(tag, content.length), content);
}

/** The content of a DER integer of these bytes that is not negative. */
function natural(bytes: Uint8Array): Uint8Array {
  const from = bytes.findIndex((byte) => byte !== 0);
  const plain = from < 0 ? new Uint8Array(1) : bytes.subarray(from);
  return (plain[0] as number) < 0x80 ? plain : concatBytes(new Uint8Array(1), plain);
}
