/** What stands behind tokens, what stands for values, and events with their values: looked up by whoever may, within limits, and on record. Put together in server/look-ups.ts. */
import type { Stop } from './look-up-limits.ts';
import type { Asker, LookUpCounts } from './look-up-report.ts';
import type { RawExport, RawExportRequest } from './raw-export-request.ts';
import type { RevealAnswer, RevealRequest } from './reveal-token.ts';
import type { FindRequest, LookedUp, Pseudonyms, ValueSearchRequest } from './search-by-value.ts';
import type { SearchAnswer } from './trail.ts';

/** What the server's figures say of look-ups. */
export interface LookUpFigures extends LookUpCounts {
  /** Principals that are stopped now. */
  stopped: number;
}

export interface LookUps {
  /** See `revealTokens`. */
  reveal(request: RevealRequest): Promise<RevealAnswer>;
  /** See `findPseudonyms`. */
  find(request: FindRequest): Promise<Pseudonyms>;
  /** See `searchByValue`; for whoever may. */
  search(log: string, request: ValueSearchRequest, asker: Asker): Promise<SearchAnswer & { lookedUp?: LookedUp[] }>;
  /** See `RawExporter.begin`. */
  exportRaw(request: RawExportRequest): Promise<RawExport>;
  /** Kinds of the real values that a query asks for. @throws VeiltrailError as `parseQuery` */
  kindsAskedFor(query: string): string[];
  /** Who is stopped for a sweep. */
  stops(): Stop[];
  /** Lets a principal go on; on record when it returns. @throws VeiltrailError `stop_unknown`, `stop_own` */
  lift(principal: string, by: Asker): Promise<Stop[]>;
  readonly figures: LookUpFigures;
}
