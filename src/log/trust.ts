/** Whom a verifier believes: a log, by its origin and verifier keys, and perhaps witnesses by theirs. */
import { VeiltrailError } from '../core/errors.ts';
import type { CheckpointTrust } from './checkpoint.ts';
import { createCosignatureVerifier } from './cosignature.ts';
import { createNoteVerifier, readVerifierKeys } from './note-key.ts';

/**
 * @param vkeys the log's verifier keys: one, or the old and the new one while it is rotated
 * @param options `origin` when it is not the keys' name; `witnesses`, verifier keys of type 0x04
 * @throws VeiltrailError `trust_empty` without a key, `trust_origin` when keys of several names leave the origin open; `vkey_syntax`, `vkey_type`,
 * `ed25519_public_key`, each with the key's `position`
 */
export function createTrust(vkeys: readonly string[], options: { origin?: string; witnesses?: readonly string[] } = {}): CheckpointTrust {
  const log = readVerifierKeys(vkeys, 'the log', createNoteVerifier);
  const name = log[0]?.name;
  if (name === undefined) throw new VeiltrailError('trust_empty', 'no key of the log');
  if (options.origin === undefined && log.some((key) => key.name !== name)) {
    throw new VeiltrailError('trust_origin', 'the keys have different names: say which origin they are for');
  }
  const witnesses = readVerifierKeys(options.witnesses ?? [], 'the witnesses', createCosignatureVerifier);
  return { origin: options.origin ?? name, log, witnesses };
}
