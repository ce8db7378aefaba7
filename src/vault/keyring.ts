/**
 * The keyring: a directory apart from all data, with one file a key. Whoever has it and the disk has everything; whoever has only one of the
 * two has nothing, and what is sealed under a destroyed `root` is gone for good. So keep it out of ordinary backups.
 *
 *     <purpose>.v<version>.secret   VEILTRAIL+SECRET+<purpose>+<version>+<check>+base64(32 bytes)
 *     <log>.signing-key             PRIVATE+KEY+<origin>+<key id>+base64(0x01 ‖ seed)     (Go's form; see log/note-key.ts)
 *     <log>.unfinished-signing-key  the same while the log is being made: it gets its name when the log is in the records and published
 *     <log>.next-signing-key        the one that follows it, while both sign; with <log>.next.vkey, <log>.retired.vkeys
 *     <log>.vkey                    <origin>+<key id>+base64(0x01 ‖ public key)           for everyone who verifies
 *     keyring                       what must be here: written last, so that a keyring whose making was cut short is completed, while a
 *                                   secret that went missing later is an error and never silently replaced
 *
 * check = the first 8 hex digits of SHA-256 over the text before it and the secret: a damaged file is noticed before it seals anything.
 */
import { inspect } from 'node:util';
import { encodeBase64, decodeBase64 } from '../core/base64.ts';
import { concatBytes, toHex, utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { systemRandom, type Random } from '../core/random.ts';
import { hmacSha256, sha256 } from '../core/sha256.ts';
import { createNoteSigner, formatSigningKey, parseSigningKey, type NoteKeySigner } from '../log/note-key.ts';
import { nextSigningFile } from './rotate-signing-key.ts';
import {
  checkKeyDirectory,
  createKeyFile,
  destroyKeyFile,
  listKeyFiles,
  prepareKeyDirectory,
  readKeyFile,
  renameKeyFile,
  replaceKeyFile,
} from './key-file.ts';

/**
 * What each secret is for: `root` seals bucket keys (the erasure root), `lookup` finds a value's token, `pseudonym` is the key of the `hash`
 * transform, `index` of search terms, `idempotency` of senders' ids, `seal` of what the server itself keeps sealed.
 */
export const secretPurposes = ['root', 'lookup', 'pseudonym', 'index', 'idempotency', 'seal'] as const;
export type SecretPurpose = (typeof secretPurposes)[number];

export interface Secret {
  readonly version: number;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

export interface Keyring {
  /** The newest version. */
  secret(purpose: SecretPurpose): Secret;
  /** Every version, the newest first. */
  secrets(purpose: SecretPurpose): readonly Secret[];
  /** The same, as they are on disk by now: another process may have made and destroyed some. */
  readAgain(purpose: SecretPurpose): readonly Secret[];
  /** The log's signer, if it has one. @throws VeiltrailError as `openKeyring` does, for a damaged key */
  signer(log: string): NoteKeySigner | undefined;
  /** All that sign for a log: its signer, and behind it the one that follows while its key is rotated (rotate-signing-key.ts). */
  signers(log: string): readonly NoteKeySigner[];
  /** Makes the log's key under its origin, durable when it returns; the key that is there already if it bears that origin. @throws VeiltrailError `key_origin` */
  createSigner(log: string, origin: string): NoteKeySigner;
  /**
   * Its first half: makes a key that signs, and yet says that the log is being made, so that a crash before {@link finishSigner} is not taken for a
   * log that somebody deleted. @throws VeiltrailError `key_origin`
   */
  beginSigner(log: string, origin: string): NoteKeySigner;
  /** The log is made. Durable when it returns; may be repeated after a crash. @throws VeiltrailError `key_file_missing` where nothing was begun */
  finishSigner(log: string): void;
  /** Names of the logs that have a key, sorted. */
  logs(): string[];
  /** Names of the logs whose making was begun and not finished, with the origins their keys bear, sorted. */
  unfinished(): { log: string; origin: string }[];
}

export interface KeyringOptions {
  /** Make what is missing, as the first start does. Without it an absent or half-made keyring is refused. */
  create: boolean;
  random?: Random;
}

const marker = 'keyring';
const markerHead = 'veiltrail keyring 1';
const secretBytes = 32;
const signingSuffix = '.signing-key';
const unfinishedSuffix = '.unfinished-signing-key';

/**
 * Opens the keyring in `dir`.
 * @throws VeiltrailError `keyring_missing` (none, or half made, and not to create), `keyring_incomplete` (a secret is gone), `keyring_syntax`,
 * `keyring_open`, `key_file_open`, `key_file_syntax` and what writing can bring: `disk_full`, `storage_readonly`, `storage_failed`
 */
export function openKeyring(dir: string, { create, random = systemRandom }: KeyringOptions): Keyring {
  if (create) prepareKeyDirectory(dir);
  checkKeyDirectory(dir);
  const promised = readMarker(dir);
  if (!promised && !create) throw new VeiltrailError('keyring_missing', 'the keyring is not complete: its making was cut short');
  const secrets = readSecrets(dir);
  for (const purpose of secretPurposes) {
    if (secrets.has(purpose)) continue;
    // A new one in the place of a lost one would hide the loss and orphan all that was sealed or hashed under it.
    if (promised?.has(purpose)) throw new VeiltrailError('keyring_incomplete', `the keyring has lost its ${purpose} secret`, { purpose });
    if (!create) throw new VeiltrailError('keyring_missing', `the keyring has no ${purpose} secret yet`, { purpose });
    const secret = { version: 1, key: random.bytes(secretBytes) };
    createKeyFile(dir, secretFileName(purpose, secret.version), formatSecret(purpose, secret));
    secrets.set(purpose, [secret]);
  }
  // A crash before this line: the next start finds some secrets, which nothing has used, keeps them and makes the rest.
  if (create && secretPurposes.some((purpose) => !promised?.has(purpose))) writeMarker(dir);
  return new DirectoryKeyring(dir, secrets, random);
}

class DirectoryKeyring implements Keyring {
  readonly #dir: string;
  readonly #secrets: ReadonlyMap<SecretPurpose, readonly Secret[]>;
  readonly #random: Random;

  constructor(dir: string, secrets: ReadonlyMap<SecretPurpose, readonly Secret[]>, random: Random) {
    this.#dir = dir;
    this.#secrets = secrets;
    this.#random = random;
  }

  secret(purpose: SecretPurpose): Secret {
    return this.secrets(purpose)[0] as Secret;
  }

  secrets(purpose: SecretPurpose): readonly Secret[] {
    return this.#secrets.get(purpose) as readonly Secret[];
  }

  readAgain(purpose: SecretPurpose): readonly Secret[] {
    return openKeyring(this.#dir, { create: false }).secrets(purpose);
  }

  signer(log: string): NoteKeySigner | undefined {
    return this.#readSigner(`${checkedLogName(log)}${signingSuffix}`) ?? this.#readSigner(`${log}${unfinishedSuffix}`);
  }

  signers(log: string): readonly NoteKeySigner[] {
    const signer = this.signer(log);
    const next = signer && this.#readSigner(nextSigningFile(log));
    return signer ? [signer, ...(next && next.keyId !== signer.keyId ? [next] : [])] : [];
  }

  #readSigner(file: string): NoteKeySigner | undefined {
    if (!listKeyFiles(this.#dir).includes(file)) return undefined;
    const text = readKeyFile(this.#dir, file);
    try {
      const { name, seed } = parseSigningKey(text.endsWith('\n') ? text.slice(0, -1) : text);
      return createNoteSigner(name, seed);
    } catch (cause) {
      throw new VeiltrailError('key_file_syntax', `${file} is not a signing key`, { file }, { cause });
    }
  }

  createSigner(log: string, origin: string): NoteKeySigner {
    const signer = this.beginSigner(log, origin);
    this.finishSigner(log);
    return signer;
  }

  beginSigner(log: string, origin: string): NoteKeySigner {
    const signer = this.signer(log) ?? this.#newSigner(log, origin);
    if (signer.name !== origin) throw new VeiltrailError('key_origin', 'the key of this log bears another origin', { log });
    return signer;
  }

  finishSigner(log: string): void {
    const files = listKeyFiles(this.#dir);
    const file = `${checkedLogName(log)}${signingSuffix}`;
    if (!files.includes(file)) renameKeyFile(this.#dir, `${log}${unfinishedSuffix}`, file);
    const signer = this.signer(log) as NoteKeySigner;
    // Follows from the signing key, so a crash between the two files is made good here, at the next start.
    const vkeyFile = `${log}.vkey`;
    if (!files.includes(vkeyFile)) createKeyFile(this.#dir, vkeyFile, `${signer.vkey}\n`, 0o644);
    if (readKeyFile(this.#dir, vkeyFile, 'public') !== `${signer.vkey}\n`) {
      throw new VeiltrailError('key_file_syntax', `${vkeyFile} is not the public half of the log's signing key`, { file: vkeyFile });
    }
  }

  #newSigner(log: string, origin: string): NoteKeySigner {
    const seed = this.#random.bytes(secretBytes);
    createKeyFile(this.#dir, `${log}${unfinishedSuffix}`, `${formatSigningKey(origin, seed)}\n`);
    return createNoteSigner(origin, seed);
  }

  logs(): string[] {
    return listKeyFiles(this.#dir)
      .filter((name) => name.endsWith(signingSuffix))
      .map((name) => name.slice(0, -signingSuffix.length));
  }

  unfinished(): { log: string; origin: string }[] {
    return listKeyFiles(this.#dir)
      .filter((name) => name.endsWith(unfinishedSuffix))
      .flatMap((file) => {
        const log = file.slice(0, -unfinishedSuffix.length);
        const signer = this.#readSigner(file);
        return signer ? [{ log, origin: signer.name }] : [];
      });
  }

  toJSON(): string {
    return '[keyring]';
  }

  [inspect.custom](): string {
    return '[keyring]';
  }
}

/** What tenants are called in the vault's scopes is made with. Of the oldest version of `seal`, since scopes must stay what they are. */
export function tenantKeyOf(keyring: Keyring): Uint8Array {
  return hmacSha256((keyring.secrets('seal').at(-1) as Secret).key, utf8('veiltrail tenant'));
}

/**
 * Makes another version of a secret, the newest from then on; durable when it returns. Keyrings that are open do not know of it.
 * @throws VeiltrailError as `openKeyring`
 */
export function addSecretVersion(dir: string, purpose: SecretPurpose, random: Random = systemRandom): Secret {
  const newest = openKeyring(dir, { create: false }).secret(purpose);
  const secret = { version: newest.version + 1, key: random.bytes(secretBytes) };
  createKeyFile(dir, secretFileName(purpose, secret.version), formatSecret(purpose, secret));
  return secret;
}

/**
 * Destroys an older version of a secret, for good.
 * @throws VeiltrailError `key_in_use` for the newest one, `key_file_missing`, and as `openKeyring`
 */
export function destroySecretVersion(dir: string, purpose: SecretPurpose, version: number): void {
  if (openKeyring(dir, { create: false }).secret(purpose).version === version)
    throw new VeiltrailError('key_in_use', `version ${version} of the ${purpose} key is the newest: rotate it first`, { purpose, version });
  destroyKeyFile(dir, secretFileName(purpose, version));
}

function checkedLogName(log: string): string {
  if (log.length > limits.logNameMax || !/^[A-Za-z0-9_][A-Za-z0-9_-]*$/.test(log)) throw new VeiltrailError('log_name', 'not the name of a log');
  return log;
}

function secretFileName(purpose: SecretPurpose, version: number): string {
  return `${purpose}.v${version}.secret`;
}

/** The text of a secret's file. */
export function formatSecret(purpose: SecretPurpose, { version, key }: Secret): string {
  const head = `VEILTRAIL+SECRET+${purpose}+${version}+`;
  return `${head}${checkOf(head, key)}+${encodeBase64(key)}\n`;
}

function checkOf(head: string, key: Uint8Array): string {
  return toHex(sha256(concatBytes(utf8(head), key))).slice(0, 8);
}

function parseSecret(file: string, text: string): { purpose: SecretPurpose; secret: Secret } {
  const match = /^VEILTRAIL\+SECRET\+([a-z]+)\+([1-9]\d{0,8})\+[0-9a-f]{8}\+([A-Za-z0-9+/]{43}=)\n$/.exec(text);
  const purpose = secretPurposes.find((one) => one === match?.[1]);
  if (!match || !purpose) throw badSecret(file);
  const secret = { version: Number(match[2]), key: decodeSecret(file, match[3] as string) };
  // Also says that the file bears the name of what is in it.
  if (formatSecret(purpose, secret) !== text || secretFileName(purpose, secret.version) !== file) throw badSecret(file);
  return { purpose, secret };
}

function decodeSecret(file: string, text: string): Uint8Array {
  try {
    return decodeBase64(text);
  } catch {
    throw badSecret(file);
  }
}

function badSecret(file: string): VeiltrailError {
  return new VeiltrailError('key_file_syntax', `${file} is damaged, or not a secret of this keyring`, { file });
}

function readSecrets(dir: string): Map<SecretPurpose, Secret[]> {
  const secrets = new Map<SecretPurpose, Secret[]>();
  for (const file of listKeyFiles(dir)) {
    if (!file.endsWith('.secret')) continue;
    const { purpose, secret } = parseSecret(file, readKeyFile(dir, file));
    secrets.set(
      purpose,
      [...(secrets.get(purpose) ?? []), secret].toSorted((a, b) => b.version - a.version),
    );
  }
  return secrets;
}

/** Purposes the keyring has had since it was complete, or undefined when its first making was never finished. */
function readMarker(dir: string): Set<string> | undefined {
  if (!listKeyFiles(dir).includes(marker)) return undefined;
  const [head, ...purposes] = readKeyFile(dir, marker).split('\n');
  if (head !== markerHead || purposes.pop() !== '') throw new VeiltrailError('keyring_syntax', 'the keyring is of a format that is not known here');
  return new Set(purposes);
}

function writeMarker(dir: string): void {
  replaceKeyFile(dir, marker, `${[markerHead, ...secretPurposes].join('\n')}\n`);
}
