/** A witness that runs: its directory, its HTTP, and an orderly end. */
import type { AddressInfo } from 'node:net';
import { systemClock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import { createRateLimit } from './rate-limit.ts';
import { addWitnessedLog, openWitnessDirectory } from './witness-directory.ts';
import { createWitnessServer } from './witness-http.ts';
import { Witness } from './witness.ts';

export interface ServeWitnessOptions {
  dir: string;
  /** [localhost/witness/<random>], at the first start. */
  name?: string;
  host: string;
  /** 0 lets the system choose. */
  port: number;
  /** Verifier keys of logs to add. */
  logs?: readonly string[];
  report?: (error: unknown) => void;
}

export interface RunningWitness {
  /** Submission and monitoring prefix. */
  url: string;
  name: string;
  vkey: string;
  close(): Promise<void>;
}

/** Checkpoints of one log: so many at once, and so many a second from there on. */
const burst = 30;
const perSecond = 5;

/** @throws VeiltrailError `listen_failed`, and what `openWitnessDirectory` throws */
export async function serveWitness({ dir, name, host, port, logs = [], report }: ServeWitnessOptions): Promise<RunningWitness> {
  const { cosigner, store } = openWitnessDirectory(dir, name === undefined ? {} : { name });
  try {
    for (const vkey of logs) addWitnessedLog(store, vkey);
    const rate = createRateLimit({ burst, perSecond, clock: systemClock });
    const witness = new Witness({ cosigner, store, clock: systemClock, rate });
    const server = createWitnessServer(witness, report ? { report } : {});
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(new VeiltrailError('listen_failed', `cannot listen on ${host}:${port}`, {}, { cause })));
      server.listen({ host, port }, resolve);
    });
    const address = server.address() as AddressInfo;
    return {
      url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
      name: witness.name,
      vkey: witness.vkey,
      async close() {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeIdleConnections();
        await closed;
        store.close();
      },
    };
  } catch (error) {
    store.close();
    throw error;
  }
}
