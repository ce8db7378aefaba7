/** Traffic of single events ends at the same bytes an event as batches do. */
import { expect, test } from 'vitest';
import { createEvents } from '../../bench/events.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { packedBytesMax, packRecord } from '../../src/log/packed-record.ts';
import { flattenRecord } from '../../src/log/record.ts';
import { SeededRandom } from '../simulation/seeded-random.ts';
import { compactedLog, CompactingLog } from './compacting.ts';

const bucket = 65_536;
const events = 1_024;
const nowMs = 1_700_000_000_000;

const random = new SeededRandom('bytes of records');
const next = createEvents(7);
const records = Array.from({ length: events }, () => {
  const fields = flattenRecord(next() as JsonObject);
  const out = new Uint8Array(packedBytesMax(fields));
  return out.slice(0, packRecord(out, 0, random.bytes(32), fields));
});

/** Bytes an event before and after compaction, when events come so many at a time, a while apart. */
async function bytesAnEvent(atATime: number): Promise<{ chunks: number; segment: number }> {
  const parts = [];
  for (let from = 0; from < events; from += atATime) {
    parts.push({ from, end: from + atATime, receivedAtMs: nowMs + 37 * from + random.below(20), records: records.slice(from, from + atATime) });
  }
  parts.push({ from: events, end: bucket, receivedAtMs: nowMs + 10 ** 9, records: [] });
  const log = await CompactingLog.makeOf(parts);
  try {
    let chunks = 0;
    for (let leaf = 0; leaf < events;) {
      const { sealed, count } = (await log.store.chunkFrom(compactedLog, leaf)) ?? { sealed: new Uint8Array(0), count: events };
      chunks += sealed.length;
      leaf += count;
    }
    log.stepBytes = 1_000_000;
    log.compactor.start();
    await log.compactor.idle();
    const segment = (await log.store.compactedBuckets(compactedLog, 0))[0]?.segments[0];
    expect(segment?.records).toBe(events);
    // Of a full bucket, its 8,192 bytes of leaves are an eighth of a byte an event.
    return { chunks: chunks / events, segment: ((segment?.bytes ?? 0) - 8_192) / events };
  } finally {
    await log.close();
    log.remove();
  }
}

test('one by one or a thousand at a time: within 5 % of each other, and no more than chunks of a thousand take', async () => {
  const single = await bytesAnEvent(1);
  const batch = await bytesAnEvent(1_024);
  console.log(
    `bytes an event: single ${single.chunks.toFixed(0)} → ${single.segment.toFixed(1)}, batches ${batch.chunks.toFixed(0)} → ${batch.segment.toFixed(1)}`,
  );
  expect(single.chunks).toBeGreaterThan(1.5 * batch.chunks);
  expect(single.segment / batch.segment).toBeGreaterThan(0.95);
  expect(single.segment / batch.segment).toBeLessThan(1.05);
  expect(single.segment).toBeLessThan(1.1 * batch.chunks);
});
