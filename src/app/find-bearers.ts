/** Leaves whose records bear one of some tokens, wherever in them: read from the records' bytes, so that none is missed. */
import { setImmediate as turn } from 'node:timers/promises';
import { bucketOf, discardContent } from '../ledger/chunk.ts';
import type { RecordReader } from '../ledger/reader.ts';
import { rangesOf } from './leaf-ranges.ts';

const tokenLength = 31;
const prefix = Buffer.from('tok_');
/** Work on this thread between two breaths of the event loop. */
const breathMs = 10;

/**
 * @param tokens as records have them
 * @returns ranges (from, to, from, to, …) and the buckets of what holds them
 * @throws VeiltrailError what {@link RecordReader.openFrom} throws: where a record cannot be read, nobody can say what it bears
 */
export async function findBearers(
  reader: Pick<RecordReader, 'openChunkFrom'>,
  log: string,
  from: number,
  to: number,
  tokens: ReadonlySet<string>,
): Promise<{ ranges: number[]; buckets: Set<number> }> {
  const buckets = new Set<number>();
  const leaves: number[] = [];
  let breathedAtMs = performance.now();
  for (let next = from; next < to;) {
    const chunk = await reader.openChunkFrom(log, next);
    if (!chunk || chunk.firstLeaf >= to) break;
    const { firstLeaf, count, content } = chunk;
    const begin = Math.max(0, next - firstLeaf);
    const end = Math.min(count, to - firstLeaf);
    for (const record of bearersIn(content.records, content.offsets, begin, end, tokens)) {
      leaves.push(firstLeaf + record);
      buckets.add(bucketOf(firstLeaf));
    }
    next = firstLeaf + count;
    discardContent(content);
    if (performance.now() - breathedAtMs < breathMs) continue;
    await turn();
    breathedAtMs = performance.now();
  }
  return { ranges: rangesOf(leaves), buckets };
}

/** Records that bear one of the tokens: places in `offsets`. */
function* bearersIn(records: Uint8Array, offsets: Uint32Array, begin: number, end: number, tokens: ReadonlySet<string>): Generator<number> {
  const bytes = Buffer.from(records.buffer, records.byteOffset, offsets[end] as number);
  let record = begin;
  for (let at = bytes.indexOf(prefix, offsets[begin]); at >= 0; at = bytes.indexOf(prefix, at + 1)) {
    if (!tokens.has(bytes.toString('latin1', at, at + tokenLength))) continue;
    while ((offsets[record + 1] as number) <= at) record++;
    yield record;
    // The rest of it cannot say more.
    at = (offsets[record + 1] as number) - 1;
  }
}
