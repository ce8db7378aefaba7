/** Where in a log a time begins: times of receipt never go backwards along it. */
import type { FollowSource } from '../search/follow-log.ts';

/**
 * The first leaf below `treeSize` that was received at this time or later; `treeSize` where there is none. Opens as many chunks as halvings take.
 * @param ms milliseconds since 1970
 * @throws VeiltrailError those of storage
 */
export async function leafReceivedAt(source: FollowSource, log: string, treeSize: number, ms: number): Promise<number> {
  let low = 0;
  let high = treeSize;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const chunk = await source.openFrom(log, middle);
    const at = chunk && Math.max(middle, chunk.firstLeaf);
    const received = chunk && (typeof chunk.receivedAtMs === 'number' ? chunk.receivedAtMs : chunk.receivedAtMs[(at as number) - chunk.firstLeaf]);
    // Where nothing is left of the records, those behind decide.
    if (received !== undefined && received < ms) low = Math.max(middle, at as number) + 1;
    else high = middle;
  }
  return Math.min(low, treeSize);
}
