/**
 * Certificates of removal: what was removed, when, on whose request, how much; never whom it was about. Signed by a log of the installation.
 *
 * ```
 * certificate = canonical JSON of {"body": …, "signatures": ["— <name> <base64>", …], "tombstones": [disclosure, …]} ‖ "\n"
 * signed      = "veiltrail-certificate/1\n" ‖ canonical JSON of body ‖ "\n"      as a signed note, under the key of `body.origin`
 * ```
 * The tombstones are disclosures (`log/disclosure.ts`) of the leaves that say the same in the logs themselves, each with its receipt: so whoever
 * has those logs' keys sees that the removal stands where nobody can take it away again. The file comes from strangers, and is parsed strictly:
 * it has one spelling.
 */
import { canonicalJson } from '../core/canonical-json.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from '../core/json.ts';
import { createTrust, createNoteVerifier, formatSignatureLine, type NoteSigner, openNote, parseDisclosure, parseProof } from '../log/index.ts';
import { readVerifierKeys } from '../log/note-key.ts';
import { verifyDisclosure } from './disclosure.ts';

const format = 'veiltrail-certificate/1';
const bytesMax = 16_777_216;
const tombstonesMax = 10_000;

/** What a certificate says. (A type, because it is JSON.) */
export type CertificateBody = {
  format: string;
  /** Of the removal: `rem_` and 26 characters. */
  removal: string;
  operation: string;
  /** Of the log that signs. */
  origin: string;
  /** RFC 3339. */
  completedAt: string;
  /** A stable code or a legal basis. */
  reason: string;
  /** Of a case or a ticket. */
  reference?: string;
  /** The principal that did it. */
  by: string;
  permitted: string;
  /** The request that a second person approved, and its digest. */
  request?: { id: string; digest: string };
  removed: { tokens: number; records: number; fields: number };
  tombstones: { origin: string; leafIndex: number }[];
};

export interface VerifiedCertificate {
  readonly body: CertificateBody;
  /** Tombstones that are proved to be in their logs, and say the same. */
  readonly proved: readonly { origin: string; leafIndex: number; treeSize: number }[];
  /** Tombstones of logs whose key is not known here. */
  readonly unproved: readonly { origin: string; leafIndex: number }[];
}

/** Whether a text looks like a certificate: nothing is verified. */
export function isCertificate(text: string): boolean {
  return text.startsWith('{"body":{') && text.slice(0, 4_096).includes(`"format":"${format}"`);
}

/** @param tombstones disclosures, in the order of `body.tombstones`; those that cannot be had may be left out */
export function signCertificate(body: Omit<CertificateBody, 'format'>, tombstones: readonly string[], signers: readonly NoteSigner[]): string {
  const whole = { ...body, format } as CertificateBody;
  const text = signedText(whole);
  const signatures = signers.map((signer) => formatSignatureLine({ name: signer.name, keyId: signer.keyId, signature: signer.sign(text) }).trimEnd());
  return `${canonicalJson({ body: whole as unknown as JsonObject, signatures, tombstones: [...tombstones] })}\n`;
}

/**
 * Verifies a certificate.
 * @param vkeys of the log that signed, and of those whose tombstones shall be proved
 * @throws VeiltrailError `certificate_syntax`; `certificate_unproved` when none of the keys is that of the signing log; `note_signature`;
 * `certificate_tombstone` when a tombstone is not in its log or says something else; `vkey_syntax`, `vkey_type`
 */
export function verifyCertificate(text: string, vkeys: readonly string[]): VerifiedCertificate {
  const { body, signatures, tombstones } = parseCertificate(text);
  readVerifierKeys(vkeys, 'the given keys', createNoteVerifier);
  const own = vkeys.filter((vkey) => nameOf(vkey) === body.origin);
  if (own.length === 0) throw new VeiltrailError('certificate_unproved', `the certificate is signed by ${body.origin}, whose key is not given`);
  openNote(`${signedText(body)}\n${signatures.map((line) => `${line}\n`).join('')}`, own.map(createNoteVerifier));
  const proved: { origin: string; leafIndex: number; treeSize: number }[] = [];
  for (const disclosure of tombstones) {
    const origin = originOf(disclosure);
    const keys = vkeys.filter((vkey) => nameOf(vkey) === origin);
    if (keys.length > 0) proved.push(verifyTombstone(disclosure, keys, body));
  }
  const isProved = (one: { origin: string; leafIndex: number }): boolean =>
    proved.some(({ origin, leafIndex }) => origin === one.origin && leafIndex === one.leafIndex);
  return { body, proved, unproved: body.tombstones.filter((one) => !isProved(one)) };
}

function verifyTombstone(
  disclosure: string,
  vkeys: readonly string[],
  body: CertificateBody,
): { origin: string; leafIndex: number; treeSize: number } {
  let verified: ReturnType<typeof verifyDisclosure>;
  try {
    verified = verifyDisclosure(disclosure, createTrust(vkeys));
  } catch (cause) {
    throw new VeiltrailError('certificate_tombstone', `a tombstone of the certificate does not verify: ${(cause as Error).message}`, {}, { cause });
  }
  const { leafIndex, checkpoint, shown } = verified;
  const { origin, treeSize } = checkpoint;
  const says = (pointer: string): JsonValue | undefined => shown.find((field) => field.pointer === pointer)?.value;
  const isNamed = body.tombstones.some((one) => one.origin === origin && one.leafIndex === leafIndex);
  if (!isNamed || says('/tombstone/removal') !== body.removal || says('/tombstone/operation') !== body.operation) {
    throw new VeiltrailError('certificate_tombstone', `leaf ${leafIndex} of ${origin} is not a tombstone of this removal`);
  }
  return { origin, leafIndex, treeSize };
}

/** Of the log that a disclosure's receipt is from, unverified: it says which key to try. */
function originOf(disclosure: string): string {
  try {
    return parseProof(parseDisclosure(disclosure).receipt).checkpoint.split('\n', 1)[0] as string;
  } catch (cause) {
    throw new VeiltrailError('certificate_tombstone', 'a tombstone of the certificate cannot be read', {}, { cause });
  }
}

function nameOf(vkey: string): string {
  return vkey.split('+', 1)[0] as string;
}

function signedText(body: CertificateBody): string {
  return `${format}\n${canonicalJson(body as unknown as JsonObject)}\n`;
}

interface UnverifiedCertificate {
  body: CertificateBody;
  signatures: string[];
  tombstones: string[];
}

/** @throws VeiltrailError `certificate_syntax` for anything that {@link signCertificate} would not write */
function parseCertificate(text: string): UnverifiedCertificate {
  if (text.length > bytesMax) throw bad('too long');
  let value: JsonValue;
  try {
    ({ value } = parseJson(text, { depthMax: 8, nodesMax: 8 * tombstonesMax }));
  } catch {
    throw bad('not JSON');
  }
  if (!isJsonObject(value) || Object.keys(value).length !== 3) throw bad('not its members');
  const { body, signatures, tombstones } = value;
  if (!isBody(body) || !isTexts(signatures, 64) || !isTexts(tombstones, tombstonesMax)) throw bad('not its members');
  // One spelling, so that no byte of it can change unnoticed.
  if (`${canonicalJson(value)}\n` !== text) throw bad('not canonical');
  return { body, signatures, tombstones };
}

function isBody(body: JsonValue | undefined): body is CertificateBody {
  if (!isJsonObject(body) || body['format'] !== format) return false;
  const texts = ['removal', 'operation', 'origin', 'completedAt', 'reason', 'by', 'permitted'];
  const { removed, tombstones, request, reference } = body;
  return (
    texts.every((name) => typeof body[name] === 'string') &&
    isJsonObject(removed) &&
    ['tokens', 'records', 'fields'].every((name) => isCount(removed[name])) &&
    Array.isArray(tombstones) &&
    tombstones.length <= tombstonesMax &&
    tombstones.every((one) => isJsonObject(one) && typeof one['origin'] === 'string' && isCount(one['leafIndex'])) &&
    (reference === undefined || typeof reference === 'string') &&
    (request === undefined || (isJsonObject(request) && typeof request['id'] === 'string' && typeof request['digest'] === 'string'))
  );
}

function isCount(value: JsonValue | undefined): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTexts(value: JsonValue | undefined, max: number): value is string[] {
  return Array.isArray(value) && value.length <= max && value.every((one) => typeof one === 'string');
}

function bad(what: string): VeiltrailError {
  return new VeiltrailError('certificate_syntax', `not a certificate: ${what}`);
}
