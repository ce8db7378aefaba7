/**
 * Restoring a backup with a recovery kit.
 *
 * Files are checked against the signed manifest, put into a directory beside the one that is to be, and made to fit the kit: bucket keys are opened with
 * what the kit has and sealed under its root, lookups are computed anew. What nothing opens any more, because an erasure since has rewritten its bucket,
 * is counted as lost. Then the ledger of erasures is written down as a removal that is under way, the directory gets its name, and the first start
 * carries the removal out as after any crash: whatever was erased after the backup is erased again, and tombstones account for it and for what was lost.
 *
 * A log that was larger when the kit was made must not be gone on with at its smaller size: that would be a second history. Its newer entries are taken
 * from a copy of its public files (`tiles`), proved against the kit's checkpoint, and their records counted as lost; without such a copy it is refused.
 *
 * A crash leaves the directory beside, which the next try replaces, or the whole one.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type LogRemoval, formatJournal, type RemovalJournal } from '../../app/removal-journal.ts';
import { mergeRanges } from '../../app/leaf-ranges.ts';
import { decodeBase64 } from '../../core/base64.ts';
import { concatBytes, equalBytes } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { systemRandom } from '../../core/random.ts';
import { bucketOf, type ChunkPlace, generationOf, openChunk, sealChunk, withChunkHead } from '../../ledger/chunk.ts';
import { openCheckpoint } from '../../log/checkpoint.ts';
import { commitmentBytes, hashEntries, parseEntry } from '../../log/entry.ts';
import { parseEntryBundle } from '../../log/entry-bundle.ts';
import { Frontier } from '../../log/frontier.ts';
import { createNoteVerifier } from '../../log/note-key.ts';
import { formatTilePath, tileWidthMax } from '../../log/tile-path.ts';
import { tileWidth } from '../../log/tile.ts';
import { hashBytes } from '../../log/tree.ts';
import { createTrust } from '../../log/trust.ts';
import { segmentPath } from '../../storage/files/segment-store.ts';
import { bucketLeaves } from '../../storage/record-store.ts';
import { openSqliteRecordSource } from '../../storage/sqlite/record-source.ts';
import type { TileSource } from '../../storage/tile-store.ts';
import { createKeyFile, prepareKeyDirectory } from '../../vault/key-file.ts';
import { type Keyring, openKeyring, type Secret } from '../../vault/keyring.ts';
import { type BucketPlace, importKey, openBucketKey, openSealedToken, rootVersionOf, sealBucketKey } from '../../vault/sealing.ts';
import { createLookup, formatToken } from '../../vault/token.ts';
import { bucketPlace } from '../../vault/vault-reader.ts';
import { openTrail } from '../compose.ts';
import { keysDirectory, recordsFileName, removalFileName } from '../data-files.ts';
import { openRecordReader } from '../open-records.ts';
import { openStoredVault, vaultFileName } from '../stored-vault.ts';
import { type BackedUpLog, checkFiles, type Manifest, readManifest } from './manifest.ts';
import { parseKit, type RecoveryKit, type SealedBucketKey } from './recovery-kit.ts';

export interface RestoreRequest {
  backup: string;
  /** The recovery kit's text. */
  kit: string;
  passphrase?: string;
  /** A directory that is not there yet, or empty. */
  dataDir: string;
  /** Public files of logs that were larger when the kit was made. */
  tiles?: TileSource;
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

/** Leaves of one chunk of nothing: far fewer than a tick may have. */
const emptyChunkMax = 8_192;

/**
 * @throws VeiltrailError `kit_syntax`, `kit_passphrase`, `backup_incomplete`, `backup_damaged`, `note_unverified`, `restore_target`, `behind_checkpoint`
 * (the log was larger, and no public files of it are given), `history_forked` (they are of another history), `kit_outdated` (the backup is newer than an
 * erasure that the kit does not know)
 */
export async function restoreBackup({ backup, kit: text, passphrase, dataDir, tiles }: RestoreRequest): Promise<RestoreReport> {
  const kit = parseKit(text, passphrase);
  const verifiers = kit.keyring.filter(({ file }) => file.endsWith('.vkey')).map(({ text: vkey }) => createNoteVerifier(vkey.trim()));
  const manifest = readManifest(backup, verifiers);
  await checkFiles(backup, manifest.files);
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0)
    throw new VeiltrailError('restore_target', 'the directory to restore into is not empty');
  refuseOutdated(backup, manifest, kit);
  const behind = behindOf(manifest, kit, tiles !== undefined);
  const beside = `${dataDir.replace(/\/+$/, '')}.restoring`;
  rmSync(beside, { recursive: true, force: true });
  const keyring = putFiles(backup, manifest, kit, beside);
  const vault = restoreVault(beside, kit, keyring);
  const lost = restoreRecords(beside, kit, vault);
  await findLostLeaves(beside, lost);
  for (const one of behind) await addEntries(beside, one, tiles as TileSource, vault, lost);
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
function refuseOutdated(backup: string, { logs }: Manifest, { keyring, createdAt }: RecoveryKit): void {
  const has = (file: string): boolean => keyring.some((one) => one.file === file);
  const roots = keyring.flatMap(({ file }) => Number(/^root\.v(\d+)\.secret$/.exec(file)?.[1] ?? []));
  const vault = new DatabaseSync(join(backup, vaultFileName), { readOnly: true });
  try {
    const sealed = ['token_buckets', 'bucket_keys', 'segment_keys'].flatMap((table) =>
      vault.prepare(`SELECT substr(sealed_key, 1, 5) AS head FROM ${table}`).all(),
    );
    const newest = Math.max(0, ...sealed.map(({ head }) => rootVersionOf(head as Uint8Array)));
    if (newest <= Math.max(0, ...roots) && logs.every(({ log }) => has(`${log}.signing-key`))) return;
  } finally {
    vault.close();
  }
  throw new VeiltrailError(
    'kit_outdated',
    `the recovery kit of ${createdAt} is older than this backup's keys: an erasure, a rotation or a new log came between; use the newest kit`,
  );
}

interface Behind extends BackedUpLog {
  newSize: number;
  checkpoint: string;
  vkey: string;
}

/** Logs that were larger when the kit was made. */
function behindOf({ logs }: Manifest, { checkpoints, keyring }: RecoveryKit, hasTiles: boolean): Behind[] {
  const behind: Behind[] = [];
  for (const { log, checkpoint } of checkpoints) {
    const vkey = keyring.find(({ file }) => file === `${log}.vkey`)?.text.trim() ?? '';
    const { treeSize: newSize, origin } = openCheckpoint(checkpoint, createTrust([vkey]));
    const backedUp = logs.find((one) => one.log === log);
    if (backedUp && newSize <= backedUp.treeSize) continue;
    if (!backedUp || !hasTiles) {
      throw new VeiltrailError(
        'behind_checkpoint',
        `log ${log} had ${newSize} leaves when the recovery kit was made, and has ${backedUp?.treeSize ?? 0} in this backup: going on with it would be a second history. Give a copy of its public files (--tiles), or a newer backup`,
        { log },
      );
    }
    behind.push({ log, origin, treeSize: backedUp.treeSize, newSize, checkpoint, vkey });
  }
  return behind;
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
    createKeyFile(keysDir, file, text, file.endsWith('.vkey') ? 0o644 : 0o600);
  }
  return openKeyring(keysDir, { create: false });
}

/** The vault as far as it opens, and keys for what is restored. */
interface RestoredVault {
  /** Key of a bucket's generation; undefined where it is gone. */
  chunkKey(log: string, bucket: number, generation: number): Uint8Array | undefined;
  /** The newest generation of a bucket and its key; made where there is none. */
  newestKey(log: string, bucket: number): { generation: number; key: Uint8Array };
  hasSegmentKey(log: string, retentionClass: string, bucket: number, generation: number): boolean;
  rootVersion: number;
  lostTokens: string[];
  /** Tokens of the kit's ledger that are rows here and still hold a value. */
  present(tokens: readonly string[]): string[];
  /** Removals whose tombstones are in this vault already. */
  removals: ReadonlySet<string>;
  close(): void;
}

function restoreVault(dir: string, kit: RecoveryKit, keyring: Keyring): RestoredVault {
  const vault = new DatabaseSync(join(dir, vaultFileName));
  vault.exec('PRAGMA secure_delete=ON; BEGIN IMMEDIATE');
  const roots = keyring.secrets('root');
  const [root] = roots as [Secret];
  const open = (place: BucketPlace, sealed: Uint8Array): Uint8Array | undefined => {
    try {
      return openBucketKey(place, sealed, roots);
    } catch (error) {
      if (error instanceof VeiltrailError) return undefined;
      throw error;
    }
  };
  const inKit = (keys: readonly SealedBucketKey[], matches: (one: SealedBucketKey) => boolean, place: BucketPlace): Uint8Array | undefined => {
    const found = keys.find(matches);
    return found && open(place, decodeBase64(found.sealed));
  };
  // Chunks.
  const chunkKeys = new Map<string, Uint8Array>();
  const keep = (log: string, bucket: number, generation: number, key: Uint8Array): void => {
    chunkKeys.set(`${log} ${bucket} ${generation}`, key);
    const sealed = sealBucketKey(bucketPlace({ log, bucket, generation }), key, root, systemRandom);
    vault
      .prepare('INSERT OR REPLACE INTO bucket_keys (log, bucket, generation, sealed_key) VALUES (?, ?, ?, ?)')
      .run(log, bucket, generation, sealed);
  };
  for (const row of vault.prepare('SELECT log, bucket, generation, sealed_key FROM bucket_keys').all() as unknown as ChunkKeyRow[]) {
    const { log, bucket, generation, sealed_key: sealed } = row;
    const place = bucketPlace({ log, bucket, generation });
    const key = open(place, sealed) ?? inKit(kit.buckets.chunks, (one) => sameChunkKey(one, row), place);
    if (key) keep(log, bucket, generation, key);
    else vault.prepare('DELETE FROM bucket_keys WHERE log = ? AND bucket = ? AND generation = ?').run(log, bucket, generation);
  }
  for (const one of kit.buckets.chunks) {
    const { log, bucket, generation } = one as { log: string; bucket: number; generation: number };
    if (chunkKeys.has(`${log} ${bucket} ${generation}`)) continue;
    const key = open(bucketPlace({ log, bucket, generation }), decodeBase64(one.sealed));
    if (key) keep(log, bucket, generation, key);
  }
  // Segments.
  const segmentKeys = new Set<string>();
  for (const row of vault.prepare('SELECT log, class, bucket, generation, sealed_key FROM segment_keys').all() as unknown as SegmentKeyRow[]) {
    const { sealed_key: sealed, ...place } = row;
    const matches = (one: SealedBucketKey): boolean =>
      'class' in one && one.log === place.log && one.class === place.class && one.bucket === place.bucket && one.generation === place.generation;
    const key = open(place, sealed) ?? inKit(kit.buckets.segments, matches, place);
    const { log, class: retentionClass, bucket, generation } = place;
    if (key) {
      segmentKeys.add(`${log} ${retentionClass} ${bucket} ${generation}`);
      vault
        .prepare('UPDATE segment_keys SET sealed_key = ? WHERE log = ? AND class = ? AND bucket = ? AND generation = ?')
        .run(sealBucketKey(place, key, root, systemRandom), log, retentionClass, bucket, generation);
    } else
      vault
        .prepare('DELETE FROM segment_keys WHERE log = ? AND class = ? AND bucket = ? AND generation = ?')
        .run(log, retentionClass, bucket, generation);
  }
  const lostTokens = restoreTokens(vault, kit, keyring, open);
  vault.exec('COMMIT');
  const removals = new Set((vault.prepare('SELECT DISTINCT removal FROM tombstones').all() as { removal: string }[]).map(({ removal }) => removal));
  const holds = vault.prepare('SELECT 1 FROM tokens WHERE token = ? AND length(sealed) > 0');
  return {
    chunkKey: (log, bucket, generation) => chunkKeys.get(`${log} ${bucket} ${generation}`),
    newestKey(log, bucket) {
      const generations = [...chunkKeys.keys()].filter((name) => name.startsWith(`${log} ${bucket} `)).map((name) => Number(name.split(' ')[2]));
      const generation = Math.max(0, ...generations);
      const key = chunkKeys.get(`${log} ${bucket} ${generation}`);
      if (key) return { generation, key };
      const made = systemRandom.bytes(32);
      keep(log, bucket, generation + 1, made);
      return { generation: generation + 1, key: made };
    },
    hasSegmentKey: (log, retentionClass, bucket, generation) => segmentKeys.has(`${log} ${retentionClass} ${bucket} ${generation}`),
    rootVersion: root.version,
    lostTokens: lostTokens.map(formatToken),
    present: (tokens) => tokens.filter((token) => holds.get(Buffer.from(token.slice(4), 'base64url')) !== undefined),
    removals,
    close: () => vault.close(),
  };
}

interface ChunkKeyRow {
  log: string;
  bucket: number;
  generation: number;
  sealed_key: Uint8Array;
}

interface SegmentKeyRow {
  log: string;
  class: string;
  bucket: number;
  generation: number;
  sealed_key: Uint8Array;
}

function sameChunkKey(one: SealedBucketKey, { log, bucket, generation }: { log: string; bucket: number; generation: number }): boolean {
  return !('class' in one) && 'log' in one && one.log === log && one.bucket === bucket && one.generation === generation;
}

/** Opens every row that opens, and gives it its lookup back. Returns those that nothing opens. */
function restoreTokens(
  vault: DatabaseSync,
  kit: RecoveryKit,
  keyring: Keyring,
  open: (place: BucketPlace, sealed: Uint8Array) => Uint8Array | undefined,
): Uint8Array[] {
  const lookup = createLookup(keyring.secret('lookup').key);
  const [root] = keyring.secrets('root') as [Secret];
  const lost: Uint8Array[] = [];
  const setLookup = vault.prepare('UPDATE tokens SET lookup = ? WHERE id = ?');
  const setKey = vault.prepare('UPDATE token_buckets SET sealed_key = ? WHERE bucket = ?');
  const entries: { byLookup: [bigint, number][]; byToken: [bigint, number][] } = { byLookup: [], byToken: [] };
  const buckets = vault.prepare('SELECT bucket, scope, origin, sealed_key FROM token_buckets').all() as unknown as {
    bucket: number;
    scope: string;
    origin: string;
    sealed_key: Uint8Array;
  }[];
  let lastId = 0;
  for (const { bucket, scope, origin, sealed_key: sealed } of buckets) {
    const place = { scope, origin, bucket };
    const known = kit.buckets.tokens.find((one) => 'scope' in one && one.bucket === bucket && one.scope === scope && one.origin === origin);
    const keys = [open(place, sealed), known && open(place, decodeBase64(known.sealed))].filter((key) => key !== undefined);
    const ready = keys.map(importKey);
    let used = 0;
    for (const row of vault.prepare('SELECT id, token, kind, sealed, lookup FROM tokens WHERE bucket = ?').all(bucket) as unknown as {
      id: number;
      token: Uint8Array;
      kind: string;
      sealed: Uint8Array;
      lookup: Uint8Array;
    }[]) {
      lastId = Math.max(lastId, row.id);
      let found = row.lookup;
      if (row.sealed.length > 0) {
        const at = ready.findIndex((key) => opens(row, key) !== undefined);
        const content = at < 0 ? undefined : opens(row, ready[at] as ReturnType<typeof importKey>);
        if (content) {
          used = at;
          found = lookup(scope, row.kind, content.canonical);
          setLookup.run(found, row.id);
        } else lost.push(row.token);
      }
      entries.byLookup.push([prefixOf(found), row.id]);
      entries.byToken.push([prefixOf(row.token), row.id]);
    }
    // A bucket that nothing opens gets a key all the same: what is left of its rows is about to be destroyed.
    setKey.run(sealBucketKey(place, keys[used] ?? systemRandom.bytes(32), root, systemRandom), bucket);
  }
  for (const [table, rows] of [
    ['by_lookup', entries.byLookup],
    ['by_token', entries.byToken],
  ] as const) {
    const add = vault.prepare(`INSERT OR IGNORE INTO ${table} (prefix, id) VALUES (?, ?)`);
    for (const [prefix, id] of rows.toSorted((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] - b[1]))) add.run(prefix, id);
  }
  vault.prepare('UPDATE entered SET id = ?').run(lastId);
  return lost;
}

function opens(row: { token: Uint8Array; kind: string; sealed: Uint8Array }, key: ReturnType<typeof importKey>): { canonical: string } | undefined {
  try {
    return openSealedToken(row.token, row.kind, row.sealed, key);
  } catch (error) {
    if (error instanceof VeiltrailError) return undefined;
    throw error;
  }
}

/** The first 48 bits. */
function prefixOf(bytes: Uint8Array): bigint {
  return BigInt(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUIntBE(0, 6));
}

/** What is lost, by log: ranges of leaves. */
interface Lost {
  ranges: Map<string, number[]>;
  /** Buckets of which a segment is lost: which leaves were in it, nothing says but what the others hold. */
  buckets: { log: string; bucket: number }[];
}

/** Chunks and segments that nothing opens become leaves without a record. */
function restoreRecords(dir: string, kit: RecoveryKit, vault: RestoredVault): Lost {
  const heads = new Map(kit.heads.map(({ log, firstLeaf, head }) => [`${log} ${firstLeaf}`, decodeBase64(head)]));
  const lost: Lost = { ranges: new Map(), buckets: [] };
  const records = new DatabaseSync(join(dir, recordsFileName));
  try {
    records.exec('PRAGMA secure_delete=ON; BEGIN IMMEDIATE; UPDATE closing SET clean = 0');
    const logs = records.prepare('SELECT id, name, origin FROM logs').all() as unknown as { id: number; name: string; origin: string }[];
    for (const { id, name, origin } of logs) {
      const chunks = records
        .prepare('SELECT first_leaf, count, received_at_ms, sealed FROM chunks WHERE log = ? ORDER BY first_leaf')
        .all(id) as unknown as ChunkRow[];
      for (const { first_leaf: firstLeaf, count, received_at_ms: receivedAtMs, sealed } of chunks) {
        if (vault.chunkKey(name, bucketOf(firstLeaf), generationOf(sealed, firstLeaf))) continue;
        const place = { origin, firstLeaf, count, receivedAtMs };
        const head = heads.get(`${name} ${firstLeaf}`);
        const left = head && behindHead(name, place, head, sealed, vault);
        const replaced = left ?? emptyChunk(place, vault.newestKey(name, bucketOf(firstLeaf)));
        records.prepare('UPDATE chunks SET sealed = ? WHERE log = ? AND first_leaf = ?').run(replaced, id, firstLeaf);
        if (!left) addRange(lost, name, firstLeaf, firstLeaf + count);
      }
      const segments = records.prepare('SELECT bucket, class, generation FROM segments WHERE log = ?').all(id) as unknown as {
        bucket: number;
        class: string;
        generation: number;
      }[];
      for (const { bucket, class: retentionClass, generation } of segments) {
        if (vault.hasSegmentKey(name, retentionClass, bucket, generation)) continue;
        records.prepare('DELETE FROM segments WHERE log = ? AND bucket = ? AND class = ?').run(id, bucket, retentionClass);
        rmSync(join(dir, 'segments', segmentPath({ log: name, class: retentionClass, bucket, generation })), { force: true });
        lost.buckets.push({ log: name, bucket });
      }
    }
    records.exec('COMMIT');
  } finally {
    records.close();
  }
  return lost;
}

/** In a bucket that lost a segment, leaves that no other holds. */
async function findLostLeaves(dir: string, lost: Lost): Promise<void> {
  if (lost.buckets.length === 0) return;
  const vault = openStoredVault(dir, openKeyring(join(dir, keysDirectory), { create: false }));
  const records = openSqliteRecordSource(join(dir, recordsFileName));
  try {
    const sizes = new Map((await records.logs()).map(({ log, treeSize }) => [log, treeSize]));
    const reader = openRecordReader(dir, records, vault);
    for (const { log, bucket } of lost.buckets) {
      const end = Math.min(sizes.get(log) ?? 0, (bucket + 1) * bucketLeaves);
      let next = bucket * bucketLeaves;
      for await (const { leafIndex } of reader.records(log, next, end)) {
        if (leafIndex > next) addRange(lost, log, next, leafIndex);
        next = leafIndex + 1;
      }
      if (next < end) addRange(lost, log, next, end);
    }
  } finally {
    await records.close();
    await vault.close();
  }
}

interface ChunkRow {
  first_leaf: number;
  count: number;
  received_at_ms: number;
  sealed: Uint8Array;
}

/** A chunk that an erasure since has left as it was, behind the head that it has now; undefined where it is another chunk now. */
function behindHead(log: string, place: ChunkPlace, head: Uint8Array, sealed: Uint8Array, vault: RestoredVault): Uint8Array | undefined {
  const key = vault.chunkKey(log, bucketOf(place.firstLeaf), generationOf(head, place.firstLeaf));
  if (!key) return undefined;
  const chunk = withChunkHead(head, sealed);
  try {
    openChunk(place, chunk, key);
    return chunk;
  } catch (error) {
    if (error instanceof VeiltrailError) return undefined;
    throw error;
  }
}

function emptyChunk(
  place: { origin: string; firstLeaf: number; count: number; receivedAtMs: number },
  { generation, key }: { generation: number; key: Uint8Array },
): Uint8Array {
  return sealChunk(place, { offsets: new Uint32Array(place.count + 1), records: new Uint8Array(0) }, key, systemRandom, generation);
}

function addRange(lost: Lost, log: string, from: number, to: number): void {
  lost.ranges.set(log, mergeRanges(lost.ranges.get(log) ?? [], [from, to]));
}

/** Entries that the backup has not, proved by the kit's checkpoint: leaves without a record. */
async function addEntries(
  dir: string,
  { log, origin, treeSize, newSize, checkpoint, vkey }: Behind,
  tiles: TileSource,
  vault: RestoredVault,
  lost: Lost,
): Promise<void> {
  const { root } = openCheckpoint(checkpoint, createTrust([vkey]));
  const commitments = await readCommitments(tiles, log, treeSize, newSize);
  const records = new DatabaseSync(join(dir, recordsFileName));
  try {
    const id = (records.prepare('SELECT id FROM logs WHERE name = ?').get(log) as { id: number }).id;
    const tree = records.prepare('SELECT frontier, last_received_at_ms AS receivedAtMs FROM trees WHERE log = ?').get(id) as {
      frontier: Uint8Array;
      receivedAtMs: number;
    };
    const frontier = Frontier.fromBytes(tree.frontier);
    const hashes = hashEntries(commitments);
    for (let at = 0; at < hashes.length; at += hashBytes) frontier.append(hashes, at);
    if (!equalBytes(frontier.root(), root))
      throw new VeiltrailError(
        'history_forked',
        `the public files of log ${log} do not lead from the backup to the recovery kit's checkpoint: they are of another history`,
        { log },
      );
    records.exec('BEGIN IMMEDIATE');
    for (let from = treeSize; from < newSize;) {
      const to = Math.min(newSize, from + emptyChunkMax, (bucketOf(from) + 1) * bucketLeaves);
      const place = { origin, firstLeaf: from, count: to - from, receivedAtMs: tree.receivedAtMs };
      const sealed = emptyChunk(place, vault.newestKey(log, bucketOf(from)));
      records
        .prepare('INSERT INTO chunks (log, first_leaf, count, received_at_ms, sealed) VALUES (?, ?, ?, ?, ?)')
        .run(id, from, to - from, tree.receivedAtMs, sealed);
      from = to;
    }
    records
      .prepare('INSERT INTO staged (log, first_leaf, count, commitments) VALUES (?, ?, ?, ?)')
      .run(id, treeSize, newSize - treeSize, commitments);
    records.prepare('UPDATE trees SET tree_size = ?, root = ?, frontier = ? WHERE log = ?').run(newSize, root, frontier.toBytes(), id);
    records.exec('COMMIT');
  } finally {
    records.close();
  }
  writeFileSync(join(dir, 'logs', log, 'checkpoint'), checkpoint);
  addRange(lost, log, treeSize, newSize);
}

async function readCommitments(tiles: TileSource, log: string, from: number, to: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let leaf = from - (from % tileWidthMax); leaf < to; leaf += tileWidthMax) {
    const index = leaf / tileWidthMax;
    const width = tileWidth(0, index, to);
    const full = formatTilePath({ level: 'entries', index, width: tileWidthMax });
    const bundle = (await tiles.read(log, formatTilePath({ level: 'entries', index, width }))) ?? (await tiles.read(log, full));
    if (!bundle)
      throw new VeiltrailError('tile_missing', `the public files of log ${log} lack the entries from leaf ${leaf} on`, { log, leafIndex: leaf });
    const entries = bundleEntries(bundle, width);
    for (const [i, entry] of entries.entries()) if (leaf + i >= from && leaf + i < to) parts.push(parseEntry(entry));
  }
  const commitments = concatBytes(...parts);
  if (commitments.length !== (to - from) * commitmentBytes)
    throw new VeiltrailError('tile_missing', `the public files of log ${log} lack entries`, { log });
  return commitments;
}

/** The first entries of a bundle, which may have grown since. */
function bundleEntries(bundle: Uint8Array, width: number): Uint8Array[] {
  const entryLength = 35;
  return parseEntryBundle(bundle, Math.min(tileWidthMax, Math.max(width, Math.floor(bundle.length / entryLength)))).slice(0, width);
}

/** What was removed after the backup, and what is lost, as one removal that is under way. */
function journalOf(dir: string, kit: RecoveryKit, vault: RestoredVault, lost: Lost): { body: RemovalJournal; replayed: number } | undefined {
  const sizes = treeSizes(dir);
  const due = kit.removals.filter(({ id }) => !vault.removals.has(id));
  const tokens = [...new Set([...vault.present(due.flatMap((removal) => removal.tokens)), ...vault.lostTokens])];
  const removed = new Map<string, number[]>([...lost.ranges].map(([log, ranges]) => [log, [...ranges]]));
  const fields = new Map<string, Map<number, Set<string>>>();
  for (const { logs } of due) {
    for (const { log, ranges, fields: values } of logs) {
      const size = sizes.get(log) ?? 0;
      const whole = values.filter(({ pointers }) => pointers.length === 0).flatMap(({ leafIndex }) => [leafIndex, leafIndex + 1]);
      for (const all of [ranges, whole]) {
        for (let i = 0; i < all.length; i += 2) {
          const [from, to] = [all[i] as number, Math.min(size, all[i + 1] as number)];
          if (from < to) removed.set(log, mergeRanges(removed.get(log) ?? [], [from, to]));
        }
      }
      const of = fields.get(log) ?? new Map<number, Set<string>>();
      fields.set(log, of);
      for (const { leafIndex, pointers } of values) {
        if (pointers.length > 0 && leafIndex < size) of.set(leafIndex, new Set([...(of.get(leafIndex) ?? []), ...pointers]));
      }
    }
  }
  const logs = [...new Set([...removed.keys(), ...fields.keys()])].toSorted().flatMap((log): LogRemoval[] => {
    const ranges = removed.get(log) ?? [];
    const redactions = [...(fields.get(log) ?? [])]
      .filter(([leafIndex]) => !isIn(ranges, leafIndex))
      .toSorted(([a], [b]) => a - b)
      .map(([leafIndex, pointers]) => ({ leafIndex, pointers: [...pointers].toSorted(), hidePointers: false, count: pointers.size }));
    if (ranges.length === 0 && redactions.length === 0) return [];
    const touched = new Set<number>();
    for (let i = 0; i < ranges.length; i += 2)
      for (let bucket = bucketOf(ranges[i] as number); bucket * bucketLeaves < (ranges[i + 1] as number); bucket++) touched.add(bucket);
    for (const { leafIndex } of redactions) touched.add(bucketOf(leafIndex));
    const buckets = [...touched].toSorted((a, b) => a - b).map((bucket) => ({ bucket, generation: vault.newestKey(log, bucket).generation + 1 }));
    return [{ log, removed: ranges, redactions, buckets }];
  });
  if (logs.length === 0 && tokens.length === 0) return undefined;
  const body: RemovalJournal = {
    id: `rem_${Array.from(systemRandom.bytes(26), (byte) => 'abcdefghijklmnopqrstuvwxyz234567'[byte & 31]).join('')}`,
    operation: 'erase',
    reason: 'restored from a backup older than an erasure',
    by: 'local',
    tokens,
    logs,
    rootBefore: vault.rootVersion,
    records: logs.reduce((sum, one) => sum + leavesIn(one.removed), 0),
    fields: logs.reduce((sum, one) => sum + one.redactions.reduce((count, { count: more }) => count + more, 0), 0),
  };
  return { body, replayed: due.length };
}

function treeSizes(dir: string): Map<string, number> {
  const records = new DatabaseSync(join(dir, recordsFileName), { readOnly: true });
  try {
    const rows = records.prepare('SELECT name, tree_size AS size FROM logs JOIN trees ON trees.log = logs.id').all() as unknown as {
      name: string;
      size: number;
    }[];
    return new Map(rows.map(({ name, size }) => [name, size]));
  } finally {
    records.close();
  }
}

function isIn(ranges: readonly number[], leaf: number): boolean {
  for (let i = 0; i < ranges.length; i += 2) if ((ranges[i] as number) <= leaf && leaf < (ranges[i + 1] as number)) return true;
  return false;
}

function leavesIn(ranges: readonly number[]): number {
  let leaves = 0;
  for (let i = 0; i < ranges.length; i += 2) leaves += (ranges[i + 1] as number) - (ranges[i] as number);
  return leaves;
}
