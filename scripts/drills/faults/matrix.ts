/** Which faults there are to try: every writing call of a run that had none, times every fault; and in which order, so that a part says most. */
import { SeededRandom } from '../../../tests/simulation/seeded-random.ts';
import { FaultRun, type Phase, type RunLane, type Seed } from './run.ts';
import type { Scenario } from './scenarios.ts';
import type { EngineLane } from './engine.ts';
import { borders } from './seeds.ts';
import { type Fault, type FaultName, readCalls, type RecordedCall } from './shim.ts';

export interface PlannedRun extends Fault {
  size: number;
  /** `engine`: in one process (engine-child.ts); `power`: the same, and the power goes after an fsync that failed. */
  scenario: Scenario | 'engine' | 'power';
  /** When the call came in the run without faults. */
  phase: Phase;
}

/** A fault, and whether it stays. The first three are at every call; the others where they mean something else. */
const variants: readonly { fault: FaultName; stays: boolean; isFor: (kind: string, length: number) => boolean }[] = [
  { fault: 'EIO', stays: false, isFor: () => true },
  { fault: 'ENOSPC', stays: false, isFor: () => true },
  { fault: 'kill', stays: false, isFor: () => true },
  { fault: 'EIO', stays: true, isFor: () => true },
  { fault: 'ENOSPC', stays: true, isFor: (kind) => !['fsync', 'unlink', 'rmdir', 'truncate'].includes(kind) },
  { fault: 'torn', stays: false, isFor: (kind, length) => kind.endsWith('write') && length > 1 },
  { fault: 'short', stays: false, isFor: (kind, length) => kind.endsWith('write') && length > 1 },
];
const everywhere = 3;

/** Runs a scenario without a fault. @throws Error when it does not go well, or the shim saw no call */
export async function recordCalls(
  library: string,
  home: string,
  seed: Seed,
  scenario: Scenario,
  lane?: RunLane,
): Promise<(RecordedCall & { phase: Phase })[]> {
  const run = new FaultRun(library, home, seed, scenario, lane ? { lane } : {});
  try {
    const { became } = await run.run();
    if (became !== 'unharmed') throw new Error(`without a fault it was ${became}`);
    const calls = readCalls(run.control.recordFile);
    const begins = (phase: Phase): number => run.phases.get(phase) ?? calls.length;
    return calls.map((call, i) => ({ ...call, phase: i >= begins('stop') ? 'stop' : i >= begins('serve') ? 'serve' : 'start' }));
  } finally {
    run.remove();
  }
}

/** The same for the engine, with the losses of power. */
export async function planEngineRuns(lane: EngineLane, size: number, seed: string): Promise<PlannedRun[]> {
  const { became, calls: count } = await lane.run({ size, seed });
  if (became !== 'unharmed') throw new Error(`without a fault the engine was ${became}`);
  const calls = lane
    .calls()
    .slice(0, count)
    .map((call) => ({ ...call, phase: 'serve' as const }));
  const power = size === 0 ? [] : planRuns(size, 'power', calls).filter(({ kind, fault, stays }) => kind === 'fsync' && fault === 'EIO' && !stays);
  return [...planRuns(size, 'engine', calls), ...power];
}

/** All of the matrix for some calls. */
export function planRuns(size: number, scenario: PlannedRun['scenario'], calls: readonly (RecordedCall & { phase: Phase })[]): PlannedRun[] {
  const counts = new Map<string, number>();
  return calls.flatMap(({ kind, path, phase, length }) => {
    const nth = (counts.get(`${kind} ${path}`) ?? 0) + 1;
    counts.set(`${kind} ${path}`, nth);
    return variants.filter(({ isFor }) => isFor(kind, length)).map(({ fault, stays }) => ({ size, scenario, phase, fault, stays, kind, path, nth }));
  });
}

/** Whether a site is one that the engine's lives do not have: at servers these are tried, at every call. */
export function isServersOwn({ path }: Pick<PlannedRun, 'path'>): boolean {
  return !/^(?:records\.db|logs\/default|logs$|segments)/.test(path);
}

/** At this size every call of a server's own is tried. */
export const ownSize = 255;

/** Those of sites that have not as many calls at another size: of partial tiles, wherever the log ends. */
export function findUnequal(runs: readonly PlannedRun[], others: readonly PlannedRun[]): PlannedRun[] {
  const siteOf = ({ kind, path }: PlannedRun): string => `${kind} ${path.replace(/\.p\/[0-9]+/, '.p/*')}`;
  const countAt = (of: readonly PlannedRun[]): Map<string, number> =>
    new Map([...Map.groupBy(of, siteOf)].map(([site, at]) => [site, new Set(at.map(({ path, nth }) => `${path} ${nth}`)).size]));
  const [counts, otherCounts] = [countAt(runs), countAt(others)];
  return runs.filter((run) => counts.get(siteOf(run)) !== otherCounts.get(siteOf(run)));
}

/** Some calls of each site, and all faults at them. */
export function sampleRuns(runs: readonly PlannedRun[], callsMax: number, random: SeededRandom): PlannedRun[] {
  const sites = Map.groupBy(runs, ({ size, scenario, phase, kind, path }) => [size, scenario, phase, kind, path].join(' '));
  return [...sites.values()].flatMap((of) => {
    const all = [...new Set(of.map(({ nth }) => nth))];
    if (all.length <= callsMax) return of;
    // The first and the last always.
    const chosen = new Set([all[0], all.at(-1)]);
    while (chosen.size < Math.max(2, callsMax)) chosen.add(random.pick(all));
    return of.filter(({ nth }) => chosen.has(nth));
  });
}

/**
 * The same runs in another order: one of each (border, scenario, kind, file, phase, fault) first, which size and which call of them by chance; then a
 * second of each, and so on. Faults that come at some calls only wait, but for the first of each, until the others are through.
 */
export function orderRuns(runs: readonly PlannedRun[], random: SeededRandom): PlannedRun[] {
  const shuffled = runs.map((run) => ({ run, by: random.below(2 ** 32) })).toSorted((a, b) => a.by - b.by);
  const taken = new Map<string, number>();
  const rounds: PlannedRun[][] = [];
  const otherRounds: PlannedRun[][] = [];
  for (const { run } of shuffled) {
    const border = (borders.tile as readonly number[]).includes(run.size) ? 'tile' : 'bucket';
    const group = [border, run.scenario, run.kind, run.path, run.phase, run.fault, run.stays].join(' ');
    const round = taken.get(group) ?? 0;
    taken.set(group, round + 1);
    const isEverywhere = variants.findIndex(({ fault, stays }) => fault === run.fault && stays === run.stays) < everywhere;
    ((isEverywhere ? rounds : otherRounds)[round] ??= []).push(run);
  }
  const [first = [], ...rest] = rounds;
  const [otherFirst = [], ...otherRest] = otherRounds;
  return [...first, ...otherFirst, ...rest.flat(), ...otherRest.flat()];
}
