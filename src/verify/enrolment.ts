/**
 * An approver's card: the public half of a key of their own, with the proof that they have the private one. They hand it to whoever enrols it.
 *
 *     statement = "veiltrail-enrolment/1\n" ‖ RFC 8785 of {approver, time}
 *
 * signed by the key itself, as an approval is (`approval.ts`).
 */
import { utf8 } from '../core/bytes.ts';
import { decodeBase64 } from '../core/base64.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonValue } from '../core/json.ts';
import { parseTimestamp } from '../event/timestamp.ts';
import {
  algorithmOf,
  type ApproverKind,
  approverIdOf,
  approverIdPattern,
  approverKinds,
  publicKeyPattern,
  signaturePattern,
  verifySigned,
} from './approval.ts';
import { type Assertion, isPublicKey, parseAssertion, type VerifiedAssertion } from './approval-webauthn.ts';

/** A type, not an interface, because it is JSON. */
export type ApproverCard = {
  id: string;
  kind: ApproverKind;
  /** base64, see `Approval`. */
  publicKey: string;
  /** RFC 3339: when it was made. */
  time: string;
  /** base64. */
  signature: string;
  assertion?: Assertion;
};

export interface VerifiedCard {
  readonly card: ApproverCard;
  readonly assertion?: VerifiedAssertion;
}

/** The bytes that the key signs to be enrolled. */
export function enrolmentBytes({ id, time }: { id: string; time: string }): Uint8Array {
  return utf8(`veiltrail-enrolment/1\n${canonicalJson({ approver: id, time })}`);
}

/**
 * Reads a card and verifies that who made it has the key.
 * @throws VeiltrailError `approver_card` for what is none, `approval_signature` for one that its key did not sign
 */
export function verifyCard(value: JsonValue | undefined): VerifiedCard {
  if (!isJsonObject(value)) throw syntax();
  const { id, kind: kindText, publicKey, time, signature, assertion, ...rest } = value;
  const kind = approverKinds.find((one) => one === kindText);
  if (Object.keys(rest).length > 0 || kind === undefined || (assertion === undefined) !== (kind === 'ed25519')) throw syntax();
  const card: ApproverCard = {
    id: text(id, approverIdPattern),
    kind,
    publicKey: text(publicKey, publicKeyPattern),
    time: text(time, /^.{20,40}$/),
    signature: text(signature, signaturePattern),
    ...(assertion === undefined ? {} : { assertion: asCard(() => parseAssertion(assertion)) }),
  };
  if (parseTimestamp(card.time)?.canonical !== card.time) throw syntax();
  const publicBytes = asCard(() => decodeBase64(card.publicKey));
  if (!isPublicKey(algorithmOf[kind], publicBytes)) throw syntax();
  if (approverIdOf(kind, card.publicKey, card.assertion?.rpId) !== card.id) throw syntax();
  const verified = verifySigned(enrolmentBytes(card), card);
  return { card, ...(verified ? { assertion: verified } : {}) };
}

function asCard<T>(read: () => T): T {
  try {
    return read();
  } catch {
    throw syntax();
  }
}

function text(value: JsonValue | undefined, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw syntax();
  return value;
}

function syntax(): VeiltrailError {
  return new VeiltrailError('approver_card', "not an approver's card");
}
