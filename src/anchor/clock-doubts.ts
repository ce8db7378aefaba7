/**
 * The server's own clock against what others say. Times of receipt never go backwards along a log, so it is enough to look where a bracket begins and
 * ends: who sets the clock back, or forward, between two anchors is found at one of them.
 */
import { clockSkewMs, type TimeBracket } from './time-brackets.ts';

const doubtsShown = 5;

/** @param receivedAtMs of a leaf, by the server; undefined where that is not known any more */
export async function clockDoubts(
  brackets: readonly TimeBracket[],
  receivedAtMs: (leafIndex: number) => Promise<number | undefined>,
): Promise<string[]> {
  const afters = new Map(brackets.flatMap(({ after }) => (after ? [[after.leafIndex, after] as const] : [])));
  const befores = new Map(brackets.flatMap(({ before }) => (before ? [[before.treeSize - 1, before] as const] : [])));
  const doubts: string[] = [];
  const leaves = [...new Set([...afters.keys(), ...befores.keys()])].toSorted((a, b) => a - b);
  for (const leaf of leaves) {
    if (doubts.length === doubtsShown) break;
    const ms = await receivedAtMs(leaf);
    if (ms === undefined) continue;
    const [after, before] = [afters.get(leaf), befores.get(leaf)];
    const said = `leaf ${leaf} was received at ${new Date(ms).toISOString()} by the server's clock`;
    if (after && ms < Date.parse(after.time) - clockSkewMs)
      doubts.push(`${said}, and came after ${after.time} (${after.target}): that clock was slow, or set back`);
    if (before && ms > Date.parse(before.time) + clockSkewMs)
      doubts.push(`${said}, and was there by ${before.time} (${before.target}): that clock was fast, or set forward`);
  }
  return doubts;
}
