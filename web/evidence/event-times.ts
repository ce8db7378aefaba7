/** When one event was there, and when not yet. */
import type { EvidenceReport } from '../../src/verify/index.ts';

export interface Said {
  /** RFC 3339. */
  readonly time: string;
  /** Somebody says so for whom a certificate vouches that was given as trusted. */
  readonly isTrusted: boolean;
}

/** What an event was there by: the earliest that anybody says who is trusted; where nobody is, that anybody says at all. */
export function existedBy({ bounds }: EvidenceReport, leafIndex: number): Said | undefined {
  return ordered(bounds.filter(({ treeSize }) => treeSize > leafIndex).map((bound) => ({ time: bound.existedBy, isTrusted: bound.isTrusted })))[0];
}

/** What an event came after: the latest that anybody says who is trusted; where nobody is, that anybody says at all. */
export function cameAfter({ lowerBounds }: EvidenceReport, leafIndex: number): Said | undefined {
  return ordered(
    lowerBounds.filter((bound) => bound.leafIndex <= leafIndex).map((bound) => ({ time: bound.cameAfter, isTrusted: bound.isTrusted })),
  ).at(-1);
}

/** By time: those who are trusted alone, where there are any, for anybody can make a certificate and stamp any time. */
function ordered(bounds: readonly Said[]): Said[] {
  const trusted = bounds.filter(({ isTrusted }) => isTrusted);
  // Times of one length, in UTC: text sorts them.
  return (trusted.length > 0 ? trusted : bounds).toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}
