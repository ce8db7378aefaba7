/** What a raw export is asked for with, and what comes of it. */
import { VeiltrailError } from '../core/errors.ts';
import { type Asker, isReason, type Reasons } from './look-up-report.ts';

export interface RawExportRequest extends Asker, Reasons {
  log: string;
  /** Which events; nothing: all. */
  query?: string;
  /** RFC 3339, of the event's own time: from this on, and before that. */
  since?: string;
  until?: string;
  /** The newest so many; without it all that match, or none where they are too many. */
  limit?: number;
  /** For whom the file is, 1 to 200 characters [whoever asks]. */
  audience?: string;
  /** The request that was approved. */
  request?: string;
  /** Members that the asker does not get to see. */
  hides?: readonly string[];
  /** Asked again before each piece of the file: throws once the asker may not have it any more. */
  mayGoOn?: () => void | Promise<void>;
  /** Aborted when nobody waits any more for the export to begin. */
  signal?: AbortSignal;
}

/** An export that is on record and may be sent. */
export interface RawExport {
  /** Names it in `_system`. */
  id: string;
  /** Records that it was approved for. */
  events: number;
  /**
   * The file (docs/reference/raw-export.md), some lines a piece. Whoever stops before its end calls `return`, as `for await` does: that it broke
   * off is on record then.
   */
  text: AsyncIterableIterator<string>;
  /** Aborted when the export breaks off by itself: what of the text waits somewhere is not to be sent. */
  brokenOff: AbortSignal;
}

export const rawExportLimits = { eventsMax: 100_000, audienceMax: 200, timeMsMax: 3_600_000 } as const;

/** @throws VeiltrailError `export_request` */
export function checkRawExport({ log, audience, limit }: RawExportRequest): void {
  if (log.startsWith('_')) throw new VeiltrailError('export_request', 'what is in the logs of the server itself is not exported with values');
  if (audience !== undefined && !isReason(audience, rawExportLimits.audienceMax))
    throw new VeiltrailError('export_request', `an audience says for whom, in 1 to ${rawExportLimits.audienceMax} characters`);
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1 && limit <= rawExportLimits.eventsMax))
    throw new VeiltrailError('export_request', `a limit is 1 to ${rawExportLimits.eventsMax} events`);
}
