/** A trail in a directory of its own, and whatever can be got out of a directory with all keys that are beside it. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import { openChunk } from '../../src/ledger/chunk.ts';
import { openTrail, type OpenTrail } from '../../src/server/compose.ts';
import { verifyStoredLog } from '../../src/server/verify.ts';
import type { FoundEvent } from '../../src/app/trail.ts';
import type { VerifyReport } from '../../src/app/verify-log.ts';
import { openKeyring, type Secret } from '../../src/vault/keyring.ts';
import { importKey, openBucketKey, openSealedToken } from '../../src/vault/sealing.ts';
import { bucketPlace } from '../../src/vault/vault-reader.ts';

export function makeDataDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'removal-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'data');
}

export function openOn(dataDir: string): Promise<OpenTrail> {
  return openTrail({ dataDir, workers: 1 });
}

export async function append(trail: OpenTrail, events: readonly JsonObject[], log = 'default'): Promise<number[]> {
  await trail.createLog(log);
  const { receipts } = await trail.append({ log, principal: 'local', body: Buffer.from(JSON.stringify(events)), format: 'json' });
  return receipts.map(({ leafIndex }) => leafIndex);
}

export function event(person: string, pin = '0000', more: JsonObject = {}): JsonObject {
  return { action: 'payment.make', actor: { type: 'user', id: `${person}@example.com` }, metadata: { slot: pin, ...more } };
}

export async function tokenOf(trail: OpenTrail, leafIndex: number, log = 'default'): Promise<string> {
  const { record } = (await trail.readEvent(log, leafIndex)) as FoundEvent;
  return (record['actor'] as JsonObject)['id'] as string;
}

export function verify(dataDir: string, log = 'default'): Promise<VerifyReport> {
  return verifyStoredLog(dataDir, { log, others: true });
}

/** A copy of everything as a thief would take it. */
export function copyOf(dataDir: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'removal-copy-'));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  cpSync(dataDir, copy, { recursive: true });
  return copy;
}

/** Every file of a directory, with its bytes. */
export function* filesOf(dir: string): Generator<{ path: string; bytes: Buffer }> {
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) yield { path: join(entry.parentPath, entry.name), bytes: readFileSync(join(entry.parentPath, entry.name)) };
  }
}

/** What somebody gets who has a directory's files, and the secrets of all these keyrings. */
export interface Loot {
  /** Packed records. */
  records: Uint8Array[];
  /** Values of tokens. */
  values: string[];
}

/** Opens whatever opens: every row of every table, each key tried wherever it could fit. */
export function loot(dir: string, keyrings: readonly string[] = [dir]): Loot {
  const roots: Secret[] = keyrings.flatMap((one) => openKeyring(join(one, 'keys'), { create: false }).secrets('root'));
  const bucketKeys = bucketKeysOf(dir, roots);
  const vault = open(join(dir, 'vault.db'));
  const values: string[] = [];
  for (const row of vault.prepare('SELECT * FROM token_buckets').all()) {
    const place = { scope: row['scope'] as string, origin: row['origin'] as string, bucket: row['bucket'] as number };
    for (const key of tryRoots(roots, (root) => openBucketKey(place, row['sealed_key'] as Uint8Array, [root]))) {
      for (const token of vault.prepare('SELECT token, kind, sealed FROM tokens WHERE bucket = ?').all(place.bucket)) {
        const opened = attempt(() =>
          openSealedToken(token['token'] as Uint8Array, token['kind'] as string, token['sealed'] as Uint8Array, importKey(key)),
        );
        if (opened) values.push(opened.value);
      }
    }
  }
  vault.close();
  return { records: recordsOf(dir, bucketKeys), values };
}

export interface BucketKey {
  log: string;
  bucket: number;
  generation: number;
  key: Uint8Array;
}

/** @param roots [those of the directory's own keyring] */
export function bucketKeysOf(dir: string, roots: readonly Secret[] = openKeyring(join(dir, 'keys'), { create: false }).secrets('root')): BucketKey[] {
  const keys: BucketKey[] = [];
  const vault = open(join(dir, 'vault.db'));
  for (const row of vault.prepare('SELECT log, bucket, generation, sealed_key FROM bucket_keys').all()) {
    const place = { log: row['log'] as string, bucket: row['bucket'] as number, generation: row['generation'] as number };
    for (const key of tryRoots(roots, (root) => openBucketKey(bucketPlace(place), row['sealed_key'] as Uint8Array, [root])))
      keys.push({ ...place, key });
  }
  vault.close();
  return keys;
}

/** Records of the chunks of a directory, under bucket keys that may be those of another. */
export function recordsOf(dir: string, keys: readonly { log: string; bucket: number; key: Uint8Array }[]): Uint8Array[] {
  const records: Uint8Array[] = [];
  const database = open(join(dir, 'records.db'));
  const sql = 'SELECT name, origin, first_leaf, count, received_at_ms, sealed FROM chunks JOIN logs ON logs.id = chunks.log';
  for (const row of database.prepare(sql).all()) {
    const place = {
      origin: row['origin'] as string,
      firstLeaf: row['first_leaf'] as number,
      count: row['count'] as number,
      receivedAtMs: row['received_at_ms'] as number,
    };
    for (const { log, key } of keys) {
      if (log !== row['name']) continue;
      const content = attempt(() => openChunk(place, row['sealed'] as Uint8Array, key));
      if (!content) continue;
      for (let i = 0; i < place.count; i++) records.push(content.records.slice(content.offsets[i], content.offsets[i + 1]));
      break;
    }
  }
  database.close();
  return records;
}

/** Chunks of a log as they are stored. */
export function sealedChunks(dir: string, log = 'default'): Uint8Array[] {
  const database = open(join(dir, 'records.db'));
  const rows = database.prepare('SELECT sealed FROM chunks JOIN logs ON logs.id = chunks.log WHERE name = ? ORDER BY first_leaf').all(log);
  database.close();
  return rows.map((row) => row['sealed'] as Uint8Array);
}

/** A copy that is read: SQLite leaves its own files beside it, and nobody minds. */
function open(path: string): DatabaseSync {
  if (!existsSync(path)) throw new Error(`no ${path}`);
  return new DatabaseSync(path);
}

function tryRoots<T>(roots: readonly Secret[], open: (root: Secret) => T): T[] {
  return roots.flatMap((root) => attempt(() => open(root)) ?? []);
}

export function attempt<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch {
    return undefined;
  }
}

export function bearsText(records: readonly Uint8Array[], text: string): number {
  return records.filter((one) => Buffer.from(one).includes(text)).length;
}
