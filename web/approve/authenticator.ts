/**
 * The security key or passkey, by WebAuthn. Keys are made discoverable, so that whoever approves needs nothing but the key; and they are used only
 * with a PIN, a finger or a face (user verification), because an approval is a person's act.
 */
import {
  type Approval,
  type ApproverCard,
  approverIdOf,
  enrolmentBytes,
  type Statement,
  statementBytes,
  verifyApprovalSignature,
  verifyCard,
} from '../../src/verify/index.ts';
import type { ApproverShown } from './request.ts';

type Kind = 'webauthn-es256' | 'webauthn-eddsa' | 'webauthn-rs256';

/**
 * What stands before and behind the key in an SPKI, in hex: RFC 5480 (P-256, the point uncompressed), RFC 8410 (Ed25519), RFC 8017 (RSA of 2,048 bits,
 * exponent 65,537: the modulus is the key).
 */
const spkiForms: readonly [kind: Kind, head: string, keyBytes: number, tail: string][] = [
  ['webauthn-es256', '3059301306072a8648ce3d020106082a8648ce3d030107034200', 65, ''],
  ['webauthn-eddsa', '302a300506032b6570032100', 32, ''],
  ['webauthn-rs256', '30820122300d06092a864886f70d01010105000382010f003082010a0282010100', 256, '0203010001'],
];
const [es256, eddsa, rs256] = [-7, -8, -257];
const timeoutMs = 120_000;

/** Why no key can be used here; undefined where one can. */
export function whyNoKey(): string | undefined {
  // As the server was told (`publicUrl`); empty where it was not.
  const origin = document.querySelector<HTMLMetaElement>('meta[name="veiltrail-origin"]')?.content ?? '';
  if (origin !== '' && origin !== location.origin) return `This server takes keys that were made at ${origin} only. Open ${origin}/approve.`;
  if (/^[\d.]+$|:/.test(location.hostname))
    return 'Security keys work with a name, not with a number. Open this page as http://localhost (with the same port), or by the server’s name.';
  if (!isSecureContext) return 'Browsers use security keys over HTTPS only. Open this page by its https:// address.';
  return 'PublicKeyCredential' in globalThis ? undefined : 'This browser knows no security keys.';
}

/**
 * Makes a key, and the card that says so. The key is touched twice: it is made, and it signs its own card.
 * @throws DOMException as WebAuthn does; Error when what comes back is not what was asked for
 */
export async function makeKey(name: string, onStep: (words: string) => void): Promise<ApproverCard> {
  onStep('Your browser asks for your security key: it makes the new key.');
  const made = (await navigator.credentials.create({
    publicKey: {
      // Says nothing: what counts is the signature of the card, below.
      challenge: random(32),
      rp: { id: location.hostname, name: `veiltrail at ${location.host}` },
      user: { id: random(32), name, displayName: name },
      pubKeyCredParams: [
        { type: 'public-key', alg: es256 as number },
        { type: 'public-key', alg: eddsa as number },
        { type: 'public-key', alg: rs256 as number },
      ],
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      attestation: 'none',
      timeout: timeoutMs,
    },
  })) as PublicKeyCredential;
  const spki = (made.response as AuthenticatorAttestationResponse).getPublicKey();
  const { kind, publicKey } = keyOf(new Uint8Array(spki ?? new ArrayBuffer(0)));
  const id = approverIdOf(kind, publicKey, location.hostname);
  const time = new Date().toISOString();
  onStep('Once more: the new key signs its own card.');
  const card: ApproverCard = { id, kind, publicKey, time, ...(await sign(enrolmentBytes({ id, time }), made.rawId)) };
  verifyCard(card);
  return card;
}

/**
 * Signs a decision with an approver's key.
 * @throws DOMException as WebAuthn does; VeiltrailError `approval_signature` when it was another key
 */
export async function signDecision(approver: ApproverShown, what: Pick<Statement, 'request' | 'digest' | 'decision'>): Promise<Approval> {
  const statement: Statement = { ...what, approver: approver.id, time: new Date().toISOString() };
  const { kind, publicKey } = approver;
  const approval: Approval = { ...statement, kind, publicKey, ...(await sign(statementBytes(statement))) };
  return verifyApprovalSignature(approval).approval;
}

/** @param credential the key that shall sign [the person chooses] */
async function sign(statement: Uint8Array, credential?: ArrayBuffer): Promise<Pick<Approval, 'signature'> & Required<Pick<Approval, 'assertion'>>> {
  const challenge = await crypto.subtle.digest('SHA-256', statement as Uint8Array<ArrayBuffer>);
  const signed = (await navigator.credentials.get({
    publicKey: {
      challenge,
      rpId: location.hostname,
      allowCredentials: credential ? [{ type: 'public-key', id: credential }] : [],
      userVerification: 'required',
      timeout: timeoutMs,
    },
  })) as PublicKeyCredential;
  const { authenticatorData, clientDataJSON, signature } = signed.response as AuthenticatorAssertionResponse;
  return {
    signature: base64(signature),
    assertion: {
      authenticatorData: base64(authenticatorData),
      clientDataJSON: base64(clientDataJSON),
      rpId: location.hostname,
      origin: location.origin,
    },
  };
}

function keyOf(spki: Uint8Array): { kind: Kind; publicKey: string } {
  for (const [kind, head, keyBytes, tail] of spkiForms) {
    const from = head.length / 2;
    const to = from + keyBytes;
    if (spki.length === to + tail.length / 2 && hex(spki.subarray(0, from)) === head && hex(spki.subarray(to)) === tail)
      return { kind, publicKey: base64(spki.slice(from, to).buffer) };
  }
  throw new Error('the authenticator made a key of another kind');
}

function random(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}

function base64(buffer: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(buffer)));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
