/** Data directories with logs of a given size, closed in order: each is made once and copied for every run. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openTrail } from '../../../src/server/compose.ts';
import { verifyStoredLog } from '../../../src/server/verify.ts';
import { RawLog } from './raw-log.ts';
import type { Seed } from './run.ts';

/** Around the first full tile; around the first full bucket, which is compacted, and the first tile of the second level. */
export const borders = { tile: [254, 255, 256, 257], bucket: [65_534, 65_535, 65_536, 65_537] } as const;

const batchEvents = 4_000;

/** Leaves at the end of a large seed that every run verifies again. */
const verifiedAgain = 1_000;

const opened = new Map<string, Promise<Seed>>();

/** The seed of a size below a directory, made unless it is there; verified once, all of it. */
export function openSeed(home: string, size: number): Promise<Seed> {
  const key = `${home} ${size}`;
  const known = opened.get(key) ?? openNew(home, size);
  opened.set(key, known);
  return known;
}

async function openNew(home: string, size: number): Promise<Seed> {
  const dir = join(home, `seed-${size}`);
  if (!existsSync(dir)) await makeSeed(dir, size);
  const { ok, problems } = await verifyStoredLog(dir, { log: 'default', others: true });
  if (!ok) throw new Error(`the seed of ${size} leaves: ${problems.map(({ code }) => code).join()}`);
  const verifiedTo = Math.floor((size - verifiedAgain) / 256) * 256;
  const checkpoint = readFileSync(join(dir, 'logs/default/checkpoint'), 'utf8');
  return {
    dir,
    size,
    logs: new Map(['default', '_system'].map((log) => [log, new RawLog(dir, log)])),
    ...(verifiedTo > 0 ? { resume: { verifiedTo, checkpoint } } : {}),
  };
}

async function makeSeed(dataDir: string, size: number): Promise<void> {
  const trail = await openTrail({ dataDir, workers: 1, origin: 'faults.example' });
  await trail.createLog('default');
  for (let from = 0; from < size; from += batchEvents) {
    const lines = Array.from({ length: Math.min(batchEvents, size - from) }, (_, i) => JSON.stringify(eventAt(`seed-${from + i}`)));
    await trail.append({ log: 'default', principal: 'seed', body: Buffer.from(lines.join('\n')), format: 'ndjson' });
  }
  await trail.close();
}

/** An event about somebody whom the vault does not know yet. */
export function eventAt(id: string): { id: string } & Record<string, unknown> {
  return { id, action: 'order.update', actor: { type: 'user', id: 'u', ...(id.startsWith('seed') ? {} : { email: `${id}@people.example.net` }) } };
}
