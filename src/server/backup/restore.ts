/**
 * Restoring a backup with a recovery kit.
 *
 * Files are checked against the signed manifest, put into a directory beside the one that is to be, and made to fit the kit: bucket keys are opened with
 * what the kit has and sealed under its root, lookups are computed anew. What nothing opens any more, because an erasure since has rewritten its bucket,
 * is counted as lost. Then the ledger of erasures is written down as a removal that is under way, the directory gets its name, and the first start
 * carries the removal out as after any crash: whatever was erased after the backup is erased again, and tombstones account for it and for what was lost.
 *
 * A log that is known to have been larger must not be gone on with at its smaller size: that would be a second history. Known is what the kit, the public
 * files that are given, checkpoints kept elsewhere and this machine's memory say, under the log's signature, by a
 * key of now or one that was retired. Its newer entries are taken from a copy of
 * its public files (`tiles`), proved against the newest checkpoint, and their records counted as lost; without such a copy it is refused.
 *
 * A crash leaves the directory beside, which the next try replaces, or the whole one.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { formatJournal } from '../../app/removal-journal.ts';
import { leavesIn } from '../../app/removal-edits.ts';
import { decodeBase64 } from '../../core/base64.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { commitmentBytes } from '../../log/entry.ts';
import type { TileSource } from '../../storage/tile-store.ts';
import { createKeyFile, prepareKeyDirectory } from '../../vault/key-file.ts';
import { type Keyring, openKeyring } from '../../vault/keyring.ts';
import { rootVersionOf } from '../../vault/sealing.ts';
import { openTrail } from '../compose.ts';
import { keysDirectory, removalFileName } from '../data-files.ts';
import { vaultFileName } from '../stored-vault.ts';
import { hasKeysOf, signAnew, trustIn, vkeysIn } from './kit-signing-keys.ts';
import { checkFiles, type Manifest, readManifest } from './manifest.ts';
import { journalOf } from './replay-ledger.ts';
import { addEntries, type Behind, findLostLeaves, restoreRecords } from './restore-records.ts';
import { restoreVault } from './restore-vault.ts';
import { type KnownCheckpoint, newestCheckpoints } from './newest-checkpoints.ts';
import { isPublicKeyFile, parseKit, type RecoveryKit } from './recovery-kit.ts';

export interface RestoreRequest {
  backup: string;
  /** The recovery kit's text. */
  kit: string;
  passphrase?: string;
  /** A directory that is not there yet, or empty. */
  dataDir: string;
  /** Public files of logs that have grown since. Their newest checkpoint is known, too. */
  tiles?: TileSource;
  /** Checkpoints that were kept elsewhere, as they were signed. */
  checkpoints?: readonly string[];
  /** What this machine remembers to have seen of a log, by its origin. */
  remembered?: (origin: string) => string | undefined;
}

export interface RestoreReport {
  backedUpAt: string;
  logs: { log: string; treeSize: number; /** Leaves that came from the public files alone. */ entriesOnly: number }[];
  /** Erasures of after the backup that were carried out again. */
  removalsReplayed: number;
  /** Leaves and tokens that nothing opens any more, for an erasure since has rewritten their buckets. */
  lostRecords: number;
  lostTokens: number;
}

/**
 * @throws VeiltrailError `kit_syntax`, `kit_passphrase`, `backup_incomplete`, `backup_damaged`, `note_unverified`, `restore_target`, `behind_checkpoint`
 * (the log was larger, and no public files of it are given), `history_forked` (they are of another history), `kit_outdated` (the backup, or a
 * checkpoint that this machine remembers, is newer than an erasure or a rotation that the kit does not know)
 */
export async function restoreBackup({
  backup,
  kit: text,
  passphrase,
  dataDir,
  tiles,
  checkpoints = [],
  remembered,
}: RestoreRequest): Promise<RestoreReport> {
  const kit = parseKit(text, passphrase);
  const manifest = readManifestOf(backup, kit);
  await checkFiles(backup, manifest.files);
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0)
    throw new VeiltrailError('restore_target', 'the directory to restore into is not empty');
  refuseOutdated(backup, manifest, kit);
  const newest = await newestCheckpoints(kit, manifest, { tiles, checkpoints, remembered });
  const behind = behindOf(manifest, newest, kit, tiles !== undefined);
  const beside = `${dataDir.replace(/\/+$/, '')}.restoring`;
  rmSync(beside, { recursive: true, force: true });
  const keyring = putFiles(backup, manifest, kit, beside);
  const vault = restoreVault(beside, kit, keyring);
  const lost = restoreRecords(beside, kit, vault);
  await findLostLeaves(beside, lost);
  for (const one of behind) await addEntries(beside, one, tiles, vault, lost);
  for (const { log } of manifest.logs) signAnew(beside, log, trustIn(kit, log), keyring);
  const journal = journalOf(beside, kit, vault, lost);
  if (journal) writeFileSync(join(beside, removalFileName), `${formatJournal(journal.body)}\n`, { mode: 0o600, flush: true });
  vault.close();
  rmSync(dataDir, { recursive: true, force: true });
  renameSync(beside, dataDir);
  const report: RestoreReport = {
    backedUpAt: manifest.createdAt,
    logs: manifest.logs.map(({ log, treeSize }) => {
      const more = behind.find((one) => one.log === log);
      return { log, treeSize: more?.newSize ?? treeSize, entriesOnly: more ? more.newSize - treeSize : 0 };
    }),
    removalsReplayed: journal?.replayed ?? 0,
    lostRecords: [...lost.ranges.values()].reduce((sum, ranges) => sum + leavesIn(ranges), 0),
    lostTokens: vault.lostTokens.length,
  };
  // A start like any other finishes what the journal says, and tells of it.
  const trail = await openTrail({ dataDir });
  try {
    const { backedUpAt, logs, ...counts } = report;
    await trail.access.write({
      action: 'backup.restored',
      principal: 'local',
      outcome: 'success',
      category: 'log_control',
      severity: 4,
      metadata: { backedUpAt, ...counts, logs: logs.map(({ log, treeSize, entriesOnly }) => ({ log, treeSize, entriesOnly })) },
    });
  } finally {
    await trail.close();
  }
  return report;
}

/**
 * A kit that is older than what the backup was sealed under opens nothing of it, and would have all of it counted as lost.
 * @throws VeiltrailError `kit_outdated`
 */
function refuseOutdated(backup: string, { logs, secrets }: Manifest, kit: RecoveryKit): void {
  const { keyring, createdAt } = kit;
  const roots = keyring.flatMap(({ file }) => Number(/^root\.v(\d+)\.secret$/.exec(file)?.[1] ?? []));
  const vault = new DatabaseSync(join(backup, vaultFileName), { readOnly: true });
  try {
    const sealed = ['token_buckets', 'bucket_keys', 'segment_keys'].flatMap((table) =>
      vault.prepare(`SELECT substr(sealed_key, 1, 5) AS head FROM ${table}`).all(),
    );
    const newest = Math.max(0, ...sealed.map(({ head }) => rootVersionOf(head as Uint8Array)));
    const known = newestVersions(keyring.map(({ file }) => file));
    const hasSecrets = [...newestVersions(secrets)].every(([purpose, version]) => version <= (known.get(purpose) ?? 0));
    if (newest <= Math.max(0, ...roots) && hasSecrets && logs.every((one) => hasKeysOf(kit, one))) return;
  } finally {
    vault.close();
  }
  throw new VeiltrailError(
    'kit_outdated',
    `the recovery kit of ${createdAt} is older than this backup's keys: an erasure, a rotation or a new log came between; use the newest kit`,
  );
}

/** By what a secret is for: the newest of its files (`<purpose>.v<version>.secret`). */
function newestVersions(files: readonly string[]): Map<string, number> {
  const newest = new Map<string, number>();
  for (const file of files) {
    const [, purpose = '', version] = /^(.+)\.v(\d+)\.secret$/.exec(file) ?? [];
    if (version !== undefined) newest.set(purpose, Math.max(newest.get(purpose) ?? 0, Number(version)));
  }
  return newest;
}

/** @throws VeiltrailError what `readManifest` throws; `note_unverified` says what to look for */
function readManifestOf(backup: string, kit: RecoveryKit): Manifest {
  try {
    return readManifest(backup, vkeysIn(kit));
  } catch (error) {
    if (!(error instanceof VeiltrailError && error.code === 'note_unverified')) throw error;
    const words = `no key in the recovery kit of ${kit.createdAt} signed this backup: it is of another installation, or signing keys were changed between the two`;
    throw new VeiltrailError('note_unverified', words, {}, { cause: error });
  }
}

/** Logs that are known to have been larger. @throws VeiltrailError `behind_checkpoint` */
function behindOf({ logs }: Manifest, newest: readonly KnownCheckpoint[], kit: RecoveryKit, hasTiles: boolean): Behind[] {
  const behind: Behind[] = [];
  for (const { log, origin, treeSize: newSize, checkpoint, trust, from } of newest) {
    const backedUp = logs.find((one) => one.log === log);
    if (backedUp && newSize <= backedUp.treeSize) continue;
    const commitments = backedUp && recordedSince(kit, log, backedUp.treeSize, newSize);
    if (!backedUp || (!commitments && !hasTiles)) {
      throw new VeiltrailError(
        'behind_checkpoint',
        `log ${log} had ${newSize} leaves, as ${from} says, and has ${backedUp?.treeSize ?? 0} in this backup: going on with it would be a second history. Give a copy of its public files (--tiles), or a newer backup: a kit opens what is backed up after it, so make both with one command, or the kit first`,
        { log },
      );
    }
    behind.push({ log, origin, treeSize: backedUp.treeSize, newSize, checkpoint, trust, ...(commitments ? { commitments } : {}) });
  }
  return behind;
}

/** Commitments of `from` to `to`, where the kit has all of them. */
function recordedSince({ recorded = [] }: RecoveryKit, log: string, from: number, to: number): Uint8Array | undefined {
  const found = recorded.find((one) => one.log === log);
  if (!found || found.from > from) return undefined;
  const commitments = decodeBase64(found.commitments).subarray((from - found.from) * commitmentBytes);
  return commitments.length === (to - from) * commitmentBytes ? commitments : undefined;
}

function putFiles(backup: string, { files }: Manifest, kit: RecoveryKit, dir: string): Keyring {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  for (const { path } of files) {
    if (path.startsWith(`${keysDirectory}/`)) continue;
    mkdirSync(dirname(join(dir, path)), { recursive: true, mode: 0o700 });
    copyFileSync(join(backup, path), join(dir, path));
  }
  const keysDir = join(dir, keysDirectory);
  prepareKeyDirectory(keysDir);
  // The list of what must be there last, as when a keyring is made.
  for (const { file, text } of kit.keyring.toSorted((a, b) => Number(a.file === 'keyring') - Number(b.file === 'keyring'))) {
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(file)) throw new VeiltrailError('kit_syntax', 'this is no recovery kit');
    createKeyFile(keysDir, file, text, isPublicKeyFile(file) ? 0o644 : 0o600);
  }
  return openKeyring(keysDir, { create: false });
}
