/**
 * The recovery kit: what opens a backup. Small, and the one file that must be kept as carefully as the keyring, apart from the backups. It holds
 *
 * - the keyring as it is now: its newest root, and none of those that were destroyed;
 * - the keys of all buckets as they are now, sealed under that root: for backups that were made under an older one;
 * - the heads of chunks whose keys an erasure has wrapped anew: what it left alone opens again behind them;
 * - the ledger of erasures: which tokens, records and values were removed, by number and pointer, never a value: it is replayed on what is restored;
 * - the newest checkpoints: a log that is restored at a smaller size must not be gone on with.
 *
 * After an erasure a new kit is made and the old ones are destroyed: what was erased cannot be brought back from any backup then.
 *
 * ```
 * plain  = JSON {"format":"veiltrail.recovery-kit/v1", …}
 * sealed = JSON {"format":"veiltrail.recovery-kit/v1+scrypt","salt":b64,"box":b64}      box = nonce[12] ‖ AES-256-GCM(scrypt(passphrase, salt), plain) ‖ tag[16]
 * ```
 */
import { createCipheriv, createDecipheriv, scryptSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { decodeBase64, encodeBase64 } from '../../core/base64.ts';
import { concatBytes, decodeUtf8, utf8 } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { isJsonObject, parseJson, type JsonObject } from '../../core/json.ts';
import type { Random } from '../../core/random.ts';
import { chunkHead } from '../../ledger/chunk.ts';
import type { RecordReader } from '../../ledger/reader.ts';
import { parseCheckpointText } from '../../log/checkpoint.ts';
import { parseNote } from '../../log/note.ts';
import { openRecord, recordOfFields } from '../../log/open-record.ts';
import { dataDirPaths } from '../../storage/data-dir.ts';
import { openFileTileSource } from '../../storage/files/tile-store.ts';
import { bucketLeaves } from '../../storage/record-store.ts';
import { openSqliteRecordSource } from '../../storage/sqlite/record-source.ts';
import { readOnlyLocation } from '../../storage/sqlite/open-database.ts';
import { listKeyFiles, readKeyFile } from '../../vault/key-file.ts';
import { openKeyring } from '../../vault/keyring.ts';
import { formatToken } from '../../vault/token.ts';
import { parseTombstone } from '../../verify/tombstone.ts';
import { readDataConfig } from '../data-config.ts';
import { keysDirectory } from '../data-files.ts';
import { openRecordReader } from '../open-records.ts';
import { refuseRemoval } from './make-backup.ts';
import { readCommitments } from './restore-records.ts';
import { openStoredVault, vaultFileName } from '../stored-vault.ts';

const plainFormat = 'veiltrail.recovery-kit/v1';
const sealedFormat = 'veiltrail.recovery-kit/v1+scrypt';
/** 128 MB of memory for each guess. */
const scrypt = { N: 131_072, r: 8, p: 1, maxmem: 256 * 1_048_576 };
const nonceBytes = 12;
const tagBytes = 16;

/** A removal of the past: what it took. */
export interface PastRemoval {
  id: string;
  operation: string;
  reason: string;
  tokens: string[];
  logs: {
    log: string;
    /** from, to, from, to, … */
    ranges: number[];
    /** Values: pointers are empty where they were redacted, too; then the record goes as a whole. */
    fields: { leafIndex: number; pointers: string[] }[];
  }[];
}

/** A bucket's key, sealed under the kit's root (base64). */
export type SealedBucketKey =
  | { scope: string; origin: string; bucket: number; sealed: string }
  | { log: string; bucket: number; generation: number; sealed: string }
  | { log: string; class: string; bucket: number; generation: number; sealed: string };

export interface RecoveryKit {
  /** RFC 3339. */
  createdAt: string;
  origin: string;
  /** Files of the keyring. */
  keyring: { file: string; text: string }[];
  buckets: { tokens: SealedBucketKey[]; chunks: SealedBucketKey[]; segments: SealedBucketKey[] };
  /** Of buckets that an erasure has rewritten: chunk heads (base64), by log and first leaf. */
  heads: { log: string; firstLeaf: number; head: string }[];
  removals: PastRemoval[];
  checkpoints: { log: string; checkpoint: string }[];
  /**
   * What a log grew by while the making of this kit was put on record, up to its checkpoint: commitments (32 bytes each, base64) from a leaf on. With
   * them a backup of just before is brought up to the checkpoint: that record alone must not make it one that would fork the log. Older kits lack it.
   */
  recorded?: { log: string; from: number; commitments: string }[];
}

/**
 * @param before sizes that logs had before the making of the kit was put on record
 * @throws VeiltrailError `removal_unfinished`, `kit_outdated` (keys changed meanwhile: make it again), and what its parts throw
 */
export async function makeKit(dataDir: string, nowMs: number, before: ReadonlyMap<string, number> = new Map()): Promise<RecoveryKit> {
  const keysDir = join(dataDir, keysDirectory);
  const { origin } = readDataConfig(dataDir);
  // Its root would be one that is about to go, or one that not everything is under yet.
  refuseRemoval(dataDir);
  const keyring = readKeyring(keysDir);
  const vault = new DatabaseSync(readOnlyLocation(join(dataDir, vaultFileName)), { readOnly: true, timeout: 10_000 });
  try {
    const all = (sql: string): Record<string, unknown>[] => vault.prepare(sql).all() as Record<string, unknown>[];
    const sealed = ({ sealed_key: key, ...place }: Record<string, unknown>): SealedBucketKey =>
      ({ ...place, sealed: encodeBase64(key as Uint8Array) }) as SealedBucketKey;
    const buckets = {
      tokens: all('SELECT bucket, scope, origin, sealed_key FROM token_buckets').map(sealed),
      chunks: all('SELECT log, bucket, generation, sealed_key FROM bucket_keys').map(sealed),
      segments: all('SELECT log, class, bucket, generation, sealed_key FROM segment_keys').map(sealed),
    };
    const tokens = Map.groupBy(all('SELECT token, removal FROM erased'), ({ removal }) => removal as string);
    const tombstones = all('SELECT log, leaf, removal FROM tombstones') as unknown as { log: string; leaf: number; removal: string }[];
    const removals = await readRemovals(dataDir, tombstones);
    for (const [id, rows] of tokens) {
      const removal = removals.get(id);
      if (removal) removal.tokens = rows.map(({ token }) => formatToken(token as Uint8Array));
    }
    const checkpoints = openKeyring(keysDir, { create: false })
      .logs()
      .map((log) => ({ log, checkpoint: readFileSync(join(dataDirPaths(dataDir).logs, log, 'checkpoint'), 'utf8') }));
    const rewritten = all('SELECT DISTINCT log, bucket FROM bucket_keys WHERE generation > 1') as unknown as { log: string; bucket: number }[];
    const heads = readHeads(dataDir, rewritten);
    const recorded = await readRecorded(dataDir, checkpoints, before);
    const createdAt = new Date(nowMs).toISOString();
    const kit = { createdAt, origin, keyring, buckets, heads, removals: [...removals.values()], checkpoints, recorded };
    refuseChangedKeys(dataDir, kit);
    return kit;
  } finally {
    vault.close();
  }
}

/**
 * Whether the keyring is still the one in the kit: what was sealed in between opens with it then. An erasure makes a new root, so it counts, too.
 * @throws VeiltrailError `kit_outdated`, `removal_unfinished`
 */
export function refuseChangedKeys(dataDir: string, { keyring }: RecoveryKit): void {
  refuseRemoval(dataDir);
  const now = readKeyring(join(dataDir, keysDirectory));
  if (now.length === keyring.length && now.every(({ file, text }, i) => keyring[i]?.file === file && keyring[i].text === text)) return;
  throw new VeiltrailError('kit_outdated', 'keys changed meanwhile (an erasure, a rotation or a new log came between): make it again');
}

/** Leaves that a log has; 0 where nothing of it is published. */
export function publishedSize(dataDir: string, log: string): number {
  const path = join(dataDirPaths(dataDir).logs, log, 'checkpoint');
  return existsSync(path) ? sizeOf(readFileSync(path, 'utf8')) : 0;
}

/** What a checkpoint of our own says; nobody's signature is looked at. */
function sizeOf(checkpoint: string): number {
  return parseCheckpointText(parseNote(checkpoint).text).treeSize;
}

/** Public halves of signing keys: of those that sign, and of those that did. */
export function isPublicKeyFile(file: string): boolean {
  return /\.vkeys?$/.test(file);
}

function readKeyring(keysDir: string): RecoveryKit['keyring'] {
  return (
    listKeyFiles(keysDir)
      // A key that is to follow another one, while both sign, and those that signed before, too.
      .filter((file) => file === 'keyring' || /\.(?:secret|(?:next-)?signing-key|vkeys?)$/.test(file))
      .toSorted()
      .map((file) => ({ file, text: readKeyFile(keysDir, file, isPublicKeyFile(file) || file === 'keyring' ? 'public' : 'secret') }))
  );
}

async function readRecorded(
  dataDir: string,
  checkpoints: RecoveryKit['checkpoints'],
  before: ReadonlyMap<string, number>,
): Promise<NonNullable<RecoveryKit['recorded']>> {
  const tiles = openFileTileSource(dataDirPaths(dataDir).logs);
  const recorded = [];
  for (const { log, checkpoint } of checkpoints) {
    const from = before.get(log);
    const treeSize = sizeOf(checkpoint);
    if (from === undefined || from >= treeSize) continue;
    try {
      recorded.push({ log, from, commitments: encodeBase64(await readCommitments(tiles, log, from, treeSize)) });
    } catch (error) {
      // The log has grown again, and the partial tile of that size is gone. The kit is whole without it.
      if (!(error instanceof VeiltrailError && error.code === 'tile_missing')) throw error;
    }
  }
  return recorded;
}

function readHeads(dataDir: string, rewritten: readonly { log: string; bucket: number }[]): RecoveryKit['heads'] {
  const records = new DatabaseSync(readOnlyLocation(dataDirPaths(dataDir).records), { readOnly: true, timeout: 10_000 });
  try {
    // A head is shorter than this.
    const find = records.prepare(
      'SELECT first_leaf, substr(sealed, 1, 80) AS beginning FROM chunks WHERE log = (SELECT id FROM logs WHERE name = ?) AND first_leaf >= ? AND first_leaf < ?',
    );
    return rewritten.flatMap(({ log, bucket }) =>
      (find.all(log, bucket * bucketLeaves, (bucket + 1) * bucketLeaves) as { first_leaf: number; beginning: Uint8Array }[]).map((row) => ({
        log,
        firstLeaf: row.first_leaf,
        head: encodeBase64(chunkHead(row.beginning)),
      })),
    );
  } finally {
    records.close();
  }
}

/** What tombstones say; of redacted values, the records themselves say where they were. */
async function readRemovals(
  dataDir: string,
  tombstones: readonly { log: string; leaf: number; removal: string }[],
): Promise<Map<string, PastRemoval>> {
  const removals = new Map<string, PastRemoval>();
  if (tombstones.length === 0) return removals;
  const keyring = openKeyring(join(dataDir, keysDirectory), { create: false });
  const vault = openStoredVault(dataDir, keyring);
  const records = openSqliteRecordSource(dataDirPaths(dataDir).records);
  try {
    const reader = openRecordReader(dataDir, records, vault);
    for (const { log, leaf, removal } of tombstones) {
      const { tombstone } = recordOfFields(openRecord((await reader.record(log, leaf)).packed)) as { tombstone: JsonObject };
      const { operation, reason, ranges, fields } = parseTombstone(tombstone);
      const known = removals.get(removal) ?? { id: removal, operation, reason, tokens: [], logs: [] };
      removals.set(removal, known);
      let of = known.logs.find((one) => one.log === log);
      if (!of) known.logs.push((of = { log, ranges: [], fields: [] }));
      of.ranges.push(...ranges);
      for (let i = 0; i < fields.length; i += 2)
        of.fields.push({ leafIndex: fields[i] as number, pointers: await redactedPointers(reader, log, fields[i] as number, leaf) });
    }
    return removals;
  } finally {
    await records.close();
    await vault.close();
  }
}

/** Where a tombstone's values were; empty where a pointer is gone, too, or the record since. */
async function redactedPointers(reader: RecordReader, log: string, leafIndex: number, tombstone: number): Promise<string[]> {
  const { packed } = await reader.record(log, leafIndex).catch(() => ({ packed: new Uint8Array(0) }));
  if (packed.length === 0) return [];
  const redacted = (openRecord(packed).redacted ?? []).filter((one) => one.tombstone === tombstone);
  return redacted.every(({ pointer }) => pointer !== undefined) ? redacted.map(({ pointer }) => pointer as string) : [];
}

/** @param passphrase absent: the kit is in the clear, to be kept like the keyring */
export function formatKit(kit: RecoveryKit, random: Random, passphrase?: string): string {
  const plain = `${JSON.stringify({ format: plainFormat, ...kit })}\n`;
  if (passphrase === undefined) return plain;
  const salt = random.bytes(16);
  const nonce = random.bytes(nonceBytes);
  const sealing = createCipheriv('aes-256-gcm', scryptSync(passphrase, salt, 32, scrypt), nonce);
  const box = concatBytes(nonce, sealing.update(utf8(plain)), sealing.final(), sealing.getAuthTag());
  return `${JSON.stringify({ format: sealedFormat, salt: encodeBase64(salt), box: encodeBase64(box) })}\n`;
}

/** @throws VeiltrailError `kit_syntax`, `kit_passphrase` (one is needed, or the wrong one) */
export function parseKit(text: string, passphrase?: string): RecoveryKit {
  const value = objectOf(text);
  if (value['format'] === sealedFormat) return parseKit(openSealed(value, passphrase), passphrase);
  const { format, ...kit } = value;
  const { createdAt, origin, keyring, buckets, heads, removals, checkpoints } = kit;
  const { recorded = [] } = kit;
  const isWhole =
    Array.isArray(recorded) &&
    Array.isArray(keyring) &&
    isJsonObject(buckets ?? null) &&
    Array.isArray(heads) &&
    Array.isArray(removals) &&
    Array.isArray(checkpoints);
  if (format !== plainFormat || typeof createdAt !== 'string' || typeof origin !== 'string' || !isWhole) throw bad();
  return kit as unknown as RecoveryKit;
}

function openSealed({ salt, box }: JsonObject, passphrase: string | undefined): string {
  if (passphrase === undefined) throw new VeiltrailError('kit_passphrase', 'this recovery kit wants its passphrase');
  try {
    const bytes = decodeBase64(box as string);
    const opening = createDecipheriv('aes-256-gcm', scryptSync(passphrase, decodeBase64(salt as string), 32, scrypt), bytes.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    });
    opening.setAuthTag(bytes.subarray(-tagBytes));
    return decodeUtf8(concatBytes(opening.update(bytes.subarray(nonceBytes, -tagBytes)), opening.final()));
  } catch (cause) {
    throw new VeiltrailError('kit_passphrase', 'the passphrase is wrong, or the recovery kit is damaged', {}, { cause });
  }
}

function objectOf(text: string): JsonObject {
  try {
    const { value } = parseJson(text, { depthMax: 16, nodesMax: 50_000_000 });
    if (isJsonObject(value)) return value;
  } catch {
    // said below
  }
  throw bad();
}

function bad(): VeiltrailError {
  return new VeiltrailError('kit_syntax', 'this is no recovery kit');
}
