/**
 * The directory of a witness: its key and what it remembers.
 *
 *     witness.key     PRIVATE+KEY+<name>+<key id>+base64(0x01 ‖ seed)    mode 0600
 *     witness.vkey    <name>+<key id>+base64(0x04 ‖ public key)          for everyone who verifies
 *     witness.db      logs, their keys, and the newest checkpoint of each
 *
 * Who loses `witness.db` and keeps the key would cosign a second history: a key without its database is refused.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { type Random, systemRandom } from '../core/random.ts';
import { type Cosigner, createCosigner } from '../log/cosignature.ts';
import { createNoteVerifier, formatSigningKey, parseSigningKey } from '../log/note-key.ts';
import { isKeyName } from '../log/note.ts';
import { openSqliteWitnessStore } from '../storage/sqlite/witness-store.ts';
import type { WitnessStore } from '../storage/witness-store.ts';
import { createKeyFile, listKeyFiles, prepareKeyDirectory, readKeyFile } from '../vault/key-file.ts';

const keyFile = 'witness.key';
const vkeyFile = 'witness.vkey';
const databaseFile = 'witness.db';

export interface WitnessDirectory {
  cosigner: Cosigner;
  store: WitnessStore;
}

/**
 * Opens a witness's directory; makes it, with a key of its own, when there is none.
 * @param name of the witness, for a directory that is made now [localhost/witness/<random>]; later it cannot change
 * @param create make it when there is none [true]
 * @throws VeiltrailError `witness_missing`, `witness_name` (not a name, or not the one that is there), `witness_database_missing`, those of key files and of storage
 */
export function openWitnessDirectory(
  dir: string,
  { name, create = true, random = systemRandom }: { name?: string; create?: boolean; random?: Random } = {},
): WitnessDirectory {
  if (!create && !existsSync(join(dir, databaseFile)))
    throw new VeiltrailError('witness_missing', `${dir} is not a witness's directory: it has no ${databaseFile}`);
  prepareKeyDirectory(dir);
  const files = listKeyFiles(dir);
  const hadKey = files.includes(keyFile);
  if (hadKey && !existsSync(join(dir, databaseFile))) {
    throw new VeiltrailError(
      'witness_database_missing',
      `${dir} has a witness's key, but no ${databaseFile}: put it back; with the key alone it would cosign a second history`,
    );
  }
  const cosigner = hadKey ? readCosigner(dir) : undefined;
  if (cosigner && name !== undefined && name !== cosigner.name) throw new VeiltrailError('witness_name', `this witness is called ${cosigner.name}`);
  // The database first: a crash behind it leaves one without a key, which is completed here.
  const store = openSqliteWitnessStore(join(dir, databaseFile));
  try {
    const made = cosigner ?? makeCosigner(dir, name ?? `localhost/witness/${toHex(random.bytes(4))}`, random);
    if (!files.includes(vkeyFile)) createKeyFile(dir, vkeyFile, `${made.vkey}\n`, 0o644);
    return { cosigner: made, store };
  } catch (error) {
    store.close();
    throw error;
  }
}

/** Adds a log, or another key of one, by its verifier key, whose name is the origin. @returns the origin @throws VeiltrailError `vkey_syntax`, `vkey_type` */
export function addWitnessedLog(store: WitnessStore, vkey: string): string {
  const { name } = createNoteVerifier(vkey);
  store.addLog(name, vkey);
  return name;
}

function readCosigner(dir: string): Cosigner {
  const text = readKeyFile(dir, keyFile);
  try {
    const { name, seed } = parseSigningKey(text.endsWith('\n') ? text.slice(0, -1) : text);
    return createCosigner(name, seed);
  } catch (cause) {
    throw new VeiltrailError('key_file_syntax', `${keyFile} is not a signing key`, { file: keyFile }, { cause });
  }
}

function makeCosigner(dir: string, name: string, random: Random): Cosigner {
  if (!isKeyName(name)) throw new VeiltrailError('witness_name', 'a witness is called by a URL without its scheme, such as witness.example.com/w1');
  const seed = random.bytes(32);
  createKeyFile(dir, keyFile, `${formatSigningKey(name, seed)}\n`);
  return createCosigner(name, seed);
}
