/**
 * What `_system` says of the keys that sign logs: an event when they are others than when the server last told of them, whoever changed them.
 *
 *     signing-keys.json   {"format":1,"logs":{"<log>":["<vkey>", …]}}: what was told of, of mode 0600; a second key is the next one of a rotation
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { logNamePattern } from '../access/access-file.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../core/json.ts';
import { parseVerifierKey, signatureTypes } from '../log/note-key.ts';
import { readKeyFile, replaceKeyFile } from '../vault/key-file.ts';
import { readSigningKeys } from '../vault/rotate-signing-key.ts';
import { keysDirectory } from './data-files.ts';

export const signingKeysFileName = 'signing-keys.json';

/** As many bytes as 100,000 logs take; and as many values. */
const bytesMax = 33_554_432;
const bounds = { depthMax: 3, nodesMax: 1_000_000 };
const format = 1;

/** Keys by log: the one that signs, and the next one where a rotation is under way. A map, because a log may be called `constructor`. */
type KeysOfLogs = ReadonlyMap<string, readonly string[]>;

/**
 * An event for each log whose keys are others than when the server last told of them; the first start tells nothing.
 * @throws VeiltrailError `config_damaged`, `newer_format`
 */
export function signingKeyEvents(dataDir: string, logs: readonly string[]): { events: JsonObject[]; record: () => void } {
  const now = new Map(logs.map((log) => [log, keysOf(join(dataDir, keysDirectory), log)]));
  const before = readRecorded(dataDir);
  const events = [...now].flatMap(([log, keys]) => {
    const known = before?.get(log);
    return known && known.join() !== keys.join() ? [keyEvent(log, known, keys)] : [];
  });
  // A log that is gone stays on record: that it was there is for `verify` to know.
  const known = new Map([...(before ?? []), ...now]);
  const isNew = !before || formatRecorded(before) !== formatRecorded(known);
  return { events, record: () => (isNew ? replaceKeyFile(dataDir, signingKeysFileName, formatRecorded(known)) : undefined) };
}

/** Puts the keys of a log on record as they are, where nothing is: so that the next start tells of what is about to change. */
export function noteSigningKeys(dataDir: string, log: string): void {
  const before = readRecorded(dataDir) ?? new Map();
  if (before.has(log)) return;
  const known = new Map([...before, [log, keysOf(join(dataDir, keysDirectory), log)]]);
  replaceKeyFile(dataDir, signingKeysFileName, formatRecorded(known));
}

/** Logs that a start found. @throws VeiltrailError `config_damaged`, `newer_format` */
export function recordedLogs(dataDir: string): string[] {
  return [...(readRecorded(dataDir)?.keys() ?? [])];
}

function keysOf(dir: string, log: string): string[] {
  const { vkey, next } = readSigningKeys(dir, log);
  return [vkey, ...(next === undefined ? [] : [next])];
}

function formatRecorded(known: KeysOfLogs): string {
  return `${JSON.stringify({ format, logs: Object.fromEntries(known) })}\n`;
}

/** Whoever reads the file reads it here: a start and `verify` have the same of it to say. */
function readRecorded(dataDir: string): KeysOfLogs | undefined {
  if (!existsSync(join(dataDir, signingKeysFileName))) return undefined;
  let value: JsonValue;
  try {
    ({ value } = parseJson(readKeyFile(dataDir, signingKeysFileName, 'secret', bytesMax), bounds));
  } catch {
    throw damaged();
  }
  if (!isJsonObject(value) || typeof value['format'] !== 'number') throw damaged();
  if (value['format'] > format) {
    const where = signingKeysFileName;
    throw new VeiltrailError('newer_format', `${where} was made by a newer version of veiltrail`, { where });
  }
  const { format: version, logs, ...rest } = value;
  if (version !== format || !isJsonObject(logs) || Object.keys(rest).length > 0) throw damaged();
  return new Map(
    Object.entries(logs).map(([log, keys]) => {
      if (!logNamePattern.test(log) || !isKeys(keys)) throw damaged();
      return [log, keys];
    }),
  );
}

function isKeys(value: JsonValue): value is string[] {
  return Array.isArray(value) && (value.length === 1 || value.length === 2) && value.every(isKeyOfLog);
}

function isKeyOfLog(value: JsonValue): boolean {
  try {
    return typeof value === 'string' && parseVerifierKey(value).type === signatureTypes.ed25519;
  } catch {
    return false;
  }
}

function damaged(): VeiltrailError {
  return new VeiltrailError('config_damaged', `${signingKeysFileName} is damaged`, { where: signingKeysFileName });
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
