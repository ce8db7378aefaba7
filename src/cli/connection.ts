/** Where a command works: on a server (`--url`, `--key`) or on a data directory (`--data`). One set of options, one interface. */
import { readFileSync } from 'node:fs';
import { Option, type Command } from 'commander';
import type { AppendAnswer, AppendRequest } from '../app/append-events.ts';
import type { Reasons } from '../app/look-up-report.ts';
import type { FoundEvent, SearchAnswer, SearchRequest } from '../app/trail.ts';
import { VeiltrailError } from '../core/errors.ts';
import { say } from './output.ts';

export interface ConnectionOptions {
  data?: string;
  url?: string;
  key?: string;
  log: string;
  policy?: string;
  origin?: string;
}

export interface Connection {
  append(request: Omit<AppendRequest, 'principal'>): Promise<AppendAnswer>;
  search(log: string, request: SearchRequest & Reasons): Promise<SearchAnswer>;
  readEvent(log: string, leafIndex: number): Promise<FoundEvent | undefined>;
  proveEvent(log: string, leafIndex: number): Promise<string | undefined>;
  checkpoint(log: string): Promise<string | undefined>;
  close(): Promise<void>;
}

export const dataDefault = './veiltrail-data';

/** Adds `--data`, `--url`, `--key` and `--log` to a command. */
export function addConnectionOptions(command: Command): Command {
  return command
    .addOption(new Option('--data <dir>', `the data directory [${dataDefault}]`).env('VEILTRAIL_DATA'))
    .addOption(new Option('--url <url>', 'a server instead').env('VEILTRAIL_URL'))
    .addOption(
      new Option('--key <key>', 'its API key, or @FILE that holds it (other users of this machine can see a key in the process list)').env(
        'VEILTRAIL_KEY',
      ),
    )
    .option('--log <name>', 'the log', 'default');
}

/** Opens what the options name, for reading. */
export async function connectReader(options: ConnectionOptions): Promise<Omit<Connection, 'append'>> {
  if (options.url !== undefined) return openServer(options.url, options.key);
  const { openTrailReader } = await import('../server/open-reader.ts');
  return openTrailReader(dataDirOf(options));
}

/** Opens what the options name, for writing; a data directory is created when there is none. */
export async function connectWriter(options: ConnectionOptions): Promise<Connection> {
  if (options.url !== undefined) return openServer(options.url, options.key);
  const { openTrail } = await import('../server/compose.ts');
  const trail = await openTrail({
    dataDir: dataDirOf(options),
    ...(options.policy === undefined ? {} : { policyFile: options.policy }),
    ...(options.origin === undefined ? {} : { origin: options.origin }),
  });
  for (const warning of trail.policyWarnings) say(`warning ${warning}`);
  try {
    await trail.createLog(options.log);
  } catch (error) {
    await trail.close();
    throw error;
  }
  return {
    append: (request) => trail.append({ ...request, principal: 'local' }),
    search: (log, request) => trail.search(log, request),
    readEvent: (log, leafIndex) => trail.readEvent(log, leafIndex),
    proveEvent: (log, leafIndex) => trail.proveEvent(log, leafIndex),
    checkpoint: (log) => trail.checkpoint(log),
    close: () => trail.close(),
  };
}

async function openServer(url: string, key: string | undefined): Promise<Connection> {
  const { openRemote } = await import('./remote.ts');
  return openRemote(url, readKey(key));
}

export function dataDirOf(options: { data?: string }): string {
  return options.data ?? process.env['VEILTRAIL_DATA'] ?? dataDefault;
}

export function readKey(key: string | undefined): string {
  if (key === undefined)
    throw new VeiltrailError('unauthenticated', 'a server wants an API key: --key @FILE, or the environment variable VEILTRAIL_KEY');
  if (!key.startsWith('@')) return key;
  try {
    return readFileSync(key.slice(1), 'utf8').trim();
  } catch {
    throw new VeiltrailError('key_unreadable', `${key.slice(1)}: cannot be read`);
  }
}

/** A leaf index as people write it: decimal digits. */
export function parseLeaf(text: string): number {
  const leafIndex = /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(leafIndex)) throw new VeiltrailError('leaf_invalid', 'a leaf index is a number: 0, 1, 2 …');
  return leafIndex;
}

export function notFound(log: string, leafIndex: number): VeiltrailError {
  return new VeiltrailError('not_found', `log ${log} has no leaf ${leafIndex}`);
}
