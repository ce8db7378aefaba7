/** `scan --stored`: today's policy over what is stored already. It changes nothing; it says where an older policy let something through. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '../../core/json.ts';
import { flattenRecord } from '../../log/record.ts';
import { reservedNames } from '../../pipeline/build-record.ts';
import type { Applied, PrivacyEngine } from '../../privacy/engine.ts';
import { connectReader, type ConnectionOptions, dataDirOf } from '../connection.ts';
import { exitCodes } from '../exit.ts';
import { createProgress, print, printJson, say } from '../output.ts';
import { createPassingEngine } from '../policy-option.ts';
import { exampleTokens } from '../preview-event.ts';

export interface ScanStoredOptions extends ConnectionOptions {
  json?: boolean;
  newest?: number;
}

const pageMax = 1_000;

export async function runScanStored(options: ScanStoredOptions): Promise<void> {
  const engine = await createPassingEngine(options.policy ?? keptPolicy(options), { log: options.log });
  const connection = await connectReader(options);
  const progress = createProgress();
  const counts = new Map<string, number>();
  let records = 0;
  let found = 0;
  try {
    let cursor: string | undefined;
    do {
      const limit = Math.min(pageMax, (options.newest ?? Infinity) - records);
      const page = await connection.search(options.log, { q: '', limit, ...(cursor === undefined ? {} : { cursor }) });
      for (const { leafIndex, record } of page.events) {
        records++;
        const { policy, event } = takeApart(record);
        const missed = missedIn(engine, event);
        if (missed.length > 0) found++;
        for (const { pointer, kind, transform } of missed) {
          const by = `${kind} under ${policy}`;
          counts.set(by, (counts.get(by) ?? 0) + 1);
          if (options.json) printJson({ leafIndex, pointer, kind, transform, policy });
          else print(`leaf ${leafIndex}  ${pointer}  ${kind}, would ${transform}  (stored under ${policy})`);
        }
      }
      progress.update(`${records} records read, ${found} with something in them`);
      cursor = page.events.length === 0 ? undefined : page.nextCursor;
    } while (cursor !== undefined && records < (options.newest ?? Infinity));
  } finally {
    progress.end();
    await connection.close();
  }
  const summary = [...counts].toSorted((a, b) => b[1] - a[1]).map(([by, count]) => `${count} ${by}`);
  say(
    `${records} records read; ${found === 0 ? 'nothing that today’s policy would not have let through' : `${found} hold what today's policy takes out: ${summary.join(', ')}`}`,
  );
  if (found > 0) process.exitCode = exitCodes.wrong;
}

/** The policy in force in the data directory; elsewhere the default one. */
function keptPolicy(options: ScanStoredOptions): string | undefined {
  const kept = options.url === undefined ? join(dataDirOf(options), 'policy.yaml') : undefined;
  return kept !== undefined && existsSync(kept) ? kept : undefined;
}

/** The event's own members, and the policy they were stored under. */
function takeApart(record: JsonObject): { policy: string; event: JsonObject } {
  const { policy } = (record['privacy'] ?? {}) as { policy?: unknown };
  // What the server said about the event is not the event's.
  for (const name of reservedNames) delete record[name];
  return { policy: typeof policy === 'string' ? policy : 'an unknown policy', event: record };
}

/** What the policy would still do to an event. Doing again what was done (a year of a year) is no finding. */
function missedIn(engine: PrivacyEngine, event: JsonObject): Applied[] {
  const plan = engine.plan(event);
  if (plan.edits.length === 0) return [];
  const before = new Map(flattenRecord(event).map(({ pointer, value }) => [pointer, value]));
  const { event: after, applied } = engine.apply(plan, exampleTokens());
  const now = new Map(flattenRecord(after).map(({ pointer, value }) => [pointer, value]));
  return applied.filter(({ pointer }) => fieldAt(before, pointer) !== fieldAt(now, pointer));
}

/** An array of scalars is one field, whichever of its elements is meant. */
function fieldAt(fields: ReadonlyMap<string, string>, pointer: string): string | undefined {
  return fields.get(pointer) ?? fields.get(pointer.slice(0, pointer.lastIndexOf('/')));
}
