/** Requests for a second person, and approvers, of a data directory. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { RequestBook } from '../app/request-book.ts';
import type { SearchAnswer } from '../app/trail.ts';
import { systemClock } from '../core/clock.ts';
import type { JsonObject } from '../core/json.ts';
import { systemRandom } from '../core/random.ts';
import { openSqliteRequestSource, openSqliteRequestStore } from '../storage/sqlite/request-store.ts';
import type { RequestSource } from '../storage/request-store.ts';
import type { Keyring } from '../vault/keyring.ts';
import { createTextSealer } from '../vault/sealed-text.ts';
import { isJsonObject } from '../core/json.ts';
import type { DataConfig } from './data-config.ts';

export const requestsFileName = 'requests.db';

export interface OpenBook {
  book: RequestBook;
  close(): void;
}

/** For the one writer of the directory. @throws VeiltrailError those of `storage-error.ts` */
export function openRequests(dataDir: string, keyring: Keyring, config: DataConfig): OpenBook {
  return openedOn(openSqliteRequestStore(join(dataDir, requestsFileName)), keyring, config);
}

/** For reading beside whoever writes. A directory of an earlier version has no requests yet. */
export function openRequestsReader(dataDir: string, keyring: Keyring, config: DataConfig): OpenBook {
  const path = join(dataDir, requestsFileName);
  return openedOn(existsSync(path) ? openSqliteRequestSource(path) : nothing, keyring, config);
}

const nothing: RequestSource = {
  request: () => undefined,
  requests: () => [],
  count: () => 0,
  approvers: () => [],
  untold: () => [],
  fact: () => undefined,
  close: () => undefined,
};

const hourMs = 3_600_000;

function openedOn(store: RequestSource, keyring: Keyring, { requestDays, approvalHours }: DataConfig): OpenBook {
  const sealer = createTextSealer(keyring.secrets('seal'), 'requests', systemRandom);
  const times = { expiryMs: requestDays * 24 * hourMs, usableMs: approvalHours * hourMs };
  return { book: new RequestBook({ store, sealer, clock: systemClock, random: systemRandom, ...times }), close: () => store.close() };
}

/** Whether the log `_system` has it that a request was used. */
export async function wasUsed(request: string, search: (q: string) => Promise<SearchAnswer>): Promise<boolean> {
  const { events } = await search(`action:request.use id:${request}`);
  return events.some(({ record }) => isUseOf(record, request));
}

function isUseOf(record: JsonObject, request: string): boolean {
  const { action, targets } = record;
  return action === 'request.use' && Array.isArray(targets) && targets.some((target) => isJsonObject(target) && target['id'] === request);
}
