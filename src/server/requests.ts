/** Requests for a second person, and approvers, of a data directory. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { personOf, personSecret } from '../access/person.ts';
import type { AccessRecorder } from '../app/access-recorder.ts';
import { RequestBook } from '../app/request-book.ts';
import { StoredRequestDesk } from '../app/request-desk.ts';
import { approvedBy, refusalEntry } from '../app/request-events.ts';
import type { ApprovalMode } from '../app/requests.ts';
import type { SearchAnswer } from '../app/trail.ts';
import { systemClock } from '../core/clock.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import { systemRandom } from '../core/random.ts';
import { policyDigest } from '../privacy/policy-digest.ts';
import type { Policy } from '../privacy/policy-model.ts';
import { openSqliteRequestSource, openSqliteRequestStore } from '../storage/sqlite/request-store.ts';
import type { RequestSource } from '../storage/request-store.ts';
import { type Keyring, openKeyring } from '../vault/keyring.ts';
import { createTextSealer } from '../vault/sealed-text.ts';
import { digestRequest } from '../verify/request.ts';
import { type DataConfig, readDataConfig } from './data-config.ts';
import { keysDirectory } from './data-files.ts';
import type { PolicyGate } from './policy-in-force.ts';

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

/** Opens the book of a data directory for reading, whether or not a server has it. @throws VeiltrailError as its parts do */
export function readRequests(dataDir: string): OpenBook & { mode: ApprovalMode } {
  const config = readDataConfig(dataDir);
  const keyring = openKeyring(join(dataDir, keysDirectory), { create: false });
  return { ...openRequestsReader(dataDir, keyring, config), mode: config.approvals };
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

export interface DeskParts {
  dataDir: string;
  book: RequestBook;
  mode: ApprovalMode;
  /** Appends events to `_system`; durable and published when it resolves. */
  append: (events: JsonObject[]) => Promise<void>;
  access: AccessRecorder;
  /** Where the server is reached: see `RequestDesk.origin`. */
  origin?: string | undefined;
  /** Searches `_system`. */
  search: (q: string) => Promise<SearchAnswer>;
}

/** The desk of a running trail, not started yet. */
export function createRequestDesk({ dataDir, book, mode, append, access, origin, search }: DeskParts): StoredRequestDesk {
  return new StoredRequestDesk({
    book,
    mode,
    origin,
    tell: (event) => append([event]),
    async record(entry) {
      try {
        await access.write(entry);
      } catch {
        // The disk takes nothing now: it is refused all the same, and told as soon as it can be.
        access.note(entry);
      }
    },
    personOf: (identity) => personOf(identity, personSecret(dataDir)),
    wasUsed: (request) => wasUsed(request, search),
  });
}

/** What is asked for, and approved: that the policy of this text comes into force. */
export function policyDetail(text: string, { name, version }: Policy): JsonObject {
  return { digest: policyDigest(text), name, version };
}

/** In the book: the policy that is being put in force, and the request that was used for it. */
const policyFact = 'policy';

/**
 * Lets a policy that protects less into force only if a second person approved it, where two are needed. A crash between the use of the request
 * and the event that tells of the policy: the next start goes on with it.
 */
export function createPolicyGate(book: RequestBook, mode: ApprovalMode): PolicyGate {
  const action = 'policy.change';
  return {
    permit(text, policy) {
      if (!book.needsTwo(mode)) return approvedBy([]);
      const detail = policyDetail(text, policy);
      const digest = digestRequest(action, detail);
      const [begun, request = ''] = (book.fact(policyFact) ?? '').split(' ');
      if (begun === digest) return approvedBy(book.show(request).decisions, request);
      for (const { id, digest: approved } of book.list({ state: 'approved' })) {
        if (approved !== digest) continue;
        const { approvals, change } = book.usable({ action, detail, principal: 'local', request: id });
        if (book.commit({ ...change, fact: { name: policyFact, value: `${digest} ${id}` } })) return approvedBy(approvals, id);
      }
      book.commit({ untold: [book.event(refusalEntry({ action, principal: 'local', digest }, 'approval_needed'))] });
      return undefined;
    },
    done() {
      if (book.fact(policyFact)) book.commit({ fact: { name: policyFact, value: '' }, untold: [] });
    },
  };
}
