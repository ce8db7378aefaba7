import { VeiltrailError } from '../core/errors.ts';
import type { Keyring } from '../vault/keyring.ts';

/** A log's public key; read from the keyring once. The function throws VeiltrailError `signing_key_missing`. */
export function createVkeys(keyring: Keyring): (log: string) => string {
  const vkeys = new Map<string, string>();
  return (log) => {
    const vkey = vkeys.get(log) ?? keyring.signer(log)?.vkey;
    if (vkey === undefined) throw new VeiltrailError('signing_key_missing', 'the keyring has no signing key for this log');
    vkeys.set(log, vkey);
    return vkey;
  };
}
