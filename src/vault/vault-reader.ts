/**
 * The vault, read: what a token stands for, and whether every row is what it says. Works beside the process that writes, and for it.
 */
import type { KeyObject } from 'node:crypto';
import { equalBytes } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { SegmentName } from '../storage/segment-store.ts';
import type { StoredTokenRow, TokenRow, VaultSource } from '../storage/vault-store.ts';
import type { Keyring, Secret } from './keyring.ts';
import { type BucketPlace, importKey, openBucketKey, openSealedToken, openSuccessor } from './sealing.ts';
import { checkToken, createLookup, formatToken, type Lookup, parseToken } from './token.ts';

/** The part of the keyring that the vault works with: may be sent to its thread. */
export interface VaultSecrets {
  roots: readonly Secret[];
  lookups: readonly Secret[];
  /** Reads the roots again: for whoever reads beside a process that may make another one. */
  freshRoots?: () => readonly Secret[];
  /** The same of the lookup key, which may be rotated meanwhile. */
  freshLookups?: () => readonly Secret[];
}

export function vaultSecrets(keyring: Keyring): VaultSecrets {
  return { roots: keyring.secrets('root'), lookups: keyring.secrets('lookup') };
}

/** What a token stands for: whoever has this can check that the token commits to it. */
export interface Revealed {
  kind: string;
  /** As it was first written. */
  value: string;
  canonical: string;
  origin: string;
  /** 32 bytes. */
  r: Uint8Array;
}

/** What may be read of a value that was withheld, as its field was classified. */
export type Restored =
  /** As JSON, and what shows that the token commits to it. */
  | { json: string; opening: Pick<Revealed, 'kind' | 'origin' | 'canonical' | 'r'> }
  /** As JSON: what the policy made of it. */
  | { json: string }
  /** Destroyed. */
  | { removed: true };

/** A bad row, named by its token, or the number of rows that were in order so far. */
export type TokenFinding = { code: string; where: string; message: string } | { tokens: number };

/** Token buckets whose keys are kept ready. */
const keysKeptMax = 1_024;
const pageRows = 2_048;
/** What a row seems to be whose lookup is replaced while it is read. */
const lookupProblems: ReadonlySet<string> = new Set(['token_lookup', 'token_lost']);
/** What a bad row makes of reading it; everything else ends the verification. */
export const rowProblems: ReadonlySet<string> = new Set(['token_damaged', 'bucket_key_missing', 'bucket_key_damaged', 'root_missing']);

interface OpenBucket {
  scope: string;
  origin: string;
  key: KeyObject;
}

export class VaultReader {
  readonly #source: VaultSource;
  readonly #secrets: VaultSecrets;
  #roots: readonly Secret[];
  #lookups: readonly Lookup[];
  readonly #tokenBuckets = new Map<number, OpenBucket>();
  readonly #bucketKeys = new Map<string, Uint8Array>();

  constructor(source: VaultSource, secrets: VaultSecrets) {
    this.#source = source;
    this.#secrets = secrets;
    this.#roots = secrets.roots;
    this.#lookups = secrets.lookups.map(({ key }) => createLookup(key));
  }

  /**
   * What a token stands for, checked against it; undefined for one that this vault never made, or that was erased.
   * @throws VeiltrailError `token_syntax`, `token_damaged`, `bucket_key_damaged`, `root_missing`, and those of `storage-error.ts`
   */
  async reveal(token: string): Promise<Revealed | undefined> {
    const row = await this.#source.findRow(parseToken(token));
    return row && !isDestroyed(row) ? (await this.#open(row)).revealed : undefined;
  }

  /**
   * What may be read of a withheld value; undefined while its field is not classified, and for other tokens.
   * @throws VeiltrailError as {@link reveal}
   */
  async restore(token: string): Promise<Restored | undefined> {
    const bytes = parseToken(token);
    const settled = await this.#source.findSettled(bytes);
    const row = settled && (await this.#source.findRow(bytes));
    if (!settled || !row) return undefined;
    const { sealed } = settled;
    if (sealed?.length === 0) return { removed: true };
    if (sealed !== null) return { json: openSuccessor(bytes, sealed, (await this.#tokenBucket(row.bucket)).key) };
    const { kind, origin, canonical, r, value } = (await this.#open(row)).revealed;
    return { json: value, opening: { kind, origin, canonical, r } };
  }

  /** Rows of withheld values, opened: a page. */
  async readWithheld(from: number, rowsMax: number): Promise<{ rows: { token: string; canonical: string }[]; next?: number }> {
    const { rows, next } = await this.#source.readWithheld(from, rowsMax);
    const opened: { token: string; canonical: string }[] = [];
    for (const row of rows) opened.push({ token: formatToken(row.token), canonical: (await this.#open(row)).revealed.canonical });
    return { rows: opened, ...(next === undefined ? {} : { next }) };
  }

  /** What a row's lookup is made of. @throws VeiltrailError as {@link reveal} */
  async contentOf(row: TokenRow): Promise<{ scope: string; kind: string; canonical: string }> {
    const { scope, revealed } = await this.#open(row);
    return { scope, kind: revealed.kind, canonical: revealed.canonical };
  }

  /** The data key of the bucket that a token's row is in. */
  async keyOfRow(token: Uint8Array): Promise<KeyObject | undefined> {
    const row = await this.#source.findRow(token);
    return row && (await this.#tokenBucket(row.bucket)).key;
  }

  /**
   * The data key of a log's bucket.
   * @throws VeiltrailError `bucket_key_missing`, `bucket_key_damaged`, `root_missing`, and those of `storage-error.ts`
   */
  async bucketKey(log: string, bucket: number, generation = 1): Promise<Uint8Array> {
    const key = await this.findBucketKey(log, bucket, generation);
    if (!key) throw new VeiltrailError('bucket_key_missing', 'the vault has no key for this bucket of the log', { log, bucket });
    return key;
  }

  /**
   * The key of one generation of a segment. Not kept here: whoever keeps a segment open keeps its key.
   * @throws VeiltrailError `segment_key_missing`, `bucket_key_damaged`, `root_missing`, and those of `storage-error.ts`
   */
  async segmentKey(name: SegmentName): Promise<Uint8Array> {
    const row = await this.#source.findSegmentKey(name);
    if (!row) throw new VeiltrailError('segment_key_missing', 'the vault has no key for this segment', { log: name.log, bucket: name.bucket });
    return this.#openKey(segmentNameOf(row), row.sealedKey);
  }

  async findBucketKey(log: string, bucket: number, generation = 1): Promise<Uint8Array | undefined> {
    const name = `${log}/${bucket}/${generation}`;
    const kept = this.#bucketKeys.get(name);
    if (kept) return kept;
    const row = await this.#source.findBucketKey(log, bucket, generation);
    if (!row) return undefined;
    const key = this.#openKey(bucketPlace(row), row.sealedKey);
    keep(this.#bucketKeys, name, key);
    return key;
  }

  /** A key that is gone is not kept here either. */
  forgetBucketKey(log: string, bucket: number): void {
    for (const name of this.#bucketKeys.keys()) if (name.startsWith(`${log}/${bucket}/`)) this.#bucketKeys.delete(name);
  }

  /**
   * Re-reads every row: it opens, its token is the commitment to what is in it, its lookup is the value's, and both lead to it. Yields each
   * bad row as it is met, the number of good ones that open now and then, and that number last.
   */
  async *verifyTokens(): AsyncGenerator<TokenFinding> {
    let good = 0;
    for (let from: number | undefined = 0; from !== undefined;) {
      const page = await this.#source.readTokens(from, pageRows);
      const found = await this.#source.findTokens(page.rows.map(({ lookup }) => lookup));
      const leads = await this.#source.areFound(page.rows);
      for (const [i, row] of page.rows.entries()) {
        const finding = await this.#verifyRow(row, found[i], leads[i] as boolean);
        if (finding) yield finding;
        else if (!isDestroyed(row)) good++;
      }
      yield { tokens: good };
      from = page.next;
    }
    const orphans = await this.#source.countOrphans();
    if (orphans > 0) yield { code: 'token_row_missing', where: 'vault', message: `${orphans} entries of the vault's indexes lead to no row` };
  }

  /** Other roots, the newest first; keys that it holds are forgotten, for they may be others now. */
  useRoots(roots: readonly Secret[]): void {
    this.#roots = roots;
    this.#tokenBuckets.clear();
    this.#bucketKeys.clear();
  }

  #openKey(place: BucketPlace, sealed: Uint8Array): Uint8Array {
    try {
      return openBucketKey(place, sealed, this.#roots);
    } catch (error) {
      const fresh = (error as VeiltrailError).code === 'root_missing' ? this.#secrets.freshRoots?.() : undefined;
      if (!fresh) throw error;
      this.#roots = fresh;
      return openBucketKey(place, sealed, fresh);
    }
  }

  async #verifyRow(row: StoredTokenRow, found: Uint8Array | undefined, leads: boolean): Promise<TokenFinding | undefined> {
    const finding = await this.#checkRow(row, found, leads);
    const fresh = finding && 'code' in finding && lookupProblems.has(finding.code) ? this.#secrets.freshLookups?.() : undefined;
    if (!fresh) return finding;
    // It may have got another lookup since it was read: a row is looked at again as it is now.
    this.#lookups = fresh.map(({ key }) => createLookup(key));
    const now = await this.#source.findRow(row.token);
    if (!now) return finding;
    const [token] = await this.#source.findTokens([now.lookup]);
    const [leadsNow] = await this.#source.areFound([now]);
    return this.#checkRow(now, token, leadsNow as boolean);
  }

  async #checkRow(row: StoredTokenRow, found: Uint8Array | undefined, leads: boolean): Promise<TokenFinding | undefined> {
    const where = formatToken(row.token);
    if (isDestroyed(row)) {
      if ((await this.#source.findSettled(row.token))?.sealed || (await this.#source.findErasure(row.token)) !== undefined) return undefined;
      return { code: 'token_missing', where, message: 'the value of a row is gone, and no removal says why' };
    }
    try {
      const { revealed, scope } = await this.#open(row);
      const lookups = this.#lookups.map((lookup) => lookup(scope, revealed.kind, revealed.canonical));
      if (!lookups.some((lookup) => equalBytes(lookup, row.lookup))) {
        return { code: 'token_lookup', where, message: 'the lookup of a row is not that of its value' };
      }
      if (found && equalBytes(found, row.token) && leads) return undefined;
      return { code: 'token_lost', where, message: 'a row is there, but its token or its value leads elsewhere or nowhere' };
    } catch (error) {
      const { code, message } = error as VeiltrailError;
      if (!rowProblems.has(code)) throw error;
      return { code, where, message };
    }
  }

  /** @throws VeiltrailError `token_damaged` when it does not open, or is not what its token commits to */
  async #open({ token, bucket, kind, sealed }: TokenRow): Promise<{ revealed: Revealed; scope: string }> {
    const { scope, origin, key } = await this.#tokenBucket(bucket);
    const revealed = { kind, origin, ...openSealedToken(token, kind, sealed, key) };
    if (!checkToken(token, revealed)) throw new VeiltrailError('token_damaged', 'a row of the vault is not what its token commits to');
    return { revealed, scope };
  }

  async #tokenBucket(bucket: number): Promise<OpenBucket> {
    const kept = this.#tokenBuckets.get(bucket);
    if (kept) return kept;
    const row = await this.#source.findTokenBucket(bucket);
    if (!row) throw new VeiltrailError('bucket_key_missing', 'the vault has no key for this bucket of tokens', { bucket });
    const { scope, origin, sealedKey } = row;
    const open = { scope, origin, key: importKey(this.#openKey({ scope, origin, bucket }, sealedKey)) };
    keep(this.#tokenBuckets, bucket, open);
    return open;
  }
}

/** The row says that there was a token, and opens no more: its value was erased, or was withheld and is gone since its field was classified. */
export function isDestroyed({ sealed }: Pick<TokenRow, 'sealed'>): boolean {
  return sealed.length === 0;
}

/** What the key of a log's bucket belongs to. */
export function bucketPlace({ log, bucket, generation }: { log: string; bucket: number; generation: number }): BucketPlace {
  return generation === 1 ? { log, bucket } : { log, bucket, generation };
}

/** The name alone. */
export function segmentNameOf({ log, class: of, bucket, generation }: SegmentName): SegmentName {
  return { log, class: of, bucket, generation };
}

function keep<K, V>(map: Map<K, V>, key: K, value: V): void {
  if (map.size >= keysKeptMax) map.clear();
  map.set(key, value);
}
