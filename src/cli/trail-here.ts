import type { OpenTrail, TrailOptions } from '../server/compose.ts';

/**
 * Opens a data directory that there is as its one writer, with no more threads than it takes, and closes it again.
 * @throws VeiltrailError `data_dir_missing`, `data_dir_in_use`, what `openTrail` throws, and what `use` throws
 */
export async function withTrailHere<T>(dataDir: string, use: (trail: OpenTrail) => Promise<T>, options: Partial<TrailOptions> = {}): Promise<T> {
  const { openTrail } = await import('../server/compose.ts');
  const { readDataConfig } = await import('../server/data-config.ts');
  readDataConfig(dataDir); // none is made here
  const trail = await openTrail({ workers: 1, ...options, dataDir });
  try {
    return await use(trail);
  } finally {
    await trail.close();
  }
}
