/**
 * Port: where alerts are kept, and how far each log was looked at. Alerts are sealed before they come here; what a thief of the file sees are ids,
 * and how many there are.
 *
 * Calls are synchronous, and what they wrote is durable when they return. They throw a VeiltrailError as `storage-error.ts` sorts them; after a
 * refusal nothing has changed.
 */
export interface AlertRow {
  id: string;
  sealed: Uint8Array;
}

/** How far a log was looked at. */
export interface AlertCursor {
  log: string;
  /** The next leaf; null: the log is known, and no rule looks at it. */
  next: number | null;
  /** Rules look at leaves from this one on: what was there before is none of their business. */
  rulesFrom: number;
}

export interface AlertChange {
  /** Put in the place of those of their ids, or behind the others. */
  put?: readonly AlertRow[];
  /** Overwritten where they stood. */
  deleted?: readonly string[];
  cursors?: readonly AlertCursor[];
  fact?: { name: string; value: Uint8Array };
}

export interface AlertStore {
  /** Oldest first. */
  alerts(): AlertRow[];
  cursors(): AlertCursor[];
  fact(name: string): Uint8Array | undefined;
  close(): void;
  /** One transaction. */
  commit(change: AlertChange): void;
  /** What was deleted is on no page and in no write-ahead log any more when it returns. @throws VeiltrailError `storage_busy`: call it again */
  scrub(): void;
}
