/**
 * The vault, from any other thread of the process. {@link VaultClient} starts the vault's thread and belongs to whoever composes the program;
 * {@link VaultClient.newPort} makes a line to it for another thread, which calls over it (`thread/port-call.ts`):
 *
 *     settle    {origin, scope, needs}  → string[]     one token a need, in order
 *     bucketKey {log, bucket, generation?} → Uint8Array   32 bytes
 *     segmentKey, makeSegmentKey name   → Uint8Array   32 bytes
 *     dropSegmentKeys [name], segmentKeyNames → [name]
 *     dropBucketKey {log, bucket}, bucketKeyNames → [{log, bucket}], currentBucketKey {log, bucket} → {key, generation}
 *     reveal    token                   → Revealed | undefined
 *     kindsOf   tokens                  → (string | undefined)[]
 *     findValue {kind, canonical}       → FoundToken[]
 *     restore   token                   → Restored | undefined
 *     withheld  {from, rowsMax}         → {rows, next?}      values that are withheld, a page
 *     settleWithheld [{token, becomes}]                      what becomes of them
 *     countWithheld                     → number
 *
 * Answers mean what they mean in `vault.ts`: on disk. When the thread dies, every call under way is rejected and the ports close.
 */
import { join } from 'node:path';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { VeiltrailError } from '../core/errors.ts';
import type { SegmentName } from '../storage/segment-store.ts';
import { Caller } from '../thread/port-call.ts';
import { threadMemory } from '../thread/thread-memory.ts';
import type { TombstoneRow } from '../storage/vault-store.ts';
import type { ErasedTokens, RenewedBucket } from './erasure.ts';
import type { FoundToken } from './find-value.ts';
import type { Rewrapped } from './rewrap-lookups.ts';
import type { SettleRequest, TokenState, Vault } from './vault.ts';
import type { Restored, Revealed } from './vault-reader.ts';
import type { VaultNews, VaultThreadData } from './vault-thread.ts';

export interface VaultClientOptions {
  /** Has `vault.db`, or will have it. */
  dataDir: string;
  /** Of a keyring that is there. */
  keyringDir: string;
  /** The thread died, or does not know what is on disk: the process must stop, the next start recovers. Told once. */
  onFatal?: (error: Error) => void;
}

export class VaultClient {
  readonly #worker: Worker;
  readonly #caller: Caller;
  readonly #onFatal: (error: Error) => void;
  #closed: Promise<void> | undefined;
  #state: 'opening' | 'open' | 'closing' | 'failed' = 'opening';

  /**
   * Starts the thread and opens `vault.db`, which is made where there is none.
   * @throws VeiltrailError what `openKeyring` and `openDatabase` throw
   */
  static async open(options: VaultClientOptions): Promise<VaultClient> {
    const client = new VaultClient(options);
    try {
      await client.#caller.call('open', undefined);
    } catch (error) {
      client.#state = 'closing';
      await client.#worker.terminate();
      throw error;
    }
    client.#state = 'open';
    return client;
  }

  private constructor({ dataDir, keyringDir, onFatal }: VaultClientOptions) {
    const thread = new URL(import.meta.url.endsWith('.ts') ? './vault-thread.ts' : './vault-thread.js', import.meta.url);
    const data: VaultThreadData = { thread: 'vault', path: join(dataDir, 'vault.db'), keyringDir };
    this.#onFatal = onFatal ?? (() => undefined);
    this.#worker = new Worker(thread, { workerData: data, name: 'vault', resourceLimits: threadMemory.calm });
    this.#caller = new Caller(this.#worker);
    this.#worker.on('exit', () => this.#fail(new VeiltrailError('vault_failed', 'the thread of the vault has ended')));
    this.#worker.on('error', (error) => this.#fail(new VeiltrailError('vault_failed', 'the thread of the vault has died', {}, { cause: error })));
    this.#worker.on('message', ({ fatal }: VaultNews) => {
      if (fatal) this.#fail(new VeiltrailError(fatal.code ?? 'vault_failed', fatal.message));
    });
  }

  /** A line to the vault for another thread: transfer it there. */
  newPort(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    // A vault that is gone closes it; then whoever calls over it is told.
    this.#caller.call('connect', port1, [port1]).catch(() => port2.close());
    return port2;
  }

  /** See `Vault.settle`. */
  settle(request: SettleRequest): Promise<string[]> {
    return this.#caller.call('settle', request);
  }

  /** See `Vault.bucketKey`. */
  bucketKey(log: string, bucket: number, generation?: number): Promise<Uint8Array> {
    return this.#caller.call('bucketKey', { log, bucket, generation });
  }

  /** See `VaultReader.segmentKey`. */
  segmentKey(name: SegmentName): Promise<Uint8Array> {
    return this.#caller.call('segmentKey', name);
  }

  /** See `Vault.makeSegmentKey`. */
  makeSegmentKey(name: SegmentName): Promise<Uint8Array> {
    return this.#caller.call('makeSegmentKey', name);
  }

  /** See `Vault.dropSegmentKeys`. */
  dropSegmentKeys(names: readonly SegmentName[]): Promise<void> {
    return this.#caller.call('dropSegmentKeys', names);
  }

  /** See `Vault.segmentKeyNames`. */
  segmentKeyNames(): Promise<SegmentName[]> {
    return this.#caller.call('segmentKeyNames', undefined);
  }

  /** See `Vault.bucketKeyNames`. */
  bucketKeyNames(): Promise<{ log: string; bucket: number }[]> {
    return this.#caller.call('bucketKeyNames', undefined);
  }

  /** See `Vault.dropBucketKey`. */
  dropBucketKey(log: string, bucket: number): Promise<void> {
    return this.#caller.call('dropBucketKey', { log, bucket });
  }

  /** See `Vault.keyVersions`. */
  keyVersions(buckets: readonly { log: string; bucket: number }[]): Promise<{ root: number; generations: number[] }> {
    return this.#caller.call('keyVersions', buckets);
  }

  /** See `Vault.statesOf`. */
  statesOf(tokens: readonly string[]): Promise<TokenState[]> {
    return this.#caller.call('statesOf', tokens);
  }

  /** See `Vault.eraseTokens`. */
  eraseTokens(removal: string, tokens: readonly string[]): Promise<ErasedTokens> {
    return this.#caller.call('eraseTokens', { removal, tokens });
  }

  /** See `Vault.renewKeys`. */
  renewKeys(renewal: Parameters<Vault['renewKeys']>[0]): Promise<void> {
    return this.#caller.call('renewKeys', renewal);
  }

  /** See `Vault.finishErasure`. */
  finishErasure(buckets: readonly RenewedBucket[]): Promise<void> {
    return this.#caller.call('finishErasure', buckets);
  }

  /** See `VaultStore.addTombstones`. */
  addTombstones(rows: readonly TombstoneRow[]): Promise<void> {
    return this.#caller.call('addTombstones', rows);
  }

  /** See `VaultSource.tombstones`. */
  tombstones(): Promise<TombstoneRow[]> {
    return this.#caller.call('tombstones', undefined);
  }

  /** See `VaultReader.reveal`. */
  reveal(token: string): Promise<Revealed | undefined> {
    return this.#caller.call('reveal', token);
  }

  /** See `Vault.kindsOf`. */
  kindsOf(tokens: readonly string[]): Promise<(string | undefined)[]> {
    return this.#caller.call('kindsOf', tokens);
  }

  /** See `Vault.findValue`. */
  findValue(kind: string, canonical: string): Promise<FoundToken[]> {
    return this.#caller.call('findValue', { kind, canonical });
  }

  /** See `Vault.rotateLookups`: the keyring says under which versions. */
  rotateLookups(): Promise<Rewrapped> {
    return this.#caller.call('rotateLookups', undefined);
  }

  /** See `Vault.forgetLookups`. */
  forgetLookups(): Promise<void> {
    return this.#caller.call('forgetLookups', undefined);
  }

  /** See `VaultReader.restore`. */
  restore(token: string): Promise<Restored | undefined> {
    return this.#caller.call('restore', token);
  }

  /** Withheld values of which nobody has said what shall become of them. */
  countWithheld(): Promise<number> {
    return this.#caller.call('countWithheld', undefined);
  }

  /** Settles what waits, closes `vault.db` and every port. Does nothing when the thread has died. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    try {
      if (this.#state === 'open') await this.#caller.call('close', undefined);
    } finally {
      this.#state = 'closing';
      await this.#worker.terminate();
    }
  }

  #fail(error: Error): void {
    this.#caller.fail(error);
    if (this.#state !== 'open') return;
    this.#state = 'failed';
    this.#onFatal(error);
  }
}
