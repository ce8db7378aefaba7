/** Forwarders of a data directory that is open for writing: their file, their cursors, and the thread that delivers where a server runs. */
import { join } from 'node:path';
import type { AccessRecorder } from '../app/access-recorder.ts';
import { Forwarders } from '../app/forwarders.ts';
import type { RequestDesk } from '../app/requests.ts';
import { systemClock } from '../core/clock.ts';
import { systemRandom } from '../core/random.ts';
import { cursorsDirectory, hasCursors, listCursors, makeCursors, readCursor, removeCursors } from '../forward/cursor-file.ts';
import { ForwardClient } from '../forward/forward-client.ts';
import type { LedgerClient } from '../ledger/ledger-client.ts';
import { dataDirPaths } from '../storage/data-dir.ts';
import type { Keyring } from '../vault/keyring.ts';
import { createTextSealer } from '../vault/sealed-text.ts';
import type { VaultClient } from '../vault/vault-client.ts';
import type { ForwardConfig } from './forward-config.ts';
import { openSealedFile } from './sealed-file.ts';

export const forwardersFileName = 'forwarders.sealed';

export interface ForwardingParts {
  dataDir: string;
  keyring: Keyring;
  vault: Pick<VaultClient, 'newPort'>;
  ledger: Pick<LedgerClient, 'logs'>;
  recorder: Pick<AccessRecorder, 'write'>;
  desk: Pick<RequestDesk, 'permit'>;
  createSystemLog: () => Promise<void>;
  /** A line for people, without values. */
  alert: (line: string) => void;
}

export interface OpenForwarding {
  readonly forwarders: Forwarders;
  /** Begins to deliver: for a server, not for a command that has the directory for a moment. */
  start(config: ForwardConfig): Promise<void>;
  published(log: string, treeSize: number): void;
  /** Records of a log were rewritten: when it returns, what was read before is not on its way any more. */
  forget(log: string): Promise<void>;
  close(): Promise<void>;
}

/** @throws VeiltrailError `sealed_text_damaged`, `newer_format`, and those of `storage-error.ts` */
export function openForwarding({ dataDir, keyring, vault, ledger, recorder, desk, createSystemLog, alert }: ForwardingParts): OpenForwarding {
  const paths = dataDirPaths(dataDir);
  const cursorsPath = join(dataDir, cursorsDirectory);
  const logOf = (log: string): { origin: string; treeSize: number } | undefined => {
    const found = ledger.logs().find((one) => one.log === log);
    return found && { origin: found.origin, treeSize: found.published.treeSize };
  };
  let client: ForwardClient | undefined;
  const forwarders = new Forwarders({
    file: openSealedFile(dataDir, forwardersFileName, createTextSealer(keyring.secrets('seal'), 'forwarders', systemRandom)),
    cursors: {
      make: (id) => makeCursors(cursorsPath, id),
      has: (id) => hasCursors(cursorsPath, id),
      read: (id, log) => readCursor(cursorsPath, id, log),
      remove: (id) => removeCursors(cursorsPath, id),
      list: () => listCursors(cursorsPath),
    },
    engine: {
      async run(id, setting, starts) {
        const logs = setting.logs.flatMap((log) => {
          const found = logOf(log);
          return found ? [{ log, ...found, start: starts[log] ?? 0 }] : [];
        });
        await client?.run({ id, setting, logs });
      },
      drop: async (id) => client?.drop(id),
      figures: async () => (await client?.figures()) ?? {},
    },
    clock: systemClock,
    random: systemRandom,
    recorder,
    desk,
    createSystemLog,
    treeSize: (log) => logOf(log)?.treeSize,
  });
  return {
    forwarders,
    async start({ secrets, directory }) {
      client = new ForwardClient({
        settings: () => ({
          runs: 'forward',
          recordsPath: paths.records,
          segmentsPath: paths.segments,
          cursorsPath,
          secrets,
          ...(directory === undefined ? {} : { filesPath: directory }),
          vaultPort: vault.newPort(),
        }),
        treeSizeOf: (log) => logOf(log)?.treeSize ?? 0,
        onRefused(id, reason) {
          alert(`a forwarder has stopped, its receiver refuses: ${reason}; see "veiltrail forwarder list"`);
          // What cannot be written now is refused again at the next start.
          forwarders.refused(id, reason).catch(() => undefined);
        },
      });
      await forwarders.start();
    },
    published: (log, treeSize) => client?.published(log, treeSize),
    forget: async (log) => client?.forget(log),
    async close() {
      forwarders.close();
      await client?.close();
    },
  };
}
