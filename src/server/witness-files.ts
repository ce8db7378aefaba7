/**
 * What a data directory keeps about witnesses, both of mode 0600 and under the seal:
 *
 *     witnesses.json   {"format":1,"mode":"flag"|"require","policy":"…","missing"?:[{"log","sinceMs","witnessedSize","told"?}]}: the policy in
 *                      force, C2SP tlog-policy, verbatim; and logs that were without its quorum for long when the file was written
 *     forks.json       {"format":1,"forks":[{"log","witness","vkey","kind","witnessSize","checkpoint","at","told"?,
 *                      "acknowledged"?:{"by","at","told"?}}]}:
 *                      histories that witnesses hold and the log does not; a log stays stopped until its fork is acknowledged; what has no
 *                      "told" is on no record yet
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, parseJson } from '../core/json.ts';
import { replaceKeyFile } from '../vault/key-file.ts';
import type { MissingQuorum } from './missing-quorums.ts';
import { type KnownFork, type WitnessMode, witnessModes } from '../witness/witnesses.ts';

const policyFile = 'witnesses.json';
const forksFile = 'forks.json';
const format = 1;

export interface StoredWitnessPolicy {
  mode: WitnessMode;
  policy: string;
  missing?: readonly MissingQuorum[];
}

/** @throws VeiltrailError `config_damaged`, `newer_format` */
export function readWitnessPolicy(dataDir: string): StoredWitnessPolicy | undefined {
  const value = readFile(dataDir, policyFile);
  if (!value) return undefined;
  const mode = witnessModes.find((one) => one === value['mode']);
  const { policy, missing = [] } = value;
  if (!mode || typeof policy !== 'string' || !Array.isArray(missing) || !missing.every(isMissing)) throw damaged(policyFile);
  return { mode, policy, missing };
}

/** Durable when it returns. */
export function writeWitnessPolicy(dataDir: string, { mode, policy, missing = [] }: StoredWitnessPolicy): void {
  const kept = { format, mode, policy, ...(missing.length > 0 ? { missing } : {}) };
  replaceKeyFile(dataDir, policyFile, `${JSON.stringify(kept)}\n`);
}

/** @throws VeiltrailError `config_damaged`, `newer_format`: a log that was stopped must not go on because its file cannot be read */
export function readForks(dataDir: string): KnownFork[] {
  const forks = readFile(dataDir, forksFile)?.['forks'] ?? [];
  if (!Array.isArray(forks) || !forks.every(isFork)) throw damaged(forksFile);
  return forks;
}

/** Durable when it returns. */
export function writeForks(dataDir: string, forks: readonly KnownFork[]): void {
  replaceKeyFile(dataDir, forksFile, `${JSON.stringify({ format, forks })}\n`);
}

function isFork(value: unknown): value is KnownFork {
  if (typeof value !== 'object' || value === null) return false;
  const { log, witness, vkey, kind, witnessSize, checkpoint, at, told, acknowledged } = value as Record<string, unknown>;
  const texts = [log, witness, vkey, checkpoint, at].every((one) => typeof one === 'string');
  return texts && (kind === 'ahead' || kind === 'refused') && typeof witnessSize === 'number' && isMark(told) && isDecision(acknowledged);
}

function isMissing(value: unknown): value is MissingQuorum {
  if (typeof value !== 'object' || value === null) return false;
  const { log, sinceMs, witnessedSize, told } = value as Record<string, unknown>;
  const isTime = typeof sinceMs === 'number' && sinceMs >= 0 && sinceMs <= 8.64e15; // what a Date can be
  return typeof log === 'string' && isTime && Number.isSafeInteger(witnessedSize) && isMark(told);
}

function isDecision(value: unknown): boolean {
  if (value === undefined) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { by, at, told } = value as Record<string, unknown>;
  return typeof by === 'string' && typeof at === 'string' && isMark(told);
}

function isMark(value: unknown): boolean {
  return value === undefined || typeof value === 'boolean';
}

function readFile(dataDir: string, name: string): Record<string, unknown> | undefined {
  const file = join(dataDir, name);
  if (!existsSync(file)) return undefined;
  let value: unknown;
  try {
    ({ value } = parseJson(readFileSync(file, 'utf8')));
  } catch {
    throw damaged(name);
  }
  if (!isJsonObject(value) || typeof value['format'] !== 'number') throw damaged(name);
  if (value['format'] > format) throw new VeiltrailError('newer_format', `${name} was made by a newer version of veiltrail`);
  return value;
}

function damaged(name: string): VeiltrailError {
  return new VeiltrailError('config_damaged', `${name} is damaged`, { where: name });
}
