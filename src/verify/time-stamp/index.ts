/**
 * RFC 3161 time stamps: a token says that a time-stamp authority saw the digest of something at a time. Verified without asking anybody, synchronously,
 * from nothing but the token, what it is of, and the certificates that somebody trusts. See RFC 5652 (CMS), 3161, 5035 and 5816 (which certificate signed).
 *
 * What must hold: the token is DER; its digest is that of the message; exactly one signer, whose certificate is in the token, is the one that the signed
 * attributes name, is for time stamping alone, and was valid at the time that is stated; its signature is over the attributes, and they are over the time.
 */
import { sha1 } from '@noble/hashes/legacy.js';
import { equalBytes, toHex } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { type Certificate, chainOf, fingerprintOf, isGoodAt, keyIdOf, mayStampTime, nameOf, readCertificate, readPem } from './certificate.ts';
import { badDer, childrenOf, contentOf, contextTag, type Der, DerSequence, numberOf, oidOf, readDer, tags, timeOf } from './der.ts';
import { hashOf, verifySignature } from './signature.ts';

export interface TimeStampToken {
  /** When the authority says that it saw the digest: milliseconds since 1970. */
  readonly timeMs: number;
  /** How far its clock may be off, either way, by its own word; undefined where it says nothing. */
  readonly accuracyMs: number | undefined;
  /** Hex. */
  readonly serial: string;
  /** Hex: the number that whoever asked had chosen; undefined where there was none. */
  readonly nonce: string | undefined;
  /** The authority, then who vouches for it, up to a certificate that is trusted, or as far as the token goes. */
  readonly chain: readonly { readonly name: string; readonly fingerprint: string }[];
  /** Who signed the last certificate of the chain. */
  readonly root: string;
  /** The chain ends in a certificate that was given as trusted. Else the signature is right, and whose it is only the token says. */
  readonly isTrusted: boolean;
}

const signedDataOid = '1.2.840.113549.1.7.2';
const tstInfoOid = '1.2.840.113549.1.9.16.1.4';
const contentTypeOid = '1.2.840.113549.1.9.3';
const messageDigestOid = '1.2.840.113549.1.9.4';
const signingCertificateOid = '1.2.840.113549.1.9.16.2.12';
const signingCertificateV2Oid = '1.2.840.113549.1.9.16.2.47';
const sha256Algorithm = Uint8Array.of(0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1);
const tokenBytesMax = 262_144;
const certificatesMax = 32;

/**
 * @param message what the token must be of
 * @param trusted PEM: certificates that are trusted to say what time it is, or to say who may
 * @throws VeiltrailError `time_stamp_syntax`, `time_stamp_digest` (of something else), `time_stamp_signature`, `time_stamp_untrusted` (the signer may not make
 * time stamps, or not at that time), `time_stamp_unsupported` (an algorithm that is not known here)
 */
export function verifyTimeStampToken(token: Uint8Array, message: Uint8Array, trusted: readonly string[] = []): TimeStampToken {
  if (token.length > tokenBytesMax) throw badDer();
  const roots = trusted.flatMap(readPem);
  const { content, algorithms, certificates, signer } = readSignedData(token);
  const info = readInfo(content, message);
  const certificate = signerOf(signer, certificates);
  checkSignature(signer, algorithms, content, certificate);
  if (!mayStampTime(certificate)) throw untrusted('its signer may not make time stamps');
  if (!isGoodAt(certificate, info.timeMs)) throw untrusted('its signer’s certificate was not valid then');
  const { chain, isTrusted } = chainOf(certificate, certificates, roots, info.timeMs);
  const last = chain.at(-1) as Certificate;
  return {
    ...info,
    chain: chain.map((one) => ({ name: nameOf(one.subject), fingerprint: fingerprintOf(one) })),
    root: nameOf(last.issuer),
    isTrusted,
  };
}

interface Signer {
  /** Issuer and serial number, or a key identifier. */
  readonly id: Der;
  readonly digest: Der;
  /** As they are signed: a SET. */
  readonly attributes: Uint8Array;
  readonly algorithm: Der;
  readonly signature: Uint8Array;
}

/** ContentInfo, SignedData, SignerInfo: RFC 5652, 3, 5.1 and 5.3. */
function readSignedData(token: Uint8Array): { content: Uint8Array; algorithms: readonly Der[]; certificates: Certificate[]; signer: Signer } {
  const outer = new DerSequence(readDer(token));
  if (oidOf(outer.take(tags.oid)) !== signedDataOid) throw badDer();
  const parts = new DerSequence(readDer(outer.take(contextTag(0)).content));
  outer.end();
  if (numberOf(parts.take(tags.integer)) !== 3) throw badDer();
  const algorithms = childrenOf(parts.take(tags.set), tags.set);
  const encapsulated = new DerSequence(parts.take(tags.sequence));
  if (oidOf(encapsulated.take(tags.oid)) !== tstInfoOid) throw badDer();
  const content = contentOf(readDer(encapsulated.take(contextTag(0)).content), tags.octetString);
  encapsulated.end();
  const certificates = parts.maybe(contextTag(0));
  // Lists of revoked certificates are of today, and say nothing here.
  parts.maybe(contextTag(1));
  const [signer, ...others] = childrenOf(parts.take(tags.set), tags.set);
  parts.end();
  if (!signer || others.length > 0) throw badDer();
  return {
    content,
    algorithms,
    // Attribute certificates and the like have other tags.
    certificates: certificates
      ? childrenOf(certificates, contextTag(0), certificatesMax).flatMap((one) => (one.tag === tags.sequence ? [readCertificate(one.bytes)] : []))
      : [],
    signer: readSigner(signer),
  };
}

function readSigner(der: Der): Signer {
  const parts = new DerSequence(der);
  const version = numberOf(parts.take(tags.integer));
  const id = parts.any();
  if (version !== (id.tag === tags.sequence ? 1 : 3)) throw badDer();
  const digest = parts.take(tags.sequence);
  const attributes = Uint8Array.from(parts.take(contextTag(0)).bytes);
  attributes[0] = tags.set;
  const algorithm = parts.take(tags.sequence);
  const signature = contentOf(parts.take(tags.octetString), tags.octetString);
  // Attributes that nobody signed.
  parts.maybe(contextTag(1));
  parts.end();
  return { id, digest, attributes, algorithm, signature };
}

/** TSTInfo: RFC 3161, 2.4.2. */
function readInfo(content: Uint8Array, message: Uint8Array): Pick<TimeStampToken, 'timeMs' | 'accuracyMs' | 'serial' | 'nonce'> {
  const parts = new DerSequence(readDer(content));
  if (numberOf(parts.take(tags.integer)) !== 1) throw badDer();
  parts.take(tags.oid); // the authority's policy
  const imprint = new DerSequence(parts.take(tags.sequence));
  const { hash } = hashOf(imprint.take(tags.sequence));
  const digest = contentOf(imprint.take(tags.octetString), tags.octetString);
  imprint.end();
  if (!equalBytes(digest, hash(message))) throw new VeiltrailError('time_stamp_digest', 'the time stamp is of something else');
  const serial = toHex(contentOf(parts.take(tags.integer), tags.integer));
  const timeMs = timeOf(parts.take(tags.generalizedTime));
  const accuracy = parts.maybe(tags.sequence);
  parts.maybe(tags.boolean); // whether the authority's time stamps are in order
  const nonce = parts.maybe(tags.integer);
  parts.maybe(contextTag(0)); // the authority's name
  const extensions = parts.maybe(contextTag(1));
  parts.end();
  // What would change the meaning is critical.
  for (const one of extensions ? childrenOf(extensions, contextTag(1)) : [])
    if (childrenOf(one, tags.sequence, 3)[1]?.tag === tags.boolean) throw badDer();
  return { serial, nonce: nonce && toHex(nonce.content), timeMs, accuracyMs: accuracy && accuracyOf(accuracy) };
}

/** Seconds, milliseconds, microseconds; rounded up. */
function accuracyOf(der: Der): number {
  const parts = new DerSequence(der);
  const seconds = parts.maybe(tags.integer);
  const [ms, us] = [parts.maybe(0x80), parts.maybe(0x81)].map((one) => (one ? numberOf({ ...one, tag: tags.integer }) : 0)) as [number, number];
  parts.end();
  return (seconds ? numberOf(seconds) : 0) * 1_000 + ms + Math.ceil(us / 1_000);
}

/** The certificate in the token that its signer is said to have. */
function signerOf({ id }: Signer, certificates: readonly Certificate[]): Certificate {
  const isIt = (one: Certificate): boolean => {
    if (id.tag === tags.sequence) {
      const [issuer, serial] = childrenOf(id, tags.sequence, 2);
      return equalBytes(issuer?.bytes ?? new Uint8Array(0), one.issuer.bytes) && equalBytes(contentOf(serial, tags.integer), one.serial);
    }
    return id.tag === 0x80 && equalBytes(id.content, keyIdOf(one) ?? new Uint8Array(0));
  };
  const found = certificates.find(isIt);
  if (!found) throw new VeiltrailError('time_stamp_signature', 'the time stamp does not bring its signer’s certificate');
  return found;
}

function checkSignature(signer: Signer, algorithms: readonly Der[], content: Uint8Array, certificate: Certificate): void {
  const { oid, hash } = hashOf(signer.digest);
  if (algorithms.length !== 1 || hashOf(algorithms[0] as Der).oid !== oid) throw badDer();
  const attributes = readAttributes(signer.attributes);
  const { attributes: message, signature, algorithm } = signer;
  if (
    oidOf(attributes.get(contentTypeOid)) !== tstInfoOid ||
    !equalBytes(contentOf(attributes.get(messageDigestOid), tags.octetString), hash(content)) ||
    !namesCertificate(attributes, certificate) ||
    !verifySignature({ message, signature, algorithm, digest: oid, publicKey: certificate.publicKey })
  )
    throw new VeiltrailError('time_stamp_signature', 'the signature of the time stamp is wrong');
}

/** By OID; each of them once, with one value. */
function readAttributes(set: Uint8Array): Map<string, Der> {
  const attributes = new Map<string, Der>();
  for (const one of childrenOf(readDer(set), tags.set)) {
    const parts = new DerSequence(one);
    const oid = oidOf(parts.take(tags.oid));
    const [value, ...others] = childrenOf(parts.take(tags.set), tags.set);
    parts.end();
    if (!value || others.length > 0 || attributes.has(oid)) throw badDer();
    attributes.set(oid, value);
  }
  return attributes;
}

/** Whether the signed attributes say that it was this certificate: the first of their list, by its digest. */
function namesCertificate(attributes: ReadonlyMap<string, Der>, { bytes }: Certificate): boolean {
  const second = attributes.get(signingCertificateV2Oid);
  const attribute = second ?? attributes.get(signingCertificateOid);
  const [list] = attribute ? childrenOf(attribute, tags.sequence, 2) : [];
  const [first] = list ? childrenOf(list, tags.sequence, certificatesMax) : [];
  const parts = new DerSequence(first);
  // SHA-256 goes without saying.
  const algorithm = second ? (parts.maybe(tags.sequence) ?? readDer(sha256Algorithm)) : undefined;
  const digest = contentOf(parts.take(tags.octetString), tags.octetString);
  return equalBytes(digest, algorithm ? hashOf(algorithm).hash(bytes) : sha1(bytes));
}

function untrusted(what: string): VeiltrailError {
  return new VeiltrailError('time_stamp_untrusted', what);
}
