/** Rotation of the secrets of a data directory's keyring, put together. */
import { VeiltrailError } from '../core/errors.ts';
import type { AccessRecorder } from '../app/access-recorder.ts';
import { createKeyRotation, type KeyRotation } from '../app/rotate-keys.ts';
import type { RequestDesk } from '../app/requests.ts';
import { addSecretVersion, destroySecretVersion, type Keyring, type Secret, secretPurposes } from '../vault/keyring.ts';
import type { VaultClient } from '../vault/vault-client.ts';

/** Does one thing after the other: what makes and destroys roots must not meet. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>;

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.catch(() => undefined).then(work);
    last = done;
    return done;
  };
}

export interface RotationParts {
  keyringDir: string;
  keyring: Keyring;
  vault: Pick<VaultClient, 'rotateLookups' | 'forgetLookups' | 'keyVersions' | 'renewKeys' | 'finishErasure'>;
  /** Shared with removals, which make and destroy roots, too. */
  rootTurns: Turns;
  /** Whether a removal that a crash cut short is still to be finished: its roots are its own. */
  isRemovalUnfinished: () => boolean;
  rekey(keys: readonly Secret[]): Promise<void>;
  recorder: AccessRecorder;
  desk: Pick<RequestDesk, 'permit'>;
  alert: (line: string) => void;
}

export function openRotation(parts: RotationParts): KeyRotation {
  const { keyringDir, keyring, vault, rootTurns, recorder, desk, alert } = parts;
  return createKeyRotation({
    purposes: secretPurposes,
    versions: (purpose) => keyring.readAgain(purpose),
    add: (purpose) => addSecretVersion(keyringDir, purpose),
    destroyVersion: (purpose, version) => destroySecretVersion(keyringDir, purpose, version),
    vault,
    renewRoot: () =>
      rootTurns(async () => {
        // Its own root must go with what it removes: another one now would keep that readable.
        if (parts.isRemovalUnfinished())
          throw new VeiltrailError('key_rotation_running', 'a removal is still to be finished: rotate the root after it');
        const { root } = await vault.keyVersions([]);
        await vault.renewKeys({ rootBefore: root, buckets: [], tokens: [] });
        await vault.finishErasure([]);
      }),
    finishRoot: () =>
      rootTurns(async () => {
        if (!parts.isRemovalUnfinished()) await vault.finishErasure([]);
      }),
    rekey: (keys) => parts.rekey(keys),
    recorder,
    desk,
    alert,
  });
}
