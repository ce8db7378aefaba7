/**
 * The vault in a thread of its own, the only one that writes `vault.db`: sealing and syncing never hold up the threads that take requests or
 * anonymise, and whoever waits at the same time shares a transaction.
 *
 * Only `vault-client.ts` starts it.
 */
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { VeiltrailError } from '../core/errors.ts';
import type { SegmentName } from '../storage/segment-store.ts';
import { openSqliteVaultStore } from '../storage/sqlite/vault-store.ts';
import { type Handlers, serveCalls } from '../thread/port-call.ts';
import type { TombstoneRow } from '../storage/vault-store.ts';
import type { RenewedBucket, RootKeeper } from './erasure.ts';
import { addSecretVersion, destroySecretVersion, openKeyring, type Secret } from './keyring.ts';
import { type SettleRequest, Vault } from './vault.ts';
import { vaultSecrets } from './vault-reader.ts';

/** What the thread is started with. */
export interface VaultThreadData {
  thread: 'vault';
  /** Of `vault.db`. */
  path: string;
  keyringDir: string;
}

/** What the thread says without being asked. */
export interface VaultNews {
  fatal?: { code?: string; message: string };
}

if (!isMainThread && parentPort && (workerData as Partial<VaultThreadData> | null)?.thread === 'vault')
  serveVault(parentPort, workerData as VaultThreadData);

/** Answers the calls that `vault-client.ts` makes over `main`, and those that arrive over the lines it connects. */
export function serveVault(main: MessagePort, data: VaultThreadData): void {
  const tell = (news: VaultNews): void => main.postMessage(news);
  const opened = open(data, (error) => tell({ fatal: { message: error.message, ...(error instanceof VeiltrailError ? { code: error.code } : {}) } }));
  // Told to whoever calls `open`.
  opened.catch(() => undefined);
  const calls: Handlers = {
    settle: async (request: SettleRequest) => (await opened).settle(request),
    bucketKey: async ({ log, bucket, generation }: { log: string; bucket: number; generation?: number }) =>
      (await opened).bucketKey(log, bucket, generation),
    segmentKey: async (name: SegmentName) => (await opened).segmentKey(name),
    makeSegmentKey: async (name: SegmentName) => (await opened).makeSegmentKey(name),
    dropSegmentKeys: async (names: SegmentName[]) => (await opened).dropSegmentKeys(names),
    segmentKeyNames: async () => (await opened).segmentKeyNames(),
    currentBucketKey: async ({ log, bucket }: { log: string; bucket: number }) => (await opened).currentBucketKey(log, bucket),
    bucketKeyNames: async () => (await opened).bucketKeyNames(),
    dropBucketKey: async ({ log, bucket }: { log: string; bucket: number }) => (await opened).dropBucketKey(log, bucket),
    reveal: async (token: string) => (await opened).reveal(token),
    kindsOf: async (tokens: string[]) => (await opened).kindsOf(tokens),
    findValue: async ({ kind, canonical }: { kind: string; canonical: string }) => (await opened).findValue(kind, canonical),
    restore: async (token: string) => (await opened).restore(token),
    withheld: async ({ from, rowsMax }: { from: number; rowsMax: number }) => (await opened).readWithheld(from, rowsMax),
    countWithheld: async () => (await opened).countWithheld(),
    settleWithheld: async (settled: Parameters<Vault['settleWithheld']>[0]) => (await opened).settleWithheld(settled),
  };
  const ports = new Set<MessagePort>();
  serveCalls(main, {
    ...calls,
    open: async () => void (await opened),
    keyVersions: async (buckets: Parameters<Vault['keyVersions']>[0]) => (await opened).keyVersions(buckets),
    statesOf: async (tokens: string[]) => (await opened).statesOf(tokens),
    eraseTokens: async ({ removal, tokens }: { removal: string; tokens: string[] }) => (await opened).eraseTokens(removal, tokens),
    renewKeys: async (renewal: Parameters<Vault['renewKeys']>[0]) => (await opened).renewKeys(renewal),
    finishErasure: async (buckets: RenewedBucket[]) => (await opened).finishErasure(buckets),
    addTombstones: async (rows: TombstoneRow[]) => (await opened).addTombstones(rows),
    tombstones: async () => (await opened).tombstones(),
    rotateLookups: async () => (await opened).rotateLookups(openKeyring(data.keyringDir, { create: false }).secrets('lookup')),
    forgetLookups: async () => (await opened).forgetLookups(),
    connect: (port: MessagePort) => {
      ports.add(port);
      port.on('close', () => ports.delete(port));
      serveCalls(port, calls);
    },
    close: async () => {
      await (await opened).close();
      for (const port of ports) port.close();
    },
  });
}

async function open({ path, keyringDir }: VaultThreadData, onFailure: (error: Error) => void): Promise<Vault> {
  const secrets = vaultSecrets(openKeyring(keyringDir, { create: false }));
  return new Vault(openSqliteVaultStore(path), secrets, { onFailure, keeper: keeperOf(keyringDir) });
}

/** Roots where the keyring has them. */
export function keeperOf(keyringDir: string): RootKeeper {
  const keyring = openKeyring(keyringDir, { create: false });
  const roots = (): readonly Secret[] => keyring.readAgain('root');
  return {
    roots,
    renew(version) {
      if ((roots()[0] as Secret).version <= version) addSecretVersion(keyringDir, 'root');
    },
    destroyBelow(version) {
      for (const root of roots()) if (root.version < version) destroySecretVersion(keyringDir, 'root', root.version);
    },
  };
}
