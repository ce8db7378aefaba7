/**
 * What `_system` says of the keys that sign logs: an event when they are others than when the server last told of them, whoever changed them.
 *
 *     signing-keys.json   {"format":1,"logs":{"<log>":["<vkey>", …]}}: what was told of
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { readKeyFile, replaceKeyFile } from '../vault/key-file.ts';
import { readSigningKeys } from '../vault/rotate-signing-key.ts';
import { keysDirectory } from './data-files.ts';

export const signingKeysFileName = 'signing-keys.json';

/** An event for each log whose keys are others than when the server last told of them; the first start tells nothing. */
export function signingKeyEvents(dataDir: string, logs: readonly string[]): { events: JsonObject[]; record: () => void } {
  const now = Object.fromEntries(logs.map((log) => [log, keysOf(join(dataDir, keysDirectory), log)]));
  const before = existsSync(join(dataDir, signingKeysFileName)) ? readRecorded(dataDir) : undefined;
  const events = logs.flatMap((log) => {
    const known = before?.[log];
    const keys = now[log] as string[];
    return known && known.join() !== keys.join() ? [keyEvent(log, known, keys)] : [];
  });
  // A log that is gone stays on record: that it was there is for `verify` to know.
  const known = { ...before, ...now };
  const text = `${JSON.stringify({ format: 1, logs: known })}\n`;
  return {
    events,
    record: () => (before && JSON.stringify(before) === JSON.stringify(known) ? undefined : replaceKeyFile(dataDir, signingKeysFileName, text)),
  };
}

/** Puts the keys of a log on record as they are, where nothing is: so that the next start tells of what is about to change. */
export function noteSigningKeys(dataDir: string, log: string): void {
  const before = existsSync(join(dataDir, signingKeysFileName)) ? readRecorded(dataDir) : {};
  if (before[log]) return;
  const logs = { ...before, [log]: keysOf(join(dataDir, keysDirectory), log) };
  replaceKeyFile(dataDir, signingKeysFileName, `${JSON.stringify({ format: 1, logs })}\n`);
}

/** Logs that a start found. @throws VeiltrailError `config_damaged` */
export function recordedLogs(dataDir: string): string[] {
  return existsSync(join(dataDir, signingKeysFileName)) ? Object.keys(readRecorded(dataDir)) : [];
}

function keysOf(dir: string, log: string): string[] {
  const { vkey, next } = readSigningKeys(dir, log);
  return [vkey, ...(next === undefined ? [] : [next])];
}

function readRecorded(dataDir: string): Record<string, string[]> {
  try {
    return (JSON.parse(readKeyFile(dataDir, signingKeysFileName)) as { logs: Record<string, string[]> }).logs;
  } catch {
    throw new VeiltrailError('config_damaged', `${signingKeysFileName} is damaged`, { where: signingKeysFileName });
  }
}

function keyEvent(log: string, before: readonly string[], after: readonly string[]): JsonObject {
  return {
    source: 'veiltrail',
    action: 'log.key.change',
    category: 'config_change',
    crud: 'u',
    outcome: 'success',
    severity: 4,
    actor: { type: 'system', id: 'veiltrail' },
    targets: [{ type: 'log', id: log }],
    message: `the keys that sign log ${log} are others than before`,
    metadata: { before: [...before], after: [...after] },
  };
}
