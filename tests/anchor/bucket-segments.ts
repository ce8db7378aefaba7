/** Sealed segments in a bucket: a real trail of a full bucket of leaves, for the tests in `bucket.test.ts`. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createSecretKey } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { LeafSet } from '../../src/ledger/leaf-set.ts';
import { indexEntryBytes, indexTailBytes, openPackedBlock, parseSegmentIndex, segmentHeaderBytes } from '../../src/ledger/segment.ts';
import { openTrail, type OpenTrail } from '../../src/server/compose.ts';
import { openStoredVault } from '../../src/server/stored-vault.ts';
import type { SegmentName } from '../../src/storage/segment-store.ts';
import { openKeyring, secretPurposes } from '../../src/vault/keyring.ts';
import { untilCompacted } from '../ledger/until-compacted.ts';

export const bucketLeaves = 65_536;
export const treeSize = bucketLeaves + 64;
/** Stands in the record of one person, and in no other. */
export const planted = 'planted-before-erasure';
export const plantedLeaf = 40_001;
export const subject = 'u-17';

/** What a table says of logins; all other records are kept. */
export const retention = 'version: 1\nrules:\n  - {name: logins, category: authentication, keep: 90 days, basis: a test}\n';

export interface SealedTrail {
  dataDir: string;
  readonly trail: OpenTrail;
  /** Closes the trail; what is asked of it afterwards opens it again. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Another directory with what was there at that time. */
  copy(): string;
  remove(): Promise<void>;
}

export async function createSealedTrail(): Promise<SealedTrail> {
  const home = mkdtempSync(join(tmpdir(), 'veiltrail-sealed-'));
  const dataDir = join(home, 'data');
  let trail = await openTrail({ dataDir, workers: 1 });
  let copies = 0;
  await trail.createLog('default');
  await trail.dataProtection.applyRetention(retention, { principal: 'local:test', purpose: 'a test' });
  const appended = [];
  for (let from = 0; from < treeSize; from += 8_192) appended.push(trail.append({ log: 'default', principal: 'x', body: lines(from, Math.min(treeSize, from + 8_192)), format: 'ndjson' })); // prettier-ignore
  await Promise.all(appended);
  await untilCompacted(dataDir);
  return {
    dataDir,
    get trail() {
      return trail;
    },
    stop: () => trail.close(),
    async start() {
      trail = await openTrail({ dataDir, workers: 1 });
    },
    copy() {
      const to = join(home, `copy-${copies++}`);
      cpSync(dataDir, to, { recursive: true });
      return to;
    },
    async remove() {
      await trail.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function lines(from: number, to: number): Buffer {
  const texts: string[] = [];
  for (let i = from; i < to; i++) {
    const [actor, note] = i === plantedLeaf ? [subject, planted] : ['u-178', 'x'];
    texts.push(
      `{"id":"e${i}","action":"a","category":"${i % 8 === 0 ? 'authentication' : 'file_access'}","actor":{"type":"user","id":"${actor}"},"reason":"${note}"}`,
    );
  }
  return Buffer.from(texts.join('\n'));
}

/**
 * Every key of 32 bytes that somebody with whole data directories has: secrets of all keyrings, what each keyring opens in each vault.
 */
export async function allKeys(dirs: readonly string[], names: readonly SegmentName[]): Promise<Uint8Array[]> {
  const keys: Uint8Array[] = [];
  for (const keysOf of dirs) {
    const keyring = openKeyring(join(keysOf, 'keys'), { create: false });
    for (const purpose of secretPurposes) keys.push(...keyring.secrets(purpose).map(({ key }) => key));
    for (const vaultOf of dirs) {
      const vault = openStoredVault(vaultOf, keyring);
      const attempts = [
        ...[...(await vault.segmentKeyNames()), ...names].map((name) => vault.segmentKey(name)),
        ...[0, 1].flatMap((bucket) => [1, 2, 3].map((generation) => vault.bucketKey('default', bucket, generation))),
      ];
      for (const attempt of await Promise.allSettled(attempts)) if (attempt.status === 'fulfilled') keys.push(attempt.value);
      await vault.close();
    }
  }
  return [...new Map(keys.map((key) => [Buffer.from(key).toString('hex'), key])).values()];
}

/** What a set of keys gets out of the bytes of a segment: how many blocks open, and whether a text stands in any of them, or in the bytes as they are. */
export function openedBy(
  keys: readonly Uint8Array[],
  bytes: Uint8Array,
  origin: string,
  name: SegmentName,
  text: string,
): { blocks: number; found: boolean } {
  const headerBytes = segmentHeaderBytes({ origin, class: name.class, bucket: name.bucket, generation: name.generation });
  const header = bytes.subarray(0, headerBytes);
  const records = new LeafSet(header.slice(-8_192)).count;
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const indexAt = bytes.length - indexTailBytes - indexEntryBytes * words.getUint32(bytes.length - indexTailBytes);
  const { firstRanks, offsets } = parseSegmentIndex(bytes.subarray(indexAt), indexAt);
  let found = Buffer.from(bytes).includes(text);
  let blocks = 0;
  for (const key of keys) {
    const secret = createSecretKey(key);
    for (let i = 0; i < firstRanks.length; i++) {
      const place = { firstRank: firstRanks[i] as number, endRank: firstRanks[i + 1] ?? records };
      const packed = openPackedBlock(header, place, bytes.subarray(offsets[i], offsets[i + 1]), secret);
      if (!packed) continue;
      blocks++;
      found ||= zstdDecompressSync(packed).includes(text);
    }
  }
  return { blocks, found };
}
