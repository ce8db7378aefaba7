/** The configuration file of `serve`: the command's options in YAML, so that a service needs one path and no secrets on its command line. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { type AlertSettings, readAlertSettings } from '../alerts/rules-file.ts';
import { VeiltrailError } from '../core/errors.ts';
import { type WitnessMode, witnessModes } from '../witness/witnesses.ts';
import { type ForwardConfig, readForwardConfig } from './forward-config.ts';
import { type AccessConfig, type AccessSetting, accessSettings, readAccessSetting } from './access-config.ts';

export interface Config extends AccessConfig {
  data?: string;
  listen?: string;
  policy?: string;
  origin?: string;
  /** Where browsers reach the server. */
  publicUrl?: string;
  /** Logs to make when they are not there. */
  logs?: string[];
  /** A policy file of witnesses (C2SP tlog-policy), and what a missing quorum means: `flag` or `require`. */
  witnessPolicy?: string;
  witnessMode?: WitnessMode;
  /** Hours between two runs of canaries, and of retention; 0: never. */
  canaryHours?: number;
  retentionHours?: number;
  /** Hours between two passes in which the server verifies all that it stores (0: never), and the per cent of one core that one may take. */
  verifyHours?: number;
  verifyShare?: number;
  /** Rules for alerts, as `alerts/rules-file.ts` reads them. */
  alerts?: AlertSettings;
  /** Where checkpoints are anchored, as `anchor/targets.ts` reads it. */
  anchors?: unknown[];
  /** Secrets and the directory that forwarders may use. */
  forwarding?: ForwardConfig;
}

const hours = ['canaryHours', 'retentionHours', 'verifyHours'] as const;

function isHours(name: string): name is (typeof hours)[number] {
  return hours.some((one) => one === name);
}

const texts = ['data', 'listen', 'policy', 'origin', 'publicUrl', 'witnessPolicy'] as const;

/** @throws VeiltrailError `config_unreadable`, `config_invalid` */
export function readConfig(file: string): Config {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new VeiltrailError('config_unreadable', `${file}: cannot be read`);
  }
  let value: unknown;
  try {
    value = parse(text) ?? {};
  } catch (error) {
    throw new VeiltrailError('config_invalid', `${file}: not YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new VeiltrailError('config_invalid', `${file}: must be a list of names and values`);
  const config: Config = {};
  for (const [name, setting] of Object.entries(value)) {
    const known = texts.find((one) => one === name);
    if (known && typeof setting === 'string') config[known] = setting;
    else if (name === 'logs' && Array.isArray(setting) && setting.every((one) => typeof one === 'string')) config.logs = setting;
    else if (isHours(name) && typeof setting === 'number' && setting >= 0 && setting <= 500) config[name] = setting;
    else if (name === 'alerts') config.alerts = readAlertSettings(text, file);
    else if (name === 'anchors' && Array.isArray(setting)) config.anchors = setting;
    else if (name === 'anchors') throw new VeiltrailError('config_invalid', `${file}: anchors must be a list of targets`);
    else if (name === 'witnessMode') config.witnessMode = parseWitnessMode(setting, file);
    else if (name === 'verifyShare') config.verifyShare = parseShare(setting, file);
    else if (isHours(name)) throw new VeiltrailError('config_invalid', `${file}: ${name} must be a number of hours, 0 to 500`);
    else if (known || name === 'logs') throw new VeiltrailError('config_invalid', `${file}: ${name} must be ${known ? 'a text' : 'a list of texts'}`);
    else if (name === 'forwarding') config.forwarding = inFile(file, () => readForwardConfig(setting));
    else if (accessSettings.some((one) => one === name))
      Object.assign(
        config,
        inFile(file, () => readAccessSetting(name as AccessSetting, setting)),
      );
    else
      throw new VeiltrailError(
        'config_invalid',
        `${file}: unknown setting ${name}; there are ${[...texts, ...accessSettings, 'logs', ...hours, 'verifyShare', 'anchors', 'alerts', 'forwarding'].join(', ')}`,
      );
  }
  return config;
}

function parseShare(value: unknown, file: string): number {
  if (typeof value === 'number' && value > 0 && value <= 100) return value;
  throw new VeiltrailError('config_invalid', `${file}: verifyShare must be a per cent of one core, above 0, 100 at the most`);
}

function inFile<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new VeiltrailError('config_invalid', `${file}: ${(error as Error).message}`);
  }
}

/** @param where what says so, for the message @throws VeiltrailError `config_invalid` */
export function parseWitnessMode(value: unknown, where: string): WitnessMode {
  const mode = witnessModes.find((one) => one === value);
  if (!mode) throw new VeiltrailError('config_invalid', `${where}: a witness mode is ${witnessModes.join(' or ')}`);
  return mode;
}
