/** The vault of a backup, opened with what a recovery kit has: its bucket keys under the kit's root, its lookups computed anew. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { decodeBase64 } from '../../core/base64.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { systemRandom } from '../../core/random.ts';
import { type Keyring, type Secret } from '../../vault/keyring.ts';
import { type BucketPlace, importKey, openBucketKey, openSealedToken, sealBucketKey } from '../../vault/sealing.ts';
import { createLookup, formatToken } from '../../vault/token.ts';
import { bucketPlace } from '../../vault/vault-reader.ts';
import { vaultFileName } from '../stored-vault.ts';
import { type RecoveryKit, type SealedBucketKey } from './recovery-kit.ts';

/** The vault as far as it opens, and keys for what is restored. */
export interface RestoredVault {
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

export function restoreVault(dir: string, kit: RecoveryKit, keyring: Keyring): RestoredVault {
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
  /** Generations that chunks may be of, whether or not their key is left: another key must not go by one of their numbers. */
  const generations = new Map<string, number>();
  const see = (log: string, bucket: number, generation: number): void => {
    const place = `${log} ${bucket}`;
    generations.set(place, Math.max(generations.get(place) ?? 0, generation));
  };
  const keep = (log: string, bucket: number, generation: number, key: Uint8Array): void => {
    chunkKeys.set(`${log} ${bucket} ${generation}`, key);
    see(log, bucket, generation);
    const sealed = sealBucketKey(bucketPlace({ log, bucket, generation }), key, root, systemRandom);
    vault
      .prepare('INSERT OR REPLACE INTO bucket_keys (log, bucket, generation, sealed_key) VALUES (?, ?, ?, ?)')
      .run(log, bucket, generation, sealed);
  };
  for (const row of vault.prepare('SELECT log, bucket, generation, sealed_key FROM bucket_keys').all() as unknown as ChunkKeyRow[]) {
    const { log, bucket, generation, sealed_key: sealed } = row;
    const place = bucketPlace({ log, bucket, generation });
    see(log, bucket, generation);
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
      const generation = generations.get(`${log} ${bucket}`) ?? 0;
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
