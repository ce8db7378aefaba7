/**
 * Surveys in WebAssembly: the memory that texts are written to and results are read from (survey-code.ts). The module is assembled at first use
 * (log/wasm-code.ts); where there is no WebAssembly (or no SIMD, or a page's policy forbids compiling) survey.ts goes through the text by itself.
 */
import { assembleModule } from '../log/wasm-code.ts';
import { runsFunction } from './runs-code.ts';
import { startsFunction } from './starts-code.ts';
import { surveyFunction } from './survey-code.ts';
import {
  capitalsAt,
  colonsAt,
  countsAt,
  digitsAt,
  equalsAt,
  laneLevels,
  laneUnitsMax,
  levelBytes,
  masksAt,
  pages,
  runsAt,
  sortsAt,
  startsAt,
  unitsAt,
} from './survey-memory.ts';

export { laneUnitsMax } from './survey-memory.ts';

/** What is found in one text; good until the next text of the same level. */
export interface SurveyLane {
  /** Where the text is written to, a byte a unit. */
  readonly units: Uint8Array<ArrayBuffer>;
  /** How many `digits`, `runs` (of two and three words), `capitals`, `colons`, `equals` and `starts` there are. */
  readonly counts: Int32Array<ArrayBuffer>;
  readonly digits: Int32Array<ArrayBuffer>;
  readonly runs: Int32Array<ArrayBuffer>;
  readonly capitals: Int32Array<ArrayBuffer>;
  readonly colons: Int32Array<ArrayBuffer>;
  readonly equals: Int32Array<ArrayBuffer>;
  /** Of {@link surveyLane}'s `survey`. */
  readonly base: number;
  /** Looks through the `length` bytes of the text at `base`, in time linear in it; fills the lists. Returns flags, see {@link laneMarks}. */
  readonly survey: (base: number, length: number) => number;
  /** Starts of numbers, as pairs, and what each may begin: see detectors/number-starts.ts. */
  readonly starts: Int32Array<ArrayBuffer>;
  readonly sorts: Int32Array<ArrayBuffer>;
  /** Looks at the first `count` digit runs of the text at `base`; fills the two. Returns all bits of `sorts`. */
  readonly lookAtDigits: (base: number, count: number) => number;
  /** Looks at the first `count` runs. Returns what any of them may hold: see runs-code.ts. */
  readonly lookAtRuns: (base: number, count: number) => number;
  /** All of the memory, the same for all levels: whoever calls for looks at runs has to put his tables there first. */
  readonly memory: Uint8Array<ArrayBuffer>;
}

interface WasmHost {
  WebAssembly?: {
    Module: new (bytes: Uint8Array) => object;
    Instance: new (module: object) => { exports: object };
  };
}

let lanes: readonly SurveyLane[] | undefined;

/**
 * The part of the memory for a level, the same for all of a thread. Undefined where there is none to be had.
 * @param leads what a capital may follow
 */
export function surveyLane(level: number, leads: string): SurveyLane | undefined {
  lanes ??= open(leads);
  return lanes[level];
}

function open(leads: string): SurveyLane[] {
  const { WebAssembly } = globalThis as WasmHost;
  if (WebAssembly === undefined) return [];
  try {
    const module = new WebAssembly.Module(assembleModule(pages, [surveyFunction(leads), startsFunction(), runsFunction()]));
    const { memory, survey, starts, runs } = new WebAssembly.Instance(module).exports as {
      memory: { buffer: ArrayBuffer };
      survey: SurveyLane['survey'];
      starts: SurveyLane['lookAtDigits'];
      runs: SurveyLane['lookAtRuns'];
    };
    const whole = new Uint8Array(memory.buffer);
    whole.fill(255, masksAt, masksAt + 16);
    return Array.from({ length: laneLevels }, (_, level) => {
      const base = level * levelBytes;
      const list = (at: number, count: number): Int32Array<ArrayBuffer> => new Int32Array(memory.buffer, base + at, count);
      return {
        units: new Uint8Array(memory.buffer, base + unitsAt, laneUnitsMax),
        counts: list(countsAt, 6),
        digits: list(digitsAt, laneUnitsMax),
        runs: list(runsAt, 3 * (laneUnitsMax / 8)),
        capitals: list(capitalsAt, laneUnitsMax),
        colons: list(colonsAt, laneUnitsMax),
        equals: list(equalsAt, laneUnitsMax),
        base,
        survey,
        starts: list(startsAt, laneUnitsMax),
        sorts: list(sortsAt, laneUnitsMax / 2),
        lookAtDigits: starts,
        lookAtRuns: runs,
        memory: whole,
      };
    });
  } catch {
    return []; // no SIMD, or the page's policy forbids compiling
  }
}
