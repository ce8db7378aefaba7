/** Anchors of a data directory: which checkpoints are there to be given away, the targets of the configuration, and what is said of the results. */
import { existsSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { logNamePattern } from '../access/access-file.ts';
import { Anchoring, type AnchorFigures, type AnchorResult } from '../anchor/anchoring.ts';
import type { Anchor, Anchored, AnchorTarget } from '../anchor/anchor.ts';
import { AnchorStore, anchorsDirectory } from '../anchor/anchor-store.ts';
import { openTarget, type TargetSettings } from '../anchor/targets.ts';
import { quoteAction, quotedPointers, quoteId, quoteOf } from '../anchor/anchor-quote.ts';
import type { AccessEntry } from '../app/access-event.ts';
import type { TrailReader } from '../app/trail.ts';
import { systemClock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import { systemRandom } from '../core/random.ts';
import { parseCheckpointText } from '../log/checkpoint.ts';
import { dataDirPaths } from '../storage/data-dir.ts';
import { configFileName } from './data-config.ts';
import { keysDirectory } from './data-files.ts';
import type { AppendOwnRecord } from './own-records.ts';
import { openSealedSegments } from './sealed-segments.ts';
import { openFileTileSource } from '../storage/files/tile-store.ts';
import type { TileSource } from '../storage/tile-store.ts';

export interface OpenedAnchors {
  store: AnchorStore;
  targets: AnchorTarget[];
  tiles: TileSource;
  /** The newest published checkpoint of each log, those of canaries aside. */
  readonly checkpoints: () => Promise<Anchored[]>;
}

/** @throws VeiltrailError `anchor_config`, `anchor_refused` */
export function openAnchors(dataDir: string, settings: readonly TargetSettings[]): OpenedAnchors {
  const { logs } = dataDirPaths(dataDir);
  const store = new AnchorStore(dataDir);
  const tiles = openFileTileSource(logs);
  const newest = async (log: string, target: string): Promise<Anchor | undefined> => (await store.newest(log, target))?.anchor;
  const parts = { clock: systemClock, random: systemRandom, tiles, newest, segments: openSealedSegments(dataDir) };
  const targets = settings.map((one) => openTarget(one, parts));
  return {
    store,
    targets,
    tiles,
    async checkpoints() {
      const found: Anchored[] = [];
      for (const log of await logsIn(logs)) {
        const bytes = log.startsWith('_canary') ? undefined : await tiles.read(log, 'checkpoint');
        if (!bytes) continue;
        const checkpoint = Buffer.from(bytes).toString('utf8');
        const { origin, treeSize } = parseCheckpointText(checkpoint.slice(0, checkpoint.lastIndexOf('\n\n') + 1));
        if (treeSize > 0) found.push({ log, origin, treeSize, checkpoint });
      }
      return found;
    },
  };
}

/** What was mistyped must not look like a log that nobody anchored. @throws VeiltrailError `data_dir_missing` where nothing says that it is one */
export function refuseNoLogs(dataDir: string): void {
  const { logs } = dataDirPaths(dataDir);
  // Whoever took the logs away has not made it another kind of directory.
  if (isDirectory(logs) || existsSync(join(dataDir, configFileName)) || isDirectory(join(dataDir, keysDirectory))) return;
  throw new VeiltrailError('data_dir_missing', `${dataDir} is not a data directory: there are no logs in it`);
}

/** Where anchors are to be held against logs. @throws VeiltrailError `data_dir_missing`; `checkpoint_missing` where the logs were taken away */
export function refuseLostLogs(dataDir: string): void {
  refuseNoLogs(dataDir);
  if (!isDirectory(dataDirPaths(dataDir).logs))
    throw new VeiltrailError('checkpoint_missing', 'logs is missing: there is nothing to hold anchors against');
}

/** As {@link refuseNoLogs}, of one log. @throws VeiltrailError `log_unknown` where there is neither tile, nor key, nor anchor of such a log */
export function refuseUnknownLog(dataDir: string, log: string): void {
  const { logs } = dataDirPaths(dataDir);
  const isKnown =
    logNamePattern.test(log) &&
    (isDirectory(join(logs, log)) || isDirectory(join(dataDir, anchorsDirectory, log)) || existsSync(join(dataDir, keysDirectory, `${log}.vkey`)));
  if (!isKnown) throw new VeiltrailError('log_unknown', `there is no log ${log} in ${dataDir}`);
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** What anchoring needs of the server that it runs in. */
export interface AnchorsSurroundings {
  /** Puts an entry into `_system`. */
  readonly record: (entry: AccessEntry) => Promise<void>;
  readonly appendOwn: AppendOwnRecord;
  readonly disclose: TrailReader['discloseEvent'];
  /** Told what somebody should look at, in a line. */
  readonly alarm: (text: string) => void;
}

export interface RunningAnchors {
  figures(): Promise<AnchorFigures[]>;
  stop(): Promise<void>;
}

/**
 * Anchors by the clock, beside a running server.
 * @throws VeiltrailError `anchor_config`, `anchor_refused`: a target that cannot work is said at the start
 */
export async function startAnchors(
  dataDir: string,
  settings: readonly TargetSettings[],
  { record, appendOwn, disclose, alarm }: AnchorsSurroundings,
): Promise<RunningAnchors> {
  const { store, targets, checkpoints } = openAnchors(dataDir, settings);
  const failing = new Set<string>();
  const anchoring = new Anchoring({
    store,
    targets,
    checkpoints,
    clock: systemClock,
    async quote(anchor) {
      const { log } = anchor;
      const leaf = await appendOwn(log, { id: quoteId(anchor), action: quoteAction, members: { anchor: quoteOf(anchor) } });
      const quote = await disclose(log, leaf, quotedPointers);
      if (quote === undefined) throw new VeiltrailError('anchor_failed', `anchor ${anchor.target}: its leaf is not published yet`);
      return quote;
    },
    async onResult(result) {
      const { log, target } = 'anchor' in result ? result.anchor : result;
      const name = `${target} ${log}`;
      // The first failure and the end of failing are news; an hour of tries is not.
      const isNews = !('error' in result) || !failing.has(name);
      if (!('error' in result)) failing.delete(name);
      else {
        failing.add(name);
        if (isNews) alarm(`log ${log}: ${result.error.message}; it is tried again`);
      }
      // An anchor of _system makes no event, or each would ask for the next.
      if (isNews && log !== '_system') await record(entryOf(result)).catch(() => undefined);
    },
  });
  await anchoring.start();
  return { figures: () => anchoring.figures(), stop: () => anchoring.stop() };
}

function entryOf(result: AnchorResult): AccessEntry {
  const common = { principal: 'system', category: 'log_control' } as const;
  if ('anchor' in result) {
    const { log, target, kind, treeSize } = result.anchor;
    return { ...common, action: 'anchor.made', outcome: 'success', log, target: { type: 'anchor', id: target }, metadata: { kind, treeSize } };
  }
  const { log, target, kind } = result;
  const ofTarget = { ...common, log, target: { type: 'anchor', id: target } };
  if ('copies' in result) return { ...ofTarget, action: 'anchor.segments', outcome: 'success', metadata: { kind, ...result.copies } };
  if ('locks' in result) {
    const { objects, extended, lapsed, lockedUntil = '' } = result.locks;
    // What was not locked for a while may have been deleted meanwhile.
    const severity = lapsed > 0 ? ({ severity: 4 } as const) : {};
    return { ...ofTarget, action: 'anchor.locks', outcome: 'success', ...severity, metadata: { kind, objects, extended, lapsed, lockedUntil } };
  }
  return {
    ...ofTarget,
    action: 'anchor.failed',
    outcome: 'failure',
    reason: result.error.code,
    metadata: { kind },
  };
}

async function logsIn(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir, { withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .toSorted();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw new VeiltrailError('data_dir_missing', 'there are no logs here', {}, { cause });
    throw cause;
  }
}
