/**
 * Port: where the registry of fields is kept. Rows are sealed before they come here; what a thief of the file sees is their number and sizes.
 *
 * Small, read whole at the start and written now and then: calls are synchronous, and what they wrote is durable when they return. They throw a
 * VeiltrailError as `storage-error.ts` sorts them; after a refusal nothing has changed.
 */
export interface FieldRow {
  /** 32 bytes: a keyed digest of the log and the path. */
  lookup: Uint8Array;
  sealed: Uint8Array;
  /** Is the event that tells of it in the log? */
  isTold: boolean;
}

export interface ClassificationRow {
  /** Rises with each one. */
  id: number;
  sealed: Uint8Array;
  /** Is what was withheld before settled, and the event that tells of it in the log? */
  isDone: boolean;
}

export interface FieldSource {
  fields(): FieldRow[];
  classifications(): ClassificationRow[];
  close(): void;
}

export interface FieldStore extends FieldSource {
  /** Puts rows in the place of those with the same lookup, or beside the others, and removes some; one transaction. */
  putFields(rows: readonly FieldRow[], removed: readonly Uint8Array[]): void;
  putClassification(row: ClassificationRow): void;
}
