/** Starts a server: a trail, and HTTP in front of it. */
import { readFileSync } from 'node:fs';
import { openAuthenticator } from '../access/authenticate.ts';
import { openKeys } from '../access/manage-keys.ts';
import { systemClock } from '../core/clock.ts';
import { systemRandom } from '../core/random.ts';
import { openTrail, type TrailOptions } from './compose.ts';
import { createHttpServer, type MistakeReport } from './http.ts';
import { listen, type ListenAddress } from './listen.ts';

export interface ServerOptions extends TrailOptions {
  listen: ListenAddress;
  /** Logs to make when they are not there. */
  logs: readonly string[];
  report?: (mistake: MistakeReport) => void;
}

export interface RunningServer {
  url: string;
  logs: { log: string; vkey: string }[];
  firstKeys: { role: string; path: string }[];
  policyWarnings: string[];
  /** Answers what is under way, closes everything and seals the directory. */
  close(): Promise<void>;
}

/** @throws VeiltrailError `listen_failed`, and what `openTrail` throws; nothing is left open then */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const trail = await openTrail(options);
  try {
    for (const log of options.logs) await trail.createLog(log);
    const { dataDir } = options;
    const app = await createHttpServer({
      trail,
      keys: openKeys(dataDir, { clock: systemClock, random: systemRandom }),
      authenticator: openAuthenticator(dataDir, systemClock),
      version: packageVersion(),
      ...(options.report ? { report: options.report } : {}),
    });
    const url = await listen(app, options.listen);
    return {
      url,
      logs: trail.logs().map((log) => ({ log, vkey: trail.vkeyOf(log) })),
      firstKeys: trail.firstKeys,
      policyWarnings: trail.policyWarnings,
      close: async () => {
        await app.close();
        await trail.close();
      },
    };
  } catch (error) {
    await trail.close();
    throw error;
  }
}

export function packageVersion(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}
