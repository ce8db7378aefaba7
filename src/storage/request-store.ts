/**
 * Port: where requests for a second person, and approvers, are kept. Rows are sealed before they come here; what a thief of the file sees are
 * ids, states, and how many there are.
 *
 * Small and seldom written: calls are synchronous, and what they wrote is durable when they return. They throw a VeiltrailError as
 * `storage-error.ts` sorts them; after a refusal nothing has changed.
 */
export interface RequestRow {
  id: string;
  /** Also in `sealed`: this one is for finding and for the compare-and-swap. */
  state: string;
  sealed: Uint8Array;
}

export interface ApproverRow {
  id: string;
  sealed: Uint8Array;
}

/** An event that is not known to be in the log yet. */
export interface UntoldRow {
  seq: number;
  sealed: Uint8Array;
}

export interface RequestSource {
  request(id: string): RequestRow | undefined;
  /** Newest first. */
  requests(filter: { state?: string; limit: number }): RequestRow[];
  count(state: string): number;
  /** In the order of their enrolment. */
  approvers(): ApproverRow[];
  /** Oldest first. */
  untold(): UntoldRow[];
  fact(name: string): string | undefined;
  close(): void;
}

export interface RequestChange {
  added?: RequestRow;
  /** Only where its state is still `from`. */
  moved?: { row: RequestRow; from: string };
  /** Put in the place of the one of its id, or behind the others. */
  approver?: ApproverRow;
  fact?: { name: string; value: string };
  /** Events that tell of it. */
  untold: readonly Uint8Array[];
}

export interface RequestStore extends RequestSource {
  /** One transaction. @returns false, and nothing has changed, where the request is not in the state it was moved from any more */
  commit(change: RequestChange): boolean;
  /** The event is in the log. */
  told(seq: number): void;
}
