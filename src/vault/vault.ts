/**
 * The vault, written: the only place where a value gets its token. Whatever waits is settled in one transaction, so a busy vault syncs once
 * for many callers, and an answer means that the row is on disk.
 *
 * A crash before the commit: nothing is there, and nobody has a token. After it: the row is there, and whoever asks again reads it back. So
 * within a scope a value has one token for ever, and every token that anyone was told opens.
 */
import type { KeyObject } from 'node:crypto';
import { VeiltrailError } from '../core/errors.ts';
import { systemRandom, type Random } from '../core/random.ts';
import type { SegmentName } from '../storage/segment-store.ts';
import type { SettledTokenRow, TokenBucketRow, TokenRow, TombstoneRow, VaultStore } from '../storage/vault-store.ts';
import { digestOfTokens, type ErasedTokens, Erasure, type Renewal, type RenewedBucket, type RootKeeper } from './erasure.ts';
import { findValue, type FoundToken } from './find-value.ts';
import { importKey, nonceBytes, sealBucketKey, sealSuccessor, sealToken } from './sealing.ts';
import type { Secret } from './keyring.ts';
import { rewrapPage, type Rewrapped } from './rewrap-lookups.ts';
import { blinderBytes, checkNeeds, createLookup, formatToken, type Lookup, parseToken, type TokenNeed, tokenOf } from './token.ts';
import { isDestroyed, type Restored, type Revealed, segmentNameOf, VaultReader, type VaultSecrets } from './vault-reader.ts';

export interface SettleRequest {
  /** What the tokens are bound to. */
  origin: string;
  /** Where the same value has the same token (see `formatScope`). */
  scope: string;
  needs: readonly TokenNeed[];
}

/** What is left of a token: its row and all in it, the row alone, or nothing. */
export type TokenState = 'there' | 'destroyed' | 'unknown';

export interface VaultOptions {
  random?: Random;
  /** Tokens under one data key: what an erasure has to seal again. [4,096] */
  bucketTokensMax?: number;
  /** Where roots are made and destroyed; without it nothing can be removed. */
  keeper?: RootKeeper;
  /** Told once when what is on disk is not known any more: the process must stop. */
  onFailure?: (error: Error) => void;
}

interface Waiting extends SettleRequest {
  resolve: (tokens: string[]) => void;
  reject: (error: Error) => void;
}

interface CurrentBucket {
  bucket: number;
  key: KeyObject;
  left: number;
}

/** One value of a group, however often it is asked for in it. */
interface Value {
  request: SettleRequest;
  need: TokenNeed;
  /** Under the newest key: the one that a new row gets. */
  lookup: Uint8Array;
  token: string | undefined;
}

const keyBytes = 32;
const lookupBytes = 32;
/** What one transaction settles at the most, so that it ends soon. */
const groupNeedsMax = 16_384;
/** Scopes with a bucket under way. */
const bucketsCurrentMax = 1_024;
const fatalCodes = new Set(['storage_failed', 'storage_damaged']);

export class Vault {
  readonly #store: VaultStore;
  #roots: readonly Secret[];
  readonly #erasure: Erasure | undefined;
  readonly #reader: VaultReader;
  readonly #random: Random;
  readonly #bucketTokensMax: number;
  readonly #onFailure: (error: Error) => void;
  /** Under each version of the key, the newest first. */
  #lookups: readonly Lookup[];
  /** Buckets that this process began, by scope and origin. One of an earlier process is never added to, so nothing needs counting. */
  #current = new Map<string, CurrentBucket>();
  #waiting: Waiting[] = [];
  /** Work on the store goes one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #failure: Error | undefined;

  constructor(store: VaultStore, secrets: VaultSecrets, options: VaultOptions = {}) {
    this.#store = store;
    this.#roots = secrets.roots;
    this.#reader = new VaultReader(store, secrets);
    this.#random = options.random ?? systemRandom;
    this.#bucketTokensMax = options.bucketTokensMax ?? 4_096;
    this.#onFailure = options.onFailure ?? (() => undefined);
    this.#lookups = secrets.lookups.map(({ key }) => createLookup(key));
    const serially = async <T>(step: () => Promise<T>): Promise<T> => {
      const done = await this.#serially(step);
      await turn();
      return done;
    };
    const forgetKeys = (roots: readonly Secret[]): void => this.#forgetKeys(roots);
    this.#erasure = options.keeper && new Erasure({ store, random: this.#random, keeper: options.keeper, serially, forgetKeys });
  }

  /**
   * One token a need, in order: the one the value has, or a new one, on disk when this returns.
   * @throws VeiltrailError `token_need`, `disk_full`, `storage_readonly` (try again later), and `storage_failed` and its like, after which
   * every call is refused: what is on disk is not known
   */
  settle(request: SettleRequest): Promise<string[]> {
    return new Promise((resolve, reject) => {
      checkNeeds(request.origin, request.scope, request.needs);
      this.#waiting.push({ ...request, resolve, reject });
      if (this.#waiting.length === 1) this.#schedule();
    });
  }

  /**
   * The data key of a log's bucket, made where there is none; on disk when this returns.
   * @throws VeiltrailError as `settle`, and `bucket_key_damaged`, `root_missing`
   */
  bucketKey(log: string, bucket: number, generation = 1): Promise<Uint8Array> {
    return this.#serially(async () => {
      const found = await this.#reader.findBucketKey(log, bucket, generation);
      if (found) return found;
      // A later one is made by a removal only; and where that was, the first one is gone for good.
      if (generation !== 1 || (await this.#generationOf({ log, bucket })) > 0) return this.#reader.bucketKey(log, bucket, generation);
      const key = this.#random.bytes(keyBytes);
      await this.#store.addBucketKey({ log, bucket, generation, sealedKey: sealBucketKey({ log, bucket }, key, this.#root(), this.#random) });
      return key;
    });
  }

  /** The key under which a bucket's chunks are sealed now. @throws VeiltrailError as `bucketKey` */
  async currentBucketKey(log: string, bucket: number): Promise<{ key: Uint8Array; generation: number }> {
    const { generations } = await this.keyVersions([{ log, bucket }]);
    const generation = Math.max(1, ...generations);
    return { key: await this.bucketKey(log, bucket, generation), generation };
  }

  /** Every bucket that there is a key for. */
  bucketKeyNames(): Promise<{ log: string; bucket: number }[]> {
    return this.#serially(async () => (await this.#store.bucketKeys()).map(({ log, bucket }) => ({ log, bucket })));
  }

  async #generationOf(of: { log: string; bucket: number }): Promise<number> {
    const keys = (await this.#store.bucketKeys()).filter(({ log, bucket }) => log === of.log && bucket === of.bucket);
    return keys.at(-1)?.generation ?? 0;
  }

  /** What a removal that is about to begin has to know: the root, and the newest generation of each bucket's key, 0 where it has none. */
  keyVersions(buckets: readonly { log: string; bucket: number }[]): Promise<{ root: number; generations: number[] }> {
    return this.#serially(async () => {
      const generations: number[] = [];
      for (const bucket of buckets) generations.push(await this.#generationOf(bucket));
      return { root: this.#root().version, generations };
    });
  }

  /** What is left of each token. @throws VeiltrailError `token_syntax` */
  statesOf(tokens: readonly string[]): Promise<TokenState[]> {
    return this.#serially(async () => {
      const states: TokenState[] = [];
      for (const token of tokens) {
        const row = await this.#store.findRow(parseToken(token));
        states.push(!row ? 'unknown' : isDestroyed(row) ? 'destroyed' : 'there');
      }
      return states;
    });
  }

  /**
   * Destroys the rows of tokens; on disk when it returns.
   * @returns what the removal's tombstone says of them, those that were destroyed before a crash included
   * @throws VeiltrailError as `settle`
   */
  eraseTokens(removal: string, tokens: readonly string[]): Promise<ErasedTokens> {
    return this.#serially(async () => {
      const erased = await this.#store.eraseTokens(removal, tokens.map(parseToken), () => this.#random.bytes(lookupBytes));
      return { count: erased.length, digest: digestOfTokens(erased) };
    });
  }

  /** See {@link Erasure.renew}. */
  async renewKeys({ tokens, ...renewal }: Omit<Renewal, 'tokens'> & { tokens: readonly string[] }): Promise<void> {
    await this.#erasure?.renew({ ...renewal, tokens: tokens.map(parseToken) });
  }

  /** See {@link Erasure.finish}. */
  async finishErasure(buckets: readonly RenewedBucket[]): Promise<void> {
    await this.#erasure?.finish(buckets);
  }

  addTombstones(rows: readonly TombstoneRow[]): Promise<void> {
    return this.#serially(() => this.#store.addTombstones(rows));
  }

  tombstones(): Promise<TombstoneRow[]> {
    return this.#serially(() => this.#store.tombstones());
  }

  #forgetKeys(roots: readonly Secret[]): void {
    this.#roots = roots;
    this.#current = new Map();
    this.#reader.useRoots(roots);
  }

  /** See {@link VaultReader.segmentKey}. */
  segmentKey(name: SegmentName): Promise<Uint8Array> {
    return this.#serially(() => this.#reader.segmentKey(name));
  }

  /**
   * The key of a segment that is about to be written, made where there is none; on disk when this returns.
   * @throws VeiltrailError as `bucketKey`
   */
  makeSegmentKey(name: SegmentName): Promise<Uint8Array> {
    return this.#serially(async () => {
      if (await this.#store.findSegmentKey(name)) return this.#reader.segmentKey(name);
      const key = this.#random.bytes(keyBytes);
      await this.#store.addSegmentKey({ ...name, sealedKey: sealBucketKey(name, key, this.#root(), this.#random) });
      return key;
    });
  }

  /** Removes the keys of segments that are gone; on disk when this returns. */
  dropSegmentKeys(names: readonly SegmentName[]): Promise<void> {
    return this.#serially(() => this.#store.dropSegmentKeys(names));
  }

  /** Every segment that there is a key for. */
  segmentKeyNames(): Promise<SegmentName[]> {
    return this.#serially(async () => (await this.#store.segmentKeys()).map(segmentNameOf));
  }

  /** Removes the key of a bucket whose chunks are all gone; on disk when this returns. */
  dropBucketKey(log: string, bucket: number): Promise<void> {
    return this.#serially(async () => {
      await this.#store.dropBucketKey(log, bucket);
      this.#reader.forgetBucketKey(log, bucket);
    });
  }

  /** See {@link VaultReader.reveal}. */
  reveal(token: string): Promise<Revealed | undefined> {
    return this.#serially(() => this.#reader.reveal(token));
  }

  /** The kind of each token; undefined for one that opens no more or never was. @throws VeiltrailError `token_syntax`, and as `settle` */
  kindsOf(tokens: readonly string[]): Promise<(string | undefined)[]> {
    return this.#serially(async () => {
      const rows = [];
      for (const token of tokens) rows.push(await this.#store.findRow(parseToken(token)));
      return rows.map((row) => (row && row.sealed.length > 0 ? row.kind : undefined));
    });
  }

  /** The tokens of a value, in all scopes. @param canonical the form under which equal values are the same */
  findValue(kind: string, canonical: string): Promise<FoundToken[]> {
    return this.#serially(() => findValue(this.#store, this.#lookups, kind, canonical));
  }

  /**
   * Other versions of the lookup key, the newest first: from now on new rows are under the newest. Rows under the others are given lookups under
   * it, beside all other work; then the others are needed no more (unless rows were unreadable).
   * @throws VeiltrailError as `settle`; called again it goes on
   */
  async rotateLookups(versions: readonly Secret[]): Promise<Rewrapped> {
    const newest = createLookup((versions[0] as Secret).key);
    const rewrapped: Rewrapped = { rows: 0, unreadable: 0 };
    await this.#serially(async () => void (this.#lookups = versions.map(({ key }) => createLookup(key))));
    for (let from: number | undefined = 0; from !== undefined;) {
      const at: number = from;
      from = await this.#serially(() => rewrapPage(this.#store, this.#reader, newest, at, rewrapped));
      await this.#serially(() => this.#store.tidy());
      await turn();
    }
    return rewrapped;
  }

  /** Forgets the older versions of the lookup key: no row is under them any more. */
  forgetLookups(): Promise<void> {
    return this.#serially(async () => void (this.#lookups = this.#lookups.slice(0, 1)));
  }

  /** See {@link VaultReader.restore}. */
  restore(token: string): Promise<Restored | undefined> {
    return this.#serially(() => this.#reader.restore(token));
  }

  /** See {@link VaultReader.readWithheld}. */
  readWithheld(from: number, rowsMax: number): Promise<{ rows: { token: string; canonical: string }[]; next?: number }> {
    return this.#serially(() => this.#reader.readWithheld(from, rowsMax));
  }

  countWithheld(): Promise<number> {
    return this.#serially(() => this.#store.countWithheld());
  }

  /**
   * Writes what becomes of withheld values; on disk when it returns. A value that does not become `itself` is destroyed: its row opens no more,
   * and no page of the database or its WAL holds it. (The bucket's key is still there: copies of the disk made before are for an erasure.)
   * @throws VeiltrailError as `settle`
   */
  settleWithheld(
    settled: readonly ({ token: string; becomes: 'itself' | 'nothing' } | { token: string; becomes: 'text'; json: string })[],
  ): Promise<void> {
    return this.#serially(async () => {
      const rows: SettledTokenRow[] = [];
      for (const one of settled) {
        const token = parseToken(one.token);
        if (one.becomes !== 'text') rows.push({ token, sealed: one.becomes === 'itself' ? null : new Uint8Array(0) });
        else {
          const key = await this.#reader.keyOfRow(token);
          if (key) rows.push({ token, sealed: sealSuccessor(token, one.json, key, this.#random) });
        }
      }
      await this.#store.settleWithheld(rows, () => this.#random.bytes(lookupBytes));
    });
  }

  /** Settles what waits, then closes the store. */
  async close(): Promise<void> {
    while (this.#waiting.length > 0) await this.#settleWaiting();
    await this.#serially(async () => {
      await this.#store.close();
      this.#failure = new VeiltrailError('vault_closed', 'the vault is closed');
    });
  }

  #schedule(): void {
    // Not before the event loop has come round: whoever else asks by then shares the transaction.
    setImmediate(() => void this.#settleWaiting());
  }

  /** Settles one group, and tells each of its requests; never throws. */
  async #settleWaiting(): Promise<void> {
    const group = this.#takeGroup();
    try {
      const tokens = await this.#serially(() => this.#settleGroup(group));
      group.forEach(({ resolve }, i) => resolve(tokens[i] as string[]));
      await this.#serially(() => this.#store.tidy());
    } catch (error) {
      // A tidying that failed is no news to those who have their tokens: then this does nothing.
      for (const { reject } of group) reject(error as Error);
    }
  }

  #takeGroup(): Waiting[] {
    let count = 0;
    for (let needs = 0; count < this.#waiting.length && needs < groupNeedsMax; count++) needs += (this.#waiting[count] as Waiting).needs.length;
    const group = this.#waiting.splice(0, count);
    if (this.#waiting.length > 0) this.#schedule();
    return group;
  }

  async #settleGroup(group: readonly SettleRequest[]): Promise<string[][]> {
    const values = new Map<string, Value>();
    const asked = group.map((request) => request.needs.map((need) => this.#valueOf(request, need, values)));
    await this.#findKnown([...values.values()]);
    await this.#addNew([...values.values()].filter(({ token }) => token === undefined));
    return asked.map((needs) => needs.map(({ token }) => token as string));
  }

  #valueOf(request: SettleRequest, need: TokenNeed, values: Map<string, Value>): Value {
    const lookup = (this.#lookups[0] as Lookup)(request.scope, need.kind, need.canonical);
    const name = Buffer.prototype.latin1Slice.call(lookup, 0, lookup.length);
    const met = values.get(name);
    if (met) return met;
    const value: Value = { request, need, lookup, token: undefined };
    values.set(name, value);
    return value;
  }

  /** A value that was first met under an older lookup key keeps its token. */
  async #findKnown(values: Value[]): Promise<void> {
    let unknown = values;
    for (const [version, lookup] of this.#lookups.entries()) {
      const lookups = unknown.map(({ lookup: newest, request, need }) => (version === 0 ? newest : lookup(request.scope, need.kind, need.canonical)));
      const found = await this.#store.findTokens(lookups);
      unknown.forEach((value, i) => {
        const token = found[i];
        if (token) value.token = formatToken(token);
      });
      unknown = unknown.filter(({ token }) => token === undefined);
    }
  }

  async #addNew(values: readonly Value[]): Promise<void> {
    if (values.length === 0) return;
    // What was begun for rows that are not committed is begun again: so a copy, kept only when they are.
    const current = new Map([...this.#current].map(([name, bucket]) => [name, { ...bucket }]));
    const buckets: TokenBucketRow[] = [];
    const firstBucket = await this.#store.nextTokenBucket();
    const random = this.#random.bytes(values.length * (blinderBytes + nonceBytes));
    const rows = values.map((value, i): TokenRow => {
      const bytes = random.subarray(i * (blinderBytes + nonceBytes), (i + 1) * (blinderBytes + nonceBytes));
      const bucket = this.#bucketFor(value.request, current, () => firstBucket + buckets.length, buckets);
      bucket.left--;
      return sealValue(value, bucket, bytes.subarray(0, blinderBytes), bytes.subarray(blinderBytes));
    });
    await this.#store.addTokens(buckets, rows);
    this.#current = current;
    values.forEach((value, i) => {
      value.token = formatToken((rows[i] as TokenRow).token);
    });
  }

  #bucketFor({ scope, origin }: SettleRequest, current: Map<string, CurrentBucket>, next: () => number, buckets: TokenBucketRow[]): CurrentBucket {
    const name = `${scope}\0${origin}`;
    const begun = current.get(name);
    if (begun && begun.left > 0) return begun;
    const bucket = next();
    const key = this.#random.bytes(keyBytes);
    buckets.push({ bucket, scope, origin, sealedKey: sealBucketKey({ scope, origin, bucket }, key, this.#root(), this.#random) });
    const fresh = { bucket, key: importKey(key), left: this.#bucketTokensMax };
    if (current.size >= bucketsCurrentMax) current.clear();
    current.set(name, fresh);
    return fresh;
  }

  #root(): Secret {
    return this.#roots[0] as Secret;
  }

  /** One after the other. After an error of the second kind (see `storage-error.ts`) nothing is tried again: the next start recovers. */
  #serially<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(async () => {
      if (this.#failure) throw this.#failure;
      try {
        return await work();
      } catch (error) {
        if (error instanceof VeiltrailError && !fatalCodes.has(error.code)) throw error;
        this.#failure = error as Error;
        this.#onFailure(this.#failure);
        throw error;
      }
    });
    this.#last = done.catch(() => undefined);
    return done;
  }
}

/** The event loop comes round, and whoever asked meanwhile has their turn: between the steps of long work nobody would, for none of them waits. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function sealValue({ request, need, lookup }: Value, { bucket, key }: CurrentBucket, r: Uint8Array, nonce: Uint8Array): TokenRow {
  const { kind, canonical, value } = need;
  const token = tokenOf({ r, origin: request.origin, kind, canonical });
  return { token, lookup, bucket, kind, sealed: sealToken(token, kind, { r, canonical, value }, key, nonce) };
}
