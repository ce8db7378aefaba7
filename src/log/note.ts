/**
 * Signed notes (C2SP signed-note): a text that ends in a newline, an empty line, and lines `— <key name> base64(key id[4] ‖ signature)`.
 * The text ends at the last empty line. A key is known by its name and id together; signatures of unknown keys are ignored, one of a known
 * key that fails refuses the whole note, and so does a note without any signature of a known key.
 *
 * Everything here is parsed before any signature is verified: it comes from strangers.
 */
import { decodeBase64, encodeBase64 } from '../core/base64.ts';
import { concatBytes, decodeUtf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';

/** The specification asks for 16 at least; post-quantum ones are up to 5 kB each. */
export const noteSignaturesMax = 64;
/** UTF-16 units, or bytes, of a note. */
export const noteLengthMax = 1_000_000;

/** A signature line: whose it says it is, and the bytes behind the key id. */
export interface NoteSignature {
  readonly name: string;
  /** uint32, the first four bytes of the signature as written. */
  readonly keyId: number;
  readonly signature: Uint8Array;
}

/** A note as parsed: nothing in it is to be believed before {@link openNote}. */
export interface UnverifiedNote {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export interface NoteVerifier {
  readonly name: string;
  readonly keyId: number;
  /** Whether the signature (without the key id) is one over this text. */
  verify(text: string, signature: Uint8Array): boolean;
}

export interface NoteSigner {
  readonly name: string;
  readonly keyId: number;
  /** The signature over this text, without the key id. */
  sign(text: string): Uint8Array;
}

export interface VerifiedNote {
  readonly text: string;
  /** One of each known key that signed; all that there are were verified. */
  readonly signatures: readonly NoteSignature[];
}

const dash = '\u2014';

/** A key name: not empty, no Unicode white space, no `+`, nothing below U+0020, no lone surrogates. */
export function isKeyName(name: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what it is about
  return name !== '' && !/[\p{White_Space}+\u0000-\u001f]/u.test(name) && name.isWellFormed();
}

/**
 * Takes a note apart without verifying anything.
 * @throws VeiltrailError `invalid_utf8`, or `note_syntax` for what the specification does not allow
 */
export function parseNote(note: string | Uint8Array): UnverifiedNote {
  if (note.length > noteLengthMax) throw badNote('longer than allowed');
  const whole = typeof note === 'string' ? note : decodeUtf8(note);
  checkCharacters(whole);
  const split = whole.lastIndexOf('\n\n');
  if (split < 0) throw badNote('no empty line');
  const lines = whole.slice(split + 2).split('\n');
  if (lines.pop() !== '') throw badNote('no newline at the end');
  if (lines.length === 0) throw badNote('no signatures');
  if (lines.length > noteSignaturesMax) throw badNote(`more than ${noteSignaturesMax} signatures`);
  return { text: whole.slice(0, split + 1), signatures: lines.map(parseSignatureLine) };
}

/**
 * The note of a text and its signatures.
 * @throws VeiltrailError `note_syntax` for a text or a signature that a note cannot hold
 */
export function formatNote({ text, signatures }: UnverifiedNote): string {
  const note = `${text}\n${signatures.map(formatSignatureLine).join('')}`;
  checkText(text);
  parseNote(note);
  return note;
}

/** `— <key name> base64(key id ‖ signature)`, newline included. */
export function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  if (!isKeyName(name)) throw badNote('not a key name');
  if (signature.length === 0) throw badNote('an empty signature');
  return `${dash} ${name} ${encodeBase64(concatBytes(keyIdBytes(keyId), signature))}\n`;
}

/**
 * One signature line, without its newline.
 * @throws VeiltrailError `note_syntax`
 */
export function parseSignatureLine(line: string): NoteSignature {
  const parts = line.split(' ');
  const [mark, name, encoded] = parts;
  if (parts.length !== 3 || mark !== dash || name === undefined || encoded === undefined || !isKeyName(name)) throw badNote('a signature line');
  let bytes: Uint8Array;
  try {
    bytes = decodeBase64(encoded);
  } catch {
    throw badNote('the base64 of a signature');
  }
  if (bytes.length < 5) throw badNote('a signature is too short');
  return { name, keyId: readKeyId(bytes), signature: bytes.slice(4) };
}

/**
 * Signs a text, by at least one key.
 * @throws VeiltrailError `note_syntax` unless the text ends in a newline and has no other control characters
 */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  checkText(text);
  return formatNote({ text, signatures: signers.map((signer) => ({ name: signer.name, keyId: signer.keyId, signature: signer.sign(text) })) });
}

/**
 * Verifies a note and gives its text.
 * @throws VeiltrailError what {@link parseNote} throws; `note_signature` when a signature of a known key is wrong, `note_unverified` when
 * there is none of a known key
 */
export function openNote(note: string | Uint8Array, verifiers: readonly NoteVerifier[]): VerifiedNote {
  const { text, signatures } = parseNote(note);
  const known: NoteSignature[] = [];
  for (const signature of signatures) {
    const verifier = verifiers.find(({ name, keyId }) => name === signature.name && keyId === signature.keyId);
    if (verifier === undefined) continue;
    if (!verifier.verify(text, signature.signature)) throw new VeiltrailError('note_signature', 'a signature of a known key is wrong');
    // A key counts once, however often it signed: whoever asks for so many witnesses counts these.
    if (!known.some(({ name, keyId }) => name === signature.name && keyId === signature.keyId)) known.push(signature);
  }
  if (known.length === 0) throw new VeiltrailError('note_unverified', 'no signature of a known key');
  return { text, signatures: known };
}

function checkText(text: string): void {
  if (!text.endsWith('\n')) throw badNote('the text does not end in a newline');
  checkCharacters(text);
}

function checkCharacters(text: string): void {
  // oxlint-disable-next-line no-control-regex -- control characters are what it is about
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text) || !text.isWellFormed()) throw badNote('a control character, or half of a surrogate pair');
}

function keyIdBytes(keyId: number): Uint8Array {
  return Uint8Array.of(keyId >>> 24, (keyId >>> 16) & 0xff, (keyId >>> 8) & 0xff, keyId & 0xff);
}

function readKeyId(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
}

function badNote(what: string): VeiltrailError {
  return new VeiltrailError('note_syntax', `not a signed note: ${what}`);
}
