/**
 * What the vault does of a removal (`app/remove-records.ts` says when). All of it may be done again after a crash, and then changes nothing or
 * finishes what was begun:
 *
 * 1. `eraseTokens`: rows are destroyed. A page of an older database still has them, sealed under the key of their bucket.
 * 2. `renew`: a new root is durable; buckets of which something is removed get new keys, and everything in the vault that stays is sealed under
 *    them, and they under the new root. What is sealed under the old one can still be read.
 * 3. `finish`: keys of buckets whose chunks were all rewritten are dropped, nothing is sealed under the old root any more, and it is destroyed:
 *    now what was removed is gone from older pages, write-ahead logs and copies as well, whoever has all keys that are left.
 */
import type { KeyObject } from 'node:crypto';
import { concatBytes, toHex } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import { sha256 } from '../core/sha256.ts';
import type { BucketKeyRow, ReplacedKeys, StoredTokenRow, TokenBucketRow, VaultStore } from '../storage/vault-store.ts';
import type { Secret } from './keyring.ts';
import {
  type BucketPlace,
  importKey,
  nonceBytes,
  openBucketKey,
  openSealedToken,
  openSuccessor,
  sealBucketKey,
  sealSuccessor,
  sealToken,
} from './sealing.ts';
import { bucketPlace, isDestroyed, segmentNameOf } from './vault-reader.ts';

/** Where roots are kept: a keyring. */
export interface RootKeeper {
  /** The newest first. */
  roots(): readonly Secret[];
  /** Makes a root of the next version, unless there is one beyond `version`; durable when it returns. */
  renew(version: number): void;
  /** Destroys those below a version; gone when it returns. */
  destroyBelow(version: number): void;
}

/** A bucket of a log's chunks of which something is removed. */
export interface RenewedBucket {
  log: string;
  bucket: number;
  /** Of its new key. */
  generation: number;
}

export interface Renewal {
  /** The version of the root before. */
  rootBefore: number;
  buckets: readonly RenewedBucket[];
  /** Tokens that were erased. */
  tokens: readonly Uint8Array[];
}

const keyBytes = 32;
/** Rows that are looked at in one step, between other work. */
const rowsAtOnce = 16_384;
const unreadable = new Set(['bucket_key_damaged', 'root_missing', 'token_damaged']);

/** Tokens of which nothing is left, without naming them. */
export interface ErasedTokens {
  count: number;
  /** {@link digestOfTokens}. */
  digest: string;
}

/** SHA-256 over tokens in ascending order, in hex: what a tombstone says of them. */
export function digestOfTokens(tokens: readonly Uint8Array[]): string {
  return toHex(sha256(concatBytes(...tokens.toSorted((a, b) => Buffer.compare(a, b)))));
}

export interface ErasureParts {
  store: VaultStore;
  random: Random;
  keeper: RootKeeper;
  /** Runs a step while nothing else is done to the vault. */
  serially: <T>(step: () => Promise<T>) => Promise<T>;
  /** Forgets every key that is held ready; new tokens go to new buckets. */
  forgetKeys: (roots: readonly Secret[]) => void;
}

export class Erasure {
  readonly #parts: ErasureParts;
  readonly #store: VaultStore;

  constructor(parts: ErasureParts) {
    this.#parts = parts;
    this.#store = parts.store;
  }

  /** See the top. */
  async renew({ rootBefore, buckets, tokens }: Renewal): Promise<void> {
    const { keeper, serially, forgetKeys } = this.#parts;
    await serially(async () => {
      keeper.renew(rootBefore);
      // Nothing is added to a bucket that was begun before: its rows are all there.
      forgetKeys(keeper.roots());
      for (const one of buckets) await this.#addKey(one);
    });
    const touched = await this.#bucketsOf(tokens);
    for (const [bucket, ids] of await this.#rowsOf(touched)) await serially(() => this.#reseal(bucket, ids));
    await serially(async () => {
      await this.#resealKeys();
      forgetKeys(keeper.roots());
    });
  }

  /** See the top. @throws VeiltrailError `storage_busy` while somebody reads what was there before: call it again */
  async finish(buckets: readonly RenewedBucket[]): Promise<void> {
    const { keeper, serially, forgetKeys } = this.#parts;
    await serially(async () => {
      for (const { log, bucket, generation } of buckets) await this.#store.dropBucketKey(log, bucket, generation);
      // Keys that were made meanwhile are under the new root already.
      await this.#resealKeys();
      await this.#store.scrub();
      const [newest] = keeper.roots() as [Secret];
      keeper.destroyBelow(newest.version);
      forgetKeys(keeper.roots());
    });
  }

  async #addKey(one: RenewedBucket): Promise<void> {
    const { random, keeper } = this.#parts;
    if (await this.#store.findBucketKey(one.log, one.bucket, one.generation)) return;
    const [root] = keeper.roots() as [Secret];
    await this.#store.addBucketKey({ ...one, sealedKey: sealBucketKey(bucketPlace(one), random.bytes(keyBytes), root, random) });
  }

  async #bucketsOf(tokens: readonly Uint8Array[]): Promise<number[]> {
    const buckets = new Set<number>();
    for (const token of tokens) {
      const row = await this.#store.findRow(token);
      if (row) buckets.add(row.bucket);
    }
    return [...buckets];
  }

  /** Where the rows of some buckets are. They lie together, or nearly so, but only reading the table tells. */
  async #rowsOf(buckets: readonly number[]): Promise<Map<number, number[]>> {
    const found = new Map<number, number[]>(buckets.map((bucket) => [bucket, []]));
    if (buckets.length === 0) return found;
    for (let from: number | undefined = 0; from !== undefined;) {
      const at: number = from;
      const page = await this.#parts.serially(() => this.#store.findBucketRows(buckets, at, rowsAtOnce));
      for (const { id, bucket } of page.rows) (found.get(bucket) as number[]).push(id);
      from = page.next;
    }
    return found;
  }

  /** Gives a token bucket a new key, and seals under it all that is left in it. What does not open stays as it is, and is gone with the old key. */
  async #reseal(bucket: number, ids: readonly number[]): Promise<void> {
    const { random, keeper } = this.#parts;
    const found = await this.#store.findTokenBucket(bucket);
    const old = found && openOrNothing(() => importKey(openBucketKey(placeOf(found), found.sealedKey, keeper.roots())));
    if (!found || !old) return;
    const bytes = random.bytes(keyBytes);
    const key = importKey(bytes);
    const rows: { id: number; sealed: Uint8Array }[] = [];
    const settled: { token: Uint8Array; sealed: Uint8Array }[] = [];
    for (const row of await this.#store.readRows(ids)) {
      const sealed = isDestroyed(row) ? undefined : openOrNothing(() => resealToken(row, old, key, random));
      if (sealed) rows.push({ id: row.id, sealed });
      const successor = row.kind === 'quarantine' ? (await this.#store.findSettled(row.token))?.sealed : undefined;
      if (!successor || successor.length === 0) continue;
      const resealed = openOrNothing(() => sealSuccessor(row.token, openSuccessor(row.token, successor, old), key, random));
      if (resealed) settled.push({ token: row.token, sealed: resealed });
    }
    const [root] = keeper.roots() as [Secret];
    await this.#store.resealBucket({ bucket, sealedKey: sealBucketKey(placeOf(found), bytes, root, random), rows, settled });
  }

  /** Seals under the newest root what is sealed under another. A key that does not open stays as it is: it is damaged, and `verify` says so. */
  async #resealKeys(): Promise<void> {
    const { random, keeper } = this.#parts;
    const roots = keeper.roots();
    const [newest] = roots as [Secret];
    const reseal = <T extends { sealedKey: Uint8Array }>(rows: readonly T[], place: (row: T) => BucketPlace): T[] =>
      rows.flatMap((row) => {
        if (rootVersionOf(row.sealedKey) === newest.version) return [];
        const key = openOrNothing(() => openBucketKey(place(row), row.sealedKey, roots));
        return key ? [{ ...row, sealedKey: sealBucketKey(place(row), key, newest, random) }] : [];
      });
    const keys: ReplacedKeys = {
      tokenBuckets: reseal(await this.#store.tokenBuckets(), placeOf),
      bucketKeys: reseal<BucketKeyRow>(await this.#store.bucketKeys(), bucketPlace),
      segmentKeys: reseal(await this.#store.segmentKeys(), segmentNameOf),
    };
    if (keys.tokenBuckets.length + keys.bucketKeys.length + keys.segmentKeys.length > 0) await this.#store.replaceKeys(keys);
  }
}

function placeOf({ scope, origin, bucket }: TokenBucketRow): BucketPlace {
  return { scope, origin, bucket };
}

function rootVersionOf(sealed: Uint8Array): number {
  return sealed.length > 5 ? new DataView(sealed.buffer, sealed.byteOffset).getUint32(1) : 0;
}

function resealToken({ token, kind, sealed }: StoredTokenRow, old: KeyObject, key: KeyObject, random: Random): Uint8Array {
  return sealToken(token, kind, openSealedToken(token, kind, sealed, old), key, random.bytes(nonceBytes));
}

function openOrNothing<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof VeiltrailError && unreadable.has(error.code)) return undefined;
    throw error;
  }
}
