/**
 * Rotating the secrets of the keyring, while everything goes on. A new version is on disk before anything is under it; what the older ones are
 * needed for is moved in the background; then they are destroyed.
 *
 * - `lookup`: values keep their tokens. Rows of the vault get lookups under the new version, then the old one goes.
 * - `root`: the keys of all buckets are sealed anew, then the old one goes.
 * - `pseudonym`: `hash` goes on under the oldest version, or as the policy says (`keys: oldest, newest, both`); destroying a version ends what it
 *   correlates for good, so that is a decision of its own, of two persons.
 * - `seal`: what the server itself keeps sealed is under the new version from the next start on; older ones stay, for they open the rest.
 *
 * A crash at any step: versions on disk say what is left to do, and the next start goes on with it.
 */
import { VeiltrailError } from '../core/errors.ts';
import type { Secret, SecretPurpose } from '../vault/keyring.ts';
import type { Rewrapped } from '../vault/rewrap-lookups.ts';
import type { AccessRecorder } from './access-recorder.ts';
import { type AskedBy, permissionFacts, permitOperation } from './asked-operation.ts';
import { type Asker, checkGivenReasons, type Reasons, whoAndWhy } from './look-up-report.ts';
import type { RequestDesk } from './requests.ts';

export const rotatedPurposes = ['lookup', 'root', 'pseudonym', 'seal'] as const satisfies readonly SecretPurpose[];
export type RotatedPurpose = (typeof rotatedPurposes)[number];

/** A version of a secret, as people may see it. A type, because it is JSON. */
export type SecretInfo = {
  purpose: SecretPurpose;
  version: number;
  /** `newest`; `replaced`: it goes as soon as nothing needs it; `kept`: it stays until somebody destroys it. */
  state: 'newest' | 'replaced' | 'kept';
};

export interface KeyRotation {
  /** All secrets, by purpose, the newest version first; never the secrets. */
  list(): SecretInfo[];
  /**
   * Makes a new version, durable and in force when it returns; what it takes to do without the older ones goes on.
   * @throws VeiltrailError `key_rotation` for what is not rotated, `purpose_needed`, `reference_needed` for reasons that are none, `key_rotation_running`, and those of storage
   */
  rotate(purpose: string, by: Asker & Reasons): Promise<SecretInfo>;
  /**
   * Destroys an older version of the pseudonym key: no value that is hashed under it is ever found or correlated again.
   * @throws VeiltrailError `key_rotation`, `key_in_use`, `key_file_missing`, `purpose_needed`, and those of `RequestDesk.permit`
   */
  destroy(purpose: string, version: number, by: AskedBy & Asker): Promise<void>;
  /** Resolves when nothing is moved any more. @throws VeiltrailError what stopped it */
  idle(): Promise<void>;
}

export interface KeyRotationParts {
  purposes: readonly SecretPurpose[];
  /** As the keyring has them now, the newest first. */
  versions(purpose: SecretPurpose): readonly Secret[];
  /** Durable when it returns. */
  add(purpose: SecretPurpose): Secret;
  /** Gone when it returns. */
  destroyVersion(purpose: SecretPurpose, version: number): void;
  vault: { rotateLookups(): Promise<Rewrapped>; forgetLookups(): Promise<void> };
  /** Makes a new root, seals all keys of buckets under it, and destroys the older ones. @throws VeiltrailError `storage_busy`: the rest is for later */
  renewRoot(): Promise<void>;
  /** Does what is left of that. */
  finishRoot(): Promise<void>;
  /** Hashes under these versions from now on, everywhere. */
  rekey(keys: readonly Secret[]): Promise<void>;
  recorder: AccessRecorder;
  desk: Pick<RequestDesk, 'permit'>;
  /** A line for whoever watches the server. */
  alert: (line: string) => void;
}

const system: Asker = { principal: 'system' };

/** What is left of a rotation is gone on with at once. */
export function createKeyRotation(parts: KeyRotationParts): KeyRotation {
  return new Rotation(parts);
}

class Rotation implements KeyRotation {
  readonly #parts: KeyRotationParts;
  #moving: Promise<void> | undefined;
  #failure: Error | undefined;

  constructor(parts: KeyRotationParts) {
    this.#parts = parts;
    const left = (['root', 'lookup'] as const).filter((purpose) => parts.versions(purpose).length > 1);
    if (left.length === 0) return;
    this.#move(left.join(' and '), async () => {
      if (left.includes('root')) await parts.finishRoot();
      if (left.includes('lookup')) await this.#moveLookups();
    });
  }

  list(): SecretInfo[] {
    return describeSecrets(this.#parts.purposes, (purpose) => this.#parts.versions(purpose));
  }

  async rotate(purpose: string, by: Asker & Reasons): Promise<SecretInfo> {
    const known = rotatedPurposes.find((one) => one === purpose);
    if (known === undefined) throw new VeiltrailError('key_rotation', `what can be rotated is ${rotatedPurposes.join(', ')}`);
    checkGivenReasons(by);
    if (this.#moving) throw new VeiltrailError('key_rotation_running', 'a rotation is under way: wait until it is done');
    const parts = this.#parts;
    if (known === 'root') {
      this.#move('root', () => parts.renewRoot());
      await this.idle();
    } else parts.add(known);
    const [{ version }] = parts.versions(known) as [Secret];
    if (known === 'pseudonym') await parts.rekey(parts.versions('pseudonym'));
    await this.#tell(by, 'secret.rotate', known, version, {});
    if (known === 'lookup') this.#move('lookup', () => this.#moveLookups());
    return { purpose: known, version, state: 'newest' };
  }

  async destroy(purpose: string, version: number, by: AskedBy & Asker): Promise<void> {
    if (purpose !== 'pseudonym') throw new VeiltrailError('key_rotation', 'versions of the pseudonym key are destroyed by hand, others by rotating');
    const parts = this.#parts;
    const all = parts.versions('pseudonym');
    if (!all.some((one) => one.version === version)) throw new VeiltrailError('key_version', 'the keyring has no such version', { purpose, version });
    if (all[0]?.version === version) throw new VeiltrailError('key_in_use', 'this is the newest version: rotate it first', { purpose, version });
    checkGivenReasons(by, 'purpose');
    const permission = await permitOperation(parts.desk, 'key.destroy', { purpose, version }, by);
    // Told first: a key that is gone cannot be had back to say so.
    await this.#tell(by, 'secret.destroy', purpose, version, permissionFacts(permission));
    await parts.rekey(all.filter((one) => one.version !== version));
    parts.destroyVersion('pseudonym', version);
  }

  async idle(): Promise<void> {
    await this.#moving;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure;
  }

  /** Older versions are destroyed when no row is under them. */
  async #moveLookups(): Promise<void> {
    const parts = this.#parts;
    const { rows, unreadable } = await parts.vault.rotateLookups();
    if (unreadable > 0) {
      parts.alert(`${unreadable} rows of the vault do not open: the older lookup key stays; "veiltrail verify" says which`);
      return;
    }
    await parts.vault.forgetLookups();
    for (const { version } of parts.versions('lookup').slice(1).toReversed()) {
      // Told first: a crash in between tells it twice, and never not at all.
      await this.#tell(system, 'secret.destroy', 'lookup', version, { rows, reason: 'rotated' });
      parts.destroyVersion('lookup', version);
    }
  }

  /** Goes on in the background; what fails is told, and tried again at the next start. */
  #move(what: string, work: () => Promise<void>): void {
    this.#failure = undefined;
    this.#moving = work()
      .catch((error: unknown) => {
        this.#failure = error as Error;
        const code = error instanceof VeiltrailError ? error.code : 'a mistake of ours';
        if (code !== 'vault_closed') this.#parts.alert(`the rotation of the ${what} key stopped (${code}); the next start goes on with it`);
      })
      .finally(() => (this.#moving = undefined));
  }

  async #tell(
    by: Asker & { purpose?: string; reference?: string },
    action: string,
    purpose: string,
    version: number,
    metadata: object,
  ): Promise<void> {
    await this.#parts.recorder.write({
      ...whoAndWhy(by),
      action,
      category: 'config_change',
      severity: action === 'secret.destroy' && by !== system ? 4 : 3,
      outcome: 'success',
      target: { type: 'secret', id: `${purpose}.v${version}` },
      metadata: { ...metadata },
    });
  }
}

/** @param versions of each purpose, the newest first */
export function describeSecrets(purposes: readonly SecretPurpose[], versions: (purpose: SecretPurpose) => readonly Secret[]): SecretInfo[] {
  return purposes.flatMap((purpose) =>
    versions(purpose).map(({ version }, i): SecretInfo => ({ purpose, version, state: i === 0 ? 'newest' : stateOfOlder(purpose) })),
  );
}

function stateOfOlder(purpose: SecretPurpose): SecretInfo['state'] {
  return purpose === 'lookup' || purpose === 'root' ? 'replaced' : 'kept';
}
