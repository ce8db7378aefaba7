/** Canaries on a running installation: where they are appended, which files are looked through, and the event that says how it went. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { AppendEvents } from '../app/append-events.ts';
import { type CanaryReport, runCanary } from '../app/run-canary.ts';
import { actorIdOf } from '../app/access-event.ts';
import type { CanaryFigures, CanaryRequest, TrailReader } from '../app/trail.ts';
import { systemClock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { systemRandom } from '../core/random.ts';
import { canaryLogOf, policyOfLog } from '../privacy/policy-model.ts';
import type { PolicyInForce } from './policy-in-force.ts';

export interface CanaryRunnerParts {
  dataDir: string;
  policy: PolicyInForce;
  appending: AppendEvents;
  readEvent: TrailReader['readEvent'];
  createLog(log: string): Promise<void>;
  isLog(log: string): boolean;
  /** Appends an event of the server's own. */
  tell(event: JsonObject): Promise<void>;
}

/** Leaks that an event spells out. */
const toldMax = 100;

export interface CanaryRunner {
  /** Of this process. */
  readonly last: CanaryFigures;
  /** Runs, tells `_system`, and reports. One run at a time: @throws VeiltrailError `canary_running` */
  run(request: CanaryRequest): Promise<CanaryReport>;
}

export function createCanaryRunner(parts: CanaryRunnerParts): CanaryRunner {
  let running = false;
  const last: CanaryFigures = { runs: 0, leaked: undefined, atMs: undefined };
  const run = async ({ log = 'default', encodingsEach, by }: CanaryRequest): Promise<CanaryReport> => {
    if (!parts.isLog(log)) throw new VeiltrailError('log_unknown', 'there is no log of that name');
    if (running) throw new VeiltrailError('canary_running', 'canaries are under way; try again when they are done');
    running = true;
    try {
      const { policy, label } = parts.policy;
      const canaryLog = canaryLogOf(policy, log);
      await parts.createLog(canaryLog);
      const report = await runCanary({
        policy: policyOfLog(policy, log),
        policyLabel: label,
        log: canaryLog,
        append: async (body) => {
          const { receipts } = await parts.appending.append({ log: canaryLog, principal: 'system', body, format: 'ndjson' });
          return receipts.map(({ leafIndex }) => leafIndex);
        },
        read: async (leafIndex) => (await parts.readEvent(canaryLog, leafIndex))?.record,
        files: (sinceMs) => filesSince(parts.dataDir, sinceMs),
        random: systemRandom,
        nowMs: () => systemClock.now(),
        ...(encodingsEach === undefined ? {} : { encodingsEach }),
      });
      await parts.tell(eventOf(report, by));
      last.runs++;
      last.leaked = report.leaks.length + report.unseen;
      last.atMs = systemClock.now();
      return report;
    } finally {
      running = false;
    }
  };
  return { last, run };
}

/** Every file of a directory that was written since then. One that goes away meanwhile holds nothing. */
async function* filesSince(dir: string, sinceMs: number): AsyncGenerator<{ name: string; pieces: AsyncIterable<Uint8Array> }> {
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    try {
      if ((await stat(path)).mtimeMs < sinceMs) continue;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw error;
    }
    yield { name: relative(dir, path).split(sep).join('/'), pieces: piecesOf(path) };
  }
}

async function* piecesOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: 1_048_576 }) as AsyncIterable<Uint8Array>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function eventOf({ ok, log, policy, planted, kinds, kept, leaks, unseen, files, seconds }: CanaryReport, by: CanaryRequest['by']): JsonObject {
  return {
    source: 'veiltrail',
    action: 'canary.run',
    category: leaks.length > 0 ? 'pii_leak' : 'log_control',
    outcome: ok ? 'success' : 'failure',
    severity: leaks.length > 0 ? 5 : ok ? 1 : 4,
    actor: by ? { type: 'user', id: actorIdOf(by.id), roles: [by.role] } : { type: 'system', id: 'veiltrail' },
    targets: [{ type: 'log', id: log }],
    message: `${planted} canaries of ${kinds} kinds: ${leaks.length} leaked${unseen > 0 ? `, ${unseen} events could not be looked at` : ''}`,
    metadata: {
      policy,
      planted,
      kinds,
      kept,
      unseen,
      files,
      seconds,
      leaked: leaks.length,
      leaks: leaks.slice(0, toldMax).map((leak) => ({ ...leak })),
    },
  };
}
