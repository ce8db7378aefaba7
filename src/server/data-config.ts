/** `config.json`: what a data directory is, written once when it is made. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, parseJson } from '../core/json.ts';
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
  if (!isJsonObject(value) || typeof value['format'] !== 'number' || typeof value['origin'] !== 'string' || Object.keys(value).length !== 2)
    throw damaged;
  if (value['format'] > format) throw new VeiltrailError('newer_format', `${dataDir} was made by a newer version of veiltrail`);
  return { origin: checkOrigin(value['origin']) };
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
  const config = { origin: checkOrigin(origin ?? `localhost/veiltrail/${toHex(random.bytes(4))}`) };
  replaceKeyFile(dataDir, configFileName, `${JSON.stringify({ format, ...config })}\n`);
  return config;
}

function readIfThere(dataDir: string): DataConfig | undefined {
  try {
    return readDataConfig(dataDir);
  } catch (error) {
    if (error instanceof VeiltrailError && error.code === 'data_dir_missing') return undefined;
    throw error;
  }
}

/** An origin leaves room for a log's name behind it. */
function checkOrigin(origin: string): string {
  const bytesMax = limits.originBytesMax - limits.logNameMax - 1;
  if (!isKeyName(origin) || utf8(origin).length > bytesMax || origin.includes('://') || origin.endsWith('/')) {
    throw new VeiltrailError('origin_invalid', `an origin is a URL without its scheme, such as audit.example.com, of ${bytesMax} bytes at the most`);
  }
  return origin;
}
