/**
 * Surveys in WebAssembly: the memory that texts are written to and results are read from (survey-code.ts). The module is assembled at first use
 * (log/wasm-code.ts); where there is no WebAssembly (or no SIMD, or a page's policy forbids compiling) survey.ts goes through the text by itself.
 */
import { systemRandom } from '../core/random.ts';
import { assembleModule } from '../log/wasm-code.ts';
import { keyBytes, keysAt, memoryPages, piecesFunction, tableAt, tableBytes, unknownAt, unknownMax } from './pieces-code.ts';
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
  runsAt,
  surveyFunction,
  unitsAt,
} from './survey-code.ts';

export { laneUnitsMax } from './survey-code.ts';

/** What is found in one text; good until the next text of the same level. */
export interface SurveyLane {
  /** Where the text is written to, a byte a unit. */
  readonly units: Uint8Array<ArrayBuffer>;
  /** How many `digits`, `runs` (of two and three words), `capitals`, `colons` and `equals` there are, and pieces: unknown ones, known ones. */
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
  /** Of the first level: what knows pieces of texts again, see known-pieces.ts. */
  readonly pieces: PieceLane | undefined;
}

export interface PieceLane {
  /** As {@link SurveyLane.survey}, but what stands in pieces that are known is not in the lists. */
  readonly survey: SurveyLane['survey'];
  /** Pieces that are not known, of eight words: first mark, second mark, nothing, nothing, digest. How many there are is in `counts`. */
  readonly unknown: Int32Array<ArrayBuffer>;
  /** Digests of known pieces, of four words; two digests a bucket. */
  readonly table: Int32Array<ArrayBuffer>;
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
    const module = new WebAssembly.Module(assembleModule(memoryPages, [surveyFunction(leads), piecesFunction()]));
    const { memory, survey, surveyPieces } = new WebAssembly.Instance(module).exports as {
      memory: { buffer: ArrayBuffer };
      survey: SurveyLane['survey'];
      surveyPieces: SurveyLane['survey'];
    };
    new Uint8Array(memory.buffer).fill(255, masksAt, masksAt + 16);
    new Uint8Array(memory.buffer, keysAt).set(systemRandom.bytes(keyBytes));
    const pieces: PieceLane = {
      survey: surveyPieces,
      unknown: new Int32Array(memory.buffer, unknownAt, 8 * unknownMax),
      table: new Int32Array(memory.buffer, tableAt, tableBytes / 4),
    };
    return Array.from({ length: laneLevels }, (_, level) => {
      const base = level * levelBytes;
      const list = (at: number, count: number): Int32Array<ArrayBuffer> => new Int32Array(memory.buffer, base + at, count);
      return {
        units: new Uint8Array(memory.buffer, base + unitsAt, laneUnitsMax),
        counts: list(countsAt, 7),
        digits: list(digitsAt, laneUnitsMax),
        runs: list(runsAt, 3 * (laneUnitsMax / 8)),
        capitals: list(capitalsAt, laneUnitsMax),
        colons: list(colonsAt, laneUnitsMax),
        equals: list(equalsAt, laneUnitsMax),
        base,
        survey,
        pieces: level === 0 ? pieces : undefined,
      };
    });
  } catch {
    return []; // no SIMD, or the page's policy forbids compiling
  }
}
