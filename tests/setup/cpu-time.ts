/**
 * What work costs, by the processor's own count: of this thread alone, so that neither other processes nor the threads of compiler and collector are
 * in it. What else a machine does only ever adds to it: the least of several tries counts.
 */
import { WASI } from 'node:wasi';

/** CLOCK_THREAD_CPUTIME_ID, in WASI's numbering. */
const threadClock = 3;
const wasi = new WASI({ version: 'preview1' });
const { WebAssembly } = globalThis as unknown as { WebAssembly: { Memory: new (pages: { initial: number }) => { buffer: ArrayBuffer } } };
const memory = new WebAssembly.Memory({ initial: 1 });
wasi.initialize({ exports: { memory } });
const clock = wasi.wasiImport as { clock_time_get: (id: number, precisionNs: bigint, pointer: number) => number };
const told = new DataView(memory.buffer);

/**
 * CPU time of this thread so far, in ms. Asked of the clock itself, to the microsecond: what `process.cpuUsage` and `process.threadCpuUsage` tell is
 * what the kernel wrote down at its last tick, 4 ms ago or more.
 */
function threadMs(): number {
  const refused = clock.clock_time_get(threadClock, 1n, 0);
  if (refused !== 0) throw new Error(`no CPU time of threads here (WASI errno ${refused})`);
  return Number(told.getBigUint64(0, true)) / 1e6;
}

/** CPU time of this thread, in ms. */
export function cpuMs(work: () => unknown): number {
  const started = threadMs();
  work();
  return threadMs() - started;
}

/** The least CPU time in ms of up to ten tries; no more are made than one below `enoughMs` takes. */
export function leastCpuMs(work: () => unknown, enoughMs: number): number {
  let least = Infinity;
  for (let tries = 0; tries < 10 && least >= enoughMs; tries++) least = Math.min(least, cpuMs(work));
  return least;
}

export interface GrowthOptions {
  /** Once growth is seen to be no more, it is looked at no longer. */
  exponentMax: number;
  /** What the largest size costs less than is nothing to measure, and nothing to fear [0.1]. */
  negligibleMs?: number;
}

const roundsMax = 40;

/**
 * The exponent by which CPU time grows with size: 1 is linear, 2 quadratic; 0 where it is negligible. First by the smallest and the largest size, and
 * where that is too much, by the slope of a line through the logarithms of all of them, the least of up to forty tries at each. Sizes take turns, so
 * that a busy spell of the machine falls on all alike; smaller ones are done as often as makes up for their size, so that each try has as much to do
 * and to collect.
 * @param sizes ascending
 * @param prepare work of a size that can be done again and again
 */
export function growthOf(sizes: readonly number[], prepare: (size: number) => () => unknown, options: GrowthOptions): number {
  const { exponentMax, negligibleMs = 0.1 } = options;
  const works = sizes.map((size) => ({ size, work: prepare(size), ms: Infinity }));
  const largest = works.at(-1) as (typeof works)[0];
  const smallest = works[0] as (typeof works)[0];
  const attempt = (one: (typeof works)[0], share = 1): void => {
    const times = Math.max(1, Math.round((share * largest.size) / one.size));
    const ms = cpuMs(() => {
      for (let i = 0; i < times; i++) one.work();
    });
    one.ms = Math.min(one.ms, ms / times);
  };
  const slope = (of: readonly (typeof works)[0][]): number => slopeOf(of.map(({ size, ms }) => [Math.log(size), Math.log(Math.max(ms, 1e-6))]));
  attempt(largest);
  if (largest.ms < negligibleMs) return 0;
  // What is too much for the smallest is taken for little growth: until it is no less any more.
  for (let tries = 0, before = Infinity; tries < 2 || (tries < 12 && smallest.ms < 0.98 * before); tries++) {
    before = smallest.ms;
    attempt(smallest, 0.25);
  }
  let exponent = slope([smallest, largest]);
  for (let round = 0; round < roundsMax && exponent > exponentMax; round++) {
    for (const one of works) attempt(one);
    exponent = largest.ms < negligibleMs ? 0 : slope(works);
  }
  return exponent;
}

/** Of the line that fits best. */
function slopeOf(points: readonly (readonly [number, number])[]): number {
  const mean = (of: 0 | 1): number => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return covariance / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}
