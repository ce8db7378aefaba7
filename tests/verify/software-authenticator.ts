/** A WebAuthn authenticator and the browser around it, in software: what a security key would sign, made with node:crypto. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { type Approval, approverIdOf, type ApproverKind, type Statement, statementBytes } from '../../src/verify/approval.ts';
import type { Assertion } from '../../src/verify/approval-webauthn.ts';
import { type ApproverCard, enrolmentBytes } from '../../src/verify/enrolment.ts';

export interface AuthenticatorOptions {
  rpId?: string;
  origin?: string;
  /** Members in the place of the browser's. */
  client?: Record<string, unknown>;
  /** UP and UV [0x05]. */
  flags?: number;
  /** Behind the head. */
  extensions?: Uint8Array;
  counter?: number;
}

export interface SoftwareAuthenticator {
  kind: ApproverKind;
  id: string;
  publicKey: string;
  assert(challenge: Uint8Array, options?: AuthenticatorOptions): { assertion: Assertion; signature: string };
  approve(statement: Omit<Statement, 'approver'>, options?: AuthenticatorOptions): Approval;
  card(time: string, options?: AuthenticatorOptions): ApproverCard;
}

export const rpId = 'audit.example.com';
export const origin = 'https://console.audit.example.com:8443';

export function createAuthenticator(kind: Exclude<ApproverKind, 'ed25519'>): SoftwareAuthenticator {
  const { privateKey, publicKey: publicObject } = generators[kind]();
  const publicKey = rawKeyOf(publicObject);
  const id = approverIdOf(kind, publicKey, rpId);
  let counter = 0;
  const assert: SoftwareAuthenticator['assert'] = (challenge, options = {}) => {
    counter++;
    const client = {
      type: 'webauthn.get',
      challenge: Buffer.from(challenge).toString('base64url'),
      origin: options.origin ?? origin,
      crossOrigin: false,
      ...options.client,
    };
    const clientData = Buffer.from(JSON.stringify(client));
    const head = Buffer.alloc(37);
    sha256(options.rpId ?? rpId).copy(head);
    head[32] = options.flags ?? 0x05;
    head.writeUInt32BE(options.counter ?? counter, 33);
    const data = Buffer.concat([head, options.extensions ?? new Uint8Array()]);
    const signed = Buffer.concat([data, sha256(clientData)]);
    const signature = sign(kind === 'webauthn-eddsa' ? null : 'sha256', signed, privateKey).toString('base64');
    const assertion = {
      authenticatorData: data.toString('base64'),
      clientDataJSON: clientData.toString('base64'),
      rpId: options.rpId ?? rpId,
      origin: options.origin ?? origin,
    };
    return { assertion, signature };
  };
  return {
    kind,
    id,
    publicKey,
    assert,
    approve(statement, options) {
      const full = { ...statement, approver: id };
      return { ...full, kind, publicKey, ...assert(sha256(statementBytes(full)), options) };
    },
    card: (time, options) => ({ id, kind, publicKey, time, ...assert(sha256(enrolmentBytes({ id, time })), options) }),
  };
}

const generators = {
  'webauthn-es256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'webauthn-eddsa': () => generateKeyPairSync('ed25519'),
  'webauthn-rs256': () => generateKeyPairSync('rsa', { modulusLength: 2_048 }),
} as const;

/** base64 of the 65 bytes of a point, or the 32 of an Ed25519 key: the end of the SPKI. Of an RSA key the modulus. */
function rawKeyOf(key: KeyObject): string {
  if (key.asymmetricKeyType === 'rsa') return Buffer.from(key.export({ format: 'jwk' }).n as string, 'base64url').toString('base64');
  const der = key.export({ format: 'der', type: 'spki' });
  return der.subarray(key.asymmetricKeyType === 'ed25519' ? -32 : -65).toString('base64');
}

function sha256(data: Uint8Array | string): Buffer {
  return createHash('sha256').update(data).digest();
}
