/**
 * RFC 3161 time stamps: a request for one, and the verification of a token without asking anybody. DER and CMS are pkijs's; what must hold is ours:
 * the digest is the checkpoint's, the nonce is the one that was asked with, the signer's certificate is for time stamping only and leads to a
 * trusted one, and was valid at the time that it states.
 */
import { fromBER, Integer, OctetString } from 'asn1js';
import {
  AlgorithmIdentifier,
  Certificate,
  CertificateChainValidationEngine,
  ContentInfo,
  ExtKeyUsage,
  MessageImprint,
  PKIStatus,
  SignedData,
  TimeStampReq,
  TimeStampResp,
  TSTInfo,
} from 'pkijs';
import { equalBytes } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { sha256 } from '../core/sha256.ts';

const sha256Oid = '2.16.840.1.101.3.4.2.1';
const tstInfoOid = '1.2.840.113549.1.9.16.1.4';
const timeStampingOid = '1.3.6.1.5.5.7.3.8';
const extKeyUsageOid = '2.5.29.37';
const certificatesMax = 32;
export const tokenBytesMax = 262_144;

/** DER of a TimeStampReq for a SHA-256 digest (32 bytes). The certificate is asked for, so that the token can be verified without the TSA. */
export function formatTimeStampRequest(digest: Uint8Array, nonce: Uint8Array): Uint8Array {
  const request = new TimeStampReq({
    version: 1,
    messageImprint: new MessageImprint({
      hashAlgorithm: new AlgorithmIdentifier({ algorithmId: sha256Oid }),
      hashedMessage: new OctetString({ valueHex: copyOf(digest) }),
    }),
    nonce: new Integer({ valueHex: copyOf(positive(nonce)) }),
    certReq: true,
  });
  return new Uint8Array(request.toSchema().toBER());
}

/**
 * The token in a TSA's answer (DER of the ContentInfo).
 * @throws VeiltrailError `time_stamp_refused`, `time_stamp_syntax`
 */
export function readTimeStampResponse(der: Uint8Array): Uint8Array {
  const response = parse(() => new TimeStampResp({ schema: schemaOf(der) }));
  const granted: readonly PKIStatus[] = [PKIStatus.granted, PKIStatus.grantedWithMods];
  if (!granted.includes(response.status.status))
    throw new VeiltrailError('time_stamp_refused', `the time-stamp authority refused (status ${String(response.status.status)})`);
  if (!response.timeStampToken) throw syntax('no token in it');
  return new Uint8Array(response.timeStampToken.toSchema().toBER());
}

export interface TimeStamp {
  /** When the authority says that it saw the digest. */
  time: Date;
  /** How far its clock may be off, either way, by its own word; 0 where it says nothing. */
  accuracyMs: number;
  serial: string;
  /** Who signed: the subject's common name, or its first attribute. */
  authority: string;
}

export interface TimeStampRequest {
  /** What the token is of; its SHA-256 stands in it. */
  message: Uint8Array;
  /** That the token must bear; absent: whatever. */
  nonce?: Uint8Array;
  /** PEM, one certificate or more: who is trusted to say what time it is. */
  trusted: string;
}

/**
 * Verifies a token over a message.
 * @throws VeiltrailError `time_stamp_syntax`, `time_stamp_digest` (of something else), `time_stamp_nonce`, `time_stamp_signature`,
 * `time_stamp_untrusted` (does not lead to a trusted certificate, or the signer's is not for time stamping)
 */
export async function verifyTimeStamp(token: Uint8Array, { message, nonce, trusted }: TimeStampRequest): Promise<TimeStamp> {
  if (token.length > tokenBytesMax) throw syntax('longer than allowed');
  const signed = parse(() => {
    const content = new ContentInfo({ schema: schemaOf(token) });
    return new SignedData({ schema: content.content });
  });
  if (signed.encapContentInfo.eContentType !== tstInfoOid || !signed.encapContentInfo.eContent) throw syntax('no time in it');
  const info = parse(() => new TSTInfo({ schema: schemaOf(octetsOf(signed.encapContentInfo.eContent as OctetString)) }));
  const { hashAlgorithm, hashedMessage } = info.messageImprint;
  if (hashAlgorithm.algorithmId !== sha256Oid || !equalBytes(octetsOf(hashedMessage), sha256(message)))
    throw new VeiltrailError('time_stamp_digest', 'the time stamp is of something else');
  if (nonce && (!info.nonce || !equalBytes(new Uint8Array(info.nonce.valueBlock.valueHexView), positive(nonce))))
    throw new VeiltrailError('time_stamp_nonce', 'the time stamp answers another request');
  const certificates = (signed.certificates ?? []).filter((one) => one instanceof Certificate);
  if (signed.signerInfos.length !== 1 || certificates.length === 0 || certificates.length > certificatesMax) throw syntax('its signer');
  const signer = await signerOf(signed, message);
  await checkTrust(signer, certificates, readCertificates(trusted), info.genTime);
  const { seconds = 0, millis = 0, micros = 0 } = info.accuracy ?? {};
  const accuracyMs = seconds * 1_000 + millis + Math.ceil(micros / 1_000);
  return {
    time: info.genTime,
    accuracyMs,
    serial: Buffer.from(info.serialNumber.valueBlock.valueHexView).toString('hex'),
    authority: nameOf(signer),
  };
}

/** The certificate whose key signed; pkijs also compares the digest in the token with that of the message. */
async function signerOf(signed: SignedData, message: Uint8Array): Promise<Certificate> {
  try {
    // Whom to trust, and when, is judged below.
    const result = await signed.verify({ signer: 0, data: copyOf(message), checkChain: false, extendedMode: true });
    if (result.signatureVerified && result.signerCertificate) return result.signerCertificate;
  } catch (cause) {
    throw new VeiltrailError('time_stamp_signature', 'the signature of the time stamp is wrong', {}, { cause });
  }
  throw new VeiltrailError('time_stamp_signature', 'the signature of the time stamp is wrong');
}

async function checkTrust(signer: Certificate, others: readonly Certificate[], trusted: readonly Certificate[], at: Date): Promise<void> {
  const usage = signer.extensions?.find(({ extnID }) => extnID === extKeyUsageOid);
  // RFC 3161, 2.3: exactly this one purpose, and critical.
  const purposes = usage?.parsedValue instanceof ExtKeyUsage ? usage.parsedValue.keyPurposes : [];
  if (!usage?.critical || purposes.length !== 1 || purposes[0] !== timeStampingOid) throw untrusted('the signer may not make time stamps');
  const engine = new CertificateChainValidationEngine({
    certs: [...others.filter((one) => one !== signer), signer],
    trustedCerts: [...trusted],
    checkDate: at,
  });
  const { result } = await engine.verify();
  if (!result) throw untrusted('its signer is not vouched for by a trusted certificate');
}

/** @throws VeiltrailError `time_stamp_untrusted` for what is not PEM */
export function readCertificates(pem: string): Certificate[] {
  const bodies = [...pem.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g)];
  if (bodies.length === 0) throw untrusted('no trusted certificate is given');
  return bodies.map(([, body]) => parse(() => new Certificate({ schema: schemaOf(Buffer.from(body as string, 'base64')) })));
}

function nameOf({ subject }: Certificate): string {
  const names = subject.typesAndValues;
  const common = names.find(({ type }) => type === '2.5.4.3') ?? names[0];
  return common?.value.valueBlock.value ?? '';
}

function schemaOf(der: Uint8Array): ReturnType<typeof fromBER>['result'] {
  const { offset, result } = fromBER(copyOf(der));
  // Bytes behind the end are somebody's addition.
  if (offset !== der.length) throw syntax('not DER');
  return result;
}

function octetsOf(octets: OctetString): Uint8Array {
  return new Uint8Array(octets.getValue());
}

function parse<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof VeiltrailError) throw cause;
    throw syntax('cannot be read', cause);
  }
}

/** A DER integer of these bytes that is not negative. */
function positive(bytes: Uint8Array): Uint8Array {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from++;
  const plain = bytes.subarray(from);
  return (plain[0] as number) < 0x80 ? plain : Uint8Array.of(0, ...plain);
}

function copyOf(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

function syntax(what: string, cause?: unknown): VeiltrailError {
  return new VeiltrailError('time_stamp_syntax', `not a time stamp: ${what}`, {}, { cause });
}

function untrusted(what: string): VeiltrailError {
  return new VeiltrailError('time_stamp_untrusted', what);
}
