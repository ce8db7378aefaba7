/** The configuration file of `serve`: the command's options in YAML, so that a service needs one path and no secrets on its command line. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { VeiltrailError } from '../core/errors.ts';

export interface Config {
  data?: string;
  listen?: string;
  policy?: string;
  origin?: string;
  /** Logs to make when they are not there. */
  logs?: string[];
}

const texts = ['data', 'listen', 'policy', 'origin'] as const;

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
    else if (known || name === 'logs') throw new VeiltrailError('config_invalid', `${file}: ${name} must be ${known ? 'a text' : 'a list of texts'}`);
    else throw new VeiltrailError('config_invalid', `${file}: unknown setting ${name}; there are ${[...texts, 'logs'].join(', ')}`);
  }
  return config;
}
