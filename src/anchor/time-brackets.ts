/**
 * Between which times leaves came into a log, by what others say. An anchor of a tree of n leaves that was seen at T2: leaves below n were there by T2. A leaf
 * that quotes what nobody could know before T1: it and all leaves behind it came after T1. Neither says anything of when an event happened.
 */

/** Leaves below `treeSize` were there by then. */
export interface UpperBound {
  treeSize: number;
  /** RFC 3339. */
  time: string;
  target: string;
}

/** Leaves from `leafIndex` on came after that. */
export interface LowerBound {
  leafIndex: number;
  /** RFC 3339. */
  time: string;
  target: string;
}

/** What is known of leaves `from` up to, not including, `to`. (A type, because it is JSON.) */
export type TimeBracket = {
  from: number;
  to: number;
  after?: LowerBound;
  before?: UpperBound;
};

/** Clocks may differ by so much before one of them must be wrong. */
export const clockSkewMs = 300_000;

/** The log's leaves in ranges of which the same is known; linear in the bounds, but for sorting them. */
export function timeBrackets(treeSize: number, lower: readonly LowerBound[], upper: readonly UpperBound[]): TimeBracket[] {
  const afters = latest(lower.filter(({ leafIndex }) => leafIndex < treeSize));
  const befores = earliest(upper.filter((one) => one.treeSize <= treeSize && one.treeSize > 0));
  const edges = [...new Set([0, ...afters.map(({ leafIndex }) => leafIndex), ...befores.map((one) => one.treeSize), treeSize])].toSorted(
    (a, b) => a - b,
  );
  const brackets: TimeBracket[] = [];
  let [a, b] = [-1, 0];
  for (let i = 0; i + 1 < edges.length; i++) {
    const [from, to] = [edges[i] as number, edges[i + 1] as number];
    while ((afters[a + 1]?.leafIndex ?? Infinity) <= from) a++;
    while ((befores[b]?.treeSize ?? Infinity) < to) b++;
    const [after, before] = [afters[a], befores[b]];
    brackets.push({ from, to, ...(after ? { after } : {}), ...(before ? { before } : {}) });
  }
  return brackets;
}

/** Brackets that end before they begin, by more than clocks differ: somebody who vouches for a time is wrong, or lies. */
export function contradictions(brackets: readonly TimeBracket[]): TimeBracket[] {
  return brackets.filter(({ after, before }) => after && before && Date.parse(after.time) - Date.parse(before.time) > clockSkewMs);
}

/** For people: `leaves 42 to 99: after T1 (leaf 42, tsa) and before T2 (100 leaves, tsa)`. */
export function bracketText({ from, to, after, before }: TimeBracket): string {
  const sides = [
    ...(after ? [`after ${after.time} (leaf ${after.leafIndex}, ${after.target})`] : []),
    ...(before ? [`before ${before.time} (${before.treeSize} leaves, ${before.target})`] : []),
  ];
  const leaves = to - from === 1 ? `leaf ${from}` : `leaves ${from} to ${to - 1}`;
  return `${leaves}: ${sides.length > 0 ? sides.join(' and ') : 'nobody says when'}`;
}

/** Without bounds that an earlier leaf gives as well. */
function latest(bounds: readonly LowerBound[]): LowerBound[] {
  const sorted = bounds.toSorted((a, b) => a.leafIndex - b.leafIndex || Date.parse(b.time) - Date.parse(a.time));
  let best = -Infinity;
  return sorted.filter(({ time }) => {
    const isBetter = Date.parse(time) > best;
    best = Math.max(best, Date.parse(time));
    return isBetter;
  });
}

/** Without bounds that a larger tree gives as well. */
function earliest(bounds: readonly UpperBound[]): UpperBound[] {
  const sorted = bounds.toSorted((a, b) => b.treeSize - a.treeSize || Date.parse(a.time) - Date.parse(b.time));
  let best = Infinity;
  return sorted
    .filter(({ time }) => {
      const isBetter = Date.parse(time) < best;
      best = Math.min(best, Date.parse(time));
      return isBetter;
    })
    .toReversed();
}
