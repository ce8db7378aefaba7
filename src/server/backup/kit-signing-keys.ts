/**
 * Signing keys of a recovery kit, held against those of a backup. A log's keys follow one another (rotate-signing-key.ts), so a kit is older than a backup
 * where it does not know one of the backup's keys, or still calls "next" what signs there by then: with it a key would sign again that was retired,
 * perhaps because somebody stole it. A backup that is older than the kit is fine: what signed it is retired in the kit.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VeiltrailError } from '../../core/errors.ts';
import { type CheckpointTrust, openCheckpoint } from '../../log/checkpoint.ts';
import { signNote } from '../../log/note.ts';
import { createTrust } from '../../log/trust.ts';
import type { Keyring } from '../../vault/keyring.ts';
import { type SigningKeys, signingKeysIn } from '../../vault/rotate-signing-key.ts';
import type { SignedLog } from './manifest.ts';
import type { RecoveryKit } from './recovery-kit.ts';

/** @throws VeiltrailError `signing_key_missing`, `key_file_syntax` */
function keysOf({ keyring }: RecoveryKit, log: string): SigningKeys {
  return signingKeysIn((file) => keyring.find((one) => one.file === file)?.text, log);
}

/** Public halves of all keys of a log that the kit knows: the one that signs, the one that follows it, those before. */
export function vkeysOf(kit: RecoveryKit, log: string): string[] {
  const { vkey, next, retired } = keysOf(kit, log);
  return [vkey, ...(next === undefined ? [] : [next]), ...retired];
}

/** Of all logs that the kit has a key of. */
export function vkeysIn(kit: RecoveryKit): string[] {
  return kit.keyring.flatMap(({ file }) => (file.endsWith('.signing-key') ? vkeysOf(kit, file.slice(0, -'.signing-key'.length)) : []));
}

/** Whom a checkpoint of the log may be of, whenever it was signed. */
export function trustIn(kit: RecoveryKit, log: string): CheckpointTrust {
  return createTrust(vkeysOf(kit, log));
}

/** Whether the kit has the log's keys as they were when the backup was made, or newer ones. */
export function hasKeysOf(kit: RecoveryKit, { log, vkeys }: SignedLog): boolean {
  if (!kit.keyring.some(({ file }) => file === `${log}.signing-key`)) return false;
  const { vkey, next, retired } = keysOf(kit, log);
  const [current, following] = vkeys;
  const past = [vkey, ...retired];
  return current !== undefined && past.includes(current) && (following === undefined || following === next || past.includes(following));
}

/**
 * Has the checkpoint of a log signed by the keys that sign from now on: a start takes no other, and the backup's, or one that somebody kept, may be of
 * before a rotation. Nothing but its signatures changes; whether it is of the records, the start looks at itself.
 * @throws VeiltrailError what `openCheckpoint` throws
 */
export function signAnew(dir: string, log: string, trust: CheckpointTrust, keyring: Keyring): void {
  const path = join(dir, 'logs', log, 'checkpoint');
  if (!existsSync(path)) return;
  const note = readFileSync(path);
  // As a power loss leaves a file: to a start it is none.
  if (note.every((byte) => byte === 0)) return;
  const { text, signatures } = openCheckpoint(note, trust);
  const signers = keyring.signers(log);
  if (signers.length === 0) throw new VeiltrailError('signing_key_missing', `the keyring has no signing key for log ${log}`, { log });
  if (signers.every(({ name, keyId }) => signatures.some((one) => one.name === name && one.keyId === keyId))) return;
  writeFileSync(path, signNote(text, signers), { flush: true });
}
