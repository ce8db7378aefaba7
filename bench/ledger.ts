/**
 * The ledger alone: batches of 1,000 packed records of about 500 bytes go in, durable and published they come out. CPU is the whole process's
 * while it appends; records are made before the clock starts.
 *
 * node bench/ledger.ts [EVENTS [200000]]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '../src/core/random.ts';
import { concatBytes, toHex, uint64be } from '../src/core/bytes.ts';
import { commitFields } from '../src/log/commitment.ts';
import { createNoteSigner } from '../src/log/note-key.ts';
import { packedBytesMax, packRecord } from '../src/log/packed-record.ts';
import { flattenRecord } from '../src/log/record.ts';
import { Ledger } from '../src/ledger/ledger.ts';
import type { PackedBatch } from '../src/pipeline/packed-batch.ts';
import { dataDirPaths } from '../src/storage/data-dir.ts';
import { openFileTileStore } from '../src/storage/files/tile-store.ts';
import { openSqliteRecordStore } from '../src/storage/sqlite/record-store.ts';

const origin = 'bench.example/main';
const batchEvents = 1_000;

function makeBatch(receivedAtMs: number, count: number): PackedBatch {
  const parts: Uint8Array[] = [];
  const recordOffsets = new Uint32Array(count + 1);
  const commitments = new Uint8Array(32 * count);
  const idempotency = new Uint8Array(32 * count);
  for (let i = 0; i < count; i++) {
    const fields = flattenRecord(makeRecord(receivedAtMs, i));
    const seed = systemRandom.bytes(32);
    const room = new Uint8Array(packedBytesMax(fields));
    const packed = room.subarray(0, packRecord(room, 0, seed, fields));
    parts.push(packed);
    recordOffsets[i + 1] = (recordOffsets[i] as number) + packed.length;
    commitments.set(commitFields(origin, fields, seed), 32 * i);
    idempotency.set(concatBytes(uint64be(receivedAtMs - Math.floor(Math.random() * 1_000)), systemRandom.bytes(24)), 32 * i);
  }
  return { log: 'main', receivedAtMs, count, commitments, records: concatBytes(...parts), recordOffsets, idempotency, onConflict: 'refuse' };
}

function makeRecord(atMs: number, i: number): Parameters<typeof flattenRecord>[0] {
  const hex = (bytes: number): string => toHex(systemRandom.bytes(bytes));
  return {
    id: hex(12),
    time: new Date(atMs + i).toISOString(),
    receivedAt: new Date(atMs).toISOString(),
    action: ['user.login', 'document.read', 'document.share', 'role.assign'][i % 4] as string,
    outcome: i % 9 === 0 ? 'failure' : 'success',
    actor: { id: `tok_${hex(13)}`, type: 'user', ip: `192.0.${i % 256}.0/24`, name: `tok_${hex(13)}` },
    target: { id: `doc-${1_000 + (i % 5_000)}`, type: 'document' },
    source: { service: 'portal', version: '4.12.1', region: 'eu-central-1' },
    metadata: { session: hex(8), userAgent: 'Mozilla/5.0 (X11; Linux x86_64)', durationMs: i % 731 },
  };
}

async function open(dataDir: string): Promise<Ledger> {
  const paths = dataDirPaths(dataDir);
  const key = systemRandom.bytes(32);
  const signer = createNoteSigner(origin, systemRandom.bytes(32));
  const ledger = await Ledger.open({
    records: openSqliteRecordStore(paths.records),
    tiles: openFileTileStore(paths.logs),
    bucketKeys: { bucketKey: async () => key },
    signers: async () => [signer],
  });
  await ledger.createLog('main', origin);
  return ledger;
}

async function benchBatches(dataDir: string, events: number, under: number): Promise<void> {
  const ledger = await open(dataDir);
  const batches = Array.from({ length: events / batchEvents }, (_, i) => makeBatch(Date.now() + i, batchEvents));
  const bytes = batches.reduce((sum, batch) => sum + batch.records.length, 0);
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  let next = 0;
  const send = async (): Promise<void> => {
    for (let batch = batches[next++]; batch; batch = batches[next++]) await ledger.append(batch);
  };
  await Promise.all(Array.from({ length: under }, send));
  const ms = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpu);
  console.log(
    `${events} events of ${Math.round(bytes / events)} B, ${under} batches under way: ${Math.round((events / ms) * 1_000)} events/s, ` +
      `${((user + system) / events).toFixed(2)} µs CPU/event (system ${(system / events).toFixed(2)})`,
  );
  await ledger.close();
}

async function benchSingles(dataDir: string): Promise<void> {
  const ledger = await open(dataDir);
  const batches = Array.from({ length: 600 }, (_, i) => makeBatch(Date.now() + i, 1));
  const times: number[] = [];
  for (const batch of batches) {
    const startedMs = performance.now();
    await ledger.append(batch);
    times.push(performance.now() - startedMs);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  times.sort((a, b) => a - b);
  const at = (part: number): string => (times[Math.floor(times.length * part)] as number).toFixed(2);
  console.log(`single append, idle: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(0.9999)} ms`);
  await ledger.close();
}

/** One event a batch, many writers that each wait for their answer. */
async function benchWriters(dataDir: string, writers: number): Promise<void> {
  const ledger = await open(dataDir);
  const batches = Array.from({ length: 40_000 }, (_, i) => makeBatch(Date.now() + i, 1));
  const times: number[] = [];
  const startedMs = performance.now();
  let next = 0;
  const write = async (): Promise<void> => {
    for (let batch = batches[next++]; batch; batch = batches[next++]) {
      const sentMs = performance.now();
      await ledger.append(batch);
      times.push(performance.now() - sentMs);
    }
  };
  const cpu = process.cpuUsage();
  await Promise.all(Array.from({ length: writers }, write));
  const ms = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpu);
  times.sort((a, b) => a - b);
  const at = (part: number): string => (times[Math.floor(times.length * part)] as number).toFixed(1);
  console.log(
    `${writers} writers of single events: ${Math.round((batches.length / ms) * 1_000)} events/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ${((user + system) / batches.length).toFixed(1)} µs CPU/event`,
  );
  await ledger.close();
}

async function inTemporary(run: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'veiltrail-bench-'));
  try {
    await run(dataDir);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

const events = Number(process.argv[2] ?? 200_000);
await inTemporary((dataDir) => benchBatches(dataDir, events, 1));
await inTemporary((dataDir) => benchBatches(dataDir, events, 8));
await inTemporary(benchSingles);
await inTemporary((dataDir) => benchWriters(dataDir, 1));
await inTemporary((dataDir) => benchWriters(dataDir, 1_000));
