/** Starts a server: a trail, and HTTP in front of it. */
import { readFileSync } from 'node:fs';
import { openAuthenticator } from '../access/authenticate.ts';
import { openKeys } from '../access/manage-keys.ts';
import { type AlertSettings, defaultAlertSettings } from '../alerts/rules-file.ts';
import { systemClock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import { systemRandom } from '../core/random.ts';
import type { RunningAnchors } from './anchors.ts';
import { alertLine, isLoud } from './alerting.ts';
import { readApprovePage } from './approve-page.ts';
import { openDoorParts } from './access.ts';
import type { AccessConfig } from './access-config.ts';
import { type OpenTrail, openTrail, type TrailOptions } from './compose.ts';
import type { ForwardConfig } from './forward-config.ts';
import { createHttpServer, type MistakeReport } from './http.ts';
import { listen, type ListenAddress } from './listen.ts';
import { scheduleRetention } from './schedule-retention.ts';
import { type SelfVerification, type SelfVerifySettings, startSelfVerification } from './self-verify.ts';

export interface ServerOptions extends TrailOptions {
  listen: ListenAddress;
  /** Logs to make when they are not there. */
  logs: readonly string[];
  /** Identity providers, proxies, and what roles do not get to see. */
  access?: AccessConfig;
  report?: (mistake: MistakeReport) => void;
  /** Hours between two runs of canaries, the first an hour after the start; 0: never [24]. */
  canaryHours?: number;
  /** Hours between two runs of retention, the first some minutes after the start; 0: never [24]. */
  retentionHours?: number;
  /** How the server verifies what it stores, beside its work. */
  verification?: SelfVerifySettings;
  /** Told when a canary leaked, or its run failed. */
  onCanary?: (alarm: string) => void;
  /** Which rules raise alerts [the built-in ones]. */
  alerts?: AlertSettings;
  /** Where checkpoints are anchored: the list `anchors` of the configuration. */
  anchors?: readonly unknown[];
  /** What forwarders may use. */
  forwarding?: ForwardConfig;
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
    await trail.startAlerts(options.alerts ?? defaultAlertSettings, (alert) => {
      if (isLoud(alert)) options.onAlert?.(alertLine(alert));
    });
    const { dataDir } = options;
    let anchors: RunningAnchors | undefined;
    let verification: SelfVerification | undefined;
    const app = await createHttpServer({
      trail,
      keys: openKeys(dataDir, { clock: systemClock, random: systemRandom }),
      authenticator: openAuthenticator(dataDir, systemClock),
      version: packageVersion(),
      approvePage: readApprovePage,
      anchors: async () => (await anchors?.figures()) ?? [],
      verification: () => verification,
      ...(await openDoorParts(options.access ?? {}, dataDir, trail.access, (principal, person) => trail.recognised(principal, person))),
      ...(options.report ? { report: options.report } : {}),
    });
    const url = await listen(app, options.listen);
    await trail.startForwarding(options.forwarding ?? { secrets: {} });
    if (options.anchors !== undefined) anchors = await openAnchoring(trail, options.anchors, options);
    verification = startSelfVerification(
      {
        dataDir,
        isBusy: () => trail.isBusy(),
        record: (entry) => trail.access.write(entry),
        alert: options.onAlert ?? (() => undefined),
      },
      options.verification,
    );
    const canaries = scheduleCanaries(trail, options);
    const retention = scheduleRetention(trail.dataProtection, {
      ...(options.retentionHours === undefined ? {} : { hours: options.retentionHours }),
      ...(options.onAlert ? { onFailure: options.onAlert } : {}),
    });
    return {
      url,
      logs: trail.logs().map((log) => ({ log, vkey: trail.vkeyOf(log) })),
      firstKeys: trail.firstKeys,
      policyWarnings: trail.policyWarnings,
      close: async () => {
        await verification?.stop();
        await canaries.stop();
        await retention.stop();
        await anchors?.stop();
        await app.close();
        await trail.close();
      },
    };
  } catch (error) {
    await trail.close();
    throw error;
  }
}

/** Loaded by those who anchor: reading time stamps and signing for buckets takes code of its own. */
async function openAnchoring(trail: OpenTrail, list: readonly unknown[], { dataDir, onAlert }: ServerOptions): Promise<RunningAnchors> {
  const { readTargets } = await import('../anchor/targets.ts');
  const { startAnchors } = await import('./anchors.ts');
  return startAnchors(dataDir, readTargets(list), {
    record: (entry) => trail.access.write(entry),
    appendOwn: trail.appendOwn,
    disclose: (log, leafIndex, pointers) => trail.discloseEvent(log, leafIndex, pointers),
    alarm: onAlert ?? (() => undefined),
  });
}

/** Encodings that a scheduled run draws: over the days all of them have their turn, and the log of canaries stays small. */
const scheduledEncodings = 2;
const hourMs = 3_600_000;

/** Runs canaries by the clock; a run under way ends before `stop` returns. */
function scheduleCanaries(trail: OpenTrail, { canaryHours = 24, onCanary, logs }: ServerOptions): { stop(): Promise<void> } {
  if (canaryHours === 0) return { stop: () => Promise.resolve() };
  let underWay = Promise.resolve();
  const runAll = async (): Promise<void> => {
    for (const log of logs) {
      try {
        const { ok, leaks, unseen } = await trail.runCanary({ log, encodingsEach: scheduledEncodings });
        if (!ok) onCanary?.(`canaries for log ${log}: ${leaks.length} leaked, ${unseen} could not be looked at; see the log _system`);
      } catch (error) {
        onCanary?.(`canaries for log ${log} could not be run: ${error instanceof VeiltrailError ? error.code : 'a mistake of ours'}`);
      }
    }
  };
  const run = (): void => void (underWay = underWay.then(runAll));
  // A timer holds 24 days at the most.
  const everyMs = Math.min(canaryHours * hourMs, 2 ** 31 - 1);
  const first = setTimeout(run, Math.min(hourMs, everyMs)).unref();
  const every = setInterval(run, everyMs).unref();
  return {
    stop() {
      clearTimeout(first);
      clearInterval(every);
      return underWay;
    },
  };
}

export function packageVersion(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}
