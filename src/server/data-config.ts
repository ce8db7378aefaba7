/**
 * `config.json`: what a data directory is, written once when it is made. By hand may be added, while no server runs: `approvals` (`auto`,
 * `required`, `single`), `requestDays` (1 to 365), `approvalHours` (1 to 720); the log tells of another `approvals` at the next start.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ApprovalMode, approvalModes } from '../app/requests.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonValue, parseJson } from '../core/json.ts';
import { limits } from '../core/limits.ts';
import type { Random } from '../core/random.ts';
import { toHex, utf8 } from '../core/bytes.ts';
import { isKeyName } from '../log/note.ts';
import { replaceKeyFile } from '../vault/key-file.ts';

export const configFileName = 'config.json';
const format = 1;

export interface DataConfig {
  /** Of the installation; a log's origin is `<origin>/<log>`. */
  origin: string;
  /** When a second person is needed [auto]. */
  approvals: ApprovalMode;
  /** After so many days nobody may decide a request any more [7]. */
  requestDays: number;
  /** So many hours after it was signed, an approval may be used [24]. */
  approvalHours: number;
}

/** @throws VeiltrailError `data_dir_missing`, `config_missing` (but records are there), `config_damaged`, `newer_format` */
export function readDataConfig(dataDir: string): DataConfig {
  let text: string;
  try {
    text = readFileSync(join(dataDir, configFileName), 'utf8');
  } catch {
    if (existsSync(join(dataDir, 'records.db')))
      throw new VeiltrailError('config_missing', `${configFileName} is missing`, { where: configFileName });
    throw new VeiltrailError('data_dir_missing', `${dataDir} is not a data directory: it has no ${configFileName}`);
  }
  const damaged = new VeiltrailError('config_damaged', `${configFileName} is damaged`, { where: configFileName });
  let value: unknown;
  try {
    ({ value } = parseJson(text));
  } catch {
    throw damaged;
  }
  if (!isJsonObject(value) || typeof value['format'] !== 'number' || typeof value['origin'] !== 'string') throw damaged;
  if (value['format'] > format) throw new VeiltrailError('newer_format', `${dataDir} was made by a newer version of veiltrail`);
  const { format: _format, origin, approvals: mode = 'auto', requestDays = 7, approvalHours = 24, ...rest } = value;
  const approvals = approvalModes.find((one) => one === mode);
  if (approvals === undefined || !isWhole(requestDays, 365) || !isWhole(approvalHours, 720) || Object.keys(rest).length > 0) throw damaged;
  return { origin: checkOrigin(origin as string), approvals, requestDays, approvalHours };
}

/**
 * Reads the configuration, or makes it.
 * @param origin wanted; another one than is there already is refused, because every commitment is bound to it
 * @throws VeiltrailError as {@link readDataConfig}, and `origin_fixed`, `origin_invalid`
 */
export function openDataConfig(dataDir: string, origin: string | undefined, random: Random): DataConfig {
  const existing = readIfThere(dataDir);
  if (existing) {
    if (origin !== undefined && origin !== existing.origin) {
      throw new VeiltrailError('origin_fixed', `this data directory has the origin ${existing.origin}; an origin cannot be changed`);
    }
    return existing;
  }
  const made = { origin: checkOrigin(origin ?? `localhost/veiltrail/${toHex(random.bytes(4))}`) };
  replaceKeyFile(dataDir, configFileName, `${JSON.stringify({ format, ...made })}\n`);
  return readDataConfig(dataDir);
}

function readIfThere(dataDir: string): DataConfig | undefined {
  try {
    return readDataConfig(dataDir);
  } catch (error) {
    if (error instanceof VeiltrailError && error.code === 'data_dir_missing') return undefined;
    throw error;
  }
}

function isWhole(value: JsonValue, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max;
}

/** An origin leaves room for a log's name behind it. */
function checkOrigin(origin: string): string {
  const bytesMax = limits.originBytesMax - limits.logNameMax - 1;
  if (!isKeyName(origin) || utf8(origin).length > bytesMax || origin.includes('://') || origin.endsWith('/')) {
    throw new VeiltrailError('origin_invalid', `an origin is a URL without its scheme, such as audit.example.com, of ${bytesMax} bytes at the most`);
  }
  return origin;
}
