/**
 * Canaries through the live policy: made-up values of every kind, in every position and encoding, are appended to a log of their own, and then
 * looked for in what the server gives out and in every file that was written meanwhile. Nothing is mocked: the events take the way of all events.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { encodeBase64 } from '../core/base64.ts';
import { concatBytes, toHex, utf8 } from '../core/bytes.ts';
import { ByteSearch } from '../core/byte-search.ts';
import type { JsonObject } from '../core/json.ts';
import type { Random } from '../core/random.ts';
import { type Canary, type CanaryEvent, plantCanaries, tracesOf } from '../privacy/canary.ts';
import type { Policy } from '../privacy/policy-model.ts';

export interface CanaryLeak {
  kind: string;
  position: string;
  encoding: string;
  /** `record`, or the file's path in the data directory. */
  where: string;
}

export interface CanaryReport {
  /** No leak, and no reason to think that a leak would not have been seen. */
  ok: boolean;
  /** The log they were appended to. */
  log: string;
  policy: string;
  planted: number;
  kinds: number;
  /** Kinds that the policy keeps: they are not planted. */
  kept: string[];
  leaks: CanaryLeak[];
  /** Events whose record did not come back as it should: nothing can be said about them. */
  unseen: number;
  files: number;
  seconds: number;
}

export interface CanaryParts {
  /** Whose rules hold. */
  policy: Policy;
  policyLabel: string;
  /** The log to append to. */
  log: string;
  /** Appends NDJSON and gives the leaves, in order. */
  append(body: Uint8Array): Promise<number[]>;
  /** A record as the server gives it out. */
  read(leafIndex: number): Promise<JsonObject | undefined>;
  /** Files written since then. */
  files(sinceMs: number): AsyncIterable<{ name: string; pieces: AsyncIterable<Uint8Array> }>;
  random: Random;
  nowMs: () => number;
  /** Encodings of each kind, drawn at random [all]. */
  encodingsEach?: number;
}

const action = 'canary.plant';
const batchEvents = 100;
/** File systems tell times in steps. */
const clockSlackMs = 2_000;

export async function runCanary(parts: CanaryParts): Promise<CanaryReport> {
  const startMs = parts.nowMs();
  const kept = Object.entries(parts.policy.kinds).flatMap(([kind, { transform }]) => (transform === 'keep' ? [kind] : []));
  const planting = plantCanaries(parts.random, {
    without: new Set(kept),
    ...(parts.encodingsEach === undefined ? {} : { encodingsEach: parts.encodingsEach }),
  });
  const report: CanaryReport = {
    ok: true,
    log: parts.log,
    policy: parts.policyLabel,
    planted: 0,
    kinds: 0,
    kept,
    leaks: [],
    unseen: 0,
    files: 0,
    seconds: 0,
  };
  const all: Canary[] = [];
  for (let batch = await takeSome(planting); batch.length > 0; batch = await takeSome(planting)) {
    const time = new Date(parts.nowMs()).toISOString();
    const leaves = await parts.append(utf8(batch.map(({ event }) => JSON.stringify({ time, ...event })).join('\n')));
    for (const [i, { canaries }] of batch.entries()) {
      const record = leaves[i] === undefined ? undefined : await parts.read(leaves[i]);
      if (record?.['action'] !== action) report.unseen++;
      else report.leaks.push(...canaries.filter(leaksInto(record)).map((one) => leakOf(one, 'record')));
      all.push(...canaries);
    }
  }
  await searchFiles(all, parts, startMs - clockSlackMs, report);
  report.planted = all.length;
  report.kinds = new Set(all.map(({ kind }) => kind)).size;
  report.ok = report.leaks.length === 0 && report.unseen === 0 && report.planted > 0;
  report.seconds = (parts.nowMs() - startMs) / 1000;
  return report;
}

/** The next events; other work has its turn between any two. */
async function takeSome(planting: Iterator<CanaryEvent>): Promise<CanaryEvent[]> {
  const batch: CanaryEvent[] = [];
  while (batch.length < batchEvents) {
    const { value, done } = planting.next();
    if (done) break;
    batch.push(value as CanaryEvent);
    await turn();
  }
  return batch;
}

function leaksInto(record: JsonObject): (canary: Canary) => boolean {
  // What the server says about the event names kinds and places.
  const { privacy: _, ...own } = record;
  const text = JSON.stringify(own).toLowerCase();
  return (canary) => tracesOf(canary).some((trace) => text.includes(trace));
}

function leakOf({ kind, position, encoding }: Canary, where: string): CanaryLeak {
  return { kind, position, encoding, where };
}

/** Files are looked through for what cannot stand there by chance. */
async function searchFiles(canaries: readonly Canary[], parts: CanaryParts, sinceMs: number, report: CanaryReport): Promise<void> {
  const search = new ByteSearch();
  // Planted in several encodings, a value is one needle.
  const byValue = new Map(canaries.flatMap((one) => (one.unique ? [[one.value, one] as const] : [])));
  for (const value of byValue.keys()) for (const form of formsOf(value)) search.add(form, value);
  for await (const { name, pieces } of parts.files(sinceMs)) {
    report.files++;
    for (const value of await search.find(pieces)) report.leaks.push(leakOf(byValue.get(value) as Canary, name));
    await turn();
  }
}

/** How a value may stand in a file: UTF-8, UTF-16, hex in both cases, base64 wherever its first byte falls. */
export function formsOf(value: string): Uint8Array[] {
  const bytes = utf8(value);
  const wide = new Uint8Array(2 * value.length);
  for (let i = 0; i < value.length; i++) {
    wide[2 * i] = value.charCodeAt(i) & 0xff;
    wide[2 * i + 1] = value.charCodeAt(i) >>> 8;
  }
  const hex = toHex(bytes);
  // The first characters depend on what stands before, the last on what follows.
  const shifted = [0, 1, 2].map((by) =>
    encodeBase64(concatBytes(new Uint8Array(by), bytes)).slice(Math.ceil((8 * by) / 6), Math.floor((8 * (by + bytes.length)) / 6)),
  );
  return [bytes, wide, ...[hex, hex.toUpperCase(), ...shifted].map(utf8)];
}
