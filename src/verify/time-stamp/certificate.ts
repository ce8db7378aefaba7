/** X.509 certificates (RFC 5280), as far as a time stamp's signer needs it: who vouches for whom, at a time. Revocation is not looked at. */
import { equalBytes, toHex } from '../../core/bytes.ts';
import { decodeBase64 } from '../../core/base64.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { sha256 } from '../../core/sha256.ts';
import {
  badDer,
  bitsOf,
  booleanOf,
  childrenOf,
  contentOf,
  contextTag,
  type Der,
  DerSequence,
  numberOf,
  oidOf,
  readDer,
  tags,
  timeOf,
} from './der.ts';
import { isSignedBy } from './signature.ts';

export interface Certificate {
  readonly bytes: Uint8Array;
  /** What is signed. */
  readonly body: Uint8Array;
  readonly algorithm: Der;
  readonly signature: Uint8Array;
  readonly serial: Uint8Array;
  /** Names, as DER. */
  readonly issuer: Der;
  readonly subject: Der;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly publicKey: Der;
  /** By OID. */
  readonly extensions: ReadonlyMap<string, { readonly critical: boolean; readonly value: Uint8Array }>;
}

const basicConstraintsOid = '2.5.29.19';
const keyUsageOid = '2.5.29.15';
const extendedKeyUsageOid = '2.5.29.37';
const subjectKeyIdOid = '2.5.29.14';
const timeStampingOid = '1.3.6.1.5.5.7.3.8';
const anyPurposeOid = '2.5.29.37.0';
/** Extensions that are understood, or that change nothing here: alternative names, policies. A critical one beside them refuses the certificate. */
const known = new Set([basicConstraintsOid, keyUsageOid, extendedKeyUsageOid, subjectKeyIdOid, '2.5.29.17', '2.5.29.32', '2.5.29.35']);
const usageBits = { digitalSignature: 0x80, nonRepudiation: 0x40, certSign: 0x04 };

/** @throws VeiltrailError `time_stamp_syntax` */
export function readCertificate(bytes: Uint8Array): Certificate {
  const outer = new DerSequence(readDer(bytes));
  const body = outer.take(tags.sequence);
  const algorithm = outer.take(tags.sequence);
  const signature = bitsOf(outer.take(tags.bitString));
  outer.end();
  const parts = new DerSequence(body);
  const version = parts.maybe(contextTag(0));
  if (version && numberOf(readDer(version.content)) !== 2) throw badDer();
  const serial = contentOf(parts.take(tags.integer), tags.integer);
  // The algorithm stands there twice, once signed and once not.
  if (!equalBytes(parts.take(tags.sequence).bytes, algorithm.bytes)) throw badDer();
  const issuer = parts.take(tags.sequence);
  const validity = new DerSequence(parts.take(tags.sequence));
  const [from, to] = [timeOf(validity.any()), timeOf(validity.any())];
  validity.end();
  const subject = parts.take(tags.sequence);
  const publicKey = parts.take(tags.sequence);
  // Unique ids, which nobody uses.
  parts.maybe(0x81);
  parts.maybe(0x82);
  const extensions = parts.maybe(contextTag(3));
  parts.end();
  return {
    bytes,
    body: body.bytes,
    algorithm,
    signature,
    serial,
    issuer,
    subject,
    from,
    to,
    publicKey,
    extensions: extensions ? readExtensions(readDer(extensions.content)) : new Map(),
  };
}

function readExtensions(der: Der): Map<string, { critical: boolean; value: Uint8Array }> {
  const extensions = new Map<string, { critical: boolean; value: Uint8Array }>();
  for (const one of childrenOf(der, tags.sequence)) {
    const parts = new DerSequence(one);
    const oid = oidOf(parts.take(tags.oid));
    const critical = parts.maybe(tags.boolean);
    const value = contentOf(parts.take(tags.octetString), tags.octetString);
    parts.end();
    // One of each; and what is not critical is not said to be not critical.
    if (extensions.has(oid) || (critical && !booleanOf(critical))) throw badDer();
    extensions.set(oid, { critical: critical !== undefined, value });
  }
  return extensions;
}

/** The common name of its subject, else the last part of it: for people. */
export function nameOf(name: Der): string {
  let last = '';
  for (const part of childrenOf(name, tags.sequence)) {
    for (const one of childrenOf(part, tags.set)) {
      const [type, value] = childrenOf(one, tags.sequence, 2);
      if (!value) throw badDer();
      last = textOf(value);
      if (oidOf(type) === '2.5.4.3') return last;
    }
  }
  return last;
}

/** SHA-256 of its DER, hex: what browsers and openssl call its fingerprint. */
export function fingerprintOf({ bytes }: Certificate): string {
  return toHex(sha256(bytes));
}

/** The subject's key identifier, where it has one. */
export function keyIdOf({ extensions }: Certificate): Uint8Array | undefined {
  const extension = extensions.get(subjectKeyIdOid);
  return extension && contentOf(readDer(extension.value), tags.octetString);
}

/** RFC 3161, 2.3: exactly this one purpose, and critical; and a key that may sign. */
export function mayStampTime({ extensions }: Certificate): boolean {
  const purpose = extensions.get(extendedKeyUsageOid);
  if (!purpose?.critical) return false;
  const purposes = childrenOf(readDer(purpose.value), tags.sequence);
  return purposes.length === 1 && oidOf(purposes[0]) === timeStampingOid && has(extensions, usageBits.digitalSignature | usageBits.nonRepudiation);
}

/** Tries of signatures for one time stamp: certificates of a stranger may all claim to have vouched for one another. */
const triesMax = 16;
const lengthMax = 8;

/**
 * The chain from a certificate to one that is trusted, or, where none is, as far as it goes.
 * @param others certificates that came along, from a stranger
 * @param at milliseconds since 1970: every certificate of the chain was valid then
 */
export function chainOf(
  certificate: Certificate,
  others: readonly Certificate[],
  trusted: readonly Certificate[],
  at: number,
): { chain: Certificate[]; isTrusted: boolean } {
  let tries = 0;
  let longest: Certificate[] = [certificate];
  const issuers = distinct([...trusted, ...others]);
  const climb = (chain: Certificate[]): Certificate[] | undefined => {
    const top = chain.at(-1) as Certificate;
    if (trusted.some((one) => equalBytes(one.bytes, top.bytes))) return chain;
    if (chain.length > longest.length) longest = chain;
    if (chain.length === lengthMax) return undefined;
    for (const issuer of issuers) {
      if (!equalBytes(issuer.subject.bytes, top.issuer.bytes) || chain.includes(issuer)) continue;
      if (!isGoodAt(issuer, at) || !mayVouch(issuer, chain.length - 1)) continue;
      if (tries === triesMax) return undefined; // and so do all climbs below this one
      tries++;
      if (!isSignedBy({ message: top.body, signature: top.signature, algorithm: top.algorithm, publicKey: issuer.publicKey })) continue;
      const found = climb([...chain, issuer]);
      if (found) return found;
    }
    return undefined;
  };
  const found = climb([certificate]);
  return { chain: found ?? longest, isTrusted: found !== undefined };
}

/** Each once, whichever of equal ones came first. */
function distinct(certificates: readonly Certificate[]): Certificate[] {
  return certificates.filter((one, i) => certificates.findIndex(({ bytes }) => equalBytes(bytes, one.bytes)) === i);
}

/** Valid at a time, and with no critical extension that is not understood. */
export function isGoodAt({ from, to, extensions }: Certificate, at: number): boolean {
  return from <= at && at <= to && [...extensions].every(([oid, { critical }]) => !critical || known.has(oid));
}

/** Whether it may vouch for authorities of time stamps, with so many certificates between it and the last one. */
function mayVouch({ extensions }: Certificate, between: number): boolean {
  const constraints = extensions.get(basicConstraintsOid);
  if (!constraints) return false;
  const parts = new DerSequence(readDer(constraints.value));
  const isAuthority = parts.maybe(tags.boolean);
  const depth = parts.maybe(tags.integer);
  parts.end();
  if (!isAuthority || !booleanOf(isAuthority) || (depth && numberOf(depth) < between)) return false;
  return has(extensions, usageBits.certSign) && isForTimeStamps(extensions);
}

/** An authority that is kept to some purposes is kept to them in what it vouches for, as verifiers have it (RFC 5280 leaves it open). */
function isForTimeStamps(extensions: Certificate['extensions']): boolean {
  const purpose = extensions.get(extendedKeyUsageOid);
  if (!purpose) return true;
  const purposes = childrenOf(readDer(purpose.value), tags.sequence).map(oidOf);
  return purposes.includes(timeStampingOid) || purposes.includes(anyPurposeOid);
}

/** Whether one of the usages is allowed; without a list all are. */
function has(extensions: Certificate['extensions'], bits: number): boolean {
  const usage = extensions.get(keyUsageOid);
  return !usage || ((contentOf(readDer(usage.value), tags.bitString)[1] ?? 0) & bits) !== 0;
}

/**
 * Certificates in PEM: a text may hold several, and whatever between them.
 * @throws VeiltrailError `time_stamp_untrusted` for a text without one, `time_stamp_syntax`
 */
export function readPem(text: string): Certificate[] {
  const bodies = [...text.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g)];
  if (bodies.length === 0) throw new VeiltrailError('time_stamp_untrusted', 'no trusted certificate is given');
  return bodies.map(([, body]) => {
    try {
      return readCertificate(decodeBase64((body as string).replaceAll(/\s/g, '')));
    } catch (cause) {
      throw new VeiltrailError('time_stamp_syntax', 'not a certificate', {}, { cause });
    }
  });
}

function textOf({ tag, content }: Der): string {
  // BMPString is UTF-16; all others are ASCII, or UTF-8.
  if (tag === 0x1e) return new TextDecoder('utf-16be').decode(content);
  return new TextDecoder().decode(content);
}
