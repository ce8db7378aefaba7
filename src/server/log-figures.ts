/** Figures about logs: how long they are, how old their checkpoint is, how far the index has come. Read when somebody asks. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { FieldRegistry } from '../app/field-registry.ts';
import type { LogFigures } from '../app/trail.ts';
import type { LogInfo } from '../ledger/ledger.ts';
import type { IndexState } from '../search/indexer.ts';
import type { LogWitnessFigures } from '../witness/witnesses.ts';

/** A busy index answers between two steps of its work; nobody waits longer than this for it. */
const indexMsMax = 2_000;

export function logFigures(
  logs: readonly LogInfo[],
  logsDir: string,
  index: { state(log: string): Promise<IndexState> },
  registry: FieldRegistry,
  witnesses: (log: string) => LogWitnessFigures | undefined,
): Promise<LogFigures[]> {
  return Promise.all(
    logs.map(async ({ log, published }) => ({
      log,
      treeSize: published.treeSize,
      // A checkpoint is replaced as a whole, and only by the next one.
      checkpointAtMs: statSync(join(logsDir, log, 'checkpoint'), { throwIfNoEntry: false })?.mtimeMs,
      ...registry.figures(log),
      witnesses: witnesses(log),
      indexedTo: await soon(index.state(log).then(({ indexedTo }) => indexedTo)),
    })),
  );
}

/** Undefined when it takes too long, or fails. */
async function soon<T>(work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, indexMsMax, undefined)));
  try {
    return await Promise.race([work.catch(() => undefined), late]);
  } finally {
    clearTimeout(timer);
  }
}
